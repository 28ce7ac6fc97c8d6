"""Closed forms of fading, error rates and power: what a simulation is held against.

For studies and tests, in NumPy and SciPy and 64-bit floats; numbers and arrays alike. SciPy comes with the
study extra, so the room does not offer this module: import it by its own name.

All gains have mean 1. A ratio is linear, `outage` functions take the threshold over the mean SNR of one
branch, and `branches` are combined by maximum ratio unless a name says otherwise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import special as _special  # pyright: ignore[reportMissingTypeStubs]
from scipy import stats as _stats  # pyright: ignore[reportMissingTypeStubs]

from net4moe.network.arrays import check

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Filling",
    "alamouti_bit_error",
    "average_fade_duration_s",
    "awgn_bit_error",
    "awgn_capacity",
    "clarke_correlation",
    "level_crossing_hz",
    "nakagami_amount_of_fading",
    "nakagami_capacity",
    "nakagami_outage",
    "rayleigh_bit_error",
    "rician_amount_of_fading",
    "rician_capacity",
    "rician_outage",
    "selection_outage",
    "water_filling",
    "waypoint_mean_speed_m_s",
]

_SPECIAL: Any = _special
_STATS: Any = _stats

# Grid of the capacity integral in log(z): the integrand falls as exp(-exp(s)) above, as exp(s) below.
_GRID_STEP = 0.05
_GRID_TOP = 4.0
_GRID_DEPTH = 40.0


class Filling(NamedTuple):
    """How power is spread over parallel channels.

    Attributes:
      level_w: height of the water, W.
      power_w: power of each channel, W.
      rate: bits per complex symbol, all channels together.
    """

    level_w: float
    power_w: Any
    rate: float


def awgn_capacity(snr: Any) -> Any:
    """Compute the capacity without fading, bits per complex symbol.

        C = log2(1 + snr)

    Args:
      snr: signal-to-noise ratio, linear, at least 0.
    """
    check("snr", snr, least=0.0)
    return np.log1p(np.asarray(snr, float)) / math.log(2.0)


def nakagami_capacity(snr: Any, m: float = 1.0, branches: int = 1) -> Any:
    """Compute the ergodic capacity over Nakagami-m fading, Rayleigh fading by default.

        C = E[log2(1 + snr g)],   g ~ Gamma(m L, 1 / m)

    For an integer M = m L this is log2(e) e^x sum_{n=1}^{M} E_n(x) with x = m / snr (Alouini and Goldsmith,
    IEEE Transactions on Vehicular Technology 48 (1999) 1165-1181, equation 23); computed for every m by the
    integral that `rician_capacity` has, with the transform E[e^{-z snr g}] = (1 + z snr / m)^{-m L}.

    Args:
      snr: mean signal-to-noise ratio of one branch, linear, at least 0.
      m: shape parameter, at least 0.5; 1 is Rayleigh fading.
      branches: branches combined by maximum ratio, or antennas that send with the channel known.

    Returns:
      Capacity, bits per complex symbol, exact to a relative 1e-10.
    """
    check("m", m, least=0.5)
    _check_branches(branches)

    def log_transform(scaled: Any) -> Any:
        return -m * branches * np.log1p(scaled / m)

    return _capacity(snr, branches, log_transform)


def rician_capacity(snr: Any, k_factor: float, branches: int = 1) -> Any:
    """Compute the ergodic capacity over Rician fading.

        C = log2(e) integral_0^inf (1 - M(z)) e^{-z} / z dz
        M(z) = E[e^{-z snr g}] = ((1 + K) / (1 + K + z snr) e^{-K z snr / (1 + K + z snr)})^L

    Hamdi, IEEE Transactions on Communications 56 (2008) 708-711, for the integral; the trapezoid rule in
    log(z).

    Args:
      snr: mean signal-to-noise ratio of one branch, linear, at least 0.
      k_factor: power of the direct path over that of the scattered ones, linear, at least 0.
      branches: branches combined by maximum ratio.

    Returns:
      Capacity, bits per complex symbol, exact to a relative 1e-10.
    """
    check("k_factor", k_factor, least=0.0)
    _check_branches(branches)

    def log_transform(scaled: Any) -> Any:
        shrunk = scaled / (1.0 + k_factor)
        return branches * (-np.log1p(shrunk) - k_factor * shrunk / (1.0 + shrunk))

    return _capacity(snr, branches, log_transform)


def nakagami_outage(threshold_ratio: Any, m: float = 1.0, branches: int = 1) -> Any:
    """Compute the outage over Nakagami-m fading, Rayleigh fading by default.

        P(g < x) = P(m L, m x), the regularised lower incomplete gamma function

    For Rayleigh fading 1 - e^{-x} sum_{k<L} x^k / k!. Simon and Alouini, Digital Communication over Fading
    Channels, second edition, chapter 9.

    Args:
      threshold_ratio: threshold over the mean SNR of one branch, linear, at least 0.
      m: shape parameter, at least 0.5.
      branches: branches combined by maximum ratio.
    """
    check("threshold_ratio", threshold_ratio, least=0.0)
    check("m", m, least=0.5)
    _check_branches(branches)
    return _SPECIAL.gammainc(m * branches, m * np.asarray(threshold_ratio, float))


def rician_outage(threshold_ratio: Any, k_factor: Any) -> Any:
    """Compute the outage over Rician fading.

        P(g < x) = 1 - Q1(sqrt(2 K), sqrt(2 (1 + K) x))

    Q1 is Marcum's function: twice (1 + K) g is chi-squared with 2 degrees of freedom and non-centrality 2 K.

    Args:
      threshold_ratio: threshold over the mean SNR, linear, at least 0.
      k_factor: power of the direct path over that of the scattered ones, linear, at least 0.
    """
    check("threshold_ratio", threshold_ratio, least=0.0)
    check("k_factor", k_factor, least=0.0)
    k = np.asarray(k_factor, float)
    return _STATS.ncx2.cdf(2.0 * (1.0 + k) * np.asarray(threshold_ratio, float), 2, 2.0 * k)


def selection_outage(threshold_ratio: Any, branches: int) -> Any:
    """Compute the outage over Rayleigh fading where the strongest branch is taken.

        (1 - e^{-x})^L

    Args:
      threshold_ratio: threshold over the mean SNR of one branch, linear, at least 0.
      branches: branches to choose from.
    """
    check("threshold_ratio", threshold_ratio, least=0.0)
    _check_branches(branches)
    return (-np.expm1(-np.asarray(threshold_ratio, float))) ** branches


def awgn_bit_error(snr: Any) -> Any:
    """Compute the bit error rate of BPSK without fading.

        Q(sqrt(2 snr))

    Args:
      snr: energy of a bit over noise density, linear, at least 0.
    """
    check("snr", snr, least=0.0)
    return 0.5 * _SPECIAL.erfc(np.sqrt(np.asarray(snr, float)))


def rayleigh_bit_error(snr: Any, branches: int = 1) -> Any:
    """Compute the bit error rate of BPSK over Rayleigh fading.

        ((1 - mu) / 2)^L sum_{k<L} C(L - 1 + k, k) ((1 + mu) / 2)^k,   mu = sqrt(snr / (1 + snr))

    Proakis, Digital Communications, fourth edition, equation 14.4-15.

    Args:
      snr: mean signal-to-noise ratio of one branch, linear, at least 0.
      branches: branches combined by maximum ratio.
    """
    check("snr", snr, least=0.0)
    _check_branches(branches)
    ratio = np.asarray(snr, float)
    mu = np.sqrt(ratio / (1.0 + ratio))
    miss = 0.5 / ((1.0 + ratio) * (1.0 + mu))  # (1 - mu) / 2 without cancellation
    return miss**branches * sum(math.comb(branches - 1 + k, k) * (1.0 - miss) ** k for k in range(branches))


def alamouti_bit_error(snr: Any) -> Any:
    """Compute the bit error rate of BPSK by Alamouti's code, two antennas to one, over Rayleigh fading.

    That of two branches with half the power each: Alamouti, IEEE Journal on Selected Areas in Communications
    16 (1998) 1451-1458.

    Args:
      snr: mean signal-to-noise ratio of both antennas together, linear, at least 0.
    """
    return rayleigh_bit_error(np.asarray(snr, float) / 2.0, branches=2)


def nakagami_amount_of_fading(m: Any) -> Any:
    """Compute the variance of the gain over its squared mean: `1 / m`."""
    check("m", m, least=0.5)
    return 1.0 / m


def rician_amount_of_fading(k_factor: Any) -> Any:
    """Compute the variance of the gain over its squared mean: `(1 + 2 K) / (1 + K)^2`."""
    check("k_factor", k_factor, least=0.0)
    return (1.0 + 2.0 * k_factor) / (1.0 + k_factor) ** 2


def clarke_correlation(doppler_hz: Any, lag_s: Any) -> Any:
    """Compute the correlation of Clarke's channel: `E[h(t) h*(t + tau)] = J0(2 pi f_D tau)`."""
    check("doppler_hz", doppler_hz, least=0.0)
    return _SPECIAL.j0(2.0 * math.pi * np.asarray(doppler_hz, float) * np.asarray(lag_s, float))


def level_crossing_hz(level: Any, doppler_hz: Any) -> Any:
    """Compute how often a Rayleigh envelope falls below a level.

        sqrt(2 pi) f_D rho exp(-rho^2)

    Jakes, Microwave Mobile Communications (1974), equation 1.3-35.

    Args:
      level: amplitude of the level over the root mean square of the envelope, at least 0.
      doppler_hz: greatest Doppler shift, Hz, at least 0.

    Returns:
      Crossings downwards per second.
    """
    check("level", level, least=0.0)
    check("doppler_hz", doppler_hz, least=0.0)
    rho = np.asarray(level, float)
    return math.sqrt(2.0 * math.pi) * doppler_hz * rho * np.exp(-rho * rho)


def average_fade_duration_s(level: Any, doppler_hz: Any) -> Any:
    """Compute how long a Rayleigh envelope stays below a level on average.

        (exp(rho^2) - 1) / (rho f_D sqrt(2 pi))

    Jakes, Microwave Mobile Communications (1974), equation 1.3-44.

    Args:
      level: amplitude of the level over the root mean square of the envelope, greater than 0.
      doppler_hz: greatest Doppler shift, Hz, greater than 0.
    """
    check("level", level, above=0.0)
    check("doppler_hz", doppler_hz, above=0.0)
    rho = np.asarray(level, float)
    return np.expm1(rho * rho) / (rho * doppler_hz * math.sqrt(2.0 * math.pi))


def waypoint_mean_speed_m_s(least_speed_m_s: float, greatest_speed_m_s: float) -> float:
    """Compute the speed of a random waypoint walk, averaged over time, without pauses.

        (v_max - v_min) / ln(v_max / v_min)

    Legs with a low speed last longer: Yoon, Liu and Noble, IEEE INFOCOM 2003.

    Args:
      least_speed_m_s: least speed of a leg, m/s, greater than 0.
      greatest_speed_m_s: greatest speed of a leg, m/s, at least `least_speed_m_s`.
    """
    check("least_speed_m_s", least_speed_m_s, above=0.0)
    check("greatest_speed_m_s", greatest_speed_m_s, least=least_speed_m_s)
    excess = greatest_speed_m_s / least_speed_m_s - 1.0
    return least_speed_m_s * (excess / math.log1p(excess) if excess > 0 else 1.0)


def water_filling(gain: Any, power_w: float, noise_w: float = 1.0) -> Filling:
    """Spread power over parallel channels so that they carry most together.

        p_n = max(0, level - W / g_n),   sum of p_n = P,   rate = sum of log2(1 + g_n p_n / W)

    Cover and Thomas, Elements of Information Theory, section 9.4, for complex channels.

    Args:
      gain: power gain of each channel, linear, at least 0; one of them greater than 0.
      power_w: power P to spread, W, at least 0.
      noise_w: noise power W of each channel, W, greater than 0.
    """
    gains = np.asarray(gain, float)
    check("gain", gains, least=0.0)
    check("power_w", power_w, least=0.0)
    check("noise_w", noise_w, above=0.0)
    with np.errstate(divide="ignore", over="ignore"):
        floors = noise_w / gains  # infinite where a gain is next to nothing
    used = np.sort(floors[np.isfinite(floors)])
    if used.size == 0:
        message = "`gain` must hold a number greater than 0, got none."
        raise ValueError(message)
    levels = (power_w + np.cumsum(used)) / np.arange(1, used.size + 1)
    level_w = float(levels[np.flatnonzero(levels >= used)[-1]])
    power = np.maximum(0.0, level_w - floors)
    return Filling(
        level_w=level_w, power_w=power, rate=float(np.log1p(gains * power / noise_w).sum() / math.log(2))
    )


def _capacity(snr: Any, branches: int, log_transform: Callable[[Any], Any]) -> Any:
    """Integrate a capacity from the logarithm of its transform of z snr."""
    check("snr", snr, least=0.0)
    ratio = np.asarray(snr, float)[..., None]
    greatest = float(np.max(ratio * branches, initial=1.0))
    grid = np.arange(-_GRID_DEPTH - math.log(greatest), _GRID_TOP, _GRID_STEP)
    z = np.exp(grid)
    integrand = -np.expm1(log_transform(ratio * z)) * np.exp(-z)
    return integrand.sum(axis=-1) * (_GRID_STEP / math.log(2.0))


def _check_branches(branches: int) -> None:
    """Refuse a number of branches below 1."""
    if branches < 1:
        message = f"`branches` must be at least 1, got {branches}."
        raise ValueError(message)
