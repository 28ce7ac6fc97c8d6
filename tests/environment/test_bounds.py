"""The bounds against brute force."""

import itertools

import jax
import numpy as np
import pytest

from net4moe.environment import best_given_observation, evaluate, upper_bound
from net4moe.environment.outcomes import estimate
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import draw_devices, draw_outcomes
from net4moe.network import fleet_arrays


@pytest.fixture(scope="module")
def selection() -> ExpertSelection:
    """Three subtasks, four devices, one of them local and small."""
    outcomes = draw_outcomes(12, 3, 4, 3, seed=1)
    return ExpertSelection(outcomes, estimate(outcomes, num_fields=3), fleet_arrays(draw_devices(4, seed=1)))


def test_the_upper_bound_is_the_best_of_all_assignments(selection: ExpertSelection) -> None:
    """On each episode, the greatest sum over all 4^3 assignments that the masks allow."""
    decisions = jax.device_get(selection.draw_decisions(jax.random.key(0), 16))
    sums = [
        evaluate(lambda given, plan=plan: np.broadcast_to(plan, given.turn.shape), decisions)
        for plan in itertools.product(range(4), repeat=3)
    ]
    np.testing.assert_allclose(np.nanmax(sums, axis=0), evaluate(upper_bound, decisions), rtol=1e-6)


def test_without_hindsight_the_best_rule_earns_no_more(selection: ExpertSelection) -> None:
    """The upper bound is above it on every episode, and it is above each single device on average."""
    decisions = jax.device_get(selection.draw_decisions(jax.random.key(1), 512))
    best = evaluate(best_given_observation, decisions)
    assert np.all(evaluate(upper_bound, decisions) >= best - 1e-5)
    for device_index in range(1, 4):
        rewards = evaluate(lambda given, n=device_index: np.full(given.turn.shape, n), decisions)
        assert best.mean() > rewards.mean()


def test_without_noise_both_bounds_are_one() -> None:
    """When field and assessed words fix score and words, there is nothing for hindsight to know."""
    outcomes = draw_outcomes(12, 3, 4, 3, seed=1, noise_std=0.0)
    outcomes = outcomes._replace(words=outcomes.expected_words)
    selection = ExpertSelection(
        outcomes, estimate(outcomes, num_fields=3), fleet_arrays(draw_devices(4, seed=1))
    )
    decisions = jax.device_get(selection.draw_decisions(jax.random.key(0), 64))
    np.testing.assert_allclose(
        evaluate(upper_bound, decisions), evaluate(best_given_observation, decisions), rtol=1e-5
    )
