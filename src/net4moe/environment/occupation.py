"""The best policy as a linear program over how often each choice is made, with or without a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import optimize, sparse

from net4moe.environment.tabular import uniform_policy
from net4moe.network.arrays import check

if TYPE_CHECKING:
    from jaxtyping import Float

    from net4moe.environment.tabular import TabularProblem

__all__ = ["OccupationBound", "occupation_bound"]


class OccupationBound(NamedTuple):
    """The best that can be done within a budget.

    Attributes:
      start_value: mean of what is earned from the start on, reward units.
      action_probabilities: a policy that reaches it, over T steps with an axis T in front. It draws lots where
        the budget makes it, and evenly where it never comes.
    """

    start_value: float
    action_probabilities: Float[np.ndarray, "*steps D N"]


def occupation_bound(
    problem: TabularProblem,
    num_steps: int | None = None,
    *,
    discount: float = 1.0,
    costs: Float[np.ndarray, "D N"] | None = None,
    budget: float | None = None,
) -> OccupationBound:
    """Solve a problem as a linear program, and keep a mean cost within a budget where there is one.

    With x_t(d, n) the probability that device n is chosen in state d at step t:

        maximise    sum over t, d, n of discount^t r(d, n) x_t(d, n)
        subject to  sum over n of x_0(d, n) = start(d)
                    sum over n of x_{t+1}(d', n) = sum over d, n of P(d' | d, n) x_t(d, n)
                    sum over t, d, n of discount^t c(d, n) x_t(d, n) <= budget

    Without an end, x is the discounted sum over t. Without a budget it is one more way to the optimum; with
    one it is the optimum of the constrained problem: Altman, Constrained Markov Decision Processes (1999),
    chapter 3. For small problems: over steps there are T D N variables.

    Args:
      problem: the problem.
      num_steps: number T of choices, at least 1; None where there is no end.
      discount: weight of a step against the one before it, 0 to 1; less than 1 where there is no end.
      costs: mean of what each choice takes from the budget, in any unit.
      budget: what all choices of an episode may take in the mean, discounted as the rewards are.

    Raises:
      ValueError: no policy keeps within the budget, or the arguments do not fit together.
    """
    _check(problem, num_steps, discount, costs, budget)
    mask = problem.device_mask
    states, num_states, num_choices = np.nonzero(mask)[0], problem.start.size, int(mask.sum())
    leaving = sparse.csr_array((np.ones(num_choices), (states, np.arange(num_choices))))
    arriving = sparse.csr_array(problem.next_distribution)[np.flatnonzero(mask)].T
    if num_steps is None:
        weights, flow = np.ones(1), leaving - discount * arriving
    else:
        weights = discount ** np.arange(num_steps)
        later = sparse.diags_array(np.ones(num_steps - 1), offsets=-1, shape=(num_steps, num_steps))
        flow = sparse.kron(sparse.eye_array(num_steps), leaving) - sparse.kron(later, arriving)
    start = np.zeros((weights.size, num_states))
    start[0] = problem.start
    solved = optimize.linprog(
        -np.outer(weights, problem.rewards[mask]).ravel(),
        A_eq=flow,
        b_eq=start.ravel(),
        A_ub=None if costs is None else np.outer(weights, costs[mask]).reshape(1, -1),
        b_ub=None if costs is None else [budget],
        method="highs",
    )
    if solved.status == 2:
        message = f"No policy keeps the mean cost within a `budget` of {budget}."
        raise ValueError(message)
    if solved.status != 0:
        message = f"HiGHS found no optimum: {solved.message}"
        raise RuntimeError(message)
    policy = _policy(problem, solved.x.reshape(weights.size, num_choices))
    return OccupationBound(-float(solved.fun), policy[0] if num_steps is None else policy)


def _policy(problem: TabularProblem, measure: Float[np.ndarray, "T M"]) -> Float[np.ndarray, "T D N"]:
    """Divide how often each choice is made by how often its state is met."""
    choices = np.zeros((measure.shape[0], *problem.rewards.shape))
    choices[:, problem.device_mask] = np.maximum(measure, 0.0)
    met = choices.sum(axis=2, keepdims=True)
    return np.where(met > 0.0, choices / np.where(met > 0.0, met, 1.0), uniform_policy(problem))


def _check(
    problem: TabularProblem,
    num_steps: int | None,
    discount: float,
    costs: Any,
    budget: float | None,
) -> None:
    """Refuse arguments that do not fit together."""
    if num_steps is not None and num_steps < 1:
        message = f"`num_steps` must be at least 1, got {num_steps}."
        raise ValueError(message)
    if not 0.0 <= discount <= 1.0 or (num_steps is None and discount == 1.0):
        wanted = "at least 0 and less than 1 where there is no end" if num_steps is None else "from 0 to 1"
        message = f"`discount` must be {wanted}, got {discount}."
        raise ValueError(message)
    if (costs is None) != (budget is None):
        message = "`costs` and `budget` must be given together."
        raise ValueError(message)
    if costs is not None and budget is not None:
        if costs.shape != problem.rewards.shape:
            message = f"`costs` must have the shape {problem.rewards.shape}, got {costs.shape}."
            raise ValueError(message)
        check("costs", costs[problem.device_mask])
        check("budget", budget)
