"""The dispatcher: sends calls to devices and brings what they say, whatever breaks on the way."""

import random
import time
from collections.abc import Callable, Sequence

from net4moe.chat import ChatRequest, OnText, Reply, Request
from net4moe.gateway.dispatch.attempts import Allowance
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.flights import DispatchConfig, Ground, attempts_of
from net4moe.gateway.dispatch.places import Places
from net4moe.gateway.dispatch.relaying import Relayed
from net4moe.gateway.dispatch.transport import Transport
from net4moe.gateway.dispatch.writing import Writing
from net4moe.gateway.fleet.roster import Roster
from net4moe.gateway.records import Candidate, Written

__all__ = ["DispatchConfig", "Dispatcher", "Relayed", "attempts_of"]


class Dispatcher:
    """Sends calls to devices.

    Args:
      roster: the devices.
      transport: carries the calls.
      clock: monotonic seconds.
      config: how patient it is.
      seed: of the jitter.

    Attributes:
      roster: the devices.
      clock: monotonic seconds.
    """

    def __init__(
        self,
        roster: Roster,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.monotonic,
        config: DispatchConfig | None = None,
        seed: int = 0,
    ) -> None:
        config = config or DispatchConfig()
        self.roster = roster
        self.clock = clock
        self._ground = Ground(
            roster=roster,
            transport=transport,
            places=Places(clock, roster.touched),
            retries=Allowance(ratio=config.retry_ratio, burst=config.burst),
            hedges=Allowance(ratio=config.hedge_ratio, burst=config.burst / 4),
            config=config,
            clock=clock,
            chance=random.Random(seed),
        )

    async def write(
        self,
        candidates: Sequence[Candidate],
        request_for: Callable[[Candidate, str], ChatRequest],
        *,
        deadline_s: float,
        budget: Budget,
        on_text: OnText | None = None,
        continues: bool = True,
    ) -> Written:
        """Have one passage written.

        Args:
          candidates: where it could be written, the best first.
          request_for: what to ask a candidate; where the second argument is not empty, to go on after it.
          deadline_s: when it must have ended, on the dispatcher's clock.
          budget: of the request; calls, tokens and price are set aside for each call before it is sent.
          on_text: called with each piece of text that will stand; where it is given, the first device to
            give text is the one that counts, else the first to end.
          continues: whether a half-written passage may be gone on with by another device.

        Raises:
          NoDevice: no candidate may be called.
          DeviceBusy: all of them are full.
          DeviceUnreachable: all that were tried failed.
          ChatRejected: a device refuses the call as it is.
          DeadlinePassed: the time was over.
          BudgetExceeded: the budget does not allow the call.
        """
        writing = Writing(
            self._ground,
            candidates,
            request_for,
            deadline_s=deadline_s,
            budget=budget,
            on_text=on_text,
            continues=continues,
            streams=True,
        )
        written, _ = await writing.run()
        return written

    async def reply(
        self,
        candidates: Sequence[Candidate],
        request_for: Callable[[Candidate, str], Request],
        *,
        deadline_s: float,
        budget: Budget,
        on_text: OnText | None = None,
        streams: bool = True,
        continues: bool = True,
    ) -> Reply:
        """Have any request answered; as `write`, with the log-probabilities.

        Args:
          candidates: where it could be answered, the best first.
          request_for: what to ask a candidate; where the second argument is not empty, to go on after it.
          deadline_s: when it must have ended, on the dispatcher's clock.
          budget: of the request.
          on_text: called with each piece of text that will stand.
          streams: whether the requests are chats; others are answered in one piece.
          continues: whether a half-written reply may be gone on with by another device.
        """
        writing = Writing(
            self._ground,
            candidates,
            request_for,
            deadline_s=deadline_s,
            budget=budget,
            on_text=on_text,
            continues=continues and streams,
            streams=streams,
        )
        _, reply = await writing.run()
        return reply

    def relayed(
        self,
        candidates: Sequence[Candidate],
        path: str,
        body_for: Callable[[Candidate], bytes],
        *,
        deadline_s: float,
        budget: Budget,
        streams: bool,
        tokens: int = 0,
    ) -> Relayed:
        """Pass a call through; an asynchronous context that gives the answer.

        Args:
          candidates: where it could go, the best first.
          path: below the devices' base URL, as `/chat/completions`.
          body_for: the JSON that is sent to a candidate, with its name of the model.
          deadline_s: when the request ends, on the dispatcher's clock.
          budget: of the request.
          streams: whether the body asks for a stream.
          tokens: tokens that it may take at most, where the caller knows; checked against the budget.
        """
        return Relayed(
            self._ground,
            candidates,
            path,
            body_for,
            deadline_s=deadline_s,
            budget=budget,
            streams=streams,
            tokens=tokens,
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._ground.transport.close()
