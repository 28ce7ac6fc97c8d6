"""The frontier names every arm and the judge, hides nothing, and is the same bytes each time."""

import itertools
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation

from net4moe.study import figures
from net4moe.study.quality import FrontierPoint
from net4moe.study.quality.figure import draw_frontier
from tests.study.quality.drawn import ARMS, few_points, many_points, point

JUDGE = "This judge told all damage that it had to; it may be used to compare texts."


def drawn(points: list[FrontierPoint], judge: str = JUDGE) -> Figure:
    """Draw points of any arms."""
    _, arms = many_points(np.random.default_rng(0))
    return draw_frontier(points, [*ARMS, *arms[1:]], ours="ours", judge=judge)


def crowded() -> list[FrontierPoint]:
    """Give many points that overlap."""
    return many_points(np.random.default_rng(0))[0]


def texts_of(figure: Figure) -> list[str]:
    """List the texts that a reader sees."""
    root = ET.fromstring(figures.to_svg(figure))
    return ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]


def names_of(figure: Figure) -> list[Annotation]:
    """List the names and numbers in the picture."""
    return [one for one in figure.axes[0].texts if isinstance(one, Annotation) and one.get_text()]


def test_arms_axes_and_the_judges_sentence_are_written() -> None:
    """As texts, so that they can be searched and read aloud."""
    texts = texts_of(drawn(few_points()))
    for wanted in (
        "Ours",
        "Local only",
        "All experts",
        "cost of an answer (reward units)",
        "score (0 to 10)",
    ):
        assert wanted in texts
    whole = " ".join(texts)
    assert "Means of 40 prompts with 95 % bars. Joined: nothing else scores as high for as little." in whole
    assert JUDGE in whole
    assert "Hollow" not in whole


def test_the_caption_explains_what_is_there() -> None:
    """Numbers and hollow points where there are some, and no line where only one point is best."""
    whole = " ".join(texts_of(drawn(crowded())))
    assert "Numbers: draws, of which the best-scored is the answer. Hollow: cannot be had in use." in whole
    alone = " ".join(texts_of(drawn([point("ours", 1.0, 6.0, is_best=True, num_prompts=1)])))
    assert "Means of 1 prompt with 95 % bars. This judge" in alone


@pytest.mark.parametrize("points", [few_points(), crowded(), [point("ours", 1.3, 6.2, is_best=True)]])
def test_names_are_all_there_and_apart(points: list[FrontierPoint]) -> None:
    """One for each arm, none on another, none on a point, all inside the axes."""
    figure = drawn(points)
    axes, renderer = figure.axes[0], FigureCanvasAgg(figure).get_renderer()
    names = names_of(figure)
    assert len({one.arm for one in points}) <= len(names)
    extents = [name.get_window_extent(renderer) for name in names]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(extents, 2))
    spots = axes.transData.transform([(one.cost.point, one.score.point) for one in points])
    assert not any(extent.contains(*spot) for extent in extents for spot in spots)
    area = axes.get_window_extent(renderer)
    assert all(area.contains(one.x0, one.y0) and area.contains(one.x1, one.y1) for one in extents)


def test_an_arm_with_several_draws_is_named_once() -> None:
    """With the most draws; the others are numbers."""
    texts = [name.get_text() for name in names_of(drawn(crowded()))]
    assert 1 == texts.count("Local, best of n (4)")
    assert {"2", "3"} <= set(texts)


def test_bars_are_the_intervals_in_both_directions() -> None:
    """From 0.9 to 1.1 along the cost, from 5.7 to 6.3 along the score."""
    lines = [line.get_xydata() for line in drawn([point("ours", 1.0, 6.0)]).axes[0].lines]
    shapes = [np.asarray(one).round(9).tolist() for one in lines]
    assert [[0.9, 6.0], [1.1, 6.0]] in shapes
    assert [[1.0, 5.7], [1.0, 6.3]] in shapes


def test_the_best_are_joined_by_rising_cost() -> None:
    """Whatever order they come in."""
    lines = [np.asarray(line.get_xydata()).tolist() for line in drawn(few_points()[::-1]).axes[0].lines]
    assert [[0.4, 5.1], [1.4, 6.3]] in lines


def test_a_long_sentence_is_broken_and_kept_whole() -> None:
    """Every line ends within the figure; the figure grows instead."""
    judge = "This judge falls short on " + ", ".join(f"damage number {k} 0.5{k}" for k in range(20)) + "."
    short, long = drawn(few_points()), drawn(few_points(), judge)
    (caption,) = long.texts
    extent = caption.get_window_extent(FigureCanvasAgg(long).get_renderer())
    assert extent.x0 >= 0.0
    assert extent.y0 >= 0.0
    assert extent.x1 <= long.bbox.width
    assert judge in caption.get_text().replace("\n", " ")
    assert long.get_figheight() > short.get_figheight()
    assert short.axes[0].get_window_extent().height == pytest.approx(
        long.axes[0].get_window_extent().height, rel=0.03
    )


def test_a_point_without_any_width_is_drawn() -> None:
    """One prompt, no cost: the axes keep a width."""
    figure = drawn([point("ours", 0.0, 6.0, half=(0.0, 0.0))])
    low, high = figure.axes[0].get_xlim()
    assert low < 0.0 < high
    assert ["Ours"] == [name.get_text() for name in names_of(figure)]


def test_unknown_arms_keep_their_keys_and_signs_stay_signs() -> None:
    """Dollars start no formula, angle brackets no element."""
    texts = texts_of(drawn([point("a $ b", 1.0, 6.0)], "Costs $1 & <2>."))
    assert "a $ b" in texts
    assert "Costs $1 & <2>." in " ".join(texts)


@pytest.mark.parametrize("points", [few_points(), crowded()])
def test_the_same_points_give_the_same_bytes(points: list[FrontierPoint]) -> None:
    """PNG and SVG."""
    first, second = drawn(points), drawn(points)
    png, svg = figures.to_png(first), figures.to_svg(first)
    assert (png, svg) == (figures.to_png(second), figures.to_svg(second))
    assert (png, svg) == (figures.to_png(first), figures.to_svg(first))


def test_no_point_is_no_figure() -> None:
    """An empty frontier is refused."""
    with pytest.raises(ValueError, match=r"^A frontier needs at least 1 point, got 0\.$"):
        drawn([])
