"""Several users who share devices.

Each user has prompts, links and a device of its own, drawn independently; the other devices are shared with all
that work leaves in them: backlog, charge, heat and experts in memory. In a step all users choose, knowing what
their masks say before anybody has; requests then reach the devices one after the other, in an order drawn by
lot. A device that was free to be chosen takes all requests of that moment, one behind the other, as far as its
heat and charge allow; one that it refuses earns the price of failure. Users do not disturb each other's links.
Time passes for all alike, as it does on the first user's tape.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from net4moe.environment.dynamics import arrived, outlook, placed
from net4moe.environment.episodes import Step
from net4moe.environment.observation import Observation

if TYPE_CHECKING:
    from jaxtyping import Array, Int, Key

    from net4moe.environment.selection import ExpertSelection, State
    from net4moe.network.device_state import DeviceState

__all__ = ["Users", "start_users", "step_users"]


class Users(NamedTuple):
    """Where the episode of several users stands.

    Attributes:
      states: a state of each user; they agree about the shared devices.
      order: the order in which users are served in each step.
    """

    states: State
    order: Int[Array, "T U"]


def start_users(selection: ExpertSelection, key: Key[Array, ""], num_users: int) -> tuple[Users, Observation]:
    """Begin an episode of several users.

    Args:
      selection: the environment of one user.
      key: chance.
      num_users: number of users, U.
    """
    key_tape, key_order = jax.random.split(key)
    tapes = jax.vmap(selection.tape)(jax.random.split(key_tape, num_users))
    own = tapes.moments
    common = {
        name: jnp.broadcast_to(getattr(own, name)[:1], getattr(own, name).shape)
        for name in ("gap_s", "harvest_share", "rounding")
    }
    states, observations = jax.vmap(selection.start)(tapes._replace(moments=own._replace(**common)))
    keys = jax.random.split(key_order, selection.num_steps)
    order = jax.vmap(lambda key: jax.random.permutation(key, num_users))(keys)
    return Users(states, order), observations


def step_users(selection: ExpertSelection, users: Users, actions: Int[Array, " U"]) -> Step:
    """Place the subtasks that all users have at hand.

    Args:
      selection: the environment of one user.
      users: where they stand.
      actions: a device for each user; not read where its episode is over.

    Returns:
      As `ExpertSelection.step`, with a leading axis of users.
    """
    states = users.states
    subtasks, moments = jax.vmap(selection.at_hand)(states)
    live = jax.vmap(selection.unfinished)(states)

    def serve(situations: Any, user: Int[Array, ""]) -> tuple[Any, tuple[Any, Any]]:
        situation, subtask, moment = (_of(tree, user) for tree in (situations, subtasks, moments))
        after, reward, done = placed(selection.game, situation, subtask, moment, actions[user])
        real = outlook(selection.game, situation, subtask, moment, told="real")
        reward = jnp.where(jnp.isnan(reward), real.reward[actions[user]], reward)  # chosen before others did
        after = jax.tree.map(lambda new, old: jnp.where(live[user], new, old), after, situation)
        changed = jax.tree.map(lambda rows, row: rows.at[user].set(row), situations, after)
        changed = changed._replace(devices=_shared(selection, changed.devices, after.devices))
        return changed, (jnp.where(live[user], reward, 0.0), done & live[user])

    turns = users.order[jnp.minimum(states.step_index[0], selection.num_steps - 1)]
    situations, (rewards, done) = jax.lax.scan(serve, states.situation, turns)
    back = jnp.argsort(turns)
    following = states._replace(
        step_index=states.step_index + 1,
        subtask_index=states.subtask_index + done[back],
        situation=situations,
    )
    moments = jax.vmap(selection.at_hand)(following)[1]
    situations = jax.vmap(lambda situation, moment: arrived(selection.game, situation, moment))(
        situations, moments
    )
    following = following._replace(situation=situations)
    return Step(
        state=users._replace(states=following),
        observation=jax.vmap(selection.observe)(following),
        reward=rewards[back],
        terminated=~jax.vmap(selection.unfinished)(following),
        truncated=jnp.zeros(live.shape, jnp.bool_),
    )


def _of(tree: Any, user: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[user], tree)


def _shared(selection: ExpertSelection, devices: DeviceState, after: DeviceState) -> DeviceState:
    """Tell all users what has become of the shared devices."""
    local = selection.fleet.local
    return jax.tree.map(lambda rows, row: jnp.where(local, rows, row), devices, after)
