import errno
import os
from pathlib import Path

import pytest

from net4moe.table import atomic


def test_write_bytes_replaces_the_whole_file(tmp_path: Path) -> None:
    """The new content takes the place of the old, and no other file is left."""
    path = tmp_path / "scores.bin"
    atomic.write_bytes(path, b"a long first content")
    atomic.write_bytes(path, b"new")
    assert b"new" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_an_error_in_the_block_leaves_the_old_file(tmp_path: Path) -> None:
    """Whoever fails half way leaves the old content and no rest of the new."""
    path = tmp_path / "scores.bin"
    path.write_bytes(b"old")
    with pytest.raises(KeyError), atomic.replacing(path) as temporary:  # noqa: PT012 - the write precedes the error
        temporary.write_bytes(b"half")
        raise KeyError
    assert b"old" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_the_temporary_file_lies_beside_the_target(tmp_path: Path) -> None:
    """The rename stays within one folder, also where the name is as long as a name may be."""
    path = tmp_path / ("n" * 255)
    with atomic.replacing(path) as temporary:
        assert tmp_path == temporary.parent
        temporary.write_bytes(b"x")
    assert b"x" == path.read_bytes()


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The content reaches the disk before the rename; where it does not, nothing is renamed."""
    path = tmp_path / "scores.bin"
    path.write_bytes(b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left on device"):
        atomic.write_bytes(path, b"new")
    assert b"old" == path.read_bytes()
    assert [path] == list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_flushed_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some systems cannot flush a folder; the file is whole all the same."""
    path = tmp_path / "scores.bin"

    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with atomic.replacing(path) as temporary:
        temporary.write_bytes(b"x")
        monkeypatch.setattr(os, "open", refuse)
    monkeypatch.undo()
    assert b"x" == path.read_bytes()


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    """The folder is not made."""
    with pytest.raises(FileNotFoundError):
        atomic.write_bytes(tmp_path / "missing" / "scores.bin", b"x")
