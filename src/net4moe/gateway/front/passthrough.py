"""Requests that go through to one expert or one device: bytes in, bytes out, nothing read that need not be."""

from collections.abc import Mapping
from dataclasses import dataclass

from net4moe.errors import Net4MoEError
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.dispatching import Dispatcher, Relayed
from net4moe.gateway.dispatch.flights import with_attempts
from net4moe.gateway.fleet.roster import Roster
from net4moe.gateway.front.body import with_model
from net4moe.gateway.front.call import EVENT_STREAM, JSON, Call
from net4moe.gateway.front.models import Target
from net4moe.gateway.records import Attempt, Candidate, Limits, Spent

__all__ = ["Passed", "Passthrough"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What became of a request that went through, for the metrics.

    Attributes:
      attempts: the calls that were sent.
      spent: what they took.
    """

    attempts: tuple[Attempt, ...]
    spent: Spent


class Passthrough:
    """Relays requests to devices.

    Args:
      roster: the devices.
      dispatcher: sends calls to them.
    """

    def __init__(self, roster: Roster, dispatcher: Dispatcher) -> None:
        self._roster = roster
        self._dispatcher = dispatcher

    async def relay(
        self, call: Call, path: str, target: Target, body: bytes, fields: Mapping[str, object], limits: Limits
    ) -> Passed:
        """Send a request on and its answer back.

        Args:
          call: the request.
          path: below the device's base URL.
          target: what its model means.
          body: as it came.
          fields: the same, parsed.
          limits: what it may spend.

        Returns:
          What became of it.

        Raises:
          NoDevice, DeviceBusy, DeviceUnreachable, DeadlinePassed, BudgetExceeded: there is no answer, or no whole
            one; with the attempts that were made.
        """
        candidates = target.candidates(self._roster, call.clock())
        bodies: dict[str, bytes] = {}

        def body_for(candidate: Candidate) -> bytes:
            if candidate.model not in bodies:
                bodies[candidate.model] = with_model(body, fields, candidate.model)
            return bodies[candidate.model]

        budget = Budget(limits, call.start_s)
        relayed = self._dispatcher.relayed(
            candidates,
            path,
            body_for,
            deadline_s=budget.deadline_s,
            budget=budget,
            streams=fields.get("stream") is True,
            tokens=_most_tokens(fields),
        )
        try:
            async with relayed:
                await _stream(call, relayed)
        except Net4MoEError as error:
            raise with_attempts(error, relayed.attempts) from error.__cause__
        if call.started:
            await call.end()
        else:
            headers = _headers(relayed, len(relayed.attempts))
            await call.whole(relayed.status, relayed.content_type or JSON, headers, relayed.body)
        return Passed(attempts=tuple(relayed.attempts), spent=budget.spent)


async def _stream(call: Call, relayed: Relayed) -> None:
    """Hand every piece of a stream on as it comes."""
    if relayed.content_type == EVENT_STREAM:
        await call.start(relayed.status, EVENT_STREAM, _headers(relayed, len(relayed.attempts) + 1))
        async for piece in relayed.pieces:
            await call.piece(piece)


def _most_tokens(fields: Mapping[str, object]) -> int:
    """Tokens that an answer may have, where the request says so."""
    most = fields.get("max_completion_tokens", fields.get("max_tokens"))
    return most if isinstance(most, int) and 0 < most < 10_000_000 else 0


def _headers(relayed: Relayed, num_attempts: int) -> list[tuple[bytes, bytes]]:
    return [
        (b"net4moe-device", relayed.device.encode("latin-1", "replace")),
        (b"net4moe-attempts", str(num_attempts).encode()),
    ]
