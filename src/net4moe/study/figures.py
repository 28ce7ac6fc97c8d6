"""The paper's two figures: learning curves, and the mean and final reward of each policy.

Drawn with Matplotlib's objects, without pyplot and whatever style a user has set, at the width of a journal
column. The colours are those of Okabe and Ito, which stay apart for colour-blind readers; the line styles stay
apart in grey. The same records give the same bytes.
"""

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from net4moe.study.records import Curve, PolicyResult
from net4moe.study.statistics import Interval, decimals_to_tell_apart

__all__ = ["DPI", "STYLE", "draw_bars", "draw_curves", "footnote", "frame", "settle", "to_png", "to_svg"]

_WIDTH_INCHES = 3.5
_NOTE_LINE = 84
DPI = 200

STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica", "sans-serif"],
    "font.size": 7.5,
    "axes.linewidth": 0.6,
    "axes.unicode_minus": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "net4moe",
    "text.parse_math": False,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pen:
    color: str
    dashes: str | tuple[float, tuple[float, ...]] = "solid"
    width: float = 1.2
    layer: float = 3.0


_PENS = {
    "Upper bound": _Pen(color="#000000", dashes=(0, (4, 1.5)), width=1.1),
    "Proposed DRL": _Pen(color="#0072B2", width=1.7, layer=4.0),
    "Benchmark": _Pen(color="#D55E00", dashes=(0, (5, 1.2, 1, 1.2)), width=1.1),
    "Random selection": _Pen(color="#009E73", dashes=(0, (1.2, 1.0)), width=1.3),
}

_FURTHER_PENS = tuple(
    _Pen(color=color, width=0.7, layer=2.5)
    for color in ("#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A", "#9C8B00")
)


def draw_curves(curves: Sequence[Curve], *, epoch_label: str, reward_label: str, note: str = "") -> Figure:
    """Draw the learning curves with their 95 % bands.

    Args:
      curves: one line each; a label that starts with a legend word of the paper gets that word's pen.
      epoch_label: text under the horizontal axis.
      reward_label: text beside the vertical axis.
      note: what must be known of the numbers, in small print below; empty for none.
    """
    pens = _pens([curve.label for curve in curves])
    legend_rows = -(-len(curves) // 2)
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(_WIDTH_INCHES, 2.35 + 0.16 * legend_rows), dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        for curve, pen in zip(curves, pens, strict=True):
            axes.plot(
                curve.epochs,
                curve.point,
                color=pen.color,
                linestyle=pen.dashes,
                linewidth=pen.width,
                zorder=pen.layer,
                label=curve.label,
                marker="o" if len(curve.epochs) == 1 else "",
            )
            axes.fill_between(
                curve.epochs, curve.low, curve.high, color=pen.color, alpha=0.18, linewidth=0, zorder=2
            )
        frame(axes)
        axes.grid(axis="y", color="#DDDDDD", linewidth=0.5)
        axes.set_xlabel(epoch_label)
        axes.set_ylabel(reward_label)
        axes.set_xlim(*_span([epoch for curve in curves for epoch in curve.epochs], padding=0.0))
        axes.set_ylim(*_span([end for curve in curves for end in (*curve.low, *curve.high)], padding=0.06))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.ticklabel_format(useOffset=False, style="plain")
        figure.legend(
            loc="outside upper center",
            ncols=2,
            frameon=False,
            handlelength=2.6,
            columnspacing=1.0,
            borderpad=0.1,
            fontsize=6.8,
        )
        footnote(figure, note)
        settle(figure)
    return figure


def draw_bars(policies: Sequence[PolicyResult], *, reward_label: str, note: str = "") -> Figure:
    """Draw the mean and the final reward of each policy with their 95 % intervals.

    The axis starts at 0, so that the length of a bar is its value.

    Args:
      policies: one pair of bars each, from top to bottom.
      reward_label: text under the axis.
      note: what must be known of the numbers, in small print below; empty for none.
    """
    pens = _pens([policy.label for policy in policies])
    decimals = decimals_to_tell_apart([end.point for end in _ends(policies)])
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(_WIDTH_INCHES, 0.75 + 0.42 * len(policies)), dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        for row, (policy, pen) in enumerate(zip(policies, pens, strict=True)):
            _bar(axes, row - 0.19, policy.mean, pen, decimals, is_final=False)
            _bar(axes, row + 0.19, policy.final, pen, decimals, is_final=True)
        frame(axes)
        axes.spines["left"].set_visible(False)
        axes.axvline(0.0, color="#333333", linewidth=0.6, zorder=5)
        axes.tick_params(axis="y", length=0)
        axes.set_yticks(range(len(policies)), [policy.label for policy in policies])
        axes.set_ylim(len(policies) - 0.5, -0.5)
        axes.set_xlim(*_bar_limits(policies))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.grid(axis="x", color="#DDDDDD", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlabel(reward_label)
        figure.legend(
            handles=_bar_keys(has_intervals=any(end.low < end.high for end in _ends(policies))),
            loc="outside upper center",
            ncols=3,
            frameon=False,
            handlelength=1.4,
            columnspacing=1.2,
            borderpad=0.1,
        )
        footnote(figure, note)
        settle(figure)
    return figure


def to_png(figure: Figure) -> bytes:
    """Render a figure as PNG, 200 dots per inch."""
    buffer = io.BytesIO()
    with style.context(STYLE, after_reset=True):
        FigureCanvasAgg(figure).print_figure(
            buffer, format="png", metadata={"Software": None}, facecolor="white"
        )
    return buffer.getvalue()


def to_svg(figure: Figure) -> bytes:
    """Render a figure as SVG, its texts kept as texts."""
    buffer = io.BytesIO()
    with style.context(STYLE, after_reset=True):
        FigureCanvasAgg(figure).print_figure(
            buffer, format="svg", metadata={"Date": None, "Creator": None}, facecolor="white"
        )
    return buffer.getvalue()


def _bar(axes: Axes, y: float, reward: Interval, pen: _Pen, decimals: int, *, is_final: bool) -> None:
    """Draw one bar, its interval and, beyond both, its value."""
    axes.barh(
        y,
        reward.point,
        height=0.36,
        color=pen.color if is_final else to_rgba(pen.color, 0.3),
        edgecolor=pen.color,
        linewidth=0.6,
        zorder=3,
    )
    if reward.high > reward.low:
        ends = [[reward.low, reward.high], [y, y]]
        axes.plot(*ends, color="white", linewidth=2.2, zorder=4, solid_capstyle="butt")
        axes.plot(*ends, color="#333333", linewidth=0.9, zorder=4, marker="|", markersize=3.5)
    beyond = max(reward.high, 0.0) if reward.point >= 0.0 else min(reward.low, 0.0)
    axes.annotate(
        f"{reward.point:.{decimals}f}".replace("-", "−"),
        (beyond, y),
        xytext=(3 if reward.point >= 0.0 else -3, 0),
        textcoords="offset points",
        ha="left" if reward.point >= 0.0 else "right",
        va="center_baseline",
        fontsize=6.5,
    )


def _bar_keys(*, has_intervals: bool) -> list[Patch | Line2D]:
    keys: list[Patch | Line2D] = [
        Patch(facecolor="#C8C8C8", edgecolor="#555555", linewidth=0.6, label="Mean over all epochs"),
        Patch(facecolor="#555555", edgecolor="#555555", linewidth=0.6, label="Final"),
    ]
    if has_intervals:
        keys.append(Line2D([], [], color="#333333", linewidth=0.9, label="95 % interval"))
    return keys


def _ends(policies: Sequence[PolicyResult]) -> list[Interval]:
    return [reward for policy in policies for reward in (policy.mean, policy.final)]


def _bar_limits(policies: Sequence[PolicyResult]) -> tuple[float, float]:
    """Choose an axis that holds 0, every interval and room for the values."""
    ends = _ends(policies)
    low = min(0.0, *(min(end.low, end.point) for end in ends))
    high = max(0.0, *(max(end.high, end.point) for end in ends))
    room = 0.2 * (high - low or 1.0)
    return (low - room if low < 0.0 else 0.0), (high + room if high > 0.0 or low == 0.0 else 0.0)


def _span(values: Sequence[float], *, padding: float) -> tuple[float, float]:
    """Choose an axis for the values, never so narrow that it blows up rounding."""
    low, high = min(values), max(values)
    least = 0.001 * max(abs(low), abs(high)) or 1.0
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    return low - padding * (high - low), high + padding * (high - low)


def _pens(labels: Sequence[str]) -> list[_Pen]:
    """Choose the paper's pens for the paper's words and further ones for the rest."""
    pens: list[_Pen] = []
    num_further = 0
    for label in labels:
        word = next((word for word in _PENS if label.startswith(word)), None)
        if word is None:
            pens.append(_FURTHER_PENS[num_further % len(_FURTHER_PENS)])
            num_further += 1
        else:
            pens.append(_PENS[word])
    return pens


def settle(figure: Figure) -> None:
    """Place everything once, so that all files of a figure agree."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")


def footnote(figure: Figure, note: str) -> None:
    """Say in small print, below everything, what must be known of the numbers; the figure grows by it."""
    if not note:
        return
    lines = textwrap.wrap(note, _NOTE_LINE)
    width, height = figure.get_size_inches()
    figure.set_size_inches(width, height + 0.09 * len(lines) + 0.05)
    figure.supxlabel("\n".join(lines), fontsize=5.0, color="#555555", x=0.02, ha="left")


def frame(axes: Axes) -> None:
    """Leave the two axes that are read."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(width=0.6, length=2.5)
