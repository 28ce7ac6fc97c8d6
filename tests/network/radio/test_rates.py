"""Rates by hand, from published tables and against slow references."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from net4moe.network import shannon_rate_bps
from net4moe.network.radio.rates import (
    M_2101_DOWNLINK,
    M_2101_UPLINK,
    SHANNON,
    TR_36_942_DOWNLINK,
    TR_36_942_UPLINK,
    TruncatedShannon,
    channel_dispersion,
    finite_blocklength_error,
    finite_blocklength_rate,
    rate_bps,
    truncated_shannon_rate_bps,
)
from net4moe.units import db_to_linear

ONE_HZ = np.array([1.0])
POSITIVE = st.floats(0, exclude_min=True, max_value=1e12)


@pytest.mark.parametrize(
    ("snr_db", "bits_per_hz"), [(0, 1.0), (10, 3.459432), (20, 6.658211), (30, 9.967226)]
)
def test_published_values(snr_db: float, bits_per_hz: float) -> None:
    """A link at 0 dB carries 1 bit/s in 1 Hz, and so on."""
    rate = shannon_rate_bps(np.array([db_to_linear(snr_db)]), ONE_HZ)
    np.testing.assert_allclose([bits_per_hz], rate, rtol=1e-6)
    assert bits_per_hz == pytest.approx(float(shannon_rate_bps(db_to_linear(snr_db), 1.0)), rel=1e-6)


def test_a_dead_link_carries_nothing() -> None:
    """Without signal the rate is 0."""
    np.testing.assert_array_equal([0.0], shannon_rate_bps(np.array([0.0]), np.array([1e4])))


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1, 1e9))
def test_more_signal_or_bandwidth_never_hurts(snr: float, extra: float, bandwidth_hz: float) -> None:
    """The rate is finite, not negative, and grows with both."""
    rate = shannon_rate_bps(np.array([snr, snr + extra, snr]), np.array([1.0, 1.0, 2.0]) * bandwidth_hz)
    assert np.all(np.isfinite(rate))
    assert rate[0] >= 0
    assert rate[1] >= rate[0]
    assert rate[2] >= rate[0]
    assert bandwidth_hz * math.log2(1 + snr) == pytest.approx(rate[0], rel=1e-6, abs=bandwidth_hz * 1e-15)


@given(st.floats(0, exclude_min=True, max_value=1e3, allow_subnormal=True), POSITIVE)
def test_a_slow_link_is_not_a_dead_one(efficiency: float, bandwidth_hz: float) -> None:
    """However small efficiency and bandwidth are, the rate stays greater than 0; in 32-bit floats as well."""
    assert rate_bps(np.array(efficiency), np.array(bandwidth_hz)) > 0
    short = np.array([efficiency, bandwidth_hz]).astype(np.float32)
    if short[0] > 0:
        rate = rate_bps(short[0], short[1])
        assert rate.dtype == np.float32
        assert rate > 0


@pytest.mark.parametrize(
    ("curve", "snr_db", "bits_per_hz"),
    [
        (TR_36_942_DOWNLINK, -10.001, 0.0),
        (TR_36_942_DOWNLINK, -10, 0.0825),
        (TR_36_942_DOWNLINK, 0, 0.6),
        (TR_36_942_DOWNLINK, 5, 1.23442),
        (TR_36_942_DOWNLINK, 10, 2.07566),
        (TR_36_942_DOWNLINK, 15, 3.01668),
        (TR_36_942_DOWNLINK, 20, 3.99493),
        (TR_36_942_DOWNLINK, 22.0485, 4.4),
        (TR_36_942_DOWNLINK, 60, 4.4),
        (TR_36_942_UPLINK, 0, 0.4),
        (TR_36_942_UPLINK, 14.9136, 2.0),
        (TR_36_942_UPLINK, 60, 2.0),
        (M_2101_DOWNLINK, 30, 5.9803),
        (M_2101_DOWNLINK, 60, 5.9803),
        (M_2101_UPLINK, 22, 2.9269),
        (M_2101_UPLINK, 60, 2.9269),
    ],
)
def test_truncated_curves(curve: TruncatedShannon, snr_db: float, bits_per_hz: float) -> None:
    """3GPP TR 36.942, Annex A, and its variant in studies after ITU-R M.2101, to the digits published."""
    rate = truncated_shannon_rate_bps(np.array([db_to_linear(snr_db)]), ONE_HZ, curve)
    np.testing.assert_allclose([bits_per_hz], rate, rtol=3e-5)


def test_a_curve_without_limits_is_the_capacity() -> None:
    """Attenuation 1, no least signal and no cap give Shannon's rate."""
    snr = np.array([0.0, 0.01, 1.0, 1e4])
    np.testing.assert_allclose(
        shannon_rate_bps(snr, 1e6), truncated_shannon_rate_bps(snr, 1e6, SHANNON), rtol=1e-15
    )


@pytest.mark.parametrize(
    ("snr_db", "dispersion", "rates"),
    [
        (0, 1.561027, (0.647122, 0.500359, 0.642321, 0.836478)),
        (5, 1.961229, (1.657824, 1.493321, 1.654148, 1.873482)),
        (10, 2.064168, (3.048671, 2.879905, 3.045265, 3.270647)),
    ],
)
def test_blocks_of_few_symbols(snr_db: float, dispersion: float, rates: tuple[float, ...]) -> None:
    """Dispersion and normal approximation on complex symbols; a longer block or more errors carry more."""
    snr = db_to_linear(float(snr_db))
    assert dispersion == pytest.approx(channel_dispersion(snr), abs=1e-6)
    num_symbols, errors = np.array([100, 100, 200, 1000.0]), np.array([1e-3, 1e-5, 1e-5, 1e-5])
    rate = finite_blocklength_rate(snr, num_symbols, errors)
    np.testing.assert_allclose(rates, rate, atol=1e-6)
    np.testing.assert_allclose(errors, finite_blocklength_error(snr, num_symbols, rate), rtol=1e-5)


def test_real_symbols_are_half() -> None:
    """Two real symbols are a complex one: half of capacity and dispersion, as the SPECTRE toolbox counts."""
    snr, num_symbols, error = 3.0, 500.0, 1e-4
    capacity = 0.5 * math.log2(1 + snr)
    dispersion = snr * (snr + 2) / (2 * (snr + 1) ** 2) * math.log2(math.e) ** 2
    pairs = num_symbols / 2
    per_real_symbol = (
        capacity
        - math.sqrt(dispersion / num_symbols) * norm.isf(error)
        + math.log2(pairs) / (2 * num_symbols)
    )
    assert 2 * per_real_symbol == pytest.approx(float(finite_blocklength_rate(snr, pairs, error)), rel=1e-8)


@given(st.floats(-30, 40), st.floats(10, 1e5), st.floats(1e-9, 0.999))
def test_blocklength_against_a_slow_reference(snr_db: float, num_symbols: float, error: float) -> None:
    """The formula written with SciPy's normal distribution, cut off at 0."""
    snr = 10 ** (snr_db / 10)
    spread = math.sqrt(snr * (snr + 2) / (snr + 1) ** 2 / num_symbols) / math.log(2)
    expected = math.log2(1 + snr) - spread * norm.isf(error) + math.log2(num_symbols) / (2 * num_symbols)
    rate = float(finite_blocklength_rate(snr, num_symbols, error))
    assert max(expected, 0.0) == pytest.approx(rate, rel=1e-7, abs=1e-8)


@given(st.floats(-30, 40), st.floats(0, 10), st.floats(10, 1e5), st.floats(0.2, 8))
def test_errors_fall_with_signal(snr_db: float, extra_db: float, num_symbols: float, rate: float) -> None:
    """A probability, and more signal never makes it larger, for rates above log2(n) / (2 n)."""
    snr = db_to_linear(np.array([snr_db, snr_db + extra_db]))
    error = finite_blocklength_error(snr, num_symbols, rate)
    assert np.all((error >= 0) & (error <= 1))
    assert error[1] <= error[0] + 1e-12


def test_jax_agrees_with_numpy() -> None:
    """Compiled, batched and eager, to 1e-6."""
    rng = np.random.default_rng(0)
    snr = db_to_linear(rng.uniform(-20, 30, (5, 3)))
    rates = (
        lambda snr: shannon_rate_bps(snr, 1e6),
        lambda snr: truncated_shannon_rate_bps(snr, 1e6, TR_36_942_DOWNLINK),
        lambda snr: finite_blocklength_rate(snr, 200.0, 1e-5),
        lambda snr: finite_blocklength_error(snr, 200.0, 1.0),
    )
    with jax.enable_x64(True):
        for formula in rates:
            expected = formula(snr)
            for compiled in (jax.jit(formula), jax.vmap(formula)):
                np.testing.assert_allclose(expected, compiled(jnp.asarray(snr)), rtol=1e-6, atol=1e-300)


def test_refused_curves() -> None:
    """Each sentence names what is wrong."""
    with pytest.raises(ValueError, match=r"^`attenuation` must be greater than 0 and at most 1, got 1.5\.$"):
        TruncatedShannon(attenuation=1.5)
    with pytest.raises(ValueError, match=r"^`least_snr_db` must be a number less than infinity, got nan\.$"):
        TruncatedShannon(least_snr_db=math.nan)
    with pytest.raises(
        ValueError, match=r"^`greatest_efficiency` must be a number and greater than 0, got 0.0\.$"
    ):
        TruncatedShannon(greatest_efficiency=0.0)


def test_refused_arguments() -> None:
    """Numbers that mean nothing are refused with the first of them."""
    with pytest.raises(ValueError, match=r"^`snr` must be finite and at least 0, got -1.0\.$"):
        shannon_rate_bps(np.array([1.0, -1.0]), 1.0)
    with pytest.raises(ValueError, match=r"^`bandwidth_hz` must be finite and greater than 0, got 0.0\.$"):
        shannon_rate_bps(1.0, 0.0)
    with pytest.raises(ValueError, match=r"^`snr` must be finite and at least 0, got nan\.$"):
        truncated_shannon_rate_bps(math.nan, 1.0, SHANNON)
    with pytest.raises(ValueError, match=r"^`num_symbols` must be finite and at least 1, got 0.0\.$"):
        finite_blocklength_rate(1.0, 0.0, 0.1)
    with pytest.raises(
        ValueError, match=r"^`error_probability` must be finite and greater than 0, got 0.0\.$"
    ):
        finite_blocklength_rate(1.0, 100.0, 0.0)
    with pytest.raises(
        ValueError, match=r"^`1 - error_probability` must be finite and greater than 0, got 0.0\.$"
    ):
        finite_blocklength_rate(1.0, 100.0, 1.0)
    with pytest.raises(ValueError, match=r"^`rate` must be finite and greater than 0, got 0.0\.$"):
        finite_blocklength_error(1.0, 100.0, 0.0)
