"""Tests and intervals by hand, against SciPy and NumPy, and by what must hold for any scores."""

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from net4moe.study import Interval
from net4moe.study.quality import Choice, Chosen, Missing
from net4moe.study.quality.testing import (
    arm_results,
    cohen_dz,
    holm,
    length_controlled,
    mean_interval,
    pair_results,
    paired_bootstrap,
    sign_flip_test,
    wins_ties_losses,
)
from tests.study.quality.drawn import ARMS, choice, choices

DIFFERENCES = hnp.arrays(np.float64, st.integers(1, 15), elements=st.integers(-40, 40).map(lambda n: n / 10))
P_VALUES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=10)


@pytest.fixture
def rng() -> np.random.Generator:
    """Give the same generator to every test."""
    return np.random.default_rng(11)


def generator() -> np.random.Generator:
    """Make one where a test needs it twice."""
    return np.random.default_rng(5)


def test_two_prompts_have_a_known_bootstrap(rng: np.random.Generator) -> None:
    """Means of resamples of 0 and 2 are 0, 1 or 2; the outer ones come up a quarter of the time each."""
    assert Interval(low=0.0, point=1.0, high=2.0) == paired_bootstrap(
        np.array([3.0, 7.0]), np.array([3.0, 5.0]), rng
    )


def test_what_prompts_share_cancels(rng: np.random.Generator) -> None:
    """Hard and easy prompts do not blur a difference of 1; one prompt has no interval."""
    theirs = np.array([1.0, 4.0, 8.0])
    assert Interval(low=1.0, point=1.0, high=1.0) == paired_bootstrap(theirs + 1.0, theirs, rng)
    assert Interval(low=2.5, point=2.5, high=2.5) == mean_interval(np.array([2.5]), rng)


def test_the_bootstrap_agrees_with_a_library(rng: np.random.Generator) -> None:
    """SciPy's percentile interval of 40 paired scores."""
    ours, theirs = rng.normal(6.0, 1.0, 40), rng.normal(5.6, 1.0, 40)
    expected = stats.bootstrap(
        (ours - theirs,), np.mean, n_resamples=20_000, method="percentile", rng=rng
    ).confidence_interval
    interval = paired_bootstrap(ours, theirs, rng, num_resamples=20_000)
    assert pytest.approx((expected.low, expected.high), abs=0.02) == (interval.low, interval.high)
    assert pytest.approx(np.mean(ours) - np.mean(theirs)) == interval.point


def test_the_interval_covers_the_mean_about_as_often_as_it_says(rng: np.random.Generator) -> None:
    """Of 200 samples of 40 skewed differences around 0, some 94 % of the intervals hold 0."""
    intervals = [mean_interval(rng.exponential(size=40) - 1.0, rng) for _ in range(200)]
    assert 0.88 <= sum(one.low <= 0.0 <= one.high for one in intervals) / 200 <= 0.98


def test_the_flip_of_signs_by_hand(rng: np.random.Generator) -> None:
    """1, 2 and 3: only all plus and all minus are as far from 0, two of eight."""
    assert 0.25 == sign_flip_test(np.array([1.0, 2.0, 3.0]), rng)
    assert 0.5 == sign_flip_test(np.array([1.0, 3.0, -0.5]), rng)
    assert 1.0 == sign_flip_test(np.array([0.3]), rng)


def test_prompts_without_a_difference_change_no_probability(rng: np.random.Generator) -> None:
    """Arms share texts where they choose alike: 37 zeros leave the test of three prompts exact."""
    assert 0.25 == sign_flip_test(np.array([1.0, 2.0, 3.0] + [0.0] * 37), rng)
    assert 1.0 == sign_flip_test(np.zeros(40), rng)


@pytest.mark.parametrize("count", [8, 12, 40])
def test_the_flip_of_signs_agrees_with_a_library(count: int, rng: np.random.Generator) -> None:
    """SciPy's permutation test of pairs: exact up to 12 prompts, by draws beyond."""
    differences = rng.normal(0.3, 1.0, count)
    exact = count <= 12
    expected = stats.permutation_test(
        (differences, np.zeros(count)),
        lambda first, second, axis: np.mean(first - second, axis=axis),
        permutation_type="samples",
        n_resamples=2**12 if exact else 20_000,
        vectorized=True,
        rng=rng,
    ).pvalue
    tolerance = 1e-12 if exact else float(5 * np.sqrt(expected * (1 - expected) / 10_000))
    assert pytest.approx(expected, abs=tolerance) == sign_flip_test(differences, rng)


def test_the_least_p_value_of_drawn_signs_is_not_0(rng: np.random.Generator) -> None:
    """What was seen is one of 10,001 outcomes."""
    assert pytest.approx(1 / 10_001) == sign_flip_test(np.full(40, 1.0), rng)


def test_without_a_difference_p_values_are_even(rng: np.random.Generator) -> None:
    """Of 300 tests of pure chance about 5 % are below 0.05."""
    p_values = [sign_flip_test(rng.normal(size=12), rng) for _ in range(300)]
    assert 0.01 <= np.mean(np.array(p_values) < 0.05) <= 0.09


def test_holm_by_hand() -> None:
    """0.01, 0.02, 0.03, 0.5 times 4, 3, 2, 1, never falling; at most 1."""
    np.testing.assert_allclose([0.06, 0.04, 0.5, 0.06], holm([0.02, 0.01, 0.5, 0.03]))
    assert (1.0, 1.0) == holm([0.6, 0.7])


@given(P_VALUES)
def test_holm_keeps_the_order_and_never_helps(p_values: list[float]) -> None:
    """Monotone, at least the raw value, at most Bonferroni's."""
    adjusted = holm(p_values)
    ordered = sorted(zip(p_values, adjusted, strict=True))
    assert all(first[1] <= second[1] for first, second in itertools.pairwise(ordered))
    for raw, corrected in zip(p_values, adjusted, strict=True):
        assert raw <= corrected <= min(1.0, len(p_values) * raw) + 1e-12


def test_an_effect_by_hand(rng: np.random.Generator) -> None:
    """Mean 2, standard deviation 1."""
    effect = cohen_dz(np.array([1.0, 2.0, 3.0]), rng)
    assert effect is not None
    assert pytest.approx(2.0) == effect.point
    assert effect.low <= 2.0 <= effect.high


def test_an_effect_agrees_with_a_library(rng: np.random.Generator) -> None:
    """The t statistic over the root of n, and SciPy's bootstrap of it."""
    differences = rng.normal(0.5, 1.0, 40)
    expected = stats.bootstrap(
        (differences,),
        lambda values, axis: np.mean(values, axis=axis) / np.std(values, axis=axis, ddof=1),
        n_resamples=20_000,
        method="percentile",
        rng=rng,
    ).confidence_interval
    t_statistic, _ = stats.ttest_1samp(differences, 0.0)
    effect = cohen_dz(differences, rng, num_resamples=20_000)
    assert effect is not None
    assert pytest.approx(t_statistic / np.sqrt(40)) == effect.point
    assert pytest.approx((expected.low, expected.high), abs=0.02) == (effect.low, effect.high)


@pytest.mark.parametrize("values", [[0.0, 0.0], [1.0, 1.0, 1.0], [7.1 - 7.0, 6.1 - 6.0, 5.1 - 5.0], [3.0]])
def test_without_spread_there_is_no_effect_size(values: list[float], rng: np.random.Generator) -> None:
    """Nor where only rounding makes one."""
    assert cohen_dz(np.array(values), rng) is None


def test_two_prompts_have_an_effect(rng: np.random.Generator) -> None:
    """Half of the resamples differ alike and are left out."""
    effect = cohen_dz(np.array([1.0, 3.0]), rng)
    assert effect is not None
    assert pytest.approx(np.sqrt(2.0)) == effect.point


def test_an_effect_of_few_differing_prompts_is_an_effect(rng: np.random.Generator) -> None:
    """Resamples without any difference count as 0."""
    effect = cohen_dz(np.array([2.0] + [0.0] * 9), rng)
    assert effect is not None
    assert 0.0 == effect.low
    assert pytest.approx(0.2 / np.sqrt(0.4)) == effect.point


def test_a_tie_is_less_than_a_tenth_of_a_point() -> None:
    """7.1 is better than 7 by a tenth, though a computer finds a little less."""
    assert (2, 3, 1) == wins_ties_losses(np.array([0.5, 7.1 - 7.0, 0.09, 0.0, -0.0999, 6.9 - 7.0]))
    assert (0, 2, 0) == wins_ties_losses(np.array([0.4, -0.4]), tie=0.5)


@settings(max_examples=40)
@given(DIFFERENCES)
def test_swapping_the_arms_negates(differences: np.ndarray) -> None:
    """Points, intervals, effects and counts turn round; the p-value stays."""
    zeros = np.zeros(len(differences))
    one = paired_bootstrap(differences, zeros, generator())
    other = paired_bootstrap(zeros, differences, generator())
    np.testing.assert_allclose(
        [one.low, one.point, one.high], [-other.high, -other.point, -other.low], atol=1e-9
    )
    assert wins_ties_losses(differences) == wins_ties_losses(-differences)[::-1]
    assert len(differences) == sum(wins_ties_losses(differences))
    if np.sum(differences != 0.0) <= 12:
        assert sign_flip_test(differences, generator()) == sign_flip_test(-differences, generator())
    effect, opposite = cohen_dz(differences, generator()), cohen_dz(-differences, generator())
    assert (effect is None) == (opposite is None)
    if effect is not None and opposite is not None:
        assert pytest.approx((effect.low, effect.point, effect.high), abs=1e-9) == (
            -opposite.high,
            -opposite.point,
            -opposite.low,
        )


@settings(max_examples=30)
@given(DIFFERENCES)
def test_a_p_value_is_a_probability(differences: np.ndarray) -> None:
    """Above 0 and at most 1; 1 where the differences cancel."""
    assert 0.0 < sign_flip_test(differences, generator()) <= 1.0
    both_ways = np.concatenate([differences[:6], -differences[:6]])
    assert 1.0 == sign_flip_test(both_ways, generator())


def lengthy(slope: float, noise: float, rng: np.random.Generator) -> list[Choice]:
    """Make up three arms for 30 prompts: levels 0, 1 and 2 above a prompt's, plus points for each doubling."""
    found: list[Choice] = []
    for index in range(30):
        level = rng.normal(4.0, 1.5)
        for number, arm in enumerate(("ours", "local", "all")):
            words = int(60 * 2 ** (rng.uniform(0.0, 2.0) + number))
            score = level + number + slope * np.log2(words / 100) + noise * rng.normal()
            found.append(choice(f"p{index}", arm, float(score), words=words))
    return found


def test_length_is_taken_out(rng: np.random.Generator) -> None:
    """Without noise the slope and the distances between the arms are found exactly."""
    control = length_controlled(lengthy(0.5, 0.0, rng), rng)
    assert pytest.approx(0.5) == control.per_doubling.point
    means = {arm: one.point for arm, one in control.means}
    assert ["ours", "local", "all"] == list(means)
    assert pytest.approx(1.0) == means["local"] - means["ours"]
    assert pytest.approx(1.0) == means["all"] - means["local"]


def test_the_regression_agrees_with_least_squares(rng: np.random.Generator) -> None:
    """NumPy's, with a column for each prompt, each further arm and the length; some choices are missing."""
    found = [one for index, one in enumerate(lengthy(0.4, 0.7, rng)) if index % 7]
    prompts, arms = sorted({one.prompt_id for one in found}), ["ours", "local", "all"]
    lengths = np.array([np.log2(one.draw.words) for one in found])
    columns = [[float(one.prompt_id == prompt) for one in found] for prompt in prompts]
    columns += [[float(one.arm == arm) for one in found] for arm in arms[1:]]
    design = np.column_stack([*columns, lengths - lengths.mean()])
    solved, *_ = np.linalg.lstsq(design, np.array([one.value for one in found]), rcond=None)
    level = solved[: len(prompts)].mean()
    expected = [level, level + solved[len(prompts)], level + solved[len(prompts) + 1]]
    control = length_controlled(found, rng)
    assert pytest.approx(solved[-1]) == control.per_doubling.point
    assert pytest.approx(2.0 ** lengths.mean()) == control.words
    means = dict(control.means)
    assert pytest.approx(expected) == [means[arm].point for arm in arms]
    assert all(one.low < one.point < one.high for one in means.values())


def test_the_bootstrap_of_the_regression_refits_it(rng: np.random.Generator) -> None:
    """Against a loop that copies the drawn prompts and fits each copy anew, within the noise of both."""
    found = lengthy(0.4, 0.7, rng)
    control = length_controlled(found, rng)
    center = np.log2(control.words)
    by_prompt = [found[index : index + 3] for index in range(0, len(found), 3)]
    slopes, firsts = [], []
    for _ in range(400):
        drawn = [by_prompt[index] for index in rng.integers(30, size=30)]
        y = np.array([[one.value for one in row] for row in drawn])
        x = np.array([[np.log2(one.draw.words) for one in row] for row in drawn]) - center
        rest_x, rest_y = (
            z - z.mean(axis=0) - z.mean(axis=1, keepdims=True) + z.mean() for z in (x, y)
        )  # balanced: arms and prompts go out by their means
        slopes.append(np.sum(rest_x * rest_y) / np.sum(rest_x**2))
        firsts.append(np.mean(y[:, 0] - slopes[-1] * x[:, 0]))
    ours = dict(control.means)["ours"]
    assert pytest.approx(np.percentile(slopes, [2.5, 97.5]), abs=0.08) == [
        control.per_doubling.low,
        control.per_doubling.high,
    ]
    assert pytest.approx(np.percentile(firsts, [2.5, 97.5]), abs=0.2) == [ours.low, ours.high]


def test_equal_lengths_leave_the_means_alone(rng: np.random.Generator) -> None:
    """There is no slope to be had."""
    control = length_controlled(choices({"ours": [6.0, 7.0, 8.0], "local": [5.0, 5.0, 5.0]}), rng)
    assert Interval(low=0.0, point=0.0, high=0.0) == control.per_doubling
    means = dict(control.means)
    assert pytest.approx((7.0, 5.0)) == (means["ours"].point, means["local"].point)
    assert pytest.approx(100.0) == control.words


def test_lengths_that_follow_from_the_arm_leave_the_means_alone(rng: np.random.Generator) -> None:
    """An arm that is always twice as long is better for its length or for itself; nobody can tell."""
    found = [
        *choices({"ours": [6.0, 7.0, 9.0]}, words=200),
        *choices({"local": [5.0, 5.0, 5.0]}, words=100),
    ]
    control = length_controlled(found, rng)
    assert 0.0 == control.per_doubling.point
    assert pytest.approx(22.0 / 3.0) == dict(control.means)["ours"].point


def test_an_arm_that_answered_easy_prompts_only_is_read_on_all(rng: np.random.Generator) -> None:
    """Ours has 8 and 2, the other arm 9 on the first alone: one more, so 6 against 5."""
    means = dict(length_controlled(choices({"ours": [8.0, 2.0], "local": [9.0]}), rng).means)
    assert pytest.approx((5.0, 6.0)) == (means["ours"].point, means["local"].point)


def test_one_choice_and_an_empty_text_have_a_length(rng: np.random.Generator) -> None:
    """A text of no word counts as one."""
    control = length_controlled([choice("p0", "ours", 6.0, words=0)], rng)
    assert 1.0 == control.words
    assert (("ours", Interval(low=6.0, point=6.0, high=6.0)),) == control.means


def test_results_are_means_over_what_was_answered(rng: np.random.Generator) -> None:
    """Two prompts of ours, one of local, and an arm that could pay nothing."""
    found = Chosen(
        choices=(
            choice("p0", "ours", 6.0, num_draws=2, words=100, held_out=5.0),
            choice("p1", "ours", 8.0, words=300),
            choice("p0", "local", 5.0),
        ),
        missing=(
            Missing(prompt_id="p1", arm="local", why="unscored"),
            Missing(prompt_id="p0", arm="all", why="unanswered"),
            Missing(prompt_id="p1", arm="all", why="unanswered"),
        ),
    )
    ours, local, everyone = arm_results(ARMS, found, rng)
    assert ours.mean == Interval(low=6.0, point=7.0, high=8.0)
    assert ours.held_out == Interval(low=5.0, point=5.0, high=5.0)
    assert (200.0, 1.5, 150.0, 3.0, 0.75) == (ours.words, ours.calls, ours.tokens, ours.joules, ours.air_s)
    assert (0.375, 6.625) == (ours.cost, ours.reward)
    assert (2, 0, 0) == (ours.num_answered, ours.num_unanswered, ours.num_unscored)
    assert (1, 0, 1) == (local.num_answered, local.num_unanswered, local.num_unscored)
    assert local.held_out is None
    assert (None, None, None, None) == (
        everyone.mean,
        everyone.held_out,
        everyone.length_controlled,
        everyone.reward,
    )
    assert (0.0, 0, 2) == (everyone.calls, everyone.num_answered, everyone.num_unanswered)


def test_nothing_answered_is_no_result_of_anyone(rng: np.random.Generator) -> None:
    """No mean, and no pair."""
    found = Chosen(choices=(), missing=(Missing(prompt_id="p0", arm="ours", why="unscored"),))
    assert [None] * 3 == [one.mean for one in arm_results(ARMS, found, rng)]
    assert () == pair_results(ARMS, found, rng, ours="ours")


def test_pairs_are_over_shared_prompts(rng: np.random.Generator) -> None:
    """Ours is 1, 2 and 3 above local, level with all on the two prompts that all answered."""
    found = Chosen(
        choices=tuple(choices({"ours": [6.0, 6.0, 6.0], "local": [5.0, 4.0, 3.0], "all": [6.0, 6.05]})),
        missing=(Missing(prompt_id="p2", arm="all", why="unscored"),),
    )
    local, everyone = pair_results(ARMS, found, rng, ours="ours")
    assert ("local", 2.0, 0.25, 0.5) == (local.arm, local.difference.point, local.p_value, local.p_holm)
    assert (3, 0, 0, 3, 0) == (local.wins, local.ties, local.losses, local.num_prompts, local.num_left_out)
    assert local.effect is not None
    assert pytest.approx(2.0) == local.effect.point
    assert pytest.approx(-0.025) == everyone.difference.point
    assert (1.0, 1.0) == (everyone.p_value, everyone.p_holm)
    assert (0, 2, 0, 2, 1) == (
        everyone.wins,
        everyone.ties,
        everyone.losses,
        everyone.num_prompts,
        everyone.num_left_out,
    )


def test_pairs_can_be_by_the_judge_that_chose_nothing(rng: np.random.Generator) -> None:
    """Prompts that it did not score are left out."""
    found = Chosen(
        choices=(
            choice("p0", "ours", 9.0, held_out=4.0),
            choice("p1", "ours", 9.0),
            choice("p0", "local", 3.0, held_out=6.0),
            choice("p1", "local", 3.0, held_out=6.0),
        ),
        missing=(),
    )
    (local,) = pair_results(ARMS[:2], found, rng, ours="ours", by="held_out")
    assert (-2.0, 1, 1) == (local.difference.point, local.num_prompts, local.num_left_out)


def test_the_same_generator_gives_the_same_numbers(rng: np.random.Generator) -> None:
    """Numbers can be had again."""
    found = Chosen(choices=tuple(lengthy(0.3, 1.0, rng)), missing=())
    assert arm_results(ARMS, found, generator()) == arm_results(ARMS, found, generator())
    assert pair_results(ARMS, found, generator(), ours="ours") == pair_results(
        ARMS, found, generator(), ours="ours"
    )


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda rng: mean_interval(np.ones(3), rng, num_resamples=999),
            "`num_resamples` must be at least 10000, got 999.",
        ),
        (
            lambda rng: mean_interval(np.array([]), rng),
            "Scores must be one row of at least 1 finite number, got [].",
        ),
        (
            lambda rng: sign_flip_test(np.array([1.0, np.nan]), rng),
            "Scores must be one row of at least 1 finite number, got [1.0, nan].",
        ),
        (
            lambda rng: paired_bootstrap(np.ones(2), np.ones(3), rng),
            "Paired scores need the same prompts, got 2 and 3.",
        ),
        (
            lambda rng: length_controlled([], rng),
            "Length needs at least 1 choice, and at most 1 of each arm for a prompt.",
        ),
        (
            lambda rng: length_controlled([choice("p0", "ours", 1.0)] * 2, rng),
            "Length needs at least 1 choice, and at most 1 of each arm for a prompt.",
        ),
        (
            lambda rng: pair_results(ARMS, Chosen(choices=(), missing=()), rng, ours="us"),
            "`ours` must be one of ours, local, all, got 'us'.",
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
