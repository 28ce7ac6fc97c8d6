"""What writing a passage and sending it costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from net4moe.network.rates import shannon_rate_bps
from net4moe.units import db_to_linear

if TYPE_CHECKING:
    from jaxtyping import Float

    from net4moe.network.fleet import Fleet

__all__ = ["compute_cost", "load_bits", "sending_time_s", "transfer_cost", "transfer_time_s"]


def load_bits(words: Float[Any, "*shape"], bits_per_word: float = 48.0) -> Float[Any, "*shape"]:
    """Turn words into bits to send.

        l_n = w_n bits_per_word

    The word count of a passage is its load: arXiv:2402.06942, step 6 of the case study. 48 bits are ours:
    five letters and a space of 8 bits each.

    Args:
      words: words in each passage.
      bits_per_word: bits that one word takes.

    Returns:
      Load of each passage, bits.
    """
    return words * bits_per_word


def transfer_time_s(load_bits: Float[Any, "*shape"], rate_bps: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute how long each link needs to carry its passage.

        t_n = l_n / r_n

    See Wang et al. (2024), arXiv:2402.06942, step 6 of the case study.

    Args:
      load_bits: load of each passage, bits.
      rate_bps: rate of each link, bit/s.

    Returns:
      Time to send each passage, seconds. Infinite where the rate is 0.
    """
    xp = rate_bps.__array_namespace__()
    alive = rate_bps > 0
    return xp.where(alive, load_bits / xp.where(alive, rate_bps, 1.0), math.inf)


def sending_time_s(
    fleet: Fleet, words: Float[Any, "*batch N"], snr_db: Float[Any, "*batch N"], bits_per_word: float = 48.0
) -> Float[Any, "*batch N"]:
    """Compute how long each device of a fleet needs to send its passage to the user.

    Shannon's rate, then load over rate; the local device sends nothing and needs no time.

    Args:
      fleet: the devices.
      words: words in each device's passage.
      snr_db: signal-to-noise ratio of each link, dB.
      bits_per_word: bits that one word takes.

    Returns:
      Time to send each passage, seconds.
    """
    rate_bps = shannon_rate_bps(db_to_linear(snr_db), fleet.bandwidth_hz)
    time_s = transfer_time_s(load_bits(words, bits_per_word), rate_bps)
    return time_s.__array_namespace__().where(fleet.local, 0.0, time_s)


def transfer_cost(time_s: Float[Any, "*shape"], cost_per_s: float) -> Float[Any, "*shape"]:
    """Price the time on the air.

        c_n = cost_per_s t_n

    Args:
      time_s: time to send each passage, seconds.
      cost_per_s: price of one second, reward units per second. A price of 0 makes every link free, even a
        dead one.

    Returns:
      Transfer cost, reward units. Infinite where the time is infinite and the price is not 0.
    """
    xp = time_s.__array_namespace__()
    return time_s * cost_per_s if cost_per_s > 0 else xp.zeros_like(time_s)


def compute_cost(words: Float[Any, "*shape"], cost_per_word: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Price the writing: words times a coefficient.

        c_n = w_n cost_per_word_n

    See Wang et al. (2024), arXiv:2402.06942, step 6 of the case study.

    Args:
      words: words in each passage.
      cost_per_word: price of one word on each device, reward units.

    Returns:
      Compute cost, reward units.
    """
    return words * cost_per_word
