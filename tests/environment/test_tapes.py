"""What chance decides on a tape: the laws by long runs, the order of subtasks, and the links by their formulas."""

import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import tapes
from net4moe.environment.chances import Chain, Chances, LinkLevels, Tape
from net4moe.environment.large_scenarios import street
from net4moe.environment.outcomes import Expectations, Outcomes, estimate
from net4moe.environment.rules import Rules
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import draw_devices, draw_outcomes, plain_outcomes
from net4moe.environment.tapes import chain_index, level_radio
from net4moe.network.fleet import fleet_arrays
from net4moe.network.links import adapted, links, send
from net4moe.network.snr import SnrConfig
from net4moe.network.world import WorldConfig, draw_world

KEY = jax.random.key(0)
LONG = 100_000
QUICKLY = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
"""What runs once is compiled in a fifth of the time."""
TWO_LEVELS = LinkLevels(snr_db=(0.0, 10.0), outage=(0.5, 0.0), stay=0.8, latency_s=0.25)


def path(chain: Chain, *columns: int) -> np.ndarray:
    """Draw a long path of a chain."""
    return np.asarray(chain_index(chain, KEY, (LONG // math.prod(columns), *columns)))


def selection(
    outcomes: Outcomes | None = None, num_fields: int = 2, num_steps: int | None = 64, **chances: Any
) -> ExpertSelection:
    """Put an environment of drawn prompts and three devices together."""
    if outcomes is None:
        outcomes = draw_outcomes(6, 1, 3, num_fields, seed=0, by_field=True)
    return ExpertSelection(
        outcomes,
        estimate(outcomes, num_fields=num_fields),
        fleet_arrays(draw_devices(outcomes.score.shape[-1], seed=0, local_units_limit=math.inf)),
        rules=Rules(num_steps=num_steps),
        chances=Chances(**chances),
    )


def drawn(played: ExpertSelection, num_episodes: int = 32) -> Tape:
    """Draw tapes as NumPy arrays."""
    draw = jax.jit(jax.vmap(lambda key: played.tape(key)), compiler_options=QUICKLY)
    return jax.tree.map(np.asarray, draw(jax.random.split(KEY, num_episodes)))


@pytest.mark.parametrize("stay", [None, 0.0, 0.5, 0.9])
def test_a_chain_keeps_its_shares_and_its_staying(stay: float | None) -> None:
    """In 100,000 steps each value comes equally often, stays as often as asked, and goes to each other one."""
    chain = Chain(values=(5.0, 6.0, 7.0), stay=stay)
    index = path(chain, 100)
    probability = 1 / 3 if stay is None else stay
    slow = math.sqrt((1 + max(probability - 0.5, 0) * 2) / (1 - max(probability - 0.5, 0) * 2))
    np.testing.assert_allclose(
        1 / 3, np.bincount(index.ravel(), minlength=3) / LONG, atol=4 * slow * math.sqrt(2 / 9 / LONG)
    )
    change = (np.diff(index, axis=0) % 3).ravel()
    expected = [probability, (1 - probability) / 2, (1 - probability) / 2]
    np.testing.assert_allclose(expected, np.bincount(change, minlength=3) / change.size, atol=3 * 0.5 / 316)


def test_a_chain_that_stays_never_changes() -> None:
    """Each column holds its first value, and columns differ."""
    index = path(Chain(values=(1.0, 2.0), stay=1.0), 100)
    assert np.all(index == index[:1])
    assert {0, 1} == set(index[0].tolist())


def test_one_value_is_always_there() -> None:
    """There is nothing else."""
    assert not path(Chain(values=(3.0,), stay=0.2)).any()


def test_columns_and_independent_values_know_nothing_of_each_other() -> None:
    """Two columns agree half of the time; so do two values of a column where `stay` is None."""
    index = path(Chain(values=(0.0, 1.0), stay=0.5), 2)
    error = 3 * 0.5 / math.sqrt(LONG / 2)
    assert 0.5 == pytest.approx(np.mean(index[:, 0] == index[:, 1]), abs=error)
    index = path(Chain(values=(0.0, 1.0)))
    assert 0.5 == pytest.approx(np.mean(index[1:] == index[:-1]), abs=error)


def test_same_key_same_tape() -> None:
    """Another key gives another one; the number of the episode changes nothing but itself."""
    played = selection(radio=TWO_LEVELS, gap_s=Chain(values=(1.0, 2.0)))
    draw = jax.jit(lambda key, episode: played.tape(key, episode))
    first, second, later = draw(KEY, 0), draw(KEY, 0), draw(KEY, 7)
    assert jax.tree.all(jax.tree.map(np.array_equal, first, second))
    assert jax.tree.all(jax.tree.map(np.array_equal, first, later._replace(episode=first.episode)))
    assert 7 == int(later.episode)
    other = draw(jax.random.key(1), 0)
    for one, another in ((first.moments, other.moments), (first.subtasks, other.subtasks)):
        differ = [not np.array_equal(a, b) for a, b in zip(one, another, strict=True)]
        assert any(differ)


def unequal() -> Outcomes:
    """Three prompts of 3, 1 and 2 subtasks; the score tells prompt and subtask."""
    outcomes = plain_outcomes(np.array([[0.0, 0.0], [0.0, 0.0]]), 40.0, [[0, 0, 1], [1, 1, 1], [1, 0, 1]])
    mask = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]], np.bool_)
    score = np.broadcast_to((np.arange(3)[:, None] + np.arange(3) / 10)[..., None], (3, 3, 2))
    return outcomes._replace(subtask_mask=mask, scored=mask[..., None] & outcomes.scored, score=score)


def test_prompts_come_one_after_the_other_with_their_subtasks_counted_down() -> None:
    """Every subtask of a prompt in its order, then the next prompt; importance is that of the prompt."""
    tape = drawn(selection(unequal(), importance=Chain(values=(1.0, 4.0))))
    assert np.all(tape.num_choices == 64)
    subtasks = tape.subtasks
    count = {0: 3, 1: 1, 2: 2}
    seen = set()
    for episode in range(32):
        wanted = 0
        for step in range(64):
            number = round(float(subtasks.score[episode, step, 1]) * 10)
            prompt, place = divmod(number, 10)
            assert wanted == place
            left = count[prompt] - place
            assert left / count[prompt] == pytest.approx(float(subtasks.prompt_share_left[episode, step]))
            assert (left == 1) == bool(subtasks.last[episode, step])
            assert unequal().field_index[prompt, place] == subtasks.field_index[episode, step]
            if place:
                assert subtasks.importance[episode, step - 1] == subtasks.importance[episode, step]
            wanted = 0 if left == 1 else place + 1
            seen.add((prompt, float(subtasks.importance[episode, step])))
    assert {(prompt, weight) for prompt in count for weight in (1.0, 4.0)} == seen


def test_an_episode_of_one_prompt_has_as_many_choices_as_subtasks() -> None:
    """Without a number of steps it is 3, 1 or 2, each as likely."""
    tape = drawn(selection(unequal(), num_steps=None), 3_000)
    _, counts = np.unique(tape.num_choices, return_counts=True)
    np.testing.assert_allclose(1 / 3, counts / 3_000, atol=3 * math.sqrt(2 / 9 / 3_000))
    assert np.all(tape.subtasks.last[np.arange(3_000), tape.num_choices - 1])


@pytest.mark.parametrize(("expected", "field_stay"), [(0.7, 0.7), (0.0, 0.0), (1 / 3, None)])
def test_fields_stay_as_often_as_asked(expected: float, field_stay: float | None) -> None:
    """Over 100,000 prompts; within a field its prompts are equally likely."""
    tape = drawn(selection(num_fields=3, num_steps=1_000, field_stay=field_stay), 100)
    field = tape.subtasks.field_index
    assert expected == pytest.approx(np.mean(field[:, 1:] == field[:, :-1]), abs=3 * 0.5 / math.sqrt(LONG))
    _, counts = np.unique(tape.subtasks.score[..., 1], return_counts=True)
    np.testing.assert_allclose(
        1 / 6, counts / LONG, atol=4 * math.sqrt(5 / 36 * (2.2 if expected else 1) / LONG)
    )


def test_moments_are_drawn_from_their_chains() -> None:
    """No time passes before the first choice; the user's own device hides nothing; lots lie on levels."""
    tape = drawn(
        selection(
            gap_s=Chain(values=(1.0, 2.0)),
            harvest_share=Chain(values=(0.0, 0.5)),
            quality_shift=Chain(values=(-1.0, -1.0, 2.0), stay=0.9),
            num_lots=4,
        )
    )
    moments = tape.moments
    assert not moments.gap_s[:, 0].any()
    assert {1.0, 2.0} == set(moments.gap_s[:, 1:].ravel().tolist())
    assert {0.0, 0.5} == set(moments.harvest_share.ravel().tolist())
    assert not moments.quality_shift[..., 0].any()
    assert {-1.0, 2.0} == set(moments.quality_shift[..., 1:].ravel().tolist())
    for lots in (moments.lot, moments.rounding):
        assert {0.125, 0.375, 0.625, 0.875} == set(lots.ravel().tolist())
    assert not np.array_equal(moments.lot, moments.rounding)
    assert 0.0 < moments.uniform.min() < moments.uniform.max() < 1.0


def test_independent_links_carry_what_shannon_allows() -> None:
    """3 dB in 10 kHz are 1.58 bits per hertz and second; nothing is lost, all are there."""
    moments = drawn(selection(radio=SnrConfig(distribution="fixed", mean_db=3.0))).moments
    expected = 1.0 / (10_000.0 * math.log2(1.0 + 10.0**0.3))
    for seconds in (moments.s_per_bit, moments.known_s_per_bit):
        np.testing.assert_allclose(expected, seconds, rtol=1e-5)
    np.testing.assert_allclose(3.0, moments.known_snr_db, rtol=1e-6)
    assert not moments.loss.any()
    assert not moments.latency_s.any()
    assert moments.available.all()


def test_levels_decide_on_rate_and_loss() -> None:
    """What is known sets the rate, what is sets the loss."""
    fleet = fleet_arrays(draw_devices(2, seed=0))
    one = level_radio(
        jax.tree.map(jnp.asarray, fleet), TWO_LEVELS, jnp.array([[0, 1]]), jnp.array([[1, 0]]), stale=False
    )
    np.testing.assert_allclose([[10.0, 0.0]], one.known_snr_db)
    seconds = [[1e-4 / math.log2(11.0), 1e-4]]
    np.testing.assert_allclose(seconds, one.known_s_per_bit, rtol=1e-6)
    np.testing.assert_allclose(seconds, one.s_per_bit, rtol=1e-6)
    np.testing.assert_allclose([[0.0, 0.5]], one.known_loss)
    np.testing.assert_allclose([[0.5, 0.0]], one.loss)
    np.testing.assert_allclose(0.25, one.latency_s)


def test_links_on_levels_stay_as_asked_and_are_known_in_time() -> None:
    """Each link on its own, with probability 0.8, over 100,000 choices."""
    moments = drawn(selection(num_steps=1_000, radio=TWO_LEVELS), 50).moments
    np.testing.assert_array_equal(moments.loss, moments.known_loss)
    stays = moments.loss[:, 1:, 1:] == moments.loss[:, :-1, 1:]
    assert 0.8 == pytest.approx(stays.mean(), abs=3 * 0.4 / math.sqrt(LONG))
    together = np.mean(stays[..., 0] & stays[..., 1])
    assert 0.64 == pytest.approx(together, abs=3 * 0.48 / math.sqrt(LONG / 2))


def test_links_on_levels_may_be_known_one_choice_late() -> None:
    """What is known is how they were before, also at the first choice."""
    moments = drawn(selection(radio=TWO_LEVELS, stale_links=True)).moments
    foretold = np.where(np.asarray(moments.loss) > 0, 0.4, 0.1)  # stays with 0.8
    np.testing.assert_allclose(foretold[:, :-1], moments.known_loss[:, 1:], rtol=1e-6)
    before = np.isclose(moments.known_loss, 0.4)
    assert abs(np.mean(moments.loss[before]) - 0.4) < 0.02
    np.testing.assert_array_equal(np.where(before, 0.0, 10.0), moments.known_snr_db)
    np.testing.assert_array_equal(moments.known_s_per_bit, moments.s_per_bit)
    assert np.any((moments.loss[:, 0] > 0) != before[:, 0])


@pytest.mark.parametrize("stale", [False, True])
def test_links_of_a_world_are_those_of_its_moments(stale: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps of 2 s: the links at 0, 2, 4 and 6 s; known late, rates are chosen by those before."""
    fleet = jax.tree.map(jnp.asarray, fleet_arrays(street()))
    world = jax.jit(lambda key: draw_world(fleet, key, WorldConfig()), compiler_options=QUICKLY)(
        jax.random.key(3)
    )
    monkeypatch.setattr(tapes, "draw_world", lambda *_: world)
    outcomes = draw_outcomes(4, 1, 8, 2, seed=0)
    played = ExpertSelection(
        outcomes,
        estimate(outcomes, num_fields=2),
        fleet,
        rules=Rules(num_steps=4),
        chances=Chances(radio=WorldConfig(), gap_s=Chain(values=(2.0,)), stale_links=stale),
    )
    moments = jax.jit(lambda key: played.tape(key), compiler_options=QUICKLY)(KEY).moments
    at = jax.jit(lambda time_s: links(fleet, world, time_s), compiler_options=QUICKLY)
    bits = 1_000.0
    for step in range(4):
        now, before = at(2.0 * step), at(2.0 * max(step - 1, 0) if stale else 2.0 * step)
        np.testing.assert_allclose(before.snr_db, moments.known_snr_db[step], atol=0.02)
        known, sent = send(fleet, before, bits), send(fleet, adapted(fleet, now, before.snr_db), bits)
        latency_s = fleet.link.latency_s + now.propagation_s
        np.testing.assert_allclose(latency_s, moments.latency_s[step], rtol=1e-5)
        remote = ~np.asarray(fleet.local)
        for delivery, s_per_bit, loss in (
            (known, moments.known_s_per_bit, moments.known_loss),
            (sent, moments.s_per_bit, moments.loss),
        ):
            real_s = (latency_s + bits * s_per_bit[step])[remote]
            np.testing.assert_allclose(delivery.seconds[remote], real_s, rtol=1e-3)
            np.testing.assert_allclose(delivery.outage, loss[step], rtol=0.05, atol=1e-4)
        np.testing.assert_array_equal(now.available, moments.available[step])


NOBODY = jax.tree.map(
    lambda column: column[..., :0] if column.ndim else column, fleet_arrays(draw_devices(1, seed=0))
)


@pytest.mark.parametrize(
    ("outcomes", "expectations", "text"),
    [
        (
            plain_outcomes(np.zeros((1, 2)), 40.0, np.zeros((0, 1), int)),  # type: ignore[arg-type]
            Expectations(np.zeros((1, 2)), np.ones((1, 2))),
            "`outcomes` must be of at least 1 prompt, subtask and device, got (0, 1, 2).",
        ),
        (
            plain_outcomes(np.zeros((1, 0)), 40.0, [[0]]),
            Expectations(np.zeros((1, 0)), np.ones((1, 0))),
            "`outcomes` must be of at least 1 prompt, subtask and device, got (1, 1, 0).",
        ),
    ],
)
def test_nothing_to_play_is_refused(outcomes: Outcomes, expectations: Expectations, text: str) -> None:
    """There must be a prompt and a device."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        ExpertSelection(outcomes, expectations, NOBODY)


@pytest.mark.parametrize("fields", [[[0], [1], [0], [1]], [[0], [0], [1]], [[1], [1]]])
def test_fields_that_are_to_stay_need_sorted_prompts(fields: list[list[int]]) -> None:
    """As many of each, one field after the other, from the first on."""
    text = "`outcomes` must hold as many prompts of each field, sorted by field, for `field_stay`."
    outcomes = plain_outcomes(np.ones((2, 3)), 40.0, fields)
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        selection(outcomes, field_stay=0.5)
    assert 64 == selection(outcomes).num_steps
