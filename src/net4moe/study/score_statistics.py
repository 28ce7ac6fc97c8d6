"""Statistics of scores over several scenarios: profiles, gaps, tails, and corrections for looking often.

The method is that of Agarwal et al. (2021), arXiv:2108.13264; resampling is stratified by scenario. `statistics`
has the interquartile mean and the rest.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np

from net4moe.study.statistics import NUM_RESAMPLES, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

__all__ = ["WORST_SHARE", "holm", "optimality_gap", "performance_profile", "sign_test", "worst_mean"]

WORST_SHARE = 0.05
"""Share of the episodes that count as the worst."""

_PERCENTILES = (2.5, 97.5)
_MOST_EXACT = 12


def optimality_gap(
    strata: Sequence[Float[np.ndarray, " n"]], rng: np.random.Generator, *, num_resamples: int = NUM_RESAMPLES
) -> Interval:
    """Estimate how far scores stay below 1 on average: `mean(1 - min(score, 1))`.

    Args:
      strata: the scores, one array for each scenario; each is resampled on its own.
      rng: where the resamples come from.
      num_resamples: how many.
    """
    missed = [1.0 - np.minimum(values, 1.0) for values in _checked(strata)]
    drawn = _mean_of_resamples([values[:, None] for values in missed], rng, num_resamples)[:, 0]
    low, high = np.percentile(drawn, _PERCENTILES)
    return Interval(low=float(low), point=float(np.concatenate(missed).mean()), high=float(high))


def performance_profile(
    strata: Sequence[Float[np.ndarray, " n"]],
    thresholds: Float[np.ndarray, " K"],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> Float[np.ndarray, "3 K"]:
    """Estimate the share of runs that score above each threshold, with its interval point by point.

    Returns:
      Lower ends, shares, upper ends.
    """
    above = [(values[:, None] > thresholds).astype(np.float64) for values in _checked(strata)]
    drawn = _mean_of_resamples(above, rng, num_resamples)
    low, high = np.percentile(drawn, _PERCENTILES, axis=0)
    return np.stack([low, np.concatenate(above).mean(axis=0), high])


def sign_test(
    differences: Float[np.ndarray, " n"], rng: np.random.Generator, *, num_resamples: int = NUM_RESAMPLES
) -> float:
    """Compute how likely a mean as far from 0 is where the sign of each difference is a coin toss.

    Fisher's randomisation test for pairs, two-sided: exact, over all signs, for up to 12 differences; over
    random signs for more. With n differences it is never below 2 / 2^n.

    Returns:
      The p-value; 1 where all differences are 0.
    """
    values = _checked([differences])[0]
    if len(values) <= _MOST_EXACT:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(values))))
        extreme, count = 0, len(signs)
    else:
        signs = rng.choice((-1.0, 1.0), size=(num_resamples, len(values)))
        extreme, count = 1, len(signs) + 1  # what was seen is one of the possible outcomes
    seen = abs(values.mean())
    tolerance = 1e-12 * np.abs(values).max()
    return float((extreme + np.sum(np.abs(signs @ values) / len(values) >= seen - tolerance)) / count)


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Correct p-values for how many there are: Holm (1979), Scandinavian Journal of Statistics 6(2).

    p_(k) -> max over j <= k of (m - j + 1) p_(j), at most 1        sorted, k from 1 to m
    """
    values = np.asarray(p_values, np.float64)
    if not np.all((values >= 0.0) & (values <= 1.0)):
        message = f"`p_values` must be from 0 to 1, got {values[~((values >= 0.0) & (values <= 1.0))][0]}."
        raise ValueError(message)
    order = np.argsort(values, kind="stable")
    factors = len(values) - np.arange(len(values))
    adjusted = np.minimum(np.maximum.accumulate(factors * values[order]), 1.0)
    placed = np.empty_like(adjusted)
    placed[order] = adjusted
    return tuple(placed.tolist())


def worst_mean(values: Float[np.ndarray, "*shape"], share: float = WORST_SHARE) -> float:
    """Average the lowest share of the values, at least one of them: conditional value at risk.

    Args:
      values: rewards of episodes.
      share: which share, greater than 0, at most 1.
    """
    if not 0.0 < share <= 1.0:
        message = f"`share` must be above 0 and at most 1, got {share}."
        raise ValueError(message)
    ordered = np.sort(values, axis=None)
    return float(ordered[: max(1, math.ceil(share * len(ordered) - 1e-9))].mean())


def _mean_of_resamples(
    strata: Sequence[Float[np.ndarray, "n K"]], rng: np.random.Generator, num_resamples: int
) -> Float[np.ndarray, "resamples K"]:
    """Average over all rows, each array's rows drawn with replacement.

    Drawing rows is drawing how often each comes, so that one product of matrices does it.
    """
    total = sum(len(values) for values in strata)
    sums = [
        rng.multinomial(len(values), np.full(len(values), 1.0 / len(values)), num_resamples) @ values
        for values in strata
    ]
    return np.sum(sums, axis=0) / total


def _checked(strata: Sequence[Float[np.ndarray, " n"]]) -> list[Float[np.ndarray, " n"]]:
    arrays = [np.asarray(values, np.float64) for values in strata]
    if not arrays or any(values.ndim != 1 or values.size == 0 for values in arrays):
        message = "Scores must be at least 1 row of at least 1 number each."
        raise ValueError(message)
    if not all(np.all(np.isfinite(values)) for values in arrays):
        message = "Scores must be finite."
        raise ValueError(message)
    return arrays
