"""Who a device is to a gateway, kept in a file that only its owner can read."""

import contextlib
import hashlib
import importlib
import json
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from net4moe.table import atomic

__all__ = ["Identity", "claimed", "read", "write", "write_private"]

_MOST_OF_A_NAME = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What a device needs to come back without a new code.

    Attributes:
      gateway: the gateway's address.
      device: the name that it gave.
      epoch: number of the last joining.
      key: signs all calls.
    """

    gateway: str
    device: str
    epoch: int
    key: SecretStr


def read(path: Path) -> Identity | None:
    """Read an identity; None where there is none or the file is damaged."""
    try:
        kept = cast("dict[str, Any]", json.loads(path.read_bytes()))
        return Identity(
            gateway=str(kept["gateway"]),
            device=str(kept["device"]),
            epoch=int(kept["epoch"]),
            key=SecretStr(str(kept["key"])),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, identity: Identity) -> None:
    """Keep an identity.

    Raises:
      OSError: the folder is read-only, or the disk is full.
    """
    kept = {
        "gateway": identity.gateway,
        "device": identity.device,
        "epoch": identity.epoch,
        "key": identity.key.get_secret_value(),
    }
    write_private(path, json.dumps(kept, indent=1).encode())


def write_private(path: Path, content: bytes) -> None:
    """Write a whole file atomically that only its owner can read, from its first byte on.

    Raises:
      OSError: the folder is read-only, or the disk is full.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with atomic.replacing(path) as temporary:
        temporary.touch(mode=0o600)
        temporary.write_bytes(content)


@contextlib.contextmanager
def claimed(folder: Path, *, gateway: str, name: str) -> Generator[Path]:
    """Find the file of a device's identity that no other process uses, and hold it.

    Two devices of one name on one computer are two devices: the second one gets a file of its own.

    Args:
      folder: where identities lie.
      gateway: the gateway's address.
      name: the name that the device wants.

    Yields:
      The file; it need not be there yet.

    Raises:
      OSError: the folder cannot be written.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    slug = hashlib.sha256(f"{gateway}\n{name}".encode()).hexdigest()[:16]
    for number in range(_MOST_OF_A_NAME):
        lock = (folder / f"{slug}-{number}.lock").open("ab")
        if _locked(lock.fileno()):
            with lock:
                yield folder / f"{slug}-{number}.json"
            return
        lock.close()
    msg = f"{_MOST_OF_A_NAME} devices named '{name}' run on this computer already"
    raise OSError(msg)


def _locked(descriptor: int) -> bool:
    """Lock an open file, where the system can; it is set free when the file is closed."""
    try:
        fcntl: Any = importlib.import_module("fcntl")
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
