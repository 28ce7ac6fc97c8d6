"""The score table as a Parquet file: small, fast and exact; for programs."""

import io
from pathlib import Path

import polars

from net4moe.errors import TableError
from net4moe.table import files
from net4moe.table.rows import COLUMNS, Column
from net4moe.table.score_table import RowFault, ScoreTable, make_row, values

__all__ = ["read", "write"]

_TYPES = {"text": polars.String(), "integer": polars.Int64(), "number": polars.Float64()}
_DIGEST_KEY = "net4moe.digest"


def write(table: ScoreTable, path: Path) -> None:
    """Write a table to a Parquet file, atomically.

    The file's metadata holds `ScoreTable.digest()`, by which `read` finds damage.

    Raises:
      TableError: the folder is missing or read-only, or the disk is full.
    """
    frame = polars.DataFrame(
        [values(row) for row in table.rows],
        schema={name: _TYPES[column.kind] for name, column in COLUMNS.items()},
        orient="row",
    )
    content = io.BytesIO()
    frame.write_parquet(content, metadata={_DIGEST_KEY: table.digest()})
    files.write_bytes(path, content.getvalue())


def read(path: Path) -> ScoreTable:
    """Read a table from a Parquet file, ours or one with the same columns in any order.

    Raises:
      TableError: the file is missing or damaged, a column is missing, unknown or of another type, or a
        row breaks a rule of `ScoreTable`.
    """
    content = files.read_bytes(path)
    try:
        frame = polars.read_parquet(io.BytesIO(content))
        digest = polars.read_parquet_metadata(io.BytesIO(content)).get(_DIGEST_KEY)
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException) as error:
        message = "is damaged or is not a Parquet file."
        raise TableError(message, path=path) from error
    _check_columns(frame, path)
    try:
        table = ScoreTable(rows=tuple(make_row(row) for row in frame.iter_rows(named=True)))
    except RowFault as error:
        raise TableError(str(error), path=path) from error
    if digest is not None and digest != table.digest():
        message = "is damaged: its content does not match the digest it was written with."
        raise TableError(message, path=path)
    return table


def _check_columns(frame: polars.DataFrame, path: Path) -> None:
    """Check the names and types of the columns."""
    for name, column in COLUMNS.items():
        if name not in frame.schema:
            message = f"column `{name}` is missing."
            raise TableError(message, path=path)
        if not _fits(frame.schema[name], column):
            message = f"column `{name}` must be {_TYPES[column.kind]}, got {frame.schema[name]}."
            raise TableError(message, path=path)
    for name in frame.schema:
        if name not in COLUMNS:
            message = f"column `{name}` is not a column of a score table."
            raise TableError(message, path=path)


def _fits(found: polars.DataType, column: Column) -> bool:
    """Say whether a column's type can hold its values."""
    if column.kind == "text":
        return found == polars.String()
    if found == polars.Null():  # a column of nothing has no type
        return column.optional
    return found.is_integer() or (column.kind == "number" and found.is_float())
