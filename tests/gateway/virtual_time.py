"""An event loop whose time runs only while everybody waits, and devices that live in memory.

    def test_something() -> None:
        async def course() -> None: ...
        run_virtually(course())

A second of virtual time costs nothing, the order of events is always the same, and a program that would wait
forever fails instead.
"""

import asyncio
import json
import selectors
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from net4moe.gateway.dispatch.transport import Answer, CallBroken
from net4moe.gateway.fleet.roster import Device
from net4moe.gateway.records import Outcome

__all__ = [
    "Broken",
    "Head",
    "MemoryTransport",
    "Piece",
    "Play",
    "Posted",
    "Silence",
    "Step",
    "Wait",
    "chunk_of",
    "run_virtually",
    "story",
]

_Result = TypeVar("_Result")
END = b"data: [DONE]\n\n"


class _Selector(selectors.DefaultSelector):
    """Advances the time instead of waiting for it."""

    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Say that nothing came, later."""
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everybody waits for something that will never come")
            self.now_s += max(timeout, 0.0)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, selector: _Selector) -> None:
        self._virtual = selector
        super().__init__(selector)

    def time(self) -> float:
        """Tell the virtual time."""
        return self._virtual.now_s


def run_virtually(course: Coroutine[Any, Any, _Result]) -> _Result:
    """Run a program in virtual time; nothing of it may be left when it ends."""

    async def watched() -> _Result:
        found = await course
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks were left behind: {left}"
        return found

    with asyncio.Runner(loop_factory=lambda: _Loop(_Selector())) as runner:
        return runner.run(watched())


def now_s() -> float:
    """Tell the virtual time."""
    return asyncio.get_running_loop().time()


@dataclass(frozen=True)
class Wait:
    """The device does nothing for some time."""

    seconds: float


@dataclass(frozen=True)
class Silence:
    """The device never says anything again."""


@dataclass(frozen=True)
class Broken:
    """The connection breaks, or is refused before the head."""

    outcome: Outcome = "reset"


@dataclass(frozen=True)
class Head:
    """The head of the answer."""

    status: int = 200
    content_type: str = "text/event-stream"
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Piece:
    """Bytes of the answer."""

    content: bytes


Step = Wait | Silence | Broken | Head | Piece
Play = Callable[[Device, str, bytes], Sequence[Step]]


@dataclass
class Posted:
    """A call as a device saw it."""

    device: str
    path: str
    body: bytes
    time_s: float
    answer: "_MemoryAnswer | None" = None
    ended_s: float | None = None


class MemoryTransport:
    """Devices that do what a play says.

    Attributes:
      posts: the calls that came.
    """

    def __init__(self, play: Play) -> None:
        self.posts: list[Posted] = []
        self._play = play

    async def post(self, device: Device, path: str, body: bytes) -> Answer:
        """Take a call."""
        posted = Posted(device.name, path, body, now_s())
        self.posts.append(posted)
        answer = _MemoryAnswer(device.name, list(self._play(device, path, body)), posted)
        posted.answer = answer
        try:
            await answer.opened()
        except BaseException:
            answer.close()
            raise
        return answer

    async def close(self) -> None:
        """Do nothing."""


@dataclass
class _MemoryAnswer:
    device: str
    steps: list[Step]
    posted: Posted
    status: int = 0
    content_type: str = ""
    retry_after_s: float | None = None
    closed: bool = False
    waits: "asyncio.Future[None] | None" = field(default=None)

    async def opened(self) -> None:
        while self.steps:
            step = self.steps.pop(0)
            if isinstance(step, Head):
                self.status, self.content_type = step.status, step.content_type
                self.retry_after_s = step.retry_after_s
                return
            await self._done(step)
        raise CallBroken("no answer", outcome="reset", device_id=self.device)

    async def read(self) -> bytes:
        while self.steps:
            if self.closed:
                raise CallBroken("closed", outcome="reset", device_id=self.device)
            step = self.steps.pop(0)
            if isinstance(step, Piece):
                return step.content
            await self._done(step)
        return b""

    def close(self) -> None:
        self.closed = True
        if self.posted.ended_s is None:
            self.posted.ended_s = now_s()
        if self.waits is not None and not self.waits.done():
            self.waits.set_exception(CallBroken("closed", outcome="reset", device_id=self.device))

    async def _done(self, step: Step) -> None:
        if isinstance(step, Broken):
            self.steps.clear()
            raise CallBroken("broken", outcome=step.outcome, device_id=self.device)
        loop = asyncio.get_running_loop()
        self.waits = loop.create_future()
        if isinstance(step, Wait):
            timer = loop.call_later(
                step.seconds, lambda future: future.done() or future.set_result(None), self.waits
            )
            try:
                await self.waits
            finally:
                timer.cancel()
        else:
            await self.waits


def chunk_of(text: str = "", finish_reason: str | None = None) -> bytes:
    """Make one event of a stream."""
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": finish_reason}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


def story(*pieces: str, every_s: float = 0.0, first_s: float = 0.0) -> list[Step]:
    """Write a passage in pieces, well."""
    steps: list[Step] = [Head(), Wait(first_s)]
    for piece in pieces:
        steps += [Piece(chunk_of(piece)), Wait(every_s)]
    usage = json.dumps(
        {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": len(pieces)}}
    ).encode()
    return [*steps, Piece(chunk_of(finish_reason="stop") + b"data: " + usage + b"\n\n" + END)]
