"""Tell environments apart, so that nothing is compared or gone on with in another one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import jax
import numpy as np

if TYPE_CHECKING:
    from net4moe.environment.episodes import Environment

__all__ = ["fingerprint"]


def fingerprint(environment: Environment) -> str:
    """Compute the fingerprint of an environment: its kind and version, arrays, rules, chances and prices.

    Returns:
      Kind, version and 64 hexadecimal digits, with spaces between them.
    """
    digest = hashlib.sha256(str(jax.tree.structure(environment)).encode())
    for leaf in jax.tree.leaves(environment):
        array = np.asarray(leaf)
        digest.update(f"{array.dtype} {array.shape} ".encode() + array.tobytes())
    return f"{type(environment).__name__} {environment.version} {digest.hexdigest()}"
