"""The linear program agrees with dynamic programming, and keeps within its budget exactly."""

import itertools
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from net4moe.environment.occupation import occupation_bound
from net4moe.environment.tabular import evaluated, optimal
from tests.tables import drawn_policy, drawn_problem, earned, table

SEEDS = st.integers(0, 10_000)

COIN = table([[0.0, 1.0]], [[[1.0], [1.0]]], [1.0])
"""One state: earn nothing, or earn 1."""
PRICES = np.array([[0.0, 2.0]])


def test_a_budget_is_used_by_lot() -> None:
    """Earning 1 costs 2; a budget of 3 over 4 steps is worth 1.5, one of 10 all 4, one of 0 nothing."""
    for budget, expected in ((3.0, 1.5), (10.0, 4.0), (0.0, 0.0)):
        bound = occupation_bound(COIN, 4, costs=PRICES, budget=budget)
        assert bound.start_value == pytest.approx(expected, abs=1e-7)
    endless = occupation_bound(COIN, discount=0.5, costs=PRICES, budget=1.0)
    assert endless.start_value == pytest.approx(0.5, abs=1e-7)
    np.testing.assert_allclose([[0.75, 0.25]], endless.action_probabilities, atol=1e-7)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 5), st.floats(0.1, 1.0))
def test_without_a_budget_it_is_the_optimum(seed: int, num_steps: int, discount: float) -> None:
    """As backward dynamic programming has it; the policy that is read out of it reaches it."""
    problem = drawn_problem(seed, num_states=4, num_devices=3)
    bound = occupation_bound(problem, num_steps, discount=discount)
    assert optimal(problem, num_steps, discount).start_value == pytest.approx(bound.start_value, abs=1e-6)
    reached = evaluated(problem, bound.action_probabilities, num_steps, discount).start_value
    assert reached == pytest.approx(bound.start_value, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_within_a_budget_nothing_earns_more(seed: int) -> None:
    """Its policy keeps the budget and reaches the bound; drawn policies that keep it stay below."""
    problem, num_steps = drawn_problem(seed, num_states=3, num_devices=3), 3
    costs = np.random.default_rng(seed).random((3, 3))
    costs[:, 0] = 0.0
    spending = table(
        np.where(problem.device_mask, costs, np.nan), problem.next_distribution.toarray(), problem.start
    )
    bound = occupation_bound(problem, num_steps, costs=costs, budget=0.4)
    policy = bound.action_probabilities
    assert earned(problem, policy) == pytest.approx(bound.start_value, abs=1e-6)
    assert earned(spending, policy) <= 0.4 + 1e-6
    for lot, share in itertools.product(range(20), (0.1, 0.4)):
        cautious = (1 - share) * np.eye(3)[[0, 0, 0]] + share * drawn_policy(lot, problem)
        plan = [cautious] * num_steps
        if earned(spending, plan) <= 0.4:
            assert earned(problem, plan) <= bound.start_value + 1e-6


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: occupation_bound(COIN, 0), "`num_steps` must be at least 1, got 0."),
        (lambda: occupation_bound(COIN, 2, discount=1.1), "`discount` must be from 0 to 1, got 1.1."),
        (
            lambda: occupation_bound(COIN),
            "`discount` must be at least 0 and less than 1 where there is no end, got 1.0.",
        ),
        (
            lambda: occupation_bound(COIN, 2, costs=PRICES),
            "`costs` and `budget` must be given together.",
        ),
        (
            lambda: occupation_bound(COIN, 2, costs=PRICES.T, budget=1.0),
            "`costs` must have the shape (1, 2), got (2, 1).",
        ),
        (
            lambda: occupation_bound(COIN, 2, costs=PRICES, budget=np.nan),
            "`budget` must be finite, got nan.",
        ),
        (
            lambda: occupation_bound(COIN, 2, costs=PRICES + 1.0, budget=1.5),
            "No policy keeps the mean cost within a `budget` of 1.5.",
        ),
    ],
)
def test_a_budget_that_cannot_be_kept_is_refused(call: Any, text: str) -> None:
    """The sentence names what is wrong and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()


def test_a_solver_that_gives_up_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound without a proof is no answer."""
    tired = SimpleNamespace(status=4, message="Numerical difficulties.")
    monkeypatch.setattr(optimize, "linprog", lambda *_, **__: tired)
    with pytest.raises(RuntimeError, match=r"^HiGHS found no optimum: Numerical difficulties\.$"):
        occupation_bound(COIN, 2)
