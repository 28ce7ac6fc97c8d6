"""Statistics over a few seeds: interquartile means with percentile bootstrap intervals.

Every function that resamples takes a NumPy generator and at least 10,000 resamples, so that the same
generator gives the same interval. The method is that of Agarwal et al. (2021), arXiv:2108.13264. A nominal
95 % interval covers about 74 % with 3 seeds, 89 % with 5, 93 % with 10 and 94 % with 20.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

__all__ = [
    "NUM_RESAMPLES",
    "Band",
    "Interval",
    "Summary",
    "band",
    "bootstrap_interval",
    "decimals_to_tell_apart",
    "gap_closed",
    "interquartile_mean",
    "paired_difference",
    "probability_of_improvement",
    "share_of",
    "summarise",
]

NUM_RESAMPLES = 10_000

_PERCENTILES = (2.5, 97.5)
_Z = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value and its 95 % interval, all in the unit of the value.

    A bootstrap over one seed gives three equal values: no interval.

    Attributes:
      low: lower end.
      point: the value itself.
      high: upper end, at least `low`.
    """

    low: float
    point: float
    high: float

    def __post_init__(self) -> None:
        """Refuse what is no interval."""
        if not all(map(math.isfinite, (self.low, self.point, self.high))):
            msg = f"An interval must be finite, got {self.low} to {self.high} around {self.point}."
            raise ValueError(msg)
        if self.low > self.high:
            msg = f"`low` must not be above `high`, got {self.low} and {self.high}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One interval for each evaluation of a learning curve.

    Attributes:
      low: lower ends, one for each evaluation.
      point: the interquartile means over the seeds.
      high: upper ends.
    """

    low: Float[np.ndarray, " evaluations"]
    point: Float[np.ndarray, " evaluations"]
    high: Float[np.ndarray, " evaluations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The two bars of one policy.

    Attributes:
      mean: reward averaged over all evaluations of a seed, then over the seeds.
      final: reward averaged over the last evaluations of a seed, then over the seeds.
      mean_by_seed: the first average, one number for each seed.
      final_by_seed: the second average, one number for each seed.
    """

    mean: Interval
    final: Interval
    mean_by_seed: Float[np.ndarray, " seeds"]
    final_by_seed: Float[np.ndarray, " seeds"]


def interquartile_mean(values: Float[np.ndarray, "... n"]) -> Float[np.ndarray, "..."]:
    """Average the middle half of the values along the last axis.

    `floor(n / 4)` values are dropped at each end, so up to three values give their plain mean.
    """
    num_values = values.shape[-1]
    if num_values == 0:
        msg = "An interquartile mean needs at least 1 value, got 0."
        raise ValueError(msg)
    dropped = num_values // 4
    ordered = np.sort(values, axis=-1)
    return ordered[..., dropped : num_values - dropped].mean(axis=-1)


def bootstrap_interval(
    strata: Sequence[Float[np.ndarray, " n"]],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval:
    """Estimate the interquartile mean of all values with its stratified bootstrap interval.

    Args:
      strata: the values, one array for each scenario; each is resampled on its own.
      rng: where the resamples come from.
      num_resamples: how many, at least 10,000.

    Returns:
      The interquartile mean of the pooled values, from the 2.5th to the 97.5th percentile.
    """
    if not strata:
        msg = "A bootstrap needs at least 1 array of values, got 0."
        raise ValueError(msg)
    samples = [_checked(values) for values in strata]
    pooled = np.concatenate(
        [values[_resamples(len(values), rng, num_resamples)] for values in samples], axis=-1
    )
    point = float(interquartile_mean(np.concatenate(samples)))
    return _percentile_interval(point, interquartile_mean(pooled))


def band(
    rewards: Float[np.ndarray, "seeds evaluations"],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> Band:
    """Estimate the interquartile mean over the seeds with its interval, for each evaluation.

    The same seeds are drawn for every evaluation. The intervals hold point by point, not for the whole curve.
    """
    _check_rewards(rewards)
    chosen = _resamples(len(rewards), rng, num_resamples)
    intervals = [
        _percentile_interval(float(interquartile_mean(column)), interquartile_mean(column[chosen]))
        for column in np.asarray(rewards, dtype=np.float64).T
    ]
    return Band(
        low=np.array([interval.low for interval in intervals]),
        point=np.array([interval.point for interval in intervals]),
        high=np.array([interval.high for interval in intervals]),
    )


def summarise(
    rewards: Float[np.ndarray, "seeds evaluations"],
    rng: np.random.Generator,
    *,
    final_share: float = 0.05,
    num_resamples: int = NUM_RESAMPLES,
) -> Summary:
    """Summarise one policy's rewards by their mean over all evaluations and by where they end.

    Args:
      rewards: one row for each seed, evaluations in the order of training.
      rng: where the resamples come from.
      final_share: which share of the evaluations, at the end, counts as final; at least one evaluation does.
      num_resamples: how many, at least 10,000.
    """
    _check_rewards(rewards)
    if not 0.0 < final_share <= 1.0:
        msg = f"`final_share` must be above 0 and at most 1, got {final_share}."
        raise ValueError(msg)
    num_final = max(1, round(final_share * rewards.shape[1]))
    mean_by_seed = rewards.mean(axis=1, dtype=np.float64)
    final_by_seed = rewards[:, -num_final:].mean(axis=1, dtype=np.float64)
    return Summary(
        mean=bootstrap_interval([mean_by_seed], rng, num_resamples=num_resamples),
        final=bootstrap_interval([final_by_seed], rng, num_resamples=num_resamples),
        mean_by_seed=mean_by_seed,
        final_by_seed=final_by_seed,
    )


def paired_difference(
    first: Float[np.ndarray, " seeds"],
    second: Float[np.ndarray, " seeds"],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval:
    """Estimate how far the first policy is above the second, seed by seed.

    The pairs share their random numbers, so what is common to both cancels. The statistic is the
    interquartile mean of the differences.
    """
    pairs = _checked_pairs(first, second)
    return bootstrap_interval([pairs[0] - pairs[1]], rng, num_resamples=num_resamples)


def share_of(
    values: Float[np.ndarray, " seeds"],
    bound: Float[np.ndarray, " seeds"],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval | None:
    """Estimate which share of a bound a policy reaches: `IQM(values) / IQM(bound)`.

    Returns:
      The share, 1 where the bound is reached; None where the bound is not above zero.
    """
    values, bound = _checked_pairs(values, bound)
    everyone = np.arange(len(values))[None, :]
    drawn = np.concatenate([everyone, _resamples(len(values), rng, num_resamples)])
    reached, reachable = interquartile_mean(values[drawn]), interquartile_mean(bound[drawn])
    if np.any(reachable <= 0.0):
        return None
    share = reached / reachable
    return _percentile_interval(float(share[0]), share[1:])


def gap_closed(
    values: Float[np.ndarray, " seeds"],
    low: Float[np.ndarray, " seeds"],
    high: Float[np.ndarray, " seeds"],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval | None:
    """Estimate which share of the way from one policy to another a third has gone.

        IQM(values - low) / IQM(high - low)        differences seed by seed

    Returns:
      The share: 0 at `low`, 1 at `high`; None where `high` is not above `low`.
    """
    gained = np.subtract(*_checked_pairs(values, low))
    whole = np.subtract(*_checked_pairs(high, low))
    return share_of(gained, whole, rng, num_resamples=num_resamples)


def probability_of_improvement(
    first: Float[np.ndarray, " seeds"], second: Float[np.ndarray, " seeds"]
) -> Interval:
    """Estimate the probability that the first policy ends above the second on the same seed.

    A tie counts one half. The interval is Wilson's: where all seeds agree it still has a width, which a
    bootstrap's has not.
    """
    first, second = _checked_pairs(first, second)
    share, num_seeds = float(np.mean((np.sign(first - second) + 1.0) / 2.0)), len(first)
    scale = 1.0 + _Z**2 / num_seeds
    middle = (share + _Z**2 / (2 * num_seeds)) / scale
    half = _Z / scale * math.sqrt(share * (1.0 - share) / num_seeds + (_Z / (2 * num_seeds)) ** 2)
    return Interval(low=max(0.0, middle - half), point=share, high=min(1.0, middle + half))


def decimals_to_tell_apart(values: Sequence[float]) -> int:
    """Count the decimals, 1 to 4, that keep a tenth of the values' spread visible."""
    spread = max(values) - min(values) if values else 0.0
    if spread <= 0.0:
        return 2
    return min(max(1 - math.floor(math.log10(spread)), 1), 4)


def _percentile_interval(point: float, resampled: Float[np.ndarray, " resamples"]) -> Interval:
    low, high = np.percentile(resampled, _PERCENTILES)
    return Interval(low=float(low), point=point, high=float(high))


def _resamples(
    num_values: int, rng: np.random.Generator, num_resamples: int
) -> Int[np.ndarray, "resamples n"]:
    if num_resamples < NUM_RESAMPLES:
        msg = f"`num_resamples` must be at least {NUM_RESAMPLES}, got {num_resamples}."
        raise ValueError(msg)
    return rng.integers(num_values, size=(num_resamples, num_values))


def _checked(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or values.size == 0:
        msg = f"Values to resample must be one row of at least 1 number, got shape {values.shape}."
        raise ValueError(msg)
    if not np.all(np.isfinite(values)):
        msg = f"Values to resample must be finite, got {values[~np.isfinite(values)][0]}."
        raise ValueError(msg)
    return values


def _checked_pairs(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = _checked(first), _checked(second)
    if first.shape != second.shape:
        msg = f"Paired values need the same seeds, got {len(first)} and {len(second)}."
        raise ValueError(msg)
    return first, second


def _check_rewards(rewards: np.ndarray) -> None:
    if rewards.ndim != 2 or 0 in rewards.shape:
        msg = f"`rewards` must have at least 1 seed and 1 evaluation, got shape {rewards.shape}."
        raise ValueError(msg)
    if not np.all(np.isfinite(rewards)):
        seed, evaluation = np.argwhere(~np.isfinite(rewards))[0]
        msg = f"`rewards` must be finite, got {rewards[seed, evaluation]} at [{seed}, {evaluation}]."
        raise ValueError(msg)
