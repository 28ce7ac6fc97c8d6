"""Where arms lie between cost and score, and which of them nobody beats."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.study.quality import Choice
from net4moe.study.quality.choosing import by_num_draws
from net4moe.study.quality.frontier import frontier, pareto
from tests.study.quality.drawn import choice, draws

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=12)


@pytest.fixture
def rng() -> np.random.Generator:
    """Give the same generator to every test."""
    return np.random.default_rng(2)


def beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Say by the definition whether one point beats another."""
    (cost, score), (other_cost, other_score) = one, other
    return cost <= other_cost and score >= other_score and (cost < other_cost or score > other_score)


@given(POINTS)
def test_the_best_are_those_that_nobody_beats(points: list[tuple[int, int]]) -> None:
    """Against every pair, one by one."""
    costs, scores = (np.array([one[axis] for one in points], np.float64) for axis in (0, 1))
    expected = [not any(beats(other, one) for other in points) for one in points]
    assert expected == pareto(costs, scores).tolist()


@given(POINTS)
def test_whoever_is_beaten_is_beaten_by_one_of_the_best(points: list[tuple[int, int]]) -> None:
    """And the best rise: who costs more scores more."""
    costs, scores = (np.array([one[axis] for one in points], np.float64) for axis in (0, 1))
    kept = [one for one, is_best in zip(points, pareto(costs, scores), strict=True) if is_best]
    assert all(one in kept or any(beats(best, one) for best in kept) for one in points)
    ordered = sorted(set(kept))
    assert all(first[1] < second[1] for first, second in itertools.pairwise(ordered))


def test_more_draws_cost_more_and_score_more(rng: np.random.Generator) -> None:
    """Local with one, two and three draws of 0.25, ours with one of 0.5 that scores as local's best."""
    drawn = [
        *draws("p0", "local", [4.0, 6.0, 5.0]),
        *draws("p1", "local", [6.0, 6.0, 8.0]),
        *draws("p0", "ours", [6.0], cost=0.5),
        *draws("p1", "ours", [8.0], cost=0.5),
    ]
    points = frontier(by_num_draws(drawn), rng)
    assert [
        ("local", 1, 0.25, 5.0, True),
        ("local", 2, 0.5, 6.0, False),
        ("local", 3, 0.75, 7.0, False),
        ("ours", 1, 0.5, 7.0, True),
    ] == [(one.arm, one.num_draws, one.cost.point, one.score.point, one.is_best) for one in points]
    assert {2} == {one.num_prompts for one in points}
    assert (6.0, 8.0) == (points[3].score.low, points[3].score.high)
    assert (0.5, 0.5) == (points[3].cost.low, points[3].cost.high)


def test_an_arm_has_no_point_for_draws_that_it_never_used(rng: np.random.Generator) -> None:
    """Ours, with one draw, is not repeated for two; local with two on one prompt is there with up to two."""
    drawn = [*draws("p0", "ours", [6.0]), *draws("p0", "local", [4.0, 6.0])]
    drawn += [*draws("p1", "ours", [6.0]), *draws("p1", "local", [4.0])]
    points = frontier(by_num_draws(drawn), rng)
    assert [("ours", 1), ("local", 1), ("local", 2)] == [(one.arm, one.num_draws) for one in points]
    assert (0.375, 5.0) == (points[2].cost.point, points[2].score.point)


def test_what_cannot_be_had_beats_nobody(rng: np.random.Generator) -> None:
    """The upper bound lies above and left of everything, and is not one of the best."""
    found = {1: [choice("p0", "ours", 6.0), choice("p0", "upper", 9.0, cost=0.1)]}
    ours, upper = frontier(found, rng, out_of_reach=("upper",))
    assert (True, True) == (ours.is_best, ours.is_reachable)
    assert (False, False) == (upper.is_best, upper.is_reachable)
    (upper_only,) = frontier({1: [found[1][1]]}, rng, out_of_reach={"upper"})
    assert not upper_only.is_best


def test_points_are_over_the_prompts_that_all_have(rng: np.random.Generator) -> None:
    """An arm that left out the hard prompt does not look better for it."""
    found = {1: [choice("p0", "ours", 8.0), choice("p1", "ours", 2.0), choice("p0", "local", 7.0)]}
    ours, local = frontier(found, rng)
    assert (8.0, 7.0, 1) == (ours.score.point, local.score.point, ours.num_prompts)


def test_points_can_be_by_the_judge_that_chose_nothing(rng: np.random.Generator) -> None:
    """What the best of two by one judge is worth to another."""
    found = {1: [choice("p0", "ours", 8.0, held_out=5.0)]}
    assert [5.0] == [one.score.point for one in frontier(found, rng, by="held_out")]


@pytest.mark.parametrize(
    "found",
    [{}, {1: []}, {1: [choice("p0", "ours", 6.0), choice("p1", "local", 6.0)]}],
)
def test_without_a_shared_prompt_there_is_no_frontier(
    found: dict[int, list[Choice]], rng: np.random.Generator
) -> None:
    """Nothing can be compared."""
    assert () == frontier(found, rng)
