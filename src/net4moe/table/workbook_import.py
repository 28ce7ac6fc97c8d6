"""Score tables from workbooks, our own or filled by hand.

A workbook is read from its first sheet that has one of two shapes, with the headers in one of the first
twenty rows. Capitals, spaces and units in brackets do not matter in a header; unknown columns are ignored.

- *Rows*: one row for each passage. `prompt`, `subtask`, `expert`, `explicit score` (or `score`) and `words`
  are needed, every other column of the score table is optional.
- *Scores*: one row for each subtask, and for each expert the two columns `score` and `words`, with the
  expert's name above them and, where there is a row between, the expert's field. `prompt` and `subtask` are
  needed. A row of means or sums at the end is left out.

What a sheet leaves out is filled in as `net4moe.table.workbook_drafts` says. A workbook with both shapes, as
`net4moe.table.workbook` writes, must say the same in both.
"""

import difflib
import re
from pathlib import Path

from net4moe.errors import TableError
from net4moe.table.rows import COLUMNS, ScoreRow
from net4moe.table.score_table import RowFault, ScoreTable
from net4moe.table.workbook_drafts import NEEDED, Draft, in_words, rows_of
from net4moe.table.workbook_sheets import Cell, Sheet, read_sheets

__all__ = ["read"]

_SIDE_BY_SIDE = ("prompt_id", "prompt", "subtask_index", "subtask", "field")
_HEADER_ROWS = 20


def read(path: Path) -> ScoreTable:
    """Read a score table from a workbook.

    Raises:
      TableError: the file cannot be read, a needed column is missing, or a cell holds what it must not; the
        error names the sheet and the cell.
    """
    sheets = read_sheets(path)
    if all(cell.is_empty for sheet in sheets for row in sheet.rows for cell in row):
        message = "the workbook is empty."
        raise TableError(message, path=path)
    long = next((drafts for sheet in sheets if (drafts := _long_drafts(sheet, path)) is not None), None)
    others = sheets if long is None else [sheet for sheet in sheets if sheet.name == "Scores"]
    wide = next((drafts for sheet in others if (drafts := _wide_drafts(sheet, path)) is not None), None)
    drafts = wide if long is None else long
    if drafts is None:
        raise _no_table(sheets, path)
    if not drafts:
        message = "there are no rows below the headers."
        raise TableError(message, path=path)
    rows = rows_of(drafts, path)
    if long and wide and {"prompt_id", "subtask_index"} <= wide[0].cells.keys():
        _check_same(rows, rows_of(wide, path), wide, path)
    try:
        return ScoreTable(rows=rows)
    except RowFault as fault:
        raise drafts[fault.row_index].error(fault.problem, name=fault.column, path=path) from fault


def _name(cell: Cell) -> str:
    """Give the column's name that a header means, without regard to capitals, spaces and units."""
    if not isinstance(cell.value, str):
        return ""
    text = re.sub(r"\(.*?\)|\[.*?\]", "", cell.value).casefold()
    name = re.sub(r"[\s_-]+", "_", text).strip("_")
    return "explicit_score" if name == "score" else name


def _long_drafts(sheet: Sheet, path: Path) -> list[Draft] | None:
    """Read a sheet with one row for each passage; None where it has not that shape."""
    heads = [row for row in sheet.rows[:_HEADER_ROWS] if {_name(cell) for cell in row}.issuperset(NEEDED)]
    if not heads:
        return None
    columns = _columns(heads[0], sheet, path)
    lines = sheet.rows[heads[0][0].row + 1 :]
    drafts = [{name: line[column] for name, column in columns.items()} for line in lines]
    return [
        Draft(sheet=sheet.name, cells=cells)
        for cells in drafts
        if not all(cell.is_empty for cell in cells.values())
    ]


def _columns(head: tuple[Cell, ...], sheet: Sheet, path: Path) -> dict[str, int]:
    """Find the columns that the headers name."""
    columns: dict[str, int] = {}
    for cell in head:
        name = _name(cell)
        if name in columns:
            message = f"two columns are named '{in_words(name)}'."
            raise TableError(message, path=path, sheet=sheet.name, cell=cell.place)
        if name in COLUMNS:
            columns[name] = cell.column
    for cell in head:
        missing = [name for name in COLUMNS if name not in columns]
        near = difflib.get_close_matches(_name(cell), missing, n=1, cutoff=0.85)
        if near and _name(cell) not in COLUMNS:
            message = f"the header '{cell.value}' is unknown; write '{in_words(near[0])}' if you mean that."
            raise TableError(message, path=path, sheet=sheet.name, cell=cell.place)
    return columns


def _wide_drafts(sheet: Sheet, path: Path) -> list[Draft] | None:
    """Read a sheet with the experts side by side; None where it has not that shape."""
    heads = [
        row
        for row in sheet.rows[1:_HEADER_ROWS]
        if _pairs(row) and "expert" not in {_name(cell) for cell in row}
    ]
    if not heads:
        return None
    at, pairs = heads[0][0].row, _pairs(heads[0])
    labels = _labels(sheet, at, pairs, path)
    experts = [_expert(sheet, at, column, path) for column in pairs]
    drafts: list[Draft] = []
    for line in sheet.rows[at + 1 :]:
        common = {name: line[column] for name, column in labels.items()}
        if common["subtask"].is_empty and _is_summary(line):
            continue
        for column, expert in zip(pairs, experts, strict=True):
            score, words = line[column], line[column + 1]
            if not (score.is_empty and words.is_empty):
                cells = {**common, **expert, "explicit_score": score, "words": words}
                drafts.append(Draft(sheet=sheet.name, cells=cells))
    return drafts


def _pairs(row: tuple[Cell, ...]) -> list[int]:
    """Find the columns "score" that have "words" to their right."""
    names = [_name(cell) for cell in row]
    return [
        column
        for column in range(len(names) - 1)
        if names[column] == "explicit_score" and names[column + 1] == "words"
    ]


def _labels(sheet: Sheet, at: int, pairs: list[int], path: Path) -> dict[str, int]:
    """Find the columns that describe a subtask, by the headers in the row `at` and the two above it."""
    labels: dict[str, int] = {}
    for row in sheet.rows[max(0, at - 2) : at + 1]:
        for cell in row:
            if _name(cell) in _SIDE_BY_SIDE and not {cell.column, cell.column - 1} & set(pairs):
                labels[_name(cell)] = cell.column
    for needed in ("prompt", "subtask"):
        if needed not in labels:
            raise _missing(needed, sheet.rows[at], sheet, path)
    return labels


def _expert(sheet: Sheet, at: int, column: int, path: Path) -> dict[str, Cell]:
    """Find the cells with the name and the field of the expert above its column "score"."""
    above = [sheet.rows[row][column] for row in range(max(0, at - 2), at)]
    above = [cell for cell in above if not cell.is_empty]
    if not above:
        cell = sheet.rows[max(0, at - 1)][column]
        message = "the expert's name is missing above 'score'."
        raise TableError(message, path=path, sheet=sheet.name, cell=cell.place)
    return dict(zip(("expert", "expert_field"), above, strict=False))


def _is_summary(line: tuple[Cell, ...]) -> bool:
    """Say whether a line begins as one of means or sums does."""
    first = next((cell.value for cell in line if not cell.is_empty), "")
    return isinstance(first, str) and first.strip().casefold() in ("", "mean", "average", "sum", "total")


def _missing(name: str, head: tuple[Cell, ...], sheet: Sheet, path: Path) -> TableError:
    """Make the error about a needed column, with the header that comes nearest to its name."""
    others = {_name(cell): cell for cell in head if _name(cell) and _name(cell) not in COLUMNS}
    near = difflib.get_close_matches(name, others, n=1)
    hint = f"; the nearest header is '{others[near[0]].value}'" if near else ""
    cell = others[near[0]].place if near else None
    message = f"the column '{in_words(name)}' is missing{hint}."
    return TableError(message, path=path, sheet=sheet.name, cell=cell)


def _no_table(sheets: tuple[Sheet, ...], path: Path) -> TableError:
    """Make the error about a workbook without a score table, by the row that comes nearest to its headers."""
    heads = [
        (sheet, row, {_name(cell) for cell in row}) for sheet in sheets for row in sheet.rows[:_HEADER_ROWS]
    ]
    sheet, head, names = max(heads, key=lambda found: len(found[2].intersection(NEEDED)))
    if not names.intersection(NEEDED):
        needed = ", ".join(in_words(name) for name in NEEDED)
        message = f"no sheet has the headers of a score table: {needed}."
        return TableError(message, path=path)
    return _missing(next(name for name in NEEDED if name not in names), head, sheet, path)


def _check_same(
    long: tuple[ScoreRow, ...], wide: tuple[ScoreRow, ...], drafts: list[Draft], path: Path
) -> None:
    """Check that a sheet with the experts side by side says the same as the rows.

    Otherwise a score that was corrected in one of the sheets only would be lost without a word.
    """
    rows = {(row.prompt_id, row.subtask_index, row.expert): row for row in long}
    advice = "make the two sheets agree, or delete one."
    for row, draft in zip(wide, drafts, strict=True):
        same = rows.pop((row.prompt_id, row.subtask_index, row.expert), None)
        if same is None:
            fault = f"belongs to a passage of {row.expert!r} that the sheet of rows does not have; {advice}"
            raise draft.error(fault, name="explicit_score", path=path)
        for name in ("explicit_score", "words"):
            here, there = (getattr(source, name) for source in (row, same))
            if here != there:
                shown = ["missing" if value is None else f"{value:.15g}" for value in (here, there)]
                fault = f"is {shown[0]} here and {shown[1]} in the sheet of rows; {advice}"
                raise draft.error(fault, name=name, path=path)
    if rows:
        row = next(iter(rows.values()))
        message = (
            f"subtask {row.subtask_index} of prompt {row.prompt_id!r} has no passage of {row.expert!r}, "
            f"but the sheet of rows has one; {advice}"
        )
        raise TableError(message, path=path, sheet=drafts[0].sheet)
