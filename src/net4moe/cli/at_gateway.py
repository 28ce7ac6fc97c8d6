"""Asking a running gateway: where it is, with which key, and what it answers."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import platformdirs
from pydantic import SecretStr

from net4moe.errors import ChatRejected, ChatUnavailable, ConfigError

__all__ = ["AtGateway", "found", "keep", "remembered_key", "state_folder"]

_TIME_S = 120.0


def state_folder() -> Path:
    """Name the folder where gateways keep keys, receipts and devices."""
    return platformdirs.user_state_path("net4moe") / "gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class AtGateway:
    """A running gateway.

    Attributes:
      url: where it listens, without the version.
      key: a client's key; None where it asks for none.
    """

    url: str
    key: SecretStr | None

    def get(self, path: str) -> Any:
        """Ask for something.

        Raises:
          ChatUnavailable: it cannot be reached or failed.
          ChatRejected: it refuses.
        """
        return self._call("GET", path, None)

    def post(self, path: str, body: object) -> Any:
        """Send something; raises as `get` does."""
        return self._call("POST", path, body)

    def _call(self, method: str, path: str, body: object) -> Any:
        headers = {} if self.key is None else {"authorization": f"Bearer {self.key.get_secret_value()}"}
        try:
            with httpx2.Client(timeout=_TIME_S, mounts={"all://": None}) as client:
                answer = client.request(method, f"{self.url}{path}", headers=headers, json=body)
        except httpx2.HTTPError as error:
            msg = f"no gateway answers at {self.url} ({error}); start one with `net4moe up`."
            raise ChatUnavailable(msg) from error
        try:
            told: Any = answer.json()
        except json.JSONDecodeError as error:
            msg = f"{self.url} is no gateway of Net4MoE: it answered {answer.status_code} and no JSON."
            raise ChatRejected(msg, status=answer.status_code) from error
        if answer.is_success:
            return told
        try:
            said = str(told["error"]["message"])
        except (KeyError, TypeError):
            said = "no reason given."
        msg = f"the gateway at {self.url} refuses ({answer.status_code}): {said}"
        raise ChatRejected(msg, status=answer.status_code)


def keep(url: str, key: SecretStr | None, folder: Path | None = None) -> None:
    """Remember where the last gateway of this user listens, for the other commands; only the user may read it."""
    folder = folder or state_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    content = {"url": url, "key": None if key is None else key.get_secret_value()}
    fresh = folder / f"current.{os.getpid()}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file)
    fresh.replace(folder / "current.json")


def found(url: str | None, key_env: str, folder: Path | None = None) -> AtGateway:
    """Find the gateway to ask: the one named, else the last one that this user started.

    Args:
      url: where it listens; None for the last one.
      key_env: the variable that holds a client's key.
      folder: where the last one is remembered.

    Raises:
      ConfigError: none is named and none is remembered.
    """
    key = os.environ.get(key_env, "").strip()
    named = None if not key else SecretStr(key)
    if url is not None:
        return AtGateway(url=url.rstrip("/").removesuffix("/v1"), key=named)
    told = _remembered(folder or state_folder())
    if told is None:
        msg = "no gateway is running here; start one with `net4moe up`, or name one with `--gateway URL`."
        raise ConfigError(msg)
    return AtGateway(url=told[0], key=named or told[1])


def remembered_key(folder: Path) -> SecretStr | None:
    """Find the key that this user's last gateway had; None where there is none."""
    told = _remembered(folder)
    return None if told is None else told[1]


def _remembered(folder: Path) -> tuple[str, SecretStr | None] | None:
    try:
        told = json.loads((folder / "current.json").read_text("utf-8"))
        return str(told["url"]), None if told["key"] is None else SecretStr(told["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
