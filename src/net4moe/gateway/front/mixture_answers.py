"""The mixture's answers: whole, or as they come, with signs of life while there is nothing to say."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from net4moe.chat.model import OnText
from net4moe.gateway.front.call import EVENT_STREAM, JSON, Call
from net4moe.gateway.front.openai_stream import COMMENT, DONE, Chunks, StopCut
from net4moe.gateway.front.openai_wire import Wanted, completion, usage_of
from net4moe.gateway.records import Asked, Mixed

__all__ = ["MixtureAnswers", "MixtureService"]


class MixtureService(Protocol):
    """The mixture behind the front."""

    async def answer(self, asked: Asked, *, on_text: OnText | None = None) -> Mixed:
        """Answer a prompt; `on_text` gets each piece of text that will stand."""
        ...

    def explain(self, prompt: str) -> Awaitable[dict[str, Any]]:
        """Say how a prompt would be split and placed, and write nothing."""
        ...


class MixtureAnswers:
    """Turns requests to the mixture into answers in the OpenAI form.

    Args:
      mixture: who answers.
      keep_alive_s: seconds of silence after which a stream gets a comment.
      wall_clock: seconds since 1970.
    """

    def __init__(
        self,
        mixture: MixtureService,
        *,
        keep_alive_s: float = 3.0,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._mixture = mixture
        self._keep_alive_s = keep_alive_s
        self._wall_clock = wall_clock

    async def answer(self, call: Call, wanted: Wanted, model: str) -> None:
        """Answer a request.

        Args:
          call: the request.
          wanted: the same, read.
          model: as it was asked for.

        Raises:
          Net4MoEError: there is no answer, or no whole one.
        """
        if wanted.stream:
            await self._stream(call, wanted, model)
        else:
            await self._whole(call, wanted, model)

    async def _whole(self, call: Call, wanted: Wanted, model: str) -> None:
        tasks = [asyncio.ensure_future(self._mixture.answer(asked)) for asked in wanted.asked]
        try:
            answers = await asyncio.gather(*tasks)
        finally:
            await _ended(tasks)
        choices = [_cut(mixed, wanted.stop) for mixed in answers]
        body = completion(wanted.id, model, int(self._wall_clock()), choices, answers)
        await call.whole(200, JSON, [], body)

    async def _stream(self, call: Call, wanted: Wanted, model: str) -> None:
        chunks = Chunks(
            request_id=wanted.id,
            model=model,
            created=int(self._wall_clock()),
            include_usage=wanted.include_usage,
        )
        told: asyncio.Queue[_Event] = asyncio.Queue()
        tasks = [self._begun(index, asked, told) for index, asked in enumerate(wanted.asked)]
        try:
            voices = [_Voice(index, chunks, wanted.stop) for index in range(len(tasks))]
            while not all(voice.ended for voice in voices):
                await self._tell(call, told, voices)
            answers = [task.result() for task in tasks]
        finally:
            await _ended(tasks)
        usage = chunks.usage(usage_of(answers)) if wanted.include_usage else b""
        await call.end(usage + DONE)

    def _begun(self, index: int, asked: Asked, told: "asyncio.Queue[_Event]") -> asyncio.Task[Mixed]:
        def heard(piece: str) -> None:
            told.put_nowait((index, piece))

        task = asyncio.ensure_future(self._mixture.answer(asked, on_text=heard))
        task.add_done_callback(lambda done: told.put_nowait((index, done)))
        return task

    async def _tell(self, call: Call, told: "asyncio.Queue[_Event]", voices: "list[_Voice]") -> None:
        """Wait for what is said next and send it, all that is there at once."""
        try:
            async with asyncio.timeout(self._keep_alive_s):
                events = [await told.get()]
        except TimeoutError:
            await self._start(call)
            await call.comment(COMMENT)
            return
        while not told.empty():
            events.append(told.get_nowait())
        said = b"".join(voices[index].said(event) for index, event in events)
        if said:
            await self._start(call)
            await call.piece(said)

    @staticmethod
    async def _start(call: Call) -> None:
        if not call.started:
            await call.start(200, EVENT_STREAM, [])


_Event = tuple[int, "str | asyncio.Task[Mixed]"]


class _Voice:
    """One choice of a stream: what was heard of it, and the bytes that say so.

    Attributes:
      ended: whether the mixture has ended it.
    """

    def __init__(self, index: int, chunks: Chunks, stop: tuple[str, ...]) -> None:
        self.ended = False
        self._index = index
        self._chunks = chunks
        self._cut = StopCut(stop)
        self._heard: list[str] = []
        self._open = False
        self._closed = False

    def said(self, event: "str | asyncio.Task[Mixed]") -> bytes:
        """Write an event of this choice; of a failed one, raise its error."""
        if isinstance(event, str):
            return self._text(event)
        mixed = event.result()
        self.ended = True
        heard = "".join(self._heard)
        # What was shown cannot be taken back, so only a text that goes on from it is added.
        rest = mixed.text[len(heard) :] if mixed.text.startswith(heard) else ""
        written = self._text(rest)
        return written + self._end("stop" if self._cut.found else mixed.finish_reason, mixed.missing)

    def _text(self, piece: str) -> bytes:
        if self._closed or not piece:
            return b""
        self._heard.append(piece)
        shown = self._cut.feed(piece)
        written = self._opened() + self._chunks.text(self._index, shown) if shown else b""
        return written + (self._end("stop") if self._cut.found else b"")

    def _opened(self) -> bytes:
        if self._open:
            return b""
        self._open = True
        return self._chunks.role(self._index)

    def _end(self, reason: str, missing: tuple[str, ...] = ()) -> bytes:
        if self._closed:
            return b""
        self._closed = True
        rest = self._cut.rest()
        written = self._opened() + (self._chunks.text(self._index, rest) if rest else b"")
        return written + self._chunks.final(self._index, reason, missing)


async def _ended(tasks: Sequence[asyncio.Task[Mixed]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _cut(mixed: Mixed, stop: tuple[str, ...]) -> tuple[str, str]:
    cut = StopCut(stop)
    text = cut.feed(mixed.text) + cut.rest()
    return text, "stop" if cut.found else mixed.finish_reason
