"""Who knows all chance before plans best: by hand, by brute force, and with hindsight charged for."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.chances import Chain, Chances, LinkLevels, Tape
from net4moe.environment.clairvoyant import brute_force, penalised_optimum, tape_optimum
from net4moe.environment.episodes import play
from net4moe.environment.rules import Rules
from net4moe.environment.selection import ExpertSelection
from tests.solved import TINY, myopic_values, tiny, tiny_solved


def test_a_battery_by_hand() -> None:
    """Full, half full, full: 3, 1 and 3."""
    selection = tiny(
        [[1.0, 3.0]],
        [{}, {"tokens_per_j": 40.0, "battery_j": 1.0, "harvest_w": 0.125}],
        rules=Rules(num_steps=3, devices_change=True, tokens_per_word=1.0),
        chances=Chances(
            radio=LinkLevels(snr_db=(15.0,), outage=(0.0,), stay=1.0), gap_s=Chain(values=(4.0,))
        ),
    )
    plan = brute_force(selection, selection.tape(jax.random.key(0)))
    np.testing.assert_array_equal([1, 0, 1], plan.actions)
    assert plan.total == pytest.approx(7.0)


def played_plan(selection: ExpertSelection, tape: Tape, plan: Any) -> Any:
    """Play a plan and add up what it earns."""
    first = tape.episode * selection.num_steps
    episode = play(selection, lambda now: plan[now.turn - first], tape)
    return jnp.sum(jnp.where(episode.valid, episode.rewards, 0.0))


@pytest.mark.slow
@pytest.mark.parametrize("name", TINY)
def test_layers_find_what_brute_force_finds(name: str) -> None:
    """The same total on every tape, and the plan earns it when it is played."""
    selection, _, _ = tiny_solved(name)
    tapes = selection.tapes(jax.random.key(1), 6)
    tapes = tapes._replace(num_choices=tapes.num_choices.at[0].set(3))
    plans = tape_optimum(selection, tapes)
    played = jax.jit(jax.vmap(lambda tape, plan: played_plan(selection, tape, plan)))
    best = [brute_force(selection, jax.tree.map(lambda leaf, b=b: leaf[b], tapes)).total for b in range(6)]
    np.testing.assert_allclose(best, plans.total, atol=2e-3)
    np.testing.assert_allclose(plans.total, played(tapes, jnp.asarray(plans.actions)), atol=2e-3)


@pytest.mark.parametrize("name", TINY)
def test_with_the_optimum_as_penalty_every_tape_is_worth_the_optimum(name: str) -> None:
    """Zero variance: strong duality of Brown, Smith and Sun."""
    selection, table, solution = tiny_solved(name)
    tapes = selection.tapes(jax.random.key(2), 32)
    plans = penalised_optimum(selection, tapes, table, solution.values)
    np.testing.assert_allclose(np.full(32, solution.start_value), plans.total, atol=1e-6)


@pytest.mark.parametrize("name", ["battery", "deadline"])
def test_a_penalty_lies_between_the_optimum_and_hindsight(name: str) -> None:
    """What the myopic rule's values charge takes most of the hindsight away, and never more than there is."""
    selection, table, solution = tiny_solved(name)
    tapes = selection.tapes(jax.random.key(3), 400)
    charged = penalised_optimum(selection, tapes, table, myopic_values(table)).total
    free = tape_optimum(selection, tapes).total
    error = charged.std() / np.sqrt(charged.size)
    assert solution.start_value - 3 * error <= charged.mean() < free.mean()


def test_without_luck_in_rewards_values_of_zero_charge_nothing() -> None:
    """A battery's rewards are certain, so that only what follows could be charged for."""
    selection, table, solution = tiny_solved("battery")
    tapes = selection.tapes(jax.random.key(4), 8)
    charged = penalised_optimum(selection, tapes, table, np.zeros_like(solution.values))
    np.testing.assert_allclose(tape_optimum(selection, tapes).total, charged.total, atol=1e-4)


def test_what_does_not_fit_is_refused() -> None:
    """Values of another shape, a table of another environment, and too many situations."""
    selection, table, solution = tiny_solved("battery")
    tapes = selection.tapes(jax.random.key(5), 2)
    shape = (table.num_steps + 1, table.num_states)
    with pytest.raises(
        ValueError, match=f"^{re.escape(f'`values` must have the shape {shape}, got (1, 2).')}$"
    ):
        penalised_optimum(selection, tapes, table, np.zeros((1, 2)))
    message = "The tapes lead to more than 3 situations: too many to find the best plan."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tape_optimum(selection, tapes, most_states=3)
    other, _, _ = tiny_solved("residency")
    with pytest.raises(ValueError, match=r"^After 0 choices a tape leads to a state that the table lacks\.$"):
        penalised_optimum(other, other.tapes(jax.random.key(5), 2), table, solution.values)
