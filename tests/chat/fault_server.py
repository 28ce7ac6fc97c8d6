"""A small OpenAI-compatible server on loopback that plays good replies and faults, as a script says.

    with FaultServer(status(503), good("A fox sails.")) as server:
        model = HttpChatModel(server.base_url, name="tiny")
        ...
        assert 2 == len(server.calls)

Each request takes the next play of the script; the last one is played for all further requests. A play is a
function that gets the `Call` and writes raw bytes to its connection, so a new fault is a few lines. The
server runs in threads of its own and leaves them when the context ends, hanging plays included.
"""

import json
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

__all__ = [
    "Call",
    "FaultServer",
    "Play",
    "bare",
    "chunk",
    "closed_url",
    "dies",
    "endless",
    "events",
    "good",
    "hang",
    "plain",
    "resets",
    "slow",
    "status",
]

Top = Sequence[Mapping[str, float]]
"""For each position, the likeliest tokens with their log-probabilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it came, with the connection to answer on.

    Attributes:
      path: path of the URL, as `/v1/chat/completions`.
      headers: headers, names in lower case.
      body: what was sent.
      write: sends bytes to the client.
      wait: waits up to some seconds, less where the server ends; says whether it ended.
      connection: the socket, for faults below HTTP.
    """

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    write: Callable[[bytes], object]
    wait: Callable[[float], bool]
    connection: socket.socket


Play = Callable[[Call], None]


class FaultServer:
    """Play a script, one play for a request, the last one again and again.

    Args:
      script: what to do with each request, at least one play.

    Attributes:
      base_url: the endpoint, as `http://127.0.0.1:40000/v1`.
      calls: the requests that came so far, oldest first.
    """

    def __init__(self, *script: Play) -> None:
        self.calls: list[Call] = []
        self._script = list(script)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self._next, self._ended))
        self.base_url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Self:
        """Listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, with every play under way."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, call: Call) -> Play:
        with self._lock:
            self.calls.append(call)
            return self._script.pop(0) if len(self._script) > 1 else self._script[0]


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # ending waits for the plays under way, so none outlives its test
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that has gone: that is what many of the tests are about."""


def _handler(next_play: Callable[[Call], Play], ended: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("content-length", 0))
            call = Call(
                path=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=json.loads(self.rfile.read(length)),
                write=self.connection.sendall,
                wait=ended.wait,
                connection=self.connection,
            )
            next_play(call)(call)

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    return Handler


def closed_url() -> str:
    """Give the URL of an endpoint where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def good(
    text: str = "A fox sails.",
    *,
    usage: tuple[int, int] | None = (7, 5),
    top: Top = (),
    finish_reason: str = "stop",
) -> Play:
    """Answer well, as a stream word by word or as one body, whichever was asked for.

    Args:
      text: the reply.
      usage: tokens read and written; None for an endpoint that reports none.
      top: the likeliest tokens of each position.
      finish_reason: why the reply ended.
    """

    def play(call: Call) -> None:
        if call.path.endswith("/chat/completions"):
            pieces = [chunk({"content": piece}) for piece in re.findall(r"\s*\S+|\s+", text)]
            if top:
                pieces.append(chunk({}, logprobs={"content": [_position(entry) for entry in top]}))
            last = [chunk({}, finish_reason=finish_reason)]
            used = [{"choices": [], "usage": _usage(usage)}] if usage else []
            events(chunk({"role": "assistant", "content": ""}), *pieces, *last, *used)(call)
        else:
            logprobs = {"top_logprobs": [dict(entry) for entry in top]} if top else None
            choice = {"index": 0, "text": text, "finish_reason": finish_reason, "logprobs": logprobs}
            plain(json.dumps({"id": "1", "choices": [choice]} | ({"usage": _usage(usage)} if usage else {})))(
                call
            )

    return play


def events(*chunks: object, done: bool = True) -> Play:
    """Stream chunks: a string or bytes as they stand, anything else as JSON.

    Args:
      chunks: what to send, one event each.
      done: whether the end mark follows.
    """

    def play(call: Call) -> None:
        call.write(_head("text/event-stream"))
        for sent in chunks:
            call.write(_event(sent))
        if done:
            call.write(_event("[DONE]"))

    return play


def chunk(
    delta: Mapping[str, str], *, finish_reason: str | None = None, logprobs: object = None
) -> dict[str, object]:
    """Make a chunk of a stream."""
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish_reason, "logprobs": logprobs}
    return {"id": "1", "object": "chat.completion.chunk", "model": "tiny", "choices": [choice]}


def plain(body: str, content_type: str = "application/json") -> Play:
    """Answer 200 with one body, whatever was asked for."""
    return bare(_head(content_type) + body.encode())


def bare(answer: bytes) -> Play:
    """Write bytes and close the connection."""

    def play(call: Call) -> None:
        call.write(answer)

    return play


def status(code: int, message: str = "the fox is out", *, body: str | None = None, **headers: str) -> Play:
    """Refuse with a status.

    Args:
      code: the status.
      message: what the error says, in OpenAI's form.
      body: another body in its place.
      headers: more headers; `retry_after` stands for `Retry-After`.
    """
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    sent = json.dumps({"error": {"message": message}}) if body is None else body
    kind = "application/json" if body is None else "text/html"
    return bare(_head(kind, f"{code} Refused", lines) + sent.encode())


def hang(text: str = "") -> Play:
    """Take the request, send perhaps some text of a stream, and never say more."""

    def play(call: Call) -> None:
        if text:
            call.write(_head("text/event-stream") + _event(chunk({"content": text})))
        call.wait(60.0)

    return play


def slow(then: Play, seconds: float) -> Play:
    """Wait before the first byte."""

    def play(call: Call) -> None:
        if not call.wait(seconds):
            then(call)

    return play


def dies(text: str = "A fox") -> Play:
    """Stream some text and die: the connection ends in the middle of a body of announced length."""

    def play(call: Call) -> None:
        head = _head("text/event-stream", more=["content-length: 100000"])
        call.write(head + _event(chunk({"content": text})))

    return play


def resets() -> Play:
    """Take the request and reset the connection."""

    def play(call: Call) -> None:
        call.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.close(call.connection.detach())

    return play


def endless(piece: str = "and on ") -> Play:
    """Stream text until the client goes."""

    def play(call: Call) -> None:
        call.write(_head("text/event-stream"))
        while not call.wait(0.0):
            call.write(_event(chunk({"content": piece})))

    return play


def _head(content_type: str, code: str = "200 OK", more: Iterable[str] = ()) -> bytes:
    lines = [f"HTTP/1.1 {code}", f"content-type: {content_type}", "connection: close", *more]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _event(sent: object) -> bytes:
    line = sent if isinstance(sent, bytes) else (sent if isinstance(sent, str) else json.dumps(sent)).encode()
    return b"data: " + line + b"\n\n"


def _position(entry: Mapping[str, float]) -> dict[str, object]:
    best = max(entry, key=lambda token: entry[token])
    tops = [{"token": token, "logprob": logprob} for token, logprob in entry.items()]
    return {"token": best, "logprob": entry[best], "top_logprobs": tops}


def _usage(usage: tuple[int, int]) -> dict[str, int]:
    return {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
