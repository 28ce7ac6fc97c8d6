"""Play environments side by side, on and on: where an episode is over, the next begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from net4moe.policy.replay import Transition

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, Key

    from net4moe.environment.episodes import Environment
    from net4moe.environment.observation import Observation

__all__ = ["Choose", "Players", "Rollout", "advance", "begin_episodes"]

Choose: TypeAlias = Callable[["Observation", Any], Any]
"""Turns observations [E] and random numbers in [0, 1) [E, N + 1] into the indices of devices [E]."""


class Players(NamedTuple):
    """Where `E` environments stand.

    Attributes:
      state: state of each episode.
      observation: what is known before the next choice.
      earned: rewards of each episode so far, added up.
      discounted: likewise, earlier ones discounted.
      num_begun: episodes begun in all of them together.
    """

    state: Any
    observation: Observation
    earned: Float[Array, " E"]
    discounted: Float[Array, " E"]
    num_begun: Int[Array, ""]


class Rollout(NamedTuple):
    """What happened over T steps in E environments.

    Attributes:
      transitions: the steps.
      ended: whether the episode was over after the step, terminated or cut short.
      earned: rewards of the episode up to the step, this one included, added up.
      discounted: likewise, earlier ones discounted.
    """

    transitions: Transition
    ended: Bool[Array, "T E"]
    earned: Float[Array, "T E"]
    discounted: Float[Array, "T E"]


def begin_episodes(environment: Environment, tapes: Any, num_envs: int) -> Players:
    """Begin an episode in each environment, on the first of the tapes."""
    state, observation = jax.vmap(environment.start)(jax.tree.map(lambda leaf: leaf[:num_envs], tapes))
    nothing = jnp.zeros(num_envs)
    return Players(state, observation, nothing, nothing, num_begun=jnp.asarray(num_envs, jnp.int32))


def advance(
    environment: Environment,
    players: Players,
    choose: Choose,
    key: Key[Array, ""],
    tapes: Any,
    *,
    num_steps: int,
    discount: float,
) -> tuple[Players, Rollout]:
    """Make some choices in each environment.

    Where an episode ends the next begins on the next of the tapes, and after the last on the first again. A
    transition's `observation_t` is the last one of its own episode, never the first one of the next.

    Args:
      environment: where.
      players: where they stand.
      choose: how to choose in all of them at once.
      key: source of chance for the choices.
      tapes: what chance decides in the episodes that begin, at least one per environment.
      num_steps: choices in each environment, T.
      discount: of what follows.
    """
    num_envs, num_devices = players.observation.device_mask.shape
    num_tapes = jax.tree.leaves(tapes)[0].shape[0]

    def begin(ended: Bool[Array, " E"], num_begun: Int[Array, ""], following: Any) -> Any:
        index = (num_begun + jnp.cumulative_sum(ended.astype(jnp.int32)) - 1) % num_tapes
        fresh = jax.vmap(environment.start)(jax.tree.map(lambda leaf: leaf[index], tapes))
        return _select(ended, fresh, following)

    def act(players: Players, uniform: Float[Array, "E N+1"]) -> tuple[Players, Rollout]:
        action = choose(players.observation, uniform)
        step = jax.vmap(environment.step)(players.state, action)
        ended = step.terminated | step.truncated
        done = Rollout(
            transitions=Transition(
                observation_tm1=players.observation,
                a_tm1=action,
                r_t=step.reward,
                discount_t=jnp.where(step.terminated, 0.0, discount),
                observation_t=step.observation,
            ),
            ended=ended,
            earned=players.earned + step.reward,
            discounted=discount * players.discounted + step.reward,
        )
        following = step.state, step.observation
        state, observation = jax.lax.cond(
            jnp.any(ended), lambda: begin(ended, players.num_begun, following), lambda: following
        )
        earned, discounted = (jnp.where(ended, 0.0, total) for total in (done.earned, done.discounted))
        num_begun = players.num_begun + jnp.sum(ended, dtype=jnp.int32)
        return Players(state, observation, earned, discounted, num_begun), done

    uniform = jax.random.uniform(key, (num_steps, num_envs, num_devices + 1))
    return jax.lax.scan(act, players, uniform)


def _select(which: Bool[Array, " E"], first: Any, second: Any) -> Any:
    """Take the first where `which` holds, else the second; for each environment as a whole."""
    return jax.vmap(lambda this, *pair: jax.tree.map(lambda x, y: jnp.where(this, x, y), *pair))(
        which, first, second
    )
