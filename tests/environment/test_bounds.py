"""The bounds of a single choice against brute force."""

import itertools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import Decisions, Policy, best_given_observation, upper_bound
from net4moe.environment.episodes import returns
from net4moe.environment.outcomes import estimate
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import draw_devices, draw_outcomes
from net4moe.network import fleet_arrays
from net4moe.policy import fixed_device

RULES: tuple[Policy, ...] = (upper_bound, best_given_observation, *(fixed_device(n) for n in (1, 2, 3)))


@pytest.fixture(scope="module")
def selection() -> ExpertSelection:
    """Three subtasks, four devices, one of them local and small."""
    outcomes = draw_outcomes(12, 3, 4, 3, seed=1)
    return ExpertSelection(outcomes, estimate(outcomes, num_fields=3), fleet_arrays(draw_devices(4, seed=1)))


@eqx.filter_jit
def earned(selection: ExpertSelection, tapes: Any) -> jax.Array:
    """Let each rule play each tape."""

    def played(index: Any) -> jax.Array:
        def choose(decisions: Decisions) -> Any:
            return jnp.stack([rule(decisions) for rule in RULES])[index]

        return returns(selection, choose, tapes)

    return jax.vmap(played)(jnp.arange(len(RULES)))


def test_the_upper_bound_is_the_best_of_all_assignments(selection: ExpertSelection) -> None:
    """On each episode, the greatest sum over all 4^3 assignments that the masks allow."""
    tapes = selection.tapes(jax.random.key(0), 16)
    plans = jnp.asarray(list(itertools.product(range(4), repeat=3)))
    by_plan = jax.jit(
        jax.vmap(lambda plan: returns(selection, lambda decisions: plan[decisions.turn % 3], tapes))
    )
    np.testing.assert_allclose(np.nanmax(by_plan(plans), axis=0), earned(selection, tapes)[0], rtol=1e-6)


def test_without_hindsight_the_best_rule_earns_no_more(selection: ExpertSelection) -> None:
    """The upper bound is above it on every episode, and it is above each single device on average."""
    upper, best, *fixed = np.asarray(earned(selection, selection.tapes(jax.random.key(1), 512)))
    assert np.all(upper >= best - 1e-5)
    assert best.mean() > max(rewards.mean() for rewards in fixed)


def test_without_noise_both_bounds_are_one() -> None:
    """When field and assessed words fix score and words, there is nothing for hindsight to know."""
    outcomes = draw_outcomes(12, 3, 4, 3, seed=1, noise_std=0.0)
    outcomes = outcomes._replace(words=outcomes.expected_words)
    selection = ExpertSelection(
        outcomes, estimate(outcomes, num_fields=3), fleet_arrays(draw_devices(4, seed=1))
    )
    upper, best, *_ = earned(selection, selection.tapes(jax.random.key(0), 64))
    np.testing.assert_allclose(upper, best, rtol=1e-5)
