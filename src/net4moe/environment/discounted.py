"""Solve small decision problems without an end exactly: what is earned later weighs less, by the discount.

A problem whose sessions end has a decision state for that; see `tabular`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from net4moe.environment.tabular import Solution, TabularProblem, action_values, greedy
from net4moe.network.arrays import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float

__all__ = ["SoftSolution", "policy_iteration", "soft_value_iteration", "value_iteration"]

_ROUNDING = 16.0 * np.finfo(np.float64).eps  # of one sweep, relative to the greatest value
_SOLVE_TOLERANCE = 1e-13  # relative residual of a linear system
_RESTARTS = 3
_SWEEPS = 1000  # of conjugate gradients, for each start


class SoftSolution(NamedTuple):
    """The best trade of reward for entropy.

    Attributes:
      values: discounted reward and temperature times entropy from each decision state on, reward units.
      action_probabilities: the Boltzmann policy that reaches them.
      start_value: mean of `values` over the start, reward units.
    """

    values: Float[np.ndarray, " D"]
    action_probabilities: Float[np.ndarray, "D N"]
    start_value: float


def policy_iteration(problem: TabularProblem, discount: float) -> Solution:
    """Solve a problem without an end: evaluate a policy, improve it, until nothing improves.

        V = (I - discount P_pi)^-1 r_pi

    The linear system is solved by stabilised biconjugate gradients, and by LU where they stall. Howard (1960);
    Puterman (1994), section 6.4.

    Args:
      problem: the problem.
      discount: weight of a step against the one before it, at least 0, less than 1.
    """
    _check_discount(discount)
    num_states, num_devices = problem.rewards.shape
    states = np.arange(num_states)
    actions, values = greedy(problem.rewards), np.zeros(num_states)
    total = -np.inf
    while True:
        chain = problem.next_distribution[states * num_devices + actions]
        values = _solve(chain, problem.rewards[states, actions], discount, values)
        q = action_values(problem, values, discount)
        better = greedy(q)
        improved = q[states, better] > q[states, actions] + _ROUNDING * np.abs(values).max()
        if not improved.any() or values.sum() <= total:  # a sum that does not grow has only rounding to gain
            return Solution(values, better, float(problem.start @ values))
        actions, total = np.where(improved, better, actions), values.sum()


def value_iteration(problem: TabularProblem, discount: float, tolerance: float = 1e-6) -> Solution:
    """Solve a problem without an end by repeating `V <- max over n of Q(., n)`.

    Args:
      problem: the problem.
      discount: weight of a step against the one before it, at least 0, less than 1.
      tolerance: greatest error of `values`, reward units; proven by the bounds of MacQueen (1966).

    Raises:
      ValueError: float64 is too coarse for the tolerance.
    """
    values = _fixed_point(problem, discount, tolerance, lambda q: np.nanmax(q, axis=1))
    actions = greedy(action_values(problem, values, discount))
    return Solution(values, actions, float(problem.start @ values))


def soft_value_iteration(
    problem: TabularProblem, discount: float, temperature: float, tolerance: float = 1e-6
) -> SoftSolution:
    """Solve a problem without an end whose policies also earn their entropy.

        V(d) = temperature ln sum over n of exp(Q(d, n) / temperature),   pi = exp((Q - V) / temperature)

    The fixed point that discrete SAC of the same discount and temperature tends to. See Haarnoja et al. (2017),
    arXiv:1702.08165, theorem 3.

    Args:
      problem: the problem.
      discount: weight of a step against the one before it, at least 0, less than 1.
      temperature: reward units for one nat of entropy, greater than 0.
      tolerance: greatest error of `values`, reward units; proven by the bounds of MacQueen (1966).

    Raises:
      ValueError: float64 is too coarse for the tolerance.
    """
    check("temperature", temperature, above=0.0)

    def soft_greatest(q: Float[np.ndarray, "D N"]) -> Float[np.ndarray, " D"]:
        greatest = np.nanmax(q, axis=1)
        return greatest + temperature * np.log(
            np.nansum(np.exp((q - greatest[:, None]) / temperature), axis=1)
        )

    values = _fixed_point(problem, discount, tolerance, soft_greatest)
    q = action_values(problem, values, discount)
    policy = np.nan_to_num(np.exp((q - soft_greatest(q)[:, None]) / temperature))
    return SoftSolution(values, policy, float(problem.start @ values))


def _fixed_point(
    problem: TabularProblem,
    discount: float,
    tolerance: float,
    best: Callable[[Float[np.ndarray, "D N"]], Float[np.ndarray, " D"]],
) -> Float[np.ndarray, " D"]:
    """Repeat a monotone backup until what its last change proves is within the tolerance.

    The fixed point lies between V + c min(change) and V + c max(change), c = discount / (1 - discount).
    """
    _check_discount(discount)
    check("tolerance", tolerance, above=0.0)
    values = np.zeros(problem.start.size)
    reach = discount / (1.0 - discount)
    while True:
        changed = best(action_values(problem, values, discount))
        change, values = changed - values, changed
        if tolerance < _ROUNDING * np.abs(values).max() / (1.0 - discount):
            message = (
                f"`tolerance` of {tolerance:g} is finer than float64 can prove at a discount of {discount:g}."
            )
            raise ValueError(message)
        low, high = reach * change.min(), reach * change.max()
        if high - low <= 2.0 * tolerance:
            return values + (low + high) / 2.0


def _solve(
    chain: Any, rewards: Float[np.ndarray, " D"], discount: float, guess: Float[np.ndarray, " D"]
) -> Float[np.ndarray, " D"]:
    """Solve `(I - discount chain) V = rewards` for V."""
    matrix = sparse.eye_array(rewards.size, format="csr") - discount * sparse.csr_array(chain)
    values = guess
    for _ in range(_RESTARTS):  # the residual that the method carries along drifts from the true one
        values, stalled = linalg.bicgstab(
            matrix, rewards, x0=values, rtol=_SOLVE_TOLERANCE, atol=0.0, maxiter=_SWEEPS
        )
        if stalled < 0:
            break
    residual = np.abs(matrix @ values - rewards).max()
    if not residual <= 10.0 * _SOLVE_TOLERANCE * np.abs(values).max():
        values = linalg.spsolve(sparse.csc_array(matrix), rewards)
    return np.asarray(values)


def _check_discount(discount: float) -> None:
    """Refuse a discount under which what is earned without an end is not finite."""
    if not 0.0 <= discount < 1.0:
        message = f"`discount` must be at least 0 and less than 1 where there is no end, got {discount}."
        raise ValueError(message)
