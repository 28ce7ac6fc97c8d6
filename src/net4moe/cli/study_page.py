"""What `net4moe study` prints when it is done, and the command that runs it again."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from net4moe.cli import console
from net4moe.study.records import Stage, StudyResult
from net4moe.study.statistics import Interval

__all__ = ["command_of", "print_results"]


def command_of(
    *, quick: bool, table: Path | None, prompts: Path | None, config: Path | None, seed: int | None, out: Path
) -> str:
    """Write the command that runs a study again."""
    parts = ["net4moe", "study"]
    parts += ["--quick"] if quick else []
    for option, value in (
        ("table", table),
        ("prompts", prompts),
        ("config", config),
        ("seed", seed),
        ("out", out),
    ):
        parts += [] if value is None else [f"--{option}", str(value)]
    return shlex.join(parts)


def print_results(result: StudyResult, folder: Path, stages: Sequence[Stage]) -> None:
    """Print the headline table, the warnings, where the time went and where the report is."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("reward per prompt")
    for name in ("mean", "final", "95 % interval", "of bound", "gap closed"):
        table.add_column(name, justify="right", no_wrap=True)
    for policy in result.policies:
        table.add_row(
            policy.label,
            f"{policy.mean.point:.2f}",
            f"{policy.final.point:.2f}",
            f"{policy.final.low:.2f} to {policy.final.high:.2f}",
            _percent(policy.share_of_upper_bound),
            _percent(policy.gap_closed),
        )
    console.out.print(table)
    for warning in result.warnings:
        console.note(f"note: {warning}")
    for stage in stages:
        console.note(f"{stage.seconds:7.1f} s  {stage.name}")
    console.out.print(str(folder / "report.html"), soft_wrap=True, markup=False)


def _percent(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval.point:.1%}"
