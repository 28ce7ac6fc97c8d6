"""All that finite chance can be like, as tables: what the enumeration of a small environment goes through."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from net4moe.environment.chances import Chain, Chances, LinkLevels, Moment, Subtask
from net4moe.environment.tapes import Radio, level_radio, subtask_rows, transition
from net4moe.network.snr import SnrConfig

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from net4moe.environment.dynamics import Situation
    from net4moe.environment.selection import ExpertSelection

__all__ = [
    "FiniteOutcomes",
    "Modes",
    "check_finite",
    "finite_modes",
    "finite_outcomes",
    "next_moment_share",
    "outcome_share",
]


class Modes(NamedTuple):
    """What chance can be like at a choice, apart from the situation.

    Attributes:
      subtasks: every subtask that can be at hand; axis X.
      next_subtask: probabilities of the one after it, once it is done.
      first_subtask: probabilities of the first.
      moments: every moment; axis M.
      next_moment: probabilities of the moment after it.
      level: level of each device's link, as known.
      harvest: index of the harvest.
      arrivals: gap, harvest and rounding of each way in which time can pass, axis A.
      arrival_share: probability of each way, given the harvest; axes H, A.
    """

    subtasks: Subtask
    next_subtask: Float[np.ndarray, "X X"]
    first_subtask: Float[np.ndarray, " X"]
    moments: Moment
    next_moment: Float[np.ndarray, "M M"]
    level: Int[np.ndarray, "M N"]
    harvest: Int[np.ndarray, " M"]
    arrivals: Float[np.ndarray, "A 3"]
    arrival_share: Float[np.ndarray, "H A"]


class FiniteOutcomes(NamedTuple):
    """What can come of one choice: the chosen device's shift of quality, level of its link, and the lot."""

    shift: Float[np.ndarray, " Y"]
    shift_index: Int[np.ndarray, " Y"]
    level: Int[np.ndarray, " Y"]
    lot: Float[np.ndarray, " Y"]


def finite_modes(selection: ExpertSelection) -> Modes:
    """Lay out all that chance can be like."""
    chances = selection.chances
    prompts, places, next_subtask, first_subtask, importance = _subtask_modes(selection)
    num_devices = selection.num_devices
    remote = np.flatnonzero(~np.asarray(selection.fleet.local))
    levels = chances.radio if isinstance(chances.radio, LinkLevels) else None
    link = levels.chain if levels else Chain(values=(0.0,))
    factors = [link] * (len(remote) if len(link.values) > 1 else 0) + [chances.harvest_share]
    index = np.array(list(itertools.product(*(range(len(one.values)) for one in factors))), np.int64)
    level = np.zeros((len(index), num_devices), np.int64)
    if len(link.values) > 1:
        level[:, remote] = index[:, :-1]
    next_moment = np.ones((1, 1))
    for factor in factors:
        next_moment = np.kron(next_moment, transition(factor))
    lots = _lot_values(chances) if selection.rules.temperature_step_c else np.array([0.5])
    arrivals = np.array(
        list(itertools.product(chances.gap_s.values, chances.harvest_share.values, lots)), np.float64
    )
    of_harvest = arrivals[:, 1] == np.array(chances.harvest_share.values)[:, None]
    return Modes(
        subtasks=subtask_rows(selection.shelf, prompts, places, importance),
        next_subtask=next_subtask,
        first_subtask=first_subtask,
        moments=_moments(selection, level, np.array(chances.harvest_share.values)[index[:, -1]]),
        next_moment=next_moment,
        level=level,
        harvest=index[:, -1],
        arrivals=arrivals,
        arrival_share=of_harvest / np.sum(of_harvest, axis=1, keepdims=True),
    )


def _subtask_modes(selection: ExpertSelection) -> tuple[Any, Any, Any, Any, Any]:
    """List the subtasks that can be at hand, and how they follow each other."""
    chances = selection.chances
    count = np.asarray(selection.shelf.num_subtasks)
    weights = chances.importance.values
    modes = [
        (prompt, place, weight)
        for prompt, length in enumerate(count)
        for place in range(length)
        for weight in range(len(weights))
    ]
    first_field = np.asarray(selection.shelf.field_index)[:, 0]
    stay = None if chances.field_stay is None else chances.field_stay
    of_field = transition(Chain(values=tuple(range(selection.num_fields)), stay=stay))
    of_weight = transition(chances.importance)
    following = np.zeros((len(modes), len(modes)))
    for a, (prompt, place, weight) in enumerate(modes):
        for b, (next_prompt, next_place, next_weight) in enumerate(modes):
            if place < count[prompt] - 1:
                same = (next_prompt, next_place, next_weight) == (prompt, place + 1, weight)
                following[a, b] = float(same)
            elif next_place == 0:
                if stay is None:
                    share = 1.0 / len(count)
                else:
                    siblings = np.sum(first_field == first_field[next_prompt])
                    share = of_field[first_field[prompt], first_field[next_prompt]] / siblings
                following[a, b] = share * of_weight[weight, next_weight]
    first = np.array([1.0 if place == 0 else 0.0 for _, place, _ in modes])
    prompts, places, weight_index = (jnp.asarray(column, jnp.int32) for column in zip(*modes, strict=True))
    importance = jnp.asarray(weights, jnp.float32)[weight_index]
    return prompts, places, following, first / first.sum(), importance


def _moments(selection: ExpertSelection, level: Any, harvest_share: Any) -> Moment:
    chances, shape = selection.chances, level.shape
    radio = chances.radio
    if isinstance(radio, SnrConfig):
        radio = LinkLevels(snr_db=(radio.mean_db,), outage=(0.0,), stay=1.0)
    assert isinstance(radio, LinkLevels)
    at = jnp.asarray(level)
    drawn: Radio = level_radio(selection.fleet, radio, at, at, stale=chances.stale_links)
    number = jnp.zeros(shape[0])
    return Moment(
        gap_s=number,
        harvest_share=jnp.asarray(harvest_share, jnp.float32),
        quality_shift=jnp.zeros(shape),
        lot=number + 0.5,
        rounding=number + 0.5,
        uniform=number + 0.5,
        **drawn._asdict(),
    )


def _lot_values(chances: Chances) -> Any:
    return (np.arange(chances.num_lots) + 0.5) / chances.num_lots if chances.num_lots else np.array([0.5])


def finite_outcomes(chances: Chances) -> FiniteOutcomes:
    """List what can come of one choice."""
    shift = chances.quality_shift.values
    levels = chances.radio.outage if isinstance(chances.radio, LinkLevels) else (0.0,)
    ways = list(itertools.product(range(len(shift)), range(len(levels)), _lot_values(chances)))
    shift_index, level, lot = (np.array(column) for column in zip(*ways, strict=True))
    return FiniteOutcomes(
        np.asarray(np.array(shift)[shift_index], np.float32), shift_index, level, np.asarray(lot, np.float32)
    )


def outcome_share(
    selection: ExpertSelection,
    modes: Modes,
    outcomes: FiniteOutcomes,
    situations: Situation,
    moment: Any,
    state: Any,
    action: Any,
) -> Float[np.ndarray, "R Y"]:
    """Compute the probability of each outcome of each choice, given what is known."""
    chances = selection.chances
    chain = chances.quality_shift
    count = len(chain.values)
    surprise = np.asarray(situations.surprise, np.float64)[state, action]
    age = np.asarray(situations.age, np.float64)[state, action]
    shift_share = np.full((len(state), count), 1.0 / count)
    if count > 1:
        fading = ((count * chain.stay_probability - 1.0) / (count - 1)) ** age
        last = np.argmin(np.abs(surprise[:, None] - np.array(chain.values)), axis=1)
        seen = (age < selection.rules.greatest_age)[:, None]
        shift_share = np.where(
            seen, shift_share + (np.eye(count)[last] - 1.0 / count) * fading[:, None], shift_share
        )
    share = shift_share[:, outcomes.shift_index]
    if isinstance(chances.radio, LinkLevels) and len(chances.radio.snr_db) > 1:
        known = modes.level[moment[state], action]
        change = np.eye(len(chances.radio.snr_db))[known]
        if chances.stale_links:
            local = np.asarray(selection.fleet.local)[action]
            change = np.where(local[:, None], change, transition(chances.radio.chain)[known])
        share = share * change[:, outcomes.level]
    return share / len(_lot_values(chances))


def next_moment_share(
    selection: ExpertSelection, modes: Modes, moment: Any, action: Any, level: Any
) -> Float[np.ndarray, "R M"]:
    """Compute the probability of each moment after a choice, which shows the level of the chosen link."""
    share = modes.next_moment[moment]
    radio = selection.chances.radio
    if isinstance(radio, LinkLevels) and selection.chances.stale_links:
        local = np.asarray(selection.fleet.local)[action]
        share = share * (local[:, None] | (level[:, None] == modes.level[:, action].T))
        share = share / np.sum(share, axis=1, keepdims=True)
    return share


def check_finite(selection: ExpertSelection) -> None:
    """Refuse environments in which chance is not finite."""
    chances, outcomes = selection.chances, selection.outcomes
    radio = chances.radio
    fixed = isinstance(radio, SnrConfig) and radio.distribution == "fixed"
    problem = None
    if not (isinstance(radio, LinkLevels) or fixed):
        problem = "links on levels or fixed ones"
    elif isinstance(radio, LinkLevels) and not _whole(
        _losses(radio, selection.rules.chained), chances.num_lots
    ):
        problem = "a `num_lots` by which each probability of losing a passage is a whole number of lots"
    elif selection.rules.chained and chances.stale_links:
        problem = "links that are known where passages stay, since two of them decide at once"
    elif not chances.num_lots and selection.rules.temperature_step_c:
        problem = "`num_lots` greater than 0, since temperatures are rounded by lot"
    elif not (chances.gap_s.stay is None or len(chances.gap_s.values) == 1):
        problem = "independent gaps"
    elif len(chances.quality_shift.values) > 1 and selection.rules.evidence_weight != 1.0:
        problem = "`evidence_weight` of 1, so that what was seen last tells all"
    else:
        field = np.asarray(outcomes.field_index)
        exact = np.abs(np.asarray(selection.expectations.score)[field] - np.asarray(outcomes.score))
        if np.any(exact[np.asarray(outcomes.subtask_mask)] > 1e-4):
            problem = "scores as they are expected"
    if problem:
        message = f"An environment that is to be solved exactly needs {problem}."
        raise ValueError(message)


def _losses(radio: LinkLevels, chained: bool) -> Float[np.ndarray, " K"]:
    """List the probabilities with which a passage can be lost; in a chain on up to three links."""
    alone = np.array([0.0, *radio.outage])
    return np.unique(1.0 - np.multiply.outer(np.outer(1 - alone, 1 - alone), 1 - alone)) if chained else alone


def _whole(losses: Float[np.ndarray, " K"], num_lots: int) -> bool:
    lots = losses * max(num_lots, 1)
    return bool(np.all(np.abs(lots - np.rint(lots)) < 1e-6))
