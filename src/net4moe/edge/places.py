"""A device's places and its bounded queue: who may write now, who waits, and who is sent away."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from net4moe.errors import DeviceBusy

__all__ = ["Places"]


class Places:
    """Lets so many calls in at once and so many wait, first come first served.

    Args:
      num_slots: calls that run at the same time.
      max_waiting: calls that wait at most; None for two per slot.
    """

    def __init__(self, num_slots: int, max_waiting: int | None = None) -> None:
        self.num_slots = num_slots
        self.max_waiting = 2 * num_slots if max_waiting is None else max_waiting
        self.num_busy = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._mean_s = 1.0

    @property
    def num_waiting(self) -> int:
        """Calls that wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[None]:
        """Hold a place for as long as the context lasts.

        Raises:
          DeviceBusy: all places and the queue are taken.
        """
        await self._take()
        loop = asyncio.get_running_loop()
        start_s = loop.time()
        try:
            yield
        finally:
            self._mean_s += 0.2 * (loop.time() - start_s - self._mean_s)
            self._give()

    async def _take(self) -> None:
        if self.num_busy < self.num_slots:
            self.num_busy += 1
            return
        if len(self._waiting) >= self.max_waiting:
            wait_s = max(1.0, self._mean_s * (len(self._waiting) + 1) / self.num_slots)
            msg = f"all {self.num_slots} places and the {self.max_waiting} of the queue are taken."
            raise DeviceBusy(msg, retry_after_s=wait_s)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give()  # the place came in the same moment
            else:
                with suppress(ValueError):  # a place that came later has passed it over already
                    self._waiting.remove(turn)
            raise

    def _give(self) -> None:
        """Hand the place to the next one in the queue, else set it free."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # else its caller has left
                turn.set_result(None)
                return
        self.num_busy -= 1
