from collections.abc import Callable
from pathlib import Path

import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.errors import TableError
from net4moe.table import COLUMNS, ScoreRow, ScoreTable, parquet


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_every_table_comes_back_as_it_was(
    data: st.DataObject, tables: st.SearchStrategy[ScoreTable], scratch: Path
) -> None:
    """Any table that the rules allow is the same after a round trip."""
    table = data.draw(tables)
    parquet.write(table, scratch / "scores.parquet")
    assert table == parquet.read(scratch / "scores.parquet")


def test_columns_may_come_in_any_order_and_size(table: ScoreTable, tmp_path: Path) -> None:
    """A file of another program may order its columns anew and use small integers and short floats."""
    path = tmp_path / "scores.parquet"
    parquet.write(table, path)
    frame = polars.read_parquet(path).with_columns(
        polars.col("words").cast(polars.UInt16), polars.col("relevance").cast(polars.Float32)
    )
    frame.select(reversed(frame.columns)).write_parquet(path)
    assert table == parquet.read(path)


def test_a_column_of_nothing_may_have_no_type(row: Callable[..., ScoreRow], tmp_path: Path) -> None:
    """Where every score is missing, another program may write a column without a type."""
    path = tmp_path / "scores.parquet"
    table = ScoreTable(rows=(row(explicit_score=None, unscored_reason="late"),))
    parquet.write(table, path)
    polars.read_parquet(path).with_columns(explicit_score=polars.lit(None)).write_parquet(path)
    assert table == parquet.read(path)


def _text_of_error(path: Path) -> str:
    """Read a wrong file and give the error's text without the path."""
    with pytest.raises(TableError) as caught:
        parquet.read(path)
    assert path == caught.value.path
    return str(caught.value).removeprefix(f"{path}: ")


def test_wrong_columns_are_named(table: ScoreTable, tmp_path: Path) -> None:
    """A missing, an unknown and a mistyped column are named."""
    path = tmp_path / "scores.parquet"
    parquet.write(table, path)
    frame = polars.read_parquet(path)
    frame.drop("judge").write_parquet(path)
    assert "column `judge` is missing." == _text_of_error(path)
    frame.with_columns(mood=polars.lit("good")).write_parquet(path)
    assert "column `mood` is not a column of a score table." == _text_of_error(path)
    frame.with_columns(polars.col("words").cast(polars.Float64)).write_parquet(path)
    assert "column `words` must be Int64, got Float64." == _text_of_error(path)
    frame.with_columns(explicit_score=polars.lit("good")).write_parquet(path)
    assert "column `explicit_score` must be Float64, got String." == _text_of_error(path)
    frame.with_columns(text=polars.lit(None)).write_parquet(path)
    assert "column `text` must be String, got Null." == _text_of_error(path)


def test_a_wrong_value_is_named(table: ScoreTable, tmp_path: Path) -> None:
    """A row that breaks a rule is named with its column."""
    path = tmp_path / "scores.parquet"
    parquet.write(table, path)
    polars.read_parquet(path).with_columns(words=-polars.col("words")).write_parquet(path)
    assert "row 0: `words` must be a whole number of at least 0, got -100." == _text_of_error(path)


def test_a_damaged_file_is_found(table: ScoreTable, tmp_path: Path) -> None:
    """Half a file, no Parquet file, and a file whose content is not what was written are errors."""
    path = tmp_path / "scores.parquet"
    parquet.write(table, path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert "is damaged or is not a Parquet file." == _text_of_error(path)
    path.write_bytes(b"")
    assert "is damaged or is not a Parquet file." == _text_of_error(path)
    frame = polars.read_parquet(content).with_columns(words=polars.col("words") + 1)
    frame.write_parquet(path, metadata={"net4moe.digest": table.digest()})
    assert "is damaged: its content does not match the digest it was written with." == _text_of_error(path)


def test_an_empty_table_keeps_its_columns(tmp_path: Path) -> None:
    """A table without rows is a file with all columns."""
    path = tmp_path / "scores.parquet"
    parquet.write(ScoreTable(rows=()), path)
    assert list(COLUMNS) == polars.read_parquet(path).columns
    assert ScoreTable(rows=()) == parquet.read(path)


def test_a_missing_folder_is_an_error(table: ScoreTable, tmp_path: Path) -> None:
    """The folder is not made, and the error is one sentence."""
    path = tmp_path / "missing" / "scores.parquet"
    with pytest.raises(TableError) as caught:
        parquet.write(table, path)
    assert f"{path}: cannot be written: No such file or directory." == str(caught.value)
