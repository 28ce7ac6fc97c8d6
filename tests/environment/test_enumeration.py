"""The table of a small environment and the environment itself are the same problem."""

import dataclasses
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.chances import Chain, Chances, LinkLevels
from net4moe.environment.decisions import Decisions
from net4moe.environment.enumeration import Enumerated, enumerated
from net4moe.environment.episodes import returns
from net4moe.environment.outcomes import estimate
from net4moe.environment.rules import Rules
from net4moe.environment.scenarios import SCENARIOS
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.tabular import evaluated, one_hot, optimal, uniform_policy
from net4moe.network.snr import SnrConfig
from net4moe.policy.baselines import random_selection
from net4moe.policy.heuristics import drift_plus_penalty, myopic
from tests.solved import solved, tiny

RULES = (myopic, drift_plus_penalty())
STEADY = LinkLevels(snr_db=(15.0,), outage=(0.0,), stay=1.0)
BATTERY = {"tokens_per_j": 40.0, "battery_j": 1.0, "harvest_w": 0.125}
"""A passage takes all of the charge, and four seconds of harvest bring back half of it."""


def exact_values(table: Enumerated) -> list[float]:
    """Compute what lots and each of the rules earn, from the table."""
    problem, num_steps = table.problem, table.num_steps
    policies: list[Any] = [uniform_policy(problem)]
    for rule in RULES:
        choices = [rule(table.decisions(t)) for t in range(num_steps)]
        policies.append(one_hot(np.stack(choices), problem.rewards.shape[1]))
    return [evaluated(problem, policy, num_steps).start_value for policy in policies]


def played_returns(selection: ExpertSelection, num_tapes: int) -> np.ndarray:
    """Play lots and each of the rules on the same tapes."""
    tapes = selection.tapes(jax.random.key(0), num_tapes)

    def choose(which: Any, decisions: Decisions) -> Any:
        return jnp.stack([rule(decisions) for rule in (random_selection, *RULES)])[which]

    each = jax.vmap(lambda which: returns(selection, lambda now: choose(which, now), tapes))
    return np.asarray(jax.jit(each)(jnp.arange(len(RULES) + 1)), np.float64)


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_table_and_the_simulation_are_the_same_problem(name: str) -> None:
    """What lots and rules earn by the table is what they earn on 20,000 tapes, within 4 standard errors."""
    selection, table, solution = solved(name)
    played = played_returns(selection, 20_000)
    expected = np.array(exact_values(table))
    error = played.std(axis=1) / np.sqrt(played.shape[1])
    np.testing.assert_array_less(np.abs(played.mean(axis=1) - expected), 4 * error + 1e-3)
    assert np.all(expected <= solution.start_value + 1e-6)


def test_a_battery_by_hand() -> None:
    """Full, half full, full: the helper writes for 3 in the first and the last of three steps, the phone for 1."""
    selection = tiny(
        [[1.0, 3.0]],
        [{}, BATTERY],
        rules=Rules(num_steps=3, devices_change=True, tokens_per_word=1.0),
        chances=Chances(radio=STEADY, gap_s=Chain(values=(4.0,))),
    )
    table = enumerated(selection)
    order = np.argsort(table.situations.devices.charge_j[:, 1])
    np.testing.assert_allclose([0.5, 1.0], table.situations.devices.charge_j[order, 1])
    np.testing.assert_allclose([[1.0, np.nan], [1.0, 3.0]], table.problem.rewards[order], rtol=1e-6)
    assert optimal(table.problem, 3).start_value == pytest.approx(7.0)
    assert evaluated(table.problem, uniform_policy(table.problem), 3).start_value == pytest.approx(5.25)


def test_a_lost_passage_by_hand() -> None:
    """A helper of 4 points that loses every second passage is worth 2, less the failure's half point."""
    selection = tiny(
        [[1.0, 4.0]],
        [{}, {}],
        rules=Rules(num_steps=1),
        chances=Chances(radio=LinkLevels(snr_db=(15.0,), outage=(0.5,), stay=1.0), num_lots=4),
        prices=replace(tiny([[1.0]], [{}]).reward_config, failure_cost=1.0),
    )
    np.testing.assert_allclose([[1.0, 1.5]], enumerated(selection).problem.rewards, rtol=1e-6)


def test_hidden_quality_by_hand() -> None:
    """Seen good, a helper is good again with probability 3/4: worth 5 + 1/2, not asked again where it was bad."""
    selection = tiny(
        [[5.1, 5.0]],
        [{}, {}],
        rules=Rules(num_steps=2, quality_memory=0.5, evidence_weight=1.0, greatest_age=4),
        chances=Chances(radio=STEADY, quality_shift=Chain(values=(-1.0, 1.0), stay=0.75)),
    )
    table = enumerated(selection)
    assert 5.0 + 0.5 * 5.5 + 0.5 * 5.1 == pytest.approx(optimal(table.problem, 2).start_value)


def test_the_table_lays_out_choices() -> None:
    """The countdown is that of the step asked for; there is no hindsight beyond the mean."""
    selection, table, _ = solved("battery")
    late = table.decisions(table.num_steps - 1)
    context = late.observation.context
    moved = np.flatnonzero(np.ptp(np.abs(context - table.observation.context), axis=1) > 0)
    assert table.num_states == moved.size == late.turn.size
    assert table.num_steps - 1 == late.turn[0]
    np.testing.assert_array_equal(table.observation.device_mask, ~np.isnan(late.rewards))
    assert late.mean_rewards.shape == (table.num_states, selection.num_devices)


def test_too_many_states_are_refused() -> None:
    """The limit is said."""
    with pytest.raises(
        ValueError,
        match=r"^The environment has more than 20 states: it is too large to be solved exactly\.$",
    ):
        enumerated(SCENARIOS["switching"].small, most_states=20)


@pytest.mark.parametrize(
    ("rules", "chances", "wanted"),
    [
        ({}, {"radio": SnrConfig()}, "links on levels or fixed ones"),
        (
            {},
            {"radio": replace(STEADY, outage=(0.5,))},
            "a `num_lots` by which each probability of losing a passage is a whole number of lots",
        ),
        (
            {"temperature_step_c": 1.0},
            {},
            "`num_lots` greater than 0, since temperatures are rounded by lot",
        ),
        ({}, {"gap_s": Chain(values=(1.0, 2.0), stay=0.5)}, "independent gaps"),
        (
            {"evidence_weight": 0.5, "greatest_age": 2},
            {"quality_shift": Chain(values=(-1.0, 1.0))},
            "`evidence_weight` of 1, so that what was seen last tells all",
        ),
    ],
)
def test_chance_that_is_not_finite_is_refused(
    rules: dict[str, Any], chances: dict[str, Any], wanted: str
) -> None:
    """What is wanted is said in one sentence."""
    selection = tiny(
        [[1.0, 2.0]],
        [{}, {}],
        rules=Rules(num_steps=2, **rules),
        chances=replace(Chances(radio=STEADY), **chances),
    )
    with pytest.raises(ValueError, match="An environment that is to be solved") as caught:
        enumerated(selection)
    assert f"An environment that is to be solved exactly needs {wanted}." == str(caught.value)


def test_scores_that_are_not_expected_are_refused() -> None:
    """Two prompts of one field that are scored differently have luck in them that the table lacks."""
    selection = tiny([[1.0, 2.0], [3.0, 4.0]], [{}, {}])
    outcomes = jax.tree.map(np.asarray, selection.outcomes)
    outcomes = outcomes._replace(field_index=np.zeros_like(outcomes.field_index))
    lucky = ExpertSelection(
        outcomes,
        estimate(outcomes, num_fields=1, prior_rows=0.0),
        selection.fleet,
        chances=selection.chances,
    )
    with pytest.raises(ValueError, match="An environment that is to be solved") as caught:
        enumerated(lucky)
    assert "An environment that is to be solved exactly needs scores as they are expected." == str(
        caught.value
    )


def test_fixed_links_of_the_paper_are_finite() -> None:
    """Links of one strength need no levels."""
    selection = tiny(
        [[1.0, 2.0]], [{}, {}], chances=Chances(radio=SnrConfig(distribution="fixed", mean_db=10.0))
    )
    assert dataclasses.is_dataclass(table := enumerated(selection))
    assert 2.0 == pytest.approx(optimal(table.problem, 1).start_value)
