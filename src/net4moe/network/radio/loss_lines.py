"""The path-loss formula of each model as straight lines in log10 of the distance in space.

Frequencies are in GHz inside the formulas, distances in m, logarithms to base 10, as in the standards.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import log10

from net4moe.network.radio import satellite
from net4moe.network.radio.fading import SPEED_OF_LIGHT_M_S
from net4moe.network.radio.scenarios import Scenario, ScenarioName, vehicle_blockage_db

__all__ = ["Line", "LossLines", "breakpoint_m", "loss_lines"]

Line = tuple[float, float]
"""Value at 1 m, dB, and rise per decade of distance, dB."""

_LIGHT_M_PER_S_IN_TR_38_901 = 3.0e8
_RESIDENTIAL_BREAKPOINT_M = 5.0
_NO_LINE = (-math.inf, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LossLines:
    """The lines of one scenario.

    Attributes:
      near: line in sight, up to the breakpoint.
      near_db_per_m: what rises with the distance itself on top of it, dB/m.
      breakpoint_m: distance along the ground where the near line ends, m.
      far: line in sight beyond the breakpoint.
      nlos: line that counts out of sight where it lies above those in sight.
      floor: second line out of sight, likewise.
    """

    near: Line
    near_db_per_m: float = 0.0
    breakpoint_m: float = math.inf
    far: Line = (0.0, 0.0)
    nlos: Line = _NO_LINE
    floor: Line = _NO_LINE


def loss_lines(scenario: Scenario) -> LossLines:
    """Find the lines of a scenario. Each model's function below names its source."""
    return _LINES[scenario.name](scenario)


def breakpoint_m(scenario: Scenario) -> float:
    """Compute the distance along the ground where the wave from the ground begins to cancel the direct one.

        umi, uma   4 (h_BS - h_E) (h_UT - h_E) f / c
        rma        2 pi h_BS h_UT f / c

    See TR 38.901 Table 7.4.1-1, notes 1 and 5, with the c = 3.0e8 m/s of the report.

    Args:
      scenario: where the link runs.

    Returns:
      Distance, m; infinite for models without a breakpoint.
    """
    if scenario.name == "rma":
        area_m2 = 2.0 * math.pi * scenario.base_m * scenario.user_height_m
    elif scenario.name in ("uma", "umi"):
        ground_m = scenario.environment_height_m
        area_m2 = 4.0 * (scenario.base_m - ground_m) * (scenario.user_height_m - ground_m)
    else:
        return math.inf
    return area_m2 * scenario.frequency_hz / _LIGHT_M_PER_S_IN_TR_38_901


def _log_ghz(scenario: Scenario) -> float:
    """Compute log(f)."""
    return log10(scenario.frequency_hz / 1e9)


def _rise_m(scenario: Scenario) -> float:
    """Compute how much higher the base antenna is, m."""
    return scenario.base_m - scenario.user_height_m


def _free_space(scenario: Scenario) -> LossLines:
    """Friis: 20 log(4 pi d f / c), whether anything is in sight or not."""
    return LossLines(near=(20.0 * log10(4.0 * math.pi * scenario.frequency_hz / SPEED_OF_LIGHT_M_S), 20.0))


def _satellite(scenario: Scenario) -> LossLines:
    """TR 38.811 equation 6.6-2, 32.45 + 20 log(f) + 20 log(d); clutter and gases depend on the elevation."""
    scintillation_db = satellite.scintillation_db(scenario.frequency_hz) if scenario.scintillates else 0.0
    return LossLines(near=(32.45 + 20.0 * _log_ghz(scenario) + scintillation_db, 20.0))


def _umi(scenario: Scenario) -> LossLines:
    """TR 38.901 Table 7.4.1-1, UMi - street canyon."""
    log_ghz, span_m = _log_ghz(scenario), math.hypot(breakpoint_m(scenario), _rise_m(scenario))
    return LossLines(
        near=(32.4 + 20.0 * log_ghz, 21.0),
        breakpoint_m=breakpoint_m(scenario),
        far=(32.4 + 20.0 * log_ghz - 19.0 * log10(span_m), 40.0),
        nlos=(22.4 + 21.3 * log_ghz - 0.3 * (scenario.user_height_m - 1.5), 35.3),
    )


def _uma(scenario: Scenario) -> LossLines:
    """TR 38.901 Table 7.4.1-1, UMa."""
    log_ghz, span_m = _log_ghz(scenario), math.hypot(breakpoint_m(scenario), _rise_m(scenario))
    return LossLines(
        near=(28.0 + 20.0 * log_ghz, 22.0),
        breakpoint_m=breakpoint_m(scenario),
        far=(28.0 + 20.0 * log_ghz - 18.0 * log10(span_m), 40.0),
        nlos=(13.54 + 20.0 * log_ghz - 0.6 * (scenario.user_height_m - 1.5), 39.08),
    )


def _rma(scenario: Scenario) -> LossLines:
    """TR 38.901 Table 7.4.1-1, RMa."""
    base_m, user_m, height_m = scenario.base_m, scenario.user_height_m, scenario.building_height_m
    start_db = (
        20.0 * log10(40.0 * math.pi / 3.0) + 20.0 * _log_ghz(scenario) - min(0.044 * height_m**1.72, 14.77)
    )
    slope_db = 20.0 + min(0.03 * height_m**1.72, 10.0)
    db_per_m = 0.002 * log10(height_m)
    end_m = breakpoint_m(scenario)
    end_db = start_db + slope_db * log10(end_m) + db_per_m * end_m
    nlos_slope_db = 43.42 - 3.1 * log10(base_m)
    return LossLines(
        near=(start_db, slope_db),
        near_db_per_m=db_per_m,
        breakpoint_m=end_m,
        far=(end_db - 40.0 * log10(end_m), 40.0),
        nlos=(
            161.04
            - 7.1 * log10(scenario.street_width_m)
            + 7.5 * log10(height_m)
            - (24.37 - 3.7 * (height_m / base_m) ** 2) * log10(base_m)
            - 3.0 * nlos_slope_db
            + 20.0 * _log_ghz(scenario)
            - (3.2 * log10(11.75 * user_m) ** 2 - 4.97),
            nlos_slope_db,
        ),
    )


def _inh(scenario: Scenario) -> LossLines:
    """TR 38.901 Table 7.4.1-1, InH - office, mixed and open alike."""
    log_ghz = _log_ghz(scenario)
    return LossLines(near=(32.4 + 20.0 * log_ghz, 17.3), nlos=(17.3 + 24.9 * log_ghz, 38.3))


def _inf(scenario: Scenario) -> LossLines:
    """TR 38.901 Table 7.4.1-1, InF; dense clutter with a low base loses at least what sparse clutter does."""
    log_ghz = _log_ghz(scenario)
    sparse_low = (33.0 + 20.0 * log_ghz, 25.5)
    nlos: Mapping[ScenarioName, Line] = {
        "inf_sl": sparse_low,
        "inf_dl": (18.6 + 20.0 * log_ghz, 35.7),
        "inf_sh": (32.4 + 20.0 * log_ghz, 23.0),
        "inf_dh": (33.63 + 20.0 * log_ghz, 21.9),
    }
    return LossLines(
        near=(31.84 + 19.0 * log_ghz, 21.5),
        nlos=nlos[scenario.name],
        floor=sparse_low if scenario.name == "inf_dl" else _NO_LINE,
    )


def _residential(scenario: Scenario) -> LossLines:
    """IEEE 802.11-14/0980r16, residential.

        40.05 + 20 log(f / 2.4) + 20 log(min(d, 5)) + 35 log(d / 5) [d > 5] + 18.3 F^((F + 2)/(F + 1) - 0.46)
        + 5 W

    Its one formula holds in sight and out of sight.
    """
    floors = scenario.num_floors
    start_db = (
        40.05
        + 20.0 * log10(scenario.frequency_hz / 2.4e9)
        + 18.3 * floors ** ((floors + 2) / (floors + 1) - 0.46)
        + 5.0 * scenario.num_walls
    )
    end_m = _RESIDENTIAL_BREAKPOINT_M
    return LossLines(
        near=(start_db, 20.0),
        breakpoint_m=math.sqrt(max(end_m**2 - _rise_m(scenario) ** 2, 0.0)),
        far=(start_db - 15.0 * log10(end_m), 35.0),
    )


def _v2v(scenario: Scenario) -> LossLines:
    """TR 37.885 Table 6.2.1-1; behind a vehicle, the mean of its blockage on top of the line in sight."""
    log_ghz = _log_ghz(scenario)
    near = (38.77 + 18.2 * log_ghz, 16.7) if scenario.name == "v2v_urban" else (32.4 + 20.0 * log_ghz, 20.0)
    if scenario.blocked_by == "building":
        return LossLines(near=near, nlos=(36.85 + 18.9 * log_ghz, 30.0))
    blockage_db, _ = vehicle_blockage_db(scenario)
    if blockage_db == 0:
        return LossLines(near=near)
    nlos = (near[0] + blockage_db, near[1])
    return LossLines(near=near, nlos=nlos, floor=(nlos[0] - 41.0, nlos[1] + 15.0))


_LINES: Mapping[ScenarioName, Callable[[Scenario], LossLines]] = {
    "free_space": _free_space,
    "inf_dh": _inf,
    "inf_dl": _inf,
    "inf_sh": _inf,
    "inf_sl": _inf,
    "inh_mixed": _inh,
    "inh_open": _inh,
    "ntn_rural": _satellite,
    "ntn_suburban": _satellite,
    "ntn_urban": _satellite,
    "residential": _residential,
    "rma": _rma,
    "uma": _uma,
    "umi": _umi,
    "v2v_highway": _v2v,
    "v2v_urban": _v2v,
}
