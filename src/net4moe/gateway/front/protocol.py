"""HTTP connections that cannot be held open for nothing: a deadline for each part of a request.

    connected --first byte--> header --blank line--> body --last byte--> answer --sent--> idle --> header ...
       5 s                     5 s                   15 s                30 s*            30 s

Uvicorn waits for ever for headers and bodies; this protocol does not. (*) An answer may take as long as it takes;
only a client that takes nothing of it for 30 s is cut, and what is done for it is cancelled. The number of
connections is bounded, in all and from one address; one too many is answered 503.
"""

import asyncio
import json
import socket
from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

__all__ = ["GuardedProtocol", "Patience", "protocol"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a connection may take, and how many there may be.

    Attributes:
      header_s: from a request's first byte (or the connection) to the end of its headers, seconds.
      body_s: from there to the end of its body, seconds.
      idle_s: between an answer and the next request, seconds.
      reading_s: that a client may take nothing of its answer, seconds.
      connections: open at the same time.
      connections_per_address: of those, from one address.
      header_bytes: of one request.
      header_fields: of one request.
      send_buffer_bytes: that the system holds for one client, besides 64 KiB here.
    """

    header_s: float = 5.0
    body_s: float = 15.0
    idle_s: float = 30.0
    reading_s: float = 30.0
    connections: int = 2_048
    connections_per_address: int = 1_024
    header_bytes: int = 65_536
    header_fields: int = 128
    send_buffer_bytes: int = 262_144


def protocol(patience: Patience) -> type["GuardedProtocol"]:
    """Make the protocol for one server; the count of its connections belongs to it."""
    settings = {"patience": patience, "open_connections": Counter[str]()}
    return type("ServedProtocol", (GuardedProtocol,), settings)


class GuardedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol with deadlines and bounds.

    Attributes:
      patience: the deadlines and bounds.
      open_connections: open connections by address; shared by all of one server.
    """

    patience = Patience()
    open_connections: ClassVar[Counter[str]] = Counter()

    _part = "header"
    _timer: asyncio.TimerHandle | None = None
    _reader_timer: asyncio.TimerHandle | None = None
    _num_bytes = 0
    _num_fields = 0
    _address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Count the connection and wait for its first request."""
        super().connection_made(transport)
        patience, count = self.patience, self.open_connections
        self._address = self.client[0] if self.client else ""
        count[self._address] += 1
        total = len(self.connections)
        if total > patience.connections or count[self._address] > patience.connections_per_address:
            self.app = _full
        if total > 2 * patience.connections:
            transport.abort()
            return
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, patience.send_buffer_bytes)
        self._wait_for("header", patience.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop(self._timer)
        self._stop(self._reader_timer)
        self.open_connections[self._address] -= 1
        if not self.open_connections[self._address]:
            del self.open_connections[self._address]
        super().connection_lost(exc)
        self._unset_keepalive_if_required()

    def data_received(self, data: bytes) -> None:
        """Take in bytes; headers that never end are refused."""
        if self._part == "idle":
            self._wait_for("header", self.patience.header_s)
        super().data_received(data)
        if self._part == "header" and not self.transport.is_closing():
            self._num_bytes += len(data)
            if self._num_bytes > self.patience.header_bytes:
                self._refuse(431, f"The headers may hold at most {self.patience.header_bytes:,} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take in a header field."""
        self._num_fields += 1
        if self._num_fields <= self.patience.header_fields:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer and wait for the body."""
        if self._num_fields > self.patience.header_fields:
            self._refuse(431, f"A request may have at most {self.patience.header_fields} header fields.")
            return
        self._wait_for("body", self.patience.body_s)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take in a part of the body."""
        if self._asked is not None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that the request is whole."""
        self._stop(self._timer)
        self._part = "idle"
        self._num_bytes = self._num_fields = 0
        if self._asked is not None:
            super().on_message_complete()

    def pause_writing(self) -> None:
        """Begin to watch a client that does not read."""
        super().pause_writing()
        self._watch_reader(self._unread)

    def resume_writing(self) -> None:
        """Stop watching: it reads."""
        self._stop(self._reader_timer)
        super().resume_writing()

    @property
    def _unread(self) -> int:
        return self.transport.get_write_buffer_size()

    def _watch_reader(self, num_unread: int) -> None:
        self._stop(self._reader_timer)
        self._reader_timer = self.loop.call_later(self.patience.reading_s, self._check_reader, num_unread)

    def _check_reader(self, num_unread: int) -> None:
        if self._unread < num_unread:
            self._watch_reader(self._unread)
        else:
            self.transport.abort()

    def _wait_for(self, part: str, seconds: float) -> None:
        self._part = part
        self._stop(self._timer)
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _too_slow(self) -> None:
        if self.transport.is_closing():
            return
        cycle, in_body = self._asked, self._part == "body"
        if in_body:
            quiet = cycle is not None and not cycle.response_started
        else:
            quiet = self._num_bytes > 0 and (cycle is None or cycle.response_complete)
        if quiet and not self.pipeline:
            self._refuse(408, f"The {self._part} of the request took too long.")
        else:
            self.transport.close()

    @property
    def _asked(self) -> RequestResponseCycle | None:
        return self.cycle  # None before the first request, whatever its type says

    def _refuse(self, status: int, message: str) -> None:
        phrase = {408: b"Request Timeout", 431: b"Request Header Fields Too Large"}[status]
        body = _error_body(message, "request_timeout" if status == 408 else "headers_too_large")
        head = (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: %d\r\n"
        )
        self.transport.write(head % (status, phrase, len(body)) + b"\r\n" + body)
        self.transport.close()

    @staticmethod
    def _stop(timer: asyncio.TimerHandle | None) -> None:
        if timer is not None:
            timer.cancel()


def _error_body(message: str, code: str, family: str = "invalid_request_error") -> bytes:
    return json.dumps({"error": {"message": message, "type": family, "param": None, "code": code}}).encode()


async def _full(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer where there are too many connections."""
    body = _error_body("The gateway has too many connections.", "too_many_connections", "server_error")
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", b"1"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
