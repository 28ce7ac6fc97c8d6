"""What happens to the calls of one passage, and what is to be done: the words of `attempts`."""

from dataclasses import dataclass
from typing import Literal

from net4moe.gateway.records import Candidate, Outcome

__all__ = [
    "Begin",
    "Cancel",
    "ClientLeft",
    "Deliver",
    "Done",
    "Effect",
    "Event",
    "Failed",
    "Finish",
    "GiveUp",
    "Opened",
    "Send",
    "SendKind",
    "Text",
    "Unpaid",
    "WakeAt",
    "Woken",
]

SendKind = Literal["first", "retry", "hedge", "handover"]
"""Why a call is sent."""


@dataclass(frozen=True, slots=True)
class Begin:
    """The passage is wanted."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A call was sent to its device; from now on it is waited for."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Text:
    """Text came; empty for a sign of life."""

    attempt: int
    piece: str


@dataclass(frozen=True, slots=True)
class Done:
    """The device ended its passage."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Failed:
    """A call failed; not `sent` where it never left the gateway."""

    attempt: int
    outcome: Outcome
    reason: str = ""
    retry_after_s: float | None = None
    sent: bool = True


@dataclass(frozen=True, slots=True)
class Unpaid:
    """The budget does not allow a call; it was not sent."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Woken:
    """The time that was asked for has come."""


@dataclass(frozen=True, slots=True)
class ClientLeft:
    """Nobody wants the passage any more."""


Event = Begin | Opened | Text | Done | Failed | Unpaid | Woken | ClientLeft


@dataclass(frozen=True, slots=True)
class Send:
    """Send a call; it goes on after `begun` where that is not empty."""

    attempt: int
    candidate: Candidate
    kind: SendKind
    begun: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """End a call; `outpaced` where another one was first."""

    attempt: int
    outcome: Outcome
    reason: str
    outpaced: bool = False


@dataclass(frozen=True, slots=True)
class WakeAt:
    """Say Woken at this time; it takes the place of what was asked for before."""

    time_s: float


@dataclass(frozen=True, slots=True)
class Deliver:
    """Show text: it stands."""

    piece: str


@dataclass(frozen=True, slots=True)
class Finish:
    """The passage is whole: what stood before this attempt and what it wrote."""

    attempt: int
    text: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """There will be no passage; `text` is what came of it."""

    outcome: Outcome
    reason: str
    text: str
    retry_after_s: float | None = None


Effect = Send | Cancel | WakeAt | Deliver | Finish | GiveUp
