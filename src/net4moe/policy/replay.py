"""A ring of transitions to learn from again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, Key

    from net4moe.environment.observation import Observation

__all__ = ["Replay", "Transition", "create", "extend", "first_transition", "sample"]


class Transition(NamedTuple):
    """One step, or a batch of them on the first axes.

    Attributes:
      observation_tm1: before the choice.
      a_tm1: the chosen device.
      r_t: the reward.
      discount_t: discount of what follows; 0 where the episode terminated, not where it was cut short.
      observation_t: after the choice; of the same episode, also where that is over.
    """

    observation_tm1: Observation
    a_tm1: Int[Array, "*batch"]
    r_t: Float[Array, "*batch"]
    discount_t: Float[Array, "*batch"]
    observation_t: Observation


class Replay(NamedTuple):
    """The transitions kept, and how many have ever been added.

    Attributes:
      kept: transitions; the first axis is the capacity.
      num_added: how many have been added.
    """

    kept: Transition
    num_added: Int[Array, ""]


def first_transition(observations: Observation) -> Transition:
    """Make a transition without a batch axis, as an example for `create`, from a batch of observations."""
    observation = jax.tree.map(lambda leaf: leaf[0], observations)
    number = jnp.zeros(())
    return Transition(observation, jnp.zeros((), jnp.int32), number, number, observation)


def create(example: Transition, capacity: int) -> Replay:
    """Make an empty ring for transitions of the example's shapes and types, which have no batch axis."""
    kept = jax.tree.map(lambda leaf: jnp.zeros((capacity, *leaf.shape), leaf.dtype), example)
    return Replay(kept=kept, num_added=jnp.zeros((), jnp.int32))


def extend(replay: Replay, batch: Transition) -> Replay:
    """Add a batch, over the oldest once the ring is full; the capacity is a multiple of the batch."""
    capacity = replay.kept.r_t.shape[0]
    start = replay.num_added % capacity
    kept = jax.tree.map(
        lambda ring, rows: jax.lax.dynamic_update_slice_in_dim(ring, rows, start, axis=0), replay.kept, batch
    )
    return Replay(kept=kept, num_added=replay.num_added + batch.r_t.shape[0])


def sample(replay: Replay, key: Key[Array, ""], batch_size: int) -> Transition:
    """Draw transitions with replacement from those kept."""
    filled = jnp.minimum(replay.num_added, replay.kept.r_t.shape[0])
    share = jax.random.uniform(key, (batch_size,))  # takes half as long to compile as integers
    index = jnp.minimum((share * filled).astype(jnp.int32), filled - 1)
    return jax.tree.map(lambda ring: ring[index], replay.kept)
