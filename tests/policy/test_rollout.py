"""Environments that go on from one episode to the next."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import CONTEXT_FEATURES
from net4moe.policy.rollout import Players, Rollout, advance, begin_episodes
from tests import probes

LOAD = CONTEXT_FEATURES.index("load")


def play(probe: probes.Probe, num_steps: int, action: int = 0) -> tuple[Players, Rollout]:
    """Always make the same choice in three environments, on four tapes."""
    tapes = jax.vmap(probe.tape)(jax.random.split(jax.random.key(0), 4), jnp.arange(4))
    players = begin_episodes(probe, tapes, 3)
    return advance(
        probe,
        players,
        lambda observation, uniform: jnp.full(observation.device_mask.shape[0], action),
        jax.random.key(1),
        tapes,
        num_steps=num_steps,
        discount=0.5,
    )


def test_an_end_is_not_a_limit() -> None:
    """Nothing follows an end; a limit is only where the count stops, and what follows still counts."""
    _, ends = play(probes.reward_later(), 5)
    np.testing.assert_array_equal([0.5, 0.0, 0.5, 0.0, 0.5], ends.transitions.discount_t[:, 0])
    np.testing.assert_array_equal([False, True, False, True, False], ends.ended[:, 0])
    _, limits = play(probes.endless(2), 4)
    np.testing.assert_array_equal([0.5] * 4, limits.transitions.discount_t[:, 0])
    np.testing.assert_array_equal([False, True, False, True], limits.ended[:, 0])


def test_rewards_are_added_up_within_an_episode() -> None:
    """1, 2, 3 and again; discounted by half 1, 1.5, 1.75."""
    players, rollout = play(probes.endless(3), 4)
    np.testing.assert_array_equal([1, 2, 3, 1], rollout.earned[:, 1])
    np.testing.assert_array_equal([1, 1.5, 1.75, 1], rollout.discounted[:, 1])
    np.testing.assert_array_equal([1, 1, 1], players.earned)


def test_the_last_observation_is_of_its_own_episode() -> None:
    """Cut short in the second place: the transition shows it, and the next one begins in the first."""
    probe = probes.Probe([[0.0], [0.0]], [[1], [1]], greatest_length=2)
    _, rollout = play(probe, 3)
    first, second = -1.0, 0.0  # places 0 and 1 of 3, from -1 to 1
    np.testing.assert_allclose(
        [first, second, first], rollout.transitions.observation_tm1.context[:, 0, LOAD]
    )
    np.testing.assert_allclose(
        [second, second, second], rollout.transitions.observation_t.context[:, 0, LOAD]
    )


def test_episodes_begin_on_one_tape_after_the_other() -> None:
    """Three environments end in each of three steps; after the fourth tape comes the first."""
    players, _ = play(probes.constant_reward(), 3)
    assert int(players.num_begun) == 12
    np.testing.assert_array_equal([1, 2, 3], players.state.tape.episode)


@pytest.mark.parametrize("action", [0, 1])
def test_random_numbers_are_fresh_in_each_step(action: int) -> None:
    """One more than devices, in [0, 1), never the same twice."""
    probe = probes.constant_reward()
    tapes = jax.vmap(probe.tape)(jax.random.split(jax.random.key(0), 4), jnp.arange(4))
    seen: list[jax.Array] = []

    def choose(observation: object, uniform: jax.Array) -> jax.Array:
        jax.debug.callback(seen.append, uniform)
        return jnp.full(2, action)

    players = begin_episodes(probe, tapes, 2)
    advance(probe, players, choose, jax.random.key(1), tapes, num_steps=3, discount=0.5)
    jax.effects_barrier()
    numbers = np.stack([np.asarray(one) for one in seen])
    assert numbers.shape == (3, 2, 4)
    assert np.unique(numbers).size == numbers.size
    assert np.all((numbers >= 0) & (numbers < 1))
