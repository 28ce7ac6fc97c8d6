"""Score tables become arrays, splits and expectations."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.environment.outcomes import Outcomes, complete_prompts, estimate, fields, from_table, split, take
from net4moe.errors import TableError
from net4moe.table import ScoreRow, ScoreTable


def row(prompt_id: str, subtask_index: int, expert: str, **changes: Any) -> ScoreRow:
    """Make a row whose other values do not matter."""
    values: dict[str, Any] = {
        "prompt_id": prompt_id,
        "prompt": f"Prompt {prompt_id}.",
        "subtask_index": subtask_index,
        "subtask": f"piece {subtask_index}",
        "field": "plot",
        "expert": expert,
        "expert_field": expert,
        "device": "",
        "model": "",
        "relevance": 0.5,
        "expected_words": 50.0,
        "units": 5.0,
        "text": "",
        "explicit_score": 7.0,
        "unscored_reason": "",
        "judge": "by hand",
        "words": 40,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "seconds": 0.0,
        "price_usd": 0.0,
    }
    return ScoreRow(**(values | changes))


UNSCORED: dict[str, Any] = {"explicit_score": None, "unscored_reason": "the judge gave no number"}
TABLE = ScoreTable(
    rows=(
        row("p1", 0, "a", explicit_score=6.0, words=30, expected_words=60.0, units=6.0),
        row("p1", 0, "b", **UNSCORED),
        row("p1", 1, "a", field="comedy", expected_words=0.0),
        row("p1", 1, "b", field="comedy", explicit_score=9.0),
        row("gap", 1, "a"),
        row("gap", 1, "b"),
        row("missing", 0, "a"),
        row("p2", 0, "b", explicit_score=8.0),
        row("p2", 0, "a", explicit_score=4.0),
        row("silent", 0, "a", **UNSCORED),
        row("silent", 0, "b", **UNSCORED),
    )
)


def test_only_prompts_that_can_be_played_are_kept() -> None:
    """A gap in the numbering, a missing expert and a subtask without any score rule a prompt out."""
    assert complete_prompts(TABLE, ["a", "b"]) == ("p1", "p2")
    assert complete_prompts(TABLE, ["a"]) == ("p1", "missing", "p2")
    assert fields(TABLE) == ("comedy", "plot")


def test_arrays_hold_the_table_in_the_order_of_the_devices() -> None:
    """Devices b, a, b: a second host repeats values, padding is masked, 0 assessed words count as 1."""
    outcomes = from_table(TABLE, ["b", "a", "b"])
    expected = Outcomes(
        score=np.array([[[0, 6, 0], [9, 7, 9]], [[8, 4, 8], [0, 0, 0]]]),
        words=np.array([[[40, 30, 40], [40, 40, 40]], [[40, 40, 40], [0, 0, 0]]]),
        expected_words=np.array([[[50, 60, 50], [50, 1, 50]], [[50, 50, 50], [1, 1, 1]]]),
        units=np.array([[[5, 6, 5], [5, 5, 5]], [[5, 5, 5], [0, 0, 0]]]),
        scored=np.array([[[0, 1, 0], [1, 1, 1]], [[1, 1, 1], [0, 0, 0]]], np.bool_),
        field_index=np.array([[1, 0], [1, 0]]),
        subtask_mask=np.array([[1, 1], [1, 0]], np.bool_),
    )
    for wanted, got in zip(expected, outcomes, strict=True):
        np.testing.assert_array_equal(wanted, got)


def test_take_keeps_prompts_by_index() -> None:
    """The second prompt alone."""
    np.testing.assert_array_equal(
        [[[8, 4], [0, 0]]], take(from_table(TABLE, ["b", "a"]), np.array([1])).score
    )


def test_an_expert_without_rows_is_named() -> None:
    """The sentence says whom the table has."""
    with pytest.raises(TableError, match=r"^Expert 'c' has no rows; the table has a, b\.$"):
        from_table(TABLE, ["a", "c"])


def test_a_table_without_rows_has_no_expert() -> None:
    """An empty table is no riddle."""
    with pytest.raises(TableError, match=r"^Expert 'a' has no rows; the table has none\.$"):
        from_table(ScoreTable(rows=()), ["a"])


def test_a_table_without_a_complete_prompt_is_refused() -> None:
    """Two experts that never wrote for the same subtask cannot be compared."""
    table = ScoreTable(rows=(row("p1", 0, "a"), row("p2", 0, "b")))
    text = "No prompt has a passage of every expert (a, b) for all its subtasks."
    with pytest.raises(TableError, match=f"^{re.escape(text)}$"):
        from_table(table, ["a", "b"])


def test_no_expert_is_a_wrong_argument() -> None:
    """A fleet without experts has nothing to choose from."""
    with pytest.raises(ValueError, match=r"^`experts` must name at least 1 expert, got 0\.$"):
        from_table(TABLE, [])


@given(st.integers(2, 60), st.floats(0.01, 0.99), st.integers(0, 2**32))
def test_split_puts_each_prompt_on_one_side(count: int, share: float, seed: int) -> None:
    """Together both sides are all prompts, neither is empty, and the same seed splits alike."""
    prompt_ids = [str(index) for index in range(count)]
    learn, held_out = split(prompt_ids, share, seed)
    assert list(range(count)) == sorted([*learn.tolist(), *held_out.tolist()])
    assert min(max(round(share * count), 1), count - 1) == len(held_out)
    np.testing.assert_array_equal(learn, split(prompt_ids, share, seed)[0])


@pytest.mark.parametrize(
    ("prompt_ids", "share", "text"),
    [
        (["a"], 0.2, "`prompt_ids` must hold at least 2 prompts to split, got 1."),
        (["a", "b", "a"], 0.2, "`prompt_ids` must all be different, got 1 twice."),
        (["a", "b"], 1.0, "`held_out_share` must be between 0 and 1, got 1.0."),
        (["a", "b"], float("nan"), "`held_out_share` must be between 0 and 1, got nan."),
    ],
)
def test_a_split_that_cannot_be_is_refused(prompt_ids: list[str], share: float, text: str) -> None:
    """The sentence names the argument and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        split(prompt_ids, share, 0)


def test_expectations_by_hand() -> None:
    """Expert a has 7 for comedy, 6 and 4 for plot, 17/3 over all; two rows of that mean are mixed in."""
    expectations = estimate(from_table(TABLE, ["a", "b"]), num_fields=2, prior_rows=2.0)
    mean_a, mean_b = 17 / 3, 17 / 2
    np.testing.assert_allclose(
        [
            [(7 + 2 * mean_a) / 3, (9 + 2 * mean_b) / 3],
            [(10 + 2 * mean_a) / 4, (8 + 2 * mean_b) / 3],
        ],
        expectations.score,
        rtol=1e-6,
    )


def test_expectations_without_a_prior_are_plain_means() -> None:
    """A field that a device never saw falls back to the device's mean; ratios are those of the rows."""
    expectations = estimate(from_table(TABLE, ["a", "b"]), num_fields=3, prior_rows=0.0)
    np.testing.assert_allclose([[7, 9], [5, 8], [17 / 3, 17 / 2]], expectations.score, rtol=1e-6)
    np.testing.assert_allclose([[40, 0.8], [(0.5 + 0.8) / 2, 0.8]], expectations.words_ratio[:2], rtol=1e-6)


def test_expectations_that_cannot_be_estimated_are_refused() -> None:
    """A negative prior and a device without a score are refused."""
    outcomes = from_table(TABLE, ["a", "b"])
    with pytest.raises(ValueError, match=r"^`prior_rows` must be at least 0, got -1\.0\.$"):
        estimate(outcomes, num_fields=2, prior_rows=-1.0)
    silent = outcomes._replace(scored=outcomes.scored & np.array([True, False]))
    with pytest.raises(ValueError, match=r"^Device 1 has no scored row to learn from\.$"):
        estimate(silent, num_fields=2)
