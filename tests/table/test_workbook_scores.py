import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import python_calamine

from net4moe.table import ScoreRow, ScoreTable, workbook


def _scores(path: Path) -> list[list[Any]]:
    """Read the cells of the sheet "Scores"."""
    sheet = python_calamine.load_workbook(path).get_sheet_by_name("Scores")
    return sheet.to_python(skip_empty_area=False)


def test_experts_stand_side_by_side(table: ScoreTable, tmp_path: Path) -> None:
    """One row for each subtask, two columns for each expert, and the means by hand below."""
    workbook.write(table, tmp_path / "scores.xlsx")
    cells = _scores(tmp_path / "scores.xlsx")
    assert ["Ada", "", "Boris", ""] == cells[2][5:]
    assert ["plot", "", "setting", ""] == cells[3][5:]
    assert ["prompt id", "prompt", "subtask index", "subtask", "field"] == cells[2][:5]
    assert ["score", "words", "score", "words"] == cells[4][5:]
    assert ["p1", "A fox learns to sail.", 0, "piece 0 of p1", "plot", 8.5, 100, 4.25, 100] == cells[5]
    assert ["", "", 1, "piece 1 of p1", "setting", 4.25, 110, 8.5, 110] == cells[6]
    assert ["", "", 1, "piece 1 of p2", "setting", 4.25, 110, "–", 110] == cells[8]
    means = [(8.5 + 4.25 + 8.5 + 4.25) / 4, 105, (4.25 + 8.5 + 4.25) / 3, 105]
    assert ["Mean", "", "", "", "", *means] == cells[9]
    assert 10 == len(cells)


def test_rows_of_one_prompt_stand_together(row: Callable[..., ScoreRow], tmp_path: Path) -> None:
    """A prompt whose rows were added later is still one block; what nobody wrote is empty."""
    rows = (
        row(prompt_id="p1"),
        row(prompt_id="p2"),
        row(prompt_id="p1", subtask_index=1, expert="Boris", words=7),
    )
    workbook.write(ScoreTable(rows=rows), tmp_path / "scores.xlsx")
    cells = _scores(tmp_path / "scores.xlsx")
    assert [["p1", 0], ["", 1], ["p2", 0]] == [[line[0], line[2]] for line in cells[5:8]]
    assert ["", "", 7.5, 7] == cells[6][5:]


def test_an_expert_without_scores_has_no_mean(row: Callable[..., ScoreRow], tmp_path: Path) -> None:
    """The mean of no scores is empty, not 0."""
    rows = (row(explicit_score=None, unscored_reason="late"),)
    workbook.write(ScoreTable(rows=rows), tmp_path / "scores.xlsx")
    assert ["–", 5] == _scores(tmp_path / "scores.xlsx")[5][5:]
    assert ["", 5] == _scores(tmp_path / "scores.xlsx")[6][5:]


def test_the_best_score_is_highlighted_and_a_dash_explained(table: ScoreTable, tmp_path: Path) -> None:
    """The best score of a row alone is highlighted; an unscored cell has its reason as a note."""
    workbook.write(table, tmp_path / "scores.xlsx")
    with zipfile.ZipFile(tmp_path / "scores.xlsx") as archive:
        sheet = ElementTree.fromstring(archive.read("xl/worksheets/sheet1.xml"))
        styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
        notes = archive.read("xl/comments1.xml").decode()
    formats = styles.findall("{*}cellXfs/{*}xf")
    fills = styles.findall("{*}fills/{*}fill")
    colours = {}
    for cell in sheet.findall("{*}sheetData/{*}row/{*}c"):
        fill = fills[int(formats[int(cell.get("s", "0"))].get("fillId", "0"))]
        colour = fill.find("{*}patternFill/{*}fgColor")
        colours[cell.get("r")] = None if colour is None else colour.get("rgb")
    assert ["F6", "F8", "H7"] == sorted(place for place, colour in colours.items() if colour == "FFCDEBD3")
    assert 'ref="H9"' in notes
    assert "Unscored: the judge gave no number" in notes
