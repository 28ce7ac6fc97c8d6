"""Train one agent in one scenario over seeds, keep everything, and say what came of it."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from net4moe.environment.enumeration import enumerated
from net4moe.policy import Checkpoint, checkpoint
from net4moe.policy.training_log import TrainingLog
from net4moe.study.certificates import certificate, exact_value
from net4moe.study.keys import seeded_key
from net4moe.study.machine import machine, versions
from net4moe.study.playing import returns_of_agents, returns_of_rules
from net4moe.study.rules import rules_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from net4moe.environment.scenarios import Scenario, Size
    from net4moe.policy.inference import SelectionPolicy
    from net4moe.policy.training import Trained
    from net4moe.study.contenders import Contender
    from net4moe.study.run_directory import RunDirectory

__all__ = ["TrainingPlan", "TrainingResult", "metrics_csv", "train_scenario"]

_PACKAGES = ("net4moe", "jax", "numpy", "optax", "tensorboardX")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPlan:
    """What is trained.

    Attributes:
      scenario: where.
      size: in which version.
      contender: the agent.
      num_seeds: trainings, side by side.
      seed: root of all randomness.
      num_episodes: episodes that the trained policies play where there is no exact value.
    """

    scenario: Scenario
    size: Size
    contender: Contender
    num_seeds: int
    seed: int
    num_episodes: int = 200

    def __post_init__(self) -> None:
        """Refuse a training of nothing."""
        for label in ("num_seeds", "num_episodes"):
            if getattr(self, label) < 1:
                message = f"`{label}` must be at least 1, got {getattr(self, label)}."
                raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """What came of a training; rewards are means of whole episodes.

    Attributes:
      rewards: of the trained policy of each seed.
      is_exact: whether all rewards are exact; else they are means over the same episodes.
      heuristic: name of the best heuristic.
      heuristic_reward: its reward.
      optimum: reward of the best policy there is; None where it is not known.
      num_steps: choices made in each training.
      seconds: wall time of the training, s; of the last part, where it was resumed.
    """

    rewards: tuple[float, ...]
    is_exact: bool
    heuristic: str
    heuristic_reward: float
    optimum: float | None
    num_steps: int
    seconds: float


def train_scenario(
    plan: TrainingPlan, run: RunDirectory, *, on_progress: Callable[[Any], None] | None = None
) -> TrainingResult:
    """Train, keep and evaluate; a training that is kept in the directory goes on.

    Args:
      plan: what to train.
      run: where to keep it.
      on_progress: told the metrics of each chunk, one row for each seed.

    Raises:
      RunError: the directory cannot be written.
      CheckpointError: what is kept of a training is damaged or of another one.
    """
    selection = plan.scenario.build(plan.size)
    seeds = range(plan.num_seeds)
    folder = run.folder("training")
    start_s = time.monotonic()
    with TrainingLog(run.folder("tensorboard"), seeds) as log:

        def tell(metrics: Any) -> None:
            log(metrics)
            if on_progress is not None:
                on_progress(metrics)

        trained = plan.contender.train_seeds(
            selection,
            plan.contender.config,
            [seeded_key(plan.seed, "training", seed) for seed in seeds],
            on_progress=tell,
            keep_in=[folder / f"seed-{seed}.safetensors" for seed in seeds],
        )
    seconds = time.monotonic() - start_s
    run.write("learning.csv", metrics_csv(trained))
    for seed, one in zip(seeds, trained, strict=True):
        made = Checkpoint(policy=one.policy, settings=asdict(plan.contender.config))
        checkpoint.write(made, run.folder("checkpoints") / f"seed-{seed}.safetensors")
    result = _evaluated(plan, [one.policy for one in trained], seconds)
    run.finish(
        {
            "scenario": plan.scenario.name,
            "size": plan.size,
            "agent": plan.contender.name,
            "config": asdict(plan.contender.config),
            "seed": plan.seed,
            **asdict(result),
            "versions": [asdict(one) for one in versions(_PACKAGES)],
            "machine": machine(),
        }
    )
    return result


def metrics_csv(trained: Sequence[Trained]) -> bytes:
    """Write the metrics of each chunk as CSV, UTF-8: one row for each seed and chunk; no number is left empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["seed", *trained[0].metrics._fields])
    for seed, one in enumerate(trained):
        columns = [np.asarray(column).tolist() for column in one.metrics]
        for row in zip(*columns, strict=True):
            writer.writerow([seed, *("" if value != value else value for value in row)])
    return text.getvalue().encode("utf-8")


def _evaluated(plan: TrainingPlan, policies: list[SelectionPolicy], seconds: float) -> TrainingResult:
    """Value the trained policies exactly in a small version, else on episodes that no training has seen."""
    if plan.size == "small":
        selection = plan.scenario.small
        table = enumerated(selection)
        known = certificate(
            table,
            rules_for(selection.reward_config),
            scenario=plan.scenario.name,
            changes=plan.scenario.changes,
        )
        rewards = [exact_value(table, policy) for policy in policies]
        heuristic, heuristic_reward, optimum = known.heuristic, known.heuristic_value, known.optimal_value
    else:
        selection = plan.scenario.large
        tapes = selection.tapes(seeded_key(plan.seed, "evaluation", 0), plan.num_episodes)
        rewards = returns_of_agents(selection, policies, [tapes] * len(policies)).mean(axis=1).tolist()
        rules = rules_for(selection.reward_config)
        earned = jax.device_get(returns_of_rules(selection, tuple(rules.values()), tapes)).mean(axis=1)
        heuristic, heuristic_reward = list(rules)[int(earned.argmax())], float(earned.max())
        optimum = None
    return TrainingResult(
        rewards=tuple(map(float, rewards)),
        is_exact=optimum is not None,
        heuristic=heuristic,
        heuristic_reward=heuristic_reward,
        optimum=optimum,
        num_steps=plan.contender.num_steps,
        seconds=seconds,
    )
