"""The link between a device and its gateway: played from a trace, told by the system, or measured."""

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from net4moe.edge.wire import LinkReport

__all__ = ["LinkMeter", "SimulatedLink", "wireless_signal"]

_SHARE = 0.2
_UNKNOWN_NOISE_DBM = -200.0
_SIGNAL = re.compile(r"^\s*(\S+):\s+\S+\s+\S+\s+(-?\d+)\.?\s+(-?\d+)\.?\s", re.MULTILINE)


class SimulatedLink:
    """A link that a trace plays: it holds bytes back for as long as the real one would have needed.

    The device has one radio: what is sent while something else still is on the air goes after it. The trace
    holds each row until the next one, and starts again at its end.

    Args:
      rows: time in seconds, signal-to-noise ratio in dB and rate in bit/s, by time, starting at 0.
      start_s: the clock at the first row, seconds.
      period_s: when the trace starts again, seconds; None for as long after the last row as that is long
        after the one before it.

    Raises:
      ValueError: there are no rows, they are not in order, or no bit could ever pass.
    """

    def __init__(
        self,
        rows: Sequence[tuple[float, float, float]],
        *,
        start_s: float = 0.0,
        period_s: float | None = None,
    ) -> None:
        times = [row[0] for row in rows]
        if not times or times[0] != 0 or any(a >= b for a, b in pairwise(times)):
            msg = "`rows` must be in order of time, each once, and start at 0 s."
            raise ValueError(msg)
        if any(not (math.isfinite(snr_db) and 0 <= rate < math.inf) for _, snr_db, rate in rows):
            msg = "every row needs an SNR in dB and a rate in bit/s of at least 0."
            raise ValueError(msg)
        last_s = times[-1] - times[-2] if len(times) > 1 else 1.0
        self._period_s = times[-1] + last_s if period_s is None else period_s
        if self._period_s <= times[-1]:
            msg = f"`period_s` must be above the last time, {times[-1]:g} s, got {self._period_s:g}."
            raise ValueError(msg)
        self._times = times
        self._rows = tuple(rows)
        self._start_s = start_s
        self._free_s = -math.inf
        ends = [*times[1:], self._period_s]
        self._bits = sum(
            row[2] * (end - row[0]) for row, end in zip(self._rows, ends, strict=True)
        )  # in a whole period
        if self._bits <= 0:
            msg = "no row of the link has a rate above 0; nothing could ever pass."
            raise ValueError(msg)

    def report(self, now_s: float) -> LinkReport:
        """Tell the link as it is now."""
        _, snr_db, rate_bps = self._rows[self._row(now_s)]
        return LinkReport(kind="simulated", snr_db=snr_db, rate_bps=rate_bps or None)

    def carry(self, num_bytes: int, now_s: float) -> float:
        """Send bytes, after all that was sent before them.

        Returns:
          When the last of them is through, seconds of the same clock.
        """
        time_s = max(now_s, self._free_s)
        left = 8.0 * num_bytes
        whole = math.floor(left / self._bits)
        time_s += whole * self._period_s
        left -= whole * self._bits
        while left > 0:
            row = self._row(time_s)
            end_s = self._times[row + 1] if row + 1 < len(self._times) else self._period_s
            lasts_s = end_s - (time_s - self._start_s) % self._period_s
            rate = self._rows[row][2]
            if rate * lasts_s >= left:
                time_s += left / rate
                break
            left -= rate * lasts_s
            time_s += max(lasts_s, 1e-9)  # a step that rounding made empty
        self._free_s = time_s
        return time_s

    def _row(self, now_s: float) -> int:
        return bisect_right(self._times, (now_s - self._start_s) % self._period_s) - 1


class LinkMeter:
    """Round trip, loss and rate of the calls from the device to the gateway, as running means."""

    def __init__(self) -> None:
        self._round_trip_s: float | None = None
        self._rate_bps: float | None = None
        self._loss = 0.0

    @property
    def round_trip_s(self) -> float | None:
        """Time of an empty call there and back, seconds."""
        return self._round_trip_s

    def came_back(self, round_trip_s: float) -> None:
        """Count a heartbeat that was answered."""
        known = round_trip_s if self._round_trip_s is None else self._round_trip_s
        self._round_trip_s = max(0.0, known + _SHARE * (round_trip_s - known))
        self._loss -= _SHARE * self._loss

    def lost(self) -> None:
        """Count a heartbeat that nobody answered."""
        self._loss += _SHARE * (1 - self._loss)

    def carried(self, num_bytes: int, seconds: float) -> None:
        """Learn the rate from a long message; what an empty one takes is left out."""
        alone_s = seconds - (self._round_trip_s or 0.0)
        if alone_s <= 0:
            return
        rate = 8.0 * num_bytes / alone_s
        known = rate if self._rate_bps is None else self._rate_bps
        self._rate_bps = known + _SHARE * (rate - known)

    def report(self, *, is_local: bool, signal: tuple[float, float | None] | None) -> LinkReport:
        """Tell the link.

        Args:
          is_local: whether the gateway is on the same computer.
          signal: received power and noise, dBm, where the system tells; None for a noise that it does not know.
        """
        kind = "local" if is_local else "radio" if signal else "measured"
        rssi_dbm, noise_dbm = signal or (None, None)
        return LinkReport(
            kind=kind,
            rssi_dbm=rssi_dbm,
            snr_db=None if rssi_dbm is None or noise_dbm is None else rssi_dbm - noise_dbm,
            rate_bps=self._rate_bps,
            round_trip_s=self._round_trip_s,
            loss=min(1.0, max(0.0, self._loss)),
        )


def wireless_signal(table: str, interface: str) -> tuple[float, float | None] | None:
    """Read received power and noise of an interface, dBm, from the text of Linux' /proc/net/wireless.

    Returns:
      None where the interface is not wireless; a noise of None where the driver does not know it.
    """
    for name, level, noise in _SIGNAL.findall(table):
        if name == interface and int(level) < 0:  # drivers that count in other units show positive numbers
            known = _UNKNOWN_NOISE_DBM < int(noise) < 0
            return float(level), float(noise) if known else None
    return None
