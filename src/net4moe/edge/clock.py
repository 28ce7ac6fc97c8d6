"""The gateway's clock, on its own side and as a device knows it."""

import time
from collections.abc import Callable

__all__ = ["GatewayClock", "steady_unix_s"]

_START_S = time.time() - time.monotonic()


def steady_unix_s() -> float:
    """Tell the date, seconds since 1970, as if nobody ever set it: what a gateway signs with and is checked by."""
    return time.monotonic() + _START_S


class GatewayClock:
    """Counts on from what the gateway last said; the device's own date plays no part in it.

    Before the gateway has said anything it guesses with the device's date.

    Args:
      monotonic: seconds from some start, never set back.
      date: the device's own date, seconds since 1970.
    """

    def __init__(self, monotonic: Callable[[], float], date: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._date = date
        self._offset_s: float | None = None

    @property
    def is_set(self) -> bool:
        """Whether the gateway has said what time it is."""
        return self._offset_s is not None

    @property
    def date_error_s(self) -> float:
        """What the device's own date shows too much, seconds; 0 before the gateway has said anything."""
        return 0.0 if self._offset_s is None else self._date() - self.unix_s()

    def unix_s(self) -> float:
        """Tell the gateway's time, seconds since 1970."""
        return self._date() if self._offset_s is None else self._monotonic() + self._offset_s

    def heard(self, gateway_unix_s: float, *, sent_s: float, came_s: float) -> None:
        """Set the clock by an answer: the gateway wrote it halfway between its question and its coming.

        Args:
          gateway_unix_s: the time in the answer.
          sent_s: when the question was sent, of the monotonic clock.
          came_s: when the answer came, of the monotonic clock.
        """
        self._offset_s = gateway_unix_s - (sent_s + came_s) / 2
