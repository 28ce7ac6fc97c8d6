"""One request on the hot path: who asks, and bytes straight to the server, without a response object between."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import uuid4

from starlette.types import Receive, Scope, Send

from net4moe.gateway.front.errors import Refusal
from net4moe.gateway.front.openai_stream import error_event

__all__ = ["EVENT_STREAM", "JSON", "Call"]

JSON = "application/json"
EVENT_STREAM = "text/event-stream"

Headers = list[tuple[bytes, bytes]]
_STREAM_HEADERS: Headers = [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """A request and its answer.

    Attributes:
      scope: ASGI's.
      receive: ASGI's.
      send: ASGI's.
      clock: seconds, increasing.
      id: its id, also that of its receipt.
      start_s: when it came.
      key_name: whose key it came with; empty without keys.
      kind: what kind of model was asked; `none` before that is known.
      status: what was answered; 499 where the client left first.
      content_type: of the answer.
      started: whether the answer's head is out.
      first_text_s: when its first byte of content was sent, seconds after `start_s`.
    """

    scope: Scope
    receive: Receive
    send: Send
    clock: Callable[[], float] = time.monotonic
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    start_s: float = 0.0
    key_name: str = ""
    kind: str = "none"
    status: int = 499
    content_type: str = ""
    started: bool = False
    first_text_s: float | None = None

    async def start(self, status: int, content_type: str, headers: Headers) -> None:
        """Send the head."""
        self.started = True
        self.status = status
        self.content_type = content_type
        own = [(b"content-type", content_type.encode("latin-1")), *self._ids, *headers]
        if content_type == EVENT_STREAM:
            own += _STREAM_HEADERS
        await self.send({"type": "http.response.start", "status": status, "headers": own})

    async def piece(self, body: bytes) -> None:
        """Send some of the content."""
        if self.first_text_s is None:
            self.first_text_s = self.clock() - self.start_s
        await self.send({"type": "http.response.body", "body": body, "more_body": True})

    async def comment(self, body: bytes) -> None:
        """Send what is no content and only keeps the connection alive."""
        await self.send({"type": "http.response.body", "body": body, "more_body": True})

    async def end(self, body: bytes = b"") -> None:
        """Send the last of the content."""
        await self.send({"type": "http.response.body", "body": body, "more_body": False})

    async def whole(self, status: int, content_type: str, headers: Headers, body: bytes) -> None:
        """Send an answer that is complete."""
        length = (b"content-length", str(len(body)).encode())
        await self.start(status, content_type, [length, *headers])
        if self.first_text_s is None:
            self.first_text_s = self.clock() - self.start_s
        await self.end(body)

    async def refuse(self, refusal: Refusal) -> None:
        """Say why there is no answer; in a stream that has begun, as its last event.

        Any other answer that has begun is broken off, which the client sees as an error of the connection.
        """
        if not self.started:
            await self.whole(refusal.status, JSON, refusal.headers, refusal.body)
            return
        self.status = refusal.status
        if self.content_type == EVENT_STREAM:
            await self.end(error_event(refusal))

    @property
    def _ids(self) -> Headers:
        request_id = self.id.encode()
        return [(b"net4moe-request-id", request_id), (b"x-request-id", request_id)]
