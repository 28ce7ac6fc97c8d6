"""What writing a passage and sending it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from net4moe.network.arrays import check, namespace
from net4moe.network.payloads import load_bits
from net4moe.network.radio.rates import shannon_rate_bps
from net4moe.units import db_to_linear

if TYPE_CHECKING:
    from jaxtyping import Float

    from net4moe.network.fleet import Terms

__all__ = ["compute_cost", "sending_time_s", "transfer_cost", "transfer_time_s"]

_LONGEST_S = 1e30  # fits a 32-bit float with room for a price


def transfer_time_s(load_bits: Float[Any, "*shape"], rate_bps: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute how long each link needs to carry its passage.

        t_n = l_n / r_n

    See Wang et al. (2024), arXiv:2402.06942, step 6 of the case study.

    Args:
      load_bits: load of each passage, bits, at least 0.
      rate_bps: rate of each link, bit/s, at least 0. JAX takes numbers below the least normal floating-point
        number for 0.

    Returns:
      Time to send each passage, seconds, at most 1e30. Infinite where the rate is 0.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("load_bits", load_bits, least=0.0)
    check("rate_bps", rate_bps, least=0.0)
    xp = namespace(load_bits, rate_bps)
    rate_bps = xp.asarray(rate_bps)
    alive = rate_bps > 0
    slowest = xp.maximum(xp.where(alive, rate_bps, 1.0), load_bits * (0.1 / _LONGEST_S))
    time_s = load_bits / slowest
    return xp.where(alive, xp.minimum(time_s, _LONGEST_S), math.inf)


def sending_time_s(
    fleet: Terms, words: Float[Any, "*batch N"], snr_db: Float[Any, "*batch N"], bits_per_word: float = 48.0
) -> Float[Any, "*batch N"]:
    """Compute how long each device of a fleet needs to send its passage to the user.

    Shannon's rate, then load over rate; the local device sends nothing and needs no time.

    Args:
      fleet: the devices.
      words: words in each device's passage, at least 0.
      snr_db: signal-to-noise ratio of each link, dB.
      bits_per_word: bits that one word takes, at least 0.

    Returns:
      Time to send each passage, seconds.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("snr_db", snr_db)
    rate_bps = shannon_rate_bps(db_to_linear(snr_db), fleet.bandwidth_hz)
    time_s = transfer_time_s(load_bits(words, bits_per_word), rate_bps)
    return namespace(time_s).where(fleet.local, 0.0, time_s)


def transfer_cost(time_s: Float[Any, "*shape"], cost_per_s: float) -> Float[Any, "*shape"]:
    """Price the time on the air.

        c_n = cost_per_s t_n

    Args:
      time_s: time to send each passage, seconds, at least 0.
      cost_per_s: price of one second, reward units per second. A price of 0 makes every link free, even a
        dead one.

    Returns:
      Transfer cost, reward units. Infinite where the time is infinite and the price is not 0.

    Raises:
      ValueError: a time is not a number or negative.
    """
    check("time_s", time_s, least=0.0, infinite=True)
    check("cost_per_s", cost_per_s, least=0.0)
    return time_s * cost_per_s if cost_per_s > 0 else namespace(time_s).zeros_like(time_s)


def compute_cost(words: Float[Any, "*shape"], cost_per_word: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Price the writing: words times a coefficient.

        c_n = w_n cost_per_word_n

    See Wang et al. (2024), arXiv:2402.06942, step 6 of the case study.

    Args:
      words: words in each passage, at least 0.
      cost_per_word: price of one word on each device, reward units, at least 0.

    Returns:
      Compute cost, reward units.

    Raises:
      ValueError: a plain number or an entry of a NumPy array is not as above.
    """
    check("words", words, least=0.0)
    check("cost_per_word", cost_per_word, least=0.0)
    return words * cost_per_word
