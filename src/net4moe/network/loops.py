"""Read what has an end for ever: over and over, or forwards and backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from net4moe.network.arrays import namespace

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["Loop", "cycle", "moment_s", "there_and_back"]


class Loop(NamedTuple):
    """Which moment of something finite stands for a time.

    Attributes:
      offset_s: the moment at time 0, seconds.
      period_s: after this time everything comes again, seconds.
      mirror_s: two moments of this sum are the same one, seconds; twice the period where it is never read
        backwards.
    """

    offset_s: Float[Any, "*N"]
    period_s: Float[Any, "*N"]
    mirror_s: Float[Any, "*N"]


def cycle(period_s: Float[Any, "*N"], offset_s: Float[Any, "*N"]) -> Loop:
    """Start again at the beginning after each period."""
    return Loop(offset_s=offset_s, period_s=period_s, mirror_s=2.0 * period_s)


def there_and_back(span_s: Float[Any, "*N"]) -> Loop:
    """Turn at the end and go back to the beginning, where it turns again."""
    return Loop(offset_s=0.0 * span_s, period_s=2.0 * span_s, mirror_s=2.0 * span_s)


def moment_s(loop: Loop, time_s: Float[Any, "*N"]) -> Float[Any, "*N"]:
    """Compute the moment that stands for a time.

        m = (t + offset) mod period        min(m, mirror - m)

    Args:
      loop: how it is read.
      time_s: any time, seconds.

    Returns:
      The moment, seconds, from 0 to the end.
    """
    xp = namespace(time_s, *loop)
    phase_s = time_s + loop.offset_s
    phase_s = phase_s - loop.period_s * xp.floor(phase_s / loop.period_s)
    return xp.minimum(phase_s, loop.mirror_s - phase_s)
