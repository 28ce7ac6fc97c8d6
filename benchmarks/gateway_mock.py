"""An OpenAI-compatible server that costs next to nothing, so that what stands before it can be measured.

    python benchmarks/gateway_mock.py --port 9100

An answer is as long as its question and comes at once. A stream has `max_tokens` deltas (64 where not said):
the first after `--first-s`, then one each `--gap-s`, by the clock and not by the one before. It speaks HTTP/1.1 by
hand, on uvloop and httptools.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from typing import cast

import httptools
import uvloop

_MAX_TOKENS = re.compile(rb'"max_tokens"\s*:\s*(\d+)')
_STREAM = re.compile(rb'"stream"\s*:\s*true')
_MODEL = re.compile(rb'"model"\s*:\s*"([^"]*)"')


class Mock(asyncio.Protocol):
    """One connection."""

    def __init__(self, first_s: float, gap_s: float) -> None:
        """Begin without a request."""
        self._first_s = first_s
        self._gap_s = gap_s
        self._loop = asyncio.get_running_loop()
        self._timers: list[asyncio.TimerHandle] = []
        self._body: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for requests."""
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop writing."""
        for timer in self._timers:
            timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Answer."""
        body = b"".join(self._body)
        self._body.clear()
        found = _MODEL.search(body)
        model = found[1].decode() if found else "mock"
        if _STREAM.search(body):
            most = _MAX_TOKENS.search(body)
            self._stream(model, int(most[1]) if most else 64)
        else:
            self._whole(model, len(body))

    def _whole(self, model: str, length: int) -> None:
        usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
        message = {"role": "assistant", "content": "x" * length}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        content = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model}
        body = json.dumps({**content, "choices": [choice], "usage": usage}).encode()
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        self._transport.write(head + body)

    def _stream(self, model: str, num_deltas: int) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        deltas = [{"role": "assistant", "content": "w0 "}]
        deltas += [{"content": f"w{number} "} for number in range(1, num_deltas)]
        events = [event(model, delta, None) for delta in deltas]
        events[-1] += event(model, {}, "stop") + b"data: [DONE]\n\n"
        begin_s = self._loop.time() + self._first_s
        writes = [b"%x\r\n%s\r\n" % (len(one), one) for one in events]
        writes[0] = head + writes[0]
        writes[-1] += b"0\r\n\r\n"
        self._timers = [
            self._loop.call_at(begin_s + number * self._gap_s, self._transport.write, one)
            for number, one in enumerate(writes)
        ]


def event(model: str, delta: dict[str, str], reason: str | None) -> bytes:
    """Write a chunk."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    content = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    return b"data: " + json.dumps({**content, "choices": [choice]}).encode() + b"\n\n"


async def serve(port: int, first_s: float, gap_s: float) -> None:
    """Serve for ever."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Mock(first_s, gap_s), "127.0.0.1", port, backlog=2_048)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0, help="0 for any; it is printed")
    parser.add_argument("--first-s", type=float, default=0.02, help="seconds to the first delta")
    parser.add_argument("--gap-s", type=float, default=0.02, help="seconds between deltas")
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.port, arguments.first_s, arguments.gap_s))


if __name__ == "__main__":
    main()
