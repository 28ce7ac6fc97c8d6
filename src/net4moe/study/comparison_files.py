"""What a comparison keeps as files: numbers to go on from, and tables for people and for other programs."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, astuple, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from net4moe.errors import RunError
from net4moe.study.certificates import Certificate
from net4moe.study.comparison_records import Played, SeedScore

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from jaxtyping import Int, Shaped

    from net4moe.study.comparison_records import ComparisonResult

__all__ = [
    "certificate_from_json",
    "certificate_to_json",
    "marl_eval_json",
    "played_from_json",
    "played_to_json",
    "result_json",
    "seed_scores_csv",
]

_FORMAT = 1
_ARRAYS = ("returns", "exact", "num_steps", "curves")
_MOST_STEPS = 1_000


def played_to_json(played: Sequence[Played], origin: str) -> bytes:
    """Write what policies earned; the numbers read back exactly.

    Args:
      played: what to keep.
      origin: fingerprint of the environment, the tapes and the training it comes from.
    """
    return _kept([_plain(one) for one in played], origin)


def played_from_json(path: Path, origin: str) -> tuple[Played, ...]:
    """Read what policies earned.

    Raises:
      RunError: the file is damaged, or comes from another environment or training.
    """
    return tuple(
        Played(
            **{
                **row,
                "seeds": tuple(row["seeds"]),
                **{name: None if row[name] is None else np.array(row[name]) for name in _ARRAYS},
                "num_steps": np.array(row["num_steps"], np.int64),
                "curves": np.array(row["curves"], np.float64).reshape(len(row["seeds"]), -1),
            }
        )
        for row in _read(path, origin)
    )


def certificate_to_json(certificate: Certificate, origin: str) -> bytes:
    """Write a certificate."""
    return _kept(asdict(certificate), origin)


def certificate_from_json(path: Path, origin: str) -> Certificate:
    """Read a certificate.

    Raises:
      RunError: the file is damaged, or comes from another environment.
    """
    content = _read(path, origin)
    return Certificate(
        **{**content, "heuristics": tuple((name, value) for name, value in content["heuristics"])}
    )


def seed_scores_csv(scores: Sequence[SeedScore]) -> bytes:
    """Write one row for each size, scenario, policy and seed as CSV, UTF-8; columns as in `SeedScore`."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([field.name for field in fields(SeedScore)])
    writer.writerows(["" if cell is None else cell for cell in astuple(one)] for one in scores)
    return text.getvalue().encode("utf-8")


def result_json(result: ComparisonResult) -> bytes:
    """Write all that a comparison found."""
    return (json.dumps(asdict(result), indent=1, allow_nan=False) + "\n").encode("ascii")


def marl_eval_json(played: Sequence[Played], size: str) -> bytes:
    """Write the raw numbers in the layout that marl-eval, and rliable behind it, reads.

        {environment: {task: {algorithm: {run: {step: {"step_count": n, "return": [...]},
                                                "absolute_metrics": {"return": [...]}}}}}}

    Gorsane et al. (2022), arXiv:2209.10485; https://github.com/instadeepai/marl-eval. The environment is
    `net4moe-small` or `net4moe-large`, a task is a scenario, a run a seed. Every algorithm needs as many steps:
    curves are read at the same shares of each training, and what was not trained repeats its value. Absolute
    metrics are the returns of all episodes, or the exact value where no episodes were played.

    Args:
      played: what policies earned; bounds are left out, since they are no algorithms.
      size: which version of the scenarios.
    """
    chosen = [one for one in played if one.size == size and one.kind != "bound"]
    trained = [one.num_steps for one in chosen if one.num_steps.size]
    num_steps = min([_MOST_STEPS, *(steps.size for steps in trained)]) if trained else 1
    counts = _spread(trained[0], num_steps) if trained else np.zeros(1, np.int64)
    tasks: dict[str, Any] = {}
    for one in chosen:
        runs = tasks.setdefault(one.scenario, {}).setdefault(one.policy, {})
        for row, seed in enumerate(one.seeds):
            runs[f"seed_{seed}"] = _run(one, row, counts)
    return (json.dumps({f"net4moe-{size}": tasks}, allow_nan=False) + "\n").encode("ascii")


def _run(played: Played, row: int, counts: Int[np.ndarray, " steps"]) -> dict[str, Any]:
    """Lay out one run; what was not trained earns the same after every number of choices."""
    value = float(played.values[row])
    rewards = np.full(len(counts), value)
    if played.num_steps.size:
        counts = _spread(played.num_steps, len(counts))
        rewards = _spread(played.curves[row], len(counts))
    steps = {
        f"step_{number}": {"step_count": count, "return": [reward]}
        for number, (count, reward) in enumerate(zip(counts.tolist(), rewards.tolist(), strict=True), start=1)
    }
    final = [value] if played.returns is None else played.returns[row].tolist()
    return {**steps, "absolute_metrics": {"return": final}}


def _spread(values: Shaped[np.ndarray, " K"], count: int) -> Shaped[np.ndarray, " steps"]:
    """Take so many of the values, evenly, the last among them."""
    return values[np.linspace(len(values) - 1, 0, count).round().astype(int)[::-1]]


def _plain(played: Played) -> dict[str, Any]:
    row = {field.name: getattr(played, field.name) for field in fields(Played)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in row.items()}


def _kept(content: Any, origin: str) -> bytes:
    kept = {"format": _FORMAT, "origin": origin, "content": content}
    return (json.dumps(kept, allow_nan=False) + "\n").encode("ascii")


def _read(path: Path, origin: str) -> Any:
    try:
        kept = json.loads(path.read_bytes())
    except OSError as error:
        message = f"{path}: the file cannot be read: {error.strerror or error}."
        raise RunError(message) from error
    except ValueError as error:
        message = f"{path}: the file is damaged: it is not JSON. Remove it to have it made again."
        raise RunError(message) from error
    if not isinstance(kept, dict) or kept.get("format") != _FORMAT or "content" not in kept:
        message = f"{path}: the file is not of format {_FORMAT}. Remove it to have it made again."
        raise RunError(message)
    if kept.get("origin") != origin:
        message = (
            f"{path}: the file comes from another scenario, training or version. "
            "Remove it to have it made again, or give another directory."
        )
        raise RunError(message)
    return kept["content"]
