"""How shadowing, the Rician K factor and the state of sight vary over a place: the standards' tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import namespace
from net4moe.network.radio.loss_lines import breakpoint_m
from net4moe.network.radio.satellite import SKIES, by_elevation
from net4moe.network.radio.scenarios import Scenario, ScenarioName, vehicle_blockage_db

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = [
    "LARGE_SCALE",
    "LargeScale",
    "LargeScaleTable",
    "compile_large_scale",
    "link_k_factor_db",
    "link_shadowing_std_db",
]


class LargeScaleTable(NamedTuple):
    """What a standard says about one scenario. Distances are those at which a correlation has fallen to 1/e.

    Not a number stands where something else decides: the elevation of a satellite, the size of the clutter.

    Attributes:
      shadowing_db: standard deviations of shadowing, dB: in sight up to the breakpoint, in sight beyond it,
        out of sight.
      shadowing_m: decorrelation distances of shadowing in sight and out of sight, m.
      k_db: mean and standard deviation of the Rician K factor in sight, dB; out of sight it is 0 (Rayleigh).
      k_m: decorrelation distance of the K factor, m.
      sight_m: correlation distance of the state of sight, m.
    """

    shadowing_db: tuple[float, float, float]
    shadowing_m: tuple[float, float]
    k_db: tuple[float, float]
    k_m: float
    sight_m: float


def _inf(nlos_db: float) -> LargeScaleTable:
    """Give the table of a factory; its state of sight is correlated over half the size of the clutter."""
    return LargeScaleTable((4.3, 4.3, nlos_db), (10.0, 10.0), (7.0, 8.0), 10.0, math.nan)


_INH = LargeScaleTable((3.0, 3.0, 8.03), (10.0, 6.0), (7.0, 4.0), 4.0, 10.0)
_NTN = LargeScaleTable((math.nan, math.nan, math.nan), (37.0, 50.0), (math.nan, math.nan), 12.0, 50.0)

LARGE_SCALE: Mapping[ScenarioName, LargeScaleTable] = MappingProxyType(
    {
        # Nothing scatters: a K factor of 60 dB is as good as none; the distances do not matter.
        "free_space": LargeScaleTable((0.0, 0.0, 0.0), (10.0, 10.0), (60.0, 0.0), 10.0, 10.0),
        # TR 38.901 Tables 7.4.1-1, 7.5-6 and 7.6.3.1-2.
        "inf_dh": _inf(4.0),
        "inf_dl": _inf(7.2),
        "inf_sh": _inf(5.9),
        "inf_sl": _inf(5.7),
        "inh_mixed": _INH,
        "inh_open": _INH,
        # TR 38.811 Tables 6.7.2; what depends on the elevation is in `satellite.SKIES`. Its state of sight is
        # taken to be as long as on the ground.
        "ntn_rural": _NTN._replace(shadowing_m=(37.0, 120.0), k_m=40.0, sight_m=60.0),
        "ntn_suburban": _NTN,
        "ntn_urban": _NTN,
        # Shadowing of IEEE 802.11-14/0980r16, K factor of IEEE 802.11-03/940r4, model B, distances of `inh_*`.
        "residential": LargeScaleTable((5.0, 5.0, 5.0), (10.0, 6.0), (0.0, 0.0), 4.0, 10.0),
        "rma": LargeScaleTable((4.0, 6.0, 8.0), (37.0, 120.0), (7.0, 4.0), 40.0, 60.0),
        "uma": LargeScaleTable((4.0, 4.0, 6.0), (37.0, 50.0), (9.0, 3.5), 12.0, 50.0),
        "umi": LargeScaleTable((4.0, 4.0, 7.82), (10.0, 13.0), (9.0, 5.0), 15.0, 50.0),
        # TR 37.885 Tables 6.2.1-1 and 6.2.3-1; the state of sight is taken to be as long as in `umi`.
        "v2v_highway": LargeScaleTable((3.0, 3.0, 4.0), (10.0, 13.0), (9.0, 3.5), 15.0, 50.0),
        "v2v_urban": LargeScaleTable((3.0, 3.0, 4.0), (10.0, 13.0), (3.48, 2.0), 15.0, 50.0),
    }
)


class LargeScale(NamedTuple):
    """The tables of the links of a fleet.

    Standard deviations in sight and the K factor have a leading axis: the nine elevations of
    `satellite.SKIES` in a fleet with links to satellites, else a single entry.

    Attributes:
      breakpoint_m: distance along the ground where `far_std_db` begins, m.
      los_std_db: standard deviation of shadowing in sight, dB.
      far_std_db: the same beyond the breakpoint, dB.
      nlos_std_db: the same out of sight, dB.
      los_m: decorrelation distance of shadowing in sight, m.
      nlos_m: the same out of sight, m.
      k_mean_db: mean of the Rician K factor in sight, dB.
      k_std_db: standard deviation of the Rician K factor in sight, dB.
      k_m: decorrelation distance of the K factor, m.
      sight_m: correlation distance of the state of sight, m.
    """

    breakpoint_m: Float[Any, " N"]
    los_std_db: Float[Any, "E N"]
    far_std_db: Float[Any, " N"]
    nlos_std_db: Float[Any, "E N"]
    los_m: Float[Any, " N"]
    nlos_m: Float[Any, " N"]
    k_mean_db: Float[Any, "E N"]
    k_std_db: Float[Any, "E N"]
    k_m: Float[Any, " N"]
    sight_m: Float[Any, " N"]


def compile_large_scale(scenarios: Sequence[Scenario]) -> LargeScale:
    """Lay out the tables of scenarios, one link each.

    Args:
      scenarios: where each link runs, in the order of the devices.

    Raises:
      ValueError: there is no scenario.
    """
    if not scenarios:
        message = "`scenarios` must hold at least 1 scenario, got 0."
        raise ValueError(message)
    num_elevations = 9 if any(scenario.name in SKIES for scenario in scenarios) else 1
    rows = [_compiled(scenario, num_elevations) for scenario in scenarios]
    return LargeScale(*(np.stack(column, axis=-1) for column in zip(*rows, strict=True)))


def link_shadowing_std_db(
    large_scale: LargeScale,
    distance_2d_m: Float[Any, "*batch N"],
    los: Bool[Any, "*batch N"],
    elevation_deg: Float[Any, "*batch N"] | None = None,
) -> Float[Any, "*batch N"]:
    """Find the standard deviation of shadowing of each link of a fleet.

    Args:
      large_scale: the compiled scenarios.
      distance_2d_m: distance along the ground, m.
      los: whether the line of sight is free.
      elevation_deg: elevation, degrees; needed where the fleet has a link to a satellite.

    Returns:
      Standard deviation, dB.
    """
    xp = namespace(distance_2d_m, los)
    near_db = _at(large_scale.los_std_db, elevation_deg)
    los_db = xp.where(distance_2d_m <= large_scale.breakpoint_m, near_db, large_scale.far_std_db)
    return xp.where(los, los_db, _at(large_scale.nlos_std_db, elevation_deg))


def link_k_factor_db(
    large_scale: LargeScale, elevation_deg: Float[Any, "*batch N"] | None = None
) -> tuple[Float[Any, "*batch N"], Float[Any, "*batch N"]]:
    """Find mean and standard deviation of the Rician K factor of each link of a fleet, in sight.

    Args:
      large_scale: the compiled scenarios.
      elevation_deg: elevation, degrees; needed where the fleet has a link to a satellite.

    Returns:
      Mean and standard deviation, dB.
    """
    return _at(large_scale.k_mean_db, elevation_deg), _at(large_scale.k_std_db, elevation_deg)


def _at(table: Any, elevation_deg: Any) -> Any:
    """Look up a table by elevation, where it has one."""
    if table.shape[0] == 1:
        return table[0]
    if elevation_deg is None:
        message = "`elevation_deg` must be given for a fleet with links to satellites, got None."
        raise ValueError(message)
    return by_elevation(table, elevation_deg)


def _compiled(scenario: Scenario, num_elevations: int) -> LargeScale:
    """Compile one scenario, for one link."""
    table, sky, ones = LARGE_SCALE[scenario.name], SKIES.get(scenario.name), np.ones(num_elevations)
    near_db, far_db, nlos_db = (std_db * ones for std_db in table.shadowing_db)
    k_mean_db, k_std_db = (moment_db * ones for moment_db in table.k_db)
    if sky is not None:
        near_db = far_db = np.array(sky.shadowing_los_db)
        nlos_db = np.array(sky.shadowing_nlos_db)
        k_mean_db, k_std_db = np.array(sky.k_mean_db), np.array(sky.k_std_db)
    if scenario.name.startswith("v2v") and scenario.blocked_by == "vehicle":
        nlos_db = np.hypot(table.shadowing_db[0], vehicle_blockage_db(scenario)[1]) * ones
    if scenario.shadowing_std_db is not None:
        near_db = far_db = scenario.shadowing_std_db[0] * ones
        nlos_db = scenario.shadowing_std_db[1] * ones
    return LargeScale(
        breakpoint_m=np.float64(breakpoint_m(scenario)),
        los_std_db=near_db,
        far_std_db=far_db[0],
        nlos_std_db=nlos_db,
        los_m=np.float64(table.shadowing_m[0]),
        nlos_m=np.float64(table.shadowing_m[1]),
        k_mean_db=k_mean_db,
        k_std_db=k_std_db,
        k_m=np.float64(table.k_m),
        sight_m=np.float64(scenario.clutter[1] / 2.0 if scenario.name.startswith("inf") else table.sight_m),
    )
