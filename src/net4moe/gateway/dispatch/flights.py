"""One call on its way to a device and back, as the books see it.

A flight begins with a place on the device and ends exactly once, in `land`: then the place is given back, the
breaker hears the verdict, the meter the times, the budget what was spent, and there is an `Attempt` for the
receipt. The verdict by outcome:

    done                                        success
    refused, reset, failed, garbage, stalled    failure
    late, cancelled for another attempt         failure where the device had far more time than it usually needs
    busy, rejected, cancelled otherwise         none

A loser that was outpaced is measured as if it had ended when it was cancelled, so that it loses weight.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from net4moe.errors import DeadlinePassed, DeviceBusy, Net4MoEError, NoDevice
from net4moe.gateway.dispatch.attempt_events import SendKind
from net4moe.gateway.dispatch.attempts import Allowance
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.places import Places
from net4moe.gateway.dispatch.transport import Answer, CallBroken, Transport
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.records import Attempt, Candidate, Outcome, Spent

__all__ = [
    "DispatchConfig",
    "Flight",
    "Ground",
    "Kind",
    "attempts_of",
    "first_text_limit_s",
    "found_place",
    "open_candidates",
    "tokens_told",
    "whole_answer",
    "with_attempts",
]

Kind = SendKind
"""Why a call is sent."""

_Error = TypeVar("_Error", bound=Net4MoEError)

_BLAMED: frozenset[Outcome] = frozenset(("refused", "reset", "failed", "garbage", "stalled"))
_PROMPT_TOKENS = re.compile(rb'"prompt_tokens"\s*:\s*(\d{1,7})')
_COMPLETION_TOKENS = re.compile(rb'"completion_tokens"\s*:\s*(\d{1,7})')


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchConfig:
    """How patient the gateway is with devices.

    Attributes:
      first_text_s: the least time for the first text of a device that was measured, seconds.
      cold_first_text_s: time for it where the device was not measured or may have to load the model, seconds.
      first_text_factor: times the device's usual time (95 %) that its first text may take.
      stall_s: longest silence between two pieces of text, seconds.
      whole_s: the least time for an answer that comes in one piece, seconds.
      backoff_s: wait before the only device is asked again, seconds; doubles, with jitter.
      max_sends: calls to devices for one passage at most.
      max_bytes: bytes of an answer that is passed through at most.
      retry_ratio: calls beyond the first, as a share of the first ones.
      hedge_ratio: hedges, as a share of the first calls.
      burst: calls beyond the share that may come at once.
    """

    first_text_s: float = 5.0
    cold_first_text_s: float = 30.0
    first_text_factor: float = 3.0
    stall_s: float = 5.0
    whole_s: float = 60.0
    backoff_s: float = 0.1
    max_sends: int = 5
    max_bytes: int = 64 << 20
    retry_ratio: float = 0.15
    hedge_ratio: float = 0.05
    burst: float = 10.0


@dataclass(slots=True, kw_only=True, eq=False)
class Ground:
    """What all flights of a gateway share.

    Attributes:
      roster: the devices.
      transport: carries the calls.
      places: of the devices.
      retries: what may be sent beyond the first calls.
      hedges: what may be sent beside a slow call.
      config: how patient the gateway is.
      clock: monotonic seconds.
      chance: of the jitter.
    """

    roster: Roster
    transport: Transport
    places: Places
    retries: Allowance
    hedges: Allowance
    config: DispatchConfig
    clock: Callable[[], float]
    chance: random.Random


class Flight:
    """One call that holds a place on a device.

    Args:
      ground: what flights share.
      device: where it goes; the place is taken already.
      candidate: the device as the placement saw it.
      kind: why it is sent.
      budget: of the request.
      reservation: what was set aside for it.

    Attributes:
      device: where it goes.
      candidate: the device as the placement saw it.
      first_text_s: when its first text came, monotonic seconds; None before.
      num_bytes: bytes there and back so far.
      attempt: how it ended; None before.
    """

    __slots__ = (
        "_budget",
        "_generation",
        "_ground",
        "_kind",
        "_reservation",
        "_start_s",
        "attempt",
        "candidate",
        "device",
        "first_text_s",
        "num_bytes",
    )

    def __init__(
        self,
        ground: Ground,
        device: Device,
        candidate: Candidate,
        kind: Kind,
        *,
        budget: Budget,
        reservation: Spent,
    ) -> None:
        now_s = ground.clock()
        self.device = device
        self.candidate = candidate
        self.first_text_s: float | None = None
        self.num_bytes = 0
        self.attempt: Attempt | None = None
        self._ground = ground
        self._kind: Kind = kind
        self._budget = budget
        self._reservation = reservation
        self._start_s = now_s
        self._generation = device.breaker.begin(now_s)
        device.resident = candidate.model or device.resident

    def land(
        self,
        outcome: Outcome,
        reason: str = "",
        *,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        retry_after_s: float | None = None,
        streamed: bool = True,
        outpaced: bool = False,
    ) -> Attempt:
        """End the flight; later calls change nothing.

        Args:
          outcome: how it ended.
          reason: one short sentence for people.
          prompt_tokens: tokens read, where known.
          completion_tokens: tokens written, where known.
          retry_after_s: how long a busy device asked to wait, seconds.
          streamed: whether the answer came in pieces.
          outpaced: whether it was cancelled because another attempt was first.
        """
        if self.attempt is not None:
            return self.attempt
        now_s = self._ground.clock()
        self._tell(outcome, now_s, prompt_tokens, completion_tokens, retry_after_s, streamed, outpaced)
        budget = self._budget
        budget.settle(
            self._reservation,
            Spent(
                calls=1,
                tokens=prompt_tokens + completion_tokens,
                price_usd=self.device.price.usd(prompt_tokens, completion_tokens),
                air_bytes=self.num_bytes if self._reservation.air_bytes else 0,
            ),
        )
        first_s = self.first_text_s
        self.attempt = Attempt(
            device=self.device.name,
            expert=self.candidate.expert,
            kind=self._kind,
            start_s=self._start_s - budget.start_s,
            first_text_s=None if first_s is None else first_s - budget.start_s,
            end_s=now_s - budget.start_s,
            outcome=outcome,
            reason=reason,
            completion_tokens=completion_tokens,
            bytes=self.num_bytes,
        )
        self._ground.places.give_back(self.device)
        return self.attempt

    def _tell(
        self,
        outcome: Outcome,
        now_s: float,
        prompt_tokens: int,
        completion_tokens: int,
        retry_after_s: float | None,
        streamed: bool,
        outpaced: bool,
    ) -> None:
        """Tell breaker and meter how it ended."""
        device, breaker, meter = self.device, self.device.breaker, self.device.meter
        took_s = now_s - self._start_s
        first_s = None if self.first_text_s is None else self.first_text_s - self._start_s
        if outcome == "done":
            breaker.succeeded(now_s, self._generation)
            known = prompt_tokens and completion_tokens
            meter.finished(
                now_s=now_s,
                total_s=took_s,
                first_text_s=first_s if streamed else None,
                completion_tokens=completion_tokens,
                num_bytes=self.num_bytes,
                claimed_s=device.claimed_s(prompt_tokens, completion_tokens) if known else None,
            )
        elif outcome in _BLAMED or self._kept_waiting(outcome, took_s, outpaced):
            breaker.failed(now_s, self._generation)
            meter.failed(now_s=now_s, num_bytes=self.num_bytes)
        else:
            breaker.ended(self._generation)
            if outcome == "busy":
                device.busy_until_s = now_s + (1.0 if retry_after_s is None else retry_after_s)
        if outpaced:
            meter.outpaced(now_s=now_s, total_s=took_s, first_text_s=took_s if first_s is None else first_s)

    def _kept_waiting(self, outcome: Outcome, took_s: float, outpaced: bool) -> bool:
        """Tell whether an unfinished call without text took far longer than the device usually needs."""
        if self.first_text_s is not None or not (outcome == "late" or outpaced):
            return False
        usual_s = self.device.meter.first_text_quantile_s(0.95)
        return usual_s is not None and took_s > max(1.0, self._ground.config.first_text_factor * usual_s)


def first_text_limit_s(device: Device, model: str, config: DispatchConfig, *, streamed: bool) -> float:
    """Say how long a device may take to its first text (or its whole answer), seconds."""
    meter = device.meter
    usual_s = meter.first_text_quantile_s(0.95) if streamed else meter.total_quantile_s(0.95)
    least_s = config.first_text_s if streamed else config.whole_s
    if usual_s is None or device.resident not in ("", model):
        least_s = max(least_s, config.cold_first_text_s)
    return max(least_s, config.first_text_factor * (usual_s or 0.0))


def tokens_told(tail: bytes) -> tuple[int, int]:
    """Look for the tokens read and written at the end of an answer, without parsing it; 0 where not told."""
    start = tail.rfind(b'"usage"')
    if start < 0:
        return 0, 0
    read = _PROMPT_TOKENS.search(tail, start)
    written = _COMPLETION_TOKENS.search(tail, start)
    return int(read[1]) if read else 0, int(written[1]) if written else 0


async def whole_answer(answer: Answer, flight: Flight, largest: int) -> bytes:
    """Read an answer to its end.

    Raises:
      CallBroken: it broke off, or is larger than `largest` bytes.
    """
    pieces: list[bytes] = []
    while piece := await answer.read():
        pieces.append(piece)
        flight.num_bytes += len(piece)
        if flight.num_bytes > largest:
            name = flight.device.name
            msg = f"device '{name}' wrote on past {largest} bytes."
            raise CallBroken(msg, outcome="garbage", device_id=name)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def open_candidates(
    roster: Roster, candidates: Sequence[Candidate], tried: set[str], now_s: float
) -> list[tuple[Device, Candidate]]:
    """List the candidates that may be called now, in their order; a probe each where all are ejected."""
    there: list[tuple[Device, Candidate]] = []
    for candidate in candidates:
        device = None if candidate.device in tried else roster.find(candidate.device)
        if device is not None and device.state(now_s) in ("up", "ejected"):
            there.append((device, candidate))
    admitted = [pair for pair in there if pair[0].breaker.admits(now_s)]
    return admitted or [pair for pair in there if pair[0].breaker.admits_anyway(now_s)]


async def found_place(
    ground: Ground,
    candidates: Sequence[Candidate],
    tried: set[str],
    *,
    deadline_s: float,
    failure: Net4MoEError | None = None,
) -> tuple[Device, Candidate]:
    """Take a place on the first candidate that has one; wait for one where none has.

    Args:
      ground: what flights share.
      candidates: where the call could go, the best first.
      tried: devices that it does not go to again.
      deadline_s: when the request ends, monotonic seconds.
      failure: why the last one was in vain; raised where there is no other.

    Raises:
      NoDevice: no candidate may be called.
      DeviceBusy: all that may be called are full.
      DeadlinePassed: the time is over.
    """
    while True:
        now_s = ground.clock()
        if now_s >= deadline_s:
            msg = "the time of the request is over."
            raise failure or DeadlinePassed(msg)
        pairs = open_candidates(ground.roster, candidates, tried, now_s)
        ready = [pair for pair in pairs if now_s >= pair[0].busy_until_s]
        for device, candidate in ready:
            if ground.places.take(device, now_s):
                return device, candidate
        if failure is not None and not ready:
            raise failure
        if not pairs:
            names = ", ".join(f"'{candidate.device}'" for candidate in candidates[:3]) or "none"
            msg = f"no device can take the call now (asked for: {names})."
            raise NoDevice(msg)
        if not ready:
            wait_s = max(0.0, min(device.busy_until_s for device, _ in pairs) - now_s)
            msg = f"all devices that could take the call are full; try again in {max(1.0, wait_s):.0f} s."
            raise DeviceBusy(msg, retry_after_s=wait_s)
        granted = await ground.places.wait([device for device, _ in ready], deadline_s)
        if granted.breaker.admits_anyway(ground.clock()):
            return next(pair for pair in ready if pair[0] is granted)
        ground.places.give_back(granted)


def with_attempts(error: _Error, attempts: Sequence[Attempt]) -> _Error:
    """Put the attempts that were made onto the error that ends a request; `attempts_of` reads them."""
    vars(error)["attempts"] = tuple(attempts)
    return error


def attempts_of(error: BaseException) -> tuple[Attempt, ...]:
    """Read the attempts that were made before an error ended a request."""
    return vars(error).get("attempts", ())
