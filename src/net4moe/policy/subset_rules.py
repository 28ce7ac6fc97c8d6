"""Rules that choose a set of experts for one subtask, and what they come to where one device must do.

The set rules run on NumPy for one subtask at a time. The policies `des` and `sift_moe` are the same rules for
sets of one expert, where no search is left: the cheapest device that is good enough.
"""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from net4moe.environment.observation import device_feature
from net4moe.policy.baselines import best_among, expected_cost, in_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jaxtyping import Bool, Float, Int

    from net4moe.environment.decisions import Decisions, Policy
    from net4moe.environment.observation import Observation

__all__ = ["des", "des_subset", "gate_weights", "replacement_error", "sift_moe", "sift_subset"]

_ROUNDING = 1e-9


def gate_weights(observation: Observation) -> Float[Any, "*batch N"]:
    """Weigh the allowed devices as a gate would, by the scores that their histories promise.

        g_n = exp(score_n) / sum_m exp(score_m)        over the devices that may be chosen, else 0

    Scores in points. Stands in for the relevance that a trained gate gives to its experts; ours.
    """
    mask = observation.device_mask
    xp = mask.__array_namespace__()
    points = xp.where(mask, 2.0 * device_feature(observation, "expected_score"), -xp.inf)
    shifted = xp.exp(points - xp.max(points, axis=-1, keepdims=True))
    return shifted / xp.sum(shifted, axis=-1, keepdims=True)


def des(importance_factor: float = 0.7) -> Policy:
    """Make the rule of dynamic expert selection for one expert: the cheapest that is relevant enough.

        argmin_n cost_n        subject to g_n >= importance_factor max_m g_m

    `des_subset` with at most one expert, of Qin et al. (2025), arXiv:2503.13421. The relevance g is
    `gate_weights`; the price of writing, sending and waiting stands for the paper's energy; the requirement is a
    share of what the best expert has, so that it can always be met. It knows the present prices; it ignores
    what the choice does to later ones, recent passages, and by how much the quality is worth more than it costs.

    Args:
      importance_factor: 0 to 1; 1 takes the most relevant expert, 0 the cheapest.
    """
    _refuse_unless_share("importance_factor", importance_factor)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        weights = gate_weights(observation)
        xp = weights.__array_namespace__()
        enough = importance_factor * xp.max(weights, axis=-1, keepdims=True)
        return best_among(-expected_cost(observation), weights >= enough, observation.device_mask)

    return choose


def sift_moe(error_budget: float = 0.1) -> Policy:
    """Make SiftMoE's rule for one expert: the cheapest that replaces the gate's choice well and in time.

        argmin_n cost_n        subject to g_top e_n <= error_budget,  n in time

    The decoding rule with K = 1 of Chen, Chen and Huang (2026), arXiv:2603.23888; g_top is the greatest of
    `gate_weights`. The observation does not tell how alike two experts write, so the gap of the promised scores
    stands for the error of a replacement: e_n = min(1, (score_top - score_n) / 2 points); ours. Where nobody is
    in time, the gate's choice is sent out late. It knows present prices, delays and the deadline; it ignores
    what the choice does to later ones and recent passages.

    Args:
      error_budget: greatest error, 0 to 1; 0 replaces only by experts of the same promise.
    """
    _refuse_unless_share("error_budget", error_budget)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        mask = observation.device_mask
        weights = gate_weights(observation)
        xp = weights.__array_namespace__()
        promise = device_feature(observation, "expected_score")
        best = xp.max(xp.where(mask, promise, -xp.inf), axis=-1, keepdims=True)
        error = xp.max(weights, axis=-1, keepdims=True) * xp.minimum(best - promise, 1.0)
        feasible = mask & (error <= error_budget) & in_time(observation)
        values = xp.where(xp.any(feasible, axis=-1, keepdims=True), -expected_cost(observation), promise)
        return best_among(values, feasible, mask)

    return choose


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cover:
    """Experts in the order of cost per weight, with sums that bound every branch.

    Attributes:
      cost: cost of each expert.
      weight: share of the required weight that each expert has.
      cost_sums: cost of the first k experts.
      weight_sums: weight of the first k experts.
      heaviest_sums: row k, column r: weight of the r heaviest of those from k on.
    """

    cost: list[float]
    weight: list[float]
    cost_sums: list[float]
    weight_sums: list[float]
    heaviest_sums: list[list[float]]

    def least_cost(self, first: int, needed: float, room: int) -> float:
        """Bound the cost of covering the share `needed` with at most `room` of the experts from `first` on.

        The linear relaxation without the limit on their number: experts by cost per weight, the last one
        in part. Infinite where the heaviest ones cannot cover it.
        """
        heaviest = self.heaviest_sums[first]
        if heaviest[min(room, len(heaviest) - 1)] < needed - _ROUNDING:
            return float("inf")
        if needed <= _ROUNDING:
            return 0.0
        end = bisect.bisect_left(self.weight_sums, self.weight_sums[first] + needed - _ROUNDING, lo=first)
        missing = needed - (self.weight_sums[end - 1] - self.weight_sums[first])
        whole = self.cost_sums[end - 1] - self.cost_sums[first]
        return whole + self.cost[end - 1] * min(missing / self.weight[end - 1], 1.0)


def des_subset(
    cost: Float[np.ndarray, " N"],
    weight: Float[np.ndarray, " N"],
    *,
    least_weight: float,
    most_experts: int,
    allowed: Bool[np.ndarray, " N"] | None = None,
) -> Bool[np.ndarray, " N"]:
    """Select the cheapest experts whose summed gate weight suffices, exactly.

        min sum_n x_n cost_n    subject to   sum_n x_n weight_n >= least_weight,   sum_n x_n <= most_experts,
                                             x_n in {0, 1}

    Problem P1 of Qin et al. (2025), arXiv:2503.13421, NP-hard. As there, a tree search takes or leaves one
    expert after the other, and a branch whose linear relaxation is not below the best set so far is cut. The
    order of the experts (cost per weight), that the relaxation drops the limit on their number, and the cut of
    branches that the heaviest experts cannot save are ours. Where no set suffices, the heaviest experts are
    taken: the sources do not say what the paper does.

    Args:
      cost: energy or price of each expert, at least 0.
      weight: gate weight of each expert, at least 0.
      least_weight: summed weight that is required, greater than 0.
      most_experts: greatest number of experts, at least 1.
      allowed: True where the expert may be selected; else all may.

    Returns:
      True for the selected experts, of which there is at least one.

    Raises:
      ValueError: a number is out of its range, or no expert may be selected.
    """
    permitted = _checked(cost, weight, most_experts, allowed)
    if not (np.isfinite(least_weight) and least_weight > 0):
        message = f"`least_weight` must be finite and greater than 0, got {least_weight}."
        raise ValueError(message)
    most_experts = min(most_experts, len(permitted))
    share = np.minimum(weight, least_weight) / least_weight
    candidates = permitted[share[permitted] > 0]
    with np.errstate(over="ignore"):
        order = candidates[np.argsort(cost[candidates] / share[candidates], kind="stable")]
    chosen = _search(_cover(cost[order], share[order], most_experts), most_experts)
    selected = np.zeros(len(cost), np.bool_)
    if chosen is None:
        selected[permitted[np.argsort(-weight[permitted], kind="stable")[:most_experts]]] = True
    else:
        selected[order[list(chosen)]] = True
    return selected


def sift_subset(
    cost: Float[np.ndarray, " N"],
    weight: Float[np.ndarray, " N"],
    replacement: Float[np.ndarray, "N N"],
    *,
    error_budget: float,
    most_experts: int,
    allowed: Bool[np.ndarray, " N"] | None = None,
) -> Bool[np.ndarray, " N"]:
    """Select the cheapest experts that keep the error of replaced and skipped ones within a budget.

        min sum_{n in S} cost_n    subject to   sum_{i in Top-K} weight_i min(1, min_{j in S} replacement_ij)
                                                <= error_budget,    1 <= |S| <= K = most_experts

    The decoding rule of SiftMoE, Chen, Chen and Huang (2026), arXiv:2603.23888: all sets are tried. Each of
    the K experts of greatest weight is kept, replaced by the selected one that errs least, or skipped, which
    is an error of 1. The latency constraint enters through `allowed`, and the energy for a given time through
    `cost`. Uncertain: whether the paper lets one expert replace several, as here; and what it does where no
    set is within the budget: here the set of least error is taken.

    Args:
      cost: energy or price of each expert, at least 0.
      weight: gate weight times norm of the output of each expert, at least 0.
      replacement: row i, column j: relative error when j writes for i (`replacement_error`), 0 on the diagonal.
      error_budget: greatest error, at least 0, in units of `weight`.
      most_experts: greatest number of experts, at least 1.
      allowed: True where the expert is reachable in time; else all are.

    Returns:
      True for the selected experts, of which there is at least one.

    Raises:
      ValueError: a number is out of its range, or no expert may be selected.
    """
    permitted = _checked(cost, weight, most_experts, allowed)
    if replacement.shape != (len(cost), len(cost)) or not np.all(replacement >= 0):
        message = f"`replacement` must hold {len(cost)} x {len(cost)} numbers of at least 0."
        raise ValueError(message)
    if not (np.isfinite(error_budget) and error_budget >= 0):
        message = f"`error_budget` must be finite and at least 0, got {error_budget}."
        raise ValueError(message)
    wanted = np.argsort(-weight, kind="stable")[:most_experts]
    relative = np.minimum(replacement[wanted], 1.0)

    def rank(subset: tuple[int, ...]) -> tuple[float, float]:
        error = float(weight[wanted] @ relative[:, subset].min(axis=1))
        price = float(cost[list(subset)].sum())
        within = error <= error_budget + _ROUNDING
        return (-1.0, price) if within else (error, price)

    best = min(_subsets(permitted, most_experts), key=rank)
    selected = np.zeros(len(cost), np.bool_)
    selected[list(best)] = True
    return selected


def replacement_error(
    norm_ratio: Float[np.ndarray, "*shape"], cosine: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """Compute the relative error when one expert's output stands for another's.

        e = sqrt(1 + rho^2 - 2 rho cos(theta))

    The distance of two vectors in units of the first. Skipping is an error of 1, so that a replacement pays
    only below it: arXiv:2603.23888.

    Args:
      norm_ratio: rho, norm of the replacement's output over that of the replaced one, at least 0.
      cosine: cosine of the angle between the two outputs, -1 to 1.
    """
    return np.sqrt(np.maximum(1.0 + norm_ratio**2 - 2.0 * norm_ratio * cosine, 0.0))


def _cover(cost: Float[np.ndarray, " N"], weight: Float[np.ndarray, " N"], most_experts: int) -> _Cover:
    heaviest = [
        np.concatenate([[0.0], np.cumsum(np.sort(weight[first:])[::-1][:most_experts])])
        for first in range(len(weight) + 1)
    ]
    return _Cover(
        cost=cost.tolist(),
        weight=weight.tolist(),
        cost_sums=np.concatenate([[0.0], np.cumsum(cost)]).tolist(),
        weight_sums=np.concatenate([[0.0], np.cumsum(weight)]).tolist(),
        heaviest_sums=[sums.tolist() for sums in heaviest],
    )


def _search(cover: _Cover, most_experts: int) -> tuple[int, ...] | None:
    """Walk the tree depth first, the branch that takes an expert before the one that leaves it."""
    best: tuple[int, ...] | None = None
    best_cost = float("inf")
    open_branches: list[tuple[int, tuple[int, ...], float, float]] = [(0, (), 0.0, 1.0)]
    while open_branches:
        first, chosen, spent, needed = open_branches.pop()
        bound = spent + cover.least_cost(first, needed, most_experts - len(chosen))
        if bound >= best_cost:
            continue
        if needed <= _ROUNDING:
            best, best_cost = chosen, spent
            continue
        open_branches.append((first + 1, chosen, spent, needed))
        taken = (*chosen, first)
        open_branches.append((first + 1, taken, spent + cover.cost[first], needed - cover.weight[first]))
    return best


def _subsets(permitted: Int[np.ndarray, " M"], most_experts: int) -> Iterator[tuple[int, ...]]:
    for size in range(1, min(most_experts, len(permitted)) + 1):
        yield from itertools.combinations(permitted.tolist(), size)


def _checked(
    cost: Float[np.ndarray, " N"],
    weight: Float[np.ndarray, " N"],
    most_experts: int,
    allowed: Bool[np.ndarray, " N"] | None,
) -> Int[np.ndarray, " M"]:
    """Refuse what has no answer and list the experts that may be selected."""
    if cost.shape != weight.shape:
        message = f"`weight` must be of {len(cost)} experts as `cost`, got {len(weight)}."
        raise ValueError(message)
    for label, values in (("cost", cost), ("weight", weight)):
        if not (np.all(np.isfinite(values)) and np.all(values >= 0)):
            message = f"`{label}` must be finite and at least 0."
            raise ValueError(message)
    if most_experts < 1:
        message = f"`most_experts` must be at least 1, got {most_experts}."
        raise ValueError(message)
    if allowed is not None and allowed.shape != cost.shape:
        message = f"`allowed` must be of {len(cost)} experts as `cost`, got {len(allowed)}."
        raise ValueError(message)
    permitted = np.arange(len(cost)) if allowed is None else np.flatnonzero(allowed)
    if not len(permitted):
        message = "`allowed` must allow at least 1 expert, got none."
        raise ValueError(message)
    return permitted


def _refuse_unless_share(label: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        message = f"`{label}` must be from 0 to 1, got {value}."
        raise ValueError(message)
