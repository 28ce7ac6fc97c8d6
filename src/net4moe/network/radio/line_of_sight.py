"""How likely a link is to have a free line of sight.

The models share one form, so that the links of a mixed fleet are one expression:

    u + (1 - u) exp(-max(a + b d, 0)),   u = min(r / d, 1)

with one pair (a, b) up to a distance and another beyond it. Only `uma` antennas above 13 m, vehicles on a
highway and satellites need a term of their own, which fleets without them do not pay for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import check, namespace
from net4moe.network.radio import satellite
from net4moe.network.radio.scenarios import Scenario, ScenarioName, scenario_of

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = [
    "LineOfSight",
    "compile_line_of_sight",
    "link_los_probability",
    "los_probability",
    "satellite_los_probability",
    "uma_environment_height_m",
]

_NEVER = 1e3
_ANY_FREQUENCY_HZ = 3.5e9
_LEAST_M = 1e-6


class LineOfSight(NamedTuple):
    """The form of each link's model.

    Attributes:
      ratio_m: r, m; 0 where the model has no such term.
      split_m: distance along the ground where the second pair begins, m.
      near_offset: a before it.
      near_per_m: b before it, 1/m.
      far_offset: a beyond it.
      far_per_m: b beyond it, 1/m.
      tall: C' of tall antennas (`uma`); None where the fleet has none.
      highway: whether the link runs along a highway; None where no link does.
      satellite: whether the link leads to a satellite; None where no link does.
      sky_probability: probability at 10, 20, ..., 90 degrees; None where the fleet has no satellite.
    """

    ratio_m: Float[Any, " N"]
    split_m: Float[Any, " N"]
    near_offset: Float[Any, " N"]
    near_per_m: Float[Any, " N"]
    far_offset: Float[Any, " N"]
    far_per_m: Float[Any, " N"]
    tall: Float[Any, " N"] | None
    highway: Bool[Any, " N"] | None
    satellite: Bool[Any, " N"] | None
    sky_probability: Float[Any, "9 N"] | None


def compile_line_of_sight(scenarios: Sequence[Scenario]) -> LineOfSight:
    """Turn scenarios into the coefficients of their form, one link each.

    Args:
      scenarios: where each link runs, in the order of the devices.

    Raises:
      ValueError: there is no scenario.
    """
    if not scenarios:
        message = "`scenarios` must hold at least 1 scenario, got 0."
        raise ValueError(message)
    forms = np.array([_form(scenario) for scenario in scenarios]).T
    tall = np.array([_tall(scenario) for scenario in scenarios])
    highway = np.array([scenario.name == "v2v_highway" for scenario in scenarios])
    is_satellite = np.array([scenario.name in satellite.SKIES for scenario in scenarios])
    skies = [
        satellite.SKIES[scenario.name].los_probability if scenario.name in satellite.SKIES else (0.0,) * 9
        for scenario in scenarios
    ]
    return LineOfSight(
        *forms,
        tall=tall if tall.any() else None,
        highway=highway if highway.any() else None,
        satellite=is_satellite if is_satellite.any() else None,
        sky_probability=np.array(skies).T if is_satellite.any() else None,
    )


def link_los_probability(
    line_of_sight: LineOfSight,
    distance_2d_m: Float[Any, "*batch N"],
    elevation_deg: Float[Any, "*batch N"] | None = None,
) -> Float[Any, "*batch N"]:
    """Compute the probability of a free line of sight of each link of a fleet.

    Args:
      line_of_sight: the compiled scenarios.
      distance_2d_m: distance along the ground, m, at least 0.
      elevation_deg: elevation of the other end, degrees; needed where the fleet has a link to a satellite.

    Returns:
      Probability, 0 to 1; 0 for a satellite that is not above the horizon.
    """
    xp = namespace(distance_2d_m)
    form = line_of_sight
    share = xp.minimum(form.ratio_m / xp.maximum(distance_2d_m, _LEAST_M), 1.0)
    near = form.near_offset + form.near_per_m * distance_2d_m
    far = form.far_offset + form.far_per_m * distance_2d_m
    rest = xp.exp(-xp.maximum(xp.where(distance_2d_m < form.split_m, near, far), 0.0))
    probability = share + (1.0 - share) * rest
    if form.tall is not None:
        probability = xp.minimum(probability * (1.0 + form.tall * _tall_gain(distance_2d_m)), 1.0)
    if form.highway is not None:
        probability = xp.where(form.highway, _highway(distance_2d_m), probability)
    if form.satellite is None or form.sky_probability is None:
        return probability
    if elevation_deg is None:
        message = "`elevation_deg` must be given for a fleet with links to satellites, got None."
        raise ValueError(message)
    above = satellite.by_elevation(form.sky_probability, elevation_deg) * (elevation_deg > 0.0)
    return xp.where(form.satellite, above, probability)


def los_probability(
    scenario: Scenario | ScenarioName,
    distance_2d_m: Float[Any, "*shape"],
    *,
    base_height_m: float | None = None,
    user_height_m: float | None = None,
) -> Float[Any, "*shape"]:
    """Compute the probability that a link has a free line of sight. See `compile_line_of_sight` for fleets.

        umi          r/d + exp(-d/36) (1 - r/d), 1 up to r = 18 m
        uma          the same with 63 m, times 1 + C' 5/4 (d/100)^3 exp(-d/150); C' = ((h_UT - 13)/10)^1.5
        rma          exp(-(d - 10)/1000), 1 up to 10 m
        inh_mixed    1 to 1.2 m, exp(-(d - 1.2)/4.7) to 6.5 m, 0.32 exp(-(d - 6.5)/32.6)
        inh_open     1 to 5 m, exp(-(d - 5)/70.8) to 49 m, 0.54 exp(-(d - 49)/211.7)
        inf_*        exp(-d/k), k = -size/ln(1 - density), times (h_BS - h_UT)/(h_C - h_UT) for `sh` and `dh`
        v2v_urban    min(1, 1.05 exp(-0.0114 d))
        v2v_highway  min(1, 2.1013e-6 d^2 - 0.002 d + 1.0193) to 475 m, max(0, 0.54 - 0.001 (d - 475))
        ntn_*        by elevation
        residential  1 to 5 m with nothing between, else 0
        free_space   1

    See TR 38.901 Table 7.4.2-1, TR 37.885 Table 6.2-1 (there what is not LOS is behind a vehicle), TR 38.811
    Table 6.6.1-1. IEEE 802.11-14/0980r16 has no line of sight; its breakpoint stands in for one, as in model B
    of IEEE 802.11-03/940r4.

    Args:
      scenario: where the link runs, or the name of it.
      distance_2d_m: distance along the ground, m, at least 0.
      base_height_m: height of the higher antenna, m; replaces that of the scenario, as the next.
      user_height_m: height of the lower antenna, m.

    Returns:
      Probability, 0 to 1.

    Raises:
      ValueError: a number means nothing.
    """
    scenario = scenario_of(
        scenario,
        frequency_hz=None if isinstance(scenario, Scenario) else _ANY_FREQUENCY_HZ,
        base_height_m=base_height_m,
        user_height_m=user_height_m,
    )
    check("distance_2d_m", distance_2d_m, least=0)
    rise_m = scenario.base_m - scenario.user_height_m
    elevation_deg = satellite.elevation_deg(distance_2d_m, rise_m)
    if scenario.name in satellite.SKIES:
        satellite.warn_low(elevation_deg)
    xp = namespace(distance_2d_m)
    one_link = xp.reshape(xp.asarray(distance_2d_m), (*np.shape(distance_2d_m), 1))
    probability = link_los_probability(
        compile_line_of_sight([scenario]), one_link, xp.reshape(elevation_deg, one_link.shape)
    )
    return probability[..., 0]


def satellite_los_probability(
    name: ScenarioName, elevation_deg: Float[Any, "*shape"]
) -> Float[Any, "*shape"]:
    """Look up the probability that a satellite is in sight. See TR 38.811 Table 6.6.1-1.

    Args:
      name: one of `ntn_*`.
      elevation_deg: elevation, degrees; the nearest of 10, 20, ..., 90 counts. Below 10 it gives a
        `RangeWarning`.

    Returns:
      Probability, 0 to 1; 0 where the satellite is not above the horizon.

    Raises:
      ValueError: the scenario is none of a satellite, or the elevation is not finite.
    """
    if name not in satellite.SKIES:
        message = f"`name` must be one of {', '.join(satellite.SKIES)}, got '{name}'."
        raise ValueError(message)
    check("elevation_deg", elevation_deg)
    satellite.warn_low(elevation_deg)
    table = np.array(satellite.SKIES[name].los_probability)
    return satellite.by_elevation(table, elevation_deg) * (elevation_deg > 0.0)


def uma_environment_height_m(
    distance_2d_m: Float[Any, "*shape"],
    user_height_m: Float[Any, "*shape"],
    uniform: Float[Any, "*shape"],
) -> Float[Any, "*shape"]:
    """Turn uniform random numbers into effective environment heights of `uma`.

    1 m with probability 1/(1 + C), else one of 12, 15, ..., h_UT - 1.5 m, all alike, with

        C = C' 5/4 (d/100)^3 exp(-d/150) beyond 18 m, else 0

    See TR 38.901 Table 7.4.1-1, note 1. Antennas of 13 m or less always have 1 m.

    Args:
      distance_2d_m: distance along the ground, m.
      user_height_m: height of the lower antenna, m.
      uniform: random numbers, at least 0, less than 1.

    Returns:
      Height, m, for `Scenario.environment_height_m`.
    """
    xp = namespace(distance_2d_m, user_height_m, uniform)
    excess = _tall_share(xp, user_height_m) * _tall_gain(distance_2d_m)
    ground = 1.0 / (1.0 + xp.where(distance_2d_m > 18.0, excess, 0.0))
    count = xp.maximum(xp.floor((user_height_m - 13.5) / 3.0) + 1.0, 1.0)
    step = xp.floor((uniform - ground) / xp.maximum(1.0 - ground, _LEAST_M) * count)
    return xp.where(uniform < ground, 1.0, 12.0 + 3.0 * xp.clip(step, 0.0, count - 1.0))


def _tall_share(xp: Any, user_height_m: Any) -> Any:
    """Compute C' = ((h_UT - 13) / 10)^1.5, 0 up to 13 m."""
    return xp.maximum((user_height_m - 13.0) / 10.0, 0.0) ** 1.5


def _tall_gain(distance_2d_m: Any) -> Any:
    """Compute 5/4 (d/100)^3 exp(-d/150)."""
    xp = namespace(distance_2d_m)
    hundreds = distance_2d_m / 100.0
    return 1.25 * hundreds * hundreds * hundreds * xp.exp(-distance_2d_m / 150.0)


def _tall(scenario: Scenario) -> float:
    """Compute C' of a scenario."""
    return float(_tall_share(np, scenario.user_height_m)) if scenario.name == "uma" else 0.0


def _highway(distance_2d_m: Any) -> Any:
    """Compute the probability along a highway."""
    xp = namespace(distance_2d_m)
    near = xp.minimum((2.1013e-6 * distance_2d_m - 0.002) * distance_2d_m + 1.0193, 1.0)
    far = xp.maximum(0.54 - 0.001 * (distance_2d_m - 475.0), 0.0)
    return xp.where(distance_2d_m <= 475.0, near, far)


def _form(scenario: Scenario) -> tuple[float, float, float, float, float, float]:
    """Find the coefficients of a scenario: r, the split, a and b before it, a and b beyond it."""
    never_split = (math.inf, 0.0, 0.0, 0.0, 0.0)
    match scenario.name:
        case "umi":
            return (18.0, math.inf, 0.0, 1 / 36.0, 0.0, 0.0)
        case "uma":
            return (18.0, math.inf, 0.0, 1 / 63.0, 0.0, 0.0)
        case "rma":
            return (0.0, math.inf, -10.0 / 1000.0, 1 / 1000.0, 0.0, 0.0)
        case "inh_mixed":
            return (0.0, 6.5, -1.2 / 4.7, 1 / 4.7, -6.5 / 32.6 - math.log(0.32), 1 / 32.6)
        case "inh_open":
            return (0.0, _just_above(49.0), -5.0 / 70.8, 1 / 70.8, -49.0 / 211.7 - math.log(0.54), 1 / 211.7)
        case "v2v_urban":
            return (0.0, math.inf, -math.log(1.05), 0.0114, 0.0, 0.0)
        case "residential":
            between = _NEVER if scenario.num_walls or scenario.num_floors else 0.0
            span_m = math.sqrt(max(25.0 - (scenario.base_m - scenario.user_height_m) ** 2, 0.0))
            return (0.0, _just_above(span_m), between, 0.0, _NEVER, 0.0)
        case "inf_dh" | "inf_dl" | "inf_sh" | "inf_sl":
            return (0.0, math.inf, 0.0, _clutter_per_m(scenario), 0.0, 0.0)
        case _:
            return (0.0, *never_split)


def _clutter_per_m(scenario: Scenario) -> float:
    """Compute 1/k of a factory, 1/m; 0 for a user's antenna above the clutter."""
    density, size_m, height_m = scenario.clutter
    per_m = -math.log1p(-density) / size_m
    if scenario.name in ("inf_dl", "inf_sl"):
        return per_m
    hidden_m, rise_m = height_m - scenario.user_height_m, scenario.base_m - scenario.user_height_m
    return per_m * min(max(hidden_m, 0.0) / rise_m, 1.0) if rise_m > 0 else per_m


def _just_above(distance_m: float) -> float:
    """Find the next distance in 32-bit floats, so that `<` includes the distance itself."""
    return float(np.nextafter(np.float32(distance_m), np.float32(math.inf)))
