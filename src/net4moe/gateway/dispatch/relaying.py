"""Passing an answer through as raw bytes: the way of a call that names its model.

    entering   a place on the first candidate that has one, the call, and the first bytes of the answer
               (the whole of it where it is not streamed); while nothing was handed on, what fails is
               tried on the next candidate
    reading    pieces as they come, unchanged; from now on a failure is the caller's to tell
    leaving    early or at the end: the place is given back, and a device that still writes sees it

There is no task for a call and no JSON is read; one timer watches for silence and for the deadline. Silence counts
only while this side waits: a client that reads slowly is no fault of the device. Comments of a stream are
no progress.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Self

from net4moe.errors import BudgetExceeded, DeadlinePassed, DeviceBusy, DeviceUnreachable, Net4MoEError
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.flights import (
    Flight,
    Ground,
    Kind,
    attempts_of,
    first_text_limit_s,
    found_place,
    tokens_told,
    whole_answer,
    with_attempts,
)
from net4moe.gateway.dispatch.transport import Answer, CallBroken
from net4moe.gateway.fleet.roster import Device
from net4moe.gateway.records import Attempt, Candidate, Outcome, Spent

__all__ = ["Relayed", "attempts_of"]

_TAIL = 700  # bytes in which an answer ends with its usage
_EVENT_STARTS = b"deir:\r\n"  # data, event, id, retry, a comment, an empty line
_COMMENT = ord(":")
_NEVER = float("inf")


class Relayed:
    """An answer that is passed through; a context that is entered once.

    Attributes:
      status: of HTTP; 2xx, or a 4xx that is the caller's own fault.
      content_type: media type without parameters.
      device: the device that answers.
      body: the whole answer where it is not streamed; else empty.
      attempts: the calls that were sent so far, in order; complete after leaving.
    """

    __slots__ = (
        "_answer",
        "_body_for",
        "_budget",
        "_candidates",
        "_deadline_s",
        "_first",
        "_flight",
        "_ground",
        "_path",
        "_since_s",
        "_streams",
        "_tail",
        "_timer",
        "_tokens",
        "_why",
        "attempts",
        "body",
        "content_type",
        "device",
        "status",
    )

    def __init__(
        self,
        ground: Ground,
        candidates: Sequence[Candidate],
        path: str,
        body_for: Callable[[Candidate], bytes],
        *,
        deadline_s: float,
        budget: Budget,
        streams: bool,
        tokens: int = 0,
    ) -> None:
        self.status = 0
        self.content_type = ""
        self.device = ""
        self.body = b""
        self.attempts: list[Attempt] = []
        self._ground = ground
        self._candidates = candidates
        self._path = path
        self._body_for = body_for
        self._deadline_s = deadline_s
        self._budget = budget
        self._streams = streams
        self._tokens = tokens
        self._answer: Answer | None = None
        self._flight: Flight | None = None
        self._first = b""
        self._tail = b""
        self._since_s = float("inf")
        self._timer: asyncio.TimerHandle | None = None
        self._why: Outcome | None = None

    async def __aenter__(self) -> Self:
        """Find a device that answers.

        Raises:
          NoDevice: there is no candidate that may be called.
          DeviceBusy: all of them are full.
          DeviceUnreachable: all that were tried failed.
          DeadlinePassed: the time was over before the first byte.
          BudgetExceeded: the budget does not allow the call.
        """
        try:
            await self._enter()
        except Net4MoEError as error:
            with_attempts(error, self.attempts)
            raise
        except asyncio.CancelledError:
            self._land("cancelled", "the caller left")
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave; an answer that was not read to its end is cancelled."""
        self._land("cancelled", "the caller left")

    @property
    def pieces(self) -> AsyncIterator[bytes]:
        """The bytes of the answer as they come; to be read once.

        Raises:
          DeviceUnreachable: the device broke off or fell silent.
          DeadlinePassed: the time was over before the end.
        """
        return self

    def __aiter__(self) -> Self:
        """Read the pieces."""
        return self

    async def __anext__(self) -> bytes:
        """Wait for the next piece."""
        if self._first:
            piece, self._first = self._first, b""
            return piece
        flight, answer = self._flight, self._answer
        if flight is None or answer is None:
            raise StopAsyncIteration
        if self._since_s == _NEVER:
            self._since_s = self._ground.clock()
        try:
            piece = await answer.read()
        except CallBroken as error:
            raise self._broken_off(error) from error
        if not piece:
            raise self._ended()
        flight.num_bytes += len(piece)
        if piece[0] == _COMMENT and b"\ndata:" not in piece:
            return piece
        self._since_s = _NEVER
        self._tail = piece[-_TAIL:] if len(piece) >= _TAIL else (self._tail + piece)[-_TAIL:]
        if flight.num_bytes > self._ground.config.max_bytes:
            raise self._endless()
        return piece

    async def _enter(self) -> None:
        """Try candidates until one answers."""
        ground, failure = self._ground, None
        ground.retries.offered()
        tried: set[str] = set()
        kind: Kind = "first"
        while True:
            device, candidate = await found_place(
                ground, self._candidates, tried, deadline_s=self._deadline_s, failure=failure
            )
            try:
                failure = await self._tried(device, candidate, kind)
            except BudgetExceeded:
                if failure is not None:  # it cannot be tried again: that is why it failed, not the budget
                    raise failure from None
                raise
            if failure is None:
                return
            tried.add(device.name)
            kind = "retry"
            if len(self.attempts) >= ground.config.max_sends or not ground.retries.take():
                raise failure
            if len(self._candidates) == 1:
                await self._rest(failure)
                tried.clear()

    async def _rest(self, failure: Net4MoEError) -> None:
        """Wait before the only candidate is asked once more, where that may help."""
        wait_s = self._ground.config.backoff_s * (1 + self._ground.chance.random())
        hopeless = isinstance(failure, (DeviceBusy, DeadlinePassed)) or len(self.attempts) > 1
        if hopeless or self._ground.clock() + wait_s >= self._deadline_s:
            raise failure
        await asyncio.sleep(wait_s)

    async def _tried(self, device: Device, candidate: Candidate, kind: Kind) -> Net4MoEError | None:
        """Send the call to one device; say why it was in vain."""
        ground = self._ground
        body, aside = self._prepared(device, candidate)
        limit_s = first_text_limit_s(device, candidate.model, ground.config, streamed=self._streams)
        left_s = self._deadline_s - ground.clock()
        flight = self._flight = Flight(
            ground, device, candidate, kind, budget=self._budget, reservation=aside
        )
        flight.num_bytes = len(body)
        self.device = device.name
        try:
            async with asyncio.timeout(min(limit_s, left_s)):
                self._answer = await ground.transport.post(device, self._path, body)
                return await self._judged(self._answer, flight)
        except CallBroken as error:
            return self._failed(error.outcome, str(error))
        except TimeoutError:
            if left_s <= limit_s:
                return self._failed("late", "the time was over before it answered")
            return self._failed("stalled", f"it did not answer within {limit_s:.1f} s")

    def _prepared(self, device: Device, candidate: Candidate) -> tuple[bytes, Spent]:
        """Make the body and set aside what the call could take; the place goes back where that fails."""
        prepared = False
        try:
            body = self._body_for(candidate)
            air_bytes = 0 if device.local else len(body)
            aside = self._budget.reserve(calls=1, tokens=self._tokens, air_bytes=air_bytes)
            prepared = True
            return body, aside
        finally:
            if not prepared:
                self._ground.places.give_back(device)

    async def _judged(self, answer: Answer, flight: Flight) -> Net4MoEError | None:
        """Look at the answer's head and first bytes; say what is wrong with it."""
        status = answer.status
        if status == 429:
            await answer.read()
            return self._failed("busy", "it is full (429)", retry_after_s=answer.retry_after_s)
        if status in (401, 403):
            return self._failed("failed", f"it refuses the gateway's key ({status})")
        if status == 408 or status >= 500:
            return self._failed("failed", f"it failed ({status})")
        if status >= 400:
            self.body = await whole_answer(answer, flight, self._ground.config.max_bytes)
            self._take(answer)
            self._land("rejected", f"it refuses the call ({status})")
            return None
        if status >= 300:
            return self._failed("garbage", f"it answers with {status}, where nothing is redirected")
        if self._streams:
            piece = await answer.read()
            if answer.content_type != "text/event-stream" or not piece or piece[0] not in _EVENT_STARTS:
                return self._failed("garbage", "it sent no stream of events")
            flight.num_bytes += len(piece)
            flight.first_text_s = self._ground.clock()
            self._first, self._tail = piece, piece[-_TAIL:]
            self._take(answer)
            self._watch()
            return None
        body = await whole_answer(answer, flight, self._ground.config.max_bytes)
        bare = body.strip()
        if answer.content_type != "application/json" or bare[:1] != b"{" or bare[-1:] != b"}":
            return self._failed("garbage", "it sent no JSON object")
        self.body = body
        self._take(answer)
        self._done(body[-_TAIL:])
        return None

    def _take(self, answer: Answer) -> None:
        self.status = answer.status
        self.content_type = answer.content_type
        if not self._streams or answer.status >= 400:
            self._first = self.body

    def _watch(self) -> None:
        """Look whether it is too late or too silent; look again when it could be."""
        config, now_s = self._ground.config, self._ground.clock()
        if self._answer is None:
            return
        silent_since_s = min(self._since_s, now_s)
        if now_s >= self._deadline_s or now_s - silent_since_s >= config.stall_s:
            self._why = "late" if now_s >= self._deadline_s else "stalled"
            self._answer.close()
            return
        next_s = min(self._deadline_s, silent_since_s + config.stall_s)
        self._timer = asyncio.get_running_loop().call_later(next_s - now_s, self._watch)

    def _failed(self, outcome: Outcome, reason: str, *, retry_after_s: float | None = None) -> Net4MoEError:
        """Book a call that was in vain."""
        self._land(outcome, reason, retry_after_s=retry_after_s)
        if outcome == "late":
            msg = f"device '{self.device}': {reason}."
            return DeadlinePassed(msg)
        if outcome == "busy":
            wait_s = 1.0 if retry_after_s is None else retry_after_s
            msg = f"device '{self.device}' is full; try again in {max(1.0, wait_s):.0f} s."
            return DeviceBusy(msg, device_id=self.device, retry_after_s=wait_s)
        said = reason.removeprefix(f"device '{self.device}' ").rstrip(".")
        return DeviceUnreachable(f"device '{self.device}': {said}.", device_id=self.device)

    def _broken_off(self, error: CallBroken) -> Net4MoEError:
        """Book an answer that broke off after its beginning was handed on."""
        if self._why is None:
            return self._failed(error.outcome, str(error))
        if self._why == "late":
            return self._failed("late", "the time was over before its answer was")
        return self._failed("stalled", f"it said nothing more for {self._ground.config.stall_s:g} s")

    def _ended(self) -> Exception:
        """Book an answer that came to its end; say what to raise."""
        if self._tail.find(b"[DONE]") < 0:
            return self._failed("reset", "its stream ended without the end mark")
        self._done(self._tail)
        return StopAsyncIteration()

    def _endless(self) -> Net4MoEError:
        return self._failed("garbage", f"it wrote on past {self._ground.config.max_bytes} bytes")

    def _done(self, tail: bytes) -> None:
        prompt_tokens, completion_tokens = tokens_told(tail)
        self._land("done", prompt_tokens=prompt_tokens, completion_tokens=completion_tokens)

    def _land(
        self,
        outcome: Outcome,
        reason: str = "",
        *,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        retry_after_s: float | None = None,
    ) -> None:
        """End the flight and the answer, whatever their state."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        flight, self._flight = self._flight, None
        if flight is not None:
            attempt = flight.land(
                outcome,
                reason,
                prompt_tokens=prompt_tokens,
                completion_tokens=completion_tokens,
                retry_after_s=retry_after_s,
                streamed=self._streams,
            )
            self.attempts.append(attempt)
