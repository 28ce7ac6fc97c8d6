"""Profiles, gaps, tails and corrections by hand, and against their definitions."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from net4moe.study.score_statistics import (
    holm,
    optimality_gap,
    performance_profile,
    sign_test,
    worst_mean,
)

SCORES = [np.array([0.5, 1.5]), np.array([0.0, 1.0, 0.25, -1.0])]


def generator() -> np.random.Generator:
    """Make the same random numbers each time."""
    return np.random.default_rng(0)


def test_the_optimality_gap_counts_nothing_above_one() -> None:
    """0.5, 0, 1, 0, 0.75 and 2 are missing: 4.25 / 6."""
    gap = optimality_gap(SCORES, generator())
    assert pytest.approx(4.25 / 6) == gap.point
    assert gap.low < gap.point < gap.high


def test_a_bootstrap_of_the_gap_agrees_with_drawing_rows() -> None:
    """Counts of rows times values, against drawing indices: both ends within their own noise."""
    scores = [np.linspace(-0.5, 1.2, 10), np.linspace(0.1, 0.9, 7)]
    gap = optimality_gap(scores, generator(), num_resamples=20_000)
    rng = np.random.default_rng(1)
    drawn = [
        np.concatenate(
            [1 - np.minimum(values[rng.integers(len(values), size=len(values))], 1) for values in scores]
        )
        for _ in range(20_000)
    ]
    low, high = np.percentile(np.mean(drawn, axis=1), [2.5, 97.5])
    assert pytest.approx(low, abs=0.01) == gap.low
    assert pytest.approx(high, abs=0.01) == gap.high


def test_a_profile_counts_the_runs_above_each_threshold() -> None:
    """Above -2 all, above 0 four of six (0 itself is not), above 1 one."""
    low, point, high = performance_profile(SCORES, np.array([-2.0, 0.0, 1.0, 1.5]), generator())
    np.testing.assert_allclose([1.0, 4 / 6, 1 / 6, 0.0], point)
    assert np.all(low <= point)
    assert np.all(point <= high)


def test_holm_by_hand() -> None:
    """0.01, 0.03, 0.04 become 0.03, 0.06, 0.06, in the order in which they came."""
    np.testing.assert_allclose([0.06, 0.03, 0.06], holm([0.04, 0.01, 0.03]))
    assert () == holm([])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_rejects_what_the_stepwise_rule_rejects(p_values: list[float]) -> None:
    """Going up from the smallest, each is held against 0.05 over how many are left; the first miss ends it."""
    adjusted = holm(p_values)
    rejected, left = set(), sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(left):
        if (len(p_values) - rank) * p_values[index] > 0.05:
            break
        rejected.add(index)
    assert rejected == {index for index, p in enumerate(adjusted) if p <= 0.05}
    assert all(p <= q for p, q in zip(p_values, adjusted, strict=True))


def test_the_sign_test_by_hand() -> None:
    """Three equal differences: two of eight signs are as extreme. A difference of nothing says nothing."""
    assert 0.25 == sign_test(np.array([1.0, 1.0, 1.0]), generator())
    assert 1.0 == sign_test(np.zeros(4), generator())
    assert 2 / 2**10 == sign_test(np.linspace(1, 2, 10), generator())


def test_the_sign_test_agrees_with_a_library() -> None:
    """SciPy's permutation test of pairs, exact; and random signs come near the exact value."""
    differences = np.random.default_rng(3).normal(0.4, 1.0, 11)
    exact = stats.permutation_test(
        (differences, np.zeros(11)),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        permutation_type="samples",
        n_resamples=2**11,
        vectorized=True,
    ).pvalue
    assert pytest.approx(exact) == sign_test(differences, generator())
    long = np.random.default_rng(4).normal(0.3, 1.0, 16)
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=16)))
    share = np.mean(np.abs(signs @ long) >= abs(long.sum()) - 1e-12)
    assert pytest.approx(share, abs=3 * np.sqrt(share / 20_000)) == sign_test(
        long, generator(), num_resamples=20_000
    )


def test_the_worst_share_is_averaged() -> None:
    """5 % of 40 are the two lowest; of ten, the lowest."""
    assert 0.5 == worst_mean(np.arange(40.0).reshape(4, 10))
    assert -3.0 == worst_mean(np.array([1.0] * 9 + [-3.0]))
    assert 19.5 == worst_mean(np.arange(40.0), 1.0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: holm([0.1, 1.5]), "`p_values` must be from 0 to 1, got 1.5."),
        (lambda: worst_mean(np.ones(3), 0.0), "`share` must be above 0 and at most 1, got 0.0."),
        (lambda: optimality_gap([], generator()), "Scores must be at least 1 row of at least 1 number each."),
        (
            lambda: performance_profile([np.array([np.nan])], np.zeros(1), generator()),
            "Scores must be finite.",
        ),
    ],
)
def test_bad_numbers_are_refused(call, text: str) -> None:  # noqa: ANN001
    """The sentence says what must hold."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
