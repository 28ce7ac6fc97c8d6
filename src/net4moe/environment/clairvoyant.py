"""The most that could be earned on a given tape: what one would choose who knew all chance before.

    brute force:   every plan is played
    layers:        every situation that can be reached along the tape, then backwards the best of what follows

Averaged over tapes it lies above what any policy earns, since hindsight only helps. A penalty for hindsight brings
it down to the optimum (`penalised_optimum`).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from scipy.spatial import KDTree

from net4moe.environment.dynamics import Situation, arrived, first_situation, placed
from net4moe.environment.observation import Observation
from net4moe.environment.tabular import action_values

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int

    from net4moe.environment.chances import Tape
    from net4moe.environment.enumeration import Enumerated
    from net4moe.environment.selection import ExpertSelection

__all__ = ["Plan", "brute_force", "penalised_optimum", "tape_optimum"]

_BATCHES = (256, 4096)
_DECIMALS = 4
_GREATEST = 1e6
_NEAR = 1e-2


class Plan(NamedTuple):
    """Choices for a whole episode.

    Attributes:
      actions: the chosen devices; after the end of the episode the first one.
      total: sum of the rewards, reward units.
    """

    actions: Int[np.ndarray, "*batch T"]
    total: Float[np.ndarray, "*batch"]


class _Layer(NamedTuple):
    """The situations that can be reached along tapes after some choices, D, and what can be done there, R.

    Attributes:
      tape_index: tape of each situation.
      subtask_index: subtask to be placed next.
      rows: situations, packed.
      state: situation in which each choice is made.
      action: device of each choice.
      reward: what it earns, reward units; 0 after the end of an episode.
      following: where it leads in the next layer.
    """

    tape_index: Int[np.ndarray, " D"]
    subtask_index: Int[np.ndarray, " D"]
    rows: Float[np.ndarray, "D K"]
    state: Int[np.ndarray, " R"]
    action: Int[np.ndarray, " R"]
    reward: Float[np.ndarray, " R"]
    following: Int[np.ndarray, " R"]


def brute_force(selection: ExpertSelection, tape: Tape) -> Plan:
    """Play every plan along one tape and keep the best: N^T of them, the first of equal ones.

    For a few devices and choices; what all quicker methods are tested with.
    """
    num_choices = int(tape.num_choices)
    plans = np.zeros((selection.num_devices**num_choices, selection.num_steps), np.int32)
    plans[:, :num_choices] = list(itertools.product(range(selection.num_devices), repeat=num_choices))
    total = np.asarray(_planned(selection, tape, jnp.asarray(plans)), np.float64)
    best = int(np.nanargmax(total))
    return Plan(plans[best], total[best])


def tape_optimum(selection: ExpertSelection, tapes: Tape, *, most_states: int = 200_000) -> Plan:
    """Find the best plan along each of a batch of tapes, exactly.

    Situations that agree to 1e-4 are one, as in `enumeration`; the best of what follows is found backwards:

        V_t(x) = max over n of r_t(x, n) + V_{t+1}(next of x and n)

    Its mean over tapes is the information relaxation without a penalty: no policy earns more.

    Args:
      selection: the environment.
      tapes: what chance decides, a batch.
      most_states: more situations than this at one choice, over all tapes, are refused.

    Raises:
      ValueError: there are too many situations.
    """
    layers = _layers(selection, tapes, most_states)
    rewards = [layer.reward for layer in layers]
    return _backward(layers, rewards)


def penalised_optimum(
    selection: ExpertSelection,
    tapes: Tape,
    table: Enumerated,
    values: Float[np.ndarray, "T+1 D"],
    *,
    most_states: int = 200_000,
) -> Plan:
    """Find the best plan along each tape when hindsight is charged for.

    What a choice brought by luck is taken back, as a table of values V sees it:

        r_t(x, n) + V_{t+1}(x') - Q_t(x, n),      Q_t(x, n) = E[r_t + V_{t+1}(x') | x, n]

    Before the choice this is 0 on average, so that a policy loses nothing by it, and the mean of the greatest
    totals stays above the optimum. With the optimum's own values the total is the optimum on every tape. See
    Brown, Smith and Sun (2010), Operations Research 58(4), theorems 2.1 and 2.3.

    Args:
      selection: the environment.
      tapes: what chance decides, a batch.
      table: the environment as a table.
      values: V; what a policy still earns from each state on, such as `tabular.evaluated` gives, reward units.
      most_states: more situations than this at one choice, over all tapes, are refused.

    Returns:
      The plan, and its total less the penalty, reward units.

    Raises:
      ValueError: there are too many situations, or a tape leads to a state that the table lacks.
    """
    shape = (table.num_steps + 1, table.num_states)
    if values.shape != shape:
        message = f"`values` must have the shape {shape}, got {values.shape}."
        raise ValueError(message)
    layers = _layers(selection, tapes, most_states)
    find = _Finder(table)
    places = [find(selection, tapes, t, layer) for t, layer in enumerate(layers)]
    rewards = []
    for t, (layer, place) in enumerate(zip(layers, places, strict=True)):
        q = action_values(table.problem, values[t + 1])[place[layer.state], layer.action]
        rewards.append(q - (values[t + 1][places[t + 1][layer.following]] if t + 1 < len(layers) else 0.0))
    plan = _backward(layers, rewards)
    start = float(table.problem.start @ values[0])
    return plan._replace(total=plan.total + start - values[0][places[0]])


def _layers(selection: ExpertSelection, tapes: Tape, most_states: int) -> list[_Layer]:
    """Follow every choice along every tape."""
    num_tapes, num_devices = tapes.num_choices.shape[0], selection.num_devices
    first = first_situation(selection.game)
    tape_index, subtask_index = np.arange(num_tapes), np.zeros(num_tapes, np.int64)
    rows = _packed(jax.tree.map(lambda leaf: np.broadcast_to(leaf, (num_tapes, *np.shape(leaf))), first))
    layers: list[_Layer] = []
    for t in range(selection.num_steps):
        situations = _unpacked(rows, first)
        reward, done, later = _batched(_moved, selection, tapes, t, tape_index, subtask_index, situations)
        live = (t < np.asarray(tapes.num_choices))[tape_index]
        may = np.where(live[:, None], ~np.isnan(reward), np.arange(num_devices) == 0)
        state, action = np.nonzero(may)
        reward = np.where(live[state], reward[state, action].astype(np.float64), 0.0)
        keys = np.column_stack(
            [
                tape_index[state],
                subtask_index[state] + done[state, action],
                _packed(jax.tree.map(lambda leaf, at=(state, action): leaf[at], later)),
            ]
        )
        view = np.ascontiguousarray(keys).view(np.dtype((np.void, keys.shape[1] * 8))).ravel()
        _, place, following = np.unique(view, return_index=True, return_inverse=True)
        if place.size > most_states:
            message = f"The tapes lead to more than {most_states} situations: too many to find the best plan."
            raise ValueError(message)
        layers.append(_Layer(tape_index, subtask_index, rows, state, action, reward, following.ravel()))
        tape_index, subtask_index = keys[place, 0].astype(np.int64), keys[place, 1].astype(np.int64)
        rows = keys[place, 2:]
    return layers


def _backward(layers: list[_Layer], rewards: list[Float[np.ndarray, " R"]]) -> Plan:
    """Choose the best of what follows, from the last layer to the first, and walk the plan forwards."""
    values = np.zeros(layers[-1].following.max() + 1)
    chosen: list[Int[np.ndarray, " D"]] = []
    for layer, reward in zip(reversed(layers), reversed(rewards), strict=True):
        total = reward + values[layer.following]
        order = np.lexsort((layer.action, -total, layer.state))
        _, first = np.unique(layer.state[order], return_index=True)
        chosen.append(order[first])
        values = total[order[first]]
    state = np.arange(values.size)
    actions = []
    for layer, choice in zip(layers, reversed(chosen), strict=True):
        actions.append(layer.action[choice[state]])
        state = layer.following[choice[state]]
    return Plan(np.stack(actions, axis=-1).astype(np.int32), values)


class _Finder:
    """The states of a table, to be found by what is known in them and what choices have brought about."""

    def __init__(self, table: Enumerated) -> None:
        rows = _sight(table.observation, _packed(table.situations))
        self._telling = np.ptp(rows, axis=0) > 0
        self._tree = KDTree(rows[:, self._telling])

    def __call__(
        self, selection: ExpertSelection, tapes: Tape, t: int, layer: _Layer
    ) -> Int[np.ndarray, " D"]:
        situations = _unpacked(layer.rows, first_situation(selection.game))
        observation = _batched(
            _observed, selection, tapes, t, layer.tape_index, layer.subtask_index, situations
        )
        sight = _sight(observation, layer.rows)[:, self._telling]
        distance, place = self._tree.query(sight, distance_upper_bound=_NEAR)
        if np.isinf(distance).any():
            message = f"After {t} choices a tape leads to a state that the table lacks."
            raise ValueError(message)
        return np.asarray(place)


def _sight(observation: Observation, rows: Float[np.ndarray, "D K"]) -> Float[np.ndarray, "D L"]:
    """Lay out in one row what tells states apart; at the first choice of an episode, as in the table."""
    devices = np.asarray(observation.devices)
    known = [devices.reshape(len(devices), -1), observation.context, observation.device_mask, rows]
    return np.nan_to_num(np.concatenate(known, axis=1), posinf=_GREATEST)


def _packed(situations: Situation) -> Float[np.ndarray, "B K"]:
    """Lay out a batch of situations as rows."""
    leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(situations)]
    rows = np.concatenate([leaf.reshape(len(leaf), -1) for leaf in leaves], axis=1)
    return np.round(rows, _DECIMALS) + 0.0  # no negative zero


def _unpacked(rows: Float[np.ndarray, "B K"], like: Situation) -> Situation:
    """Read a batch of situations from rows."""
    leaves, structure = jax.tree.flatten(like)
    ends = np.cumsum([np.size(leaf) for leaf in leaves])
    parts = np.split(rows, ends[:-1], axis=1)
    shaped = [
        part.reshape(-1, *leaf.shape).astype(leaf.dtype) for part, leaf in zip(parts, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, shaped)


def _batched(function: Any, selection: ExpertSelection, tapes: Tape, t: int, *rows: Any) -> Any:
    """Call a compiled function on batches of two sizes, so that it is compiled twice at most."""
    count = len(rows[0])
    size = _BATCHES[0] if count <= _BATCHES[0] else _BATCHES[1]
    pieces = []
    for begin in range(0, count, size):
        index = np.minimum(np.arange(begin, begin + size), count - 1)
        piece = function(
            selection, tapes, jnp.asarray(t), *jax.tree.map(lambda leaf, at=index: leaf[at], rows)
        )
        kept = min(size, count - begin)
        pieces.append(jax.tree.map(lambda leaf, kept=kept: np.asarray(leaf)[:kept], piece))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *pieces)


@eqx.filter_jit
def _planned(selection: ExpertSelection, tape: Tape, plans: Int[Array, "R T"]) -> Float[Array, " R"]:
    def total(plan: Int[Array, " T"]) -> Float[Array, ""]:
        def step(state: Any, action: Int[Array, ""]) -> Any:
            after = selection.step(state, action)
            return after.state, after.reward

        return jnp.sum(jax.lax.scan(step, selection.start(tape)[0], plan)[1])

    return jax.vmap(total)(plans)


@eqx.filter_jit
def _moved(
    selection: ExpertSelection,
    tapes: Tape,
    t: Any,
    tape_index: Any,
    subtask_index: Any,
    situations: Situation,
) -> tuple[Any, Any, Situation]:
    """Make every choice in a batch of situations: reward, whether the subtask is done, situation after it."""

    def one(
        tape_index: Any, subtask_index: Any, situation: Situation, action: Any
    ) -> tuple[Any, Any, Situation]:
        subtask, moment = _at_hand(selection, tapes, t, tape_index, subtask_index)
        _, next_moment = _at_hand(selection, tapes, t + 1, tape_index, subtask_index)
        situation, reward, done = placed(selection.game, situation, subtask, moment, action)
        return reward, done, arrived(selection.game, situation, next_moment)

    each = jax.vmap(one, in_axes=(None, None, None, 0))
    actions = jnp.arange(selection.num_devices)
    return jax.vmap(each, in_axes=(0, 0, 0, None))(tape_index, subtask_index, situations, actions)


@eqx.filter_jit
def _observed(
    selection: ExpertSelection,
    tapes: Tape,
    t: Any,
    tape_index: Any,
    subtask_index: Any,
    situations: Situation,
) -> Observation:
    def one(tape_index: Any, subtask_index: Any, situation: Situation) -> Observation:
        subtask, moment = _at_hand(selection, tapes, t, tape_index, subtask_index)
        return selection.observed(situation, subtask, moment, jnp.ones(()))

    return jax.vmap(one)(tape_index, subtask_index, situations)


def _at_hand(selection: ExpertSelection, tapes: Tape, t: Any, tape_index: Any, subtask_index: Any) -> Any:
    end = selection.num_steps - 1
    subtask = jax.tree.map(lambda leaf: leaf[tape_index, jnp.minimum(subtask_index, end)], tapes.subtasks)
    return subtask, jax.tree.map(lambda leaf: leaf[tape_index, jnp.minimum(t, end)], tapes.moments)
