"""Files that are there as a whole or not at all, also after a crash or on a full disk."""

import contextlib
import os
import secrets
from collections.abc import Generator
from pathlib import Path

__all__ = ["replacing", "write_bytes"]


@contextlib.contextmanager
def replacing(path: Path) -> Generator[Path]:
    """Yield a temporary path whose file takes the place of `path` when the block ends without an error.

    The temporary file lies in the same folder, so that the rename is atomic. It is flushed to the disk
    before the rename, and removed when the block raises; `path` then keeps what it held.

    Raises:
      OSError: the folder is missing or read-only, or the disk is full.
    """
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file atomically.

    Raises:
      OSError: the folder is missing or read-only, or the disk is full.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def _sync_folder(folder: Path) -> None:
    """Flush a rename to the disk, where the system can open a folder for that."""
    with contextlib.suppress(OSError):  # Windows and some network disks cannot; the file itself is safe
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
