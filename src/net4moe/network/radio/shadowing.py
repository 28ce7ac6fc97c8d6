"""Shadowing step by step: the Markov alternative to the field of `waves.shadowing_waves`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from net4moe.network.arrays import check, namespace

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = ["shadowing_correlation", "shadowing_step"]


def shadowing_correlation(
    distance_moved_m: Float[Any, "*shape"], decorrelation_m: Float[Any, "*shape"]
) -> Float[Any, "*shape"]:
    """Compute the correlation of shadowing at two places.

        rho = exp(-|d| / d_corr)

    Gudmundson, Electronics Letters 27 (1991) 2145-2146; TR 38.901 section 7.4.4, equation 7.4-5.

    Args:
      distance_moved_m: distance between the places, m, at least 0.
      decorrelation_m: distance over which the correlation falls by e, m, greater than 0.
    """
    check("distance_moved_m", distance_moved_m, least=0.0)
    check("decorrelation_m", decorrelation_m, above=0.0)
    return namespace(distance_moved_m, decorrelation_m).exp(-distance_moved_m / decorrelation_m)


def shadowing_step(
    value_db: Float[Any, " N"],
    normal: Float[Any, " N"],
    *,
    distance_moved_m: Float[Any, " N"],
    decorrelation_m: Float[Any, " N"],
    std_db: Float[Any, " N"],
    state_changed: bool | Bool[Any, " N"] = False,
) -> Float[Any, " N"]:
    """Move shadowing along with its device, as an autoregressive process of order 1.

        S' = rho S + sigma sqrt(1 - rho^2) n,   rho = exp(-|d| / d_corr)

    and S' = sigma n where line of sight came or went. Two steps of 5 m are one step of 10 m in law. The
    process knows only where it was last: a device that returns finds other shadowing.

    Args:
      value_db: shadowing before the step, dB.
      normal: standard normal numbers, one for each link.
      distance_moved_m: distance moved in the step, m, at least 0.
      decorrelation_m: distance over which the correlation falls by e, m, greater than 0.
      std_db: standard deviation of shadowing, dB, at least 0.
      state_changed: True where the link turned from line of sight to none or back.

    Returns:
      Shadowing after the step, dB.
    """
    check("std_db", std_db, least=0.0)
    correlation = shadowing_correlation(distance_moved_m, decorrelation_m)
    xp = namespace(value_db, normal, correlation, state_changed)
    fresh = std_db * normal
    moved = correlation * value_db + xp.sqrt(-xp.expm1(-2.0 * distance_moved_m / decorrelation_m)) * fresh
    return xp.where(state_changed, fresh, moved)
