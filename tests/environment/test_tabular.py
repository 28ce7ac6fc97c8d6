"""Tables are solved exactly: by hand, by brute force, and against riddles whose answers are known."""

import itertools
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from net4moe.environment.tabular import (
    TabularProblem,
    action_values,
    evaluated,
    greedy,
    lookahead,
    one_hot,
    optimal,
    uniform_policy,
)
from tests.tables import drawn_policy, drawn_problem, earned, table

SEEDS = st.integers(0, 10_000)
NAN = np.nan

BATTERY = table(
    rewards=[[0.0, 1.0], [0.0, NAN]],
    next_distribution=[[[1, 0], [0, 1]], [[1, 0], [0, 0]]],
    start=[1, 0],
)
"""State 0 is charged: rest, or earn 1 and be empty. State 1 is empty: rest and be charged."""


def test_a_battery_by_hand() -> None:
    """Working every second step earns 2 in 3 steps; a charge at the end is worth 1, none is worth nothing."""
    solution = optimal(BATTERY, 3)
    np.testing.assert_array_equal([[2, 1], [1, 1], [1, 0], [0, 0]], solution.values)
    np.testing.assert_array_equal([[1, 0], [0, 0], [1, 0]], solution.actions)
    assert solution.start_value == 2.0
    assert optimal(BATTERY, 3, discount=0.5).start_value == 1.25


def test_the_devices_share_the_chance_evenly() -> None:
    """Resting and working by lot: 1/2, then 1/2 x 1/2, as only one of two is charged."""
    policy = uniform_policy(BATTERY)
    np.testing.assert_array_equal([[0.5, 0.5], [1.0, 0.0]], policy)
    np.testing.assert_array_equal([[0.75, 0.5], [0.5, 0.0], [0.0, 0.0]], evaluated(BATTERY, policy, 2).values)
    assert evaluated(BATTERY, policy, 2).start_value == 0.75


@pytest.mark.parametrize(("rolls", "expected"), [(1, 3.5), (2, 4.25), (3, 14 / 3)])
def test_a_die_may_be_rolled_again(rolls: int, expected: float) -> None:
    """The well-known riddle: keep the eyes or roll again, three rolls at most, is worth 14/3."""
    again = np.append(np.full(6, 1 / 6), 0.0)
    over = np.eye(7)[6]
    problem = table(
        rewards=[*([eyes, 0.0] for eyes in range(1, 7)), [0.0, NAN]],
        next_distribution=[*([over, again] for _ in range(6)), [over, 0 * over]],
        start=again,
    )
    assert optimal(problem, rolls).start_value == pytest.approx(expected, rel=1e-15)


def test_the_best_of_ten_candidates() -> None:
    """The secretary problem: pass three, take the next that beats them; the best is found in 39.87 % of cases."""
    probabilities, rewards = np.zeros((21, 2, 21)), np.zeros((21, 2))
    for seen in range(1, 11):  # state 2 (seen - 1) + record: the newest candidate beats all before it
        for record in (0, 1):
            state = 2 * (seen - 1) + record
            rewards[state] = [record * seen / 10, 0.0]
            probabilities[state, 0, 20] = 1.0
            if seen == 10:
                probabilities[state, 1, 20] = 1.0
            else:
                probabilities[state, 1, 2 * seen : 2 * seen + 2] = [seen / (seen + 1), 1 / (seen + 1)]
    probabilities[20, :, 20] = 1.0
    solution = optimal(table(rewards, probabilities, np.eye(21)[1]), 10)
    assert solution.start_value == pytest.approx(3 / 10 * sum(1 / k for k in range(3, 10)), rel=1e-12)
    passed = [bool(solution.actions[seen - 1, 2 * (seen - 1) + 1]) for seen in range(1, 11)]
    assert passed == [True, True, True, *[False] * 7]


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_no_plan_earns_more_than_the_optimum(seed: int) -> None:
    """The best of all rules for two states, three devices and two steps, each followed forwards."""
    problem = drawn_problem(seed, num_states=2, num_devices=3)
    rules = [np.eye(3)[list(actions)] for actions in itertools.product(range(3), repeat=2)]
    allowed = [rule for rule in rules if not (rule.astype(bool) & ~problem.device_mask).any()]
    expected = max(earned(problem, plan) for plan in itertools.product(allowed, repeat=2))
    assert optimal(problem, 2).start_value == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(1, 6), st.floats(0.0, 1.0))
def test_a_policy_is_evaluated_exactly(seed: int, num_steps: int, discount: float) -> None:
    """Backwards over values as forwards over probabilities; also where the policy changes with time."""
    problem = drawn_problem(seed, num_states=4, num_devices=3)
    policies = np.stack([drawn_policy(seed + t, problem) for t in range(num_steps)])
    changing = evaluated(problem, policies, num_steps, discount).start_value
    assert changing == pytest.approx(earned(problem, policies, discount), abs=1e-12)
    same = evaluated(problem, policies[0], num_steps, discount).start_value
    assert same == pytest.approx(earned(problem, [policies[0]] * num_steps, discount), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_the_more_is_known_the_more_is_earned(seed: int) -> None:
    """By lot <= plans 1 to 4 steps ahead <= optimum, in every state; each plan keeps what it promised."""
    problem, num_steps = drawn_problem(seed, num_states=6, num_devices=3), 5
    best = optimal(problem, num_steps)
    base = evaluated(problem, uniform_policy(problem), num_steps).values
    for depth in range(1, 5):
        actions = lookahead(problem, base, depth, num_steps)
        planned = evaluated(problem, one_hot(actions, 3), num_steps).values
        assert np.all(base <= planned + 1e-12)
        assert np.all(planned <= best.values + 1e-12)
    np.testing.assert_array_equal(best.actions, lookahead(problem, base, num_steps, num_steps))
    np.testing.assert_array_equal(best.actions, lookahead(problem, base, num_steps + 3, num_steps))
    np.testing.assert_allclose(
        best.values, evaluated(problem, one_hot(best.actions, 3), num_steps).values, atol=1e-12
    )


def test_one_step_ahead_of_the_best_is_the_best() -> None:
    """A base policy that cannot be improved stays."""
    problem = drawn_problem(3, num_states=6, num_devices=3)
    best = optimal(problem, 4, discount=0.9)
    np.testing.assert_array_equal(best.actions, lookahead(problem, best.values, 1, 4, discount=0.9))


def test_the_myopic_rule_is_best_where_a_choice_changes_nothing() -> None:
    """The negative control: the next state is drawn alike whatever is chosen, correlated or not."""
    draws = np.random.default_rng(8)
    chain = np.repeat(draws.dirichlet(np.ones(5), 5)[:, None, :], 3, axis=1)
    problem = table(draws.normal(size=(5, 3)), chain, np.full(5, 0.2))
    myopic = one_hot(greedy(problem.rewards), 3)
    assert optimal(problem, 20).start_value == pytest.approx(evaluated(problem, myopic, 20).start_value)


def test_equal_devices_are_told_apart_by_their_number() -> None:
    """The first of equal ones; one that may not be chosen is passed over."""
    np.testing.assert_array_equal([1, 0], greedy(np.array([[NAN, 2.0, 2.0], [1.0, 1.0, NAN]])))


def test_a_choice_is_worth_what_it_earns_and_opens() -> None:
    """1 now and half of the value 4 of being empty."""
    np.testing.assert_array_equal(
        [[1.5, 3.0], [1.5, NAN]], action_values(BATTERY, np.array([3.0, 4.0]), discount=0.5)
    )


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"rewards": np.zeros(3)}, "`rewards` must have the shape (D, N), both at least 1, got (3,)."),
        ({"rewards": np.zeros((0, 2))}, "`rewards` must have the shape (D, N), both at least 1, got (0, 2)."),
        ({"start": np.ones(3) / 3}, "`start` must have the shape (2,), got (3,)."),
        (
            {"next_distribution": sparse.csr_array((2, 2))},
            "`next_distribution` must have the shape (4, 2), got (2, 2).",
        ),
        (
            {"next_distribution": sparse.csc_array((4, 2))},
            "`next_distribution` must be a sparse matrix in the CSR format.",
        ),
        (
            {"next_distribution": np.zeros((4, 2))},
            "`next_distribution` must be a sparse matrix in the CSR format.",
        ),
        ({"rewards": np.array([[0.0, np.inf], [0.0, NAN]])}, "`rewards` must be finite, got inf."),
        (
            {"rewards": np.array([[0.0, 1.0], [NAN, NAN]])},
            "`rewards` must allow a device in every decision state, state 1 allows none.",
        ),
        ({"start": np.array([0.5, 0.25])}, "`start` must sum to 1, got 0.75."),
        ({"start": np.array([1.5, -0.5])}, "`start` must be finite and at least 0, got -0.5."),
        (
            {"rewards": np.zeros((2, 2))},
            "`next_distribution` of device 1 in state 1 must sum to 1, got 0.0.",
        ),
        (
            {"rewards": np.array([[0.0, NAN], [0.0, NAN]])},
            "`next_distribution` of device 1 in state 0 must be empty, got 1.0.",
        ),
        (
            {"next_distribution": sparse.csr_array([[2.0, -1.0], [0, 1], [1, 0], [0, 0]])},
            "`next_distribution` must be finite and at least 0, got -1.0.",
        ),
    ],
)
def test_a_table_that_is_no_problem_is_refused(changed: dict[str, Any], text: str) -> None:
    """The sentence names what is wrong and what came."""
    parts = {name: getattr(BATTERY, name) for name in ("rewards", "next_distribution", "start")}
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        TabularProblem(**(parts | changed))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: optimal(BATTERY, 0), "`num_steps` must be at least 1, got 0."),
        (lambda: optimal(BATTERY, 2, 1.5), "`discount` must be from 0 to 1, got 1.5."),
        (lambda: optimal(BATTERY, 2, NAN), "`discount` must be from 0 to 1, got nan."),
        (lambda: lookahead(BATTERY, np.zeros((3, 2)), 0, 2), "`depth` must be at least 1, got 0."),
        (
            lambda: lookahead(BATTERY, np.zeros((2, 2)), 1, 2),
            "`base_values` must have the shape (3, 2), got (2, 2).",
        ),
        (
            lambda: evaluated(BATTERY, np.ones((3, 2, 2)), 2),
            "`action_probabilities` must have the shape (2, 2) or (2, 2, 2), got (3, 2, 2).",
        ),
        (
            lambda: evaluated(BATTERY, np.ones((2, 2)), 2),
            "`action_probabilities` must sum to 1 in every decision state, got 2.0 in 0.",
        ),
        (
            lambda: evaluated(BATTERY, np.array([[2.0, -1.0], [1.0, 0.0]]), 2),
            "`action_probabilities` must be finite and at least 0, got -1.0.",
        ),
        (
            lambda: evaluated(BATTERY, one_hot(np.array([[1, 0], [0, 1]]), 2), 2),
            "`action_probabilities` choose device 1 in state 1, where it may not be chosen.",
        ),
    ],
)
def test_a_policy_of_another_problem_is_refused(call: Any, text: str) -> None:
    """The sentence names what is wrong and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
