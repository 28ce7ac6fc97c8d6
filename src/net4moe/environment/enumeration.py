"""Turn a small environment into a table of states, by playing every choice in every state with the same dynamics.

Works where all chance is finite: links on levels (`LinkLevels`) or fixed, scores and words as expected, and lots
on levels where losses or rounding depend on them. What is hidden (quality that drifts, links known too late) is
replaced by what is known of it: the last thing seen and how long ago that was, from which the law of the hidden
follows exactly. So the optimum of the table is that of a policy that knows no more than the observation.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy import sparse

from net4moe.environment.chances import LinkLevels, Moment, Subtask
from net4moe.environment.decisions import Decisions
from net4moe.environment.dynamics import Situation, arrived, first_situation, outlook, placed
from net4moe.environment.finite_chance import (
    FiniteOutcomes,
    Modes,
    check_finite,
    finite_modes,
    finite_outcomes,
    next_moment_share,
    outcome_share,
)
from net4moe.environment.observation import CONTEXT_FEATURES, Observation
from net4moe.environment.tabular import TabularProblem

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from net4moe.environment.selection import ExpertSelection

__all__ = ["Enumerated", "enumerated"]

_BATCHES = (64, 1024, 16384)
_DECIMALS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumerated:
    """An environment as a table.

    Attributes:
      problem: rewards and transitions.
      observation: what is known in each state, at the first choice of an episode.
      mean_rewards: the mean immediate reward of each device in each state.
      situations: what choices have brought about in each state.
      num_steps: choices in an episode.
    """

    problem: TabularProblem
    observation: Observation
    mean_rewards: Float[np.ndarray, "D N"]
    situations: Situation
    num_steps: int

    @property
    def num_states(self) -> int:
        """Number of states, D."""
        return self.mean_rewards.shape[0]

    def decisions(self, step_index: int) -> Decisions:
        """Lay out the choice in every state, `step_index` choices after the start.

        `turn` counts the choices of one episode; `uniform` is one half, so rules that draw lots are to be
        evaluated by their probabilities instead.
        """
        left = (self.num_steps - step_index) / self.num_steps
        context = np.array(self.observation.context)
        context[:, CONTEXT_FEATURES.index("episode_share_left")] = left
        return Decisions(
            observation=self.observation._replace(context=context),
            turn=np.full(self.num_states, step_index),
            uniform=np.full(self.num_states, 0.5, np.float32),
            valid=np.ones(self.num_states, np.bool_),
            rewards=np.where(self.observation.device_mask, self.mean_rewards, np.nan),
            mean_rewards=self.mean_rewards,
        )


def enumerated(selection: ExpertSelection, *, most_states: int = 300_000) -> Enumerated:
    """Enumerate the states that can be reached, with exact rewards and transitions.

    Args:
      selection: an environment in which all chance is finite.
      most_states: more states than this are refused.

    Raises:
      ValueError: chance is not finite, or there are too many states.
    """
    check_finite(selection)
    modes, outcomes = finite_modes(selection), finite_outcomes(selection.chances)
    shelf = _Situations(first_situation(selection.game))
    num_moments = modes.next_moment.shape[0]
    first = np.flatnonzero(modes.first_subtask)
    start = (np.repeat(first, num_moments), np.tile(np.arange(num_moments), len(first)))
    start_code = start[0] * num_moments + start[1]  # the first situation is number 0
    start_share = modes.first_subtask[start[0]] / num_moments
    known: dict[int, int] = {int(code): index for index, code in enumerate(start_code)}
    frontier = start_code
    pages: list[_Page] = []
    while len(frontier):
        page = _turn(selection, modes, outcomes, shelf, frontier)
        pages.append(page)
        fresh = [code for code in np.unique(page.next_code).tolist() if code not in known]
        known.update({code: len(known) + index for index, code in enumerate(fresh)})
        if len(known) > most_states:
            message = (
                f"The environment has more than {most_states} states: it is too large to be solved exactly."
            )
            raise ValueError(message)
        frontier = np.array(fresh, np.int64)
    return _bound(selection, pages, known, start_share)


class _Page(NamedTuple):
    """One round of the enumeration: what follows from the states of a frontier."""

    observation: Observation
    situations: Situation
    mean_rewards: Any
    rewards: Any
    row: Any
    next_code: Any
    share: Any


def _bound(
    selection: ExpertSelection, pages: list[_Page], known: dict[int, int], start_share: Any
) -> Enumerated:
    """Put the rounds together."""
    num_states, num_devices = len(known), selection.num_devices
    offsets = np.cumsum([0, *(len(page.rewards) for page in pages)])
    codes = np.fromiter(known.keys(), np.int64, num_states)
    order = np.argsort(codes)
    column = [order[np.searchsorted(codes[order], page.next_code)] for page in pages]
    row = [page.row + offset * num_devices for page, offset in zip(pages, offsets, strict=False)]
    share = np.concatenate([page.share for page in pages])
    matrix = sparse.csr_matrix(
        (share, (np.concatenate(row), np.concatenate(column))), shape=(num_states * num_devices, num_states)
    )
    start = np.zeros(num_states)
    start[: len(start_share)] = start_share
    stacked = [np.concatenate(parts) for parts in zip(*(page.observation for page in pages), strict=True)]
    return Enumerated(
        problem=TabularProblem(
            rewards=np.concatenate([page.rewards for page in pages]), next_distribution=matrix, start=start
        ),
        observation=Observation(*stacked),
        mean_rewards=np.concatenate([page.mean_rewards for page in pages]),
        situations=jax.tree.map(lambda *parts: np.concatenate(parts), *(page.situations for page in pages)),
        num_steps=selection.num_steps,
    )


class _Situations:
    """The situations that were met, each with a number; `Shelf` of packed rows."""

    def __init__(self, first: Situation) -> None:
        leaves, self._structure = jax.tree.flatten(first)
        self._shapes = [(leaf.shape, leaf.dtype) for leaf in leaves]
        self._numbers: dict[bytes, int] = {}
        self._rows: list[Any] = []
        self.numbers(self.packed(jax.tree.map(lambda leaf: leaf[None], first)))

    def packed(self, situations: Situation) -> Float[np.ndarray, "B K"]:
        """Lay out a batch of situations as rows."""
        leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(situations)]
        rows = np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)
        return np.round(rows, _DECIMALS) + 0.0  # no negative zero

    def unpacked(self, rows: Float[np.ndarray, "B K"]) -> Situation:
        """Read a batch of situations from rows."""
        leaves, place = [], 0
        for shape, dtype in self._shapes:
            size = int(np.prod(shape))
            leaves.append(np.asarray(rows[:, place : place + size].reshape(-1, *shape), dtype))
            place += size
        return jax.tree.unflatten(self._structure, leaves)

    def numbers(self, rows: Float[np.ndarray, "B K"]) -> Int[np.ndarray, " B"]:
        """Number a batch of rows; new ones get new numbers."""
        view = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1] * 8))).ravel()
        unique, first, inverse = np.unique(view, return_index=True, return_inverse=True)
        number = np.empty(len(unique), np.int64)
        for place, (key, index) in enumerate(zip(unique, first, strict=True)):
            number[place] = self._numbers.setdefault(key.tobytes(), len(self._numbers))
            if number[place] == len(self._rows):
                self._rows.append(rows[index])
        return number[inverse.ravel()]

    def rows(self, numbers: Int[np.ndarray, " B"]) -> Float[np.ndarray, "B K"]:
        """Look up rows by their numbers."""
        return np.stack([self._rows[number] for number in numbers])


def _turn(
    selection: ExpertSelection, modes: Modes, outcomes: FiniteOutcomes, shelf: _Situations, codes: Any
) -> _Page:
    """Play every choice with every outcome in the states of a frontier."""
    num_subtasks, num_moments = modes.next_subtask.shape[0], modes.next_moment.shape[0]
    num_devices = selection.num_devices
    number, rest = np.divmod(codes, num_subtasks * num_moments)
    subtask, moment = np.divmod(rest, num_moments)
    rows = shelf.rows(number)
    situations = shelf.unpacked(rows)
    observation, mean_rewards = _batched(
        _observed, selection, modes.subtasks, modes.moments, situations, subtask, moment
    )
    state, action = np.nonzero(observation.device_mask)
    share = outcome_share(selection, modes, outcomes, situations, moment, state, action)
    which, outcome = np.nonzero(share > 0)
    share = share[which, outcome]
    state, action = state[which], action[which]
    post, reward, done = _batched(
        _placed,
        selection,
        modes.subtasks,
        modes.moments,
        jax.tree.map(lambda leaf: leaf[state], situations),
        subtask[state],
        moment[state],
        action,
        outcomes.shift[outcome],
        outcomes.level[outcome],
        outcomes.lot[outcome],
    )
    rewards = np.full((len(codes), num_devices), np.nan)
    rewards[observation.device_mask] = 0.0
    np.add.at(rewards, (state, action), share * reward)
    places = shelf.numbers(shelf.packed(post))
    after = _arrivals(selection, modes, shelf, places)
    found = _followed(
        selection, modes, outcomes, subtask[state], moment[state], action, outcome, done, after, places
    )
    row, next_code, weight = found
    return _Page(
        observation=observation,
        situations=situations,
        mean_rewards=mean_rewards,
        rewards=rewards,
        row=(state * num_devices + action)[row],
        next_code=next_code,
        share=share[row] * weight,
    )


def _followed(
    selection: ExpertSelection,
    modes: Modes,
    outcomes: FiniteOutcomes,
    subtask: Any,
    moment: Any,
    action: Any,
    outcome: Any,
    done: Any,
    after: Any,
    places: Any,
) -> tuple[Any, Any, Any]:
    """List what follows each placed subtask: row, code of the next state, probability."""
    num_subtasks, num_moments = modes.next_subtask.shape[0], modes.next_moment.shape[0]
    next_subtask = np.where(done[:, None], modes.next_subtask[subtask], np.eye(num_subtasks)[subtask])
    next_moment = next_moment_share(selection, modes, moment, action, outcomes.level[outcome])
    parts: list[tuple[Any, Any, Any]] = []
    for x, m in itertools.product(range(num_subtasks), range(num_moments)):
        weight = next_subtask[:, x] * next_moment[:, m]
        row = np.flatnonzero(weight)
        if not len(row):
            continue
        for way, part in enumerate(modes.arrival_share[modes.harvest[m]]):
            if part:
                code = (after[places[row], way] * num_subtasks + x) * num_moments + m
                parts.append((row, code, weight[row] * part))
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))  # type: ignore[return-value]


def _arrivals(selection: ExpertSelection, modes: Modes, shelf: _Situations, places: Any) -> Any:
    """Let time pass, in every way, after each situation; numbers of the situations, by place and way."""
    unique = np.unique(places)
    situations = shelf.unpacked(shelf.rows(unique))
    table = np.full((unique[-1] + 1, len(modes.arrivals)), -1, np.int64)
    for way, (gap_s, harvest_share, rounding) in enumerate(modes.arrivals):
        count = len(unique)
        later = _batched(
            _arrived,
            selection,
            situations,
            np.full(count, gap_s, np.float32),
            np.full(count, harvest_share, np.float32),
            np.full(count, rounding, np.float32),
            np.zeros(count, np.int32),
        )
        table[unique, way] = shelf.numbers(shelf.packed(later))
    return table


@eqx.filter_jit
def _observed(
    selection: ExpertSelection,
    subtasks: Subtask,
    moments: Moment,
    situation: Situation,
    subtask: Any,
    moment: Any,
) -> tuple[Observation, Any]:
    def one(situation: Situation, subtask: Any, moment: Any) -> tuple[Observation, Any]:
        at_hand, now = _taken(subtasks, subtask), _taken(moments, moment)
        mean = outlook(selection.game, situation, at_hand, now, told="mean").mean_reward
        return selection.observed(situation, at_hand, now, jnp.ones(())), mean

    return jax.vmap(one)(situation, subtask, moment)


@eqx.filter_jit
def _placed(
    selection: ExpertSelection,
    subtasks: Subtask,
    moments: Moment,
    situation: Situation,
    subtask: Any,
    moment: Any,
    action: Any,
    shift: Any,
    level: Any,
    lot: Any,
) -> tuple[Situation, Any, Any]:
    radio = selection.chances.radio
    outage = jnp.asarray(radio.outage if isinstance(radio, LinkLevels) else (0.0,), jnp.float32)

    def one(
        situation: Situation, subtask: Any, moment: Any, action: Any, shift: Any, level: Any, lot: Any
    ) -> tuple[Situation, Any, Any]:
        now = _taken(moments, moment)
        now = now._replace(
            quality_shift=jnp.where(selection.fleet.local, 0.0, shift),
            loss=jnp.where(jnp.arange(now.loss.shape[-1]) == action, outage[level], now.loss),
            lot=lot,
        )
        return placed(selection.game, situation, _taken(subtasks, subtask), now, action)

    return jax.vmap(one)(situation, subtask, moment, action, shift, level, lot)


@eqx.filter_jit
def _arrived(
    selection: ExpertSelection, situation: Situation, gap_s: Any, harvest_share: Any, rounding: Any, _: Any
) -> Situation:
    def one(situation: Situation, gap_s: Any, harvest_share: Any, rounding: Any) -> Situation:
        moment = Moment(*(jnp.zeros(()) for _ in Moment._fields))
        moment = moment._replace(gap_s=gap_s, harvest_share=harvest_share, rounding=rounding)
        return arrived(selection.game, situation, moment)

    return jax.vmap(one)(situation, gap_s, harvest_share, rounding)


def _batched(function: Any, selection: ExpertSelection, *arguments: Any) -> Any:
    """Call a compiled function on batches of few sizes, so that it is compiled seldom.

    The tables of subtasks and moments, where they are among the arguments, are passed whole.
    """
    tables = tuple(part for part in arguments if isinstance(part, Subtask | Moment))
    rows = arguments[len(tables) :]
    count = len(rows[-1])
    size = next((size for size in _BATCHES if count <= size), _BATCHES[-1])
    pieces = []
    for begin in range(0, count, size):
        index = np.minimum(np.arange(begin, begin + size), count - 1)
        piece = function(
            selection, *tables, *jax.tree.map(lambda leaf, index=index: np.asarray(leaf)[index], rows)
        )
        kept = min(size, count - begin)
        pieces.append(jax.tree.map(lambda leaf, kept=kept: np.asarray(leaf)[:kept], piece))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *pieces)


def _taken(table: Any, index: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], table)
