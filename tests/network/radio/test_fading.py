"""Fading has its published numbers, its moments and its laws."""

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

from net4moe.network import theory
from net4moe.network.radio import fading

MANY = 100_000
CRITICAL = 1.628 / math.sqrt(MANY)
LAGS = (1, 2, 3, 5, 8, 10)
JAKES = (0.97548, 0.90371, 0.78996, 0.47200, -0.05496, -0.30424)
AR1 = (0.97548, 0.95156, 0.92822, 0.88326, 0.81986, 0.78014)


def test_doppler_and_coherence_time_of_the_table() -> None:
    """3.5 GHz at 3 and 30 km/h."""
    assert fading.max_doppler_hz(3 / 3.6, 3.5e9) == pytest.approx(9.729, abs=5e-4)
    assert fading.max_doppler_hz(30 / 3.6, 3.5e9) == pytest.approx(97.29, abs=5e-3)
    assert fading.coherence_time_s(fading.max_doppler_hz(3 / 3.6, 3.5e9)) == pytest.approx(0.0435, abs=5e-5)
    assert fading.coherence_time_s(fading.max_doppler_hz(30 / 3.6, 3.5e9)) == pytest.approx(4.35e-3, abs=5e-6)
    assert fading.coherence_time_s(1.0) == pytest.approx(0.423, abs=5e-4)
    assert fading.coherence_time_s(0.0) == math.inf


def test_ar1_lags_of_the_table() -> None:
    """For f_D T = 0.05 the process agrees with Jakes at lag 1 and not beyond."""
    coefficient = fading.ar1_coefficient(50.0, 1e-3)
    np.testing.assert_allclose(AR1, coefficient ** np.array(LAGS), atol=6e-6)
    np.testing.assert_allclose(JAKES, theory.clarke_correlation(50.0, np.array(LAGS) * 1e-3), atol=6e-6)


def test_ar1_paths_have_those_lags() -> None:
    """1e5 paths of 12 slots: power 1 throughout, correlations within three standard errors."""
    coefficient = float(fading.ar1_coefficient(50.0, 1e-3))
    noise = np.random.default_rng(3).standard_normal((13, MANY))
    path = fading.ar1_path(noise[0], coefficient, noise[1:])
    for expected, lag in zip(AR1, LAGS, strict=True):
        products = path[11] * path[11 - lag]
        assert expected == pytest.approx(products.mean(), abs=3 * products.std() / math.sqrt(MANY))
    assert stats.kstest(path[11], "norm").statistic < CRITICAL


@given(st.floats(-1.0, 1.0), st.integers(1, 70), st.integers(0, 2**31))
def test_a_path_is_step_by_step(coefficient: float, num_slots: int, seed: int) -> None:
    """Doubling gives what one slot after the other gives, for any length and any coefficient."""
    noise = np.random.default_rng(seed).standard_normal((num_slots + 1, 2))
    value, *fresh = noise
    expected = []
    for normal in fresh:
        value = fading.ar1_step(value, normal, coefficient)
        expected.append(value)
    np.testing.assert_allclose(expected, fading.ar1_path(noise[0], coefficient, noise[1:]), atol=1e-10)


def test_paths_of_a_fleet_may_differ_in_speed() -> None:
    """A coefficient for each device; 1 stands still, 0 forgets."""
    noise = np.random.default_rng(3).standard_normal((1000, 3))
    path = fading.ar1_path(np.array([5.0, 5.0, 5.0]), np.array([1.0, 0.0, 0.9]), noise)
    np.testing.assert_array_equal(np.full(1000, 5.0), path[:, 0])
    np.testing.assert_array_equal(noise[:, 1], path[:, 1])
    assert path.shape == (1000, 3)


@pytest.mark.parametrize("k", [0.0, 1.0, 10**0.9, 30.0])
def test_rician_draws_follow_their_law(k: float) -> None:
    """Mean 1, amount of fading (1 + 2K) / (1 + K)^2, and Marcum's function as a whole."""
    power = fading.rician_block_power(np.random.default_rng(9), k, (MANY,))
    amount = theory.rician_amount_of_fading(k)
    assert power.mean() == pytest.approx(1.0, abs=3 * math.sqrt(amount / MANY))
    spread = ((power - 1.0) ** 2).std() / math.sqrt(MANY)
    assert amount == pytest.approx(power.var(), abs=3 * spread)
    assert stats.kstest(power, lambda x: theory.rician_outage(x, k)).statistic < CRITICAL


@pytest.mark.parametrize("m", [0.5, 1.0, 2.0, 7.5])
@pytest.mark.parametrize("library", ["numpy", "jax"])
def test_nakagami_draws_follow_their_law(m: float, library: str) -> None:
    """Mean 1, amount of fading 1 / m, and the incomplete gamma function as a whole."""
    key = np.random.default_rng(9) if library == "numpy" else jax.random.key(9)
    power = np.asarray(fading.nakagami_power(key, m, (MANY,)), float)
    assert power.mean() == pytest.approx(1.0, abs=3 * math.sqrt(1 / m / MANY))
    spread = ((power - 1.0) ** 2).std() / math.sqrt(MANY)
    assert 1 / m == pytest.approx(power.var(), abs=3 * spread)
    assert stats.kstest(power, lambda x: theory.nakagami_outage(x, m)).statistic < CRITICAL


def test_rician_power_by_hand() -> None:
    """K of 3 keeps sqrt(3)/2 of the direct path and half of the rest; infinity keeps the direct path alone."""
    assert fading.rician_power((1.0, 0.0), 3.0) == pytest.approx((math.sqrt(3) / 2 + 0.5) ** 2, rel=1e-9)
    assert fading.rician_power((1.0, 0.0), 3.0, 0.5) == pytest.approx((math.sqrt(3) / 2 - 0.5) ** 2, rel=1e-8)
    assert fading.rician_power((0.6, 0.8), 0.0) == pytest.approx(1.0, rel=1e-12)
    assert fading.rician_power((9.0, 9.0), math.inf) == pytest.approx(1.0, rel=1e-9)


def test_k_factors_are_log_normal() -> None:
    """9 dB with a spread of 5 dB, as in a street canyon."""
    k = fading.k_factor(9.0, 5.0, np.random.default_rng(2).standard_normal(MANY))
    assert stats.kstest(10 * np.log10(k), stats.norm(9.0, 5.0).cdf).statistic < CRITICAL
    np.testing.assert_allclose([10.0**0.9, 10.0**1.4], fading.k_factor(9.0, 5.0, np.array([0.0, 1.0])))


def test_branches_are_combined_along_the_leading_axis() -> None:
    """The sum of powers, and the greatest."""
    power = np.array([[1.0, 5.0], [2.0, 0.5], [0.25, 0.25]])
    np.testing.assert_array_equal([3.25, 5.75], fading.maximum_ratio(power))
    np.testing.assert_array_equal([2.0, 5.0], fading.selection(power))


def test_combining_lessens_fading() -> None:
    """L branches of Nakagami m are one of m L: mean L, amount of fading 1 / (m L)."""
    power = fading.maximum_ratio(fading.nakagami_power(np.random.default_rng(1), 2.0, (4, MANY))) / 4.0
    assert stats.kstest(power, lambda x: theory.nakagami_outage(x, 8.0)).statistic < CRITICAL


def test_capacities_are_those_of_simulations() -> None:
    """10 dB for each branch, 1e5 draws, within three standard errors."""
    draws = np.random.default_rng(14)
    for expected, gain in (
        (2.906515, fading.nakagami_power(draws, 1.0, (MANY,))),
        (4.058558, fading.maximum_ratio(fading.nakagami_power(draws, 1.0, (2, MANY)))),
        (theory.rician_capacity(10.0, 10**0.9), fading.rician_block_power(draws, 10**0.9, (MANY,))),
    ):
        bits = np.log2(1 + 10.0 * gain)
        assert expected == pytest.approx(bits.mean(), abs=3 * bits.std() / math.sqrt(MANY))


def test_jax_and_numpy_agree() -> None:
    """Compiled and mapped, the values are those of NumPy."""
    draws = np.random.default_rng(5)
    real, imaginary, phase = draws.standard_normal((3, 40))
    k = draws.uniform(0, 10, 40)
    noise = draws.standard_normal((37, 40))
    coefficient = draws.uniform(-1, 1, 40)
    cases: list[tuple[Any, tuple[np.ndarray, ...]]] = [
        (lambda re_, im, k, turns: fading.rician_power((re_, im), k, turns), (real, imaginary, k, phase)),
        (fading.ar1_step, (real, imaginary, coefficient)),
        (fading.max_doppler_hz, (k, k * 1e9)),
        (fading.coherence_time_s, (np.append(k, 0.0),)),
        (lambda normal: fading.k_factor(9.0, 5.0, normal), (real,)),
    ]
    with jax.enable_x64(True):
        for formula, arguments in cases:
            arrays = [jnp.asarray(argument) for argument in arguments]
            np.testing.assert_allclose(formula(*arguments), jax.jit(formula)(*arrays), rtol=1e-12)
            np.testing.assert_allclose(formula(*arguments), jax.vmap(formula)(*arrays), rtol=1e-12)
        for combine in (fading.maximum_ratio, fading.selection):
            np.testing.assert_allclose(combine(noise), jax.jit(combine)(jnp.asarray(noise)), rtol=1e-12)
        path = jax.jit(fading.ar1_path)(jnp.asarray(real), jnp.asarray(coefficient), jnp.asarray(noise))
    np.testing.assert_allclose(fading.ar1_path(real, coefficient, noise), path, rtol=1e-9, atol=1e-12)


def test_draws_from_a_jax_key_may_be_compiled() -> None:
    """The same key gives the same bits, of mean 1."""
    drawn = jax.jit(lambda key: fading.rician_block_power(key, 2.0, (MANY,)))(jax.random.key(3))
    assert float(drawn.mean()) == pytest.approx(1.0, abs=3 * math.sqrt(5 / 9 / MANY))
    np.testing.assert_allclose(drawn, fading.rician_block_power(jax.random.key(3), 2.0, (MANY,)), rtol=1e-4)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: fading.max_doppler_hz(-1.0, 1e9), "`speed_m_s` must be finite and at least 0, got -1.0."),
        (
            lambda: fading.max_doppler_hz(1.0, 0.0),
            "`frequency_hz` must be finite and greater than 0, got 0.0.",
        ),
        (lambda: fading.coherence_time_s(math.nan), "`doppler_hz` must be finite and at least 0, got nan."),
        (lambda: fading.ar1_coefficient(1.0, -1.0), "`slot_s` must be finite and at least 0, got -1.0."),
        (
            lambda: fading.nakagami_power(np.random.default_rng(0), 0.4, (2,)),
            "`m` must be finite and at least 0.5, got 0.4.",
        ),
        (
            lambda: fading.rician_block_power(np.random.default_rng(0), -1.0, (2,)),
            "`k_factor` must be a number and at least 0, got -1.0.",
        ),
        (lambda: fading.k_factor(9.0, -1.0, 0.0), "`std_db` must be finite and at least 0, got -1.0."),
    ],
)
def test_what_cannot_be_is_refused(call: Any, text: str) -> None:
    """The sentence names the argument and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
