import io
from typing import Any

import pytest
import python_calamine
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from net4moe.errors import TableError
from net4moe.table import workbook_cells

PIECES = ["_x000D_", "_x005F", "_", "x0041_", "\x01", "\r", "\n", "\ufffe", "<r>", "</r>", "é", "🦊", "a"]


def _round_trip(values: list[str | float]) -> list[Any]:
    """Write values below each other and read them back."""
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True})
    sheet, style = book.add_worksheet(), workbook_cells.look(book, "cell")
    for row, value in enumerate(values):
        workbook_cells.put(sheet, row, 0, value, style)
    book.close()
    content.seek(0)
    cells = python_calamine.load_workbook(content).get_sheet_by_index(0).to_python(skip_empty_area=False)
    return [line[0] for line in cells]


@given(pieces=st.lists(st.lists(st.sampled_from(PIECES)).map("".join), min_size=1))
def test_put_keeps_every_text_that_fits(pieces: list[str]) -> None:
    """Escapes, markup and control characters in a text are read back as they were written."""
    texts = [f"{text}." for text in pieces]
    assert [workbook_cells.fitting(text) for text in texts] == _round_trip(list(texts))
    texts = [f"<r>{text}</r>" for text in pieces]
    assert [workbook_cells.fitting(text) for text in texts] == _round_trip(list(texts))


@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_put_keeps_every_digit(numbers: list[float]) -> None:
    """Numbers keep all 17 digits."""
    assert numbers == _round_trip(list(numbers))


def test_fitting_keeps_what_a_cell_can_hold() -> None:
    """Ordinary texts, escapes and control characters stay; what cannot be held becomes U+FFFD."""
    assert "a\x00b _x000D_ 🦊" == workbook_cells.fitting("a\x00b _x000D_ 🦊")
    assert "a\ufffdb\ufffd" == workbook_cells.fitting("a\ufffeb\uffff")
    assert "_x005F\ufffdx000D_" == workbook_cells.fitting("_x005F_x000D_")
    assert "<r>bold</r> " == workbook_cells.fitting("<r>bold</r>")
    assert "_x0041\ufffd" == workbook_cells.fitting("_x0041\x01")


def test_fitting_counts_as_a_spreadsheet_does() -> None:
    """The limit counts UTF-16 units: an emoji is two, and is not cut in half."""
    assert workbook_cells.fitting("x" * 32_767) == "x" * 32_767
    assert workbook_cells.fitting("🦊" * 16_383 + "x") == "🦊" * 16_383 + "x"
    mark = "… [cut, 16,384 characters in all]"
    assert "🦊" * 16_367 + mark == workbook_cells.fitting("🦊" * 16_384)
    assert 2 * 16_367 + len(mark) <= 32_767


def test_a_cell_outside_of_the_sheet_is_an_error() -> None:
    """A table of more rows than a sheet has is refused, not cut without a word."""
    book = xlsxwriter.Workbook(io.BytesIO())
    style = workbook_cells.look(book, "cell")
    with pytest.raises(TableError) as caught:
        workbook_cells.put(book.add_worksheet(), 1_048_576, 0, "x", style)
    expected = "row 1,048,577, column 1 cannot be written: a sheet holds 1,048,576 rows and 16,384 columns."
    assert expected == str(caught.value)


def test_lines_estimates_the_height() -> None:
    """A text takes one line for each started width, and one for an empty line."""
    assert 1 == workbook_cells.lines("", 10)
    assert 2 == workbook_cells.lines("x" * 11, 10)
    assert 4 == workbook_cells.lines("x" * 11 + "\n\nx", 10)
