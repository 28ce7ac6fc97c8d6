"""The polynomials are as close to SciPy as their docstrings say, in both array libraries."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from net4moe.network.normal import cos_turns, normal_quantile, normal_tail


@given(st.floats(1e-12, 1 - 1e-12))
def test_normal_quantile_is_that_of_scipy(probability: float) -> None:
    """The approximation is good to a relative 1e-7 far into both tails, for an array and for a number."""
    assert stats.norm.ppf(probability) == pytest.approx(
        normal_quantile(np.array([probability]))[0], rel=1e-7, abs=1e-9
    )
    assert normal_quantile(np.array([probability]))[0] == normal_quantile(probability)


def test_normal_tail_is_that_of_scipy() -> None:
    """The relative error is below 2.3e-8 as far as 64-bit floats reach, and below 1e-12 the aim is met too."""
    x = np.linspace(-12.0, 37.0, 490_001)
    np.testing.assert_allclose(special.ndtr(-x), normal_tail(x), rtol=2.3e-8, atol=0)
    assert normal_tail(7.1) < 1e-12


def test_normal_tail_at_its_ends() -> None:
    """Nothing exceeds infinity, everything exceeds its opposite, half exceeds 0."""
    np.testing.assert_array_equal([0.0, 1.0, 0.0], normal_tail(np.array([math.inf, -math.inf, 1e300])))
    assert normal_tail(0.0) == pytest.approx(0.5, rel=1e-13)
    assert math.isnan(normal_tail(math.nan))


@given(st.floats(-8, 8), st.floats(-8, 8))
def test_normal_tail_falls(left: float, right: float) -> None:
    """A greater number is exceeded less often, and both sides sum to 1."""
    low, high = sorted((left, right))
    assert normal_tail(low) >= normal_tail(high) - 1e-13
    assert normal_tail(low) + normal_tail(-low) == pytest.approx(1.0, abs=2e-8)


@given(st.floats(1e-12, 0.5))
def test_normal_tail_undoes_the_quantile(probability: float) -> None:
    """The tail beyond the upper quantile is the probability."""
    quantile = -normal_quantile(np.array([probability]))[0]
    assert probability == pytest.approx(normal_tail(quantile), rel=1e-7)


def test_cosine_by_hand() -> None:
    """A whole turn, a quarter, a third and a half."""
    np.testing.assert_allclose(
        [1.0, 0.0, -0.5, -1.0], cos_turns(np.array([3.0, -0.25, 1 / 3, 0.5])), atol=2e-10
    )
    assert cos_turns(0.0) == 1.0


def test_cosine_is_that_of_numpy() -> None:
    """The error is below 1.3e-10 in 64-bit floats, and below 1e-6 in 32-bit floats near 0."""
    x = np.linspace(-3.0, 3.0, 600_001)
    np.testing.assert_allclose(np.cos(2 * np.pi * x), cos_turns(x), rtol=0, atol=1.3e-10)
    short = x[200_000:400_001].astype(np.float32)
    np.testing.assert_allclose(np.cos(2 * np.pi * short.astype(float)), cos_turns(short), rtol=0, atol=1e-6)
    assert np.float32 == cos_turns(short).dtype


@pytest.mark.parametrize("formula", [cos_turns, normal_tail, lambda x: normal_quantile(0.5 + x / 20)])
def test_jax_and_numpy_agree(formula: Any) -> None:
    """Compiled and mapped, the values are those of NumPy."""
    x = np.linspace(-9.0, 9.0, 1001)
    with jax.enable_x64(True):
        compiled = jax.jit(formula)(jnp.asarray(x))
        mapped = jax.vmap(formula)(jnp.asarray(x))
    np.testing.assert_allclose(formula(x), compiled, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(formula(x), mapped, rtol=1e-12, atol=1e-14)
