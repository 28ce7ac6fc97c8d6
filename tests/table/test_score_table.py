import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.table import COLUMNS, ScoreRow, ScoreTable, score_table

Row = Callable[..., ScoreRow]

BAD_VALUES = [
    ("prompt_id", "", "must not be empty."),
    ("prompt", " \n", "must not be empty."),
    ("prompt", None, "must be a text, got nothing."),
    ("text", 7, "must be a text, got 7."),
    ("text", "a\ud800", "must be whole characters, got half of one (a lone surrogate) at position 1."),
    ("subtask_index", -1, "must be a whole number of at least 0, got -1."),
    ("subtask_index", 1.0, "must be a whole number of at least 0, got 1.0."),
    ("words", True, "must be a whole number of at least 0, got True."),
    ("words", None, "must be a whole number of at least 0, got nothing."),
    ("words", 2**53 + 1, "must be a whole number of at least 0, got 9007199254740993."),
    ("relevance", 1.5, "must be a number from 0 to 1, got 1.5."),
    ("explicit_score", 10.5, "must be a number from 0 to 10, got 10.5."),
    ("explicit_score", "good", "must be a number from 0 to 10, got 'good'."),
    ("explicit_score", float("nan"), "must be a number from 0 to 10, got nan."),
    ("seconds", float("inf"), "must be a number of at least 0, got inf."),
    ("price_usd", -0.5, "must be a number of at least 0, got -0.5."),
    ("units", "9" * 100, f"must be a number of at least 0, got '{'9' * 79}…."),
    ("unscored_reason", "late", "must be empty where there is a score, got 'late'."),
]


@pytest.mark.parametrize(("column", "value", "problem"), BAD_VALUES)
def test_a_bad_value_is_named(row: Row, column: str, value: object, problem: str) -> None:
    """A value that its column does not allow is refused with the row, the column and what came."""
    with pytest.raises(score_table.RowFault) as caught:
        ScoreTable(rows=(row(expert="Boris"), row(**{column: value})))
    assert f"row 1: `{column}` {problem}" == str(caught.value)
    assert (1, column, problem) == (caught.value.row_index, caught.value.column, caught.value.problem)


def test_a_row_without_a_score_says_why(row: Row) -> None:
    """An unscored row needs a reason."""
    with pytest.raises(ValueError, match=r"^row 0: `unscored_reason` must say why `explicit_score` is empty"):
        ScoreTable(rows=(row(explicit_score=None, unscored_reason=" "),))


def test_an_expert_writes_once_for_a_subtask(row: Row) -> None:
    """Two rows of one expert for one subtask are refused."""
    with pytest.raises(ValueError, match="row") as caught:
        ScoreTable(rows=(row(), row(text="Another.")))
    expected = (
        "row 1: `expert` must have one row for each subtask, got a second of 'Ada' "
        "for subtask 0 of prompt 'p1'."
    )
    assert expected == str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"subtask_index": 1, "prompt": "Another."},
            "row 1: `prompt` must be 'A fox learns to sail.' as in an earlier row of the same `prompt_id`, "
            "got 'Another.'.",
        ),
        (
            {"expert": "Boris", "subtask": "another"},
            "row 1: `subtask` must be 'the fox repairs a boat' as in an earlier row of the same `prompt_id` "
            "and `subtask_index`, got 'another'.",
        ),
        (
            {"expert": "Boris", "field": "setting"},
            "row 1: `field` must be 'plot' as in an earlier row of the same `prompt_id` and `subtask_index`, "
            "got 'setting'.",
        ),
        (
            {"subtask_index": 1, "expert_field": "setting"},
            "row 1: `expert_field` must be 'plot' as in an earlier row of the same `expert`, got 'setting'.",
        ),
    ],
)
def test_rows_of_one_thing_agree(row: Row, changes: dict[str, object], expected: str) -> None:
    """Rows that speak of the same prompt, subtask or expert must say the same of it."""
    with pytest.raises(score_table.RowFault) as caught:
        ScoreTable(rows=(row(), row(**changes)))
    assert expected == str(caught.value)


def test_the_limits_themselves_are_allowed(row: Row) -> None:
    """The least and the greatest values of the ranges are good values."""
    least = row(explicit_score=0, relevance=0, words=0, seconds=0.0)
    greatest = row(expert="Boris", explicit_score=10, relevance=1.0, words=2**53, seconds=1e308)
    assert 2 == len(ScoreTable(rows=(least, greatest)).rows)


def test_prompts_and_experts_come_in_the_order_of_their_first_row(row: Row) -> None:
    """Prompts and experts are listed once, in order of appearance."""
    rows = (row(prompt_id="z"), row(prompt_id="a", expert="Boris"), row(prompt_id="a"))
    table = ScoreTable(rows=rows)
    assert ("z", "a") == table.prompt_ids
    assert ("Ada", "Boris") == table.experts


def test_unscored_counts_rows_without_a_score(table: ScoreTable) -> None:
    """One row of the example has no score."""
    assert 1 == table.unscored


def test_select_keeps_the_rows_of_some_prompts(table: ScoreTable) -> None:
    """The rows of the chosen prompts stay, in the table's order."""
    chosen = table.select(["p2"])
    assert table.rows[4:] == chosen.rows
    assert table == table.select(["p2", "p1"])
    assert () == table.select([]).rows


def test_select_refuses_an_unknown_prompt(table: ScoreTable) -> None:
    """A prompt that the table lacks is an error, not an empty selection."""
    with pytest.raises(ValueError, match=r"^`prompt_ids` must be in the table, got 'p3'\.$"):
        table.select(["p1", "p3"])


def test_extended_adds_rows_and_checks_them(table: ScoreTable, row: Row) -> None:
    """New rows go to the end; the old table stays as it was."""
    longer = table.extended([row(prompt_id="p3", prompt="New.")])
    assert (8, 9) == (len(table.rows), len(longer.rows))
    with pytest.raises(ValueError, match=r"^row 8: `expert` must have one row"):
        table.extended(table.rows[:1])


def test_a_table_cannot_be_changed(table: ScoreTable) -> None:
    """A table is a frozen record."""
    with pytest.raises(FrozenInstanceError):
        table.rows = ()  # type: ignore[misc]


def test_the_digest_is_that_of_the_content(row: Row) -> None:
    """The digest is SHA-256 over the columns' names and the rows' values as JSON, by hand here."""
    values = [getattr(row(), name) for name in COLUMNS]
    values[list(COLUMNS).index("units")] = 9  # a number without a fraction has one form
    content = json.dumps(list(COLUMNS)) + json.dumps(values)
    assert hashlib.sha256(content.encode()).hexdigest() == ScoreTable(rows=(row(),)).digest()


def test_equal_tables_have_equal_digests(row: Row) -> None:
    """1 and 1.0, 0.0 and -0.0 are the same number; another value is another digest."""
    table = ScoreTable(rows=(row(seconds=1, price_usd=0.0),))
    same = ScoreTable(rows=(row(seconds=1.0, price_usd=-0.0),))
    assert table == same
    assert table.digest() == same.digest()
    assert table.digest() != ScoreTable(rows=(row(seconds=1.5, price_usd=0.0),)).digest()


@given(data=st.data())
def test_every_change_of_order_changes_the_digest(
    data: st.DataObject, tables: st.SearchStrategy[ScoreTable]
) -> None:
    """Tables are equal exactly where their digests are."""
    table = data.draw(tables)
    turned = ScoreTable(rows=table.rows[::-1])
    assert (table == turned) == (table.digest() == turned.digest())


def test_the_room_needs_no_library() -> None:
    """Importing the score table loads no spreadsheet, array or frame library."""
    code = (
        "import sys, net4moe.table, net4moe.table.atomic; "
        "print(sorted({'numpy', 'polars', 'xlsxwriter', 'python_calamine'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout
