"""Draw the signal-to-noise ratio of each link from uniform random numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from net4moe.network.arrays import namespace
from net4moe.network.normal import normal_quantile

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["SnrConfig", "snr_db_from_uniform"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnrConfig:
    """How the signal-to-noise ratio of a link is distributed; independent over links and steps.

    The paper draws it at random and does not say how (arXiv:2402.06942, step 6 of the case study);
    the distribution and its numbers are ours.

    Attributes:
      distribution: `uniform_db` between `low_db` and `high_db`; `rayleigh` fading around a mean power of
        `mean_db`; `normal_db`, that is log-normal shadowing, with `mean_db` and `std_db`; `fixed` at
        `mean_db`.
      low_db: least value of `uniform_db`, dB.
      high_db: greatest value of `uniform_db`, dB.
      mean_db: mean of the other distributions, dB.
      std_db: standard deviation of `normal_db`, dB, at least 0.
    """

    distribution: Literal["uniform_db", "rayleigh", "normal_db", "fixed"] = "uniform_db"
    low_db: float = 0.0
    high_db: float = 20.0
    mean_db: float = 10.0
    std_db: float = 4.0

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        known = ("uniform_db", "rayleigh", "normal_db", "fixed")
        if self.distribution not in known:
            message = f"`distribution` must be one of {', '.join(known)}, got '{self.distribution}'."
            raise ValueError(message)
        for label in ("low_db", "high_db", "mean_db", "std_db"):
            if not math.isfinite(getattr(self, label)):
                message = f"`{label}` must be finite, got {getattr(self, label)}."
                raise ValueError(message)
        if self.low_db > self.high_db:
            message = f"`low_db` must not exceed `high_db`, got {self.low_db} and {self.high_db}."
            raise ValueError(message)
        if self.std_db < 0:
            message = f"`std_db` must be at least 0, got {self.std_db}."
            raise ValueError(message)


def snr_db_from_uniform(config: SnrConfig, uniform: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Turn uniform random numbers into signal-to-noise ratios by the inverse distribution function.

        uniform_db   low + (high - low) u
        rayleigh     mean + 10 log10(-ln(1 - u)), exponential power, `mean` being the mean power in dB
        normal_db    mean + std Phi^-1(u)
        fixed        mean

    Args:
      config: the distribution.
      uniform: random numbers, greater than 0 and less than 1.

    Returns:
      Signal-to-noise ratios, dB.
    """
    xp = namespace(uniform)
    if config.distribution == "uniform_db":
        return config.low_db + (config.high_db - config.low_db) * uniform
    if config.distribution == "rayleigh":
        return config.mean_db + 10.0 * xp.log10(-xp.log1p(-uniform))
    if config.distribution == "normal_db":
        return config.mean_db + config.std_db * normal_quantile(uniform)
    return xp.full_like(uniform, config.mean_db)
