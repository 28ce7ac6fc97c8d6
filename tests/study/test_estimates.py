"""What is known of a large version."""

import re
from typing import cast

import pytest

from net4moe.environment.scenarios import Scenario
from net4moe.study import estimates
from net4moe.study.estimates import estimated
from tests.study.tiny import TinyScenario, first, second

SCENARIO = cast(Scenario, TinyScenario())


def test_heuristics_lie_between_chance_and_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The phone alone earns 5 a choice, three choices; the television more; links are known, so bounds are one."""
    monkeypatch.setattr(estimates, "rules_for", lambda _prices: {"first": first, "second": second})
    found = estimated(SCENARIO, num_episodes=40)
    assert (2, 3, 40) == (found.num_devices, found.num_steps, found.num_episodes)
    assert pytest.approx(15.0) == dict(found.heuristics)["first"]
    assert "second" == found.heuristic
    assert found.random_value < found.heuristic_value <= found.planned_value <= found.bound_value + 1e-4
    assert found.bound_value <= found.prophet_value + 1e-4
    assert found.error > 0


def test_one_episode_tells_no_error() -> None:
    """Two are the least."""
    with pytest.raises(ValueError, match=f"^{re.escape('`num_episodes` must be at least 2, got 1.')}$"):
        estimated(SCENARIO, num_episodes=1)
