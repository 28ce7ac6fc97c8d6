"""The keys of clients: made once, shown once, kept as hashes in a file that only its owner may read."""

import base64
import hashlib
import hmac
import json
import os
import secrets
import stat
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from net4moe.errors import ConfigError

__all__ = ["PREFIX", "ClientKey", "Keys"]

PREFIX = "nk-"
"""What a client's key begins with, so that a scanner of secrets finds one that was published."""

VERSION = 1
"""Version of the file; another one is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """A key as the file keeps it.

    Attributes:
      name: whose it is; it stands in receipts.
      sha256: hash of the key, hexadecimal.
      created: when it was made, ISO 8601, UTC.
    """

    name: str
    sha256: str
    created: str


class Keys:
    """Who may ask the gateway.

    A running gateway sees keys that another process adds or revokes within a second.

    Args:
      path: the file; None for keys that are only in memory.
      insecure: whether everyone may ask, key or not.
      clock: seconds, increasing.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        insecure: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.insecure = insecure
        self._path = path
        self._clock = clock
        self._looked_s = clock()
        self._stamp = _stamp(path)
        self._kept: dict[str, ClientKey] = _read(path)
        self._given: dict[str, ClientKey] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all keys, sorted."""
        return tuple(sorted(key.name for key in (*self._kept.values(), *self._given.values())))

    @property
    def kept(self) -> tuple[ClientKey, ...]:
        """The keys of the file, oldest first."""
        return tuple(sorted(self._kept.values(), key=lambda key: (key.created, key.name)))

    @property
    def any(self) -> bool:
        """Whether at least one key exists."""
        return bool(self._kept or self._given)

    def create(self, name: str) -> SecretStr:
        """Make a key and keep its hash.

        Args:
          name: whose it is; not yet in use, 1 to 63 characters that print.

        Returns:
          The key. This is the only time that it can be seen.

        Raises:
          ValueError: the name is taken or is none.
        """
        self._reread()
        self._refuse_name(name)
        text = PREFIX + base64.b32encode(secrets.token_bytes(32)).decode().rstrip("=").lower()
        self._kept[_hash(text)] = _client_key(name, text)
        self._write()
        return SecretStr(text)

    def give(self, name: str, key: SecretStr) -> None:
        """Take a key from the command line or the environment; it is not written anywhere.

        Raises:
          ValueError: the name is taken, or the key is shorter than 8 characters or not ASCII.
        """
        self._refuse_name(name)
        text = key.get_secret_value()
        if len(text) < 8 or not text.isascii() or not text.isprintable() or " " in text:
            msg = f"The key `{name}` must be at least 8 printable ASCII characters without spaces."
            raise ValueError(msg)
        self._given[_hash(text)] = _client_key(name, text)

    def revoke(self, name: str) -> None:
        """Forget a key; it opens nothing from now on.

        Raises:
          ValueError: no key has that name.
        """
        self._reread()
        found = [digest for digest, key in self._kept.items() if key.name == name]
        if not found:
            msg = f"No key is called `{name}`."
            raise ValueError(msg)
        for digest in found:
            del self._kept[digest]
        self._write()

    def name_of(self, token: str) -> str | None:
        """Tell whose key this is, or None where it is nobody's."""
        self._look_again()
        digest = _hash(token)
        key = self._kept.get(digest) or self._given.get(digest)
        if key is None or not hmac.compare_digest(key.sha256, digest):
            return None
        return key.name

    def _refuse_name(self, name: str) -> None:
        if not (0 < len(name) < 64 and name.isprintable() and name == name.strip()):
            msg = f"A key's name must be 1 to 63 characters that print, got {name!r}."
            raise ValueError(msg)
        if name in self.names:
            msg = f"A key is called `{name}` already."
            raise ValueError(msg)

    def _look_again(self) -> None:
        now_s = self._clock()
        if self._path is not None and now_s - self._looked_s >= 1.0:
            self._looked_s = now_s
            if _stamp(self._path) != self._stamp:
                self._reread()

    def _reread(self) -> None:
        self._stamp = _stamp(self._path)
        self._kept = _read(self._path)

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = {"version": VERSION, "keys": [asdict(key) for key in self.kept]}
        fresh = self._path.with_name(f"{self._path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self._stamp = _stamp(self._path)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _client_key(name: str, text: str) -> ClientKey:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return ClientKey(name=name, sha256=_hash(text), created=created)


def _stamp(path: Path | None) -> tuple[int, int, int] | None:
    if path is None or not path.exists():
        return None
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _read(path: Path | None) -> dict[str, ClientKey]:
    if path is None or not path.exists():
        return {}
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        msg = "others may read the keys; run `chmod 600` on it."
        raise ConfigError(msg, path=path)
    try:
        content: object = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        msg = "it is not a file of keys: it is not JSON."
        raise ConfigError(msg, path=path) from error
    found = _fields(content)
    entries = found.get("keys")
    if found.get("version") != VERSION or not isinstance(entries, list):
        msg = f"it is not a file of keys of version {VERSION}."
        raise ConfigError(msg, path=path)
    keys = [_entry(entry, path) for entry in cast("list[object]", entries)]
    return {key.sha256: key for key in keys}


def _fields(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, dict) else dict[str, object]()


def _entry(entry: object, path: Path) -> ClientKey:
    fields = _fields(entry)
    values = [fields.get(name) for name in ("name", "sha256", "created")]
    if not all(isinstance(value, str) for value in values) or len(fields) != 3:
        msg = "an entry must hold `name`, `sha256` and `created`."
        raise ConfigError(msg, path=path)
    name, digest, created = cast("list[str]", values)
    return ClientKey(name=name, sha256=digest, created=created)
