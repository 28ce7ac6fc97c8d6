"""The ring keeps the newest transitions."""

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment import Observation
from net4moe.policy.replay import Replay, Transition, create, extend, first_transition, sample


def transitions(rewards: list[float]) -> Transition:
    """Make transitions that differ in their reward only."""
    count = len(rewards)
    observation = Observation(
        jnp.zeros((count, 3, 5)), jnp.zeros((count, 2)), jnp.ones((count, 3), jnp.bool_)
    )
    return Transition(
        observation,
        jnp.zeros(count, jnp.int32),
        jnp.array(rewards),
        jnp.ones(count),
        observation,
    )


def filled(*batches: list[float], capacity: int) -> Replay:
    """Fill a ring with batches."""
    example = jax.tree.map(lambda leaf: leaf[0], transitions([0.0]))
    replay = create(example, capacity)
    for batch in batches:
        replay = extend(replay, transitions(batch))
    return replay


def test_the_newest_push_out_the_oldest() -> None:
    """A ring of four after six."""
    replay = filled([1.0, 2.0], [3.0, 4.0], [5.0, 6.0], capacity=4)
    np.testing.assert_array_equal([5, 6, 3, 4], replay.kept.r_t)
    assert int(replay.num_added) == 6


def test_only_what_was_added_is_drawn_and_evenly() -> None:
    """A ring of eight that holds four gives each of them a quarter of the time."""
    replay = filled([1.0, 2.0], [3.0, 4.0], capacity=8)
    drawn = np.asarray(sample(replay, jax.random.key(0), 4_000).r_t).astype(int)
    counts = np.bincount(drawn, minlength=5)
    assert counts[0] == 0
    assert np.all(np.abs(counts[1:] - 1_000) < 5 * np.sqrt(750))


def test_the_example_has_no_batch_axis() -> None:
    """It has the shapes of one environment's observation."""
    example = first_transition(transitions([1.0, 2.0]).observation_tm1)
    assert example.observation_t.devices.shape == (3, 5)
    assert example.r_t.shape == example.a_tm1.shape == ()
