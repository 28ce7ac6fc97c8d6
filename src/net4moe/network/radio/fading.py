"""Small-scale fading: Doppler, first-order paths, and power gains of mean 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from net4moe.network.arrays import check, namespace
from net4moe.network.chance import gamma, normal
from net4moe.network.normal import cos_turns
from net4moe.units import db_to_linear

if TYPE_CHECKING:
    from jaxtyping import Float

    from net4moe.network.chance import Chance

__all__ = [
    "SPEED_OF_LIGHT_M_S",
    "ar1_coefficient",
    "ar1_path",
    "ar1_step",
    "coherence_time_s",
    "k_factor",
    "max_doppler_hz",
    "maximum_ratio",
    "nakagami_power",
    "rician_block_power",
    "rician_power",
    "selection",
]

SPEED_OF_LIGHT_M_S = 299_792_458.0


def max_doppler_hz(
    speed_m_s: Float[Any, "*shape"], frequency_hz: Float[Any, "*shape"]
) -> Float[Any, "*shape"]:
    """Compute the greatest Doppler shift of a moving device.

        f_D = v f_c / c

    Args:
      speed_m_s: speed, m/s, at least 0.
      frequency_hz: carrier frequency, Hz, greater than 0.

    Returns:
      Doppler shift, Hz.
    """
    check("speed_m_s", speed_m_s, least=0.0)
    check("frequency_hz", frequency_hz, above=0.0)
    return speed_m_s * (frequency_hz / SPEED_OF_LIGHT_M_S)


def coherence_time_s(doppler_hz: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute how long a channel stays about the same.

        T_c = sqrt(9 / (16 pi)) / f_D = 0.423 / f_D

    Rappaport, Wireless Communications, second edition, equation 5.40.c.

    Args:
      doppler_hz: greatest Doppler shift, Hz, at least 0.

    Returns:
      Coherence time, seconds. Infinite where nothing moves.
    """
    check("doppler_hz", doppler_hz, least=0.0)
    xp = namespace(doppler_hz)
    moving = doppler_hz > 0
    return xp.where(moving, math.sqrt(9.0 / (16.0 * math.pi)) / xp.where(moving, doppler_hz, 1.0), math.inf)


def ar1_coefficient(doppler_hz: Any, slot_s: Any) -> Any:
    """Compute the correlation of Clarke's channel over one slot.

        a = J0(2 pi f_D T)

    For construction: SciPy computes it, in 64-bit floats.

    Args:
      doppler_hz: greatest Doppler shift, Hz, at least 0.
      slot_s: length of a slot, seconds, at least 0.

    Returns:
      Coefficient for `ar1_step` and `ar1_path`, between -0.403 and 1.
    """
    # here, since only this needs SciPy and a gateway has none
    from scipy import special  # pyright: ignore[reportMissingTypeStubs]

    check("doppler_hz", doppler_hz, least=0.0)
    check("slot_s", slot_s, least=0.0)
    bessel: Any = special
    return bessel.j0(2.0 * math.pi * np.asarray(doppler_hz) * np.asarray(slot_s))


def ar1_step(
    value: Float[Any, "*shape"], normal: Float[Any, "*shape"], coefficient: Float[Any, "*shape"]
) -> Float[Any, "*shape"]:
    """Move a channel by one slot, as an autoregressive process of order 1.

        h' = a h + sqrt(1 - a^2) w

    The process is Markov and matches Clarke's correlation J0 at a lag of one slot only: beyond it falls as
    a^k, where J0 swings. Where that matters, read `waves.scattering_waves`.

    Args:
      value: real part, or imaginary part, before the slot.
      normal: fresh normal numbers with the variance of `value`.
      coefficient: correlation over one slot, between -1 and 1.
    """
    xp = namespace(value, normal, coefficient)
    return coefficient * value + xp.sqrt((1.0 - coefficient) * (1.0 + coefficient)) * normal


def ar1_path(
    initial: Float[Any, "*shape"], coefficient: Float[Any, "*shape"], noise: Float[Any, " T *shape"]
) -> Float[Any, " T *shape"]:
    """Move a channel by many slots at once.

    The same as `ar1_step` for one slot after the other, by doubling: about log2(T) passes over the array.

    Args:
      initial: value before the first slot.
      coefficient: correlation over one slot, between -1 and 1.
      noise: fresh normal numbers with the variance of `initial`, one for each slot.

    Returns:
      Value after each slot.
    """
    xp = namespace(initial, coefficient, noise)
    path = noise * xp.sqrt((1.0 - coefficient) * (1.0 + coefficient))
    path = xp.concat([path[:1] + coefficient * initial, path[1:]])
    lag, weight = 1, coefficient
    while lag < path.shape[0]:
        path = xp.concat([path[:lag], path[lag:] + weight * path[:-lag]])
        lag, weight = 2 * lag, weight * weight
    return path


def rician_power(
    scattered: tuple[Float[Any, "*shape"], Float[Any, "*shape"]],
    k_factor: Float[Any, "*shape"],
    los_phase_turns: float | Float[Any, "*shape"] = 0.0,
) -> Float[Any, "*shape"]:
    """Join a direct path with scattered ones.

        g = |sqrt(K / (1 + K)) exp(j phi) + sqrt(1 / (1 + K)) h|^2

    Args:
      scattered: real and imaginary part of the scattered paths h, of mean power 1.
      k_factor: power of the direct path over that of the scattered ones, linear, at least 0; 0 is Rayleigh
        fading, infinity no fading.
      los_phase_turns: phase of the direct path, turns. The law of the power does not depend on it.

    Returns:
      Power gain, linear, of mean 1.
    """
    xp = namespace(scattered[0], k_factor)
    share = 1.0 / (1.0 + k_factor)
    direct, spread = xp.sqrt(1.0 - share), xp.sqrt(share)
    real = direct * cos_turns(los_phase_turns) + spread * scattered[0]
    imaginary = direct * cos_turns(los_phase_turns - 0.25) + spread * scattered[1]
    return real * real + imaginary * imaginary


def rician_block_power(key: Chance, k_factor: Any, shape: tuple[int, ...]) -> Any:
    """Draw Rician power gains of mean 1, independent of one another.

    Args:
      key: a JAX key or a NumPy generator.
      k_factor: power of the direct path over that of the scattered ones, linear, at least 0; 0 is Rayleigh.
      shape: shape of what is drawn.
    """
    check("k_factor", k_factor, least=0.0, infinite=True)
    real, imaginary = normal(key, (2, *shape))
    return rician_power((real * math.sqrt(0.5), imaginary * math.sqrt(0.5)), k_factor)


def nakagami_power(key: Chance, m: Any, shape: tuple[int, ...]) -> Any:
    """Draw Nakagami-m power gains of mean 1, independent of one another.

        g ~ Gamma(m, 1 / m)

    Nakagami, in Statistical Methods in Radio Wave Propagation (1960); m = 1 is Rayleigh fading.

    Args:
      key: a JAX key or a NumPy generator.
      m: shape parameter, at least 0.5.
      shape: shape of what is drawn.
    """
    check("m", m, least=0.5)
    return gamma(key, m, shape) / m


def k_factor(mean_db: Any, std_db: Any, normal: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Draw the Rician K factor of a link, log-normal as in TR 38.901 Table 7.5-6.

        K = 10^((mu + sigma n) / 10)

    Args:
      mean_db: mean, dB.
      std_db: standard deviation, dB, at least 0.
      normal: a standard normal number for each link, or a field of `waves.shadowing_waves`.

    Returns:
      K factor, linear.
    """
    check("std_db", std_db, least=0.0)
    return db_to_linear(mean_db + std_db * normal)


def maximum_ratio(power: Float[Any, " L *shape"]) -> Float[Any, "*shape"]:
    """Combine branches by their maximum ratio: powers add.

    So do those of maximum-ratio transmission where the sender knows the channel exactly.

    Args:
      power: power gain of each branch, linear; branches lead.
    """
    combined = power[0]
    for branch in range(1, power.shape[0]):
        combined = combined + power[branch]
    return combined


def selection(power: Float[Any, " L *shape"]) -> Float[Any, "*shape"]:
    """Combine branches by taking the strongest.

    Args:
      power: power gain of each branch, linear; branches lead.
    """
    xp = namespace(power)
    strongest = power[0]
    for branch in range(1, power.shape[0]):
        strongest = xp.maximum(strongest, power[branch])
    return strongest
