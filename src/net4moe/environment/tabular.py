"""Solve small decision problems exactly: what heuristics and learned policies are held against.

A problem is a table. In decision state d device n earns a mean reward, then chance draws the next decision
state; what chance has already shown (the channel, the subtask) is part of the state. A session that is over is
a state of its own that leads to itself and earns nothing. All is float64; values are reward units.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import check

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

__all__ = [
    "Evaluation",
    "Solution",
    "TabularProblem",
    "action_values",
    "evaluated",
    "greedy",
    "lookahead",
    "one_hot",
    "optimal",
    "uniform_policy",
]

_SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TabularProblem:
    """A finite Markov decision problem: a choice, then chance.

    Attributes:
      rewards: mean reward of device n in decision state d, reward units; NaN where it may not be chosen.
      next_distribution: sparse CSR matrix of shape (D N, D); row d N + n holds the probabilities of the next
        decision state after device n in state d, and is empty where the device may not be chosen.
      start: probabilities of the first decision state.
    """

    rewards: Float[np.ndarray, "D N"]
    next_distribution: Any
    start: Float[np.ndarray, " D"]

    def __post_init__(self) -> None:
        """Refuse tables that do not fit together and rows that are no distribution."""
        if self.rewards.ndim != 2 or 0 in self.rewards.shape:
            message = f"`rewards` must have the shape (D, N), both at least 1, got {self.rewards.shape}."
            raise ValueError(message)
        num_states = self.rewards.shape[0]
        for label, array, shape in (
            ("next_distribution", self.next_distribution, (self.rewards.size, num_states)),
            ("start", self.start, (num_states,)),
        ):
            if array.shape != shape:
                message = f"`{label}` must have the shape {shape}, got {array.shape}."
                raise ValueError(message)
        if getattr(self.next_distribution, "format", "dense") != "csr":
            message = "`next_distribution` must be a sparse matrix in the CSR format."
            raise ValueError(message)
        check("rewards", self.rewards[self.device_mask])
        if not self.device_mask.any(axis=1).all():
            state = int(np.argmin(self.device_mask.any(axis=1)))
            message = f"`rewards` must allow a device in every decision state, state {state} allows none."
            raise ValueError(message)
        check("next_distribution", self.next_distribution.data, least=0.0)
        check("start", self.start, least=0.0)
        self._check_sums()

    @property
    def device_mask(self) -> Bool[np.ndarray, "D N"]:
        """True where a device may be chosen."""
        return ~np.isnan(self.rewards)

    def _check_sums(self) -> None:
        """Refuse probabilities that do not sum to 1."""
        if abs(self.start.sum() - 1.0) > _SUM_TOLERANCE:
            message = f"`start` must sum to 1, got {self.start.sum()}."
            raise ValueError(message)
        sums = np.asarray(self.next_distribution.sum(axis=1)).ravel()
        wrong = np.abs(sums - self.device_mask.ravel()) > _SUM_TOLERANCE
        if wrong.any():
            row = int(np.argmax(wrong))
            wanted = "sum to 1" if self.device_mask.flat[row] else "be empty"
            state, device = divmod(row, self.rewards.shape[1])
            message = (
                f"`next_distribution` of device {device} in state {state} must {wanted}, got {sums[row]}."
            )
            raise ValueError(message)


class Solution(NamedTuple):
    """The best that can be done.

    Attributes:
      values: what is still earned from each decision state on, reward units. Over T steps there is a row for
        each of them and a last one of zeros.
      actions: the best device in each decision state, the first of equal ones. Over T steps, a row for each.
      start_value: mean of what is earned from the start on, reward units.
    """

    values: Float[np.ndarray, "*steps D"]
    actions: Int[np.ndarray, "*steps D"]
    start_value: float


class Evaluation(NamedTuple):
    """What a policy earns.

    Attributes:
      values: what is still earned at step t from each decision state on, reward units; the last row is 0.
      start_value: mean of what is earned from the start on, reward units.
    """

    values: Float[np.ndarray, "T+1 D"]
    start_value: float


def action_values(
    problem: TabularProblem, next_values: Float[np.ndarray, " D"], discount: float = 1.0
) -> Float[np.ndarray, "D N"]:
    """Compute what each choice earns now and afterwards.

        Q(d, n) = r(d, n) + discount sum over d' of P(d' | d, n) V(d')

    Args:
      problem: the problem.
      next_values: value V of each decision state after the choice, reward units.
      discount: weight of the next step against this one.

    Returns:
      Reward units; NaN where a device may not be chosen.
    """
    following = problem.next_distribution @ next_values
    return problem.rewards + discount * following.reshape(problem.rewards.shape)


def greedy(values: Float[np.ndarray, "D N"]) -> Int[np.ndarray, " D"]:
    """Pick the device of greatest value in each decision state, the first of equal ones; NaN is passed over.

    Of `TabularProblem.rewards` it makes the myopic policy.
    """
    return np.nanargmax(values, axis=1).astype(np.int32)


def one_hot(actions: Int[np.ndarray, "*steps D"], num_devices: int) -> Float[np.ndarray, "*steps D N"]:
    """Write chosen devices as probabilities of 0 and 1; in float32, which holds them exactly."""
    return (actions[..., None] == np.arange(num_devices)).astype(np.float32)


def uniform_policy(problem: TabularProblem) -> Float[np.ndarray, "D N"]:
    """Give each device that may be chosen the same probability."""
    return problem.device_mask / problem.device_mask.sum(axis=1, keepdims=True)


def optimal(problem: TabularProblem, num_steps: int, discount: float = 1.0) -> Solution:
    """Solve a problem over a number of steps by backward dynamic programming.

        V_T = 0,   V_t(d) = max over n of Q_t(d, n),   Q_t = r + discount P V_{t+1}

    See Puterman, Markov Decision Processes (1994), section 4.5.

    Args:
      problem: the problem.
      num_steps: number T of choices, at least 1.
      discount: weight of a step against the one before it, 0 to 1.
    """
    _check_horizon(num_steps, discount)
    num_states = problem.start.size
    values = np.zeros((num_steps + 1, num_states))
    actions = np.zeros((num_steps, num_states), np.int32)
    for t in reversed(range(num_steps)):
        q = action_values(problem, values[t + 1], discount)
        actions[t] = greedy(q)
        values[t] = np.nanmax(q, axis=1)
    return Solution(values, actions, float(problem.start @ values[0]))


def evaluated(
    problem: TabularProblem,
    action_probabilities: Float[np.ndarray, "*steps D N"],
    num_steps: int,
    discount: float = 1.0,
) -> Evaluation:
    """Compute exactly what a policy earns over a number of steps.

        V_T = 0,   V_t(d) = sum over n of pi_t(n | d) Q_t(d, n)

    Args:
      problem: the problem.
      action_probabilities: probability of each device in each decision state; with an axis T in front, at
        each step.
      num_steps: number T of choices, at least 1.
      discount: weight of a step against the one before it, 0 to 1.

    Raises:
      ValueError: the probabilities are no policy of this problem, or the axis T has another length.
    """
    _check_horizon(num_steps, discount)
    shape = problem.rewards.shape
    if action_probabilities.shape not in (shape, (num_steps, *shape)):
        message = (
            f"`action_probabilities` must have the shape {shape} or {(num_steps, *shape)}, "
            f"got {action_probabilities.shape}."
        )
        raise ValueError(message)
    values = np.zeros((num_steps + 1, problem.start.size))
    policies = np.broadcast_to(action_probabilities, (num_steps, *shape))
    stationary = action_probabilities.ndim == 2
    for t in reversed(range(num_steps)):
        if t == num_steps - 1 or not stationary:
            _check_policy(problem, policies[t])
        q = action_values(problem, values[t + 1], discount)
        values[t] = np.nansum(policies[t] * q, axis=1)
    return Evaluation(values, float(problem.start @ values[0]))


def lookahead(
    problem: TabularProblem,
    base_values: Float[np.ndarray, "T+1 D"],
    depth: int,
    num_steps: int,
    discount: float = 1.0,
) -> Int[np.ndarray, "T D"]:
    """Plan a few steps ahead in each decision state, and trust a base policy with the rest.

    Model predictive control with the true probabilities. With the values of a policy behind it, it earns at
    least as much as that policy from every state: Bertsekas, Dynamic Programming and Optimal Control,
    volume 1, chapter 6.

    Args:
      problem: the problem.
      base_values: values of the base policy, such as `evaluated` gives, reward units.
      depth: number of steps planned exactly, at least 1; the end of the episode shortens it.
      num_steps: number T of choices, at least 1.
      discount: weight of a step against the one before it, 0 to 1.

    Returns:
      The chosen device at each step in each decision state.
    """
    _check_horizon(num_steps, discount)
    if depth < 1:
        message = f"`depth` must be at least 1, got {depth}."
        raise ValueError(message)
    shape = (num_steps + 1, problem.start.size)
    if base_values.shape != shape:
        message = f"`base_values` must have the shape {shape}, got {base_values.shape}."
        raise ValueError(message)
    values = np.array(base_values, np.float64)
    for _ in range(depth - 1):
        for t in range(num_steps):
            values[t] = np.nanmax(action_values(problem, values[t + 1], discount), axis=1)
    return np.stack([greedy(action_values(problem, values[t + 1], discount)) for t in range(num_steps)])


def _check_policy(problem: TabularProblem, policy: Float[np.ndarray, "D N"]) -> None:
    """Refuse probabilities that are negative, do not sum to 1 or choose what may not be chosen."""
    check("action_probabilities", policy, least=0.0)
    sums = policy.sum(axis=1, dtype=np.float64)
    wrong = np.abs(sums - 1.0) > _SUM_TOLERANCE
    if wrong.any():
        state = int(np.argmax(wrong))
        message = (
            f"`action_probabilities` must sum to 1 in every decision state, got {sums[state]} in {state}."
        )
        raise ValueError(message)
    chosen = (policy > 0.0) & ~problem.device_mask
    if chosen.any():
        state, device = (int(index[0]) for index in np.nonzero(chosen))
        message = (
            f"`action_probabilities` choose device {device} in state {state}, where it may not be chosen."
        )
        raise ValueError(message)


def _check_horizon(num_steps: int, discount: float) -> None:
    """Refuse an episode of no steps, and a discount that is none."""
    if num_steps < 1:
        message = f"`num_steps` must be at least 1, got {num_steps}."
        raise ValueError(message)
    if not 0.0 <= discount <= 1.0:
        message = f"`discount` must be from 0 to 1, got {discount}."
        raise ValueError(message)
