"""The dispatcher: sends calls to devices and brings what they say, whatever breaks on the way."""

import random
import time
from collections.abc import Callable, Sequence

from net4moe.gateway.attempts import Allowance
from net4moe.gateway.budgets import Budget
from net4moe.gateway.flights import DispatchConfig, Ground, attempts_of
from net4moe.gateway.places import Places
from net4moe.gateway.records import Candidate
from net4moe.gateway.relaying import Relayed
from net4moe.gateway.roster import Roster
from net4moe.gateway.transport import Transport

__all__ = ["DispatchConfig", "Dispatcher", "Relayed", "attempts_of"]


class Dispatcher:
    """Sends calls to devices.

    Args:
      roster: the devices.
      transport: carries the calls.
      clock: monotonic seconds.
      config: how patient it is.
      seed: of the jitter.
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
        self._ground = Ground(
            roster=roster,
            transport=transport,
            places=Places(clock),
            retries=Allowance(ratio=config.retry_ratio, burst=config.burst),
            hedges=Allowance(ratio=config.hedge_ratio, burst=config.burst / 4),
            config=config,
            clock=clock,
            chance=random.Random(seed),
        )

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
