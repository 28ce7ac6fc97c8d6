from pathlib import Path

import pytest

from net4moe.errors import TableError
from net4moe.table.workbook_drafts import NEEDED, Draft, in_words, rows_of
from net4moe.table.workbook_sheets import Cell, Value

PATH = Path("scores.xlsx")


def _draft(at: int, **values: Value) -> Draft:
    """Make a draft whose values stand side by side in one row."""
    cells = {
        name: Cell(value=value, row=at, column=column) for column, (name, value) in enumerate(values.items())
    }
    return Draft(sheet="Mine", cells=cells)


def test_subtasks_are_numbered_by_their_first_appearance() -> None:
    """Each prompt counts its own subtasks from 0, however the rows are ordered."""
    order = [("a", "x"), ("a", "y"), ("b", "y"), ("a", "x")]
    drafts = [
        _draft(at, prompt=prompt, subtask=subtask, expert=str(at), explicit_score=5.0, words=10.0)
        for at, (prompt, subtask) in enumerate(order)
    ]
    assert [0, 1, 0, 0] == [row.subtask_index for row in rows_of(drafts, PATH)]


def test_whole_numbers_become_integers() -> None:
    """A spreadsheet knows only fractions; counts are integers all the same."""
    draft = _draft(0, prompt="a", subtask="b", expert="c", explicit_score=5.0, words=10.0, prompt_tokens=3.0)
    row = rows_of([draft], PATH)[0]
    assert [int, int, float] == [type(row.words), type(row.prompt_tokens), type(row.explicit_score)]


@pytest.mark.parametrize("dash", ["–", "—", "-", "", "  "])
def test_a_dash_is_no_score(dash: str) -> None:
    """People write a dash, or nothing, where there is no score."""
    draft = _draft(0, prompt="a", subtask="b", expert="c", explicit_score=dash, words=1.0)
    row = rows_of([draft], PATH)[0]
    assert (None, "no score in the workbook") == (row.explicit_score, row.unscored_reason)


def test_an_error_stands_at_its_cell() -> None:
    """The error names the value's cell, or the row's first where the sheet has no such column."""
    draft = _draft(6, prompt="a", words=1.0)
    error = draft.error("is wrong.", name="words", path=PATH)
    assert isinstance(error, TableError)
    assert "scores.xlsx, sheet 'Mine', cell B7: words is wrong." == str(error)
    error = draft.error("is wrong.", name="unscored_reason", path=PATH)
    assert "scores.xlsx, sheet 'Mine', cell A7: unscored reason is wrong." == str(error)


def test_needed_columns_are_written_in_words() -> None:
    """The needed columns are those that a person must fill."""
    expected = ["prompt", "subtask", "expert", "explicit score", "words"]
    assert expected == [in_words(name) for name in NEEDED]
