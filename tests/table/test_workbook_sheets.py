import datetime
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import xlsxwriter

from net4moe.errors import TableError
from net4moe.table.workbook_sheets import FormulaError, place, read_sheets


@pytest.mark.parametrize(
    ("row", "column", "expected"),
    [(0, 0, "A1"), (6, 2, "C7"), (0, 25, "Z1"), (0, 26, "AA1"), (9, 16_383, "XFD10")],
)
def test_place_names_a_cell(row: int, column: int, expected: str) -> None:
    """Columns count A to Z, AA and so on; rows count from 1."""
    assert expected == place(row, column)


def test_cells_keep_their_kind(tmp_path: Path) -> None:
    """Texts, numbers, truth values, dates and errors of formulas are told apart."""
    path = tmp_path / "hand.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("One")
    sheet.write_string(0, 0, "a")
    sheet.write_number(0, 1, 1.5)
    sheet.write_boolean(0, 2, True)
    sheet.write_datetime(0, 3, datetime.datetime(2024, 5, 7), book.add_format({"num_format": "yyyy-mm-dd"}))
    sheet.write_formula(0, 4, "=1/0", None, "#DIV/0!")  # type: ignore[arg-type]
    sheet.write_formula(0, 5, "=1+1", None, 2)
    book.add_chartsheet("Picture")
    book.add_worksheet("Two")
    book.close()
    one, two = read_sheets(path)
    expected = ["a", 1.5, True, datetime.date(2024, 5, 7), FormulaError(text="#DIV/0!"), 2.0]
    assert expected == [cell.value for cell in one.rows[0]]
    assert ("Two", ()) == (two.name, two.rows)


def test_a_merged_block_gives_its_value_to_its_first_column(tmp_path: Path) -> None:
    """A text merged over rows counts for each; a title merged over columns stands in the first only."""
    path = tmp_path / "hand.xlsx"
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    sheet.merge_range("A1:B2", "both")
    sheet.write("C3", "end")
    book.close()
    rows = read_sheets(path)[0].rows
    assert [["both", "", ""], ["both", "", ""], ["", "", "end"]] == [
        [cell.value for cell in row] for row in rows
    ]
    assert [[True, True, False], [True, True, False], [False] * 3] == [
        [c.merged for c in row] for row in rows
    ]
    assert ["A2", "B2", "C2"] == [cell.place for cell in rows[1]]


def _text_of_error(path: Path, content: bytes) -> str:
    """Read a file that is no workbook and give the error's text without the path."""
    path.write_bytes(content)
    with pytest.raises(TableError) as caught:
        read_sheets(path)
    return str(caught.value).removeprefix(f"{path}: ")


def test_what_is_no_workbook_is_told_apart(tmp_path: Path) -> None:
    """A text file, an old workbook, an encrypted one, a damaged one and any other archive are named."""
    path = tmp_path / "scores.xlsx"
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500
    locked = "is protected by a password; remove it in the spreadsheet program and save again."
    assert locked == _text_of_error(path, ole + "EncryptedPackage".encode("utf-16-le"))
    old = "is an old Excel workbook (.xls); save it as an Excel workbook (.xlsx)."
    assert old == _text_of_error(path, ole)
    csv = "is a text file such as CSV; open it in a spreadsheet program and save it as .xlsx."
    assert csv == _text_of_error(path, b"prompt;subtask;expert\na;b;c\n")
    assert csv == _text_of_error(path, "\ufeffprompt,text\nä,b\n".encode())
    damaged = "is damaged or is not an Excel workbook (.xlsx)."
    assert damaged == _text_of_error(path, b"")
    assert damaged == _text_of_error(path, b"prompt")
    assert damaged == _text_of_error(path, b"\xff\xfe\x00")
    assert damaged == _text_of_error(path, b"PK\x03\x04 half an archive")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as other:
        other.writestr("word/document.xml", "<document/>")
    assert damaged == _text_of_error(path, archive.getvalue())


def test_a_stray_cell_far_away_is_an_error(
    book: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sheet that reaches absurdly far is refused before it fills the memory."""
    path = book(Rows=[["prompt"], ["a", "b"]])
    monkeypatch.setattr("net4moe.table.workbook_sheets._MOST_CELLS", 3)
    with pytest.raises(TableError) as caught:
        read_sheets(path)
    assert f"{path}, sheet 'Rows': reaches as far as cell B2; delete the stray cells." == str(caught.value)
