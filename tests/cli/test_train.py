"""`net4moe train`: what it asks for, prints and goes on from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from net4moe.cli import training_view
from net4moe.study.contenders import AGENTS
from net4moe.study.training_runs import TrainingPlan, TrainingResult
from tests.cli.conftest import Command
from tests.study.apprentice import Metrics

RESULT = TrainingResult(
    rewards=(99.0, 98.5),
    is_exact=True,
    heuristic="stick 0.5",
    heuristic_reward=97.0,
    optimum=100.0,
    num_steps=6400,
    seconds=1.5,
)


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[TrainingPlan]:
    """Train nothing; keep what was asked for, and tell two chunks."""
    kept: list[TrainingPlan] = []

    def train_scenario(plan: TrainingPlan, run: Any, *, on_progress: Any) -> TrainingResult:
        kept.append(plan)
        for share in (1, 2):
            steps = np.full(2, share * plan.contender.num_steps // 2)
            on_progress(Metrics(steps, steps, np.array([40.0, 50.0]) + share))
        return RESULT if plan.size == "small" else replace(RESULT, optimum=None, is_exact=False)

    monkeypatch.setattr(training_view, "train_scenario", train_scenario)
    return kept


def test_it_prints_progress_and_what_each_seed_earns(net4moe: Command, plans: list[TrainingPlan]) -> None:
    """Beside the best heuristic and the optimum."""
    ran = net4moe("train", "battery", "--seeds", "2", "--steps", "6400")
    assert ran.code == 0
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert [
        "policy reward of an episode of optimum",
        "SAC, seed 0 99.00 99.00%",
        "SAC, seed 1 98.50 98.50%",
        "best heuristic: Hysteresis, 0.5 97.00 97.00%",
        "optimum 100.00 100.00%",
        "runs/train/battery-small-sac/checkpoints",
    ] == rows
    assert "3,200 choices: reward 46.00, 41.00 to 51.00 over 2 seeds" in ran.err
    assert "rewards are exact; 6,400 choices in each training, 1.5 s" in ran.err
    assert (2, 6400) == (plans[0].num_seeds, plans[0].contender.num_steps)


def test_large_versions_have_no_optimum(net4moe: Command, plans: list[TrainingPlan]) -> None:
    """The agent's usual budget, in a directory of its own."""
    ran = net4moe("train", "battery", "--size", "large", "--agent", "ppo")
    assert "optimum" not in ran.out
    assert "runs/train/battery-large-ppo/checkpoints" in ran.out
    assert "means over the same episodes, which no training has seen" in " ".join(ran.err.split())
    assert AGENTS["ppo"] == plans[0].contender


def test_a_directory_belongs_to_one_training(net4moe: Command, plans: list[TrainingPlan]) -> None:
    """The same command goes on, also with more seeds; another budget is another training."""
    assert 0 == net4moe("train", "edge", "--out", "here").code
    assert 0 == net4moe("train", "edge", "--out", "here", "--seeds", "3").code
    ran = net4moe("train", "edge", "--out", "here", "--steps", "640")
    assert 2 == ran.code
    assert (
        "net4moe: `here` holds another study: its scenario, size, agent, settings or seed differ. "
        "Give another directory, or move this one away.\n" == ran.err
    )


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (("switchin",), "there is no scenario 'switchin'; did you mean 'switching'?"),
        (("edge", "--steps", "9", "--epochs", "9"), "give `--steps` or `--epochs`, not both."),
    ],
)
def test_what_cannot_be_trained_is_refused(net4moe: Command, options: tuple[str, ...], text: str) -> None:
    """One sentence, exit code 2, and no directory is made."""
    ran = net4moe("train", *options)
    assert (2, "", f"net4moe: {text}\n") == (ran.code, ran.out, ran.err)
    assert not Path("runs").exists()


def test_an_unknown_agent_is_refused(net4moe: Command) -> None:
    """The choices are said."""
    ran = net4moe("train", "edge", "--agent", "td3")
    assert 2 == ran.code
    assert "'td3' is not one of 'sac', 'ppo', 'dqn'" in " ".join(ran.err.replace("│", " ").split())
