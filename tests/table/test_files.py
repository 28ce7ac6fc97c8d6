import errno
import os
from pathlib import Path

import pytest

from net4moe.errors import TableError
from net4moe.table import atomic, files


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Bytes come back as they were."""
    files.write_bytes(tmp_path / "x", b"\x00scores")
    assert b"\x00scores" == files.read_bytes(tmp_path / "x")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file and a folder are errors in one sentence."""
    with pytest.raises(TableError) as caught:
        files.read_bytes(tmp_path / "x")
    assert f"{tmp_path / 'x'}: cannot be read: No such file or directory." == str(caught.value)
    with pytest.raises(TableError) as caught:
        files.read_bytes(tmp_path)
    assert f"{tmp_path}: cannot be read: Is a directory." == str(caught.value)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_file_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A full disk, a read-only disk and a forbidden folder are errors in one sentence."""

    def refuse(path: Path, content: bytes) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(atomic, "write_bytes", refuse)
    with pytest.raises(TableError) as caught:
        files.write_bytes(tmp_path / "x", b"")
    assert f"{tmp_path / 'x'}: cannot be written: {os.strerror(code)}." == str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
