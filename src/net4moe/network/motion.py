"""How a device can move: one record for each kind of motion."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from net4moe.network.arrays import check

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "EARTH_M",
    "GaussMarkov",
    "MobilityConfig",
    "Orbit",
    "RandomWaypoint",
    "Still",
    "Straight",
    "Traced",
]

EARTH_M = 6_371_000.0
"""Mean radius of the Earth, m."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """Stays where it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomWaypoint:
    """Goes straight to a random place of a rectangle, pauses, and goes to the next.

    It begins in its stationary law (Navidi and Camp 2004, IEEE Trans. Mobile Computing 3(1)), so that
    nothing settles later: the start it is given counts only for its height.

    Attributes:
      width_m: extent of the rectangle to the east, m, greater than 0.
      height_m: extent of the rectangle to the north, m, greater than 0.
      least_speed_m_s: least speed of a leg, m/s, greater than 0.
      greatest_speed_m_s: greatest speed of a leg, m/s; uniform in between.
      pause_s: pause after each leg, seconds, at least 0.
      origin_m: south-western corner of the rectangle, m.
    """

    width_m: float = 100.0
    height_m: float = 100.0
    least_speed_m_s: float = 0.5
    greatest_speed_m_s: float = 1.5
    pause_s: float = 0.0
    origin_m: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse what cannot be walked."""
        check("width_m", self.width_m, above=0.0)
        check("height_m", self.height_m, above=0.0)
        check("pause_s", self.pause_s, least=0.0)
        _check_each("origin_m", self.origin_m)
        check("least_speed_m_s", self.least_speed_m_s)
        if self.least_speed_m_s <= 0:
            message = (
                "`least_speed_m_s` must be greater than 0, since with ever slower legs the walk never settles, "
                f"got {self.least_speed_m_s}."
            )
            raise ValueError(message)
        check("greatest_speed_m_s", self.greatest_speed_m_s)
        if self.greatest_speed_m_s < self.least_speed_m_s:
            message = (
                f"`greatest_speed_m_s` must be at least `least_speed_m_s`, "
                f"got {self.greatest_speed_m_s} and {self.least_speed_m_s}."
            )
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class GaussMarkov:
    """Changes its velocity a little at each step.

        v' = memory v + (1 - memory) mean + std sqrt(1 - memory^2) n

    The correlation of velocities k steps apart is memory^k (Liang and Haas 1999, INFOCOM). It begins in its
    stationary law. At the border of its area it is mirrored, at the ends of steps.

    Attributes:
      mean_velocity_m_s: mean velocity to the east and to the north, m/s.
      std_m_s: standard deviation of each component, m/s, at least 0.
      memory: correlation of successive velocities, from 0 to 1.
      step_s: length of a step, seconds, greater than 0.
      width_m: extent of the area to the east, m, greater than 0; infinite where nothing bounds it.
      height_m: extent of the area to the north, m, likewise.
      origin_m: south-western corner of the area, m.
    """

    mean_velocity_m_s: tuple[float, float] = (0.0, 0.0)
    std_m_s: float = 1.0
    memory: float = 0.85
    step_s: float = 1.0
    width_m: float = math.inf
    height_m: float = math.inf
    origin_m: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        """Refuse what cannot be walked."""
        _check_each("mean_velocity_m_s", self.mean_velocity_m_s)
        check("std_m_s", self.std_m_s, least=0.0)
        if not 0.0 <= self.memory <= 1.0:
            message = f"`memory` must be from 0 to 1, got {self.memory}."
            raise ValueError(message)
        check("step_s", self.step_s, above=0.0)
        check("width_m", self.width_m, above=0.0, infinite=True)
        check("height_m", self.height_m, above=0.0, infinite=True)
        _check_each("origin_m", self.origin_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class Straight:
    """Goes straight on, as a vehicle of a convoy does.

    Attributes:
      velocity_m_s: velocity to the east and to the north, m/s.
    """

    velocity_m_s: tuple[float, float]

    def __post_init__(self) -> None:
        """Refuse what is no velocity."""
        _check_each("velocity_m_s", self.velocity_m_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orbit:
    """Passes overhead on a circular orbit; when it sets, the next satellite of its chain rises.

    Seen from the origin, over an Earth of 6,371 km that does not turn. Where in its pass it begins is drawn
    uniformly; the start it is given does not count.

    Attributes:
      altitude_m: altitude, m, greater than 0.
      heading_deg: heading of the track, degrees from north over east.
      track_offset_m: distance on the ground from the origin to the track, m, positive to the right of it.
      least_elevation_deg: elevation at which it rises and sets, degrees, from 0 to below 90.
    """

    altitude_m: float = 600_000.0
    heading_deg: float = 0.0
    track_offset_m: float = 0.0
    least_elevation_deg: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what never rises."""
        check("altitude_m", self.altitude_m, above=0.0)
        check("heading_deg", self.heading_deg)
        check("track_offset_m", self.track_offset_m)
        if not 0.0 <= self.least_elevation_deg < 90.0:
            message = (
                f"`least_elevation_deg` must be at least 0 and less than 90, got {self.least_elevation_deg}."
            )
            raise ValueError(message)
        if abs(self.track_offset_m) >= self.reach_m:
            message = (
                f"`track_offset_m` must be less than {self.reach_m:.0f} for a satellite at "
                f"{self.altitude_m:g} m to rise above {self.least_elevation_deg:g} degrees, "
                f"got {self.track_offset_m}."
            )
            raise ValueError(message)

    @property
    def reach_m(self) -> float:
        """How far on the ground the satellite can be at its least elevation, m."""
        least = math.radians(self.least_elevation_deg)
        ratio = EARTH_M / (EARTH_M + self.altitude_m)
        return EARTH_M * (math.acos(ratio * math.cos(least)) - least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """Goes where it was recorded; the first instant is time 0, and the start it is given does not count.

    Attributes:
      time_s: the instants, at least 2, strictly increasing, seconds.
      x_m: metres east at each instant.
      y_m: metres north at each instant.
      z_m: metres up at each instant.
    """

    time_s: tuple[float, ...]
    x_m: tuple[float, ...]
    y_m: tuple[float, ...]
    z_m: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse what was not recorded whole."""
        if len(self.time_s) < 2:
            message = f"`time_s` must hold at least 2 instants, got {len(self.time_s)}."
            raise ValueError(message)
        for name in ("time_s", "x_m", "y_m", "z_m"):
            places = getattr(self, name)
            if len(places) != len(self.time_s):
                message = f"`{name}` must hold {len(self.time_s)} numbers like `time_s`, got {len(places)}."
                raise ValueError(message)
            _check_each(name, places)
        for earlier_s, later_s in zip(self.time_s, self.time_s[1:], strict=False):
            if later_s <= earlier_s:
                message = f"`time_s` must increase, got {later_s} after {earlier_s}."
                raise ValueError(message)


MobilityConfig = Still | RandomWaypoint | GaussMarkov | Straight | Orbit | Traced
"""Any kind of motion."""


def _check_each(name: str, numbers: Sequence[float]) -> None:
    """Refuse numbers that are not finite."""
    for number in numbers:
        check(name, number)
