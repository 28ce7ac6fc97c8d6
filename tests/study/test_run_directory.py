import csv
import errno
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

from net4moe.errors import RunError
from net4moe.study import PolicyRewards, RunDirectory
from net4moe.study.run_directory import LEARNING_COLUMNS, learning_csv

WAY_OUT = "Give another directory, or move this one away."


def content(path: Path) -> dict[str, object]:
    """Read a run's file."""
    return json.loads((path / "run.json").read_bytes())


def test_a_directory_is_made_with_its_parents_and_named(tmp_path: Path) -> None:
    """From the start `run.json` says whose the directory is."""
    run = RunDirectory.opened(tmp_path / "runs" / "a", "3f2a")
    assert tmp_path / "runs" / "a" == run.path
    assert {"format": 1, "study": "3f2a", "finished": False, "result": None} == content(run.path)


def test_the_same_study_goes_on(tmp_path: Path) -> None:
    """A run that was killed finds its files; one that ended keeps what it found."""
    run = RunDirectory.opened(tmp_path, "3f2a")
    run.write("scores.bin", b"scores")
    again = RunDirectory.opened(tmp_path, "3f2a")
    assert run == again
    assert b"scores" == (again.path / "scores.bin").read_bytes()
    again.finish({"title": "Two foxes: 狐"})
    RunDirectory.opened(tmp_path, "3f2a")
    assert {"format": 1, "study": "3f2a", "finished": True, "result": {"title": "Two foxes: 狐"}} == content(
        tmp_path
    )


def test_an_empty_directory_with_hidden_files_is_taken(tmp_path: Path) -> None:
    """What a file browser leaves behind is nobody's run."""
    (tmp_path / ".DS_Store").touch()
    assert tmp_path == RunDirectory.opened(tmp_path, "3f2a").path


def test_another_study_is_refused(tmp_path: Path) -> None:
    """Two studies in one directory would mix their tables."""
    RunDirectory.opened(tmp_path, "3f2a")
    with pytest.raises(RunError) as caught:
        RunDirectory.opened(tmp_path, "9c1b")
    assert (
        f"`{tmp_path}` holds another study: its prompts, table, model or settings differ. {WAY_OUT}"
        == str(caught.value)
    )


def test_a_directory_of_something_else_is_refused(tmp_path: Path) -> None:
    """Nothing is written between a stranger's files."""
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError) as caught:
        RunDirectory.opened(tmp_path, "3f2a")
    assert f"`{tmp_path}` holds files but no run: it has no `run.json`. {WAY_OUT}" == str(caught.value)
    assert ["thesis.tex"] == os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (b"{", "is damaged: it is not JSON."),
        (b"\xff\xfe\xff", "is damaged: it is not JSON."),
        (b"[1]", "is not of format 1, the one this version writes."),
        (b'{"format": 2, "study": "3f2a"}', "is not of format 1, the one this version writes."),
    ],
)
def test_a_damaged_run_file_is_named(tmp_path: Path, written: bytes, text: str) -> None:
    """It is neither overwritten nor taken for one of ours."""
    (tmp_path / "run.json").write_bytes(written)
    with pytest.raises(RunError) as caught:
        RunDirectory.opened(tmp_path, "3f2a")
    assert f"`{tmp_path / 'run.json'}` {text} {WAY_OUT}" == str(caught.value)
    assert written == (tmp_path / "run.json").read_bytes()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    """Neither the directory nor a parent of it may be a file."""
    (tmp_path / "a").touch()
    for path in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(RunError) as caught:
            RunDirectory.opened(path, "3f2a")
        assert (
            f"`{path}` cannot be a run directory: a file stands in the way. Give another directory."
            == str(caught.value)
        )


def test_a_run_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A folder of that name is one way to get there."""
    (tmp_path / "run.json").mkdir()
    with pytest.raises(RunError) as caught:
        RunDirectory.opened(tmp_path, "3f2a")
    assert f"`{tmp_path / 'run.json'}` cannot be read: Is a directory." == str(caught.value)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only place is said to be one."""
    run = RunDirectory.opened(tmp_path / "a", "3f2a")

    def refuse(*_args: object, **_options: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(RunError) as caught:
        RunDirectory.opened(tmp_path / "b", "3f2a")
    assert (
        f"`{tmp_path / 'b'}` cannot be made or read: Read-only file system. Give another directory."
        == str(caught.value)
    )
    with pytest.raises(RunError) as caught:
        run.folder("figures")
    assert f"`{tmp_path / 'a' / 'figures'}` cannot be made: Read-only file system." == str(caught.value)


def test_a_full_disk_is_named_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there stays whole, and no half-written file beside it."""
    run = RunDirectory.opened(tmp_path, "3f2a")
    before = (tmp_path / "run.json").read_bytes()

    def refuse(*_args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(RunError) as caught:
        run.finish({})
    assert f"`{tmp_path / 'run.json'}` cannot be written: No space left on device." == str(caught.value)
    assert before == (tmp_path / "run.json").read_bytes()
    assert ["run.json"] == os.listdir(tmp_path)


def test_a_file_in_a_folder_makes_the_folder(tmp_path: Path) -> None:
    """Its path comes back."""
    run = RunDirectory.opened(tmp_path, "3f2a")
    assert tmp_path / "figures" / "a.svg" == run.write("figures/a.svg", b"<svg/>")
    assert b"<svg/>" == (tmp_path / "figures" / "a.svg").read_bytes()


def test_a_number_that_is_none_never_reaches_the_run_file(tmp_path: Path) -> None:
    """JSON has no word for it."""
    run = RunDirectory.opened(tmp_path, "3f2a")
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        run.finish({"reward": float("nan")})
    assert content(tmp_path)["finished"] is False


def test_every_evaluation_has_a_row() -> None:
    """Policies, then seeds, then epochs; the numbers read back exactly, labels with commas too."""
    rewards = np.array([[0.1, 1 / 3], [2.0, -1e-9]])
    written = learning_csv(
        [
            PolicyRewards(policy="sac", label="Proposed, DRL", seeds=(4, 7), epochs=(0, 20), rewards=rewards),
            PolicyRewards(
                policy="fixed", label="Fixed", seeds=(4,), epochs=(20,), rewards=np.array([[1.5]], np.float32)
            ),
        ]
    )
    header, *rows = csv.reader(io.StringIO(written.decode()))
    assert list(LEARNING_COLUMNS) == header
    assert [
        ["sac", "Proposed, DRL", "4", "0", "0.1"],
        ["sac", "Proposed, DRL", "4", "20", "0.3333333333333333"],
        ["sac", "Proposed, DRL", "7", "0", "2.0"],
        ["sac", "Proposed, DRL", "7", "20", "-1e-09"],
        ["fixed", "Fixed", "4", "20", "1.5"],
    ] == rows
    assert b"\r" not in written
