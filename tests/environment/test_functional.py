"""The environment in the form of gymnax: six values, and an end that begins anew."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.functional import FunctionalSelection
from net4moe.environment.scenarios import scenario

SELECTION = scenario("backlog").small
FRONT = FunctionalSelection(selection=SELECTION)
NUM_STEPS = 32


def test_an_end_begins_the_next_episode() -> None:
    """The observation and the state are the next episode's, `final_observation` is the last one's."""
    keys = jax.random.split(jax.random.key(1), NUM_STEPS)
    _, state = FRONT.reset(jax.random.key(0))
    expected = FRONT.step_env(keys[0], state, 0, FRONT.default_params)[0]
    np.testing.assert_allclose(expected, FRONT.step(keys[0], state, 0)[0], rtol=1e-6)
    for key in keys[:-1]:
        _, state, reward, terminated, truncated, _ = FRONT.step(key, state, 0)
        assert np.isfinite(reward)
        assert not (terminated | truncated)
    observation, state, _, terminated, truncated, info = FRONT.step(keys[-1], state, 0)
    assert terminated
    assert not truncated
    assert int(state.step_index) == 0
    assert float(info["discount"]) == 0.0
    np.testing.assert_array_equal(observation, FRONT.reset(keys[-1])[0])
    assert not np.array_equal(observation, info["final_observation"])
    np.testing.assert_array_equal(observation[-3:] > 0.5, info["action_mask"])
    assert (FRONT.num_actions, FRONT.observation_size) == (3, observation.shape[0])
    assert FRONT.name == "ExpertSelection"


def test_a_step_stays_at_the_end() -> None:
    """`step_env` begins nothing."""
    _, state = FRONT.reset_env(jax.random.key(0), SELECTION)
    for _ in range(NUM_STEPS - 1):
        state = FRONT.step_env(jax.random.key(0), state, 0, SELECTION)[1]
    _, state, _, terminated, info = FRONT.step_env(jax.random.key(0), state, 0, SELECTION)
    assert terminated
    assert int(state.step_index) == NUM_STEPS
    assert set(info) == {"action_mask", "discount"}


def test_a_scan_of_a_batch_is_what_each_plays_alone() -> None:
    """In compiled code, over two ends."""

    def total(key: jax.Array) -> jax.Array:
        observation, state = FRONT.reset(key)

        def choose(carry: Any, key: jax.Array) -> tuple[Any, Any]:
            observation, state = carry
            action = jnp.argmax(observation[-3:] * jnp.array([1.0, 3.0, 2.0]))
            observation, state, reward, terminated, _, _ = FRONT.step(key, state, action)
            return (observation, state), (reward, terminated)

        return jax.lax.scan(choose, (observation, state), jax.random.split(key, 70))[1]

    keys = jax.random.split(jax.random.key(0), 3)
    rewards, ends = jax.jit(jax.vmap(total))(keys)
    np.testing.assert_array_equal([[31, 63]] * 3, [np.flatnonzero(row) for row in ends])
    np.testing.assert_allclose(rewards[1], jax.jit(total)(keys[1])[0], rtol=1e-5)


def test_parameters_vary_what_is_played() -> None:
    """The environment itself is the parameters: dearer words cost more."""
    price = SELECTION.fleet.compute_cost_per_word + 0.1
    params = eqx.tree_at(lambda selection: selection.fleet.compute_cost_per_word, SELECTION, price)
    _, state = FRONT.reset(jax.random.key(0))
    cheap = FRONT.step(jax.random.key(1), state, 0)[2]
    assert float(cheap) - 40 * 0.1 == pytest.approx(float(FRONT.step(jax.random.key(1), state, 0, params)[2]))
