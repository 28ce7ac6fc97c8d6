"""Futures agree with what is known in a state, and follow the laws of chance from there on."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.chances import Chain, Chances, LinkLevels
from net4moe.environment.futures import draw_future
from net4moe.environment.rules import Rules
from net4moe.environment.scenarios import SCENARIOS
from net4moe.environment.selection import ExpertSelection, State
from tests.solved import tiny

STEADY = LinkLevels(snr_db=(15.0,), outage=(0.0,), stay=1.0)
NUM_FUTURES = 20_000


def begun(selection: ExpertSelection, actions: tuple[int, ...]) -> State:
    """Play the first choices of an episode."""
    state = selection.start(selection.tape(jax.random.key(0)))[0]
    for action in actions:
        state = selection.step(state, jnp.asarray(action)).state
    return state


def drawn(selection: ExpertSelection, state: State, num_futures: int = NUM_FUTURES) -> Any:
    """Draw futures in NumPy."""
    keys = jax.random.split(jax.random.key(1), num_futures)
    futures = jax.jit(jax.vmap(lambda key: draw_future(selection, state, key)))(keys)
    return jax.tree.map(np.asarray, futures)


def near(expected: float, seen: Any) -> None:
    """Compare a probability with a frequency, within 4 standard errors."""
    error = np.sqrt(max(expected * (1.0 - expected), 1e-12) / np.size(seen))
    assert abs(np.mean(seen) - expected) <= 4 * error


def test_chains_go_on_from_where_they_are() -> None:
    """Harvest, links, importance and fields stay with their own probabilities."""
    selection = tiny(
        [[4.0, 7.0, 6.0], [5.0, 4.0, 3.0], [6.0, 5.0, 4.0]],
        [{}, {}, {}],
        rules=Rules(num_steps=6),
        chances=Chances(
            radio=LinkLevels(snr_db=(10.0, 10.0, 20.0), outage=(0.2, 0.6, 0.0), stay=0.6),
            field_stay=0.5,
            importance=Chain(values=(1.0, 3.0), stay=0.9),
            harvest_share=Chain(values=(0.0, 0.5, 1.0), stay=0.7),
            num_lots=5,
        ),
    )
    state = begun(selection, (0, 0))
    subtask, now = selection.at_hand(state)
    futures = drawn(selection, state)
    moments, subtasks = futures.moments, futures.subtasks
    for name in ("harvest_share", "known_snr_db", "known_loss", "s_per_bit", "loss"):
        kept = np.broadcast_to(getattr(now, name), getattr(moments, name)[:, 2].shape)
        np.testing.assert_array_equal(kept, getattr(moments, name)[:, 2])
    near(0.7, moments.harvest_share[:, 3] == float(now.harvest_share))
    near(0.7**2 + 2 * 0.15**2, moments.harvest_share[:, 4] == float(now.harvest_share))
    same = (moments.known_snr_db[:, 3] == now.known_snr_db) & (moments.known_loss[:, 3] == now.known_loss)
    near(0.6, same[:, 1])
    near(0.6**2, same[:, 1] & same[:, 2])
    near(0.9, subtasks.importance[:, 3] == float(subtask.importance))
    near(0.5, subtasks.field_index[:, 3] == int(subtask.field_index))
    near(0.2, moments.lot[:, 2] < 0.2)


def test_the_rest_of_the_prompt_is_known() -> None:
    """Its subtasks stand as they are; those of later prompts are drawn."""
    selection = tiny(
        [[4.0, 7.0], [5.0, 6.0]],
        [{}, {}],
        rules=Rules(num_steps=8),
        fields=[[0, 1, 1], [1, 0, 0]],
    )
    state = begun(selection, (0,))
    real, futures = state.tape.subtasks, drawn(selection, state).subtasks
    for place in (1, 2):
        kept = np.broadcast_to(real.field_index[place], NUM_FUTURES)
        np.testing.assert_array_equal(kept, futures.field_index[:, place])
    near(0.5, futures.field_index[:, 3] == 0)
    np.testing.assert_array_equal(futures.field_index[:, 3] == 0, futures.field_index[:, 5] == 1)
    np.testing.assert_array_equal([False, True], futures.last[0, [3, 5]])


def test_hidden_quality_is_drawn_from_what_was_seen() -> None:
    """Seen good one choice ago it is good with 3/4; unseen with 1/2; the user's own has none."""
    selection = tiny(
        [[5.0, 5.0, 5.0]],
        [{}, {}, {}],
        rules=Rules(num_steps=4, quality_memory=0.5, evidence_weight=1.0, greatest_age=4),
        chances=Chances(radio=STEADY, quality_shift=Chain(values=(-1.0, 1.0), stay=0.75)),
    )
    state = begun(selection, (1,))
    seen = float(state.situation.surprise[1])
    shift = drawn(selection, state).moments.quality_shift
    near(0.75, shift[:, 1, 1] == seen)
    near(0.75**2 + 0.25**2, shift[:, 2, 1] == seen)
    near(0.5, shift[:, 1, 2] == 1.0)
    assert not np.any(shift[:, :, 0])


def test_links_known_late_may_have_changed() -> None:
    """What is known is kept, what is real is one choice ahead of it."""
    selection = tiny(
        [[5.0, 6.0]],
        [{}, {}],
        rules=Rules(num_steps=4),
        chances=Chances(
            radio=LinkLevels(snr_db=(0.0, 10.0), outage=(0.0, 0.5), stay=0.8), stale_links=True, num_lots=2
        ),
    )
    state = begun(selection, (0,))
    now = selection.at_hand(state)[1]
    moments = drawn(selection, state).moments
    before = 0.5 if float(now.known_snr_db[1]) else 0.0
    near(0.8, moments.loss[:, 1, 1] == before)
    np.testing.assert_allclose(
        np.where(moments.loss[:, 1] > 0, 0.4, 0.1), moments.known_loss[:, 2], rtol=1e-6
    )


@pytest.mark.slow
def test_links_of_a_world_stay_as_they_are_known() -> None:
    """Nobody can tell where everybody goes; those of the paper are drawn anew."""
    selection = SCENARIOS["mobile"].large
    state = selection.start(selection.tape(jax.random.key(2)))[0]
    now = selection.at_hand(state)[1]
    moments = drawn(selection, state, 2).moments
    np.testing.assert_array_equal(
        np.broadcast_to(now.known_s_per_bit, moments.s_per_bit.shape), moments.s_per_bit
    )
    paper = SCENARIOS["case-study"].large
    state = paper.start(paper.tape(jax.random.key(2)))[0]
    now = paper.at_hand(state)[1]
    snr_db = drawn(paper, state, 2).moments.known_snr_db
    np.testing.assert_array_equal(np.broadcast_to(now.known_snr_db, snr_db[:, 0].shape), snr_db[:, 0])
    assert np.all(np.ptp(snr_db[:, 1:], axis=0) > 0)
