"""Small decision problems as tables, drawn by lot, and what a policy earns in them added up forwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from net4moe.environment.tabular import TabularProblem

if TYPE_CHECKING:
    from jaxtyping import Float


def table(rewards: Any, next_distribution: Any, start: Any) -> TabularProblem:
    """Make a problem of plain lists: rewards [D, N], probabilities [D, N, D], start [D]."""
    rewards = np.array(rewards, float)
    rows = np.array(next_distribution, float).reshape(rewards.size, rewards.shape[0])
    return TabularProblem(
        rewards=rewards, next_distribution=sparse.csr_array(rows), start=np.array(start, float)
    )


def drawn_problem(seed: int, num_states: int, num_devices: int) -> TabularProblem:
    """Draw rewards, probabilities and masks; device 0 is always allowed."""
    draws = np.random.default_rng(seed)
    rewards = draws.normal(size=(num_states, num_devices))
    rewards[:, 1:][draws.random((num_states, num_devices - 1)) < 0.2] = np.nan
    probabilities = draws.dirichlet(np.full(num_states, 0.3), (num_states, num_devices))
    probabilities[np.isnan(rewards)] = 0.0
    return table(rewards, probabilities, draws.dirichlet(np.ones(num_states)))


def drawn_policy(seed: int, problem: TabularProblem) -> Float[np.ndarray, "D N"]:
    """Draw a policy that draws lots."""
    weights = np.random.default_rng(seed).random(problem.rewards.shape) * problem.device_mask
    return weights / weights.sum(axis=1, keepdims=True)


def earned(problem: TabularProblem, policies: Any, discount: float = 1.0) -> float:
    """Follow the probabilities of the decision states forwards and add up what is earned at each step."""
    transitions = problem.next_distribution.toarray().reshape(*problem.rewards.shape, -1)
    reached, total = problem.start, 0.0
    for t, policy in enumerate(policies):
        chosen = reached[:, None] * policy
        total += discount**t * float(np.sum(chosen * np.nan_to_num(problem.rewards)))
        reached = np.einsum("dn,dne->e", chosen, transitions)
    return total
