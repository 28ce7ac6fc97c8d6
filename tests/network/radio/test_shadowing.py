"""Shadowing of order 1 has Gudmundson's correlation and is exact for any step."""

import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from net4moe.network.radio.shadowing import shadowing_correlation, shadowing_step

CORRELATIONS = {  # by decorrelation distance, after 1, 5, 10 and 20 m
    6: (0.846482, 0.434598, 0.188876, 0.035674),
    10: (0.904837, 0.606531, 0.367879, 0.135335),
    13: (0.925961, 0.680712, 0.463369, 0.214711),
    37: (0.973335, 0.873598, 0.763173, 0.582433),
    50: (0.980199, 0.904837, 0.818731, 0.670320),
}


@pytest.mark.parametrize("decorrelation_m", CORRELATIONS)
def test_correlations_of_the_table(decorrelation_m: int) -> None:
    """Every entry to its last digit."""
    np.testing.assert_allclose(
        CORRELATIONS[decorrelation_m],
        shadowing_correlation(np.array([1.0, 5.0, 10.0, 20.0]), float(decorrelation_m)),
        atol=5.1e-7,
    )


@given(st.floats(0.0, 200.0), st.floats(0.0, 200.0), st.floats(1.0, 100.0), st.floats(0.0, 10.0))
def test_two_steps_are_one(first_m: float, second_m: float, decorrelation_m: float, std_db: float) -> None:
    """What is kept multiplies and what is fresh adds in power, whatever the steps."""

    def step(value_db: float, normal: float, distance_m: float) -> float:
        return float(
            shadowing_step(
                value_db,
                normal,
                distance_moved_m=distance_m,
                decorrelation_m=decorrelation_m,
                std_db=std_db,
            )
        )

    whole_m = first_m + second_m
    assert step(1.0, 0.0, whole_m) == pytest.approx(step(step(1.0, 0.0, first_m), 0.0, second_m), rel=1e-9)
    fresh = math.hypot(step(step(0.0, 1.0, first_m), 0.0, second_m), step(0.0, 1.0, second_m))
    assert step(0.0, 1.0, whole_m) == pytest.approx(fresh, rel=1e-9, abs=1e-12)


def test_two_steps_of_5_m_are_one_of_10_m_in_law() -> None:
    """Over 1e5 links: the spread within 1 %, the correlation within 0.01, the laws alike by KS."""
    draws = np.random.default_rng(7)
    start, *normals = draws.standard_normal((4, 100_000))
    law = {"decorrelation_m": 13.0, "std_db": 7.82}
    before = 7.82 * start
    half = shadowing_step(before, normals[0], distance_moved_m=5.0, **law)
    twice = shadowing_step(half, normals[1], distance_moved_m=5.0, **law)
    once = shadowing_step(before, normals[2], distance_moved_m=10.0, **law)
    critical = 1.628 / math.sqrt(100_000)
    for after in (twice, once):
        assert after.std() == pytest.approx(7.82, rel=0.01)
        assert np.corrcoef(before, after)[0, 1] == pytest.approx(0.463369, abs=0.01)
        assert stats.kstest(after, stats.norm(scale=7.82).cdf).statistic < critical
    assert stats.kstest(twice, once).statistic < critical * math.sqrt(2)


def test_a_changed_state_is_drawn_anew() -> None:
    """Where line of sight came or went nothing of the old value is left, and the new spread holds."""
    value_db = shadowing_step(
        np.array([5.0, 5.0]),
        np.array([1.5, 1.5]),
        distance_moved_m=np.array([0.0, 0.0]),
        decorrelation_m=np.array([10.0, 13.0]),
        std_db=np.array([4.0, 8.0]),
        state_changed=np.array([False, True]),
    )
    np.testing.assert_allclose([5.0, 12.0], value_db)


def test_small_steps_keep_their_spread_in_32_bits() -> None:
    """A step of a millimetre is fresh by sqrt(2 d / d_corr), though the correlation is nearly 1."""
    small = shadowing_step(
        np.zeros(1, np.float32),
        np.ones(1, np.float32),
        distance_moved_m=np.full(1, 1e-6, np.float32),
        decorrelation_m=np.full(1, 10.0, np.float32),
        std_db=np.ones(1, np.float32),
    )
    np.testing.assert_allclose([math.sqrt(2e-7)], small, rtol=1e-5)


def test_jax_and_numpy_agree() -> None:
    """Compiled and mapped, a step is that of NumPy."""
    draws = np.random.default_rng(1)
    value_db, normal = draws.standard_normal((2, 50))
    moved_m, std_db = draws.uniform(0, 30, (2, 50))
    changed = draws.uniform(size=50) < 0.3

    def step(value_db: Any, normal: Any, moved_m: Any, std_db: Any, changed: Any) -> Any:
        return shadowing_step(
            value_db,
            normal,
            distance_moved_m=moved_m,
            decorrelation_m=13.0,
            std_db=std_db,
            state_changed=changed,
        )

    given_ = (value_db, normal, moved_m, std_db, changed)
    with jax.enable_x64(True):
        arrays = [jnp.asarray(array) for array in given_]
        np.testing.assert_allclose(step(*given_), jax.jit(step)(*arrays), rtol=1e-12)
        np.testing.assert_allclose(step(*given_), jax.vmap(step)(*arrays), rtol=1e-12)


@pytest.mark.parametrize(
    ("moved_m", "decorrelation_m", "text"),
    [
        (-1.0, 10.0, "`distance_moved_m` must be finite and at least 0, got -1.0."),
        (math.nan, 10.0, "`distance_moved_m` must be finite and at least 0, got nan."),
        (1.0, 0.0, "`decorrelation_m` must be finite and greater than 0, got 0.0."),
    ],
)
def test_what_cannot_be_is_refused(moved_m: float, decorrelation_m: float, text: str) -> None:
    """The sentence names the argument and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        shadowing_correlation(moved_m, decorrelation_m)
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        shadowing_step(0.0, 0.0, distance_moved_m=moved_m, decorrelation_m=decorrelation_m, std_db=1.0)


def test_a_negative_spread_is_refused() -> None:
    """The sentence names it."""
    text = "`std_db` must be finite and at least 0, got -4.0."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        shadowing_step(0.0, 0.0, distance_moved_m=1.0, decorrelation_m=10.0, std_db=-4.0)
