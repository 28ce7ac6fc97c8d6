"""A breaker keeps calls away from a device that fails, and lets it come back slowly.

States and what moves between them:

    closed     --5 failures in a row, or less than half of 20 or more calls succeed-->  open
    open       --its time is over; the next call is the probe-->                        half_open
    half_open  --the probe succeeds-->  closed, with a slow start
    half_open  --the probe fails-->     open, for longer

All failures count alike: 5xx, stalls, garbage, refusals, and above all quick ones, for a device that fails
fast looks idle and would draw all traffic. A call that ends without a verdict (cancelled, busy, the caller's
own fault) counts as neither. Calls that began before the breaker opened are forgotten: each opening starts
a new generation, and a verdict of an older one is dropped.

Time is given, never read; the jitter's randomness is given as well.
"""

import random
from collections import deque
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Breaker", "BreakerConfig", "BreakerState"]

BreakerState = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """When a breaker opens and how it closes.

    Attributes:
      failures_in_row: failures in a row that open it.
      smallest_success: share of successes below which it opens.
      smallest_sample: calls before that share counts.
      window: latest calls that the share is taken over.
      eject_s: how long it stays open the first time, seconds; n times as long the n-th time.
      longest_eject_s: the longest that it stays open, jitter aside, seconds.
      jitter: share by which that may grow, at random.
      slow_start_s: time over which the share of slots grows to all after it closed, seconds.
      forget_s: after so long without opening again, the count of openings starts anew, seconds.
      suspect_s: how long a failure makes calls go elsewhere where they can, seconds; n in a row n times.
      rest_s: rest between two probes that are let through while it is open, where the whole fleet is down.
    """

    failures_in_row: int = 5
    smallest_success: float = 0.5
    smallest_sample: int = 20
    window: int = 50
    eject_s: float = 30.0
    longest_eject_s: float = 300.0
    jitter: float = 0.2
    slow_start_s: float = 30.0
    forget_s: float = 300.0
    suspect_s: float = 15.0
    rest_s: float = 1.0


_CONFIG = BreakerConfig()


@dataclass(slots=True, kw_only=True, eq=False)
class Breaker:
    """The breaker of one device.

    Attributes:
      config: when it opens and how it closes.
      chance: what the jitter is drawn from.
      opens_again_s: when calls pass again, where it is open; monotonic seconds.
      num_openings: how often it opened in a row without being forgotten.
      generation: grows with each opening.
    """

    config: BreakerConfig = _CONFIG
    chance: random.Random = field(default_factory=lambda: random.Random(0), repr=False)
    opens_again_s: float = 0.0
    num_openings: int = 0
    generation: int = 0
    _state: BreakerState = "closed"
    _failures: int = 0
    _failed_s: float = float("-inf")
    _verdicts: "deque[bool]" = field(default_factory=lambda: deque[bool](), repr=False)
    _successes: int = 0
    _probing: bool = False
    _probed_s: float = float("-inf")
    _closed_s: float = float("-inf")

    def state(self, now_s: float) -> BreakerState:
        """Say where it stands; an open one whose time is over waits for its probe."""
        if self._state == "open" and now_s >= self.opens_again_s:
            return "half_open"
        return self._state

    def admits(self, now_s: float) -> bool:
        """Say whether a call may pass now."""
        if self._state == "closed":
            return True
        return not self._probing and self.state(now_s) == "half_open"

    def admits_anyway(self, now_s: float) -> bool:
        """Say whether a probe may pass although it is open: one at a time, with a rest between two."""
        return self.admits(now_s) or (not self._probing and now_s >= self._probed_s + self.config.rest_s)

    def suspects(self, now_s: float) -> bool:
        """Say whether its last calls failed a short while ago: others are asked first, while it stays closed."""
        return self._failures > 0 and now_s < self._failed_s + self.config.suspect_s * self._failures

    def begin(self, now_s: float) -> int:
        """Let a call pass; give the generation that its verdict belongs to."""
        if self._state != "closed":
            self._state = "half_open"
            self._probing = True
            self._probed_s = now_s
        return self.generation

    def succeeded(self, now_s: float, generation: int | None = None) -> None:
        """Take in that a call brought what was asked for."""
        if generation is not None and generation != self.generation:
            return
        if self._state == "half_open":
            self._close(now_s)
        elif self._state == "closed":
            self._failures = 0
            self._record(True)

    def failed(self, now_s: float, generation: int | None = None) -> None:
        """Take in that a call failed by the device's fault; perhaps open."""
        if generation is not None and generation != self.generation:
            return
        if self._state == "half_open":
            self._open(now_s)
        elif self._state == "closed":
            self._failures += 1
            self._failed_s = now_s
            self._record(False)
            if self._failures >= self.config.failures_in_row or self._mostly_fails:
                self._open(now_s)

    def ended(self, generation: int | None = None) -> None:
        """Take in that a call ended without a verdict."""
        if self._state == "half_open" and (generation is None or generation == self.generation):
            self._probing = False

    def share(self, now_s: float) -> float:
        """Compute the share of the device's slots that calls may take, between 0 and 1."""
        if self._state != "closed":
            return 0.0
        since_s = now_s - self._closed_s
        return 1.0 if since_s >= self.config.slow_start_s else max(0.0, since_s / self.config.slow_start_s)

    @property
    def _mostly_fails(self) -> bool:
        num = len(self._verdicts)
        return num >= self.config.smallest_sample and self._successes < self.config.smallest_success * num

    def _record(self, success: bool) -> None:
        self._verdicts.append(success)
        self._successes += success
        if len(self._verdicts) > self.config.window:
            self._successes -= self._verdicts.popleft()

    def _open(self, now_s: float) -> None:
        config = self.config
        if self._state == "closed" and now_s - self._closed_s > config.forget_s:
            self.num_openings = 0
        self.num_openings += 1
        lasts_s = min(config.longest_eject_s, config.eject_s * self.num_openings)
        self.opens_again_s = now_s + lasts_s * (1 + config.jitter * self.chance.random())
        self.generation += 1
        self._state = "open"
        self._probed_s = now_s
        self._clear()

    def _close(self, now_s: float) -> None:
        self._state = "closed"
        self._closed_s = now_s
        self._clear()

    def _clear(self) -> None:
        self._probing = False
        self._failures = 0
        self._successes = 0
        self._verdicts.clear()
