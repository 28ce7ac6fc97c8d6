"""How fast a model reads and writes, measured by what passes through; the text itself is not kept."""

import json
from typing import Any, cast

from net4moe.edge.wire import SpeedReport

__all__ = ["SpeedMeter", "Watched"]

_SHARE = 0.2
"""Weight of a new measurement in the running mean."""

_FEWEST_TOKENS = 4
_TAIL = 65_536
_MAX_CALLS = 100_000


class SpeedMeter:
    """Running means over the calls of a device."""

    def __init__(self) -> None:
        self._prefill: float | None = None
        self._decode: float | None = None
        self._num_calls = 0

    @property
    def report(self) -> SpeedReport:
        """What is known now."""
        return SpeedReport(
            prefill_tokens_per_s=self._prefill, decode_tokens_per_s=self._decode, num_calls=self._num_calls
        )

    def measured(self, *, prefill_tokens_per_s: float | None, decode_tokens_per_s: float | None) -> None:
        """Take in one call; None for what it did not tell."""
        self._prefill = _mean(self._prefill, prefill_tokens_per_s)
        self._decode = _mean(self._decode, decode_tokens_per_s)
        self._num_calls = min(self._num_calls + 1, _MAX_CALLS)


class Watched:
    """One call on its way through: when its bytes came, and what it says of its tokens at its end.

    Args:
      meter: gets what is learnt.
      sent_s: when the call was sent to the model, seconds.
    """

    def __init__(self, meter: SpeedMeter, *, sent_s: float) -> None:
        self._meter = meter
        self._sent_s = sent_s
        self._first_s: float | None = None
        self._last_s = sent_s
        self._num_events = 0
        self._tail = bytearray()

    def came(self, piece: bytes, now_s: float) -> None:
        """Look at bytes of the answer; only the last ones are kept, for as long as the call lasts."""
        if b'"content"' in piece or b'"text"' in piece:
            self._first_s = now_s if self._first_s is None else self._first_s
            self._num_events += piece.count(b"data:")
            self._last_s = now_s
        self._tail += piece
        if len(self._tail) > 2 * _TAIL:
            del self._tail[:-_TAIL]

    def ended(self, now_s: float, *, streams: bool) -> None:
        """Learn from an answer that came as a whole."""
        said = _last_object(bytes(self._tail), streams=streams)
        self._tail.clear()
        timings, usage = _table(said, "timings"), _table(said, "usage")
        num_read = _number(usage, "prompt_tokens") - _number(
            _table(usage, "prompt_tokens_details"), "cached_tokens"
        )
        num_written = _number(usage, "completion_tokens") or float(self._num_events if streams else 0)
        prefill = _number(timings, "prompt_per_second") or None
        decode = _number(timings, "predicted_per_second") or None
        if _number(timings, "prompt_n") < _FEWEST_TOKENS:  # a prompt that was read before tells nothing
            prefill = None
        if _number(timings, "predicted_n") < _FEWEST_TOKENS:
            decode = None
        if not timings:
            first_s = self._first_s if streams and self._first_s is not None else None
            prefill = None if first_s is None else _rate(num_read, first_s - self._sent_s)
            decode = (
                _rate(num_written - 1, self._last_s - first_s)
                if first_s is not None
                else _rate(num_written, now_s - self._sent_s)
            )
        if prefill is not None or decode is not None:
            self._meter.measured(prefill_tokens_per_s=prefill, decode_tokens_per_s=decode)


def _mean(known: float | None, measured: float | None) -> float | None:
    if measured is None or known is None:
        return known if measured is None else measured
    return known + _SHARE * (measured - known)


def _rate(num_tokens: float, seconds: float) -> float | None:
    return num_tokens / seconds if num_tokens >= _FEWEST_TOKENS and seconds > 0 else None


def _last_object(tail: bytes, *, streams: bool) -> dict[str, Any]:
    """Find the part of an answer that says how many tokens it took: of a stream, one of the last events."""
    lines = reversed(tail.split(b"\n")[-16:]) if streams else iter((tail,))
    for line in lines:
        content = line.removeprefix(b"data:").strip()
        if b'"usage"' not in content and b'"timings"' not in content:
            continue
        try:
            said: Any = json.loads(content)
        except ValueError:
            continue
        if _table(said, "usage") or _table(said, "timings"):
            return said
    return {}


def _table(said: object, name: str) -> dict[str, Any]:
    value = cast("dict[str, Any]", said).get(name) if isinstance(said, dict) else None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _number(table: dict[str, Any], name: str) -> float:
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < 1e9 else 0.0
