"""A comparison that was never played, for the tests of scores, files, figures and the command."""

from typing import Any

import numpy as np

from net4moe.environment.scenarios import Size
from net4moe.study.certificates import Certificate
from net4moe.study.comparison_records import Kind, Played

SEEDS = (0, 1, 2, 3)


def played(
    scenario: str,
    policy: str,
    kind: Kind,
    values: Any,
    *,
    size: Size = "small",
    exact: bool = True,
    episodes: int = 4,
    curves: Any = None,
    remark: str = "",
) -> Played:
    """Make up what a policy earned; episodes lie around the values, the worst 1.5 below."""
    by_seed = np.broadcast_to(np.asarray(values, np.float64), len(SEEDS))
    spread = np.linspace(-1.5, 1.5, episodes) if episodes else np.zeros(0)
    learned = np.zeros((len(SEEDS), 0)) if curves is None else np.asarray(curves, np.float64)
    return Played(
        scenario=scenario,
        size=size,
        policy=policy,
        kind=kind,
        seeds=SEEDS,
        returns=by_seed[:, None] + spread if episodes else None,
        exact=by_seed if exact else None,
        num_steps=np.arange(1, learned.shape[1] + 1) * 100,
        curves=learned,
        seconds=1.5,
        remark=remark,
    )


def two_scenarios(*, size: Size = "small") -> list[Played]:
    """Make up a control and a scenario in which planning pays.

    In `harder` chance earns 0, the best heuristic 10, the optimum 14; the agent 12, 13, 12 and 11.
    """
    last = "optimum" if size == "small" else "bound"
    exact = size == "small"
    rows: list[Played] = []
    for scenario, best, most in (("plain", 10.0, 10.0), ("harder", 10.0, 14.0)):
        agent = [most - 2.0, most - 1.0, most - 2.0, most - 3.0]
        curves = np.array(agent)[:, None] - np.array([4.0, 1.0, 0.0])
        for policy, kind, values, curve in (
            ("random_selection", "yardstick", 0.0, None),
            ("myopic", "yardstick", most if scenario == "plain" else 9.0, None),
            ("stick 0.5", "rule", best, None),
            ("cool 0.5", "rule", best - 4.0, None),
            ("sac", "agent", agent, curves),
        ):
            rows.append(played(scenario, policy, kind, values, size=size, exact=exact, curves=curve))  # type: ignore[arg-type]
        rows.append(played(scenario, "lin_ucb", "adaptive", best - 1.0, size=size, exact=False))
        rows.append(
            played(
                scenario, last, "bound", most, size=size, exact=exact, episodes=0 if exact else 2, remark=last
            )
        )
    return rows


def certificates() -> list[Certificate]:
    """Certify both."""
    return [
        Certificate(
            scenario=scenario,
            changes=changes,
            num_devices=2,
            num_states=1234,
            num_steps=3,
            random_value=0.0,
            myopic_value=myopic,
            heuristics=(("stick 0.5", 10.0), ("cool 0.5", 6.0)),
            planned_value=most,
            optimal_value=most,
        )
        for scenario, changes, myopic, most in (("plain", "", 10.0, 10.0), ("harder", "queues", 9.0, 14.0))
    ]
