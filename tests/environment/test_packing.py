"""Rows of numbers hold all of a state, and blocks do not matter."""

import jax
import numpy as np
import pytest

from net4moe.environment.packing import (
    BLOCK,
    GREATEST_FEATURE,
    flat_observation,
    packed_scenario,
    scenario_named,
    unflattened,
)
from net4moe.environment.scenarios import scenario

PACKING = packed_scenario("battery-small")


def test_a_row_holds_what_the_environment_would_have() -> None:
    """Three steps of rows are three steps of the environment, state by state."""
    selection = PACKING.selection
    seeds, episodes = np.full(BLOCK, 4, np.uint32), np.arange(BLOCK, dtype=np.int32)
    tapes = PACKING.draw(seeds, episodes)
    rows = PACKING.begin(tapes)
    step = jax.jit(lambda state, action: selection.step(state, action))
    tape = selection.tape(jax.random.fold_in(jax.random.key(4), 3), 3)
    state, observation = selection.start(tape)
    np.testing.assert_allclose(PACKING.tape_of(tape), tapes[3], rtol=1e-6)
    for action in (1, 0, 2):
        rows = PACKING.step(tapes, rows, np.full(BLOCK, action, np.int32))
        state, observation, reward, terminated, _ = step(state, np.int32(action))
        sight = PACKING.sight(rows, slice(3, 4))
        assert float(reward) == pytest.approx(sight.reward[0], rel=1e-6)
        assert bool(terminated) == sight.terminated[0]
        np.testing.assert_allclose(flat_observation(observation), sight.observation[0], rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(observation.device_mask, sight.device_mask[0])
    got = PACKING.state_of(tapes[3], rows[3])
    for expected, leaf in zip(jax.tree.leaves(state), jax.tree.leaves(got), strict=True):
        assert expected.dtype == leaf.dtype
        np.testing.assert_allclose(expected, leaf, rtol=1e-5)


def test_a_tape_does_not_depend_on_what_else_is_drawn() -> None:
    """The same seed and number give the same bits in any place of a block."""
    seeds, episodes = np.arange(BLOCK, dtype=np.uint32), np.full(BLOCK, 2, np.int32)
    first, turned = PACKING.draw(seeds, episodes), PACKING.draw(seeds[::-1].copy(), episodes)
    np.testing.assert_array_equal(first, turned[::-1])


def test_an_observation_is_laid_flat_and_back() -> None:
    """What is infinite is cut."""
    selection = PACKING.selection
    _, observation = selection.reset(jax.random.key(0))
    flat = np.asarray(flat_observation(observation))
    for expected, got in zip(observation, unflattened(flat, selection.num_devices), strict=True):
        np.testing.assert_array_equal(expected, got)
    cut = flat_observation(observation._replace(context=observation.context - np.inf))
    assert -GREATEST_FEATURE == float(cut.min())


def test_scenarios_are_found_by_name() -> None:
    """Each is packed once."""
    assert scenario("chain").small is scenario_named("chain-small")
    assert scenario("chain").large is scenario_named("chain")
    assert packed_scenario("battery-small") is PACKING
