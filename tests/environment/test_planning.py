"""Planning ahead earns more than the rule it plans with, and never more than the optimum."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.chances import Chain, Chances, LinkLevels
from net4moe.environment.episodes import returns
from net4moe.environment.planning import plan_returns, planned_values
from net4moe.environment.rules import Rules
from net4moe.environment.tabular import evaluated, lookahead, one_hot
from net4moe.policy.baselines import fixed_device
from net4moe.policy.heuristics import myopic
from tests.solved import myopic_values, tiny, tiny_solved

BATTERY = tiny(
    [[1.0, 3.0]],
    [{}, {"tokens_per_j": 40.0, "battery_j": 1.0, "harvest_w": 0.125}],
    rules=Rules(num_steps=3, devices_change=True, tokens_per_word=1.0),
    chances=Chances(radio=LinkLevels(snr_db=(15.0,), outage=(0.0,), stay=1.0), gap_s=Chain(values=(4.0,))),
)
"""Full, half full, full: the helper writes for 3, the phone for 1."""


@pytest.mark.slow
def test_values_by_hand() -> None:
    """One choice and two of the phone after it: 3 on the phone, 5 on the helper; the empty helper is out."""
    state = BATTERY.start(BATTERY.tape(jax.random.key(0)))[0]
    for depth, expected in ((1, [1.0, 3.0]), (2, [2.0, 4.0]), (9, [3.0, 5.0])):
        values = planned_values(
            BATTERY, fixed_device(0), state, jax.random.key(1), num_futures=2, depth=depth
        )
        np.testing.assert_allclose(expected, values)
    after = BATTERY.step(state, jnp.asarray(1)).state
    values = planned_values(BATTERY, fixed_device(0), after, jax.random.key(1), num_futures=2, depth=3)
    np.testing.assert_allclose([2.0, -np.inf], values)


@pytest.mark.slow
def test_a_plan_by_hand() -> None:
    """From always the phone, 3, planning finds the optimum, 7."""
    tapes = BATTERY.tapes(jax.random.key(0), 2)
    np.testing.assert_allclose([3.0, 3.0], returns(BATTERY, fixed_device(0), tapes))
    earned = plan_returns(BATTERY, fixed_device(0), tapes, jax.random.key(1), num_futures=1)
    np.testing.assert_allclose([7.0, 7.0], earned)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["battery", "deadline"])
def test_sampled_futures_plan_like_exact_ones(name: str) -> None:
    """The gain over the myopic rule is that of the exact lookahead, up to what few futures lose."""
    selection, table, solution = tiny_solved(name)
    base = myopic_values(table)
    actions = lookahead(table.problem, base, 1, table.num_steps)
    exact = evaluated(table.problem, one_hot(actions, selection.num_devices), table.num_steps).start_value
    myopic_value = float(table.problem.start @ base[0])
    tapes = selection.tapes(jax.random.key(2), 256)
    earned = np.asarray(plan_returns(selection, myopic, tapes, jax.random.key(3), num_futures=64), np.float64)
    gain = earned - np.asarray(returns(selection, myopic, tapes))
    error = gain.std() / np.sqrt(gain.size)
    assert gain.mean() <= solution.start_value - myopic_value + 4 * error
    assert gain.mean() >= 0.8 * (exact - myopic_value) - 4 * error


def test_the_same_key_plans_the_same() -> None:
    """And futures and depth of none are refused."""
    selection, _, _ = tiny_solved("battery")
    tapes = selection.tapes(jax.random.key(4), 8)
    first, again = (
        plan_returns(selection, myopic, tapes, jax.random.key(5), num_futures=2) for _ in range(2)
    )
    np.testing.assert_array_equal(first, again)
    with pytest.raises(ValueError, match=r"^`num_futures` must be at least 1, got 0\.$"):
        plan_returns(selection, myopic, tapes, jax.random.key(5), num_futures=0)
    with pytest.raises(ValueError, match=r"^`depth` must be at least 1, got 0\.$"):
        plan_returns(selection, myopic, tapes, jax.random.key(5), depth=0)
