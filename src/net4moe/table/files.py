"""The bytes of a score table's file, with the system's refusals as a `TableError`."""

from pathlib import Path

from net4moe.errors import TableError
from net4moe.table import atomic

__all__ = ["read_bytes", "write_bytes"]


def read_bytes(path: Path) -> bytes:
    """Read a whole file.

    Raises:
      TableError: the file is missing, is a folder or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}."
        raise TableError(message, path=path) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically.

    Raises:
      TableError: the folder is missing or read-only, or the disk is full.
    """
    try:
        atomic.write_bytes(path, content)
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}."
        raise TableError(message, path=path) from error
