"""An environment as a few functions of flat rows of numbers, for callers that live outside compiled code.

    seeds, episodes --draw--> tapes --begin--> rows --step--> rows --step--> ...

A call of compiled code costs by the arrays that go in and come out, about a microsecond each, and hardly by
their size. So all of a tape is one row, all of a state, of what is seen and of what it earned is another, and
the row that comes out of a step goes into the next one unread.

Rows are worked on in blocks of a fixed number: a program for another number computes other last bits, and then the
same seed would play another episode in a larger batch. One row alone takes as long as a block.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, Observation
from net4moe.environment.scenarios import scenario
from net4moe.environment.selection import ExpertSelection, State
from net4moe.environment.tapes import Tape

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, UInt

__all__ = [
    "BLOCK",
    "GREATEST_FEATURE",
    "Packing",
    "Sight",
    "flat_observation",
    "pack",
    "packed_scenario",
    "scenario_named",
    "unflattened",
]

BLOCK = 16
"""Rows that are worked on together."""

GREATEST_FEATURE = 1_000.0
"""Bound of every feature of a flat observation; they are of order 1, so it cuts what is infinite."""

_SMALL = "-small"


class Sight(NamedTuple):
    """What a row tells its player, in NumPy; a batch.

    Attributes:
      observation: flat, see `flat_observation`.
      device_mask: True where the device may be chosen.
      reward: what the last choice earned.
      terminated: whether the episode is over.
    """

    observation: Float[np.ndarray, "B D"]
    device_mask: Bool[np.ndarray, "B N"]
    reward: Float[np.ndarray, " B"]
    terminated: Bool[np.ndarray, " B"]


class Packing(NamedTuple):
    """An environment of flat rows.

    A row is: state, observation (`flat_observation`), reward, terminated.

    Attributes:
      selection: the environment.
      draw: draws a block of tapes from seeds and running numbers of episodes: episode e of seed s has the tape
        `selection.tape(jax.random.fold_in(jax.random.key(s), e), e)`, whatever else is in the block.
      begin: turns a block of tapes into the rows that episodes begin with.
      step: turns blocks of tapes, rows and actions into the rows that follow.
      put: writes a block of tapes and rows into places of a batch; places beyond its end are left out. The
        batch that goes in is used up.
      tape_of: turns one tape into its row.
      state_of: turns the row of one tape, and one row, into a state.
      num_state: numbers of a row that are state.
      row_length: numbers of a row.
      tape_length: numbers of a tape.
    """

    selection: ExpertSelection
    draw: Callable[[UInt[Any, " R"], Int[Any, " R"]], Float[Array, "R K"]]
    begin: Callable[[Float[Array, "R K"]], Float[Array, "R M"]]
    step: Callable[[Float[Array, "B K"], Float[Array, "B M"], Int[Any, " B"]], Float[Array, "B M"]]
    put: Callable[..., tuple[Float[Array, "B K"], Float[Array, "B M"]]]
    tape_of: Callable[[Tape], Float[Array, " K"]]
    state_of: Callable[[Float[Array, " K"], Float[Array, " M"]], State]
    num_state: int
    row_length: int
    tape_length: int

    def sight(self, rows: Float[Array, "B M"], wanted: slice) -> Sight:
        """Read what the players of some rows see; nothing of it is shared with the rows."""
        numbers = np.asarray(rows)[wanted]
        num_devices = self.selection.num_devices
        return Sight(
            observation=numbers[:, self.num_state : -2].astype(np.float32),
            device_mask=numbers[:, -2 - num_devices : -2] > 0.5,
            reward=numbers[:, -2].astype(np.float64),
            terminated=numbers[:, -1] > 0.5,
        )


def flat_observation(observation: Observation) -> Float[Array, "*batch D"]:
    """Lay an observation out in one row: the device rows one after the other, the context, the mask as 0 and 1.

    Features are cut at `GREATEST_FEATURE`.
    """
    devices, context, device_mask = observation
    row = jnp.concatenate(
        [devices.reshape(*context.shape[:-1], -1), context, jnp.astype(device_mask, jnp.float32)], axis=-1
    )
    return jnp.clip(row, -GREATEST_FEATURE, GREATEST_FEATURE)


def unflattened(flat: Float[np.ndarray, "*batch D"], num_devices: int) -> Observation:
    """Turn rows of `flat_observation` back into a set of devices and their context."""
    num_features = num_devices * len(DEVICE_FEATURES)
    devices, context, device_mask = np.split(
        flat, [num_features, num_features + len(CONTEXT_FEATURES)], axis=-1
    )
    return Observation(
        devices=devices.reshape(*flat.shape[:-1], num_devices, len(DEVICE_FEATURES)),
        context=context,
        device_mask=device_mask > 0.5,
    )


def scenario_named(name: str) -> ExpertSelection:
    """Find the environment of a scenario: `battery` is its large version, `battery-small` the small one.

    Raises:
      ValueError: there is no such scenario.
    """
    return scenario(name.removesuffix(_SMALL)).build("small" if name.endswith(_SMALL) else "large")


@lru_cache
def packed_scenario(name: str) -> Packing:
    """Pack a scenario by its name, once for all who play it, so that it is compiled once."""
    return pack(scenario_named(name))


def pack(selection: ExpertSelection) -> Packing:
    """Turn an environment into functions of flat rows."""
    tape_like = _zeros(jax.eval_shape(lambda: selection.tape(jax.random.key(0))))
    blank, unravel_tape = ravel_pytree(tape_like)
    state_like = _zeros(jax.eval_shape(lambda: selection.start(tape_like)[0]))
    first, unravel_state = ravel_pytree(tuple(state_like[1:]))
    num_state = first.size

    def state_of(tape: Float[Array, " K"], row: Float[Array, " M"]) -> State:
        return State(unravel_tape(tape), *unravel_state(row[:num_state]))

    def tape_of(tape: Tape) -> Float[Array, " K"]:
        return ravel_pytree(tape)[0]

    def row_of(state: State, observation: Observation, reward: Any, terminated: Any) -> Float[Array, " M"]:
        earned = jnp.stack([reward, jnp.astype(terminated, jnp.float32)])
        return jnp.concatenate([ravel_pytree(tuple(state[1:]))[0], flat_observation(observation), earned])

    def draw(seed: Any, episode: Any) -> Float[Array, " K"]:
        return tape_of(selection.tape(jax.random.fold_in(jax.random.key(seed), episode), episode))

    def begin(tape: Float[Array, " K"]) -> Float[Array, " M"]:
        state, observation = selection.start(unravel_tape(tape))
        return row_of(state, observation, jnp.zeros(()), jnp.zeros(()))

    def step(tape: Float[Array, " K"], row: Float[Array, " M"], action: Int[Array, ""]) -> Float[Array, " M"]:
        following = selection.step(state_of(tape, row), action)
        return row_of(following.state, following.observation, following.reward, following.terminated)

    @jax.jit
    def step_blocks(tapes: Any, rows: Any, actions: Any, num_blocks: Any) -> Any:
        def step_block(index: Any, rows: Any) -> Any:
            block = (
                jax.lax.dynamic_slice_in_dim(one, index * BLOCK, BLOCK) for one in (tapes, rows, actions)
            )
            return jax.lax.dynamic_update_slice_in_dim(rows, jax.vmap(step)(*block), index * BLOCK, 0)

        return jax.lax.fori_loop(0, num_blocks, step_block, rows)

    def put(tapes: Any, rows: Any, places: Any, drawn: Any, begun: Any) -> tuple[Any, Any]:
        return tapes.at[places].set(drawn, mode="drop"), rows.at[places].set(begun, mode="drop")

    return Packing(
        selection=selection,
        draw=jax.jit(jax.vmap(draw)),
        begin=jax.jit(jax.vmap(begin)),
        step=lambda tapes, rows, actions: step_blocks(tapes, rows, actions, len(tapes) // BLOCK),
        put=jax.jit(put, donate_argnums=(0, 1)),
        tape_of=tape_of,
        state_of=state_of,
        num_state=num_state,
        row_length=jax.eval_shape(begin, blank).shape[0],
        tape_length=blank.size,
    )


def _zeros(like: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)
