"""The score table: rows that were checked once, and nothing that needs a library.

A table holds at most one row for a prompt, a subtask and an expert. Rows that speak of the same thing agree:

- a `prompt_id` has one `prompt`;
- a `subtask_index` of a prompt has one `subtask` and one `field`;
- an `expert` has one `expert_field`.

`explicit_score` is None exactly where `unscored_reason` says why.
"""

import hashlib
import json
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from net4moe.table.rows import COLUMNS, Column, ScoreRow

__all__ = ["RowFault", "ScoreTable", "make_row", "problem", "requirement", "values"]

_LARGEST_INTEGER = 2**53  # the greatest count that every file format keeps exactly
_LONGEST_SHOWN = 80


class RowFault(ValueError):
    """A row breaks a rule of the score table.

    Attributes:
      row_index: the row at fault, from 0.
      column: the name of the column at fault.
      problem: what must hold and what came, to be read after the column's name.
    """

    def __init__(self, problem: str, *, row_index: int, column: str) -> None:
        """Put the place in front of the sentence."""
        self.problem = problem
        self.row_index = row_index
        self.column = column
        super().__init__(f"row {row_index}: `{column}` {problem}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """What every expert wrote for every subtask, what it cost and how it was scored.

    Checked at construction, which takes time in proportion to the rows: add many at once.

    Attributes:
      rows: the passages, in the order they were made.
    """

    rows: tuple[ScoreRow, ...]

    def __post_init__(self) -> None:
        """Check every value, and that the rows agree.

        Raises:
          RowFault: a `ValueError` that names the first row and column at fault.
        """
        for index, row in enumerate(self.rows):
            _check_values(index, row)
        _check_single(self.rows)
        _check_agreement(self.rows, key=("prompt_id",), columns=("prompt",))
        _check_agreement(self.rows, key=("prompt_id", "subtask_index"), columns=("subtask", "field"))
        _check_agreement(self.rows, key=("expert",), columns=("expert_field",))

    @property
    def prompt_ids(self) -> tuple[str, ...]:
        """List the prompts, in the order of their first row."""
        return tuple(dict.fromkeys(row.prompt_id for row in self.rows))

    @property
    def experts(self) -> tuple[str, ...]:
        """List the experts, in the order of their first row."""
        return tuple(dict.fromkeys(row.expert for row in self.rows))

    @property
    def unscored(self) -> int:
        """Count the rows without an explicit score."""
        return sum(row.explicit_score is None for row in self.rows)

    def digest(self) -> str:
        """Compute the SHA-256 of the columns' names and all rows in order, 64 hexadecimal digits.

        Equal tables have equal digests, in every process and on every machine.
        """
        digest = hashlib.sha256(json.dumps(list(COLUMNS)).encode())
        for row in self.rows:
            digest.update(json.dumps([_canonical(value) for value in values(row)]).encode())
        return digest.hexdigest()

    def select(self, prompt_ids: Collection[str]) -> "ScoreTable":
        """Keep the rows of some prompts, in the table's order.

        Raises:
          ValueError: a prompt is not in the table.
        """
        wanted = set(prompt_ids)
        if unknown := sorted(wanted.difference(self.prompt_ids)):
            message = f"`prompt_ids` must be in the table, got {unknown[0]!r}."
            raise ValueError(message)
        return ScoreTable(rows=tuple(row for row in self.rows if row.prompt_id in wanted))

    def extended(self, rows: Iterable[ScoreRow]) -> "ScoreTable":
        """Add rows at the end.

        Raises:
          RowFault: a `ValueError`; a new row is wrong or does not agree with the table.
        """
        return ScoreTable(rows=(*self.rows, *rows))


def values(row: ScoreRow) -> tuple[str | int | float | None, ...]:
    """List a row's values in the order of `COLUMNS`."""
    return tuple(getattr(row, name) for name in COLUMNS)


def make_row(cells: Mapping[str, object]) -> ScoreRow:
    """Make a row from values by column name; `ScoreTable` checks it."""
    return ScoreRow(**cast(Any, cells))


def problem(name: str, value: object) -> str:
    """Say what is wrong with a value of a column, to be read after its name; empty where nothing is."""
    column = COLUMNS[name]
    if column.kind == "text":
        return _text_problem(value, optional=column.optional)
    if value is None and column.optional:
        return ""
    number = int if column.kind == "integer" else int | float
    low, high = _limits(column)
    if isinstance(value, number) and not isinstance(value, bool) and low <= value <= high:
        return ""
    return f"{requirement(column)}, got {'nothing' if value is None else _shown(value)}."


def requirement(column: Column) -> str:
    """Say in words what a value of a column must be."""
    if column.kind == "text":
        return "must be a text"
    noun = "a whole number" if column.kind == "integer" else "a number"
    if column.high is not None:
        return f"must be {noun} from {column.low:g} to {column.high:g}"
    return f"must be {noun} of at least {column.low:g}"


def _text_problem(value: object, *, optional: bool) -> str:
    """Say what is wrong with a text."""
    if not isinstance(value, str):
        return f"must be a text, got {'nothing' if value is None else _shown(value)}."
    if not optional and not value.strip():
        return "must not be empty."
    try:
        value.encode()
    except UnicodeEncodeError as error:
        return f"must be whole characters, got half of one (a lone surrogate) at position {error.start}."
    return ""


def _limits(column: Column) -> tuple[float, float]:
    """Give the least and the greatest number that a column allows."""
    greatest = _LARGEST_INTEGER if column.kind == "integer" else sys.float_info.max
    return (
        -greatest if column.low is None else column.low,
        greatest if column.high is None else column.high,
    )


def _shown(value: object) -> str:
    """Show a value that came, cut where it is long."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _canonical(value: str | int | float | None) -> str | int | float | None:
    """Give equal numbers one form: -0.0 is 0, and 2.0 is 2."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check_values(index: int, row: ScoreRow) -> None:
    """Check one row by itself."""
    for name in COLUMNS:
        if fault := problem(name, getattr(row, name)):
            raise RowFault(fault, row_index=index, column=name)
    if row.explicit_score is None and not row.unscored_reason.strip():
        fault = "must say why `explicit_score` is empty, got nothing."
        raise RowFault(fault, row_index=index, column="unscored_reason")
    if row.explicit_score is not None and row.unscored_reason:
        fault = f"must be empty where there is a score, got {_shown(row.unscored_reason)}."
        raise RowFault(fault, row_index=index, column="unscored_reason")


def _check_single(rows: tuple[ScoreRow, ...]) -> None:
    """Check that no expert has two rows for one subtask."""
    seen: set[tuple[str, int, str]] = set()
    for index, row in enumerate(rows):
        key = (row.prompt_id, row.subtask_index, row.expert)
        if key in seen:
            fault = (
                f"must have one row for each subtask, got a second of {_shown(row.expert)} "
                f"for subtask {row.subtask_index} of prompt {_shown(row.prompt_id)}."
            )
            raise RowFault(fault, row_index=index, column="expert")
        seen.add(key)


def _check_agreement(rows: tuple[ScoreRow, ...], *, key: tuple[str, ...], columns: tuple[str, ...]) -> None:
    """Check that rows with the same key have the same values in some columns."""
    first: dict[tuple[object, ...], ScoreRow] = {}
    for index, row in enumerate(rows):
        same = first.setdefault(tuple(getattr(row, name) for name in key), row)
        for column in columns:
            expected, got = getattr(same, column), getattr(row, column)
            if got != expected:
                names = " and ".join(f"`{name}`" for name in key)
                fault = (
                    f"must be {_shown(expected)} as in an earlier row of the same {names}, got {_shown(got)}."
                )
                raise RowFault(fault, row_index=index, column=column)
