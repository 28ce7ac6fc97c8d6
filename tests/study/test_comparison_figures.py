"""The figures say what they show, in the records' words, and are the same bytes each time."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from net4moe.study import figures
from net4moe.study.comparison_figures import chosen_scores, draw_learning, draw_profiles, draw_scores
from net4moe.study.comparison_records import ComparisonResult
from net4moe.study.comparison_results import compared_result
from tests.study.comparisons import certificates, two_scenarios


@pytest.fixture(scope="module")
def result() -> ComparisonResult:
    """Score the small versions."""
    return compared_result(two_scenarios(), certificates(), np.random.default_rng(0))


def texts_of(figure: Figure) -> list[str]:
    """List the texts of a figure."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", figures.to_svg(figure).decode())


def test_learning_has_a_panel_for_each_scenario(result: ComparisonResult) -> None:
    """Names, the agent, the two levels and the axes."""
    texts = texts_of(draw_learning(result.curves))
    for wanted in ("plain", "harder", "SAC", "optimum", "best heuristic", "choices made in training"):
        assert wanted in texts


def test_scores_far_below_zero_are_said_in_numbers(result: ComparisonResult) -> None:
    """Chance scores -2.5, which is left of the axis."""
    texts = texts_of(draw_scores(result.policy_scores))
    assert "← −2.5" in texts
    for wanted in ("SAC", "Hysteresis, 0.5", "LinUCB", "trained", "heuristic", "yardstick"):
        assert wanted in texts


def test_profiles_name_the_agents_and_the_best_of_each_kind(result: ComparisonResult) -> None:
    """One heuristic, one yardstick, one that learns while it plays."""
    texts = texts_of(draw_profiles(result.policy_scores))
    assert {"SAC", "Hysteresis, 0.5", "LinUCB", "Best immediate reward"} <= set(texts)
    assert not {"Cool devices first, 0.5", "Random selection"} & set(texts)


def test_tables_and_figures_leave_out_heuristics_beyond_the_best(result: ComparisonResult) -> None:
    """Six rules at most; everything else stays, in order."""
    rule = next(one for one in result.policy_scores if one.kind == "rule")
    rules = tuple(replace(rule, policy=f"cool {k}") for k in range(8))
    others = tuple(one for one in result.policy_scores if one.kind != "rule")
    assert (*rules[:6], *others) == chosen_scores((*rules, *others))


@pytest.mark.parametrize(
    "draw",
    [
        lambda result: draw_learning(result.curves),
        lambda result: draw_scores(result.policy_scores),
        lambda result: draw_profiles(result.policy_scores),
    ],
)
def test_the_same_records_give_the_same_bytes(
    result: ComparisonResult, draw: Callable[[ComparisonResult], Figure]
) -> None:
    """PNG and SVG."""
    first, second = draw(result), draw(result)
    assert figures.to_png(first) == figures.to_png(second)
    assert figures.to_svg(first) == figures.to_svg(second)
