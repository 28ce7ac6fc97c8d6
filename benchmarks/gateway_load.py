"""The load of the gateway benchmark: requests by the clock over connections that stay open.

Latency counts from the moment at which a request was meant to be sent, so that a server that falls behind cannot
hide it by slowing the load down. It speaks HTTP/1.1 by hand, on uvloop and httptools.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from dataclasses import dataclass, field
from typing import cast

import httptools

__all__ = ["Connection", "Said", "Target", "at_rate", "closed_loop", "streams"]


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to ask: a name for the tables, where, which model, with which key."""

    name: str
    port: int
    model: str
    key: str

    def request(self, *, length: int = 100, stream: bool = False, max_tokens: int = 64) -> bytes:
        """Write a request with a prompt of so many characters."""
        content = {"model": self.model, "messages": [{"role": "user", "content": "x" * length}]}
        body = json.dumps(
            {**content, "max_tokens": max_tokens, **({"stream": True} if stream else {})}
        ).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\n"
            f"authorization: Bearer {self.key}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(slots=True)
class Said:
    """An answer: its status, when pieces of its body came, when it ended, and its end."""

    status: int = 0
    pieces_s: list[float] = field(default_factory=list)
    end_s: float = 0.0
    tail: bytes = b""
    num_events: int = 0


class Connection(asyncio.Protocol):
    """A connection that is asked one thing at a time."""

    def __init__(self) -> None:
        """Begin unconnected."""
        self._said = Said()
        self._answered: asyncio.Future[Said] | None = None

    @classmethod
    async def to(cls, port: int) -> Connection:
        """Connect."""
        _, made = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready."""
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail what is asked."""
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError())

    @property
    def closed(self) -> bool:
        """Whether it can no longer be used."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Hang up."""
        self._transport.close()

    def ask(self, request: bytes) -> asyncio.Future[Said]:
        """Send a request; the future is its answer."""
        self._said = Said()
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answered

    def data_received(self, data: bytes) -> None:
        """Take in bytes."""
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        """Note when a piece came."""
        said = self._said
        said.pieces_s.append(time.perf_counter())
        said.num_events += body.count(b"data: ")
        said.tail = (said.tail + body)[-64:]

    def on_message_complete(self) -> None:
        """End the answer."""
        said = self._said
        said.status = self._parser.get_status_code()
        said.end_s = time.perf_counter()
        self._parser = httptools.HttpResponseParser(self)
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(said)


async def at_rate(target: Target, request: bytes, *, rate: float, seconds: float) -> tuple[list[float], int]:
    """Send requests at a constant rate, whatever comes back.

    Returns:
      Latencies from the intended moments, seconds, and the number of failures.
    """
    idle: deque[Connection] = deque([await Connection.to(target.port) for _ in range(16)])
    everyone = list(idle)
    latencies: list[float] = []
    failures = 0
    tasks: set[asyncio.Task[None]] = set()
    begin_s = time.perf_counter() + 0.05

    async def one(meant_s: float) -> None:
        nonlocal failures
        try:
            connection = idle.popleft() if idle else await fresh()
            said = await asyncio.wait_for(connection.ask(request), 30)
        except (OSError, TimeoutError):
            failures += 1
            return
        if said.status != 200:
            failures += 1
        else:
            latencies.append(said.end_s - meant_s)
        if not connection.closed:
            idle.append(connection)

    async def fresh() -> Connection:
        everyone.append(await Connection.to(target.port))
        return everyone[-1]

    for number in range(int(rate * seconds)):
        meant_s = begin_s + number / rate
        wait_s = meant_s - time.perf_counter()
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        elif number % 8 == 0:
            await asyncio.sleep(0)
        if len(tasks) > 2_000:  # hopeless: the rate is far beyond what it takes
            failures += 1
            break
        task = asyncio.create_task(one(meant_s))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    for connection in everyone:
        connection.close()
    return latencies, failures


async def closed_loop(
    target: Target, request: bytes, *, num_requests: int, num_clients: int
) -> tuple[float, int]:
    """Keep some clients busy; requests a second and failures."""
    left = num_requests
    failures = 0

    async def client() -> None:
        nonlocal left, failures
        connection = await Connection.to(target.port)
        while left > 0:
            left -= 1
            if connection.closed:
                connection = await Connection.to(target.port)
            try:
                failures += (await connection.ask(request)).status != 200
            except OSError:
                failures += 1
        connection.close()

    begin_s = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(num_clients)))
    return num_requests / (time.perf_counter() - begin_s), failures


async def streams(target: Target, request: bytes, *, num_streams: int) -> list[Said | None]:
    """Read streams side by side; None for one that failed."""

    async def one(number: int) -> Said | None:
        await asyncio.sleep(0.02 * number / num_streams)  # spread over one gap
        try:
            connection = await Connection.to(target.port)
            said = await asyncio.wait_for(connection.ask(request), 60)
        except (OSError, TimeoutError):
            return None
        connection.close()
        return said if said.status == 200 and said.tail.rstrip().endswith(b"data: [DONE]") else None

    return list(await asyncio.gather(*(one(number) for number in range(num_streams))))
