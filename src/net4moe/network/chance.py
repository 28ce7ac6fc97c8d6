"""Random numbers from a JAX key or from a NumPy generator, by one name each.

A JAX key draws JAX arrays and may be compiled; a `numpy.random.Generator` draws NumPy arrays without JAX.
The two give different numbers of the same law.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["Chance", "gamma", "normal", "split", "uniform"]

Chance = Any
"""A JAX key or a `numpy.random.Generator`."""

_LEAST_UNIFORM = 1e-7


def _check(key: Chance) -> None:
    """Refuse a seed in the place of a key."""
    if isinstance(key, int):
        message = f"`key` must be a JAX key or a NumPy generator, got the number {key}."
        raise TypeError(message)


def split(key: Chance, count: int) -> Sequence[Chance]:
    """Split a key into independent ones.

    Raises:
      TypeError: the key is a plain number.
    """
    _check(key)
    if isinstance(key, np.random.Generator):
        return key.spawn(count)
    import jax  # here, since a gateway draws with NumPy alone

    return list(jax.random.split(key, count))


def uniform(key: Chance, shape: tuple[int, ...]) -> Any:
    """Draw numbers between 0 and 1, both excluded."""
    if isinstance(key, np.random.Generator):
        return key.uniform(_LEAST_UNIFORM, 1.0, shape)
    import jax

    return jax.random.uniform(key, shape, minval=_LEAST_UNIFORM)


def normal(key: Chance, shape: tuple[int, ...]) -> Any:
    """Draw standard normal numbers."""
    if isinstance(key, np.random.Generator):
        return key.standard_normal(shape)
    import jax

    return jax.random.normal(key, shape)


def gamma(key: Chance, shape_parameter: Any, shape: tuple[int, ...]) -> Any:
    """Draw from the gamma distribution of scale 1."""
    if isinstance(key, np.random.Generator):
        return key.standard_gamma(shape_parameter, shape)
    import jax

    return jax.random.gamma(key, shape_parameter, shape)
