"""What the gateway measures of a device: its own numbers, since what a device claims is a hint.

Quantiles are taken over the latest 256 calls. Only calls that brought what was asked for count: a device that
fails fast is not fast. Speed is measured after the first text, so that a long prompt is not taken for a slow
writer.
"""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field

__all__ = ["Meter", "MeterConfig", "Window"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterConfig:
    """How a device is measured.

    Attributes:
      window: latest calls that quantiles are taken over.
      smallest_sample: calls before a device is hedged or its claims are judged.
      hedge_quantile: share of calls that are not hedged.
      smallest_hedge_s: no hedge before this, seconds.
      half_life_s: time after which observations count half, so that a slow device is tried again, seconds.
    """

    window: int = 256
    smallest_sample: int = 20
    hedge_quantile: float = 0.95
    smallest_hedge_s: float = 0.02
    half_life_s: float = 120.0


_CONFIG = MeterConfig()


class Window:
    """The latest numbers, in order of size."""

    __slots__ = ("_latest", "_size", "_sorted")

    def __init__(self, size: int) -> None:
        self._size = size
        self._latest: deque[float] = deque()
        self._sorted: list[float] = []

    def __len__(self) -> int:
        """Count the numbers."""
        return len(self._sorted)

    def push(self, value: float) -> None:
        """Add a number; the oldest one leaves where the window is full."""
        if len(self._latest) == self._size:
            del self._sorted[bisect_left(self._sorted, self._latest.popleft())]
        self._latest.append(value)
        insort(self._sorted, value)

    def quantile(self, share: float) -> float | None:
        """Give the number that `share` of all do not exceed; None where there is none."""
        if not self._sorted:
            return None
        return self._sorted[min(len(self._sorted) - 1, int(share * len(self._sorted)))]


@dataclass(slots=True, kw_only=True, eq=False)
class Meter:
    """The measurements of one device.

    Attributes:
      config: how it is measured.
      num_calls: calls that ended well.
      num_failed: calls that failed by its fault.
      num_bytes: bytes there and back, over all calls.
      goodput_bps: rate of what came after the first text, moving average, bit/s; None where nothing came.
    """

    config: MeterConfig = _CONFIG
    num_calls: int = 0
    num_failed: int = 0
    num_bytes: int = 0
    goodput_bps: float | None = None
    _first_text: Window = field(init=False, repr=False)
    _total: Window = field(init=False, repr=False)
    _per_token: Window = field(init=False, repr=False)
    _honesty: Window = field(init=False, repr=False)
    _latest_s: float = float("-inf")
    _weight: float = 0.0

    def __post_init__(self) -> None:
        """Open the windows."""
        self._first_text = Window(self.config.window)
        self._total = Window(self.config.window)
        self._per_token = Window(self.config.window)
        self._honesty = Window(self.config.window)

    def finished(
        self,
        *,
        now_s: float,
        total_s: float,
        first_text_s: float | None = None,
        completion_tokens: int = 0,
        num_bytes: int = 0,
        claimed_s: float | None = None,
    ) -> None:
        """Take in a call that brought what was asked for.

        Args:
          now_s: monotonic time.
          total_s: from sending to the last byte.
          first_text_s: from sending to the first text; None where the answer came in one piece.
          completion_tokens: tokens that came; 0 where it is not known.
          num_bytes: bytes there and back.
          claimed_s: how long it had to take by what the device claims; None where it claims nothing.
        """
        self._weight = 1.0 + self._faded(now_s)
        self._latest_s = now_s
        self.num_calls += 1
        self.num_bytes += num_bytes
        self._total.push(total_s)
        writing_s = total_s
        if first_text_s is not None:
            self._first_text.push(first_text_s)
            writing_s -= first_text_s
            if num_bytes and writing_s > 1e-3:
                rate_bps = 8 * num_bytes / writing_s
                self.goodput_bps = 0.8 * (self.goodput_bps or rate_bps) + 0.2 * rate_bps
        if completion_tokens > 1:
            num = completion_tokens - (first_text_s is not None)
            self._per_token.push(max(writing_s, 1e-6) / num)
        if claimed_s is not None:
            self._honesty.push(claimed_s / max(total_s, 1e-6))

    def failed(self, *, now_s: float, num_bytes: int = 0) -> None:
        """Take in a call that failed by the device's fault."""
        self.num_failed += 1
        self.num_bytes += num_bytes

    def outpaced(self, *, now_s: float, total_s: float, first_text_s: float) -> None:
        """Take in a call that was cancelled since another device was first: it took at least so long."""
        self._weight = 1.0 + self._faded(now_s)
        self._latest_s = now_s
        self._first_text.push(first_text_s)
        self._total.push(total_s)

    def first_text_quantile_s(self, share: float) -> float | None:
        """Give a quantile of the time to the first text, seconds; None where nothing was measured."""
        return self._first_text.quantile(share)

    def total_quantile_s(self, share: float) -> float | None:
        """Give a quantile of the time of a whole call, seconds; None where nothing was measured."""
        return self._total.quantile(share)

    def hedge_after_s(self) -> float | None:
        """Say how long to wait for the first text before a second device is asked; None for never."""
        return self._hedge(self._first_text)

    def hedge_total_s(self) -> float | None:
        """Say how long to wait for the whole passage before a second device is asked; None for never."""
        return self._hedge(self._total)

    @property
    def tokens_per_s(self) -> float | None:
        """Tokens written a second, the median; None where it was not measured."""
        per_token_s = self._per_token.quantile(0.5)
        return None if per_token_s is None else 1 / per_token_s

    @property
    def honesty(self) -> float | None:
        """Claimed over actual time, the median over calls; None until there are enough."""
        return self._honesty.quantile(0.5) if len(self._honesty) >= self.config.smallest_sample else None

    def expected_s(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Expect how long a call takes by what was measured, seconds; None where nothing was.

        The time to the first text is the median, whatever the prompt: prompts of one gateway resemble each
        other, and a line fitted through few calls errs more than their middle. Only a prompt without
        tokens is taken to need none.
        """
        per_token_s = self._per_token.quantile(0.5)
        if per_token_s is None:
            return self._total.quantile(0.5)
        reading_s = (self._first_text.quantile(0.5) or 0.0) if prompt_tokens else 0.0
        return reading_s + per_token_s * completion_tokens

    def trust(self, now_s: float) -> float:
        """Weigh what was measured against what is claimed, between 0 and 1: many and recent calls count."""
        weight = self._faded(now_s)
        return weight / (weight + 3.0)

    def _faded(self, now_s: float) -> float:
        if not self._weight:
            return 0.0
        return self._weight * 0.5 ** ((now_s - self._latest_s) / self.config.half_life_s)

    def _hedge(self, window: Window) -> float | None:
        if len(window) < self.config.smallest_sample:
            return None
        seconds = window.quantile(self.config.hedge_quantile)
        return None if seconds is None else max(seconds, self.config.smallest_hedge_s)
