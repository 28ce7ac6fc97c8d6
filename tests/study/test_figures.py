import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace

import matplotlib
import pytest
from matplotlib.figure import Figure

from net4moe.study import Curve, Interval, PolicyResult, StudyResult, figures

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

Draw = Callable[[StudyResult], Figure]


def curves_of(result: StudyResult) -> Figure:
    """Draw a study's learning curves."""
    return figures.draw_curves(
        result.curves, epoch_label=result.epoch_label, reward_label=result.reward_label
    )


def bars_of(result: StudyResult) -> Figure:
    """Draw a study's bars."""
    return figures.draw_bars(result.policies, reward_label=result.reward_label)


def texts_of(svg: bytes) -> list[str]:
    """List the texts that a reader sees in an SVG file."""
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def labelled(result: StudyResult, labels: list[str]) -> tuple[Curve, ...]:
    """Give the first curve other words."""
    return tuple(replace(result.curves[0], label=label) for label in labels)


@pytest.fixture
def result(make_result: Callable[..., StudyResult]) -> StudyResult:
    """Give a study's result with the paper's numbers."""
    return make_result()


@pytest.mark.parametrize("draw", [curves_of, bars_of])
def test_the_papers_words_stand_in_both_figures(draw: Draw, result: StudyResult) -> None:
    """As texts, so that they can be searched and read aloud."""
    texts = texts_of(figures.to_svg(draw(result)))
    words = {"Upper bound", "Proposed DRL", "Benchmark (round robin)", "Random selection"}
    assert words <= set(texts)
    assert "Reward per prompt" in texts


def test_the_axis_says_what_an_epoch_is(result: StudyResult) -> None:
    """It means something else in every paper."""
    assert "Epoch (16 prompts)" in texts_of(figures.to_svg(curves_of(result)))


def test_every_bar_has_its_value(result: StudyResult) -> None:
    """Mean and final reward of each policy, with the decimals that tell them apart."""
    texts = texts_of(figures.to_svg(bars_of(result)))
    values = ["43.6", "43.4", "41.1", "42.6", "39.8", "39.5", "39.6", "40.5"]
    assert values == [text for text in texts if text in values]


@pytest.mark.parametrize("draw", [curves_of, bars_of])
def test_the_same_study_gives_the_same_bytes(draw: Draw, result: StudyResult) -> None:
    """Twice as PNG and twice as SVG, from figures drawn anew and drawn once."""
    first, second = draw(result), draw(result)
    png, svg = figures.to_png(first), figures.to_svg(first)
    assert PNG_SIGNATURE == png[:8]
    assert (png, svg) == (figures.to_png(second), figures.to_svg(second))
    assert (png, svg) == (figures.to_png(first), figures.to_svg(first))


def test_a_users_style_changes_nothing_and_is_left_alone(result: StudyResult) -> None:
    """Figures look the same on every machine."""
    expected = figures.to_svg(curves_of(result))
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 30.0}):
        assert expected == figures.to_svg(curves_of(result))
        assert 30.0 == matplotlib.rcParams["font.size"]


@pytest.mark.parametrize(
    ("points", "low", "high"),
    [((5.0, 6.0), 0.0, 7.2), ((-5.0, -6.0), -7.2, 0.0), ((-2.0, 3.0), -3.0, 4.0), ((0.0, 0.0), 0.0, 0.2)],
)
def test_bars_start_at_zero(points: tuple[float, float], low: float, high: float) -> None:
    """The length of a bar is its value, also where rewards are negative or nothing at all."""
    mean, final = (Interval(low=point, point=point, high=point) for point in points)
    policy = PolicyResult(policy="a", label="Proposed DRL", mean=mean, final=final)
    axes = figures.draw_bars([policy], reward_label="Reward").axes[0]
    assert pytest.approx((low, high)) == axes.get_xlim()


def test_rounding_is_not_blown_up() -> None:
    """Values that agree to a millionth get an axis of a thousandth of their size, at least."""
    curve = Curve(
        policy="a", label="A", epochs=(0, 1), point=(50.0, 50.000001), low=(50.0, 50.0), high=(50.0, 50.0)
    )
    low, high = figures.draw_curves([curve], epoch_label="Epoch", reward_label="Reward").axes[0].get_ylim()
    assert 0.05 <= high - low <= 0.06


def test_one_evaluation_is_a_dot() -> None:
    """A line of one point cannot be seen."""
    curve = Curve(policy="a", label="A", epochs=(0,), point=(5.0,), low=(5.0,), high=(5.0,))
    figure = figures.draw_curves([curve], epoch_label="Epoch", reward_label="Reward")
    assert "o" == figure.axes[0].lines[0].get_marker()
    assert PNG_SIGNATURE == figures.to_png(figure)[:8]


def test_no_interval_is_promised_where_there_is_none(make_result: Callable[..., StudyResult]) -> None:
    """With one seed the key of the whiskers is left out."""
    assert "95 % interval" in texts_of(figures.to_svg(bars_of(make_result())))
    assert "95 % interval" not in texts_of(figures.to_svg(bars_of(make_result(half=0.0))))


def test_dollars_in_a_label_are_dollars(result: StudyResult) -> None:
    """No label is taken for a formula."""
    figure = figures.draw_curves(
        labelled(result, ["$x_1$ per $"]), epoch_label="Epoch", reward_label="Reward, $"
    )
    assert {"$x_1$ per $", "Reward, $"} <= set(texts_of(figures.to_svg(figure)))


def test_further_policies_get_colours_of_their_own(result: StudyResult) -> None:
    """Five more lines beside the paper's four stay apart."""
    labels = [curve.label for curve in result.curves] + [
        "Strongest link",
        "Best expert",
        "Lowest cost",
        "Best given the observation",
        "Highest expectation",
    ]
    figure = figures.draw_curves(labelled(result, labels), epoch_label="Epoch", reward_label="Reward")
    assert 9 == len({line.get_color() for line in figure.axes[0].lines})


@pytest.mark.parametrize("num_policies", [1, 4, 9])
def test_no_word_leaves_the_figure(num_policies: int, result: StudyResult) -> None:
    """Nine long names fit the width of a column, in the legend and beside the bars."""
    labels = (["Best given the observation", "Benchmark (round robin)"] * 5)[:num_policies]
    ends = Interval(low=-7.9125, point=7.9125, high=7.914)
    policies = [PolicyResult(policy=label, label=label, mean=ends, final=ends) for label in labels]
    for figure in (
        figures.draw_curves(
            labelled(result, labels), epoch_label="Epoch (16 prompts)", reward_label="Reward"
        ),
        figures.draw_bars(policies, reward_label="Reward"),
    ):
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert 0.0 <= box.x0 < box.x1 <= width
        assert 0.0 <= box.y0 < box.y1 <= height


def test_a_figure_is_as_wide_as_a_column(result: StudyResult) -> None:
    """3.5 inches at 200 dots per inch."""
    assert 700 == int.from_bytes(figures.to_png(bars_of(result))[16:20])
