"""The score table as an Excel workbook, for people.

Three sheets: "Scores" reads like the table of a paper, "Rows" holds every value, "About" says what they mean.
`net4moe.table.workbook_import` reads it back; it gives the same table but for what a cell cannot hold
(`net4moe.table.workbook_cells`), of which "About" speaks.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# (xlsxwriter annotates most of its functions, not all)

import datetime
import io
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from net4moe.table import files
from net4moe.table.rows import COLUMNS, Column
from net4moe.table.score_table import ScoreTable, values
from net4moe.table.workbook_cells import NUMBER_FORMATS, fitting, lines, look, merge, put
from net4moe.table.workbook_scores import add_scores_sheet

__all__ = ["header", "write"]

_CREATED = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)  # fixed: the same table gives the same bytes
_OPTIONS = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
_WIDTHS = {"prompt": 34, "subtask": 34, "text": 70, "unscored_reason": 26, "judge": 26, "model": 22}
_WIDTH = 13
_LINE_POINTS = 15
_MOST_LINES = 6


def write(table: ScoreTable, path: Path, *, notes: Sequence[str] = ()) -> None:
    """Write a table to a workbook, atomically.

    Args:
      table: what to write.
      path: the file, named `.xlsx`.
      notes: sentences for the reader, for the sheet "About".

    Raises:
      TableError: the folder is missing or read-only, the disk is full, or the table is larger than a sheet.
    """
    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, _OPTIONS)
    book.set_properties({"title": "Score table", "author": "Net4MoE", "created": _CREATED})
    add_scores_sheet(book, table)
    _add_rows_sheet(book, table)
    _add_about_sheet(book, table, notes)
    book.close()
    files.write_bytes(path, content.getvalue())


def header(name: str) -> str:
    """Give a column's header: its name in words, and its unit where the name does not say it."""
    unit = COLUMNS[name].unit
    words = name.split("_")
    return " ".join(words) if not unit or unit.casefold() in words else f"{' '.join(words)} ({unit})"


def _add_rows_sheet(book: Workbook, table: ScoreTable) -> None:
    """Add the sheet that holds every value of every row."""
    sheet = book.add_worksheet("Rows")
    head = look(book, "head", indent=1)
    styles = [
        look(book, "cell", num_format=_number_format(column), **_aligned(column))
        for column in COLUMNS.values()
    ]
    for place, (name, column) in enumerate(COLUMNS.items()):
        sheet.set_column(place, place, _WIDTHS.get(name, _WIDTH))
        put(sheet, 0, place, header(name), head)
        sheet.write_comment(0, place, _explanation(column), {"x_scale": 2})
    sheet.set_row(0, 2 * _LINE_POINTS + 4)
    for at, row in enumerate(table.rows, start=1):
        for place, value in enumerate(values(row)):
            put(sheet, at, place, value, styles[place])
        needed = max(lines(getattr(row, name), width) for name, width in _WIDTHS.items())
        sheet.set_row(at, _LINE_POINTS * min(needed, _MOST_LINES) + 3)
    sheet.autofilter(0, 0, len(table.rows), len(COLUMNS) - 1)
    sheet.freeze_panes(1, 1)
    sheet.set_landscape()
    sheet.set_paper(8)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_footer("&L&A&RPage &P of &N")


def _add_about_sheet(book: Workbook, table: ScoreTable, notes: Sequence[str]) -> None:
    """Add the sheet that says what the workbook holds and what its columns mean."""
    sheet = book.add_worksheet("About")
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 78)
    sheet.set_column(2, 3, 14)
    label, text = look(book, "label"), look(book, "subtitle", font_color="#000000", text_wrap=True)
    put(sheet, 0, 0, "About this score table", look(book, "title"))
    sheet.set_row(0, 26)
    at = 2
    for name, value in _facts(table, notes):
        put(sheet, at, 0, name, label)
        merge(sheet, (at, 1), (at, 3), value, text)
        sheet.set_row(at, _LINE_POINTS * lines(value, 100) + 3)
        at += 1
    _write_columns(book, sheet, at + 1)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 1)


def _facts(table: ScoreTable, notes: Sequence[str]) -> list[tuple[str, str]]:
    """List what is to be said of a table, as pairs of a label and a text."""
    judges = sorted({row.judge for row in table.rows})
    num_subtasks = len({(row.prompt_id, row.subtask_index) for row in table.rows})
    facts = [
        ("Prompts", f"{len(table.prompt_ids):,}"),
        ("Subtasks", f"{num_subtasks:,}"),
        ("Experts", f"{len(table.experts):,}: {', '.join(table.experts)}" if table.experts else "0"),
        ("Passages", f"{len(table.rows):,}, {table.unscored:,} of them without a score"),
        ("Judge", "; ".join(judges) if judges else "none"),
        ("Digest", table.digest()),
    ]
    facts += [("Note", note) for note in notes]
    texts = [value for row in table.rows for value in values(row) if isinstance(value, str)]
    if num_changed := sum(fitting(text) != text for text in texts):
        changed = (
            f"{num_changed:,} of the texts in the sheet Rows differ from the table: a cell holds at most 32,767 "
            'characters, a longer text ends in "… [cut, N characters in all]"; a character that a workbook '
            "cannot hold is shown as \ufffd."
        )
        facts.append(("Changed texts", changed))
    return facts


def _write_columns(book: Workbook, sheet: Worksheet, at: int) -> None:
    """Write the meaning of every column, from the row `at` on."""
    head, cell = look(book, "head", indent=1), look(book, "cell", align="left", indent=1, valign="vcenter")
    for place, title in enumerate(("column", "meaning", "unit", "range")):
        put(sheet, at, place, title, head)
    sheet.set_row(at, _LINE_POINTS + 5)
    for offset, (name, column) in enumerate(COLUMNS.items(), start=1):
        texts = (name.replace("_", " "), column.meaning, column.unit, _range(column))
        for place, value in enumerate(texts):
            put(sheet, at + offset, place, value, cell)
        sheet.set_row(at + offset, _LINE_POINTS * lines(column.meaning, 84) + 3)


def _explanation(column: Column) -> str:
    """Say in one note what a column means."""
    parts = [column.meaning]
    parts += [f"Unit: {column.unit}."] if column.unit else []
    parts += [f"Range: {_range(column)}."] if _range(column) else []
    return " ".join(parts)


def _range(column: Column) -> str:
    """Say which numbers a column may hold; empty for texts."""
    if column.low is None:
        return ""
    return f"{column.low:g} to {column.high:g}" if column.high is not None else f"{column.low:g} or more"


def _aligned(column: Column) -> dict[str, str | int]:
    """Choose where a column's values stand in their cells."""
    return {"align": "left", "indent": 1} if column.kind == "text" else {"align": "right"}


def _number_format(column: Column) -> str:
    """Choose how a column shows its values."""
    return NUMBER_FORMATS.get(column.unit, NUMBER_FORMATS[column.kind])
