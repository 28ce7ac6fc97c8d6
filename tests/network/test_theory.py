"""Closed forms have their published values, agree with quadrature and with simulations."""

import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from net4moe.network import theory
from net4moe.network.radio import fading

BRANCHES = (1, 2, 4, 8)
CAPACITIES = {  # bits per complex symbol, by mean SNR of a branch, dB: AWGN, then Rayleigh with L branches
    0: (1.000000, 0.860347, 1.442695, 2.210376, 3.098825),
    5: (2.057373, 1.715974, 2.616031, 3.614929, 4.632445),
    10: (3.459432, 2.906515, 4.058558, 5.181077, 6.250324),
}
BIT_ERRORS = {  # BPSK over Rayleigh fading with 1, 2 and 4 branches
    0: (1.464466e-1, 5.805826e-2, 1.110195e-2),
    10: (2.326871e-2, 1.599101e-3, 9.698281e-6),
    20: (2.481405e-3, 1.844155e-5, 1.319076e-9),
}


def mean_capacity(snr: float, density: Callable[[float], float], greatest: float) -> float:
    """Integrate log2(1 + snr g) over a density of the gain, in the logarithm of the gain."""

    def integrand(log_gain: float) -> float:
        gain = math.exp(log_gain)
        return math.log2(1.0 + snr * gain) * density(gain) * gain

    whole = 0.0
    for low, high in ((-60.0, -10.0), (-10.0, -2.0), (-2.0, 0.0), (0.0, math.log(greatest))):
        whole += integrate.quad(integrand, low, high, epsabs=1e-13, epsrel=1e-11, limit=200)[0]
    return whole


@pytest.mark.parametrize("snr_db", CAPACITIES)
def test_capacities_of_the_table(snr_db: int) -> None:
    """Every entry to 1e-6, half a unit of the last digit printed."""
    snr = 10 ** (snr_db / 10)
    awgn, *rayleigh = CAPACITIES[snr_db]
    assert awgn == pytest.approx(theory.awgn_capacity(snr), abs=6e-7)
    for expected, branches in zip(rayleigh, BRANCHES, strict=True):
        assert expected == pytest.approx(theory.nakagami_capacity(snr, branches=branches), abs=6e-7)


@pytest.mark.parametrize("branches", BRANCHES)
@pytest.mark.parametrize("m", [1, 2, 3])
def test_capacity_over_whole_m_is_a_sum_of_exponential_integrals(m: int, branches: int) -> None:
    """Alouini and Goldsmith's closed form, from -20 to 60 dB."""
    snr = 10.0 ** np.arange(-2.0, 7.0)
    x = m / snr
    orders = np.arange(1, m * branches + 1)[:, None]
    expected = np.exp(x) * special.expn(orders, x).sum(axis=0) / math.log(2)
    np.testing.assert_allclose(expected, theory.nakagami_capacity(snr, m, branches), rtol=1e-11)


@pytest.mark.parametrize("snr_db", [-20, 0, 13, 40])
@pytest.mark.parametrize("m", [0.5, 0.8, 2.5, 17.3])
def test_capacity_over_any_m_is_the_quadrature_over_the_gain(m: float, snr_db: int) -> None:
    """The density of the gamma distribution of mean 1."""
    snr = 10 ** (snr_db / 10)
    expected = mean_capacity(snr, lambda gain: float(stats.gamma.pdf(gain, m, scale=1 / m)), 100.0)
    assert expected == pytest.approx(theory.nakagami_capacity(snr, m), rel=1e-8)


@pytest.mark.parametrize("snr_db", [-20, 0, 13, 40])
@pytest.mark.parametrize("k", [0.0, 1.0, 10**0.9, 100.0])
def test_rician_capacity_is_the_quadrature_over_the_gain(k: float, snr_db: int) -> None:
    """Rice's density of the power, by Bessel's function."""

    def density(gain: float) -> float:
        root = 2 * math.sqrt(k * (1 + k) * gain)
        return (1 + k) * math.exp(-k - (1 + k) * gain + root) * float(special.ive(0, root))

    snr = 10 ** (snr_db / 10)
    assert mean_capacity(snr, density, 60.0) == pytest.approx(theory.rician_capacity(snr, k), rel=1e-8)


def test_capacities_lie_between_their_limits() -> None:
    """Rice without a direct path is Rayleigh; with nothing else it is no fading. No power, no bits."""
    snr = np.array([0.0, 0.01, 1.0, 1e4])
    np.testing.assert_allclose(theory.nakagami_capacity(snr), theory.rician_capacity(snr, 0.0), rtol=1e-12)
    np.testing.assert_allclose(theory.awgn_capacity(snr), theory.rician_capacity(snr, 1e9), rtol=1e-8)
    np.testing.assert_allclose(theory.awgn_capacity(snr), theory.nakagami_capacity(snr, 1e9), rtol=1e-8)
    np.testing.assert_allclose(
        theory.nakagami_capacity(snr, 1.0, 3), theory.rician_capacity(snr, 0.0, 3), rtol=1e-12
    )


def test_outages_of_the_table() -> None:
    """A threshold of 0 dB under a mean of 10 dB."""
    assert theory.nakagami_outage(0.1) == pytest.approx(0.0951626, abs=5e-8)
    assert theory.nakagami_outage(0.1, 2.0) == pytest.approx(0.017523, abs=5e-7)
    assert theory.nakagami_outage(0.1, branches=2) == pytest.approx(4.678840e-3, rel=1e-6)
    assert theory.nakagami_outage(0.1, branches=4) == pytest.approx(3.846834e-6, rel=1e-6)
    assert theory.selection_outage(0.1, 1) == pytest.approx(0.0951626, abs=5e-8)
    assert theory.selection_outage(0.1, 2) == pytest.approx(9.055917e-3, rel=1e-6)
    assert theory.selection_outage(0.1, 4) == pytest.approx(8.200963e-5, rel=1e-6)


@pytest.mark.parametrize("k", [0.1, 1.0, 10.0, 10**0.9])
@pytest.mark.parametrize("ratio", [1e-6, 0.01, 0.1, 1.0])
def test_rician_outage_is_a_series(k: float, ratio: float) -> None:
    """Marcum's function as a Poisson mixture of gamma laws."""
    terms = np.arange(200)
    expected = (stats.poisson.pmf(terms, k) * special.gammainc(terms + 1, (1 + k) * ratio)).sum()
    assert expected == pytest.approx(theory.rician_outage(ratio, k), rel=1e-10)
    assert theory.nakagami_outage(ratio) == pytest.approx(theory.rician_outage(ratio, 0.0), rel=1e-12)


@pytest.mark.parametrize("branches", [1, 2, 4])
def test_outages_are_those_of_simulations(branches: int) -> None:
    """Shares of 1e5 draws, within three standard errors."""
    power = fading.nakagami_power(np.random.default_rng(3), 1.0, (branches, 100_000))
    for ratio in (0.1, 0.5, 1.5):
        for combined, expected in (
            (fading.maximum_ratio(power), theory.nakagami_outage(ratio, branches=branches)),
            (fading.selection(power), theory.selection_outage(ratio, branches)),
        ):
            error = math.sqrt(expected * (1 - expected) / 100_000)
            assert abs((combined < ratio).mean() - expected) <= 3 * error


@pytest.mark.parametrize("snr_db", BIT_ERRORS)
def test_bit_errors_of_the_table(snr_db: int) -> None:
    """Every entry to its last digit."""
    for expected, branches in zip(BIT_ERRORS[snr_db], (1, 2, 4), strict=True):
        assert expected == pytest.approx(theory.rayleigh_bit_error(10 ** (snr_db / 10), branches), rel=1e-6)


def test_bit_errors_without_fading_and_by_alamouti() -> None:
    """10 dB each."""
    assert theory.awgn_bit_error(10.0) == pytest.approx(3.872108e-6, rel=1e-6)
    assert theory.alamouti_bit_error(10.0) == pytest.approx(5.528247e-3, rel=1e-6)
    assert theory.rayleigh_bit_error(0.0, 3) == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("branches", [1, 2, 4])
def test_bit_errors_are_those_of_a_simulation(branches: int) -> None:
    """Bits of BPSK through drawn gains and noise, 2e5 of them, within three standard errors."""
    draws = np.random.default_rng(11)
    snr = 1.0
    gain = fading.maximum_ratio(fading.rician_block_power(draws, 0.0, (branches, 200_000)))
    wrong = np.sqrt(gain * snr) + draws.standard_normal(200_000) * math.sqrt(0.5) < 0
    expected = theory.rayleigh_bit_error(snr, branches)
    assert abs(wrong.mean() - expected) <= 3 * math.sqrt(expected * (1 - expected) / 200_000)


@pytest.mark.parametrize("branches", [1, 2, 4])
@pytest.mark.parametrize("m", [0.5, 1.0, 2.0])
def test_the_diversity_order_is_the_slope(m: float, branches: int) -> None:
    """Outage and bit errors fall by m L decades in a decade of SNR."""
    steep = np.diff(np.log10(theory.nakagami_outage(np.array([1e-4, 1e-5]), m, branches)))[0]
    assert -m * branches == pytest.approx(steep, abs=1e-3)
    errors = np.diff(np.log10(theory.rayleigh_bit_error(np.array([1e4, 1e5]), branches)))[0]
    assert -branches == pytest.approx(errors, abs=1e-3)
    selected = np.diff(np.log10(theory.selection_outage(np.array([1e-4, 1e-5]), branches)))[0]
    assert -branches == pytest.approx(selected, abs=1e-3)


def test_amounts_of_fading() -> None:
    """Rayleigh 1 both ways; a K factor of 9 dB 0.211129."""
    assert theory.rician_amount_of_fading(10**0.9) == pytest.approx(0.211129, abs=5e-7)
    assert theory.rician_amount_of_fading(0.0) == theory.nakagami_amount_of_fading(1.0) == 1.0
    assert theory.nakagami_amount_of_fading(4.0) == 0.25


@pytest.mark.parametrize(
    ("level", "crossings", "duration"),
    [(0.1, 0.248169, 0.040094), (math.sqrt(0.1), 0.717233, 0.132680), (1.0, 0.922137, 0.685495)],
)
def test_level_crossings_of_the_table(level: float, crossings: float, duration: float) -> None:
    """In units of the Doppler frequency; rate times duration is the share of time below."""
    assert crossings == pytest.approx(theory.level_crossing_hz(level, 1.0), abs=5e-7)
    assert duration == pytest.approx(theory.average_fade_duration_s(level, 1.0), abs=5e-7)
    share = theory.level_crossing_hz(level, 30.0) * theory.average_fade_duration_s(level, 30.0)
    assert theory.nakagami_outage(level**2) == pytest.approx(share, rel=1e-12)


def test_clarkes_correlation_of_the_table() -> None:
    """3.5 GHz at 3 and at 30 km/h after 1, 5, 10 and 20 ms; the first zero."""
    lags_s = np.array([1e-3, 5e-3, 10e-3, 20e-3])
    slow, fast = (fading.max_doppler_hz(v / 3.6, 3.5e9) for v in (3.0, 30.0))
    np.testing.assert_allclose(
        [0.999066, 0.976781, 0.908741, 0.659819], theory.clarke_correlation(slow, lags_s), atol=6e-7
    )
    np.testing.assert_allclose(
        [0.908741, -0.278589, 0.180569, 0.096040], theory.clarke_correlation(fast, lags_s), atol=6e-7
    )
    assert theory.clarke_correlation(1.0, 0.382740) == pytest.approx(0.0, abs=2e-6)


def test_the_mean_speed_of_a_random_waypoint_walk() -> None:
    """From 1 to 20 m/s it is 6.34 and not 10.5; where all legs are alike it is theirs."""
    assert theory.waypoint_mean_speed_m_s(1.0, 20.0) == pytest.approx(6.342356, abs=5e-7)
    assert theory.waypoint_mean_speed_m_s(3.0, 3.0) == 3.0
    assert theory.waypoint_mean_speed_m_s(3.0, 3.0 + 1e-9) == pytest.approx(3.0, rel=1e-9)


def test_water_filling_by_hand() -> None:
    """Two of three channels are used."""
    filling = theory.water_filling([1.0, 0.5, 0.1], 3.0)
    assert filling.level_w == pytest.approx(3.0, rel=1e-12)
    np.testing.assert_allclose([2.0, 1.0, 0.0], filling.power_w, rtol=1e-12)
    assert filling.rate == pytest.approx(2.169925, abs=5e-7)


@given(
    st.lists(st.floats(0.0, 100.0), min_size=2, max_size=6).filter(lambda gains: max(gains) > 1e-3),
    st.floats(0.0, 100.0),
    st.integers(0, 2**32 - 1),
)
def test_no_other_filling_carries_more(gains: list[float], power_w: float, seed: int) -> None:
    """All of the power is spread, and a random split never beats it."""
    filling = theory.water_filling(gains, power_w, noise_w=0.3)
    assert filling.power_w.sum() == pytest.approx(power_w, rel=1e-9, abs=1e-9)
    assert (filling.power_w >= 0).all()
    split = np.random.default_rng(seed).dirichlet(np.ones(len(gains))) * power_w
    assert filling.rate >= np.log2(1 + np.array(gains) * split / 0.3).sum() - 1e-9


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: theory.awgn_capacity(math.nan), "`snr` must be finite and at least 0, got nan."),
        (lambda: theory.nakagami_capacity(1.0, 0.4), "`m` must be finite and at least 0.5, got 0.4."),
        (lambda: theory.nakagami_capacity(1.0, 1.0, 0), "`branches` must be at least 1, got 0."),
        (lambda: theory.rician_capacity(1.0, -1.0), "`k_factor` must be finite and at least 0, got -1.0."),
        (
            lambda: theory.rician_outage(-0.1, 1.0),
            "`threshold_ratio` must be finite and at least 0, got -0.1.",
        ),
        (lambda: theory.selection_outage(0.1, 0), "`branches` must be at least 1, got 0."),
        (
            lambda: theory.average_fade_duration_s(0.0, 1.0),
            "`level` must be finite and greater than 0, got 0.0.",
        ),
        (
            lambda: theory.waypoint_mean_speed_m_s(0.0, 1.0),
            "`least_speed_m_s` must be finite and greater than 0, got 0.0.",
        ),
        (lambda: theory.water_filling([0.0], 1.0), "`gain` must hold a number greater than 0, got none."),
    ],
)
def test_what_cannot_be_is_refused(call: Any, text: str) -> None:
    """The sentence names the argument and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
