"""Where devices are: every kind of motion becomes one list of straight pieces, drawn once and read at any time.

    share_k = clip((t - knot_k) / duration_k, 0, 1)        place = start + sum_k share_k move_k

Positions are metres east, north and up. A walk that ends is read on for ever: random waypoints close to a
cycle, an orbit brings the next satellite of its chain, all others are walked back and forth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import check, namespace
from net4moe.network.chance import split
from net4moe.network.loops import Loop, moment_s
from net4moe.network.motion import (
    GaussMarkov,
    MobilityConfig,
    Orbit,
    RandomWaypoint,
    Still,
    Straight,
    Traced,
)
from net4moe.network.walks import (
    Drifts,
    Paths,
    Walk,
    Waypoints,
    compile_drifts,
    compile_paths,
    compile_waypoints,
    drift_walk,
    path_walk,
    waypoint_walk,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float, Int

    from net4moe.network.chance import Chance

__all__ = [
    "GaussMarkov",
    "Itinerary",
    "MobilityConfig",
    "Motion",
    "Orbit",
    "RandomWaypoint",
    "Still",
    "Straight",
    "Traced",
    "compile_motion",
    "draw_itinerary",
    "positions_m",
    "speeds_m_s",
]

_MOST_UNROLLED = 32
_NEVER_S = 1e30


class Motion(NamedTuple):
    """How N devices move, as arrays, one group for each kind of chance; None where nobody moves so.

    Attributes:
      paths: those that stay, go straight, orbit or follow a trace.
      drifts: those of Gauss and Markov.
      waypoints: those that go from one random waypoint to the next.
      order: place of each device among the groups, one after the other.
    """

    paths: Paths | None
    drifts: Drifts | None
    waypoints: Waypoints | None
    order: Int[Any, " N"]


class Itinerary(NamedTuple):
    """Where N devices go, as at most K straight pieces each.

    Attributes:
      knot_s: when each piece begins, seconds.
      per_s: one over its duration, 1/s; 0 where nothing moves.
      start_m: where each piece begins, m; of 32 pieces or fewer only the first.
      moves_m: where each piece leads from there, m; axes x y z, pieces, devices.
      loop: how the pieces are read for ever.
    """

    knot_s: Float[Any, "K N"]
    per_s: Float[Any, "K N"]
    start_m: Float[Any, "3 J N"]
    moves_m: Float[Any, "3 K N"]
    loop: Loop


def compile_motion(configs: Sequence[MobilityConfig], start_m: Float[np.ndarray, "N 3"]) -> Motion:
    """Lay out how devices move as NumPy arrays.

    Args:
      configs: how each device moves.
      start_m: where each device starts, metres east, north and up.

    Raises:
      ValueError: there is no device, a start is not finite or lies outside its device's area, or the numbers
        of starts and of devices differ.
    """
    _check_starts(configs, start_m)
    drifts = [(n, config) for n, config in enumerate(configs) if isinstance(config, GaussMarkov)]
    waypoints = [(n, config) for n, config in enumerate(configs) if isinstance(config, RandomWaypoint)]
    paths = [
        (n, config)
        for n, config in enumerate(configs)
        if not isinstance(config, GaussMarkov | RandomWaypoint)
    ]
    path_starts, drift_starts, waypoint_starts = (
        start_m[[n for n, _ in group]] for group in (paths, drifts, waypoints)
    )
    return Motion(
        paths=compile_paths([config for _, config in paths], path_starts) if paths else None,
        drifts=compile_drifts([config for _, config in drifts], drift_starts) if drifts else None,
        waypoints=compile_waypoints([config for _, config in waypoints], waypoint_starts)
        if waypoints
        else None,
        order=np.argsort([n for n, _ in (*paths, *drifts, *waypoints)]),
    )


def draw_itinerary(motion: Motion, key: Chance, num_legs: int = 16) -> Itinerary:
    """Draw where devices go.

    Args:
      motion: how they move.
      key: chance.
      num_legs: legs of a random walk before they come again, at least 1; random waypoints take at least 2.

    Raises:
      ValueError: `num_legs` is less than 1.
    """
    if num_legs < 1:
        message = f"`num_legs` must be at least 1, got {num_legs}."
        raise ValueError(message)
    keys = split(key, 3)
    walks: list[Walk] = []
    if motion.paths is not None:
        walks.append(path_walk(motion.paths, keys[0]))
    if motion.drifts is not None:
        walks.append(drift_walk(motion.drifts, keys[1], num_legs))
    if motion.waypoints is not None:
        walks.append(waypoint_walk(motion.waypoints, keys[2], num_legs))
    return _joined(walks, motion.order)


def positions_m(itinerary: Itinerary, time_s: Float[Any, "*N"] | float) -> tuple[Any, Any, Any]:
    """Find where devices are at a time.

    Args:
      itinerary: where they go.
      time_s: time, seconds.

    Returns:
      Metres east, north and up of each device.
    """
    moment = moment_s(itinerary.loop, time_s)
    if itinerary.start_m.shape[1] > 1:
        knot_s, per_s, start_m, move_m = _piece_at(itinerary, moment)
        place_m = start_m + _share(moment, knot_s, per_s) * move_m
        return place_m[0], place_m[1], place_m[2]
    x_m, y_m, z_m = itinerary.start_m[0, 0], itinerary.start_m[1, 0], itinerary.start_m[2, 0]
    for piece in range(itinerary.knot_s.shape[0]):
        share = _share(moment, itinerary.knot_s[piece], itinerary.per_s[piece])
        x_m = x_m + share * itinerary.moves_m[0, piece]
        y_m = y_m + share * itinerary.moves_m[1, piece]
        z_m = z_m + share * itinerary.moves_m[2, piece]
    return x_m, y_m, z_m


def speeds_m_s(itinerary: Itinerary, time_s: Float[Any, "*N"] | float) -> Float[Any, " N"]:
    """Find how fast devices move at a time; 0 in a pause."""
    moment = moment_s(itinerary.loop, time_s)
    knot_s, per_s, _, move_m = _piece_at(itinerary, moment)
    xp = namespace(moment, move_m)
    under_way = (moment - knot_s) * per_s < 1.0
    return xp.where(under_way, xp.sqrt(xp.sum(move_m**2, axis=0)) * per_s, 0.0)


def _check_starts(configs: Sequence[MobilityConfig], start_m: Float[np.ndarray, "N 3"]) -> None:
    """Refuse starts that do not fit the devices."""
    if not configs:
        message = "`configs` must hold at least 1 device, got 0."
        raise ValueError(message)
    if start_m.shape != (len(configs), 3):
        message = f"`start_m` must have the shape ({len(configs)}, 3), got {start_m.shape}."
        raise ValueError(message)
    check("start_m", start_m)
    for n, config in enumerate(configs):
        if isinstance(config, GaussMarkov):
            past_m = start_m[n, :2] - config.origin_m
            if (past_m < 0).any() or (past_m > (config.width_m, config.height_m)).any():
                message = f"`start_m` of device {n} must lie in its area, got {start_m[n, :2].tolist()}."
                raise ValueError(message)


def _joined(walks: list[Walk], order: Int[Any, " N"]) -> Itinerary:
    """Bring walks to one length, side by side in the order of the devices."""
    xp = namespace(walks[0].knot_s)
    longest = max(walk.knot_s.shape[0] for walk in walks)

    def beside(parts: list[Any], filler: float) -> Any:
        even = [_lengthened(part, longest, filler, xp) for part in parts]
        return xp.concat(even, axis=-1)[..., order]

    duration_s = beside([walk.duration_s for walk in walks], 0.0)
    start_m = beside([walk.start_m for walk in walks], 0.0)
    return Itinerary(
        knot_s=beside([walk.knot_s for walk in walks], _NEVER_S),
        per_s=xp.where(duration_s > 0, 1.0 / xp.where(duration_s > 0, duration_s, 1.0), 0.0),
        start_m=start_m if longest > _MOST_UNROLLED else start_m[:, :1],
        moves_m=beside([walk.move_m for walk in walks], 0.0),
        loop=Loop(*(xp.concat(parts)[order] for parts in zip(*(walk.loop for walk in walks), strict=True))),
    )


def _lengthened(part: Any, length: int, filler: float, xp: Any) -> Any:
    """Fill the axis of pieces, the last but one, up to a length."""
    missing = (*part.shape[:-2], length - part.shape[-2], part.shape[-1])
    return xp.concat([part, xp.full(missing, filler)], axis=-2)


def _share(moment: Any, knot_s: Any, per_s: Any) -> Any:
    """Compute which share of a piece is done."""
    return namespace(moment, knot_s).clip((moment - knot_s) * per_s, 0.0, 1.0)


def _piece_at(itinerary: Itinerary, moment: Any) -> tuple[Any, Any, Any, Any]:
    """Find the piece of each device that is the last to have begun."""
    xp = namespace(moment, itinerary.knot_s)
    begun = xp.sum(itinerary.knot_s <= moment, axis=0)
    piece = xp.clip(begun - 1, 0, None)[None]

    def pick(part: Any) -> Any:
        chosen = piece if part.ndim == 2 else xp.broadcast_to(piece[None], (3, 1, piece.shape[-1]))
        return xp.take_along_axis(part, chosen, axis=-2)[..., 0, :]

    starts_m = itinerary.start_m
    start_m = pick(starts_m) if starts_m.shape[1] > 1 else starts_m[:, 0]
    return pick(itinerary.knot_s), pick(itinerary.per_s), start_m, pick(itinerary.moves_m)
