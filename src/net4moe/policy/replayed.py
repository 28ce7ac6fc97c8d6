"""What agents have in common that learn from a replay ring: play on, keep the steps, update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from net4moe.policy.replay import create, extend, first_transition, sample
from net4moe.policy.rollout import advance, begin_episodes
from net4moe.policy.scales import extend_scales, initial_scales
from net4moe.policy.training import PlayedEpoch, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Array, Key

    from net4moe.environment.episodes import Environment
    from net4moe.environment.observation import Observation
    from net4moe.policy.replay import Transition
    from net4moe.policy.rollout import Choose
    from net4moe.policy.scales import Scales

__all__ = ["begin", "play_epoch"]


def begin(
    environment: Environment,
    config: Any,
    key: Key[Array, ""],
    tapes: Any,
    initial_learner: Callable[[Any, Observation, Key[Array, ""]], Any],
) -> Run:
    """Draw the networks, begin the episodes and make an empty replay ring."""
    key_learner, key_run = jax.random.split(key)
    players = begin_episodes(environment, tapes, config.num_envs)
    capacity = config.num_kept_epochs * config.num_envs * config.num_rollout_steps
    return Run(
        learner=initial_learner(config, players.observation, key_learner),
        players=players,
        replay=create(first_transition(players.observation), capacity),
        scales=initial_scales(players.observation),
        epoch=jnp.zeros((), jnp.int32),
        key=key_run,
    )


def play_epoch(
    environment: Environment,
    config: Any,
    run: Run,
    tapes: Any,
    choose: Choose,
    update: Callable[[Any, Transition, Scales], tuple[Any, Any]],
) -> PlayedEpoch:
    """Play on, keep the steps, and update.

    Args:
      environment: where.
      config: how to learn.
      run: where it stands.
      tapes: what chance decides in the episodes that begin.
      choose: how to choose.
      update: turns what learns, a batch of transitions and the scales into what has learned and what was
        measured, a tuple of numbers.

    Returns:
      What the epoch leaves behind, with the means of what the updates measured.
    """
    key, key_act, key_update = jax.random.split(run.key, 3)
    players, rollout = advance(
        environment,
        run.players,
        choose,
        key_act,
        tapes,
        num_steps=config.num_rollout_steps,
        discount=config.discount,
    )
    steps = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), rollout.transitions)
    replay = extend(run.replay, steps)
    scales = extend_scales(
        run.scales, rollout.transitions.observation_tm1, rollout.transitions.r_t, rollout.discounted
    )
    learner, measured = jax.lax.scan(
        lambda learner, key: update(learner, sample(replay, key, config.batch_size), scales),
        run.learner,
        jax.random.split(key_update, config.num_updates),
    )
    return PlayedEpoch(
        run=Run(learner, players, replay, scales, run.epoch + 1, key),
        earned=jnp.sum(jnp.where(rollout.ended, rollout.earned, 0.0)),
        num_ended=jnp.sum(rollout.ended),
        measured=tuple(jnp.mean(column) for column in measured),
    )
