"""Plan ahead by playing what may come: model predictive control by sampled lookahead.

At each choice every device is tried in a number of futures, the same for all of them; after it a base policy goes
on, and the device with the greatest mean is taken (Tesauro and Galperin 1996; Bertsekas, Dynamic Programming and
Optimal Control, 4th ed., volume 1, section 6.4). With enough futures up to the end of the episode, drawn from the
true law, it earns at least what the base policy earns. It is told nothing that a policy may not know but the laws
of chance: see `futures`. So what it earns lies below the optimum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from net4moe.environment.futures import draw_future

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Key

    from net4moe.environment.chances import Tape
    from net4moe.environment.decisions import Policy
    from net4moe.environment.selection import ExpertSelection, State

__all__ = ["plan_returns", "planned_values"]


def planned_values(
    selection: ExpertSelection,
    base_policy: Policy,
    state: State,
    key: Key[Array, ""],
    *,
    num_futures: int,
    depth: int,
) -> Float[Array, " N"]:
    """Estimate what each device earns now, and the base policy after it.

    Args:
      selection: the environment.
      base_policy: how choices after this one are made.
      state: where the episode stands.
      key: of the futures.
      num_futures: futures, at least 1.
      depth: choices that are counted, this one included, at least 1; the end of the episode shortens it.

    Returns:
      Reward units; minus infinity where a device may not be chosen.
    """

    def earned(tape: Tape, device: Any) -> Float[Array, ""]:
        def go_on(now: State, is_first: Bool[Array, ""]) -> tuple[State, Float[Array, ""]]:
            chosen = jnp.asarray(base_policy(selection.decision(now)), jnp.int32)
            step = selection.step(now, jnp.where(is_first, device, chosen))
            return step.state, step.reward

        return jnp.sum(jax.lax.scan(go_on, state._replace(tape=tape), jnp.arange(depth) == 0)[1])

    tapes = jax.vmap(lambda key: draw_future(selection, state, key))(jax.random.split(key, num_futures))
    each = jax.vmap(earned, in_axes=(None, 0))
    earnings = jax.vmap(each, in_axes=(0, None))(tapes, jnp.arange(selection.num_devices))
    means = jnp.mean(earnings, axis=0)
    return jnp.where(selection.observe(state).device_mask, means, -jnp.inf)


def plan_returns(
    selection: ExpertSelection,
    base_policy: Policy,
    tapes: Tape,
    key: Key[Array, ""],
    *,
    num_futures: int = 32,
    depth: int | None = None,
) -> Float[Array, " B"]:
    """Add up what planning ahead earns on each of a batch of tapes.

    Args:
      selection: the environment.
      base_policy: how choices after the one at hand are made in the futures.
      tapes: what chance decides, a batch; the futures are drawn without a look at it.
      key: of the futures.
      num_futures: futures at each choice, at least 1.
      depth: choices that are planned, at least 1; up to the end of the episode where None.

    Returns:
      Reward units.
    """
    for label, value in (("num_futures", num_futures), ("depth", 1 if depth is None else depth)):
        if value < 1:
            message = f"`{label}` must be at least 1, got {value}."
            raise ValueError(message)
    return _plan_returns(selection, base_policy, tapes, key, num_futures, depth or selection.num_steps)


@eqx.filter_jit
def _plan_returns(
    selection: ExpertSelection,
    base_policy: Policy,
    tapes: Tape,
    key: Key[Array, ""],
    num_futures: int,
    depth: int,
) -> Float[Array, " B"]:
    def play(tape: Tape, key: Key[Array, ""]) -> Float[Array, ""]:
        def choose(state: State, key: Key[Array, ""]) -> tuple[State, Float[Array, ""]]:
            values = planned_values(selection, base_policy, state, key, num_futures=num_futures, depth=depth)
            step = selection.step(state, jnp.argmax(values))
            return step.state, step.reward

        keys = jax.random.split(key, selection.num_steps)
        return jnp.sum(jax.lax.scan(choose, selection.start(tape)[0], keys)[1])

    return jax.vmap(play)(tapes, jax.random.split(key, tapes.num_choices.shape[0]))
