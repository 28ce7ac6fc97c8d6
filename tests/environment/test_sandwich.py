"""From lots to the loosest bound, each is at most the next.

    lots <= best rule <= planning with it <= optimum <= penalised hindsight <= hindsight <= relaxations

What the table gives is exact, and so is what holds on each tape; means over tapes hold up to 4 standard errors.
"""

from contextlib import nullcontext
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.environment.chances import Tape
from net4moe.environment.clairvoyant import penalised_optimum, tape_optimum
from net4moe.environment.enumeration import Enumerated, enumerated
from net4moe.environment.episodes import returns
from net4moe.environment.relaxation import tightest_bound
from net4moe.environment.scenarios import SCENARIOS
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.tabular import (
    Evaluation,
    Solution,
    evaluated,
    lookahead,
    one_hot,
    optimal,
    uniform_policy,
)
from net4moe.environment.trellis import no_memory
from net4moe.policy.baselines import best_expert, lowest_cost, strongest_link
from net4moe.policy.heuristics import HEURISTICS, myopic
from tests.compiling import optimised
from tests.solved import TINY, solved

pytestmark = pytest.mark.slow

RULES: list[Any] = [myopic, best_expert, lowest_cost, strongest_link, *HEURISTICS.values()]
ROUNDING = 5e-3
"""What situations that agree to 1e-4 can make of a sum, reward units."""


def best_rule(table: Enumerated) -> Evaluation:
    """Evaluate all rules exactly and keep the best."""
    num_devices = table.problem.rewards.shape[1]
    found = []
    for rule in RULES:
        actions = np.stack([rule(table.decisions(t)) for t in range(table.num_steps)])
        found.append(evaluated(table.problem, one_hot(actions, num_devices), table.num_steps))
    return max(found, key=lambda one: one.start_value)


def planned(table: Enumerated, base: Evaluation, depth: int) -> Evaluation:
    """Evaluate planning ahead with the true probabilities and a base policy behind."""
    actions = lookahead(table.problem, base.values, depth, table.num_steps)
    return evaluated(table.problem, one_hot(actions, table.problem.rewards.shape[1]), table.num_steps)


@eqx.filter_jit
def earned_by_the_myopic(selection: ExpertSelection, tapes: Tape) -> Any:
    """Play the myopic rule; compiled once for all problems of one kind."""
    return returns(selection, myopic, tapes)


def check_bounds(
    selection: ExpertSelection, table: Enumerated, solution: Solution, lots: Evaluation, num_tapes: int
) -> None:
    """Check all that lies above the optimum, and what is played below it.

    Hindsight is charged for by what lots earn: with values near the optimum's, the mean of what is left over hangs
    on rare tapes, of which a sample tells too little.
    """
    tapes = selection.tapes(jax.random.key(0), num_tapes)
    hindsight = tape_optimum(selection, tapes).total
    exact = penalised_optimum(selection, tapes, table, solution.values).total
    charged = penalised_optimum(selection, tapes, table, lots.values).total
    bound, forgetful = tightest_bound(selection, tapes).values, np.asarray(no_memory(selection, tapes))
    played = np.asarray(earned_by_the_myopic(selection, tapes))
    errors = np.array([sample.std() for sample in (charged, hindsight)]) / np.sqrt(num_tapes)
    assert solution.start_value <= charged.mean() + 4 * errors[0] + ROUNDING
    np.testing.assert_allclose(np.full(num_tapes, solution.start_value), exact, atol=ROUNDING)
    assert exact.mean() <= hindsight.mean() + 4 * errors[1] + ROUNDING
    assert np.all(played <= hindsight + ROUNDING)
    assert np.all(hindsight <= bound + ROUNDING)
    assert bound.mean() <= forgetful.mean() + ROUNDING


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_is_at_most_the_next(name: str) -> None:
    """In every small scenario."""
    selection, table, solution = solved(name)
    lots = evaluated(table.problem, uniform_policy(table.problem), table.num_steps)
    rule = best_rule(table)
    ladder = [lots, rule, planned(table, rule, 1), planned(table, rule, 3)]
    values = [step.start_value for step in ladder]
    assert values[0] <= values[1] <= values[2] + 1e-9
    assert max(values[2:]) <= solution.start_value + 1e-9
    with optimised() if name == "edge" else nullcontext():  # its bound takes far longer than compiling
        check_bounds(selection, table, solution, lots, 48)


@pytest.mark.parametrize("name", TINY)
@settings(max_examples=4, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10_000))
def test_problems_drawn_by_lot_keep_the_order(name: str, seed: int) -> None:
    """Random scores, speeds and batteries; a rule may be worse than lots there, so lots are planned with."""
    random = np.random.default_rng(seed)
    selection = drawn(TINY[name](), random)
    table = enumerated(selection)
    solution = optimal(table.problem, table.num_steps)
    lots = evaluated(table.problem, uniform_policy(table.problem), table.num_steps)
    ladder = [lots, planned(table, lots, 1), planned(table, lots, 2)]
    values = [step.start_value for step in ladder]
    assert values[0] <= values[1] + 1e-9
    assert values[0] <= values[2] + 1e-9
    assert max(values) <= solution.start_value + 1e-9
    check_bounds(selection, table, solution, lots, 24)


def drawn(selection: ExpertSelection, random: np.random.Generator) -> ExpertSelection:
    """Draw other scores, speeds and batteries; rules, chances and prices stay."""
    num_fields, num_devices = selection.expectations.score.shape
    score = np.round(random.uniform(3.0, 9.0, (num_fields, num_devices)), 1).astype(np.float32)
    outcomes = jax.tree.map(np.asarray, selection.outcomes)
    hardware = selection.fleet.hardware
    hardware = hardware._replace(
        tokens_per_s=jnp.asarray(random.choice([10.0, 20.0, 40.0], num_devices), jnp.float32),
        battery_j=jnp.where(
            jnp.isinf(hardware.battery_j),
            jnp.inf,
            jnp.asarray(random.choice([1.0, 2.0, 3.0], num_devices), jnp.float32),
        ),
    )
    return ExpertSelection(
        outcomes._replace(score=score[outcomes.field_index]),
        jax.tree.map(np.asarray, selection.expectations)._replace(score=score),
        selection.fleet._replace(hardware=hardware),
        rules=selection.rules,
        chances=selection.chances,
        reward_config=selection.reward_config,
    )
