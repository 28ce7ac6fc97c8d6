"""Lay motions out as arrays, and draw the walks that they make."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import namespace
from net4moe.network.chance import normal, uniform
from net4moe.network.loops import Loop, cycle, there_and_back
from net4moe.network.motion import EARTH_M, GaussMarkov, Orbit, RandomWaypoint, Still, Straight, Traced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float

    from net4moe.network.chance import Chance

__all__ = [
    "Drifts",
    "Paths",
    "Walk",
    "Waypoints",
    "compile_drifts",
    "compile_paths",
    "compile_waypoints",
    "drift_walk",
    "mean_leg_m",
    "path_walk",
    "waypoint_walk",
]

_EARTH_GM_M3_PER_S2 = 3.986004418e14
_LONG_S = 1e9  # thirty years
_NEVER_S = 1e30
_NUM_ORBIT_PIECES = 16
_NUM_TRIES = (
    24  # of rejection; each succeeds with probability 1/3 or more, so 6e-5 of the legs are not biased
)


class Walk(NamedTuple):
    """Straight pieces, one after the other, of n devices.

    Attributes:
      knot_s: when each piece begins, seconds.
      duration_s: how long it lasts, seconds; until the next one the device pauses.
      start_m: where it begins, m; axes x y z, pieces, devices.
      move_m: where it leads from there, m.
      loop: how the pieces are read for ever.
    """

    knot_s: Float[Any, "K n"]
    duration_s: Float[Any, "K n"]
    start_m: Float[Any, "3 K n"]
    move_m: Float[Any, "3 K n"]
    loop: Loop


class Paths(NamedTuple):
    """Motions in which chance decides at most when they begin: the walks, and whether it does."""

    walk: Walk
    begins_anywhere: Bool[Any, " n"]


class Drifts(NamedTuple):
    """`GaussMarkov` motions as arrays, the axes of the plane leading, and where they start."""

    mean_velocity_m_s: Float[Any, "2 n"]
    std_m_s: Float[Any, " n"]
    memory: Float[Any, " n"]
    step_s: Float[Any, " n"]
    origin_m: Float[Any, "2 n"]
    extent_m: Float[Any, "2 n"]
    start_m: Float[Any, "3 n"]


class Waypoints(NamedTuple):
    """`RandomWaypoint` motions as arrays, with the share of time under way and the heights."""

    least_speed_m_s: Float[Any, " n"]
    greatest_speed_m_s: Float[Any, " n"]
    pause_s: Float[Any, " n"]
    moving_share: Float[Any, " n"]
    origin_m: Float[Any, "2 n"]
    extent_m: Float[Any, "2 n"]
    height_m: Float[Any, " n"]


def mean_leg_m(width_m: float, height_m: float) -> float:
    """Compute the mean distance of two uniform places in a rectangle.

        integral over dx, dy of sqrt(dx^2 + dy^2) 4 (w - dx) (h - dy) / (w h)^2

    By Gauss and Legendre's rule of 64 x 64 points; 0.521405 for the unit square.
    """
    nodes, weights = np.polynomial.legendre.leggauss(64)
    share, weight = (nodes + 1.0) / 2.0, weights * (1.0 - nodes) / 2.0  # of triangular density 2 (1 - share)
    distance_m = np.hypot(width_m * share[:, None], height_m * share)
    return float(weight @ distance_m @ weight)


def compile_paths(
    configs: Sequence[Still | Straight | Orbit | Traced], start_m: Float[np.ndarray, "n 3"]
) -> Paths:
    """Lay motions along known paths out as NumPy arrays."""
    traces = [_trace(config, start) for config, start in zip(configs, start_m, strict=True)]
    shape = (max(len(trace.time_s) for trace in traces) - 1, len(traces))
    in_orbit = np.array([isinstance(config, Orbit) for config in configs])
    span_s = np.array([trace.time_s[-1] - trace.time_s[0] for trace in traces])
    walk = Walk(
        knot_s=np.full(shape, _NEVER_S),
        duration_s=np.zeros(shape),
        start_m=np.zeros((3, *shape)),
        move_m=np.zeros((3, *shape)),
        loop=Loop(np.zeros(shape[1]), np.where(in_orbit, span_s, 2.0 * span_s), 2.0 * span_s),
    )
    for n, trace in enumerate(traces):
        time_s = np.array(trace.time_s) - trace.time_s[0]
        place_m = np.array([trace.x_m, trace.y_m, trace.z_m])
        pieces = slice(len(time_s) - 1)
        walk.knot_s[pieces, n], walk.duration_s[pieces, n] = time_s[:-1], np.diff(time_s)
        walk.start_m[:, pieces, n], walk.move_m[:, pieces, n] = place_m[:, :-1], np.diff(place_m)
    return Paths(walk=walk, begins_anywhere=in_orbit)


def path_walk(paths: Paths, key: Chance) -> Walk:
    """Begin walks along known paths, those of orbits anywhere."""
    begin = uniform(key, paths.begins_anywhere.shape)
    xp = namespace(begin)
    knot_s, duration_s, start_m, move_m, loop = paths.walk
    offset_s = xp.where(paths.begins_anywhere, begin * loop.period_s, 0.0)
    return Walk(
        knot_s=xp.asarray(knot_s),
        duration_s=xp.asarray(duration_s),
        start_m=xp.asarray(start_m),
        move_m=xp.asarray(move_m),
        loop=Loop(offset_s, xp.asarray(loop.period_s), xp.asarray(loop.mirror_s)),
    )


def compile_drifts(configs: Sequence[GaussMarkov], start_m: Float[np.ndarray, "n 3"]) -> Drifts:
    """Lay Gauss-Markov motions out as NumPy arrays."""
    return Drifts(
        mean_velocity_m_s=np.array([config.mean_velocity_m_s for config in configs]).T,
        std_m_s=np.array([config.std_m_s for config in configs]),
        memory=np.array([config.memory for config in configs]),
        step_s=np.array([config.step_s for config in configs]),
        origin_m=np.array([config.origin_m for config in configs]).T,
        extent_m=np.array([(config.width_m, config.height_m) for config in configs]).T,
        start_m=start_m.T,
    )


def drift_walk(drifts: Drifts, key: Chance, num_legs: int) -> Walk:
    """Change the velocity at each step, beginning in the stationary law, and mirror at the border.

    v_k = mean + std (memory^k n_0 + sqrt(1 - memory^2) sum_{0 < j <= k} memory^(k - j) n_j)
    """
    noise = normal(key, (num_legs, 2, drifts.std_m_s.shape[0]))
    xp = namespace(noise)
    lag = np.subtract.outer(np.arange(num_legs), np.arange(num_legs))[..., None]
    weight = xp.where(lag >= 0, drifts.memory ** np.maximum(lag, 0), 0.0)
    fresh = xp.where(np.arange(num_legs)[:, None] > 0, xp.sqrt(1.0 - drifts.memory**2), 1.0)
    swing = xp.sum((weight * fresh)[:, :, None] * noise, axis=1)
    velocity_m_s = drifts.mean_velocity_m_s + drifts.std_m_s * swing
    walked_m = xp.cumulative_sum(velocity_m_s * drifts.step_s, axis=0, include_initial=True)
    flat_m = _mirrored(drifts.start_m[:2] + walked_m, drifts.origin_m, drifts.extent_m)
    height_m = drifts.start_m[2] + 0.0 * flat_m[:, 0]
    place_m = xp.stack([flat_m[:, 0], flat_m[:, 1], height_m])
    return Walk(
        knot_s=np.arange(num_legs)[:, None] * drifts.step_s + 0.0 * height_m[1:],
        duration_s=drifts.step_s + 0.0 * height_m[1:],
        start_m=place_m[:, :-1],
        move_m=place_m[:, 1:] - place_m[:, :-1],
        loop=there_and_back(num_legs * drifts.step_s + 0.0 * height_m[0]),
    )


def compile_waypoints(configs: Sequence[RandomWaypoint], start_m: Float[np.ndarray, "n 3"]) -> Waypoints:
    """Lay random-waypoint motions out as NumPy arrays."""
    return Waypoints(
        least_speed_m_s=np.array([config.least_speed_m_s for config in configs]),
        greatest_speed_m_s=np.array([config.greatest_speed_m_s for config in configs]),
        pause_s=np.array([config.pause_s for config in configs]),
        moving_share=np.array([_moving_share(config) for config in configs]),
        origin_m=np.array([config.origin_m for config in configs]).T,
        extent_m=np.array([(config.width_m, config.height_m) for config in configs]).T,
        height_m=start_m[:, 2],
    )


def waypoint_walk(waypoints: Waypoints, key: Chance, num_legs: int) -> Walk:
    """Go around a cycle of random waypoints that is entered as if it had always been walked.

    It is entered on a leg with probability T / (T + pause), T = E[d] E[1/v], else in a pause. The leg on which
    it is entered has density proportional to its length d and to 1/v (Navidi and Camp 2004); the place on it
    or in the pause is uniform. The last leg leads back to the first waypoint. As all legs are alike, this is
    the law of a cycle drawn by its duration and entered at a uniform moment: it is stationary for ever, not
    only until the legs are used up.
    """
    num_legs, num_devices = max(num_legs, 2), waypoints.pause_s.shape[0]
    counts = (1, 1, num_legs, 2 * (num_legs - 2), 5 * _NUM_TRIES)
    random = uniform(key, (sum(counts), num_devices))
    xp = namespace(random)
    entry, begin, speed, others, tries = xp.split(random, np.cumsum(counts[:-1]).tolist())
    moving = entry[0] < waypoints.moving_share
    places_m = _waypoints_m(
        waypoints,
        moving,
        tries.reshape(5, _NUM_TRIES, num_devices),
        others.reshape(2, num_legs - 2, num_devices),
    )
    moves_m = xp.stack([xp.roll(places_m[axis], -1, axis=0) - places_m[axis] for axis in (0, 1)])
    least_m_s, greatest_m_s = waypoints.least_speed_m_s, waypoints.greatest_speed_m_s
    speed_m_s = least_m_s + (greatest_m_s - least_m_s) * speed
    entered_m_s = xp.where(moving, least_m_s * (greatest_m_s / least_m_s) ** speed[0], speed_m_s[0])
    speed_m_s = xp.concat([entered_m_s[None], speed_m_s[1:]])
    duration_s = xp.sqrt(moves_m[0] ** 2 + moves_m[1] ** 2) / speed_m_s
    knot_s = xp.cumulative_sum(duration_s + waypoints.pause_s, axis=0, include_initial=True)
    on_leg_s, in_pause_s = begin[0] * duration_s[0], duration_s[0] + begin[0] * waypoints.pause_s
    height_m = waypoints.height_m + 0.0 * duration_s
    return Walk(
        knot_s=knot_s[:-1],
        duration_s=duration_s,
        start_m=xp.stack([places_m[0], places_m[1], height_m]),
        move_m=xp.stack([moves_m[0], moves_m[1], 0.0 * height_m]),
        loop=cycle(knot_s[-1], xp.where(moving, on_leg_s, in_pause_s)),
    )


def _trace(config: Still | Straight | Orbit | Traced, start_m: Float[np.ndarray, " 3"]) -> Traced:
    """Write a known path down as if it had been recorded."""
    if isinstance(config, Traced):
        return config
    if isinstance(config, Orbit):
        return _pass(config)
    velocity_m_s = (*config.velocity_m_s, 0.0) if isinstance(config, Straight) else (0.0, 0.0, 0.0)
    x_m, y_m, z_m = (
        (place_m, place_m + _LONG_S * v) for place_m, v in zip(start_m.tolist(), velocity_m_s, strict=True)
    )
    return Traced(time_s=(0.0, _LONG_S), x_m=x_m, y_m=y_m, z_m=z_m)


def _pass(config: Orbit) -> Traced:
    """Write one pass of a satellite down, from rising to setting.

    In the plane of the orbit it is at angle a from its highest point, a = sqrt(GM / r^3) t; the plane leans
    over the track by its offset. Pieces meet the circle at their ends.
    """
    radius_m = EARTH_M + config.altitude_m
    lean = config.track_offset_m / EARTH_M
    last = math.acos(math.cos(config.reach_m / EARTH_M) / math.cos(lean))
    angle, heading = np.linspace(-last, last, _NUM_ORBIT_PIECES + 1), math.radians(config.heading_deg)
    along_m, right_m = radius_m * np.sin(angle), radius_m * np.cos(angle) * math.sin(lean)
    east_m = along_m * math.sin(heading) + right_m * math.cos(heading)
    north_m = along_m * math.cos(heading) - right_m * math.sin(heading)
    up_m = radius_m * np.cos(angle) * math.cos(lean) - EARTH_M
    time_s = (angle + last) / math.sqrt(_EARTH_GM_M3_PER_S2 / radius_m**3)
    parts = (tuple(part.tolist()) for part in (time_s, east_m, north_m, up_m))
    return Traced(**dict(zip(("time_s", "x_m", "y_m", "z_m"), parts, strict=True)))


def _moving_share(config: RandomWaypoint) -> float:
    """Compute the share of time for which a random waypoint walk does not pause."""
    ratio = config.greatest_speed_m_s / config.least_speed_m_s
    mean_inverse = math.log(ratio) / (ratio - 1.0) if ratio > 1.0 else 1.0
    leg_s = mean_leg_m(config.width_m, config.height_m) * mean_inverse / config.least_speed_m_s
    return leg_s / (leg_s + config.pause_s)


def _waypoints_m(waypoints: Waypoints, moving: Any, tries: Any, others: Any) -> Any:
    """Place waypoints, the first two by their distance where the device is moving.

    Of the tries, each two places and a number, the first whose number is less than its share of the greatest
    distance is taken.
    """
    xp = namespace(tries)
    extent_m = waypoints.extent_m[:, None]
    distance_m = xp.sqrt(xp.sum((extent_m * (tries[2:4] - tries[0:2])) ** 2, axis=0))
    taken = tries[4] * xp.sqrt(xp.sum(extent_m**2, axis=0)) < distance_m
    chosen = xp.where(moving, xp.argmax(taken, axis=0), 0)[None, None]
    pair = xp.take_along_axis(tries[:4], xp.broadcast_to(chosen, (4, *chosen.shape[1:])), axis=1)
    share = xp.concat([pair[0:2], pair[2:4], others], axis=1)
    return waypoints.origin_m[:, None] + extent_m * share


def _mirrored(place_m: Any, origin_m: Any, extent_m: Any) -> Any:
    """Fold places on a line into an interval by mirrors at its ends; an infinite one has none."""
    xp = namespace(place_m)
    bounded = xp.isfinite(extent_m)
    twice_m = 2.0 * xp.where(bounded, extent_m, 1.0)
    phase_m = (place_m - origin_m) % twice_m
    return xp.where(bounded, origin_m + xp.minimum(phase_m, twice_m - phase_m), place_m)
