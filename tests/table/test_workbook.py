import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import python_calamine
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.errors import TableError
from net4moe.table import COLUMNS, ScoreRow, ScoreTable, workbook, workbook_import
from net4moe.table.workbook_cells import fitting


def _cells(path: Path, sheet: str) -> list[list[Any]]:
    """Read the cells of a sheet."""
    return python_calamine.load_workbook(path).get_sheet_by_name(sheet).to_python(skip_empty_area=False)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_table_comes_back_as_it_was(
    data: st.DataObject, tables: st.SearchStrategy[ScoreTable], scratch: Path
) -> None:
    """Any table whose texts fit into cells is the same after a round trip, to the last digit."""
    table = data.draw(tables.filter(lambda table: bool(table.rows)))
    texts = [value for row in table.rows for name in COLUMNS if isinstance(value := getattr(row, name), str)]
    workbook.write(table, scratch / "scores.xlsx")
    back = workbook_import.read(scratch / "scores.xlsx")
    if all(fitting(text) == text for text in texts):
        assert table == back
    assert len(table.rows) == len(back.rows)


def test_the_sheet_rows_holds_every_value(table: ScoreTable, tmp_path: Path) -> None:
    """The header names every column with its unit, and the cells below hold the values."""
    workbook.write(table, tmp_path / "scores.xlsx")
    cells = _cells(tmp_path / "scores.xlsx", "Rows")
    expected = "prompt id,prompt,subtask index,subtask,field,expert,expert field,device,model,relevance"
    expected += ",expected words,units,text,explicit score,unscored reason,judge,words,prompt tokens"
    expected += ",completion tokens,seconds (s),price usd"
    assert expected.split(",") == cells[0]
    for row, line in zip(table.rows, cells[1:], strict=True):
        values = [getattr(row, name) for name in COLUMNS]
        assert ["" if value is None else value for value in values] == line


def test_the_sheet_about_says_what_it_is(table: ScoreTable, tmp_path: Path) -> None:
    """Counts, judge, digest, notes and the meaning of each column stand in the sheet "About"."""
    workbook.write(table, tmp_path / "scores.xlsx", notes=["One note.", "=Another"])
    cells = [line[:2] for line in _cells(tmp_path / "scores.xlsx", "About")]
    assert ["Prompts", "2"] in cells
    assert ["Subtasks", "4"] in cells
    assert ["Experts", "2: Ada, Boris"] in cells
    assert ["Passages", "8, 1 of them without a score"] in cells
    assert ["Judge", "by hand"] in cells
    assert ["Digest", table.digest()] in cells
    assert [["Note", "One note."], ["Note", "=Another"]] == [line for line in cells if line[0] == "Note"]
    meanings = {name.replace("_", " "): column.meaning for name, column in COLUMNS.items()}
    assert meanings.items() <= {str(name): str(meaning) for name, meaning in cells}.items()
    assert "Changed texts" not in [line[0] for line in cells]


def test_a_text_that_is_cut_is_spoken_of(row: Callable[..., ScoreRow], tmp_path: Path) -> None:
    """A passage beyond the limit ends in a mark, and "About" counts it."""
    table = ScoreTable(rows=(row(text="x" * 40_000),))
    workbook.write(table, tmp_path / "scores.xlsx")
    text = _cells(tmp_path / "scores.xlsx", "Rows")[1][list(COLUMNS).index("text")]
    mark = "… [cut, 40,000 characters in all]"
    assert "x" * (32_767 - len(mark)) + mark == text
    about = dict(line[:2] for line in _cells(tmp_path / "scores.xlsx", "About"))
    expected = (
        "1 of the texts in the sheet Rows differ from the table: a cell holds at most 32,767 characters, "
        'a longer text ends in "… [cut, N characters in all]"; a character that a workbook cannot hold is '
        "shown as \ufffd."
    )
    assert expected == about["Changed texts"]


def test_texts_never_become_formulas_or_links(row: Callable[..., ScoreRow], tmp_path: Path) -> None:
    """What begins with = + - @ or a web address stays a text: no formula or link is in the file's XML."""
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "https://example.org", "=HYPERLINK()"]
    rows = tuple(
        row(prompt_id=f"p{i}", prompt=text, subtask=text, text=text, field=text, expert="=Ada", judge=text)
        for i, text in enumerate(texts)
    )
    workbook.write(ScoreTable(rows=rows), tmp_path / "scores.xlsx", notes=texts)
    with zipfile.ZipFile(tmp_path / "scores.xlsx") as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.startswith("xl/worksheets/sheet"):
                assert b"<f>" not in content, name
                assert b"<hyperlink" not in content, name
    assert texts == [row.text for row in workbook_import.read(tmp_path / "scores.xlsx").rows]


def test_the_same_table_gives_the_same_bytes(table: ScoreTable, tmp_path: Path) -> None:
    """No date and no chance is in the file."""
    workbook.write(table, tmp_path / "one.xlsx", notes=["A note."])
    workbook.write(table, tmp_path / "two.xlsx", notes=["A note."])
    assert (tmp_path / "one.xlsx").read_bytes() == (tmp_path / "two.xlsx").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.xlsx") as archive:
        assert b"2024-01-01T00:00:00Z</dcterms:created>" in archive.read("docProps/core.xml")


def test_headers_are_frozen_filtered_and_explained(table: ScoreTable, tmp_path: Path) -> None:
    """The sheet "Rows" has a frozen header, a filter over all rows and a note on each header."""
    workbook.write(table, tmp_path / "scores.xlsx")
    with zipfile.ZipFile(tmp_path / "scores.xlsx") as archive:
        rows = archive.read("xl/worksheets/sheet2.xml").decode()
        notes = archive.read("xl/comments2.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert '<pane xSplit="1" ySplit="1" topLeftCell="B2"' in rows
    assert '<autoFilter ref="A1:U9"/>' in rows
    assert len(COLUMNS) == notes.count("<comment ")
    assert "Time the expert took to write. Unit: s. Range: 0 or more." in notes
    assert "Range: 0 to 10." in notes
    for number_format in ("0.00", '0.000 "s"', "$0.0000"):
        assert f'formatCode="{number_format}"'.replace('"s"', "&quot;s&quot;") in styles or (
            number_format == "0.00"  # built in: it has a number instead of a code
        )


def test_an_empty_table_is_a_workbook_without_rows(tmp_path: Path) -> None:
    """A table without rows still says what its columns mean."""
    workbook.write(ScoreTable(rows=()), tmp_path / "scores.xlsx")
    assert 1 == len(_cells(tmp_path / "scores.xlsx", "Rows"))
    about = dict(line[:2] for line in _cells(tmp_path / "scores.xlsx", "About"))
    assert ("0", "none") == (about["Experts"], about["Judge"])


def test_a_missing_folder_is_an_error(table: ScoreTable, tmp_path: Path) -> None:
    """The folder is not made, and the error is one sentence."""
    path = tmp_path / "missing" / "scores.xlsx"
    with pytest.raises(TableError) as caught:
        workbook.write(table, path)
    assert f"{path}: cannot be written: No such file or directory." == str(caught.value)


def test_header_names_the_unit_where_the_name_does_not() -> None:
    """Words need no "(words)", seconds are given as "s"."""
    assert "words" == workbook.header("words")
    assert "seconds (s)" == workbook.header("seconds")
    assert "price usd" == workbook.header("price_usd")
