"""What passes through the gateway between the front, the placement and the dispatch."""

import math
from dataclasses import dataclass
from typing import Literal

from net4moe.chat import Message

__all__ = ["Asked", "Attempt", "Candidate", "Limits", "Mixed", "Outcome", "Spent", "Written"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A device that could take a call, and what it would be asked for there.

    Attributes:
      device: its name in the roster.
      model: what the device's server calls the model.
      expert: the expert behind it; empty where a model was named.
    """

    device: str
    model: str
    expert: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one request may spend; checked before anything is sent, reconciled after.

    Attributes:
      deadline_s: seconds from its arrival to its end.
      calls: calls to devices, retries and hedges among them.
      tokens: tokens read and written.
      price_usd: price of all calls, USD.
      joules: energy on the air and for computing.
      air_bytes: bytes over links that are not local.
    """

    deadline_s: float = 60.0
    calls: int = 32
    tokens: int = 200_000
    price_usd: float = math.inf
    joules: float = math.inf
    air_bytes: int = 50_000_000

    def __post_init__(self) -> None:
        """Refuse limits that allow nothing."""
        for name in ("deadline_s", "calls", "tokens", "air_bytes"):
            if not getattr(self, name) > 0:
                msg = f"`{name}` must be above 0, got {getattr(self, name)}."
                raise ValueError(msg)
        for name in ("price_usd", "joules"):
            if not getattr(self, name) >= 0:
                msg = f"`{name}` must be at least 0, got {getattr(self, name)}."
                raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was spent, or is reserved; the units of `Limits`."""

    calls: int = 0
    tokens: int = 0
    price_usd: float = 0.0
    joules: float = 0.0
    air_bytes: int = 0


Outcome = Literal[
    "done",  # the whole passage came
    "refused",  # no connection
    "reset",  # the connection broke before the end
    "failed",  # 5xx
    "busy",  # 429: places and queue are full
    "rejected",  # another 4xx: the call itself is at fault
    "garbage",  # not the OpenAI form, not UTF-8, too long
    "stalled",  # no first token, or none after it, in time
    "late",  # the request's deadline
    "cancelled",  # another attempt was first, or the client left
]
"""How an attempt ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to one device; times in seconds since the request came.

    Attributes:
      device: where.
      expert: who.
      kind: `first`, `retry`, `hedge` (sent beside a slow one) or `handover` (goes on where another broke off).
      start_s: when it was sent.
      first_text_s: when its first text came; None where none came.
      end_s: when it ended.
      outcome: how it ended.
      reason: one short sentence for people; empty where it was done.
      completion_tokens: tokens that came.
      bytes: bytes there and back.
    """

    device: str
    expert: str
    kind: Literal["first", "retry", "hedge", "handover"]
    start_s: float
    first_text_s: float | None
    end_s: float
    outcome: Outcome
    reason: str = ""
    completion_tokens: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a dispatched call brought.

    Attributes:
      text: the whole text; of a handed-over one, both parts.
      candidate: who ended it.
      finish_reason: `stop` or `length`.
      prompt_tokens: tokens read, over all attempts that say so.
      completion_tokens: tokens written, over all attempts that say so.
      seconds: from sending the first attempt to the last token.
      price_usd: price of all attempts.
      attempts: all of them, in the order in which they were sent.
    """

    text: str
    candidate: Candidate
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    price_usd: float
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to the mixture, read and checked.

    Attributes:
      id: the request's id, `chatcmpl-...`, also that of its receipt.
      prompt: the last message of the user.
      history: the messages before it, system messages among them.
      max_tokens: the most tokens of the answer; None for as many as it takes.
      temperature: as asked; None for the experts' own.
      seed: what makes the answer repeatable, where the models are.
      limits: what it may spend.
      judged: whether the answer is scored before the receipt is written.
    """

    id: str
    prompt: str
    history: tuple[Message, ...] = ()
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int = 0
    limits: Limits = Limits()
    judged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """The mixture's answer.

    Attributes:
      text: the answer.
      finish_reason: `stop`, or `length` where `max_tokens` or the deadline cut it.
      prompt_tokens: all tokens that were spent but those of the passages: what was read, and what the gate wrote.
      completion_tokens: tokens of the passages, over all attempts.
      missing: what is not in it: subtasks whose passages did not come in time.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    prompt_tokens: int
    completion_tokens: int
    missing: tuple[str, ...] = ()
