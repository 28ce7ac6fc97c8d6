"""Train by proximal policy optimisation with action masks: Schulman et al. (2017), arXiv:1707.06347."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from net4moe.policy.inference import forward, outputs
from net4moe.policy.losses import advantages, clipped_loss, policy_entropy
from net4moe.policy.networks import (
    as_weights,
    draw,
    initial_vectors,
    layout_for,
    masked_log_softmax,
    unstandardised,
)
from net4moe.policy.ppo_config import PPOConfig
from net4moe.policy.rollout import advance, begin_episodes
from net4moe.policy.scales import extend_scales, initial_scales, return_size, standardised
from net4moe.policy.training import Agent, PlayedEpoch, Run, Trained, evaluation_tapes

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, Key

    from net4moe.environment.episodes import Environment
    from net4moe.environment.observation import Observation
    from net4moe.policy.inference import NetworkWeights
    from net4moe.policy.rollout import Rollout
    from net4moe.policy.scales import Scales

__all__ = [
    "AGENT",
    "Batch",
    "Learner",
    "Losses",
    "Metrics",
    "PPOConfig",
    "Trained",
    "evaluation_tapes",
    "initial_learner",
    "train",
    "train_seeds",
    "update",
]


class Metrics(NamedTuple):
    """What was measured after each chunk of `evaluation_interval` epochs.

    Attributes:
      epoch: epochs done.
      num_steps: choices made in training.
      evaluation_reward: mean reward per episode of the deterministic policy on the fixed tapes.
      training_reward: mean reward per episode while exploring, over the chunk; NaN where no episode ended.
      policy_loss: mean over the chunk, in standard deviations of the advantage.
      value_loss: mean over the chunk, in squares of the size of returns.
      entropy: mean over the chunk, nats.
      divergence: estimate of the Kullback-Leibler divergence between the old policy and the new, nats.
      clipped_share: share of the choices whose probability has moved further than it may.
      mean_value: mean value of the states met over the chunk, reward units.
    """

    epoch: Int[Any, "*chunks"]
    num_steps: Int[Any, "*chunks"]
    evaluation_reward: Float[Any, "*chunks"]
    training_reward: Float[Any, "*chunks"]
    policy_loss: Float[Any, "*chunks"]
    value_loss: Float[Any, "*chunks"]
    entropy: Float[Any, "*chunks"]
    divergence: Float[Any, "*chunks"]
    clipped_share: Float[Any, "*chunks"]
    mean_value: Float[Any, "*chunks"]


class Learner(NamedTuple):
    """Everything that an update changes.

    Attributes:
      networks: policy and value, one vector each; see `networks.Layout`.
      optimiser: the optimiser's moments.
    """

    networks: Float[Array, "2 P"]
    optimiser: optax.OptState


class Batch(NamedTuple):
    """Choices to learn from.

    Attributes:
      observation_tm1: before the choice, standardised.
      a_tm1: the chosen device.
      old_log_probability: of that choice when it was made.
      advantage: how much better it was than the mean; mean 0 and deviation 1 over all choices of the epoch.
      target: of the value, as a share of the size of returns.
    """

    observation_tm1: Observation
    a_tm1: Int[Array, " B"]
    old_log_probability: Float[Array, " B"]
    advantage: Float[Array, " B"]
    target: Float[Array, " B"]


class Losses(NamedTuple):
    """What one update measured on its batch; see `Metrics`."""

    policy: Float[Array, ""]
    value: Float[Array, ""]
    entropy: Float[Array, ""]
    divergence: Float[Array, ""]
    clipped_share: Float[Array, ""]


_OPTIMISER = optax.scale_by_adam()


def initial_learner(config: PPOConfig, observation: Observation, key: Key[Array, ""]) -> Learner:
    """Draw a policy and a value for observations of this kind."""
    networks = initial_vectors(key, layout_for(config, observation), 2)
    return Learner(networks, _OPTIMISER.init(networks))


def policy_weights(config: PPOConfig, run: Run) -> NetworkWeights:
    """Pick the policy's weights, for features as they are."""
    weights = as_weights(layout_for(config, run.players.observation), run.learner.networks[0])
    return unstandardised(weights, run.scales)


def update(
    config: PPOConfig, learner: Learner, batch: Batch, progress: Float[Array, ""] | float
) -> tuple[Learner, Losses]:
    """Take one step on one batch.

    Args:
      config: how to learn.
      learner: what learns.
      batch: choices.
      progress: share of the training that is done; steps shrink and the entropy's weight falls with it.
    """
    observation = batch.observation_tm1
    laid_out = layout_for(config, observation)

    def total_loss(networks: Float[Array, "2 P"]) -> tuple[Float[Array, ""], Losses]:
        numbers = jax.vmap(outputs, in_axes=(0, None))(as_weights(laid_out, networks), observation)
        log_policy = masked_log_softmax(numbers.devices[0], observation.device_mask)
        policy = clipped_loss(
            log_policy, batch.a_tm1, batch.old_log_probability, batch.advantage, config.clip
        )
        value = 0.5 * jnp.mean((numbers.pooled[1] - batch.target) ** 2)
        entropy = jnp.mean(policy_entropy(log_policy))
        move = _log_probability(log_policy, batch.a_tm1) - batch.old_log_probability
        measured = Losses(
            policy=policy,
            value=value,
            entropy=entropy,
            divergence=jnp.mean(jnp.expm1(move) - move),
            clipped_share=jnp.mean(jnp.abs(jnp.expm1(move)) > config.clip),
        )
        return policy + value - config.entropy_weight * (1.0 - progress) * entropy, measured

    gradient, measured = jax.grad(total_loss, has_aux=True)(learner.networks)
    length = jnp.sqrt(jnp.sum(gradient**2, axis=-1, keepdims=True))
    gradient = gradient * jnp.minimum(1.0, config.greatest_gradient / jnp.maximum(length, 1e-9))
    direction: Any
    direction, optimiser = _OPTIMISER.update(gradient, learner.optimiser)
    fade = 1.0 - (1.0 - config.last_learning_rate_ratio) * progress
    return Learner(learner.networks - config.learning_rate * fade * direction, optimiser), measured


def _begin(environment: Environment, config: PPOConfig, key: Key[Array, ""], tapes: Any) -> Run:
    """Draw the networks and begin the episodes."""
    key_learner, key_run = jax.random.split(key)
    players = begin_episodes(environment, tapes, config.num_envs)
    return Run(
        learner=initial_learner(config, players.observation, key_learner),
        players=players,
        replay=None,
        scales=initial_scales(players.observation),
        epoch=jnp.zeros((), jnp.int32),
        key=key_run,
    )


def _play_epoch(environment: Environment, config: PPOConfig, run: Run, tapes: Any) -> PlayedEpoch:
    """Play on with the policy's probabilities, and learn from what was played some times over."""
    key, key_act, key_update = jax.random.split(run.key, 3)
    acting = policy_weights(config, run)

    def choose(observation: Observation, uniform: Float[Array, "E N+1"]) -> Int[Array, " E"]:
        return draw(forward(acting, observation), observation.device_mask, uniform)

    players, rollout = advance(
        environment,
        run.players,
        choose,
        key_act,
        tapes,
        num_steps=config.num_rollout_steps,
        discount=config.discount,
    )
    scales = extend_scales(
        run.scales, rollout.transitions.observation_tm1, rollout.transitions.r_t, rollout.discounted
    )
    acted_on = scales._replace(devices=run.scales.devices, context=run.scales.context)
    played, mean_value = _assess(config, run.learner, rollout, acted_on)
    progress = run.epoch / config.num_epochs
    num_choices = played.a_tm1.size
    order = jnp.argsort(jax.random.uniform(key_update, (config.num_passes, num_choices)), axis=-1)
    learner, losses = jax.lax.scan(
        lambda learner, index: update(
            config, learner, jax.tree.map(lambda leaf: leaf[index], played), progress
        ),
        run.learner,
        order.reshape(config.num_passes * config.num_batches, -1),
    )
    return PlayedEpoch(
        run=Run(learner, players, None, scales, run.epoch + 1, key),
        earned=jnp.sum(jnp.where(rollout.ended, rollout.earned, 0.0)),
        num_ended=jnp.sum(rollout.ended),
        measured=(*(jnp.mean(column) for column in losses), mean_value),
    )


def _assess(
    config: PPOConfig, learner: Learner, rollout: Rollout, scales: Scales
) -> tuple[Batch, Float[Array, ""]]:
    """Compute advantages and targets of all choices of an epoch, and the mean value of the states."""
    steps, size = rollout.transitions, return_size(scales)
    before = standardised(scales, steps.observation_tm1)
    after = standardised(scales, steps.observation_t)
    laid_out = layout_for(config, before)
    policy, value = (as_weights(laid_out, vector) for vector in learner.networks)
    value_tm1 = size * outputs(value, before).pooled
    value_t = size * outputs(value, after).pooled
    advantage = advantages(steps.r_t, steps.discount_t, value_tm1, value_t, rollout.ended, config.trace_decay)
    log_policy = masked_log_softmax(forward(policy, before), before.device_mask)
    batch = Batch(
        observation_tm1=before,
        a_tm1=steps.a_tm1,
        old_log_probability=_log_probability(log_policy, steps.a_tm1),
        advantage=(advantage - jnp.mean(advantage)) / (jnp.std(advantage) + 1e-6 * size),
        target=(value_tm1 + advantage) / size,
    )
    return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), batch), jnp.mean(value_tm1)


def _log_probability(
    log_policy: Float[Array, "*batch N"], a_tm1: Int[Array, "*batch"]
) -> Float[Array, "*batch"]:
    return jnp.take_along_axis(log_policy, a_tm1[..., None], axis=-1)[..., 0]


AGENT = Agent(name="ppo", begin=_begin, play_epoch=_play_epoch, weights=policy_weights, metrics=Metrics)
"""The agent, for the loop in `training`."""

train, train_seeds = AGENT.train, AGENT.train_seeds
