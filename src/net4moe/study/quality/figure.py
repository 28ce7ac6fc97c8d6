"""The picture of score against cost: every arm with its 95 % bars, what pays joined, and the judge's sentence.

Colours and lines as in `figures`; the same points give the same bytes. Arms are named beside their points.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from net4moe.study.figures import DPI, STYLE, frame, settle
from net4moe.study.quality.labels import Box, Label, placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

    from net4moe.study.quality.records import Arm, FrontierPoint

__all__ = ["draw_frontier"]

_WIDTH_INCHES, _HEIGHT_INCHES = 5.0, 3.3
_MARGIN_INCHES = 0.08
_PIXELS = DPI / 72
_NAME_SIZE, _NUMBER_SIZE, _CAPTION_SIZE = 7.0, 6.0, 6.5
_OURS = "#0072B2"
_COLORS = ("#C04F00", "#00805C", "#A8507F", "#8A6A00", "#2A7FB0", "#6B4FA0", "#7A3B1D", "#555555")
_STRETCHES = 24


def draw_frontier(
    points: Sequence[FrontierPoint],
    arms: Sequence[Arm],
    *,
    ours: str,
    judge: str,
    cost_label: str = "cost of an answer (reward units)",
    score_label: str = "score (0 to 10)",
) -> Figure:
    """Draw score against cost.

    Args:
      points: where the arms are; an arm with several has them joined by a dotted line, and numbers of draws.
      arms: their names.
      ours: key of our arm, which is drawn in blue and bold.
      judge: what the judge may be used for, one sentence for the line below.
      cost_label: text under the horizontal axis.
      score_label: text beside the vertical axis.
    """
    if not points:
        message = "A frontier needs at least 1 point, got 0."
        raise ValueError(message)
    labels = {arm.key: arm.label for arm in arms}
    others = [key for key in dict.fromkeys(one.arm for one in points) if key != ours]
    colors = {key: _COLORS[index % len(_COLORS)] for index, key in enumerate(others)} | {ours: _OURS}
    best = sorted((one for one in points if one.is_best), key=lambda one: (one.cost.point, one.score.point))
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(_WIDTH_INCHES, _HEIGHT_INCHES), dpi=DPI, layout="constrained")
        _write_caption(figure, _caption(points, judge))
        axes = figure.add_subplot()
        own = {key: [one for one in points if one.arm == key] for key in (*others, ours)}
        for key in sorted(own, key=lambda key: len(own[key]), reverse=True):  # single points stay in sight
            _draw_arm(axes, own[key], colors[key])
        axes.plot(
            [one.cost.point for one in best],
            [one.score.point for one in best],
            color="#999999",
            linewidth=1.4,
            alpha=0.7,
            zorder=2,
        )
        frame(axes)
        axes.grid(color="#E4E4E4", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlim(*_span([end for one in points for end in (one.cost.low, one.cost.high)]))
        axes.set_ylim(*_span([end for one in points for end in (one.score.low, one.score.high)]))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.ticklabel_format(useOffset=False, style="plain")
        axes.set_xlabel(cost_label)
        axes.set_ylabel(score_label)
        settle(figure)
        _write_names(axes, points, labels, colors, ours)
    return figure


def _draw_arm(axes: Axes, own: Sequence[FrontierPoint], color: str) -> None:
    """Draw an arm's points and bars, and a dotted line through them."""
    for one in own:
        cost, score = one.cost, one.score
        axes.plot([cost.low, cost.high], [score.point] * 2, color=color, linewidth=0.9, alpha=0.45, zorder=3)
        axes.plot([cost.point] * 2, [score.low, score.high], color=color, linewidth=0.9, alpha=0.45, zorder=3)
        axes.plot(
            [cost.point],
            [score.point],
            color=color,
            marker="o",
            markersize=4.5 if one.is_best else 3.5,
            markerfacecolor=color if one.is_reachable else "white",
            zorder=5,
        )
    axes.plot(
        [one.cost.point for one in own],
        [one.score.point for one in own],
        color=color,
        linewidth=0.8,
        linestyle=(0, (1.2, 1.4)),
        zorder=4,
    )


def _write_names(
    axes: Axes, points: Sequence[FrontierPoint], labels: dict[str, str], colors: dict[str, str], ours: str
) -> None:
    """Write each arm's name beside its last point, and the number of draws beside the others, where it is free."""
    last = {one.arm: one for one in points}
    several = {one.arm for one in points if one is not last[one.arm]}
    names = sorted(last.values(), key=lambda one: (one.arm != ours, one.cost.point, one.arm))
    numbers = [one for one in points if one is not last[one.arm]]
    texts: list[Annotation] = []
    wanted: list[Label] = []
    renderer = FigureCanvasAgg(axes.figure.get_figure(root=True)).get_renderer()  # pyright: ignore[reportOptionalMemberAccess]
    for one in (*names, *numbers):
        is_name = one is last[one.arm]
        text = labels.get(one.arm, one.arm) if is_name else str(one.num_draws)
        texts.append(
            axes.annotate(
                f"{text} ({one.num_draws})" if is_name and one.arm in several else text,
                (one.cost.point, one.score.point),
                xytext=(0.0, 0.0),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize=_NAME_SIZE if is_name else _NUMBER_SIZE,
                fontweight="bold" if is_name and one.arm == ours else "normal",
                color=colors[one.arm],
                bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0.0, "pad": 0.4},
                zorder=4.5,
            )
        )
        extent = texts[-1].get_window_extent(renderer)
        x, y = axes.transData.transform((one.cost.point, one.score.point))
        wanted.append(Label(x=x, y=y, width=extent.width, height=extent.height, is_needed=is_name))
    area = axes.get_window_extent(renderer)
    room = Box(area.x0, area.y0, area.x1, area.y1)
    for text, label, box in zip(texts, wanted, placed(wanted, room, _lines(axes, points)), strict=True):
        if box is None:
            text.remove()
            continue
        text.set_position(((box.middle[0] - label.x) / _PIXELS, (box.middle[1] - label.y) / _PIXELS))
        _draw_leader(axes, text, label, box)


def _draw_leader(axes: Axes, text: Annotation, label: Label, box: Box) -> None:
    """Draw a thin line from a point to its name where the two are far apart."""
    end = box.nearest(label.x, label.y)
    if math.dist(end, (label.x, label.y)) > 9.0 * _PIXELS:
        axes.annotate(
            "",
            text.xy,
            xytext=((end[0] - label.x) / _PIXELS, (end[1] - label.y) / _PIXELS),
            textcoords="offset points",
            arrowprops={
                "arrowstyle": "-",
                "color": text.get_color(),
                "linewidth": 0.4,
                "shrinkA": 1,
                "shrinkB": 3,
            },
            zorder=4,
        )


def _lines(axes: Axes, points: Sequence[FrontierPoint]) -> list[Box]:
    """Say where bars and the line of the best lie on the picture, in short stretches, pixels."""
    lines: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for one in points:
        cost, score = one.cost, one.score
        lines.append(((cost.low, score.point), (cost.high, score.point)))
        lines.append(((cost.point, score.low), (cost.point, score.high)))
    boxes: list[Box] = []
    for line in lines:
        (left, low), (right, high) = axes.transData.transform(line)
        boxes.append(Box(left, low, right, high))
    best = sorted((one.cost.point, one.score.point) for one in points if one.is_best)
    for start, end in itertools.pairwise(best):
        (left, low), (right, high) = axes.transData.transform((start, end))
        for step in range(_STRETCHES):
            x, y = (
                low_end + (step + 0.5) / _STRETCHES * (high_end - low_end)
                for low_end, high_end in ((left, right), (low, high))
            )
            boxes.append(Box(x, y, x, y))
    return boxes


def _caption(points: Sequence[FrontierPoint], judge: str) -> str:
    """Say how the picture is read, and what the judge may be used for."""
    num_prompts = points[0].num_prompts
    parts = [f"Means of {num_prompts} prompt{'' if num_prompts == 1 else 's'} with 95 % bars."]
    if sum(one.is_best for one in points) > 1:
        parts.append("Joined: nothing else scores as high for as little.")
    if len({one.arm for one in points}) < len(points):
        parts.append("Numbers: draws, of which the best-scored is the answer.")
    if not all(one.is_reachable for one in points):
        parts.append("Hollow: cannot be had in use.")
    return " ".join([*parts, judge]).strip()


def _write_caption(figure: Figure, text: str) -> None:
    """Write the line below, broken to the width, and make the figure as much higher."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    font = FontProperties(size=_CAPTION_SIZE)
    most = (_WIDTH_INCHES - 2 * _MARGIN_INCHES) * DPI
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and renderer.get_text_width_height_descent(longer, font, ismath=False)[0] > most:
            lines.append(word)
        else:
            lines[-1] = longer
    caption = len(lines) * 1.3 * _CAPTION_SIZE / 72 + _MARGIN_INCHES
    height = _HEIGHT_INCHES + caption
    figure.set_size_inches(_WIDTH_INCHES, height)
    figure.set_layout_engine(
        ConstrainedLayoutEngine(rect=(0.0, caption / height, 1.0, 1.0 - caption / height))
    )
    figure.text(
        _MARGIN_INCHES / _WIDTH_INCHES,
        (caption - 0.02) / height,
        "\n".join(lines),
        fontsize=_CAPTION_SIZE,
        color="#444444",
        va="top",
        linespacing=1.2,
    )


def _span(values: Sequence[float]) -> tuple[float, float]:
    """Choose an axis with room for names, never so narrow that it blows up rounding."""
    low, high = min(values), max(values)
    width = max(high - low, 0.01 * max(abs(low), abs(high))) or 1.0
    middle = (low + high) / 2
    return middle - 0.65 * width, middle + 0.65 * width
