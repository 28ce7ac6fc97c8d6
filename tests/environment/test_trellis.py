"""Bounds along indices: exact where nothing else changes, above the best plan elsewhere."""

import re
from dataclasses import replace

import jax
import numpy as np
import pytest

from net4moe.environment.chances import Chances, LinkLevels
from net4moe.environment.clairvoyant import brute_force, tape_optimum
from net4moe.environment.reward import RewardConfig
from net4moe.environment.rules import Rules
from net4moe.environment.scenarios import SCENARIOS
from net4moe.environment.trellis import no_memory, retries, trellis
from tests.solved import TINY, tiny, tiny_solved

LOSSY = LinkLevels(snr_db=(15.0,), outage=(0.5,), stay=1.0)


def test_a_handover_by_hand() -> None:
    """Whoever begins goes on: 2 + 2 - 0 on one helper, since another device would cost 5."""
    selection = tiny(
        [[1.0, 2.0]],
        [{}, {}],
        rules=Rules(num_steps=2),
        prices=RewardConfig(transfer_cost_per_s=0.0, switching_cost=5.0),
    )
    tapes = selection.tapes(jax.random.key(0), 2)
    np.testing.assert_allclose([4.0, 4.0], trellis(selection, tapes))


def test_who_is_not_told_the_lots_counts_their_mean() -> None:
    """Of 4 points half are lost, and a loss costs 1: 1.5, or 4 for one who knows that it will arrive."""
    selection = tiny(
        [[1.0, 4.0]],
        [{}, {}],
        rules=Rules(num_steps=1),
        chances=Chances(radio=LOSSY, num_lots=2),
        prices=RewardConfig(transfer_cost_per_s=0.0, failure_cost=1.0),
    )
    tapes = selection.tapes(jax.random.key(0), 8)
    np.testing.assert_allclose(np.full(8, 1.5), trellis(selection, tapes, told="mean"))
    lost = np.asarray(tapes.moments.lot)[:, 0] < 0.5
    np.testing.assert_allclose(np.where(lost, 1.0, 4.0), trellis(selection, tapes))


def test_handover_and_places_are_followed_exactly() -> None:
    """As brute force finds it, on links that lose passages."""
    selection, _, solution = tiny_solved("moving")
    tapes = selection.tapes(jax.random.key(1), 6)
    best = [brute_force(selection, jax.tree.map(lambda leaf, b=b: leaf[b], tapes)).total for b in range(6)]
    np.testing.assert_allclose(best, trellis(selection, tapes), atol=1e-4)
    assert np.all(np.asarray(no_memory(selection, tapes)) >= np.array(best) - 1e-4)
    many = np.asarray(trellis(selection, selection.tapes(jax.random.key(2), 400), told="mean"))
    assert many.mean() >= solution.start_value - 3 * many.std() / 20


def test_an_episode_ends_after_its_choices() -> None:
    """The case study has three subtasks: the best of each."""
    selection = SCENARIOS["case-study"].small
    tapes = selection.tapes(jax.random.key(0), 4)
    short = tapes._replace(num_choices=tapes.num_choices - 1)
    last = trellis(selection, tapes) - trellis(selection, short)
    assert np.all(np.asarray(last) > 0)
    np.testing.assert_allclose(tape_optimum(selection, short).total, trellis(selection, short), rtol=1e-6)


def test_what_is_tried_again_is_followed_exactly() -> None:
    """On times that are multiples of the levels, the best plan; not told the lots, not below the optimum."""
    selection, _, solution = tiny_solved("deadline")
    tapes = selection.tapes(jax.random.key(3), 400)
    best = tape_optimum(selection, jax.tree.map(lambda leaf: leaf[:32], tapes)).total
    bound = np.asarray(retries(selection, tapes, num_levels=45))
    assert np.all(bound[:32] >= best - 1e-4)
    np.testing.assert_allclose(best.mean(), bound[:32].mean(), rtol=0.01)
    untold = np.asarray(retries(selection, tapes, told="mean"))
    assert untold.mean() >= solution.start_value - 3 * untold.std() / 20
    assert untold.mean() < bound.mean()
    assert np.all(np.asarray(no_memory(selection, tapes)) >= bound - 1e-4)


@pytest.mark.parametrize("name", [name for name in TINY if name != "deadline"])
def test_what_is_left_out_only_adds(name: str) -> None:
    """Queues, charge, memory and the band at their best: above the best plan on every tape."""
    selection, _, _ = tiny_solved(name)
    tapes = selection.tapes(jax.random.key(4), 16)
    best = tape_optimum(selection, tapes).total
    assert np.all(np.asarray(trellis(selection, tapes)) >= best - 1e-3)
    assert np.all(np.asarray(no_memory(selection, tapes)) >= np.asarray(trellis(selection, tapes)) - 1e-3)


def test_a_deadline_has_its_own_bound() -> None:
    """Each says which one to use."""
    selection, _, _ = tiny_solved("deadline")
    tapes = selection.tapes(jax.random.key(5), 1)
    message = "`trellis` needs an environment without a deadline: use `retries`."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        trellis(selection, tapes)
    patient = tiny([[1.0, 2.0]], [{}, {}], rules=replace(selection.rules, deadline_s=float("inf")))
    message = "`retries` needs an environment with a deadline: nothing is tried again without one."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        retries(patient, patient.tapes(jax.random.key(5), 1))
