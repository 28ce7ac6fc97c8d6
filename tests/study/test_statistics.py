from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from net4moe.study import Interval, statistics

FINITE = st.floats(-100.0, 100.0)


@pytest.fixture
def rng() -> np.random.Generator:
    """Give the same generator to every test."""
    return np.random.default_rng(7)


def test_the_middle_half_is_averaged() -> None:
    """Of eight values two are dropped at each end; up to three give their plain mean."""
    assert 4.5 == statistics.interquartile_mean(np.array([100.0, 3.0, 4.0, 5.0, 6.0, -90.0, 90.0, -100.0]))
    assert 4.0 == statistics.interquartile_mean(np.array([1.0, 2.0, 9.0]))
    assert 7.0 == statistics.interquartile_mean(np.array([7.0]))


@given(hnp.arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 25)), elements=FINITE))
def test_the_interquartile_mean_is_scipys_trimmed_mean(values: np.ndarray) -> None:
    """SciPy's mean without the outer quarters is the same, row by row."""
    expected = stats.trim_mean(values, 0.25, axis=-1)
    np.testing.assert_allclose(expected, statistics.interquartile_mean(values), atol=1e-12)


def test_no_value_has_no_mean() -> None:
    """An empty row is refused."""
    with pytest.raises(ValueError, match=r"^An interquartile mean needs at least 1 value, got 0\.$"):
        statistics.interquartile_mean(np.array([]))


@pytest.mark.parametrize(
    ("low", "point", "high", "text"),
    [
        (2.0, 1.0, 1.0, "`low` must not be above `high`, got 2.0 and 1.0."),
        (0.0, float("nan"), 1.0, "An interval must be finite, got 0.0 to 1.0 around nan."),
        (0.0, 1.0, float("inf"), "An interval must be finite, got 0.0 to inf around 1.0."),
    ],
)
def test_what_is_no_interval_is_refused(low: float, point: float, high: float, text: str) -> None:
    """Ends in the wrong order and numbers that are none are errors."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        Interval(low=low, point=point, high=high)
    assert text == str(caught.value)


def test_two_values_have_a_known_bootstrap(rng: np.random.Generator) -> None:
    """Resamples of 0 and 1 are 0, 1/2 or 1; the outer ones come up a quarter of the time each."""
    assert Interval(low=0.0, point=0.5, high=1.0) == statistics.bootstrap_interval(
        [np.array([0.0, 1.0])], rng
    )


def test_one_seed_has_no_interval(rng: np.random.Generator) -> None:
    """There is nothing to resample."""
    assert Interval(low=3.0, point=3.0, high=3.0) == statistics.bootstrap_interval([np.array([3.0])], rng)


def test_strata_are_resampled_on_their_own(rng: np.random.Generator) -> None:
    """Two scenarios that are constant in themselves leave nothing to chance, pooled they would."""
    low, high = np.zeros(4), np.ones(4)
    assert Interval(low=0.5, point=0.5, high=0.5) == statistics.bootstrap_interval([low, high], rng)
    pooled = statistics.bootstrap_interval([np.concatenate([low, high])], rng)
    assert pooled.low < 0.5 < pooled.high


def test_the_same_generator_gives_the_same_interval() -> None:
    """Numbers can be had again."""
    values = np.arange(10.0)
    first, second = (statistics.bootstrap_interval([values], np.random.default_rng(3)) for _ in range(2))
    assert first == second


def test_the_interval_covers_the_mean_about_as_often_as_it_says(rng: np.random.Generator) -> None:
    """Of 200 samples of 10 normal values, 93 % of the intervals hold the true mean."""
    intervals = [statistics.bootstrap_interval([rng.normal(size=10)], rng) for _ in range(200)]
    covered = sum(interval.low <= 0.0 <= interval.high for interval in intervals)
    assert 0.88 <= covered / 200 <= 0.97


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda rng: statistics.bootstrap_interval([np.ones(3)], rng, num_resamples=999),
            "`num_resamples` must be at least 10000, got 999.",
        ),
        (
            lambda rng: statistics.bootstrap_interval([], rng),
            "A bootstrap needs at least 1 array of values, got 0.",
        ),
        (
            lambda rng: statistics.bootstrap_interval([np.ones((2, 2))], rng),
            "Values to resample must be one row of at least 1 number, got shape (2, 2).",
        ),
        (
            lambda rng: statistics.bootstrap_interval([np.array([1.0, np.nan])], rng),
            "Values to resample must be finite, got nan.",
        ),
        (
            lambda rng: statistics.paired_difference(np.ones(2), np.ones(3), rng),
            "Paired values need the same seeds, got 2 and 3.",
        ),
        (
            lambda rng: statistics.summarise(np.ones(3), rng),
            "`rewards` must have at least 1 seed and 1 evaluation, got shape (3,).",
        ),
        (
            lambda rng: statistics.band(np.array([[1.0, 2.0], [3.0, np.inf]]), rng),
            "`rewards` must be finite, got inf at [1, 1].",
        ),
        (
            lambda rng: statistics.summarise(np.ones((2, 2)), rng, final_share=0.0),
            "`final_share` must be above 0 and at most 1, got 0.0.",
        ),
    ],
)
def test_bad_values_are_refused(
    call: Callable[[np.random.Generator], object], text: str, rng: np.random.Generator
) -> None:
    """Each error is one sentence that names what came."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        call(rng)
    assert text == str(caught.value)


def test_a_summary_averages_each_seed_first(rng: np.random.Generator) -> None:
    """Final is the last twentieth of the evaluations, at least one of them."""
    rewards = np.array([[0.0, 2.0, 4.0], [2.0, 4.0, 12.0]])
    summary = statistics.summarise(rewards, rng)
    assert [2.0, 6.0] == summary.mean_by_seed.tolist()
    assert [4.0, 12.0] == summary.final_by_seed.tolist()
    assert (4.0, 8.0) == (summary.mean.point, summary.final.point)
    assert [3.0, 8.0] == statistics.summarise(rewards, rng, final_share=0.67).final_by_seed.tolist()
    assert [38.5] == statistics.summarise(np.arange(40.0)[None], rng).final_by_seed.tolist()


def test_a_band_is_one_interval_for_each_evaluation(rng: np.random.Generator) -> None:
    """A column on which the seeds agree has no width."""
    band = statistics.band(np.array([[1.0, 0.0], [1.0, 1.0]]), rng)
    assert [1.0, 0.0] == band.low.tolist()
    assert [1.0, 0.5] == band.point.tolist()
    assert [1.0, 1.0] == band.high.tolist()


def test_what_two_policies_share_cancels(rng: np.random.Generator) -> None:
    """Seeds that differ by 100 do not blur a difference of 1."""
    second = np.array([0.0, 100.0, 200.0, 300.0])
    assert Interval(low=1.0, point=1.0, high=1.0) == statistics.paired_difference(second + 1.0, second, rng)


def test_shares_and_gaps_are_ratios(rng: np.random.Generator) -> None:
    """The paper's bars: 98.2 % of the upper bound, 72.4 % of the gap."""
    ours, chance, upper = np.array([42.6]), np.array([40.5]), np.array([43.4])
    share = statistics.share_of(ours, upper, rng)
    gap = statistics.gap_closed(ours, chance, upper, rng)
    assert share is not None
    assert gap is not None
    assert pytest.approx(0.98157, abs=1e-5) == share.point
    assert pytest.approx(0.72414, abs=1e-5) == gap.point


def test_the_ends_of_the_gap_are_0_and_1(rng: np.random.Generator) -> None:
    """Random selection closes nothing, the upper bound everything, on every resample."""
    low, high = np.array([1.0, 2.0, 4.0]), np.array([2.0, 5.0, 6.0])
    assert Interval(low=0.0, point=0.0, high=0.0) == statistics.gap_closed(low, low, high, rng)
    assert Interval(low=1.0, point=1.0, high=1.0) == statistics.gap_closed(high, low, high, rng)


def test_no_gap_has_no_share(rng: np.random.Generator) -> None:
    """A bound of zero or below, or one that is not above the floor, divides nothing."""
    ones = np.ones(3)
    assert statistics.share_of(ones, -ones, rng) is None
    assert statistics.gap_closed(ones, ones, ones, rng) is None


def test_improvement_counts_seeds_with_wilsons_interval() -> None:
    """Two wins, a tie and a loss are 5/8; SciPy has the interval of 7 wins of 10, and of 10 of 10."""
    first = np.array([2.0, 2.0, 1.0, 0.0])
    assert 0.625 == statistics.probability_of_improvement(first, np.ones(4)).point
    for num_wins in (7, 10):
        wins = np.arange(10) < num_wins
        expected = stats.binomtest(num_wins, 10).proportion_ci(method="wilson")
        interval = statistics.probability_of_improvement(wins * 2.0, np.ones(10))
        assert pytest.approx((expected.low, expected.high)) == (interval.low, interval.high)


@given(hnp.arrays(np.float64, st.integers(1, 12), elements=FINITE))
def test_nobody_improves_on_himself(values: np.ndarray) -> None:
    """All ties are one half, and the interval holds it."""
    interval = statistics.probability_of_improvement(values, values)
    assert 0.5 == interval.point
    assert 0.0 <= interval.low < 0.5 < interval.high <= 1.0


@pytest.mark.parametrize(
    ("values", "decimals"),
    [
        ([43.6, 39.5], 1),
        ([7.912, 7.9], 3),
        ([1.0, 1.00001], 4),
        ([500.0, 100.0], 1),
        ([3.0, 3.0], 2),
        ([], 2),
    ],
)
def test_decimals_follow_the_spread(values: list[float], decimals: int) -> None:
    """Values that differ late are written longer."""
    assert decimals == statistics.decimals_to_tell_apart(values)
