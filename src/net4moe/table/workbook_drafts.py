"""Rows of a workbook on their way into a score table: every value checked, every gap filled.

| column | where it is missing |
|---|---|
| `prompt_id` | `p-` and eight hexadecimal digits made from the prompt |
| `subtask_index` | the order in which the prompt's subtasks appear |
| `field` | general |
| `expert_field` | the expert's name |
| `device`, `model`, `text` | empty |
| `relevance` | 1 where the field is the expert's, else 0 |
| `expected_words` | the words |
| `units` | a tenth of the words |
| `unscored_reason` | "no score in the workbook", where there is none |
| `judge` | by hand |
| `prompt_tokens`, `completion_tokens`, `seconds`, `price_usd` | 0 |

A score that is empty or a dash is unscored. A number in a column of texts is a text.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from net4moe.errors import TableError
from net4moe.table.rows import COLUMNS, ScoreRow
from net4moe.table.score_table import make_row, problem, requirement
from net4moe.table.workbook_sheets import Cell, FormulaError, Value

__all__ = ["NEEDED", "Draft", "in_words", "rows_of"]

NEEDED = ("prompt", "subtask", "expert", "explicit_score", "words")

_DASHES = ("–", "—", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A row to be.

    Attributes:
      sheet: the sheet it stands in.
      cells: the cell of each column that the sheet has.
    """

    sheet: str
    cells: Mapping[str, Cell]

    def error(self, fault: str, *, name: str, path: Path) -> TableError:
        """Make the error about one column, at its cell or, where the sheet lacks it, at the row's first."""
        cell = self.cells.get(name, next(iter(self.cells.values())))
        return TableError(f"{in_words(name)} {fault}", path=path, sheet=self.sheet, cell=cell.place)


def in_words(name: str) -> str:
    """Give a column's name as people write it."""
    return name.replace("_", " ")


def rows_of(drafts: list[Draft], path: Path) -> tuple[ScoreRow, ...]:
    """Read the values of all drafts and fill in what the sheet leaves out.

    Raises:
      TableError: a cell holds what its column must not.
    """
    rows: list[ScoreRow] = []
    subtasks: dict[object, dict[object, int]] = {}
    for draft in drafts:
        found = _found(draft, path)
        named = {"prompt_id": f"p-{_short_digest(str(found['prompt']))}", **found}
        seen = subtasks.setdefault(named["prompt_id"], {})
        subtask_index = seen.setdefault(named["subtask"], len(seen))
        rows.append(make_row({"subtask_index": subtask_index, **_defaults(found), **named}))
    return tuple(rows)


def _short_digest(text: str) -> str:
    """Make eight hexadecimal digits from a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _defaults(found: Mapping[str, str | int | float]) -> dict[str, str | int | float | None]:
    """Give the values of the columns that a row may leave out."""
    field = found.get("field", "general")
    expert_field = found.get("expert_field", found["expert"])
    return {
        "field": field,
        "expert_field": expert_field,
        "device": "",
        "model": "",
        "relevance": 1.0 if field == expert_field else 0.0,
        "expected_words": float(found["words"]),
        "units": float(found["words"]) / 10,
        "text": "",
        "explicit_score": None,
        "unscored_reason": "" if "explicit_score" in found else "no score in the workbook",
        "judge": "by hand",
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "seconds": 0.0,
        "price_usd": 0.0,
    }


def _found(draft: Draft, path: Path) -> dict[str, str | int | float]:
    """Read the values of one draft that are not empty."""
    found: dict[str, str | int | float] = {}
    for name, cell in draft.cells.items():
        try:
            value = _text(name, cell.value) if COLUMNS[name].kind == "text" else _number(name, cell)
        except ValueError as fault:
            raise draft.error(str(fault), name=name, path=path) from fault
        if value is not None and value != "":
            found[name] = value
        elif name in NEEDED and (fault := problem(name, value)):
            raise draft.error(fault, name=name, path=path)
    return found


def _text(name: str, value: Value) -> str:
    """Read a text.

    Raises:
      ValueError: it is none; the text of the error follows the column's name.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:.15g}"
    if not isinstance(value, str):
        message = f"{requirement(COLUMNS[name])}, got {_shown(value)}."
        raise ValueError(message)
    if value and (fault := problem(name, value)):
        raise ValueError(fault)
    return value


def _number(name: str, cell: Cell) -> int | float | None:
    """Read a number; None where there is none.

    Raises:
      ValueError: it is something else; the text of the error follows the column's name.
    """
    value, column = cell.value, COLUMNS[name]
    if cell.merged:
        message = "must stand in a cell of its own, got a merged one; undo the merge."
        raise ValueError(message)
    if cell.is_empty or (name == "explicit_score" and value in _DASHES):
        return None
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = int(value) if column.kind == "integer" and float(value).is_integer() else value
        if not problem(name, number):
            return number
    message = f"{requirement(column)}, got {_shown(value)}.{_advice(value)}"
    raise ValueError(message)


def _shown(value: Value) -> str:
    """Show what a cell holds, as its reader knows it."""
    if isinstance(value, FormulaError):
        return f"{value.text}, the error of a formula"
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, datetime):
        return f"the date {value.isoformat(' ')}"
    if isinstance(value, date | time):
        return f"the {'date' if isinstance(value, date) else 'time'} {value.isoformat()}"
    if isinstance(value, float):
        return f"{value:.15g}"
    return repr(value) if isinstance(value, str) else str(value)


def _advice(value: Value) -> str:
    """Say how to mend a number that the spreadsheet took for something else."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?\d+(?:[.,]\d+)?\s*", value):
        number = value.strip().replace(",", ".")
        return f" It is a text: set the cell's format to Number and type {number} again."
    if isinstance(value, date | time):
        return " Set the cell's format to Number and type the number again."
    return ""
