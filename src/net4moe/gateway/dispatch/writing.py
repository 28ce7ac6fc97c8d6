"""Having one passage written: the machine of `net4moe.gateway.dispatch.attempts` on asyncio.

A task for each call that is under way feeds events to the machine; its effects are carried out at once. When the
passage has ended, in whichever way, no task, no timer and no place is left behind.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from net4moe.chat import ChatRequest, OnText, Reply, Request
from net4moe.errors import (
    BudgetExceeded,
    ChatRejected,
    DeadlinePassed,
    DeviceBusy,
    DeviceUnreachable,
    Net4MoEError,
)
from net4moe.gateway.dispatch import attempt_events as events
from net4moe.gateway.dispatch import device_wire as wire
from net4moe.gateway.dispatch.attempts import Call, CallRules, Patience
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.flights import (
    Flight,
    Ground,
    first_text_limit_s,
    found_place,
    whole_answer,
    with_attempts,
)
from net4moe.gateway.dispatch.transport import Answer, CallBroken
from net4moe.gateway.fleet.roster import Device
from net4moe.gateway.records import Attempt, Candidate, Outcome, Written

__all__ = ["RequestFor", "Writing"]

RequestFor = Callable[[Candidate, str], Request]
"""What to ask a candidate; the text to go on with stands second, empty for none."""

_LARGEST_ANSWER = 16 << 20


@dataclass(slots=True, eq=False)
class _Leg:
    """A call under way."""

    flight: Flight
    request: Request
    path: str
    body: bytes
    begun: str
    reader: wire.PassageReader
    task: "asyncio.Task[None] | None" = None
    reply: Reply | None = None


class Writing:
    """One passage; see `Dispatcher.write` for the arguments."""

    def __init__(
        self,
        ground: Ground,
        candidates: Sequence[Candidate],
        request_for: RequestFor,
        *,
        deadline_s: float,
        budget: Budget,
        on_text: OnText | None,
        continues: bool,
        streams: bool,
    ) -> None:
        self._ground = ground
        self._candidates = candidates
        self._request_for = request_for
        self._deadline_s = deadline_s
        self._budget = budget
        self._on_text = on_text
        self._continues = continues
        self._streams = streams
        self._held: Device | None = None
        self._legs: dict[int, _Leg] = {}
        self._events: deque[events.Event] = deque()
        self._happening = False
        self._timer: asyncio.TimerHandle | None = None
        self._unpaid: BudgetExceeded | None = None
        self._rejected: ChatRejected | None = None
        self._ended: asyncio.Future[tuple[_Leg, str]] = asyncio.get_running_loop().create_future()

    async def run(self) -> tuple[Written, Reply]:
        """Have it written.

        Raises:
          NoDevice, DeviceBusy, DeviceUnreachable, DeadlinePassed, ChatRejected, BudgetExceeded: it was not.
        """
        ground = self._ground
        try:
            self._held, first = await found_place(
                ground, self._candidates, set(), deadline_s=self._deadline_s
            )
            ground.retries.offered()
            ground.hedges.offered()
            ordered = (first, *(one for one in self._candidates if one.device != first.device))
            self._call = Call(
                ordered,
                self._rules(ordered),
                retries=ground.retries,
                hedges=ground.hedges,
                chance=ground.chance,
            )
            try:
                self._happen(events.Begin())
                leg, text = await self._ended
            finally:
                await self._cleared()
        except Net4MoEError as error:
            with_attempts(error, self._attempts())
            raise
        return self._written(leg, text)

    def _rules(self, candidates: Sequence[Candidate]) -> CallRules:
        config = self._ground.config
        return CallRules(
            deadline_s=self._deadline_s,
            patience=tuple(self._patience(candidate) for candidate in candidates),
            shows=self._on_text is not None,
            continues=self._continues,
            stall_s=config.stall_s,
            backoff_s=config.backoff_s,
            max_sends=config.max_sends,
        )

    def _patience(self, candidate: Candidate) -> Patience:
        device = self._ground.roster.find(candidate.device)
        if device is None:
            return Patience(first_text_s=self._ground.config.first_text_s)
        limit_s = first_text_limit_s(device, candidate.model, self._ground.config, streamed=self._streams)
        whole_s = device.meter.hedge_total_s()
        first_s = device.meter.hedge_after_s() if self._streams else whole_s
        return Patience(first_text_s=limit_s, hedge_after_s=first_s, hedge_total_s=whole_s)

    def _happen(self, event: events.Event) -> None:
        """Tell the machine and do what it says; what follows from that waits for its turn."""
        self._events.append(event)
        if self._happening:
            return
        self._happening = True
        try:
            while self._events:
                for effect in self._call.on(self._events.popleft(), self._ground.clock()):
                    self._do(effect)
        except BaseException as error:  # whatever `on_text` and `request_for` raise ends the passage
            if not self._ended.done():
                self._ended.set_exception(error)
            raise
        finally:
            self._happening = False

    def _do(self, effect: events.Effect) -> None:
        match effect:
            case events.Send():
                self._send(effect)
            case events.Cancel():
                self._cancel(effect)
            case events.WakeAt(time_s=time_s):
                self._wake_at(time_s)
            case events.Deliver(piece=piece):
                if self._on_text is not None:
                    self._on_text(piece)
            case events.Finish(attempt=number, text=text):
                if not self._ended.done():
                    self._ended.set_result((self._legs[number], text))
            case events.GiveUp():
                if not self._ended.done():
                    self._ended.set_exception(self._why(effect))

    def _wake_at(self, time_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, time_s - self._ground.clock()), self._happen, events.Woken())

    def _send(self, effect: events.Send) -> None:
        """Take a place, set aside what it may cost, and let a call fly."""
        number, candidate = effect.attempt, effect.candidate
        device = self._placed(candidate)
        if device is None:
            busy = self._ground.roster.find(candidate.device) is not None
            self._happen(events.Failed(number, "busy" if busy else "refused", "it has no place", sent=False))
            return
        launched = False
        try:
            request = self._request_for(candidate, effect.begun)
            path, body = wire.body_of(request, candidate.model)
            read = wire.estimated_tokens(body.decode())
            aside = self._budget.reserve(
                calls=1,
                tokens=read + request.max_tokens,
                price_usd=device.price.usd(read, request.max_tokens),
            )
            flight = Flight(
                self._ground, device, candidate, effect.kind, budget=self._budget, reservation=aside
            )
            launched = True
        except BudgetExceeded as error:
            self._unpaid = error
            self._happen(events.Unpaid(number))
            return
        finally:
            if not launched:
                self._ground.places.give_back(device)
        reader = wire.PassageReader(device.name, max_tokens=request.max_tokens, begun=effect.begun)
        flight.num_bytes = len(body)
        leg = self._legs[number] = _Leg(flight, request, path, body, effect.begun, reader)
        leg.task = asyncio.create_task(self._fly(number, leg))
        self._happen(events.Opened(number))

    def _placed(self, candidate: Candidate) -> Device | None:
        """Take a place on a device that may be called now; the first one was taken before."""
        held, self._held = self._held, None
        if held is not None:
            return held
        device, now_s = self._ground.roster.find(candidate.device), self._ground.clock()
        if device is None or device.state(now_s) != "up" or now_s < device.busy_until_s:
            return None
        if not device.breaker.admits(now_s) or not self._ground.places.take(device, now_s):
            return None
        return device

    def _cancel(self, effect: events.Cancel) -> None:
        leg = self._legs.get(effect.attempt)
        if leg is not None:
            self._land(leg, effect.outcome, effect.reason, outpaced=effect.outpaced)
            if leg.task is not None and leg.task is not asyncio.current_task():
                leg.task.cancel()

    async def _fly(self, number: int, leg: _Leg) -> None:
        """Carry one call there and back."""
        answer: Answer | None = None
        try:
            answer = await self._ground.transport.post(leg.flight.device, leg.path, leg.body)
            failure = await self._refused(number, leg, answer)
            if failure is None:
                if isinstance(leg.request, ChatRequest):
                    await self._stream(number, leg, answer)
                else:
                    name = leg.flight.device.name
                    leg.reply = wire.reply_of(
                        leg.request, name, await whole_answer(answer, leg.flight, _LARGEST_ANSWER)
                    )
                self._land(leg, "done")
                self._happen(events.Done(number))
            else:
                self._land(leg, failure.outcome, failure.reason, retry_after_s=failure.retry_after_s)
                self._happen(failure)
        except CallBroken as error:
            self._land(leg, error.outcome, str(error))
            self._happen(events.Failed(number, error.outcome, str(error)))
        finally:
            if answer is not None:
                answer.close()

    async def _refused(self, number: int, leg: _Leg, answer: Answer) -> events.Failed | None:
        """Look at the head of an answer; say what is wrong with it."""
        status = answer.status
        if status == 429:
            wait_s = 1.0 if answer.retry_after_s is None else answer.retry_after_s
            return events.Failed(number, "busy", "it is full (429)", retry_after_s=wait_s)
        if status in (401, 403):
            return events.Failed(number, "failed", f"it refuses the gateway's key ({status})")
        if status == 408 or status >= 500:
            return events.Failed(number, "failed", f"it failed ({status})")
        if status >= 400:
            said = wire.first_words(await answer.read(), leg.flight.device.key)
            msg = f"device '{leg.flight.device.name}' refuses the call ({status}: {said})."
            self._rejected = ChatRejected(msg, model=leg.flight.candidate.model, status=status)
            return events.Failed(number, "rejected", f"it refuses the call ({status})")
        wanted = "text/event-stream" if isinstance(leg.request, ChatRequest) else "application/json"
        if status != 200 or answer.content_type != wanted:
            return events.Failed(number, "garbage", f"it answers {status} with '{answer.content_type[:40]}'")
        return None

    async def _stream(self, number: int, leg: _Leg, answer: Answer) -> None:
        """Read a stream to its end."""
        reader, flight = leg.reader, leg.flight
        while not reader.ended:
            piece = await answer.read()
            flight.num_bytes += len(piece)
            if texts := reader.feed(piece) if piece else reader.close():
                if flight.first_text_s is None:
                    flight.first_text_s = self._ground.clock()
                self._happen(events.Text(number, "".join(texts)))
        leg.reply = Reply(
            text=reader.text,
            finish_reason=reader.finish_reason,
            prompt_tokens=0,
            completion_tokens=0,
            seconds=0.0,
            top=tuple(reader.chunks_top),
        )

    def _land(
        self,
        leg: _Leg,
        outcome: Outcome,
        reason: str = "",
        *,
        retry_after_s: float | None = None,
        outpaced: bool = False,
    ) -> None:
        prompt_tokens, completion_tokens = _tokens(leg)
        leg.flight.land(
            outcome,
            reason,
            prompt_tokens=prompt_tokens,
            completion_tokens=completion_tokens,
            retry_after_s=retry_after_s,
            streamed=isinstance(leg.request, ChatRequest),
            outpaced=outpaced,
        )

    async def _cleared(self) -> None:
        """Leave nothing behind."""
        self._events.clear()
        self._happen(events.ClientLeft())
        if self._timer is not None:
            self._timer.cancel()
        if self._ended.done() and not self._ended.cancelled():
            self._ended.exception()  # it was perhaps never asked for
        if self._held is not None:
            self._ground.places.give_back(self._held)
        tasks = [leg.task for leg in self._legs.values() if leg.task is not None]
        for leg in self._legs.values():
            self._land(leg, "cancelled", "the passage has ended")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _attempts(self) -> tuple[Attempt, ...]:
        return tuple(leg.flight.attempt for leg in self._legs.values() if leg.flight.attempt is not None)

    def _written(self, leg: _Leg, text: str) -> tuple[Written, Reply]:
        """Put together what was written by whom."""
        reply, attempts = leg.reply, self._attempts()
        assert reply is not None
        used = [(one.flight.device.price, *_tokens(one)) for one in self._legs.values()]
        written = Written(
            text=text if isinstance(leg.request, ChatRequest) else reply.text,
            candidate=leg.flight.candidate,
            finish_reason=reply.finish_reason,
            prompt_tokens=sum(read for _, read, _ in used),
            completion_tokens=sum(wrote for _, _, wrote in used),
            seconds=attempts[-1].end_s - attempts[0].start_s,
            price_usd=sum(price.usd(read, wrote) for price, read, wrote in used),
            attempts=attempts,
        )
        reply = replace(
            reply,
            text=written.text,
            prompt_tokens=written.prompt_tokens,
            completion_tokens=written.completion_tokens,
            seconds=written.seconds,
            price_usd=written.price_usd,
        )
        return written, reply

    def _why(self, effect: events.GiveUp) -> Net4MoEError:
        """Say why there is no passage."""
        num = len(self._legs)
        tried = f"{num} call{'s' if num != 1 else ''} to devices"
        if effect.outcome == "late":
            return DeadlinePassed(f"the passage was not whole in time, with {tried}.")
        if self._unpaid is not None:
            return self._unpaid
        if effect.outcome == "rejected" and self._rejected is not None:
            return self._rejected
        if effect.outcome == "busy":
            wait_s = 1.0 if effect.retry_after_s is None else effect.retry_after_s
            return DeviceBusy(
                f"all devices that could write the passage are full; try again in {max(1.0, wait_s):.0f} s.",
                retry_after_s=wait_s,
            )
        last = list(self._legs.values())[-1].flight.device.name if self._legs else None
        return DeviceUnreachable(
            f"no device wrote the passage, with {tried}; the last one: {effect.reason}.", device_id=last
        )


def _tokens(leg: _Leg) -> tuple[int, int]:
    """Count the tokens read and written; guess them where text came and nobody told."""
    if leg.reader.usage is not None:
        return leg.reader.usage.prompt_tokens, leg.reader.usage.completion_tokens
    if leg.reply is not None and leg.reply.prompt_tokens:
        return leg.reply.prompt_tokens, leg.reply.completion_tokens
    text = leg.reader.text
    if not text:
        return 0, 0
    return wire.estimated_tokens(leg.body.decode()), min(wire.estimated_tokens(text), leg.request.max_tokens)
