"""Problems without an end: four solvers agree, and queues have the thresholds of the textbook."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.environment.discounted import policy_iteration, soft_value_iteration, value_iteration
from net4moe.environment.occupation import occupation_bound
from net4moe.environment.tabular import TabularProblem, greedy, optimal, uniform_policy
from tests.tables import drawn_problem, table

SEEDS = st.integers(0, 10_000)


def test_two_states_by_hand() -> None:
    """Earning 1 and being empty for a step: V = 1 + g^2 V, so 4/3 at g = 1/2, and 2/3 when empty."""
    problem = table([[0.0, 1.0], [0.0, np.nan]], [[[1, 0], [0, 1]], [[1, 0], [0, 0]]], [0.5, 0.5])
    for solution in (policy_iteration(problem, 0.5), value_iteration(problem, 0.5, 1e-12)):
        np.testing.assert_allclose([4 / 3, 2 / 3], solution.values, atol=1e-12)
        np.testing.assert_array_equal([1, 0], solution.actions)
        assert solution.start_value == pytest.approx(1.0, abs=1e-12)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.floats(0.0, 0.95))
def test_four_ways_to_the_optimum(seed: int, discount: float) -> None:
    """Policies, values, a linear program and a horizon so long that nothing is left of what follows."""
    problem = drawn_problem(seed, num_states=7, num_devices=3)
    solution = policy_iteration(problem, discount)
    iterated = value_iteration(problem, discount, tolerance=1e-10)
    np.testing.assert_allclose(solution.values, iterated.values, atol=1e-9)
    assert solution.start_value == pytest.approx(optimal(problem, 600, discount).start_value, abs=1e-9)
    bound = occupation_bound(problem, discount=discount).start_value
    assert solution.start_value == pytest.approx(bound, abs=1e-6)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.0, 0.95))
def test_values_are_within_the_tolerance(seed: int, discount: float) -> None:
    """Also where the tolerance is coarse."""
    problem = drawn_problem(seed, num_states=7, num_devices=3)
    values = value_iteration(problem, discount, tolerance=0.05).values
    assert np.abs(policy_iteration(problem, discount).values - values).max() <= 0.05


def test_a_ring_is_solved_though_conjugate_gradients_stall() -> None:
    """200 states in turn, of which one earns 1: V = g^k / (1 - g^200) k steps before it."""
    num_states, discount = 200, 0.99
    rewards = np.zeros((num_states, 1))
    rewards[-1] = 1.0
    ring = np.roll(np.eye(num_states), 1, axis=1)[:, None, :]
    expected = discount ** np.arange(num_states)[::-1] / (1.0 - discount**num_states)
    solution = policy_iteration(table(rewards, ring, np.eye(num_states)[0]), discount)
    np.testing.assert_allclose(expected, solution.values, rtol=1e-10)


def queue(load: float, patience: float, places: int = 60) -> TabularProblem:
    """Lay out Naor's queue: a customer who is let in earns `patience` less the services that it stays.

    State i: a customer comes and finds i others. Between two arrivals the number of services is geometric.
    """
    served = 1.0 / (1.0 + load)
    probabilities, rewards = np.zeros((places, 2, places)), np.zeros((places, 2))
    rewards[:, 1] = patience - np.arange(1, places + 1)
    rewards[-1, 1] = np.nan
    for found in range(places):
        for device in (0, 1) if found + 1 < places else (0,):
            here = found + device
            left = np.arange(here)
            probabilities[found, device, here - left] = (1.0 - served) * served**left
            probabilities[found, device, 0] = served**here
    return table(rewards, probabilities, np.eye(places)[0])


@pytest.mark.parametrize(("load", "patience"), [(0.9, 10.0), (0.5, 10.0), (0.5, 20.0), (1.4, 25.0)])
def test_the_best_queue_is_shorter_than_the_selfish_one(load: float, patience: float) -> None:
    """Naor (1969): the myopic rule lets floor(v) in; the best one n, the greatest with f(n) <= v."""
    problem = queue(load, patience)
    lengths = np.arange(1, 60)
    crowding = (lengths * (1 - load) - load * (1 - load**lengths)) / (1 - load) ** 2
    best = int(lengths[crowding <= patience].max())
    assert best < patience
    np.testing.assert_array_equal((np.arange(40) + 1 < patience).astype(int), greedy(problem.rewards)[:40])
    solution = policy_iteration(problem, 0.99999)
    np.testing.assert_array_equal((np.arange(40) < best).astype(int), solution.actions[:40])


def test_entropy_of_one_state_by_hand() -> None:
    """Rewards 0 and 1 for ever at temperature 2: V = 2 ln(1 + e^(1/2)) / (1 - g)."""
    problem = table([[0.0, 1.0, np.nan]], [[[1.0], [1.0], [0.0]]], [1.0])
    solution = soft_value_iteration(problem, 0.75, temperature=2.0, tolerance=1e-10)
    assert solution.start_value == pytest.approx(8.0 * np.log(1.0 + np.exp(0.5)), abs=1e-9)
    expected = [1.0, np.exp(0.5), 0.0] / (1.0 + np.exp(0.5))
    np.testing.assert_allclose([expected], solution.action_probabilities, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.05, 5.0))
def test_the_soft_values_are_those_of_their_policy(seed: int, temperature: float) -> None:
    """V = sum of pi (r + g P V - temperature ln pi), and no change of the policy gives more."""
    problem = drawn_problem(seed, num_states=5, num_devices=3)
    solution = soft_value_iteration(problem, 0.9, temperature, tolerance=1e-11)
    transitions = problem.next_distribution.toarray().reshape(5, 3, 5)
    rewards = np.nan_to_num(problem.rewards)

    def value(policy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        entropy = -np.sum(policy * np.log(policy, where=policy > 0, out=np.zeros_like(policy)), axis=1)
        chain = np.einsum("dn,dne->de", policy, transitions)
        return np.linalg.solve(
            np.eye(5) - 0.9 * chain, (policy * rewards).sum(axis=1) + temperature * entropy
        )

    policy = solution.action_probabilities
    np.testing.assert_allclose(solution.values, value(policy), atol=1e-9)
    other = policy * np.random.default_rng(seed).uniform(0.5, 2.0, policy.shape)
    assert np.all(value(other / other.sum(axis=1, keepdims=True)) <= solution.values + 1e-9)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_a_cold_policy_is_the_hard_optimum(seed: int) -> None:
    """The soft values lie above the hard ones by at most temperature ln N / (1 - g); what is hot is even."""
    problem = drawn_problem(seed, num_states=5, num_devices=3)
    hard = policy_iteration(problem, 0.9)
    for temperature in (1.0, 1e-2, 1e-4):
        excess = soft_value_iteration(problem, 0.9, temperature, 1e-9).values - hard.values
        assert np.all(excess >= -1e-8)
        assert np.all(excess <= temperature * np.log(3) / 0.1 + 1e-8)
    hot = soft_value_iteration(problem, 0.0, temperature=1e6).action_probabilities
    np.testing.assert_allclose(uniform_policy(problem), hot, atol=1e-4)


PROBLEM = drawn_problem(1, num_states=4, num_devices=2)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: policy_iteration(PROBLEM, 1.0),
            "`discount` must be at least 0 and less than 1 where there is no end, got 1.0.",
        ),
        (
            lambda: value_iteration(PROBLEM, -0.1),
            "`discount` must be at least 0 and less than 1 where there is no end, got -0.1.",
        ),
        (
            lambda: value_iteration(PROBLEM, 0.9, tolerance=0.0),
            "`tolerance` must be finite and greater than 0, got 0.0.",
        ),
        (
            lambda: value_iteration(PROBLEM, 0.9, tolerance=1e-18),
            "`tolerance` of 1e-18 is finer than float64 can prove at a discount of 0.9.",
        ),
        (
            lambda: soft_value_iteration(PROBLEM, 0.9, temperature=0.0),
            "`temperature` must be finite and greater than 0, got 0.0.",
        ),
    ],
)
def test_what_has_no_solution_is_refused(call: Any, text: str) -> None:
    """The sentence names what is wrong and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
