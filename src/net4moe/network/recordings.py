"""Read recorded numbers at any time, and draw who is away when.

A recording begins at time 0, whatever its first instant is called, and is read forwards and backwards for
ever, so that one minute of measurements can drive a long episode without a jump.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from net4moe.network.arrays import namespace
from net4moe.network.chance import uniform
from net4moe.network.loops import Loop, cycle, moment_s, there_and_back

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Shaped

    from net4moe.network.chance import Chance
    from net4moe.network.hardware import Hardware

__all__ = ["Churn", "Recorded", "Recording", "available", "draw_churn", "read_recording"]

_NEVER_S = 1e30


class Recording(NamedTuple):
    """Numbers of each device at instants.

    Attributes:
      time_s: the instants, at least two, strictly increasing, seconds.
      values: numbers or truth values of each device at each instant.
      hold: whether a value holds until the next instant; else values between instants lie on a straight line.
        Truth values always hold.
    """

    time_s: Float[Any, " T"]
    values: Shaped[Any, "T N"]
    hold: Bool[Any, ""] | bool = False


class Recorded(NamedTuple):
    """Recordings that stand in for what is drawn; None where nothing was recorded.

    Attributes:
      x_m: metres east.
      y_m: metres north.
      z_m: metres above the ground.
      los: whether the line of sight is free.
      shadowing_db: excess over the mean path loss, dB.
      fading_db: gain of small-scale fading, dB.
      snr_db: signal-to-noise ratio, dB; replaces all of the radio.
      available: whether the device is there.
    """

    x_m: Recording | None = None
    y_m: Recording | None = None
    z_m: Recording | None = None
    los: Recording | None = None
    shadowing_db: Recording | None = None
    fading_db: Recording | None = None
    snr_db: Recording | None = None
    available: Recording | None = None


class Churn(NamedTuple):
    """When each device comes and goes.

    Attributes:
      toggle_s: moments at which it comes or goes, increasing, seconds.
      up_first: whether it is there before the first of them.
      loop: how the moments are read for ever.
    """

    toggle_s: Float[Any, "K N"]
    up_first: Bool[Any, " N"]
    loop: Loop


def read_recording(recording: Recording, time_s: Float[Any, ""] | float) -> Shaped[Any, " N"]:
    """Find the values of a recording at a time.

    Args:
      recording: what was recorded.
      time_s: time since its first instant, seconds; one number.

    Returns:
      The value of each device, held or on the line between two instants.
    """
    xp = namespace(time_s, recording.values, recording.time_s)
    instants_s, values = xp.asarray(recording.time_s), xp.asarray(recording.values)
    moment = instants_s[0] + moment_s(there_and_back(instants_s[-1] - instants_s[0]), time_s)
    after = xp.clip(xp.searchsorted(instants_s, moment, side="right"), 1, instants_s.shape[0] - 1)
    earlier_s, later_s = instants_s[after - 1], instants_s[after]
    earlier, later = values[after - 1], values[after]
    held = xp.where(moment >= later_s, later, earlier)
    if xp.isdtype(values.dtype, "bool"):
        return held
    share = (moment - earlier_s) / (later_s - earlier_s)
    return xp.where(recording.hold, held, earlier + share * (later - earlier))


def draw_churn(hardware: Hardware, key: Chance, num_toggles: int = 16) -> Churn:
    """Draw when each device comes and goes.

    Times there and times away are exponential and independent. The cycle of `num_toggles` such times begins
    as if it had always run: there with probability up / (up + down), in the midst of an interval whose age
    and rest are exponential, too. A cycle of which one interval is drawn by its length and entered at a
    uniform place is stationary however often it repeats.

    Args:
      hardware: the devices; `mean_up_s` and `mean_down_s` are read.
      key: chance.
      num_toggles: times there and away before they come again, an even number.

    Raises:
      ValueError: `num_toggles` is odd or less than 2.
    """
    if num_toggles < 2 or num_toggles % 2:
        message = f"`num_toggles` must be even and at least 2, got {num_toggles}."
        raise ValueError(message)
    random = uniform(key, (num_toggles + 2, hardware.mean_up_s.shape[0]))
    xp = namespace(random)
    never_away = xp.isinf(hardware.mean_up_s) | (hardware.mean_down_s == 0.0)
    up_s = xp.where(never_away, 1.0, hardware.mean_up_s)
    down_s = xp.where(never_away, 1.0, hardware.mean_down_s)
    up_first = never_away | (random[0] * (up_s + down_s) < up_s)
    first_s, second_s = xp.where(up_first, up_s, down_s), xp.where(up_first, down_s, up_s)
    means_s = xp.stack([first_s, first_s, *[second_s, first_s] * (num_toggles // 2)][: num_toggles + 1])
    lengths_s = -xp.log(random[1:]) * means_s
    ends_s = xp.cumulative_sum(lengths_s, axis=0)[1:]  # the first length is the age of the first interval
    toggle_s = xp.where(never_away, _NEVER_S, ends_s[:-1])  # the last end is the start of the cycle
    return Churn(toggle_s=toggle_s, up_first=up_first, loop=cycle(ends_s[-1], lengths_s[0]))


def available(churn: Churn, time_s: Float[Any, "*N"] | float) -> Bool[Any, " N"]:
    """Say which devices are there at a time.

    Args:
      churn: when they come and go.
      time_s: time, seconds.
    """
    moment = moment_s(churn.loop, time_s)
    there = churn.up_first
    for step in range(churn.toggle_s.shape[0]):
        there = there ^ (moment >= churn.toggle_s[step])
    return there
