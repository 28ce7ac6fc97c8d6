"""The gateway's own places: what it works on at once, who waits, and who is sent away.

Rules. As many requests as there are places are worked on; at most twice as many wait, in the order of coming.
Who could not be served before the deadline is sent away at once rather than at the deadline, and is told when to
come back, by how long requests took lately.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from net4moe.errors import Overloaded

__all__ = ["Admission"]

_USUAL_S = 1.0
_LATEST = 0.1  # weight of the latest request in the moving average


class Admission:
    """The places of a gateway.

    Args:
      num_places: requests that are worked on at once.
      num_waiting: requests that wait at most; twice the places where None.
      clock: monotonic seconds.

    Attributes:
      num_taken: places that are taken.
      usual_s: how long a request takes, moving average, seconds.
    """

    def __init__(
        self,
        num_places: int = 256,
        *,
        num_waiting: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if num_places < 1:
            msg = f"`num_places` must be at least 1, got {num_places}."
            raise ValueError(msg)
        self.num_places = num_places
        self.num_taken = 0
        self.usual_s = _USUAL_S
        self._most_waiting = 2 * num_places if num_waiting is None else num_waiting
        self._clock = clock
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def num_waiting(self) -> int:
        """Requests that wait."""
        return len(self._waiting)

    def expected_wait_s(self) -> float:
        """Expect how long a request that came now would wait, seconds."""
        if self.num_taken < self.num_places and not self._waiting:
            return 0.0
        return self.usual_s * (len(self._waiting) + 1) / self.num_places

    def place(self, *, deadline_s: float) -> "_Place":
        """Wait for a place and keep it while the context lasts.

        Args:
          deadline_s: when the request ends, on the gate's clock.

        Raises:
          Overloaded: (on entering) there is no place, and no hope of one in time.
        """
        return _Place(self, deadline_s)

    async def take(self, deadline_s: float) -> None:
        """Take a place; give it back with `give_back`."""
        wait_s = self.expected_wait_s()
        if not wait_s:
            self.num_taken += 1
            return
        left_s = deadline_s - self._clock()
        if len(self._waiting) >= self._most_waiting or wait_s > left_s:
            raise self._full(wait_s)
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        timer = loop.call_later(left_s, _time_is_over, turn)
        self._waiting.append(turn)
        granted = False
        try:
            await turn
            granted = True
        except TimeoutError:
            raise self._full(wait_s) from None
        finally:
            timer.cancel()
            if not granted:
                self._leave(turn)

    def give_back(self, took_s: float | None = None) -> None:
        """Give a place back; whoever waits first gets it."""
        if took_s is not None:
            self.usual_s += _LATEST * (took_s - self.usual_s)
        self.num_taken -= 1
        while self._waiting and self.num_taken < self.num_places:
            turn = self._waiting.popleft()
            if not turn.done():
                self.num_taken += 1
                turn.set_result(None)

    def _leave(self, turn: asyncio.Future[None]) -> None:
        """Let somebody go without a place, though it was perhaps given one at the last moment."""
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self.give_back()
        elif turn in self._waiting:
            self._waiting.remove(turn)

    def _full(self, wait_s: float) -> Overloaded:
        msg = f"the gateway's {self.num_places} places are taken; try again in {max(1.0, wait_s):.0f} s."
        return Overloaded(msg, retry_after_s=max(1.0, wait_s))


class _Place:
    __slots__ = ("_admission", "_deadline_s", "_start_s")

    def __init__(self, admission: Admission, deadline_s: float) -> None:
        self._admission = admission
        self._deadline_s = deadline_s
        self._start_s = 0.0

    async def __aenter__(self) -> None:
        await self._admission.take(self._deadline_s)
        self._start_s = self._admission._clock()  # pyright: ignore[reportPrivateUsage] - one thing in two classes

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        now_s = self._admission._clock()  # pyright: ignore[reportPrivateUsage]
        self._admission.give_back(now_s - self._start_s)


def _time_is_over(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_exception(TimeoutError())
