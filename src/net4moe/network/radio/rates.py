"""How many bits a link carries in a second: Shannon, the truncated curves of the standards, finite blocks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from net4moe.network.arrays import check, namespace
from net4moe.network.normal import normal_quantile, normal_tail

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = [
    "M_2101_DOWNLINK",
    "M_2101_UPLINK",
    "SHANNON",
    "TR_36_942_DOWNLINK",
    "TR_36_942_UPLINK",
    "TruncatedShannon",
    "channel_dispersion",
    "finite_blocklength_error",
    "finite_blocklength_rate",
    "rate_bps",
    "shannon_rate_bps",
    "truncated_shannon_efficiency",
    "truncated_shannon_rate_bps",
]

_LEAST_DISPERSION = 1e-12  # keeps the spread of a silent channel from being 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedShannon:
    """Shannon's capacity, attenuated, cut off below and capped.

    Attributes:
      attenuation: share of the capacity that is reached, greater than 0 and at most 1.
      least_snr_db: signal-to-noise ratio below which nothing is carried, dB; minus infinity for none.
      greatest_efficiency: cap, bit/s/Hz, greater than 0; infinity for none.
    """

    attenuation: float = 1.0
    least_snr_db: float = -math.inf
    greatest_efficiency: float = math.inf

    def __post_init__(self) -> None:
        """Refuse what is no curve."""
        if not 0.0 < self.attenuation <= 1.0:
            message = f"`attenuation` must be greater than 0 and at most 1, got {self.attenuation}."
            raise ValueError(message)
        if not self.least_snr_db < math.inf:
            message = f"`least_snr_db` must be a number less than infinity, got {self.least_snr_db}."
            raise ValueError(message)
        check("greatest_efficiency", self.greatest_efficiency, above=0.0, infinite=True)


SHANNON = TruncatedShannon()
"""The capacity itself."""

TR_36_942_DOWNLINK = TruncatedShannon(attenuation=0.6, least_snr_db=-10.0, greatest_efficiency=4.4)
"""LTE downlink, 3GPP TR 36.942, Annex A."""

TR_36_942_UPLINK = TruncatedShannon(attenuation=0.4, least_snr_db=-10.0, greatest_efficiency=2.0)
"""LTE uplink, 3GPP TR 36.942, Annex A.

Attenuation and least SNR are confirmed by independent implementations; the cap of 2.0 bit/s/Hz could not be
confirmed by one.
"""

M_2101_DOWNLINK = TruncatedShannon(
    attenuation=0.6, least_snr_db=-10.0, greatest_efficiency=0.6 * math.log2(1.0 + 1e3)
)
"""IMT downlink as in studies after Recommendation ITU-R M.2101: capped where the SNR reaches 30 dB."""

M_2101_UPLINK = TruncatedShannon(
    attenuation=0.4, least_snr_db=-10.0, greatest_efficiency=0.4 * math.log2(1.0 + 10.0**2.2)
)
"""IMT uplink as in studies after Recommendation ITU-R M.2101: capped where the SNR reaches 22 dB."""


def rate_bps(efficiency: Float[Any, "*shape"], bandwidth_hz: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Turn spectral efficiency into a rate.

        r_n = b_n e_n

    A link that carries anything keeps a rate greater than 0: where the product would fall below the least
    normal floating-point number, it is that number. So a slow link is never mistaken for a dead one.

    Args:
      efficiency: spectral efficiency of each link, bit/s/Hz, at least 0.
      bandwidth_hz: bandwidth of each link, Hz, greater than 0.

    Returns:
      Rate of each link, bit/s.
    """
    xp = namespace(efficiency, bandwidth_hz)
    product = xp.asarray(efficiency * bandwidth_hz)
    least = float(xp.finfo(product.dtype).smallest_normal)
    return xp.where(xp.asarray(efficiency) > 0, xp.maximum(product, least), 0.0)


def shannon_rate_bps(snr: Float[Any, "*shape"], bandwidth_hz: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute Shannon's capacity of each link.

        r_n = b_n log2(1 + snr_n)

    See Wang et al. (2024), arXiv:2402.06942, step 6 of the case study.

    Args:
      snr: signal-to-noise ratio of each link, linear (not dB), at least 0.
      bandwidth_hz: bandwidth of each link, Hz, greater than 0.

    Returns:
      Rate of each link, bit/s.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("snr", snr, least=0.0)
    check("bandwidth_hz", bandwidth_hz, above=0.0)
    return rate_bps(_capacity(snr), bandwidth_hz)


def truncated_shannon_efficiency(
    snr: Float[Any, "*shape"],
    attenuation: float | Float[Any, "*shape"],
    least_snr: float | Float[Any, "*shape"],
    greatest_efficiency: float | Float[Any, "*shape"],
) -> Float[Any, "*shape"]:
    """Compute the spectral efficiency of an attenuated, truncated Shannon curve.

        e = 0                                   snr < least_snr
        e = min(attenuation log2(1 + snr), greatest_efficiency)   elsewhere

    See 3GPP TR 36.942, Annex A.

    Args:
      snr: signal-to-noise ratio of each link, linear, at least 0.
      attenuation: share of the capacity that is reached; 0 for a link that follows another law.
      least_snr: signal-to-noise ratio below which nothing is carried, linear.
      greatest_efficiency: cap, bit/s/Hz.

    Returns:
      Spectral efficiency of each link, bit/s/Hz.
    """
    xp = namespace(snr, attenuation)
    efficiency = xp.minimum(attenuation * _capacity(snr), greatest_efficiency)
    return xp.where(xp.asarray(snr >= least_snr), efficiency, 0.0)


def truncated_shannon_rate_bps(
    snr: Float[Any, "*shape"], bandwidth_hz: Float[Any, "*shape"], curve: TruncatedShannon
) -> Float[Any, "*shape"]:
    """Compute the rate of each link on an attenuated, truncated Shannon curve.

    Args:
      snr: signal-to-noise ratio of each link, linear (not dB), at least 0.
      bandwidth_hz: bandwidth of each link, Hz, greater than 0.
      curve: which curve, as `TR_36_942_DOWNLINK`.

    Returns:
      Rate of each link, bit/s.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("snr", snr, least=0.0)
    check("bandwidth_hz", bandwidth_hz, above=0.0)
    efficiency = truncated_shannon_efficiency(
        snr, curve.attenuation, 10.0 ** (curve.least_snr_db / 10.0), curve.greatest_efficiency
    )
    return rate_bps(efficiency, bandwidth_hz)


def channel_dispersion(snr: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute the dispersion of the complex Gaussian channel.

        V = g (g + 2) / (g + 1)^2 (log2 e)^2

    See Polyanskiy, Poor and Verdú, IEEE Transactions on Information Theory 56(5), 2010, Theorem 54, for real
    symbols, of which a complex one is two.

    Args:
      snr: signal-to-noise ratio g, linear, at least 0.

    Returns:
      Dispersion, squared bits per complex symbol.
    """
    left = 1.0 / (1.0 + snr)
    return snr * left * (1.0 + left) * math.log2(math.e) ** 2


def finite_blocklength_rate(
    snr: Float[Any, "*shape"],
    num_symbols: float | Float[Any, "*shape"],
    error_probability: float | Float[Any, "*shape"],
) -> Float[Any, "*shape"]:
    """Compute the rate that a block of few symbols carries with few errors.

    The normal approximation:

        R = C - sqrt(V / n) Q^-1(e) + log2(n) / (2 n)

    See Polyanskiy, Poor and Verdú (2010), equation 296. For a channel that is constant over the block: over
    quasi-static fading the outage capacity is the measure.

    Args:
      snr: signal-to-noise ratio, linear, at least 0.
      num_symbols: complex symbols n in a block, at least 1.
      error_probability: probability e that a block is lost, greater than 0 and less than 1.

    Returns:
      Rate, bits per complex symbol; 0 where the approximation is negative.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("snr", snr, least=0.0)
    check("num_symbols", num_symbols, least=1.0)
    check("error_probability", error_probability, above=0.0)
    check("1 - error_probability", 1.0 - error_probability, above=0.0)
    xp = namespace(snr, num_symbols, error_probability)
    margin = -normal_quantile(xp.asarray(error_probability))
    rate = _capacity(snr) - xp.sqrt(channel_dispersion(snr) / num_symbols) * margin + _third_term(num_symbols)
    return xp.maximum(rate, 0.0)


def finite_blocklength_error(
    snr: Float[Any, "*shape"], num_symbols: float | Float[Any, "*shape"], rate: float | Float[Any, "*shape"]
) -> Float[Any, "*shape"]:
    """Compute how often a block of few symbols is lost: `finite_blocklength_rate` solved for the error.

        e = Q(sqrt(n / V) (C - R + log2(n) / (2 n)))

    Args:
      snr: signal-to-noise ratio, linear, at least 0.
      num_symbols: complex symbols n in a block, at least 1.
      rate: rate R, bits per complex symbol, greater than 0; above log2(n) / (2 n) the error falls with the
        signal, below it the approximation means nothing.

    Returns:
      Probability that a block is lost.
    """
    check("snr", snr, least=0.0)
    check("num_symbols", num_symbols, least=1.0)
    check("rate", rate, above=0.0)
    xp = namespace(snr, num_symbols, rate)
    slack = _capacity(snr) - rate + _third_term(num_symbols)
    spread = xp.sqrt(xp.maximum(channel_dispersion(snr), _LEAST_DISPERSION) / num_symbols)
    return normal_tail(slack / spread)


def _capacity(snr: Any) -> Any:
    """Compute log2(1 + snr)."""
    return namespace(snr).log1p(snr) * (1.0 / math.log(2.0))


def _third_term(num_symbols: Any) -> Any:
    """Compute log2(n) / (2 n)."""
    return namespace(num_symbols).log2(num_symbols) / (2.0 * num_symbols)
