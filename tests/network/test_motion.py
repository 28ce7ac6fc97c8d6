"""Motions that cannot be are refused, each with its reason."""

import math
import re
from typing import Any

import pytest

from net4moe.network.motion import GaussMarkov, Orbit, RandomWaypoint, Straight, Traced

PLACES: dict[str, Any] = {"time_s": (0.0, 1.0), "x_m": (0.0, 1.0), "y_m": (0.0, 0.0), "z_m": (0.0, 0.0)}


@pytest.mark.parametrize(
    ("kind", "change", "text"),
    [
        (
            RandomWaypoint,
            {"least_speed_m_s": 0.0},
            "`least_speed_m_s` must be greater than 0, since with ever slower legs the walk never settles, "
            "got 0.0.",
        ),
        (RandomWaypoint, {"least_speed_m_s": math.nan}, "`least_speed_m_s` must be finite, got nan."),
        (
            RandomWaypoint,
            {"least_speed_m_s": 3.0, "greatest_speed_m_s": 2.0},
            "`greatest_speed_m_s` must be at least `least_speed_m_s`, got 2.0 and 3.0.",
        ),
        (RandomWaypoint, {"width_m": 0.0}, "`width_m` must be finite and greater than 0, got 0.0."),
        (RandomWaypoint, {"height_m": math.inf}, "`height_m` must be finite and greater than 0, got inf."),
        (RandomWaypoint, {"pause_s": -1.0}, "`pause_s` must be finite and at least 0, got -1.0."),
        (RandomWaypoint, {"origin_m": (0.0, math.nan)}, "`origin_m` must be finite, got nan."),
        (GaussMarkov, {"memory": 1.5}, "`memory` must be from 0 to 1, got 1.5."),
        (GaussMarkov, {"std_m_s": -1.0}, "`std_m_s` must be finite and at least 0, got -1.0."),
        (GaussMarkov, {"step_s": 0.0}, "`step_s` must be finite and greater than 0, got 0.0."),
        (GaussMarkov, {"width_m": -1.0}, "`width_m` must be a number and greater than 0, got -1.0."),
        (Straight, {"velocity_m_s": (math.inf, 0.0)}, "`velocity_m_s` must be finite, got inf."),
        (Orbit, {"altitude_m": 0.0}, "`altitude_m` must be finite and greater than 0, got 0.0."),
        (
            Orbit,
            {"least_elevation_deg": 90.0},
            "`least_elevation_deg` must be at least 0 and less than 90, got 90.0.",
        ),
        (
            Orbit,
            {"track_offset_m": 2e6},
            "`track_offset_m` must be less than 1760892 for a satellite at 600000 m to rise above 10 degrees, "
            "got 2000000.0.",
        ),
        (Traced, PLACES | {"time_s": (0.0,)}, "`time_s` must hold at least 2 instants, got 1."),
        (Traced, PLACES | {"x_m": (0.0,)}, "`x_m` must hold 2 numbers like `time_s`, got 1."),
        (Traced, PLACES | {"y_m": (0.0, math.nan)}, "`y_m` must be finite, got nan."),
        (Traced, PLACES | {"time_s": (1.0, 1.0)}, "`time_s` must increase, got 1.0 after 1.0."),
    ],
)
def test_a_motion_that_cannot_be_is_refused(kind: Any, change: dict[str, Any], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        kind(**change)
