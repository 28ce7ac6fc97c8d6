"""What a comparison keeps reads back exactly, and other programs can read it."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from net4moe.errors import RunError
from net4moe.study.comparison_files import (
    certificate_from_json,
    certificate_to_json,
    marl_eval_json,
    played_from_json,
    played_to_json,
    result_json,
    seed_scores_csv,
)
from net4moe.study.comparison_results import compared_result
from tests.study.comparisons import certificates, two_scenarios


def test_what_was_played_reads_back(tmp_path: Path) -> None:
    """Every number, text and empty place."""
    path = tmp_path / "rules.json"
    rows = two_scenarios()
    path.write_bytes(played_to_json(rows, "here"))
    for before, after in zip(rows, played_from_json(path, "here"), strict=True):
        assert (before.policy, before.kind, before.seeds, before.seconds, before.remark) == (
            after.policy,
            after.kind,
            after.seeds,
            after.seconds,
            after.remark,
        )
        for name in ("returns", "exact", "num_steps", "curves"):
            np.testing.assert_array_equal(getattr(before, name), getattr(after, name))


def test_certificates_read_back(tmp_path: Path) -> None:
    """The same record."""
    path = tmp_path / "certificate.json"
    path.write_bytes(certificate_to_json(certificates()[1], "here"))
    assert certificates()[1] == certificate_from_json(path, "here")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"{", "the file is damaged: it is not JSON. Remove it to have it made again."),
        (b"[1]", "the file is not of format 1. Remove it to have it made again."),
        (b'{"format": 2, "content": []}', "the file is not of format 1. Remove it to have it made again."),
        (
            played_to_json([], "there"),
            "the file comes from another scenario, training or version. Remove it to have it made again, or "
            "give another directory.",
        ),
    ],
)
def test_files_that_are_not_ours_are_refused(tmp_path: Path, content: bytes, text: str) -> None:
    """One sentence, with the path and a way out."""
    path = tmp_path / "sac.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=f"^{re.escape(f'{path}: {text}')}$"):
        played_from_json(path, "here")


def test_the_table_of_all_seeds() -> None:
    """A row for each scenario, policy and seed; what is not known is empty."""
    result = compared_result(two_scenarios(), certificates(), np.random.default_rng(0))
    rows = list(csv.DictReader(io.StringIO(seed_scores_csv(result.seed_scores).decode())))
    assert 2 * 7 * 4 == len(rows)
    row = next(r for r in rows if (r["scenario"], r["policy"], r["seed"]) == ("harder", "sac", "1"))
    assert {
        "size": "small",
        "scenario": "harder",
        "policy": "sac",
        "kind": "agent",
        "seed": "1",
        "reward": "13.0",
        "is_exact": "True",
        "above_heuristic": "3.0",
        "score": "0.75",
        "worst_reward": "11.5",
    } == row
    optimum = next(r for r in rows if r["policy"] == "optimum")
    assert ("", "") == (optimum["worst_reward"], optimum["score"])


def test_everything_that_was_found_is_json() -> None:
    """Numbers are finite, keys are the records' fields."""
    result = compared_result(two_scenarios(), certificates(), np.random.default_rng(0))
    found = json.loads(result_json(result))
    assert [0, 1, 2, 3] == found["seeds"]
    assert 4 == found["num_episodes"]
    assert {"plain", "harder"} == {one["scenario"] for one in found["anchors"]}
    assert 3 == len(found["curves"][0]["curves"][0]["point"])


def test_the_layout_of_marl_eval() -> None:
    """Environment, task, algorithm, run, step; then the absolute metrics. As many steps for every algorithm.

    Layout: README of instadeepai/marl-eval, version of November 2024; its own check accepts such a file.
    """
    content = json.loads(marl_eval_json(two_scenarios(), "small"))
    assert ["net4moe-small"] == list(content)
    tasks = content["net4moe-small"]
    assert ["plain", "harder"] == list(tasks)
    algorithms = tasks["harder"]
    assert ["random_selection", "myopic", "stick 0.5", "cool 0.5", "sac", "lin_ucb"] == list(algorithms)
    for runs in algorithms.values():
        assert ["seed_0", "seed_1", "seed_2", "seed_3"] == list(runs)
        for run in runs.values():
            assert ["step_1", "step_2", "step_3", "absolute_metrics"] == list(run)
            assert [100, 200, 300] == [run[f"step_{k}"]["step_count"] for k in (1, 2, 3)]
    assert {
        "step_1": {"step_count": 100, "return": [9.0]},
        "step_2": {"step_count": 200, "return": [12.0]},
        "step_3": {"step_count": 300, "return": [13.0]},
        "absolute_metrics": {"return": [11.5, 12.5, 13.5, 14.5]},
    } == algorithms["sac"]["seed_1"]
    assert {"net4moe-large": {}} == json.loads(marl_eval_json(two_scenarios(), "large"))


def test_curves_of_different_lengths_are_read_at_the_same_shares() -> None:
    """Three evaluations and one: all have one step, the last."""
    rows = two_scenarios()
    short = [one for one in rows if one.policy != "sac" or one.scenario == "plain"]
    harder = next(one for one in rows if one.policy == "sac" and one.scenario == "harder")
    short.append(replace(harder, num_steps=harder.num_steps[-1:], curves=harder.curves[:, -1:]))
    tasks = json.loads(marl_eval_json(short, "small"))["net4moe-small"]
    assert {"step_count": 300, "return": [9.0]} == tasks["plain"]["sac"]["seed_1"]["step_1"]
    assert "step_2" not in tasks["plain"]["sac"]["seed_1"]
