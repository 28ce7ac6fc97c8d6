"""How much of the power a link loses on its way, on average over a small area.

For fixed heights and a fixed frequency every model here is a few straight lines in log10 of the distance: one
in sight up to a breakpoint, one beyond it, and out of sight the greatest of these and of up to two lines more.
So scenarios are compiled once, in 64-bit floats, into the coefficients of those lines, and a fleet whose links
follow different standards costs as much as one that follows a single one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from net4moe.network.arrays import check, namespace, warn_outside
from net4moe.network.radio import satellite
from net4moe.network.radio.loss_lines import loss_lines
from net4moe.network.radio.scenarios import LIMITS, Scenario, scenario_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float

    from net4moe.network.radio.scenarios import ScenarioName

__all__ = [
    "PathLoss",
    "Sky",
    "compile_path_loss",
    "in_range",
    "link_loss_db",
    "path_loss_db",
    "satellite_loss_db",
]


class Sky(NamedTuple):
    """What only links to satellites meet; entries of other links are zero.

    Attributes:
      satellite: whether the link leads to a satellite.
      clutter_db: loss by clutter out of sight at 10, 20, ..., 90 degrees, dB.
      zenith_db: loss by air and water vapour straight upwards, dB.
    """

    satellite: Bool[Any, " N"]
    clutter_db: Float[Any, "9 N"]
    zenith_db: Float[Any, " N"]


class PathLoss(NamedTuple):
    """The straight lines of each link's model, in dB over L = log10 of the distance in space in m.

    In sight `near_db + near_slope_db L + near_db_per_m d` up to the breakpoint and `far_db + far_slope_db L`
    beyond it; out of sight the greatest of that, `nlos_db + nlos_slope_db L` and `floor_db + floor_slope_db L`.

    Attributes:
      least_m: distance in space at which nearer links are held, m.
      breakpoint_m: distance along the ground where the near line ends, m.
      near_db: near line in sight at 1 m.
      near_slope_db: its rise per decade.
      near_db_per_m: its rise per metre, by foliage and the like (`rma`).
      far_db: far line in sight at 1 m.
      far_slope_db: its rise per decade.
      nlos_db: line out of sight at 1 m.
      nlos_slope_db: its rise per decade.
      floor_db: second line out of sight at 1 m; minus infinity where there is none.
      floor_slope_db: its rise per decade.
      range_m: least distance along the ground, greatest in sight and greatest out of sight of the model, m.
      sky: what links to satellites meet; None where the fleet has none.
    """

    least_m: Float[Any, " N"]
    breakpoint_m: Float[Any, " N"]
    near_db: Float[Any, " N"]
    near_slope_db: Float[Any, " N"]
    near_db_per_m: Float[Any, " N"]
    far_db: Float[Any, " N"]
    far_slope_db: Float[Any, " N"]
    nlos_db: Float[Any, " N"]
    nlos_slope_db: Float[Any, " N"]
    floor_db: Float[Any, " N"]
    floor_slope_db: Float[Any, " N"]
    range_m: Float[Any, "3 N"]
    sky: Sky | None


def compile_path_loss(scenarios: Sequence[Scenario]) -> PathLoss:
    """Turn scenarios into the coefficients of their lines, one link each.

    Args:
      scenarios: where each link runs, in the order of the devices.

    Raises:
      ValueError: there is no scenario.
    """
    if not scenarios:
        message = "`scenarios` must hold at least 1 scenario, got 0."
        raise ValueError(message)
    rows = [_compiled(scenario) for scenario in scenarios]
    skies = [row.sky for row in rows if row.sky is not None]
    sky = Sky(*(np.stack(column, axis=-1) for column in zip(*skies, strict=True)))
    lines = [np.stack(column, axis=-1) for column in zip(*(row[:-1] for row in rows), strict=True)]
    return PathLoss(*lines, sky=sky if sky.satellite.any() else None)


def link_loss_db(
    path_loss: PathLoss,
    distance_2d_m: Float[Any, "*batch N"],
    distance_3d_m: Float[Any, "*batch N"],
    elevation_deg: Float[Any, "*batch N"] | None,
    los: Bool[Any, "*batch N"],
) -> Float[Any, "*batch N"]:
    """Compute the mean loss of each link of a fleet.

    Links nearer than the model's least distance are held there; `in_range` says where.

    Args:
      path_loss: the compiled scenarios.
      distance_2d_m: distance along the ground, m.
      distance_3d_m: distance in space, m.
      elevation_deg: elevation of the other end, degrees; may be None in a fleet without satellites.
      los: whether the line of sight is free.

    Returns:
      Path loss, dB. Infinite for a satellite that is not above the horizon.
    """
    xp = namespace(distance_3d_m, distance_2d_m, los)
    held_m = xp.maximum(distance_3d_m, path_loss.least_m)
    return _loss_db(path_loss, distance_2d_m, held_m, elevation_deg, los)


def in_range(
    path_loss: PathLoss,
    distance_2d_m: Float[Any, "*batch N"],
    elevation_deg: Float[Any, "*batch N"] | None = None,
    los: Bool[Any, "*batch N"] | bool = True,
) -> Bool[Any, "*batch N"]:
    """Say whether each link lies in the range its model was made for.

    Args:
      path_loss: the compiled scenarios.
      distance_2d_m: distance along the ground, m.
      elevation_deg: elevation, degrees; a satellite's must be at least 10.
      los: whether the line of sight is free; `rma` reaches less far out of sight.
    """
    xp = namespace(distance_2d_m, los)
    least_m, greatest_m, greatest_nlos_m = (path_loss.range_m[row] for row in range(3))
    inside = (distance_2d_m >= least_m) & (distance_2d_m <= xp.where(los, greatest_m, greatest_nlos_m))
    if path_loss.sky is None:
        return inside
    if elevation_deg is None:
        message = "`elevation_deg` must be given for a fleet with links to satellites, got None."
        raise ValueError(message)
    return inside & ((elevation_deg >= 10.0) | ~path_loss.sky.satellite)


def path_loss_db(
    scenario: Scenario | ScenarioName,
    distance_2d_m: Float[Any, "*shape"],
    *,
    los: Bool[Any, "*shape"] | bool,
    frequency_hz: float | None = None,
    base_height_m: float | None = None,
    user_height_m: float | None = None,
) -> Float[Any, "*shape"]:
    """Compute the mean loss of a link. See `compile_path_loss` for whole fleets.

    The formulas of TR 38.901 Table 7.4.1-1 (its c is 3e8 m/s), TR 37.885 Table 6.2.1-1, TR 38.811 clause 6.6,
    IEEE 802.11-14/0980r16 and Friis.

    Args:
      scenario: where the link runs, or the name of it; then `frequency_hz` is needed.
      distance_2d_m: distance along the ground, m, at least 0. Outside the model's range the value is
        extrapolated, with a `RangeWarning`.
      los: whether the line of sight is free.
      frequency_hz: carrier frequency, Hz; replaces that of the scenario, as the next two.
      base_height_m: height of the higher antenna, m.
      user_height_m: height of the lower antenna, m.

    Returns:
      Path loss, dB.

    Raises:
      ValueError: a number means nothing, or both antennas stand in one place.
    """
    scenario = scenario_of(
        scenario, frequency_hz=frequency_hz, base_height_m=base_height_m, user_height_m=user_height_m
    )
    rise_m = scenario.base_m - scenario.user_height_m
    if rise_m == 0:
        check("distance_2d_m", distance_2d_m, above=0)
    check("distance_2d_m", distance_2d_m, least=0)
    compiled = _compiled(scenario)
    _warn_distance(scenario, compiled, distance_2d_m, los)
    xp = namespace(distance_2d_m, los)
    distance_3d_m = xp.sqrt(xp.square(distance_2d_m) + rise_m**2)
    elevation_deg = satellite.elevation_deg(distance_2d_m, rise_m)
    if scenario.name in satellite.SKIES:
        satellite.warn_low(elevation_deg)
    return _loss_db(compiled, distance_2d_m, distance_3d_m, elevation_deg, los)[()]


def satellite_loss_db(
    scenario: Scenario, elevation_deg: Float[Any, "*shape"], *, los: Bool[Any, "*shape"] | bool
) -> Float[Any, "*shape"]:
    """Compute the mean loss of a link to a satellite from its elevation, over the round Earth.

    Args:
      scenario: one of `ntn_*`; its `base_height_m` is the altitude.
      elevation_deg: elevation, degrees. Outside 10 to 90 it gives a `RangeWarning`.
      los: whether the line of sight is free.

    Returns:
      Path loss, dB. Infinite where the satellite is not above the horizon.

    Raises:
      ValueError: the scenario is none of a satellite, or the elevation is not finite.
    """
    if scenario.name not in satellite.SKIES:
        message = f"`scenario` must be one of {', '.join(satellite.SKIES)}, got '{scenario.name}'."
        raise ValueError(message)
    check("elevation_deg", elevation_deg)
    satellite.warn_low(elevation_deg)
    distance_m = satellite.slant_range_m(elevation_deg, scenario.base_m)
    return _loss_db(_compiled(scenario), distance_m, distance_m, elevation_deg, los)[()]


def _warn_distance(scenario: Scenario, compiled: PathLoss, distance_2d_m: Any, los: Any) -> None:
    """Warn of distances outside the model's range, which may end nearer out of sight."""
    least_m, greatest_m, greatest_nlos_m = compiled.range_m.tolist()
    groups = [(distance_2d_m, greatest_m)]
    if isinstance(los, bool | np.ndarray | np.generic) and namespace(distance_2d_m) is np:
        places_m, in_sight = np.broadcast_arrays(distance_2d_m, np.asarray(cast(Any, los), np.bool_))
        groups = [(places_m[in_sight], greatest_m), (places_m[~in_sight], greatest_nlos_m)]
    for places_m, end_m in groups:
        warn_outside(
            "distance_2d_m",
            places_m,
            least=least_m,
            greatest=end_m,
            model=f"`{scenario.name}` ({LIMITS[scenario.name].source})",
        )


def _loss_db(
    path_loss: PathLoss,
    distance_2d_m: Float[Any, "*batch N"],
    distance_3d_m: Float[Any, "*batch N"],
    elevation_deg: Float[Any, "*batch N"] | None,
    los: Bool[Any, "*batch N"] | bool,
) -> Any:
    """Read the lines at the distances, as they are."""
    xp = namespace(distance_3d_m, distance_2d_m, los)
    decades = xp.log10(distance_3d_m)
    near_db = path_loss.near_db + path_loss.near_slope_db * decades + path_loss.near_db_per_m * distance_3d_m
    far_db = path_loss.far_db + path_loss.far_slope_db * decades
    los_db = xp.where(distance_2d_m <= path_loss.breakpoint_m, near_db, far_db)
    nlos_db = xp.maximum(
        xp.maximum(los_db, path_loss.nlos_db + path_loss.nlos_slope_db * decades),
        path_loss.floor_db + path_loss.floor_slope_db * decades,
    )
    sky = path_loss.sky
    if sky is None:
        return xp.where(los, los_db, nlos_db)
    if elevation_deg is None:
        message = "`elevation_deg` must be given for a fleet with links to satellites, got None."
        raise ValueError(message)
    nlos_db = nlos_db + satellite.by_elevation(sky.clutter_db, elevation_deg)
    loss_db = xp.where(los, los_db, nlos_db) + satellite.gas_loss_db(sky.zenith_db, elevation_deg)
    return xp.where(sky.satellite & (elevation_deg <= 0.0), math.inf, loss_db)


def _compiled(scenario: Scenario) -> PathLoss:
    """Compile one scenario, for one link."""
    lines, limits, sky = loss_lines(scenario), LIMITS[scenario.name], satellite.SKIES.get(scenario.name)
    rise_m = scenario.base_m - scenario.user_height_m
    least_m, greatest_m = limits.distance_m
    range_m = np.array([least_m, greatest_m, limits.nlos_distance_m])
    if limits.in_space:
        range_m = np.sqrt(np.maximum(range_m**2 - rise_m**2, 0.0))
    else:
        least_m = math.hypot(least_m, rise_m)
    return PathLoss(
        least_m=np.float64(least_m),
        breakpoint_m=np.float64(lines.breakpoint_m),
        near_db=np.float64(lines.near[0]),
        near_slope_db=np.float64(lines.near[1]),
        near_db_per_m=np.float64(lines.near_db_per_m),
        far_db=np.float64(lines.far[0]),
        far_slope_db=np.float64(lines.far[1]),
        nlos_db=np.float64(lines.nlos[0]),
        nlos_slope_db=np.float64(lines.nlos[1]),
        floor_db=np.float64(lines.floor[0]),
        floor_slope_db=np.float64(lines.floor[1]),
        range_m=range_m,
        sky=Sky(
            satellite=np.bool_(sky is not None),
            clutter_db=np.array(sky.clutter_db if sky else (0.0,) * 9),
            zenith_db=np.float64(satellite.zenith_loss_db(scenario.frequency_hz) if sky else 0.0),
        ),
    )
