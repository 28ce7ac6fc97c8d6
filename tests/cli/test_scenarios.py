"""`net4moe scenarios`: tables that are read, JSON that is parsed, sentences for mistakes."""

import json
from dataclasses import replace

import pytest

from net4moe.cli import console, scenarios_view
from net4moe.environment.scenarios import SCENARIOS, Scenario
from net4moe.study.certificates import Certificate
from net4moe.study.estimates import Estimate
from tests.cli.conftest import Command
from tests.study.comparisons import certificates


@pytest.fixture(autouse=True)
def solved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Solve nothing: a control and a sequential scenario, by turns."""

    def certified(scenario: Scenario) -> Certificate:
        made = certificates()[list(SCENARIOS).index(scenario.name) % 2]
        return replace(made, scenario=scenario.name, changes=scenario.changes)

    def estimated(scenario: Scenario, *, num_episodes: int, seed: int) -> Estimate:
        return Estimate(
            scenario=scenario.name,
            changes=scenario.changes,
            num_devices=8,
            num_steps=48,
            num_episodes=num_episodes,
            random_value=-1.0,
            myopic_value=2.0,
            heuristics=(("stick 0.5", 3.0),),
            error=0.25,
            planned_value=3.5,
            bound_value=4.0,
            bound="trellis",
            prophet_value=5.0,
            prophet="charge",
        )

    monkeypatch.setattr(scenarios_view, "certified", certified)
    monkeypatch.setattr(scenarios_view, "estimated", estimated)


def set_width(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Make the terminal as wide as that."""
    monkeypatch.setattr(console.out, "_width", columns)
    monkeypatch.setattr(console.out, "_height", 50)


def test_a_wide_terminal_has_one_table(net4moe: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row for each scenario: what it is, what it is worth, what it is called."""
    set_width(monkeypatch, 200)
    ran = net4moe("scenarios")
    lines = ran.out.splitlines()
    assert 1 + len(SCENARIOS) == len(lines)
    header = (
        "scenario devices states steps the action changes best heuristic random myopic heuristic MPC optimum"
    )
    assert [*header.split(), "gap", "lead"] == lines[0].split()
    mobile = next(line for line in lines if line.startswith("mobile"))
    assert (
        "mobile 2 1,234 3 nothing Hysteresis, 0.5 0.00 9.00 10.00 14.00 14.00 35.7% 40.0% sequential"
        == " ".join(mobile.split())
    )
    assert lines[1].split()[-1] == "control"
    assert "12 of 12: churn" in ran.err


def test_eighty_columns_have_two_tables(net4moe: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """What they are, then what they are worth; no line is broken or cut."""
    set_width(monkeypatch, 80)
    lines = net4moe("scenarios").out.splitlines()
    assert 2 * (1 + len(SCENARIOS)) + 1 == len(lines)
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)


def test_large_versions_have_errors_and_bounds(net4moe: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Means with what they may be wrong by, and which bound it is."""
    set_width(monkeypatch, 80)
    ran = net4moe("scenarios", "battery", "--large", "--episodes", "20")
    lines = ran.out.splitlines()
    assert "battery 8 48 charge Hysteresis, 0.5 trellis" == " ".join(lines[1].split())
    assert "battery −1.00 2.00 3.00 ± 0.25 3.50 4.00 5.00" == " ".join(lines[4].split())
    assert "over the same 20 episodes" in ran.err.replace("\n", " ")


def test_json_has_every_number(net4moe: Command) -> None:
    """The record, and what is derived from it."""
    (found,) = json.loads(net4moe("scenarios", "mobile", "--json").out)
    assert ("mobile", "sequential", 0.4) == (found["scenario"], found["label"], found["lead"])
    assert [["stick 0.5", 10.0], ["cool 0.5", 6.0]] == found["heuristics"]
    (large,) = json.loads(net4moe("scenarios", "mobile", "--json", "--large").out)
    assert ("trellis", 200) == (large["bound"], large["num_episodes"])


@pytest.mark.parametrize(
    ("name", "hint"),
    [("batery", "did you mean 'battery'?"), ("zzz", f"known are {', '.join(SCENARIOS)}.")],
)
def test_an_unknown_scenario_is_refused(net4moe: Command, name: str, hint: str) -> None:
    """One sentence, exit code 2."""
    ran = net4moe("scenarios", name)
    assert (2, "", f"net4moe: there is no scenario '{name}'; {hint}\n") == (ran.code, ran.out, ran.err)


@pytest.mark.parametrize("command", ["scenarios", "train", "compare"])
def test_help_shows_an_example(net4moe: Command, command: str) -> None:
    """And no library is loaded for it (tests/test_rooms.py)."""
    ran = net4moe(command, "--help")
    assert ran.code == 0
    assert f"Example: net4moe {command}" in ran.out
