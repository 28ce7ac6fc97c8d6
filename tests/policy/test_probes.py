"""Every agent reaches the known value of every probe; all probes of an agent share one compilation."""

import numpy as np
import pytest

from tests import probes
from tests.policy.probing import AGENTS, DISCOUNT, run_of, values

AGENT_NAMES = pytest.mark.parametrize("agent", list(AGENTS))


@AGENT_NAMES
@pytest.mark.parametrize(
    ("probe", "reward", "expected"),
    [
        (probes.constant_reward(), 1.0, [1.0]),
        (probes.reward_by_observation(), 0.0, [1.0, -1.0]),
        (probes.reward_later(), 1.0, [DISCOUNT, 1.0]),
        (probes.reward_by_action(), 2.0, [2.0, 2.0]),
        (probes.reward_forbidden(), 2.0, [2.0, 0.0]),
        (probes.reward_of_patience(), 3.0, [3 * DISCOUNT]),
    ],
    ids=["constant", "observation", "later", "action", "forbidden", "patience"],
)
def test_the_value_and_the_reward_are_known(
    agent: str, probe: probes.Probe, reward: float, expected: list[float]
) -> None:
    """Values to 0.1, the reward of the deterministic policy exactly; the second place of the fifth is a trap.

    What the mask forbids earns NaN and what is seen after an end is NaN, so neither has been touched.
    """
    run, metrics = run_of(agent, probe)
    np.testing.assert_allclose(expected, values(agent, run, probe)[: len(expected)], atol=0.1)
    assert all(np.isfinite(column) for column in metrics)
    begins = 2 if probe.num_begins == 2 and reward == 0.0 else 1
    assert abs(float(metrics.evaluation_reward) - reward) < (0.5 if begins == 2 else 1e-5)


@AGENT_NAMES
def test_a_limit_is_not_an_end(agent: str) -> None:
    """Reward 1 for ever is worth 10 at a discount of 0.9, whether it is cut short after 3 choices or after 8."""
    for greatest_length in (3, 8):
        probe = probes.endless(greatest_length)
        run, metrics = run_of(agent, probe)
        np.testing.assert_allclose([10.0], values(agent, run, probe)[:1], rtol=0.05)
        assert float(metrics.evaluation_reward) == greatest_length
