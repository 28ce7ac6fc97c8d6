"""What `net4moe train` does and prints."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

from net4moe.cli import console
from net4moe.cli.scenarios_view import chosen_scenarios
from net4moe.errors import ConfigError
from net4moe.study.contenders import Contender, contender
from net4moe.study.rules import label_of
from net4moe.study.run_directory import RunDirectory
from net4moe.study.training_runs import TrainingPlan, TrainingResult, train_scenario

__all__ = ["Asked", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked on the command line."""

    scenario: str
    agent: Literal["sac", "ppo", "dqn"]
    size: Literal["small", "large"]
    num_seeds: int
    num_steps: int | None
    num_epochs: int | None
    seed: int
    out: Path


def run(asked: Asked) -> None:
    """Train, write and print."""
    (scenario,) = chosen_scenarios([asked.scenario])
    agent = _contender(asked)
    directory = RunDirectory.opened(
        asked.out, _fingerprint(asked, agent), differing="scenario, size, agent, settings or seed"
    )
    plan = TrainingPlan(
        scenario=scenario, size=asked.size, contender=agent, num_seeds=asked.num_seeds, seed=asked.seed
    )
    with console.counting(f"training {label_of(asked.agent)}: choices") as on_progress:
        tenths = 0

        def tell(metrics: Any) -> None:
            nonlocal tenths
            done = int(metrics.num_steps[0])
            on_progress(done, agent.num_steps)
            if 10 * done // agent.num_steps > tenths:
                tenths = 10 * done // agent.num_steps
                console.note(_standing(done, metrics.evaluation_reward.tolist()))

        result = train_scenario(plan, directory, on_progress=tell)
    _print(result, label_of(asked.agent))
    console.out.print(str(asked.out / "checkpoints"), soft_wrap=True, markup=False)


def _contender(asked: Asked) -> Contender:
    try:
        return contender(asked.agent, num_steps=asked.num_steps, num_epochs=asked.num_epochs)
    except ValueError as error:
        message = "give `--steps` or `--epochs`, not both."
        raise ConfigError(message) from error


def _fingerprint(asked: Asked, agent: Contender) -> str:
    content = ("train", asked.scenario, asked.size, asked.agent, repr(agent.config), asked.seed)
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _standing(done: int, rewards: Sequence[float]) -> str:
    """Say where a training stands."""
    mean = sum(rewards) / len(rewards)
    spread = (
        f", {min(rewards):.2f} to {max(rewards):.2f} over {len(rewards)} seeds" if len(rewards) > 1 else ""
    )
    return f"{done:,} choices: reward {mean:.2f}{spread}"


def _print(result: TrainingResult, label: str) -> None:
    """Print what each seed earns, beside what it is held against."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("policy")
    table.add_column("reward of an episode", justify="right", no_wrap=True)
    if result.optimum is not None:
        table.add_column("of optimum", justify="right", no_wrap=True)
    rows = [(f"{label}, seed {seed}", reward) for seed, reward in enumerate(result.rewards)]
    rows.append((f"best heuristic: {label_of(result.heuristic)}", result.heuristic_reward))
    if result.optimum is not None:
        rows.append(("optimum", result.optimum))
    for name, reward in rows:
        share = [] if result.optimum is None else [f"{reward / result.optimum:.2%}" if result.optimum else ""]
        table.add_row(name, f"{reward:.2f}", *share)
    console.out.print(table)
    how = "exact" if result.is_exact else "means over the same episodes, which no training has seen"
    console.note(f"rewards are {how}; {result.num_steps:,} choices in each training, {result.seconds:.1f} s")
