"""The tables of finite chance by hand, and against powers of the transition matrix."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment.chances import Chain, Chances, LinkLevels
from net4moe.environment.dynamics import Situation, first_situation
from net4moe.environment.finite_chance import (
    check_finite,
    finite_modes,
    finite_outcomes,
    next_moment_share,
    outcome_share,
)
from net4moe.environment.rules import Rules
from net4moe.environment.scenarios import SCENARIOS
from net4moe.environment.selection import ExpertSelection
from net4moe.network.snr import SnrConfig
from tests.solved import tiny

LEVELS = LinkLevels(snr_db=(0.0, 10.0), outage=(0.5, 0.0), stay=0.8)
LINK = np.array([[0.8, 0.2], [0.2, 0.8]])


def selection(
    num_devices: int = 2, *, evidence: bool = False, chained: bool = False, **chances: Any
) -> ExpertSelection:
    """Put an environment of two prompts of different fields together."""
    learns: dict[str, Any] = {"quality_memory": 0.9, "evidence_weight": 1.0, "greatest_age": 8}
    return tiny(
        [[5.0] * num_devices, [6.0] * num_devices],
        [{}] * num_devices,
        rules=Rules(num_steps=4, chained=chained, **(learns if evidence else {})),
        chances=Chances(**({"radio": LEVELS, "num_lots": 2} | chances)),
    )


def situations(one: ExpertSelection, surprise: Any, age: Any) -> Situation:
    """Make situations that differ in what is known of the second device."""
    first, count = first_situation(one.game), len(surprise)
    columns = [
        np.stack([np.zeros(count), np.asarray(values, np.float32)], axis=1) for values in (surprise, age)
    ]
    return first._replace(surprise=jnp.asarray(columns[0]), age=jnp.asarray(columns[1]))


@pytest.mark.parametrize("name", SCENARIOS)
def test_shares_add_up_to_one(name: str) -> None:
    """In every small scenario, whatever is at hand."""
    modes = finite_modes(SCENARIOS[name].small)
    for shares in (modes.next_subtask, modes.next_moment, modes.arrival_share):
        np.testing.assert_allclose(1.0, shares.sum(axis=1), rtol=1e-12)
        assert np.all(shares >= 0)
    assert 1.0 == pytest.approx(modes.first_subtask.sum())
    np.testing.assert_allclose(1.0, modes.next_moment.sum(axis=0), rtol=1e-12)  # all are equally likely


def test_moments_are_links_times_harvests() -> None:
    """Two levels of one link and two harvests; the user's own link has none."""
    modes = finite_modes(selection(harvest_share=Chain(values=(0.0, 1.0), stay=0.9)))
    assert [[0, 0], [0, 0], [0, 1], [0, 1]] == modes.level.tolist()
    assert [0, 1, 0, 1] == modes.harvest.tolist()
    np.testing.assert_allclose([0.0, 1.0, 0.0, 1.0], modes.moments.harvest_share)
    np.testing.assert_allclose([0.5, 0.5, 0.0, 0.0], modes.moments.known_loss[:, 1])
    harvest = [[0.9, 0.1], [0.1, 0.9]]
    expected = [[LINK[a // 2, b // 2] * harvest[a % 2][b % 2] for b in range(4)] for a in range(4)]
    np.testing.assert_allclose(expected, modes.next_moment, rtol=1e-12)


def test_links_of_two_devices_are_independent() -> None:
    """Both stay with probability 0.64."""
    modes = finite_modes(selection(3))
    assert [[0, 0, 0], [0, 0, 1], [0, 1, 0], [0, 1, 1]] == modes.level.tolist()
    np.testing.assert_allclose([0.64, 0.16, 0.16, 0.04], modes.next_moment[0], rtol=1e-12)


def test_fixed_links_have_one_moment() -> None:
    """There is nothing to draw."""
    modes = finite_modes(selection(radio=SnrConfig(distribution="fixed", mean_db=3.0)))
    assert (1, 1) == modes.next_moment.shape
    np.testing.assert_allclose([[3.0, 3.0]], modes.moments.known_snr_db)
    np.testing.assert_allclose([[0.0, 0.0]], modes.moments.loss)


def test_fields_and_importance_follow_their_chains() -> None:
    """Two prompts of two weights: the field stays with 0.7, the weight with a half."""
    modes = finite_modes(selection(field_stay=0.7, importance=Chain(values=(1.0, 4.0))))
    assert [0, 0, 1, 1] == modes.subtasks.field_index.tolist()
    assert [1.0, 4.0, 1.0, 4.0] == modes.subtasks.importance.tolist()
    np.testing.assert_allclose([0.35, 0.35, 0.15, 0.15], modes.next_subtask[1], rtol=1e-12)
    np.testing.assert_allclose([0.25] * 4, modes.first_subtask)


def test_subtasks_of_a_prompt_come_in_order() -> None:
    """The second follows the first with its weight; then any prompt with any weight."""
    one = tiny(
        [[5.0, 5.0]],
        [{}, {}],
        rules=Rules(num_steps=4),
        chances=Chances(radio=LEVELS, num_lots=2, importance=Chain(values=(1.0, 4.0), stay=0.9)),
        fields=[[0, 0]],
    )
    modes = finite_modes(one)
    expected = [[0, 0, 1, 0], [0, 0, 0, 1], [0.9, 0.1, 0, 0], [0.1, 0.9, 0, 0]]
    np.testing.assert_allclose(expected, modes.next_subtask, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose([0.5, 0.5, 0, 0], modes.first_subtask)


def test_time_passes_in_each_way_that_the_harvest_allows() -> None:
    """Two gaps; the harvest is that of the moment after."""
    modes = finite_modes(selection(gap_s=Chain(values=(1.0, 2.0)), harvest_share=Chain(values=(0.0, 1.0))))
    expected = [[1.0, 0.0, 0.5], [1.0, 1.0, 0.5], [2.0, 0.0, 0.5], [2.0, 1.0, 0.5]]
    assert expected == modes.arrivals.tolist()
    np.testing.assert_allclose([[0.5, 0, 0.5, 0], [0, 0.5, 0, 0.5]], modes.arrival_share)


def test_each_outcome_is_a_shift_a_level_and_a_lot() -> None:
    """Two shifts, two levels, two lots."""
    outcomes = finite_outcomes(Chances(radio=LEVELS, num_lots=2, quality_shift=Chain(values=(-1.0, 1.0))))
    assert [-1.0] * 4 + [1.0] * 4 == outcomes.shift.tolist()
    assert [0] * 4 + [1] * 4 == outcomes.shift_index.tolist()
    assert [0, 0, 1, 1] * 2 == outcomes.level.tolist()
    assert [0.25, 0.75] * 4 == outcomes.lot.tolist()


@pytest.mark.parametrize("values", [(-1.0, 1.0), (-1.5, -0.5, 2.0)])
def test_what_was_seen_tells_of_the_hidden_by_the_powers_of_its_chain(values: tuple[float, ...]) -> None:
    """Seen a number of choices ago, it is where that power of the transition matrix says; never seen, anywhere."""
    stay, count = 0.85, len(values)
    one = selection(
        evidence=True, radio=SnrConfig(distribution="fixed"), quality_shift=Chain(values=values, stay=stay)
    )
    matrix = np.full((count, count), (1 - stay) / (count - 1))
    np.fill_diagonal(matrix, stay)
    cases = [(seen, age) for seen in range(count) for age in range(1, 9)]
    state = np.arange(len(cases))
    share = outcome_share(
        one,
        finite_modes(one),
        finite_outcomes(one.chances),
        situations(one, [values[seen] for seen, _ in cases], [age for _, age in cases]),
        np.zeros(len(cases), int),
        state,
        np.ones(len(cases), int),
    )
    expected = [
        np.linalg.matrix_power(matrix, age)[seen] if age < 8 else np.full(count, 1 / count)
        for seen, age in cases
    ]
    np.testing.assert_allclose(expected, share.reshape(len(cases), count, 2).sum(axis=2), rtol=1e-6)
    np.testing.assert_allclose(share[:, ::2], share[:, 1::2])  # lots are alike


@pytest.mark.parametrize("stale", [False, True])
def test_a_link_is_at_its_level_or_one_step_further(stale: bool) -> None:
    """Known in time it is where it is known; known late it has made a step; the user's own has none to make."""
    one = selection(stale_links=stale)
    modes, outcomes = finite_modes(one), finite_outcomes(one.chances)
    none = situations(one, [0.0, 0.0], [0, 0])
    moment, state, action = np.array([0, 1]), np.array([0, 1, 1]), np.array([1, 1, 0])
    share = outcome_share(one, modes, outcomes, none, moment, state, action)
    of_level = share.reshape(3, 2, 2).sum(axis=2)
    expected = np.concatenate([LINK if stale else np.eye(2), [[1.0, 0.0]]])
    np.testing.assert_allclose(expected, of_level, rtol=1e-12)


def test_a_choice_shows_the_level_of_its_link() -> None:
    """Known late, the chosen link is known at the next choice; the other makes its step unseen."""
    one = selection(3, stale_links=True)
    modes = finite_modes(one)
    start, action, level = np.array([0, 0, 0]), np.array([1, 2, 0]), np.array([1, 0, 0])
    share = next_moment_share(one, modes, start, action, level)
    np.testing.assert_allclose([0.0, 0.0, 0.8, 0.2], share[0], rtol=1e-12)
    np.testing.assert_allclose([0.8, 0.0, 0.2, 0.0], share[1], rtol=1e-12)
    np.testing.assert_allclose([0.64, 0.16, 0.16, 0.04], share[2], rtol=1e-12)
    in_time = selection(3)
    share = next_moment_share(in_time, finite_modes(in_time), start, action, level)
    np.testing.assert_allclose([[0.64, 0.16, 0.16, 0.04]] * 3, share, rtol=1e-12)


def test_lots_must_make_losses_whole() -> None:
    """Certain losses need none; a loss of 0.3 needs 10, and a chain, which loses on up to three links, 1000."""
    text = r"a `num_lots` by which each probability of losing a passage is a whole number of lots\.$"
    certain, some = (LinkLevels(snr_db=(0.0, 9.0), outage=(loss, 0.0), stay=0.5) for loss in (1.0, 0.3))
    check_finite(selection(radio=certain, num_lots=0))
    check_finite(selection(radio=some, num_lots=10))
    for num_lots in (0, 4):
        with pytest.raises(ValueError, match=text):
            check_finite(selection(radio=some, num_lots=num_lots))
    with pytest.raises(ValueError, match=text):
        check_finite(selection(radio=some, num_lots=10, chained=True))
    check_finite(selection(radio=some, num_lots=1000, chained=True))
    with pytest.raises(ValueError, match="two of them decide at once"):
        check_finite(selection(radio=some, num_lots=1000, chained=True, stale_links=True))
