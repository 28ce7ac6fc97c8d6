"""Sets of experts by hand and against every set there is; the policies are the same for sets of one."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from net4moe.environment.observation import DEVICE_FEATURES
from net4moe.policy.baselines import LEGEND
from net4moe.policy.subset_rules import (
    des,
    des_subset,
    gate_weights,
    replacement_error,
    sift_moe,
    sift_subset,
)
from tests.choices import choices, drawn_choices


def sets(permitted: Any, most: int) -> list[tuple[int, ...]]:
    """List every set of 1 to `most` experts."""
    members = np.flatnonzero(permitted).tolist()
    return [s for size in range(1, most + 1) for s in itertools.combinations(members, size)]


def test_des_by_hand() -> None:
    """Weights 0.5, 0.3, 0.2 at prices 5, 1 and 1: 0.5 is reached by the two cheap ones, 0.6 only by the dear one.

    With one expert, 0.5 needs the dear one.
    """
    cost, weight = np.array([5.0, 1.0, 1.0]), np.array([0.5, 0.3, 0.2])
    assert [False, True, True] == des_subset(cost, weight, least_weight=0.5, most_experts=2).tolist()
    assert [True, True, False] == des_subset(cost, weight, least_weight=0.8, most_experts=2).tolist()
    assert [True, False, False] == des_subset(cost, weight, least_weight=0.5, most_experts=1).tolist()


def test_des_takes_the_heaviest_where_no_set_suffices() -> None:
    """Two of the allowed experts reach 0.5 of the 0.9 that are asked for."""
    chosen = des_subset(
        np.ones(4),
        np.array([0.1, 0.2, 0.3, 0.4]),
        least_weight=0.9,
        most_experts=2,
        allowed=np.array([True, True, True, False]),
    )
    assert [False, True, True, False] == chosen.tolist()


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), num_experts=st.integers(1, 9), most=st.integers(1, 5))
def test_des_is_as_cheap_as_the_best_of_all_sets(seed: int, num_experts: int, most: int) -> None:
    """Every set is tried; small whole numbers make many of them equally good."""
    random = np.random.default_rng(seed)
    if seed % 2:
        cost, weight = random.random(num_experts), random.dirichlet(np.ones(num_experts))
    else:
        cost, weight = random.integers(0, 4, num_experts) / 1.0, random.integers(0, 4, num_experts) / 8.0
    allowed = random.random(num_experts) < 0.8
    allowed[random.integers(num_experts)] = True
    least = float(random.uniform(0.05, 0.9))
    chosen = des_subset(cost, weight, least_weight=least, most_experts=most, allowed=allowed)
    assert 1 <= chosen.sum() <= most
    assert not np.any(chosen & ~allowed)
    enough = [s for s in sets(allowed, most) if weight[list(s)].sum() >= least - 1e-9]
    if enough:
        assert weight[chosen].sum() >= least - 1e-8
        assert min(cost[list(s)].sum() for s in enough) == pytest.approx(cost[chosen].sum(), abs=1e-9)
    else:
        heaviest = max(weight[list(s)].sum() for s in sets(allowed, most))
        assert heaviest == pytest.approx(weight[chosen].sum())


def test_des_needs_few_of_the_branches() -> None:
    """Of 40 experts at most 4 are chosen among 102,090 sets; a linear program bounds the price from below."""
    random = np.random.default_rng(1)
    cost, weight = random.random(40), random.dirichlet(np.ones(40))
    least = 0.8 * float(np.sort(weight)[-4:].sum())
    chosen = des_subset(cost, weight, least_weight=least, most_experts=4)
    relaxed = linprog(cost, A_ub=[-weight, np.ones(40)], b_ub=[-least, 4.0], bounds=(0.0, 1.0))
    assert weight[chosen].sum() >= least
    assert chosen.sum() <= 4
    assert relaxed.fun <= cost[chosen].sum() <= relaxed.fun + 2.0 * cost.max()
    assert min(
        cost[list(s)].sum() for s in sets(np.ones(40, np.bool_), 4) if weight[list(s)].sum() >= least
    ) == pytest.approx(cost[chosen].sum())


def test_sift_replaces_an_expert_by_one_like_it() -> None:
    """Expert 1 writes like expert 0 (error 0.1) and is cheap; expert 2 is cheaper and unlike both.

    Top-2 are 0 and 2 with weights 0.6 and 0.3. Expert 1 alone errs by 0.6 * 0.1 + 0.3 = 0.36, expert 2 alone by
    0.6, experts 1 and 2 by 0.06, experts 0 and 2 by nothing.
    """
    cost, weight = np.array([9.0, 2.0, 1.0]), np.array([0.6, 0.1, 0.3])
    replacement = np.array([[0.0, 0.1, 1.4], [0.1, 0.0, 1.4], [1.4, 1.4, 0.0]])

    def chosen(error_budget: float) -> list[bool]:
        return sift_subset(cost, weight, replacement, error_budget=error_budget, most_experts=2).tolist()

    assert [True, False, True] == chosen(0.0)
    assert [False, True, True] == chosen(0.06)
    assert [False, True, False] == chosen(0.4)
    assert [False, False, True] == chosen(0.6)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), num_experts=st.integers(1, 7), most=st.integers(1, 3))
def test_sift_is_as_cheap_as_the_best_of_all_sets(seed: int, num_experts: int, most: int) -> None:
    """Errors are added up by loops; where no set is within the budget, the least error is taken."""
    random = np.random.default_rng(seed)
    cost, weight = random.random(num_experts), random.dirichlet(np.ones(num_experts))
    replacement = random.uniform(0.0, 1.5, (num_experts, num_experts))
    np.fill_diagonal(replacement, 0.0)
    allowed = random.random(num_experts) < 0.8
    allowed[random.integers(num_experts)] = True
    budget = float(random.uniform(0.0, 0.4))

    def error(members: Any) -> float:
        top = sorted(range(num_experts), key=lambda n: -weight[n])[:most]
        return sum(weight[i] * min([1.0, *(replacement[i, j] for j in members)]) for i in top)

    chosen = np.flatnonzero(
        sift_subset(cost, weight, replacement, error_budget=budget, most_experts=most, allowed=allowed)
    )
    assert 1 <= len(chosen) <= most
    assert np.all(allowed[chosen])
    within = [s for s in sets(allowed, most) if error(s) <= budget]
    if within:
        assert min(cost[list(s)].sum() for s in within) == pytest.approx(cost[chosen].sum())
        assert error(chosen) <= budget + 1e-8
    else:
        assert min(error(s) for s in sets(allowed, most)) == pytest.approx(error(chosen))


def test_replacement_error_is_the_distance_of_two_vectors() -> None:
    """Alike: 0; at right angles and of equal length: sqrt 2; nothing at all: 1."""
    random = np.random.default_rng(0)
    kept, other = random.normal(size=(2, 5))
    norms = np.linalg.norm([kept, other], axis=1)
    expected = np.linalg.norm(kept - other) / norms[0]
    ratio, cosine = np.array([[norms[1] / norms[0]], [kept @ other / norms.prod()]])
    np.testing.assert_allclose(expected, replacement_error(ratio, cosine))
    np.testing.assert_allclose(
        [0.0, 2.0**0.5, 1.0], replacement_error(np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.5]))
    )


def test_gate_weights_are_a_softmax_of_points_over_the_allowed() -> None:
    """Half a unit of the column is a point, so that the ratio is e; a forbidden one weighs nothing."""
    weights = gate_weights(choices([True, False, True], expected_score=[1.0, 9.0, 0.5]).observation)
    np.testing.assert_allclose([np.e / (np.e + 1.0), 0.0, 1.0 / (np.e + 1.0)], weights, rtol=1e-6)


@pytest.mark.parametrize("factor", [0.0, 0.3, 0.7, 1.0])
def test_the_policy_des_is_the_rule_for_one_expert(factor: float) -> None:
    """The cheapest that is relevant enough, as the search finds it."""
    decisions = drawn_choices(np.random.default_rng(11), (60, 6))
    observation = decisions.observation
    weights = np.asarray(gate_weights(observation), np.float64)
    chosen = np.asarray(des(factor)(decisions))
    for row in range(60):
        of = choices_cost(observation.devices[row])
        subset = des_subset(
            of,
            weights[row],
            least_weight=max(factor * weights[row].max(), 1e-12),
            most_experts=1,
            allowed=observation.device_mask[row],
        )
        assert [chosen[row]] == np.flatnonzero(subset).tolist()


def choices_cost(devices: np.ndarray) -> np.ndarray:
    """Add up the three prices."""
    names = ("expected_compute_cost", "expected_transfer_cost", "expected_delay_cost")
    return sum((devices[:, DEVICE_FEATURES.index(name)] for name in names), np.zeros(len(devices)))


def test_sift_moe_by_hand() -> None:
    """The second device is cheaper and promises half a point less, an error of 0.25 at a weight of 0.62."""
    two = {"expected_score": [1.0, 0.75], "expected_compute_cost": [1.0, 0.2]}
    assert sift_moe(0.2)(choices([True, True], **two)) == 1
    assert sift_moe(0.1)(choices([True, True], **two)) == 0


def test_sift_moe_asks_who_is_in_time_and_else_the_best() -> None:
    """2 s are left: the cheap one needs 3 s. Where both need more, the gate's choice stands."""
    two = {"expected_score": [1.0, 1.0], "expected_compute_cost": [1.0, 0.2]}
    soon = {"slack": 0.2}
    assert sift_moe(0.2)(choices([True, True], context=soon, delay=[0.1, 0.3], **two)) == 0
    late = {"expected_score": [1.0, 0.9], "expected_compute_cost": [1.0, 0.2]}
    assert sift_moe(0.2)(choices([True, True], context=soon, delay=[0.4, 0.3], **late)) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cost": np.array([1.0, -1.0])}, "`cost` must be finite and at least 0."),
        ({"weight": np.array([1.0, np.nan])}, "`weight` must be finite and at least 0."),
        ({"weight": np.ones(3)}, "`weight` must be of 2 experts as `cost`, got 3."),
        ({"most_experts": 0}, "`most_experts` must be at least 1, got 0."),
        ({"allowed": np.zeros(2, np.bool_)}, "`allowed` must allow at least 1 expert, got none."),
        ({"allowed": np.ones(3, np.bool_)}, "`allowed` must be of 2 experts as `cost`, got 3."),
        ({"least_weight": 0.0}, "`least_weight` must be finite and greater than 0, got 0.0."),
    ],
)
def test_des_refuses_what_has_no_answer(arguments: dict[str, Any], message: str) -> None:
    """One sentence says what must hold and what came."""
    good = {"cost": np.ones(2), "weight": np.ones(2), "least_weight": 0.5, "most_experts": 1}
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        des_subset(**{**good, **arguments})
    assert message == str(refusal.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"replacement": np.ones((2, 3))}, "`replacement` must hold 2 x 2 numbers of at least 0."),
        ({"replacement": -np.ones((2, 2))}, "`replacement` must hold 2 x 2 numbers of at least 0."),
        ({"error_budget": -0.1}, "`error_budget` must be finite and at least 0, got -0.1."),
        ({"most_experts": 0}, "`most_experts` must be at least 1, got 0."),
    ],
)
def test_sift_refuses_what_has_no_answer(arguments: dict[str, Any], message: str) -> None:
    """One sentence says what must hold and what came."""
    good = {
        "cost": np.ones(2),
        "weight": np.ones(2),
        "replacement": np.zeros((2, 2)),
        "error_budget": 0.5,
        "most_experts": 1,
    }
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        sift_subset(**{**good, **arguments})
    assert message == str(refusal.value)


def test_the_policies_refuse_a_parameter_out_of_range() -> None:
    """Shares are shares."""
    with pytest.raises(ValueError, match=r"^`importance_factor` must be from 0 to 1, got 1.1\.$"):
        des(1.1)
    with pytest.raises(ValueError, match=r"^`error_budget` must be from 0 to 1, got -0.1\.$"):
        sift_moe(-0.1)


@pytest.mark.parametrize("name", ["des", "sift_moe"])
def test_they_have_a_name_in_the_legend(name: str) -> None:
    """A figure can label each of them."""
    assert LEGEND[name]
