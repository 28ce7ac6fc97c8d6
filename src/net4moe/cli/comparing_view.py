"""What `net4moe compare` does and prints."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.table import Table

from net4moe.cli import console
from net4moe.cli.scenarios_view import chosen_scenarios, nearest
from net4moe.environment.scenarios import Size
from net4moe.errors import ConfigError
from net4moe.policy.adaptive import ADAPTIVE
from net4moe.study.comparing import compared
from net4moe.study.comparison_figures import chosen_scores
from net4moe.study.comparison_plan import ComparisonPlan
from net4moe.study.comparison_records import Anchors, ComparisonResult, PolicyScore, ScenarioScore
from net4moe.study.comparison_writing import write_comparison
from net4moe.study.contenders import AGENTS, contender
from net4moe.study.rules import label_of
from net4moe.study.run_directory import RunDirectory
from net4moe.study.statistics import Interval

__all__ = ["Asked", "print_comparison", "run"]

_PLANNER = "mpc"
_ENOUGH_SEEDS = 10
_SURE = 0.05
_WIDE_FROM = 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was asked on the command line; names with commas between."""

    scenarios: str
    policies: str
    size: Literal["small", "large", "both"]
    num_seeds: int
    num_episodes: int
    num_steps: int | None
    seed: int
    out: Path


def run(asked: Asked) -> None:
    """Compare, write and print."""
    plan = _plan(asked)
    directory = RunDirectory.opened(asked.out, _fingerprint(asked), differing="seed, episodes or steps")
    with console.counting("comparing") as on_progress:
        told = ""

        def tell(done: int, total: int, what: str) -> None:
            nonlocal told
            if what != told:
                console.note(what)
                told = what
            on_progress(done, total)

        played, certificates = compared(plan, directory, on_progress=tell)
    with console.waiting("scoring and drawing"):
        result = write_comparison(directory, plan, played, certificates)
    print_comparison(result)
    console.out.print(str(asked.out / "scores.csv"), soft_wrap=True, markup=False)


def print_comparison(result: ComparisonResult) -> None:
    """Print for each size the policies over all scenarios, and every scenario by itself."""
    for size in dict.fromkeys(one.size for one in result.anchors):
        scores = [one for one in result.policy_scores if one.size == size]
        if scores:
            console.out.print(_policy_table(scores))
            console.out.print()
        anchors = [one for one in result.anchors if one.size == size]
        console.out.print(_scenario_table(anchors, result.scenario_scores))
        if scores:
            console.note(
                f"score: 0 best heuristic of each scenario, 1 {'optimum' if size == 'small' else 'bound'}; "
                f"interquartile mean over {', '.join(scores[0].scenarios)}, where planning pays; gap: how far "
                "below 1 on average; above: probability of being above the best heuristic on the same seed"
            )
        console.note(
            f"rewards of an episode, {size} versions, {len(result.seeds)} seeds; *: differs from the best "
            "heuristic, seed by seed, p < 0.05 after Holm's correction over the scenarios"
        )
    if len(result.seeds) < _ENOUGH_SEEDS:
        console.note("fewer than ten seeds: the 95 % intervals are too narrow.")


def _plan(asked: Asked) -> ComparisonPlan:
    names = _names(asked.policies)
    known = [*AGENTS, *ADAPTIVE, _PLANNER]
    chosen = [] if names == ["none"] else names or known
    for name in chosen:
        if name not in known:
            message = f"there is no policy '{name}' to be chosen; {nearest(name, known)}"
            raise ConfigError(message)
    sizes: tuple[Size, ...] = ("small", "large") if asked.size == "both" else (asked.size,)
    return ComparisonPlan(
        scenarios=chosen_scenarios(_names(asked.scenarios)),
        sizes=sizes,
        contenders=tuple(contender(name, num_steps=asked.num_steps) for name in chosen if name in AGENTS),
        adaptive=tuple(name for name in chosen if name in ADAPTIVE),
        num_seeds=asked.num_seeds,
        num_episodes=asked.num_episodes,
        num_practice_episodes=asked.num_episodes,
        with_planner=_PLANNER in chosen,
        seed=asked.seed,
    )


def _names(text: str) -> list[str]:
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def _fingerprint(asked: Asked) -> str:
    """Name the comparison: what is in one directory can be set side by side."""
    content = ("compare", asked.seed, asked.num_episodes, asked.num_steps)
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _policy_table(scores: Sequence[PolicyScore]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("policy")
    for name in ("score", "95 % interval", "gap to 1", "above"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in chosen_scores(scores):
        table.add_row(
            one.label,
            _number(one.score.point, 3),
            _between(one.score, 3),
            _number(one.optimality_gap.point, 3),
            f"{one.improvement.point:.0%}",
        )
    return table


def _scenario_table(anchors: Sequence[Anchors], scores: Sequence[ScenarioScore]) -> Table:
    """Lay out each scenario with the best heuristic, the agents and the optimum or bound."""
    wide = console.out.width >= _WIDE_FROM
    size = anchors[0].size
    learners = list(dict.fromkeys(one.policy for one in scores if one.size == size and one.kind == "agent"))
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("scenario", no_wrap=True)
    if wide:
        table.add_column("best heuristic")
    last = "optimum" if size == "small" else "bound"
    for name in ("random", "heuristic", *(label_of(policy) for policy in learners), last):
        table.add_column(name, justify="right", no_wrap=True)
    for anchor in anchors:
        here = {
            one.policy: one for one in scores if (one.size, one.scenario) == (anchor.size, anchor.scenario)
        }
        table.add_row(
            anchor.scenario,
            *([label_of(anchor.heuristic)] if wide else []),
            _number(anchor.chance, 2),
            _number(anchor.zero, 2),
            *(_cell(here[policy], wide=wide) for policy in learners),
            _number(anchor.one, 2),
        )
    return table


def _cell(one: ScenarioScore, *, wide: bool) -> str:
    mark = "*" if one.p_adjusted < _SURE else " "
    interval = f" ({_between(one.reward, 2)})" if wide else ""
    return f"{_number(one.reward.point, 2)}{interval}{mark}"


def _between(interval: Interval, decimals: int) -> str:
    return f"{_number(interval.low, decimals)} to {_number(interval.high, decimals)}"


def _number(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}".replace("-", "−")
