"""What the front needs of the rest of the gateway, in one record."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from net4moe.gateway.dispatch.dispatching import Dispatcher
from net4moe.gateway.fleet.roster import Roster
from net4moe.gateway.front.keys import Keys
from net4moe.gateway.front.metrics import Metrics
from net4moe.gateway.front.mixture_answers import MixtureService
from net4moe.gateway.records import Limits

__all__ = ["Admission", "Receipts", "Services"]


class Admission(Protocol):
    """The gateway's places."""

    def place(self, *, deadline_s: float) -> AbstractAsyncContextManager[object]:
        """Wait for a place and keep it while the context lasts."""
        ...


class Receipts(Protocol):
    """Where receipts are found."""

    def get(self, request_id: str, /) -> Mapping[str, Any] | None:
        """Find the receipt of a request."""
        ...

    def latest(self, limit: int, /) -> Sequence[Mapping[str, Any]]:
        """List the newest receipts, newest first."""
        ...


@dataclass(frozen=True, kw_only=True)
class Services:
    """The parts of a gateway that its front uses.

    Attributes:
      roster: the devices.
      dispatcher: sends calls to them.
      mixture: answers requests to the model `net4moe`.
      receipts: what became of requests.
      keys: the keys of clients.
      admission: the gateway's places.
      metrics: its numbers.
      limits: the most that one request may spend; a client may ask for less.
      clock: the dispatcher's and the roster's clock.
      body_bytes: the largest body.
      keep_alive_s: seconds of silence after which a stream of the mixture gets a comment.
    """

    roster: Roster
    dispatcher: Dispatcher
    mixture: MixtureService
    receipts: Receipts
    keys: Keys
    admission: Admission
    metrics: Metrics
    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], float] = time.monotonic
    body_bytes: int = 2_000_000
    keep_alive_s: float = 3.0
