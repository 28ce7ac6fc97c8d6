"""A training leaves everything behind, and says what it came to."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from net4moe.environment.scenarios import Scenario, Size
from net4moe.policy import checkpoint
from net4moe.policy.sac_config import SACConfig
from net4moe.policy.training import Trained
from net4moe.study import training_runs
from net4moe.study.contenders import Contender
from net4moe.study.run_directory import RunDirectory
from net4moe.study.training_runs import TrainingPlan, metrics_csv, train_scenario
from tests.study.apprentice import Apprentice, Metrics
from tests.study.tiny import TinyScenario, first, second

SCENARIO = cast(Scenario, TinyScenario())


def plan_of(size: Size, **changes: Any) -> TrainingPlan:
    """Train the apprentice, two seeds."""
    config = SACConfig(num_epochs=3, evaluation_interval=1)
    plan = TrainingPlan(
        scenario=SCENARIO,
        size=size,
        contender=Contender(name="sac", config=config, train_seeds=Apprentice().train_seeds),
        num_seeds=2,
        seed=0,
        num_episodes=5,
    )
    return replace(plan, **changes)


@pytest.fixture(autouse=True)
def two_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two heuristics are enough here."""
    monkeypatch.setattr(training_runs, "rules_for", lambda _prices: {"best_expert": second, "stick 1": first})


@pytest.mark.parametrize("size", ["small", "large"])
def test_a_training_leaves_everything_behind(size: Size, tmp_path: Path) -> None:
    """Metrics, policies, what it needs to go on, logs, and what it came to."""
    told: list[Any] = []
    run = RunDirectory.opened(tmp_path / "run", "a training")
    result = train_scenario(plan_of(size), run, on_progress=told.append)
    assert 3 == len(told)
    assert (size == "small") == result.is_exact == (result.optimum is not None)
    assert "best_expert" == result.heuristic
    assert max(result.rewards) <= (result.optimum or np.inf) + 1e-4
    assert 3 * 64 == result.num_steps
    written = {str(path.relative_to(run.path)) for path in run.path.rglob("*") if path.is_file()}
    for name in ("run.json", "learning.csv", "tensorboard/metrics.csv"):
        assert name in written
    for seed in (0, 1):
        assert f"training/seed-{seed}.safetensors" in written
        kept = checkpoint.read(run.path / f"checkpoints/seed-{seed}.safetensors")
        assert 3 == kept.settings["num_epochs"]
        assert any(name.startswith(f"tensorboard/seed-{seed}/events.out.tfevents") for name in written)
    kept = json.loads((run.path / "run.json").read_bytes())
    assert kept["finished"]
    assert list(result.rewards) == kept["result"]["rewards"]
    assert ("tiny", size, "sac") == tuple(kept["result"][name] for name in ("scenario", "size", "agent"))


def test_metrics_as_a_table() -> None:
    """A row for each seed and chunk; what was not measured is empty."""
    metrics = Metrics(np.array([1, 2]), np.array([64, 128]), np.array([np.nan, 0.5]))
    nothing: Any = None
    rows = list(csv.reader(io.StringIO(metrics_csv([Trained(nothing, metrics)] * 2).decode())))
    assert [
        ["seed", "epoch", "num_steps", "evaluation_reward"],
        ["0", "1", "64", ""],
        ["0", "2", "128", "0.5"],
        ["1", "1", "64", ""],
        ["1", "2", "128", "0.5"],
    ] == rows


@pytest.mark.parametrize("label", ["num_seeds", "num_episodes"])
def test_a_training_of_nothing_is_refused(label: str) -> None:
    """The sentence names the number."""
    with pytest.raises(ValueError, match=f"^{re.escape(f'`{label}` must be at least 1, got 0.')}$"):
        plan_of("small", **{label: 0})
