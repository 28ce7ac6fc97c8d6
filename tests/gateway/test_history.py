"""The history of the experts as a file."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from net4moe.environment import Expectations
from net4moe.environment.history import History, read, write
from net4moe.errors import CheckpointError

HISTORY = History(
    fields=("mystery", "科幻"),
    experts=("holmes", "nova", "pocket"),
    score=((7.0, 5.5, 5.0), (4.0, 8.25, 5.0)),
    words_ratio=((1.0, 0.5, 0.25), (1.0, 1.5, 0.0)),
)


def test_a_history_comes_back(tmp_path: Path) -> None:
    """Every number and name, in UTF-8."""
    path = tmp_path / "history.json"
    write(HISTORY, path)
    assert HISTORY == read(path)
    assert "科幻" in path.read_text("utf-8")


def test_looking_up_an_expert() -> None:
    """Score and ratio of a field; None where field or expert is unknown."""
    assert (8.25, 1.5) == HISTORY.of_expert("科幻", "nova")
    assert HISTORY.of_expert("romance", "nova") is None
    assert HISTORY.of_expert("mystery", "rose") is None


def test_expectations_are_named() -> None:
    """Rows are fields, columns experts."""
    expectations = Expectations(
        score=np.array([[7.0, 5.5]], np.float32), words_ratio=np.array([[1.0, 0.5]], np.float32)
    )
    history = History.of(expectations, ["mystery"], ["holmes", "nova"])
    assert (5.5, 0.5) == history.of_expert("mystery", "nova")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"score": [[1.0]]}, "`score` must have 2 rows of 3 numbers."),
        ({"words_ratio": [[1.0] * 3, [1.0] * 2]}, "`words_ratio` must have 2 rows of 3 numbers."),
        ({"score": [[1.0] * 3, [1.0, float("nan"), 1.0]]}, "`score` must hold finite numbers from 0 up."),
        ({"words_ratio": [[1.0] * 3, [1.0, 1.0, -1.0]]}, "`words_ratio` must hold finite numbers from 0 up."),
        ({"experts": 5}, "'int' object is not iterable"),
        ({"score": [["a"] * 3] * 2}, "could not convert string to float: 'a'"),
    ],
)
def test_damaged_histories(tmp_path: Path, changes: dict[str, Any], sentence: str) -> None:
    """Shapes and numbers that cannot be are named with the file."""
    path = tmp_path / "history.json"
    write(HISTORY, path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    text = f"{path} is damaged: {sentence}"
    with pytest.raises(CheckpointError, match=f"^{re.escape(text)}"):
        read(path)


@pytest.mark.parametrize("content", ["", "{}", "not JSON", "5", "null", "[1]"])
def test_files_that_are_no_history(tmp_path: Path, content: str) -> None:
    """One sentence, whatever is in it."""
    path = tmp_path / "history.json"
    path.write_text(content, "utf-8")
    with pytest.raises(CheckpointError, match=f"^{re.escape(f'{path} is not a history of experts.')}$"):
        read(path)


def test_a_history_of_another_version(tmp_path: Path) -> None:
    """The sentence says what to do."""
    path = tmp_path / "history.json"
    path.write_text('{"version": 2}', "utf-8")
    text = f"{path} has version 2, this program reads version 1; train again."
    with pytest.raises(CheckpointError, match=f"^{re.escape(text)}$"):
        read(path)


def test_a_missing_history(tmp_path: Path) -> None:
    """The file is named."""
    path = tmp_path / "none.json"
    with pytest.raises(
        CheckpointError, match=f"^{re.escape(f'{path} cannot be read (No such file or directory).')}$"
    ):
        read(path)
