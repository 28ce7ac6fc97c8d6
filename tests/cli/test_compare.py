"""`net4moe compare`: what it asks for, prints and writes."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from net4moe.cli import comparing_view, console
from net4moe.policy.adaptive import ADAPTIVE
from net4moe.study.comparison_plan import ComparisonPlan
from tests.cli.conftest import Command
from tests.study.comparisons import certificates, two_scenarios


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[ComparisonPlan]:
    """Play nothing; keep what was asked for."""
    kept: list[ComparisonPlan] = []

    def compared(plan: ComparisonPlan, run: Any, *, on_progress: Any) -> Any:
        kept.append(plan)
        on_progress(1, 2, "battery (small): heuristics")
        on_progress(2, 2, "battery (small): heuristics")
        rows = [row for size in plan.sizes for row in two_scenarios(size=size)]
        return tuple(rows), tuple(certificates()) if "small" in plan.sizes else ()

    monkeypatch.setattr(comparing_view, "compared", compared)
    return kept


def test_it_compares_everything_where_nothing_is_said(net4moe: Command, plans: list[ComparisonPlan]) -> None:
    """All scenarios, all agents, all policies that learn while they play, ten seeds."""
    net4moe("compare")
    (plan,) = plans
    assert (12, 10, 200, ("small",)) == (len(plan.scenarios), plan.num_seeds, plan.num_episodes, plan.sizes)
    assert ["sac", "ppo", "dqn"] == [one.name for one in plan.contenders]
    assert tuple(ADAPTIVE) == plan.adaptive
    assert plan.with_planner


def test_names_and_budgets_are_taken(net4moe: Command, plans: list[ComparisonPlan]) -> None:
    """Commas between names; steps for every agent."""
    options = ("--scenarios", "churn, edge", "--policies", "ppo,lin_ucb", "--steps", "3000", "--size", "both")
    net4moe("compare", *options, "--seeds", "4", "--episodes", "4", "--out", "here")
    (plan,) = plans
    assert (["churn", "edge"], ("lin_ucb",)) == ([one.name for one in plan.scenarios], plan.adaptive)
    assert (("small", "large"), 4, 4) == (plan.sizes, plan.num_seeds, plan.num_episodes)
    assert [4096] == [one.num_steps for one in plan.contenders]  # 2 epochs of 2,048
    net4moe("compare", "--policies", "none", "--out", "there")
    assert ((), (), False) == (plans[1].contenders, plans[1].adaptive, plans[1].with_planner)


def test_it_prints_scores_and_rewards_and_writes_everything(
    net4moe: Command, plans: list[ComparisonPlan], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both tables within 80 columns; CSV, JSON, figures, run.json."""
    monkeypatch.setattr(console.out, "_width", 80)
    monkeypatch.setattr(console.out, "_height", 50)
    ran = net4moe("compare", "--out", "here")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "policy score 95 % interval gap to 1 above" == " ".join(lines[0].split())
    assert lines[1].split()[:2] == ["SAC", "0.500"]
    assert "harder 0.00 10.00 12.00 14.00" in " ".join(ran.out.split())
    assert "here/scores.csv" == lines[-1]
    assert "fewer than ten seeds" in ran.err
    folder = tmp_path / "here"
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    pictures = {
        f"figures/{name}_small.{end}" for name in ("learning", "scores", "profiles") for end in ("png", "svg")
    }
    assert {"run.json", "scores.csv", "comparison.json", "marl_eval_small.json"} | pictures == written
    kept = json.loads((folder / "run.json").read_bytes())
    assert kept["finished"]
    assert ["sac", "ppo", "dqn"] == list(kept["result"]["agents"])
    with (folder / "scores.csv").open() as file:
        assert {"plain", "harder"} == {row["scenario"] for row in csv.DictReader(file)}


def test_a_wide_terminal_names_the_heuristics_and_intervals(
    net4moe: Command, plans: list[ComparisonPlan], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Best heuristic by name, rewards with their intervals; large versions have a bound."""
    monkeypatch.setattr(console.out, "_width", 160)
    monkeypatch.setattr(console.out, "_height", 50)
    ran = net4moe("compare", "--size", "large")
    assert "harder Hysteresis, 0.5 0.00 10.00 12.00 (11.00 to 13.00) 15.00" in " ".join(ran.out.split())
    assert "bound" in ran.out


def test_another_comparison_keeps_its_directory(net4moe: Command, plans: list[ComparisonPlan]) -> None:
    """More scenarios, policies and seeds go into the same; other episodes do not."""
    assert 0 == net4moe("compare", "--scenarios", "edge", "--seeds", "2").code
    assert 0 == net4moe("compare", "--seeds", "20").code
    ran = net4moe("compare", "--episodes", "100")
    assert (2, "") == (ran.code, ran.out)
    assert (
        "net4moe: `runs/compare` holds another study: its seed, episodes or steps differ. "
        "Give another directory, or move this one away.\n" == ran.err
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("--scenarios", "edges"), "there is no scenario 'edges'; did you mean 'edge'?"),
        (("--policies", "sacs"), "there is no policy 'sacs' to be chosen; did you mean 'sac'?"),
        (
            ("--policies", "qqqq"),
            f"there is no policy 'qqqq' to be chosen; known are sac, ppo, dqn, {', '.join(ADAPTIVE)}, mpc.",
        ),
    ],
)
def test_unknown_names_are_refused(net4moe: Command, options: tuple[str, ...], text: str) -> None:
    """One sentence, exit code 2, and no directory is made."""
    ran = net4moe("compare", *options)
    assert (2, "", f"net4moe: {text}\n") == (ran.code, ran.out, ran.err)
    assert not Path("runs").exists()
