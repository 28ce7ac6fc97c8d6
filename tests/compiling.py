"""How well tests compile: quickly as a rule (`conftest.py`), but well what computes longer than it compiles."""

from collections.abc import Iterator
from contextlib import contextmanager

import jax


@contextmanager
def optimised() -> Iterator[None]:
    """Optimise what is compiled here; what was compiled before stays as it is."""
    usual = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    try:
        yield
    finally:
        jax.config.update("jax_disable_most_optimizations", usual)
