"""What a device is."""

import ipaddress
import re
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from net4moe.edge.upstream import Upstream
from net4moe.edge.wire import NAME_PATTERN, ExpertOffer
from net4moe.errors import ConfigError

__all__ = ["AgentConfig", "clean_name", "own_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """What a device is and where it joins.

    Attributes:
      gateway: the gateway's address, as `http://10.0.0.2:8080`.
      name: the name that it wants.
      upstream: its model server.
      experts: what it hosts.
      code: the code to join with; None where it has joined before.
      host: the address that it listens on; empty for loopback where the gateway is there, else for all.
      port: the port that it listens on; 0 for any that is free.
      num_slots: texts that it writes at the same time.
      secure: whether it listens with TLS, with a certificate of its own that the gateway pins.
      insecure: whether everybody may call it, unsigned.
      identity_file: where it keeps who it is; None to forget that at the end.
      link_rows: plays a radio link: time in seconds, SNR in dB, rate in bit/s; empty for the real one.
      compute_cost_per_word: price of writing one word on it, reward units.
      units_limit: compute units that one subtask may need on it; None for any number.
      bandwidth_hz: bandwidth of its link, Hz.
      drain_s: how long calls may go on after `stop`, seconds.
    """

    gateway: str
    name: str
    upstream: Upstream
    experts: tuple[ExpertOffer, ...]
    code: SecretStr | None = None
    host: str = ""
    port: int = 0
    num_slots: int = 1
    secure: bool = False
    insecure: bool = False
    identity_file: Path | None = None
    link_rows: tuple[tuple[float, float, float], ...] = field(default=(), repr=False)
    compute_cost_per_word: float = 0.01
    units_limit: float | None = None
    bandwidth_hz: float = 20e6
    drain_s: float = 30.0

    def __post_init__(self) -> None:
        """Refuse a device that no gateway could take."""
        try:
            parts = urlsplit(self.gateway)
            is_address = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            parts, is_address = None, False
        if parts is None or not is_address or parts.path not in ("", "/") or parts.query or parts.username:
            shown = self.gateway.rpartition("@")[2]  # before it stands a password
            msg = f"`gateway` must look like http://10.0.0.2:8080, got '{shown}'."
            raise ConfigError(msg)
        if not re.fullmatch(NAME_PATTERN, self.name):
            msg = (
                f"`name` must begin with a letter or digit and have letters, digits, blanks, dots, "
                f"dashes and underscores, 63 at most, got '{self.name}'."
            )
            raise ConfigError(msg)
        if self.num_slots < 1:
            msg = f"`num_slots` must be at least 1, got {self.num_slots}."
            raise ConfigError(msg)

    @property
    def listens_on(self) -> str:
        """The address that it listens on: one where the gateway can reach it."""
        if self.host:
            return self.host
        host = urlsplit(self.gateway).hostname or ""
        loopback, everywhere = ("::1", "::") if ":" in host else ("127.0.0.1", "0.0.0.0")
        return loopback if _is_loopback(host) else everywhere


def own_name() -> str:
    """Name a device after its computer."""
    return clean_name(socket.gethostname().partition(".")[0])


def clean_name(wanted: str) -> str:
    """Make a name that a device may have of any text."""
    return re.sub(r"[^A-Za-z0-9 ._-]", "-", wanted).lstrip(" ._-")[:63] or "device"


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
