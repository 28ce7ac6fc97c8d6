"""A device on a real loopback socket that answers well or badly, as a play says; all on the test's own loop.

    async with DeviceServer(says("A fox", " sails.")) as server:
        ... server.base_url ...

Each request takes the next play, the last one is played again and again. `gone_s` has the time at which each
request's connection was seen to end by the other side.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable
from typing import Self

from tests.gateway.virtual_time import END, chunk_of

__all__ = [
    "DeviceServer",
    "Play",
    "Request",
    "answers",
    "closed_url",
    "drops",
    "hangs",
    "head_of",
    "json_of",
    "says",
    "streams",
]


class Request:
    """One request, and the way to answer it."""

    def __init__(
        self, target: str, headers: dict[str, str], body: bytes, writer: asyncio.StreamWriter
    ) -> None:
        self.target = target
        self.headers = headers
        self.body = body
        self.fields = json.loads(body)
        self.writer = writer
        self.gone = asyncio.Event()
        self.gone_s = 0.0

    async def send(self, content: bytes) -> None:
        """Send bytes."""
        self.writer.write(content)
        await self.writer.drain()


Play = Callable[[Request], Awaitable[bool]]
"""Answers a request; whether the connection stays open."""


class DeviceServer:
    """Plays, one for a request, the last one again and again."""

    def __init__(self, *plays: Play, context: ssl.SSLContext | None = None) -> None:
        self._context = context
        self.requests: list[Request] = []
        self.num_connections = 0
        self._plays = list(plays)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=self._context)
        port = self._server.sockets[0].getsockname()[1]
        self.base_url = f"{'https' if self._context else 'http'}://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, *error: object) -> None:
        """End, with all plays under way."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.num_connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._served(reader, writer):
                pass
        writer.close()
        self._tasks.discard(task)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [line.partition(":") for line in head[1:] if line]
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        request = Request(head[0].split()[1], headers, body, writer)
        self.requests.append(request)
        play = self._plays.pop(0) if len(self._plays) > 1 else self._plays[0]
        playing, reading = asyncio.ensure_future(play(request)), asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((playing, reading), return_when=asyncio.FIRST_COMPLETED)
            if reading.done() and not playing.done():
                request.gone_s = time.monotonic()
                request.gone.set()
                return False
            return await playing
        finally:
            for part in (playing, reading):
                part.cancel()
                await asyncio.wait((part,))
                if not part.cancelled():
                    part.exception()


def head_of(
    content_type: str = "application/json", status: str = "200 OK", length: int | None = None, more: str = ""
) -> bytes:
    """Write the head of an answer; chunked where no length is given."""
    size = "transfer-encoding: chunked" if length is None else f"content-length: {length}"
    return f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n{size}\r\n{more}\r\n".encode()


def part(content: bytes) -> bytes:
    """Frame bytes of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(content), content)


def answers(
    content: bytes, content_type: str = "application/json", status: str = "200 OK", more: str = ""
) -> Play:
    """Answer with one body."""

    async def play(request: Request) -> bool:
        await request.send(head_of(content_type, status, len(content), more) + content)
        return True

    return play


def json_of(text: str = "A fox sails.") -> bytes:
    """Make the body of a good answer in one piece."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    return json.dumps({"id": "1", "choices": [choice], "usage": usage}).encode()


def streams(*events: bytes, every_s: float = 0.0, ends: bool = True) -> Play:
    """Stream events as they are."""

    async def play(request: Request) -> bool:
        await request.send(head_of("text/event-stream"))
        for event in events:
            await request.send(part(event))
            await asyncio.sleep(every_s)
        if not ends:
            return False
        await request.send(b"0\r\n\r\n")
        return True

    return play


def says(*pieces: str, every_s: float = 0.0, first_s: float = 0.0) -> Play:
    """Stream a passage well, or answer in one piece where no stream was asked for."""

    async def play(request: Request) -> bool:
        await asyncio.sleep(first_s)
        if not request.fields.get("stream"):
            return await answers(json_of("".join(pieces)))(request)
        usage = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}\n\n'
        told = [chunk_of(piece) for piece in pieces]
        return await streams(*told, chunk_of(finish_reason="stop") + usage + END, every_s=every_s)(request)

    return play


def hangs(*events: bytes) -> Play:
    """Take the request, stream perhaps some events, and say nothing more."""

    async def play(request: Request) -> bool:
        if events:
            await request.send(head_of("text/event-stream") + b"".join(part(event) for event in events))
        await asyncio.sleep(60.0)
        return False

    return play


def drops(*events: bytes) -> Play:
    """Stream perhaps some events and reset the connection."""

    async def play(request: Request) -> bool:
        if events:
            await request.send(head_of("text/event-stream") + b"".join(part(event) for event in events))
            await asyncio.sleep(0.02)
        connection: socket.socket = request.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.writer.transport.abort()
        return False

    return play


def closed_url() -> str:
    """Give the URL of an endpoint where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}/v1"
