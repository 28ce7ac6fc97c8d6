"""Pictures of a fleet: the map with its links, and signal and rate over distance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from matplotlib import colormaps, style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.projections.polar import PolarAxes
from matplotlib.ticker import EngFormatter, FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from net4moe.study.figures import DPI, STYLE, frame, settle

if TYPE_CHECKING:
    from jaxtyping import Float
    from matplotlib.axes import Axes

    from net4moe.study.network_survey import Survey

__all__ = ["draw_fleet"]

_COLORS = "viridis"
_LIMITS_DB = Normalize(-10.0, 50.0)
_SKY_M = 10_000.0
_DEVICE_COLORS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A")
_LEAST_SAMPLES = 50
_FAR = 3.0  # times the median distance
_LABEL_PLACES = tuple(
    ((x, y), side)
    for y in (4.0, -9.0, 12.0, -17.0, 20.0, -25.0, 28.0, -33.0, 36.0, -41.0)
    for x, side in ((4.0, "left"), (-4.0, "right"))
)


def draw_fleet(survey: Survey) -> Figure:
    """Draw where the devices of a fleet are, and what their links carry over distance.

    Left the map at the start of one world: a line for each link, coloured by its signal-to-noise ratio,
    broken where the line of sight is; the grey line is the user's way. Devices higher than 10 km stand in a
    sky of their own. Right the signal-to-noise ratio and the rate over distance, in many worlds at many
    times: each device's middle 90 % and its median.

    Args:
      survey: what was read from the worlds.
    """
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(7.2, 4.3), dpi=DPI, layout="constrained")
        left, right = cast("Sequence[SubFigure]", figure.subfigures(1, 2))
        high = survey.start_m[2] > _SKY_M
        if high.any():
            grid = left.add_gridspec(2, 1, height_ratios=(1.0, 1.2))
            ground = left.add_subplot(grid[0])
            _draw_sky(cast(PolarAxes, left.add_subplot(grid[1], projection="polar")), survey, high)
        else:
            ground = left.subplots()
        _draw_map(ground, survey, ~high)
        left.colorbar(
            ScalarMappable(_LIMITS_DB, colormaps[_COLORS]),
            ax=left.axes,
            location="bottom",
            shrink=0.85,
            aspect=40,
            pad=0.02,
            extend="both",
            label="mean signal-to-noise ratio of the link (dB)",
        )
        signal, rate = right.subplots(2, 1, sharex=True)
        _draw_over_distance(signal, survey, survey.links.snr_db)
        signal.set_ylabel("signal-to-noise ratio (dB)")
        signal.set_title(
            f"{survey.num_worlds} worlds at {survey.num_times} times each", fontsize=7.5, loc="left"
        )
        _draw_over_distance(rate, survey, np.where(survey.links.rate_bps > 0, survey.links.rate_bps, np.nan))
        rate.set_yscale("log")
        low_bps, high_bps = rate.get_ylim()
        if high_bps < 100.0 * low_bps:
            rate.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        rate.yaxis.set_major_formatter(EngFormatter(unit="bit/s"))
        rate.yaxis.set_minor_formatter(NullFormatter())
        rate.set_ylabel("rate, where there is one")
        rate.set_xlabel("distance to the user")
        right.legend(
            handles=[
                Line2D([], [], color=_color_of(n), linewidth=1.6, label=survey.devices[n])
                for n in range(1, len(survey.devices))
            ],
            loc="outside lower center",
            ncols=4,
            fontsize=6.0,
            frameon=False,
            handlelength=1.2,
            columnspacing=1.0,
        )
        canvas = FigureCanvasAgg(figure)
        figure.draw_without_rendering()
        _spread_labels(ground, canvas)
        settle(figure)
    return figure


def _draw_map(axes: Axes, survey: Survey, shown: np.ndarray) -> None:
    """Draw the places on the ground around the user, links in the colour of their signal.

    A device much farther than the others stands at the edge, in its direction.
    """
    places_m = survey.start_m[:2] - survey.start_m[:2, :1]
    reach_m = np.hypot(*places_m)
    near = reach_m <= _FAR * np.median(reach_m[shown][1:])
    edge_m = 1.1 * reach_m[shown & near].max()
    way_m = survey.way_m - survey.start_m[:2, :1]
    inside = np.abs(way_m).max(axis=0) <= edge_m
    axes.plot(*np.where(inside, way_m, np.nan), color="#BBBBBB", linewidth=0.8, zorder=1)
    for n in np.flatnonzero(shown).tolist():
        place_m = places_m[:, n] if near[n] else places_m[:, n] * (edge_m / reach_m[n])
        if n:
            axes.plot(
                [0.0, place_m[0]],
                [0.0, place_m[1]],
                color=_color(survey.start.mean_snr_db[n]),
                linestyle="solid" if survey.start.los[n] else (0, (3, 1.5)),
                linewidth=1.6,
                zorder=2,
            )
        axes.plot(
            *place_m,
            marker="*" if n == 0 else "o" if near[n] else "s",
            color=_color_of(n),
            markersize=9 if n == 0 else 5,
            zorder=4,
            markeredgecolor="white",
            markeredgewidth=0.5,
        )
        text = survey.devices[n] if near[n] else f"{survey.devices[n]}, {_metres(round(reach_m[n]))} off"
        axes.annotate(
            text,
            (place_m[0], place_m[1]),
            xytext=(4, 4),
            textcoords="offset points",
            fontsize=6.0,
            zorder=5,
            color=_color_of(n),
        )
    axes.set_aspect("equal", adjustable="datalim")
    axes.plot([-edge_m, edge_m], [-edge_m, edge_m], linestyle="none")  # the user in the middle
    axes.margins(0.1)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.set_xlabel("metres east of the user")
    axes.set_ylabel("metres north of the user")
    axes.set_title(f"{survey.name}: one world at its start", fontsize=7.5, loc="left", pad=14)
    frame(axes)
    axes.legend(
        handles=[
            Line2D([], [], color="#555555", linewidth=1.4, label="in sight"),
            Line2D([], [], color="#555555", linewidth=1.4, linestyle=(0, (3, 1.5)), label="out of sight"),
            Line2D([], [], color="#BBBBBB", linewidth=1.0, label=f"way of {survey.devices[0]}"),
        ],
        fontsize=5.8,
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(-0.05, 1.0),
        ncols=3,
        handlelength=2.0,
        borderpad=0.0,
        columnspacing=1.0,
        borderaxespad=0.2,
    )


def _spread_labels(axes: Axes, canvas: FigureCanvasAgg) -> None:
    """Move each label of the map to the first place around its point where it hides no other."""
    taken: list[Bbox] = []
    for label in axes.texts:
        for offset, side in _LABEL_PLACES:
            label.set(position=offset, horizontalalignment=side)
            box = label.get_window_extent(canvas.get_renderer())
            inside = axes.bbox.x0 <= box.x0 and box.x1 <= axes.bbox.x1
            if inside and not any(box.overlaps(other) for other in taken):
                break
        taken.append(label.get_window_extent(canvas.get_renderer()))


def _draw_sky(axes: PolarAxes, survey: Survey, shown: np.ndarray) -> None:
    """Draw the satellites as they stand over the user: the middle is overhead, the rim the horizon."""
    x, y, z = survey.start_m
    for n in np.flatnonzero(shown).tolist():
        azimuth = np.arctan2(x[n] - x[0], y[n] - y[0])
        above_deg = np.degrees(np.arctan2(z[n] - z[0], np.hypot(x[n] - x[0], y[n] - y[0])))
        axes.plot([azimuth], [90.0 - above_deg], "o", color=_color(survey.start.mean_snr_db[n]), markersize=5)
        axes.annotate(
            survey.devices[n],
            (azimuth, 90.0 - above_deg),
            xytext=(4, 3),
            textcoords="offset points",
            fontsize=5.8,
        )
    axes.set(theta_zero_location="N", theta_direction=-1, rmax=90.0)
    axes.set_rgrids([30.0, 60.0, 90.0], ["60°", "30°", "0°"], angle=225.0, fontsize=5.5)
    axes.set_thetagrids([0.0, 90.0, 180.0, 270.0], ["N", "E", "S", "W"], fontsize=6.0)
    axes.set_title("sky", fontsize=7.5, loc="left")


def _draw_over_distance(axes: Axes, survey: Survey, values: Float[np.ndarray, "W N"]) -> None:
    """Draw the middle 90 % and the median of each device's values over its distances."""
    for n in range(1, len(survey.devices)):
        places, bands = _bands(survey.links.distance_m[:, n], values[:, n])
        if not places:
            continue
        low, middle, high = np.array(bands).T
        if len(places) == 1:
            spread = [middle - low, high - middle]
            axes.errorbar(places, middle, spread, fmt="o", color=_color_of(n), markersize=3, linewidth=1.0)
        else:
            axes.plot(places, middle, color=_color_of(n), linewidth=1.3)
            axes.fill_between(places, low, high, color=_color_of(n), alpha=0.13, linewidth=0)
    axes.set_xscale("log")
    farthest_m, nearest_m = survey.links.distance_m[:, 1:].max(), survey.links.distance_m[:, 1:].min()
    if farthest_m < 100.0 * nearest_m:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(_metres))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.5)
    frame(axes)


def _bands(
    distance_m: Float[np.ndarray, " W"], values: Float[np.ndarray, " W"]
) -> tuple[list[float], list[Float[np.ndarray, " 3"]]]:
    """Find median distance and the 5, 50 and 95 % quantiles in parts of equal size; one part where all is near."""
    known = np.isfinite(values)
    if known.sum() < _LEAST_SAMPLES:
        return [], []
    distance_m, values = distance_m[known], values[known]
    order = np.argsort(distance_m)
    near = distance_m[order[0]] > 0.9 * distance_m[order[-1]]
    parts = np.array_split(order, 1 if near else min(10, len(order) // _LEAST_SAMPLES))
    return (
        [float(np.median(distance_m[part])) for part in parts],
        [np.quantile(values[part], [0.05, 0.5, 0.95]) for part in parts],
    )


def _metres(distance_m: float, _: int | None = None) -> str:
    return f"{distance_m:g} m" if distance_m < 1e3 else f"{distance_m / 1e3:,.0f} km"


def _color_of(n: int) -> str:
    return _DEVICE_COLORS[n % len(_DEVICE_COLORS)]


def _color(snr_db: float) -> tuple[float, float, float, float]:
    return colormaps[_COLORS](_LIMITS_DB(snr_db))
