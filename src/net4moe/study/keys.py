"""Keys of a study: training, evaluation, practice and planning never share chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import jax

if TYPE_CHECKING:
    from jaxtyping import Array, Key

__all__ = ["Purpose", "seeded_key"]

Purpose: TypeAlias = Literal["training", "evaluation", "practice", "planning"]
"""What a key is for."""

_NUMBERS: dict[Purpose, int] = {"training": 0, "evaluation": 1, "practice": 2, "planning": 3}


def seeded_key(root: int, purpose: Purpose, seed: int) -> Key[Array, ""]:
    """Make the key of one seed for one purpose.

    Args:
      root: root of all randomness.
      purpose: what it is for; different purposes have different chance.
      seed: the seed.
    """
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(root), _NUMBERS[purpose]), seed)
