"""One passage, from the first call to its last token, as a machine: (state, event, time) -> effects.

It sends calls, at most two at a time, and ends exactly once:

    waiting    nothing is under way; the only or a busy device is asked again after a rest
    single     one call is under way
    hedged     a second one runs beside it: the first was slower than its device usually is, and nothing of the
               passage was shown
    ended      Finish or GiveUp was said, or the client left; nothing happens any more

Rules.
- Nothing happens at or after the deadline but the end.
- A call that fails is tried on the next candidate: at once, where there is one that was not asked. None is asked
  twice but the only one and those that were busy, after a rest. `rejected` is the call's own fault and ends it.
- Where text is shown as it comes, the first call that gives text is the line that counts, and the other is
  cancelled; else the first that ends is.
- What was shown is never taken back: where the line breaks off, the next candidate goes on after it
  (`handover`, `begun`), or the passage is given up where that cannot be.
- Calls beyond the first are paid from allowances of the whole gateway. A hedge and a retry never run together.
- A call that was not sent after all (`sent=False`: no place, not there any more) costs nothing.
- Each Send ends in exactly one of Done, Failed and Cancel; what is heard of it later is ignored.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from net4moe.gateway.dispatch.attempt_events import (
    Begin,
    Cancel,
    ClientLeft,
    Deliver,
    Done,
    Effect,
    Event,
    Failed,
    Finish,
    GiveUp,
    Opened,
    Send,
    SendKind,
    Text,
    Unpaid,
    WakeAt,
    Woken,
)
from net4moe.gateway.records import Candidate, Outcome

__all__ = ["Allowance", "Call", "CallRules", "Patience"]

_NEVER = float("inf")
_LONGEST_REST_S = 2.0


class Allowance:
    """Extra calls of the whole gateway: a bucket that each first call fills a little and each extra one drains.

    Args:
      ratio: extra calls for each first one, in the long run.
      burst: extra calls that may come at once.
    """

    __slots__ = ("_burst", "_left", "_ratio")

    def __init__(self, *, ratio: float, burst: float) -> None:
        self._ratio = ratio
        self._burst = burst
        self._left = burst

    def offered(self) -> None:
        """Count a first call."""
        self._left = min(self._burst, self._left + self._ratio)

    def take(self) -> bool:
        """Take an extra call; False where there is none left."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True

    def refund(self) -> None:
        """Give back an extra call that was not sent after all."""
        self._left = min(self._burst, self._left + 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one candidate is waited for.

    Attributes:
      first_text_s: longest time to its first text, seconds.
      hedge_after_s: time to its first text after which another one is asked, seconds; None for never.
      hedge_total_s: time to its end after which another one is asked, where nothing is shown; None for never.
    """

    first_text_s: float
    hedge_after_s: float | None = None
    hedge_total_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRules:
    """What holds for one passage.

    Attributes:
      deadline_s: when it must have ended, monotonic seconds.
      patience: for each candidate.
      shows: whether text is shown as it comes.
      continues: whether a half-written passage can be gone on with.
      stall_s: longest silence between two pieces of text, seconds.
      backoff_s: first rest before a device is asked again, seconds; doubles, with jitter.
      max_sends: calls at most.
    """

    deadline_s: float
    patience: tuple[Patience, ...]
    shows: bool
    continues: bool = True
    stall_s: float = 5.0
    backoff_s: float = 0.1
    max_sends: int = 5


@dataclass(slots=True, eq=False)
class _Line:
    """One call and what it wrote."""

    number: int
    index: int
    kind: SendKind
    begun: str
    opened_s: float | None = None
    heard_s: float | None = None
    alive: bool = True
    pieces: list[str] = field(default_factory=lambda: list[str]())

    @property
    def text(self) -> str:
        return self.begun + "".join(self.pieces)


class Call:
    """The machine of one passage.

    Args:
      candidates: where it could be written, the best first.
      rules: what holds for it.
      retries: calls beyond the first, of the whole gateway.
      hedges: calls beside a slow one, of the whole gateway.
      chance: of the jitter.
    """

    def __init__(
        self,
        candidates: Sequence[Candidate],
        rules: CallRules,
        *,
        retries: Allowance,
        hedges: Allowance,
        chance: random.Random,
    ) -> None:
        self.ended = False
        self._candidates = candidates
        self._rules = rules
        self._retries = retries
        self._hedges = hedges
        self._chance = chance
        self._lines: list[_Line] = []
        self._outcomes: dict[int, Outcome] = {}  # of each candidate that was asked, the last one
        self._free_s: dict[int, float] = {}  # until when each said that it is busy
        self._kept = ""  # the longest text that can be gone on with; all that was shown
        self._committed: _Line | None = None
        self._shown = False
        self._hedged = False
        self._num_sent = 0
        self._num_rests = 0
        self._resume_s = _NEVER
        self._wake_s = _NEVER
        self._last = Failed(-1, "refused", "there is no candidate")

    def on(self, event: Event, now_s: float) -> list[Effect]:
        """Take in what happened; say what to do."""
        if self.ended:
            return []
        if isinstance(event, ClientLeft):
            return self._end("cancelled", "the caller left")
        if now_s >= self._rules.deadline_s:
            return self._too_late()
        effects = self._taken(event, now_s)
        if self.ended:
            return effects
        next_s = self._next_s()
        if next_s < self._wake_s:
            self._wake_s = next_s
            effects.append(WakeAt(next_s))
        return effects

    def _taken(self, event: Event, now_s: float) -> list[Effect]:
        match event:
            case Begin():
                return self._send(0, "first") if self._candidates else self._give_up()
            case Woken():
                return self._woken(now_s)
            case Opened() | Text() | Done() | Failed() | Unpaid():
                line = self._lines[event.attempt]
                return self._heard(line, event, now_s) if line.alive else []
            case ClientLeft():
                return []

    def _heard(
        self, line: _Line, event: Opened | Text | Done | Failed | Unpaid, now_s: float
    ) -> list[Effect]:
        match event:
            case Opened():
                line.opened_s = now_s
                return []
            case Text(piece=piece):
                line.heard_s = now_s
                return self._wrote(line, piece) if piece else []
            case Done():
                line.alive = False
                return [*self._end("cancelled", "another device was first"), Finish(line.number, line.text)]
            case Unpaid():
                self._unsent(line)
                line.alive = False
                if self._alive:
                    return []
                self._last = Failed(line.number, "rejected", "the budget does not allow the call")
                return self._give_up()
            case Failed():
                if not event.sent:
                    self._unsent(line)
                return self._lost(line, event, now_s)

    def _wrote(self, line: _Line, piece: str) -> list[Effect]:
        line.pieces.append(piece)
        if not self._rules.shows:
            return []
        effects: list[Effect] = []
        if self._committed is not line:
            self._committed = line
            effects += self._cancel(self._others(line), "cancelled", "another device was first")
        self._shown = True
        self._kept += piece
        effects.append(Deliver(piece))
        return effects

    def _lost(self, line: _Line, failure: Failed, now_s: float) -> list[Effect]:
        """Go on without a line, where one can."""
        line.alive = False
        self._outcomes[line.index] = failure.outcome
        self._free_s[line.index] = now_s + (failure.retry_after_s or 0.0)
        self._last = failure
        if self._rules.continues and failure.outcome != "garbage" and len(line.text) > len(self._kept):
            self._kept = line.text
        if self._alive:
            return []
        if failure.outcome == "rejected" or (self._shown and not self._rules.continues):
            return self._give_up()
        return self._again(now_s)

    def _again(self, now_s: float) -> list[Effect]:
        """Ask another candidate, or the same one after a rest."""
        if self._num_sent >= self._rules.max_sends:
            return self._give_up()
        fresh = self._fresh()
        if fresh is not None:
            return self._send(fresh, "retry") if self._retries.take() else self._give_up()
        index = self._returning()
        if index is None:
            return self._give_up()
        rest_s = min(_LONGEST_REST_S, self._rules.backoff_s * 2**self._num_rests)
        resume_s = max(now_s + rest_s * (0.5 + self._chance.random()), self._free_s.get(index, 0.0))
        if resume_s >= self._rules.deadline_s:
            return self._give_up()
        self._num_rests += 1
        self._resume_s = resume_s
        return []

    def _woken(self, now_s: float) -> list[Effect]:
        self._wake_s = _NEVER
        effects: list[Effect] = []
        for line in self._alive:
            limit_s = self._silent_until_s(line)
            if now_s >= limit_s and not self.ended:
                why = "it gave no text in time" if line.heard_s is None else "it fell silent"
                effects.append(Cancel(line.number, "stalled", why))
                effects += self._lost(line, Failed(line.number, "stalled", why), now_s)
        if self.ended:
            return effects
        if now_s >= self._resume_s:
            self._resume_s = _NEVER
            index = self._returning()
            if index is not None:
                return effects + (self._send(index, "retry") if self._retries.take() else self._give_up())
        if now_s >= self._hedge_s():
            self._hedged = True
            fresh = self._fresh()
            if fresh is not None and self._num_sent < self._rules.max_sends and self._hedges.take():
                effects += self._send(fresh, "hedge")
        return effects

    def _send(self, index: int, kind: SendKind) -> list[Effect]:
        begun = self._kept if kind != "hedge" else ""
        if begun:
            kind = "handover"
        line = _Line(len(self._lines), index, kind, begun)
        self._lines.append(line)
        self._outcomes[index] = "cancelled"
        self._num_sent += 1
        return [Send(line.number, self._candidates[index], kind, begun)]

    def _unsent(self, line: _Line) -> None:
        self._num_sent -= 1
        if line.kind == "hedge":
            self._hedges.refund()
        elif line.number > 0:
            self._retries.refund()

    def _fresh(self) -> int | None:
        return next((i for i in range(len(self._candidates)) if i not in self._outcomes), None)

    def _returning(self) -> int | None:
        """Find a candidate that may be asked again: the only one, or one that was busy."""
        if len(self._candidates) == 1:
            return 0
        busy = [index for index, outcome in self._outcomes.items() if outcome == "busy"]
        return min(busy, key=lambda index: self._free_s.get(index, 0.0), default=None)

    @property
    def _alive(self) -> list[_Line]:
        return [line for line in self._lines if line.alive]

    def _others(self, line: _Line) -> list[_Line]:
        return [other for other in self._alive if other is not line]

    def _silent_until_s(self, line: _Line) -> float:
        if line.opened_s is None:
            return _NEVER
        if line.heard_s is None:
            return line.opened_s + self._rules.patience[line.index].first_text_s
        return max(line.opened_s, line.heard_s) + self._rules.stall_s

    def _hedge_s(self) -> float:
        """Say when a second call would be sent."""
        alive = self._alive
        if self._hedged or self._shown or len(alive) != 1 or alive[0].begun or alive[0].opened_s is None:
            return _NEVER
        patience = self._rules.patience[alive[0].index]
        wait_s = patience.hedge_total_s if alive[0].pieces else patience.hedge_after_s
        return _NEVER if wait_s is None else alive[0].opened_s + wait_s

    def _next_s(self) -> float:
        limits_s = [self._silent_until_s(line) for line in self._alive]
        return min(self._rules.deadline_s, self._resume_s, self._hedge_s(), *limits_s)

    def _cancel(self, lines: Sequence[_Line], outcome: Outcome, reason: str) -> list[Effect]:
        for line in lines:
            line.alive = False
        outpaced = outcome == "cancelled" and reason != "the caller left"
        return [Cancel(line.number, outcome, reason, outpaced) for line in lines]

    def _end(self, outcome: Outcome, reason: str) -> list[Effect]:
        self.ended = True
        return self._cancel(self._alive, outcome, reason)

    def _too_late(self) -> list[Effect]:
        reason = "the time was over before the passage was whole"
        if self._rules.continues:
            self._kept = max([self._kept, *(line.text for line in self._alive)], key=len)
        return [*self._end("late", reason), GiveUp("late", reason, self._kept)]

    def _give_up(self) -> list[Effect]:
        last = self._last
        return [
            *self._end("cancelled", "the passage was given up"),
            GiveUp(last.outcome, last.reason, self._kept, last.retry_after_s),
        ]
