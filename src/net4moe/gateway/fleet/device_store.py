"""The devices that have joined, over restarts of the gateway: one file that only its owner can read."""

import ipaddress
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr

from net4moe.edge.identity import write_private
from net4moe.errors import ConfigError

__all__ = ["DeviceStore", "Known"]

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A device that has joined.

    Attributes:
      name: its name.
      key: signs its calls and those to it.
      epoch: number of its last joining.
      address: where that came from.
      port: the port that it named.
      secure: whether it listens with TLS.
      fingerprint: SHA-256 of its certificate, hexadecimal; empty without TLS.
    """

    name: str
    key: SecretStr
    epoch: int
    address: str
    port: int
    secure: bool = False
    fingerprint: str = ""

    @property
    def base_url(self) -> str:
        """Where it is called."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{'https' if self.secure else 'http'}://{host}:{self.port}/v1"

    @property
    def is_local(self) -> bool:
        """Whether it runs on the gateway's own computer."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return False

    def joined_again(self, *, address: str, port: int, secure: bool, fingerprint: str) -> "Known":
        """Give it a new joining from where it is now."""
        return replace(
            self, epoch=self.epoch + 1, address=address, port=port, secure=secure, fingerprint=fingerprint
        )


class DeviceStore:
    """Remembers devices.

    Args:
      path: the file; None to remember them in memory only.

    Raises:
      ConfigError: the file is damaged.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, Known] = {} if path is None else _read(path)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that are taken."""
        return tuple(self._known)

    def known(self, name: str) -> Known | None:
        """Find a device; None where there is none of that name."""
        return self._known.get(name)

    def key_of(self, name: str) -> SecretStr | None:
        """Find the key of a device; None where there is none of that name."""
        known = self._known.get(name)
        return None if known is None else known.key

    def keep(self, known: Known) -> None:
        """Remember a device, before it is told so.

        Raises:
          OSError: the file cannot be written.
        """
        self._write({**self._known, known.name: known})

    def forget(self, name: str) -> None:
        """Forget a device: from now on its key is worth nothing.

        Raises:
          OSError: the file cannot be written.
        """
        self._write({kept: known for kept, known in self._known.items() if kept != name})

    def _write(self, known: dict[str, Known]) -> None:
        if self._path is not None:
            devices = [{**asdict(one), "key": one.key.get_secret_value()} for one in known.values()]
            write_private(
                self._path, json.dumps({"version": _VERSION, "devices": devices}, indent=1).encode()
            )
        self._known = known


def _read(path: Path) -> dict[str, Known]:
    try:
        kept = cast("dict[str, Any]", json.loads(path.read_bytes()))
        if kept["version"] != _VERSION:
            msg = f"the file of devices is of version {kept['version']}, not {_VERSION}."
            raise ConfigError(msg, path=path)
        known = [_entry(entry) for entry in kept["devices"]]
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        msg = "the file of devices is damaged; without it, every device needs a new code."
        raise ConfigError(msg, path=path) from error
    return {one.name: one for one in known}


def _entry(entry: dict[str, Any]) -> Known:
    return Known(
        name=str(entry["name"]),
        key=SecretStr(str(entry["key"])),
        epoch=int(entry["epoch"]),
        address=str(entry["address"]),
        port=int(entry["port"]),
        secure=bool(entry["secure"]),
        fingerprint=str(entry["fingerprint"]),
    )
