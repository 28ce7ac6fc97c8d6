"""Pictures of a comparison: how agents learn, what policies score, and in how many runs.

Colours and lines as in `figures`; the same records give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, MaxNLocator

from net4moe.study.figures import DPI, STYLE, frame, settle

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from net4moe.study.comparison_records import Kind, PolicyScore, ScenarioCurves

__all__ = ["chosen_scores", "draw_learning", "draw_profiles", "draw_scores"]

_MOST_RULES = 6
_LEAST_SHOWN = -1.5
_COLUMNS = 4
_GREY = "#8A8A8A"
_COLORS: dict[Kind, str] = {
    "agent": "#0072B2",
    "adaptive": "#CC79A7",
    "rule": "#D55E00",
    "yardstick": "#555555",
    "bound": "#000000",
}
_KINDS: dict[Kind, str] = {
    "agent": "trained",
    "adaptive": "learns while it plays",
    "rule": "heuristic",
    "yardstick": "yardstick",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pen:
    color: str
    dashes: tuple[float, tuple[float, ...]] = (0, ())


_AGENTS = {
    "sac": _Pen(color="#0072B2"),
    "ppo": _Pen(color="#D55E00", dashes=(0, (5, 1.2))),
    "dqn": _Pen(color="#009E73", dashes=(0, (1.2, 1.0))),
}
_OTHERS: dict[Kind, _Pen] = {
    "agent": _Pen(color="#56B4E9"),
    "adaptive": _Pen(color="#CC79A7", dashes=(0, (5, 1.2, 1, 1.2))),
    "rule": _Pen(color=_GREY, dashes=(0, (5, 1.2))),
    "yardstick": _Pen(color="#E69F00"),
    "bound": _Pen(color="#000000"),
}


def chosen_scores(scores: Sequence[PolicyScore]) -> tuple[PolicyScore, ...]:
    """Keep what a figure or a table has room for: all but heuristics beyond the best six, the best first."""
    rules = [one.policy for one in scores if one.kind == "rule"][:_MOST_RULES]
    return tuple(one for one in scores if one.kind != "rule" or one.policy in rules)


def draw_learning(curves: Sequence[ScenarioCurves]) -> Figure:
    """Draw a panel for each scenario: reward over training, with the optimum and the best heuristic.

    Args:
      curves: the learning curves of scenarios of one size.
    """
    columns = min(_COLUMNS, len(curves))
    rows = -(-len(curves) // columns)
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(1.0 + 1.75 * columns, 0.6 + 1.5 * rows), dpi=DPI, layout="constrained")
        panels = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes, one in zip(panels, curves, strict=False):
            _draw_panel(axes, one)
        for axes in panels[len(curves) :]:
            axes.set_visible(False)
        figure.supxlabel("choices made in training", fontsize=7.5)
        figure.supylabel("reward of an episode", fontsize=7.5)
        figure.legend(
            handles=_learning_keys(curves), loc="outside upper center", ncols=5, frameon=False, borderpad=0.1
        )
        settle(figure)
    return figure


def draw_scores(scores: Sequence[PolicyScore]) -> Figure:
    """Draw the score of each policy with its 95 % interval; 0 is the best heuristic of each scenario.

    What lies left of the axis is said in numbers.

    Args:
      scores: of one size, the best first.
    """
    chosen = chosen_scores(scores)
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(5.0, 0.8 + 0.19 * len(chosen)), dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        low = max(_LEAST_SHOWN, min([-0.1, *(one.score.low for one in chosen)]) - 0.1)
        for row, one in enumerate(chosen):
            _draw_interval(axes, row, one, low)
        frame(axes)
        axes.axvline(0.0, color="#333333", linewidth=0.6)
        axes.axvline(1.0, color="#333333", linewidth=0.6, linestyle=(0, (4, 1.5)))
        axes.set_yticks(range(len(chosen)), [one.label for one in chosen])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(chosen) - 0.5, -0.5)
        axes.set_xlim(low, max(1.05, *(one.score.high + 0.05 for one in chosen)))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
        axes.grid(axis="x", color="#DDDDDD", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.set_xlabel("score: 0 best heuristic, 1 optimum or bound")
        kinds: list[Kind] = list(dict.fromkeys(one.kind for one in chosen))
        figure.legend(
            handles=[
                Line2D([], [], color=_COLORS[kind], marker="o", markersize=3.5, label=_KINDS[kind])
                for kind in kinds
            ],
            loc="outside upper center",
            ncols=4,
            frameon=False,
            borderpad=0.1,
        )
        settle(figure)
    return figure


def draw_profiles(scores: Sequence[PolicyScore]) -> Figure:
    """Draw which share of the runs of each policy scores above a threshold.

    Args:
      scores: of one size; all agents are drawn, and the best of each other kind.
    """
    shown = [one for one in scores if one.kind == "agent"]
    for kind in ("yardstick", "adaptive", "rule"):
        shown += [one for one in scores if one.kind == kind][:1]
    with style.context(STYLE, after_reset=True):
        figure = Figure(figsize=(3.5, 2.9), dpi=DPI, layout="constrained")
        axes = figure.add_subplot()
        for one in shown:
            pen, profile = _pen(one.policy, one.kind), one.profile
            axes.plot(
                profile.thresholds,
                profile.point,
                color=pen.color,
                linestyle=pen.dashes,
                linewidth=1.2,
                label=one.label,
            )
            axes.fill_between(
                profile.thresholds, profile.low, profile.high, color=pen.color, alpha=0.15, linewidth=0
            )
        frame(axes)
        axes.axvline(0.0, color="#333333", linewidth=0.6)
        axes.grid(color="#DDDDDD", linewidth=0.5)
        axes.set_xlim(shown[0].profile.thresholds[0], 1.0)
        axes.set_ylim(-0.02, 1.02)
        axes.set_xlabel("score: 0 best heuristic, 1 optimum or bound")
        axes.set_ylabel("share of runs with a greater score")
        figure.legend(loc="outside upper center", ncols=2, frameon=False, fontsize=6.8, borderpad=0.1)
        settle(figure)
    return figure


def _draw_panel(axes: Axes, one: ScenarioCurves) -> None:
    anchors = one.anchors
    for curve in one.curves:
        pen = _pen(curve.policy, "agent")
        axes.plot(
            curve.epochs,
            curve.point,
            color=pen.color,
            linestyle=pen.dashes,
            linewidth=1.1,
            marker="o" if len(curve.epochs) == 1 else "",
            markersize=3.0,
        )
        axes.fill_between(curve.epochs, curve.low, curve.high, color=pen.color, alpha=0.18, linewidth=0)
    axes.axhline(anchors.zero, color=_GREY, linewidth=0.9, linestyle=(0, (1.2, 1.0)))
    axes.axhline(anchors.one, color="#000000", linewidth=0.9, linestyle=(0, (4, 1.5)))
    lows = [value for curve in one.curves for value in curve.low]
    low, high = max(min([*lows, anchors.zero]), min(anchors.chance, anchors.zero)), anchors.one
    room = 0.08 * (high - low) or 1.0
    axes.set_ylim(low - room, high + room)
    frame(axes)
    axes.grid(axis="y", color="#DDDDDD", linewidth=0.5)
    axes.xaxis.set_major_formatter(EngFormatter(sep="\N{THIN SPACE}"))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
    axes.set_title(anchors.scenario, fontsize=7.5, loc="left")


def _pen(policy: str, kind: Kind) -> _Pen:
    return _AGENTS.get(policy, _OTHERS[kind])


def _learning_keys(curves: Sequence[ScenarioCurves]) -> list[Line2D]:
    """Name the agents' lines and the two levels."""
    labels = {curve.policy: curve.label for one in curves for curve in one.curves}
    pens = [(_pen(policy, "agent"), label) for policy, label in labels.items()]
    keys = [
        Line2D([], [], color=pen.color, linestyle=pen.dashes, linewidth=1.2, label=label)
        for pen, label in pens
    ]
    last = "optimum" if all(one.anchors.size == "small" for one in curves) else "bound"
    return [
        *keys,
        Line2D([], [], color="#000000", linewidth=0.9, linestyle=(0, (4, 1.5)), label=last),
        Line2D([], [], color=_GREY, linewidth=0.9, linestyle=(0, (1.2, 1.0)), label="best heuristic"),
    ]


def _draw_interval(axes: Axes, row: int, one: PolicyScore, low: float) -> None:
    color, score = _COLORS[one.kind], one.score
    if score.point < low:
        axes.annotate(
            f"\N{LEFTWARDS ARROW} {score.point:.1f}".replace("-", "−"),
            (low, row),
            xytext=(3, 0),
            textcoords="offset points",
            va="center_baseline",
            fontsize=6.5,
            color=color,
        )
        return
    axes.plot([max(score.low, low), score.high], [row, row], color=color, linewidth=1.3)
    axes.plot([score.point], [row], color=color, marker="o", markersize=3.5)
