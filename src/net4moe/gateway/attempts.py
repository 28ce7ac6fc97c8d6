"""What may be sent beyond the first calls."""

__all__ = ["Allowance"]


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
