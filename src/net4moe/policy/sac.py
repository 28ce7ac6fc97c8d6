"""Train by discrete soft actor-critic with action masks: Christodoulou (2019), arXiv:1910.07207."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from net4moe.policy import replayed
from net4moe.policy.inference import Outputs, forward, outputs
from net4moe.policy.losses import actor_loss, critic_loss, policy_entropy, temperature_loss
from net4moe.policy.networks import (
    as_weights,
    draw,
    dueling,
    initial_vectors,
    layout_for,
    masked_log_softmax,
    unstandardised,
)
from net4moe.policy.sac_config import SACConfig
from net4moe.policy.scales import return_size, reward_size, standardised
from net4moe.policy.training import Agent, Trained, evaluation_tapes

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int, Key

    from net4moe.environment.episodes import Environment
    from net4moe.environment.observation import Observation
    from net4moe.policy.inference import NetworkWeights
    from net4moe.policy.replay import Transition
    from net4moe.policy.scales import Scales
    from net4moe.policy.training import PlayedEpoch, Run

__all__ = [
    "AGENT",
    "Learner",
    "Losses",
    "Metrics",
    "SACConfig",
    "Trainable",
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
      critic_loss: mean over the chunk, in squares of the reward's size.
      actor_loss: mean over the chunk, in the reward's size.
      temperature: mean over the chunk, reward units per nat.
      entropy: mean entropy of the policy on the sampled batches over the chunk, nats.
      mean_value: mean Q-value of the policy's choices on the sampled batches over the chunk, reward units.
    """

    epoch: Int[Any, "*chunks"]
    num_steps: Int[Any, "*chunks"]
    evaluation_reward: Float[Any, "*chunks"]
    training_reward: Float[Any, "*chunks"]
    critic_loss: Float[Any, "*chunks"]
    actor_loss: Float[Any, "*chunks"]
    temperature: Float[Any, "*chunks"]
    entropy: Float[Any, "*chunks"]
    mean_value: Float[Any, "*chunks"]


class Trainable(NamedTuple):
    """What gradients change.

    Attributes:
      networks: the actor and two critics, one vector each; see `networks.Layout`.
      log_temperature: logarithm of the weight of the entropy, in the reward's size per nat.
    """

    networks: Float[Array, "3 P"]
    log_temperature: Float[Array, ""]


class Learner(NamedTuple):
    """Everything that an update changes.

    Attributes:
      trainable: what gradients change.
      target_critics: slow copies of the critics.
      optimiser: the optimiser's moments.
    """

    trainable: Trainable
    target_critics: Float[Array, "2 P"]
    optimiser: optax.OptState


class Losses(NamedTuple):
    """What one update measured on its batch; see `Metrics`."""

    critic: Float[Array, ""]
    actor: Float[Array, ""]
    temperature: Float[Array, ""]
    entropy: Float[Array, ""]
    mean_value: Float[Array, ""]


_OPTIMISER = optax.scale_by_adam()


def initial_learner(config: SACConfig, observation: Observation, key: Key[Array, ""]) -> Learner:
    """Draw an actor and two critics for observations of this kind; the target critics start as their copies."""
    networks = initial_vectors(key, layout_for(config, observation), 3)
    log_temperature = jnp.asarray(math.log(config.initial_temperature), jnp.float32)
    trainable = Trainable(networks, log_temperature)
    return Learner(trainable, networks[1:], _OPTIMISER.init(trainable))


def actor(config: SACConfig, run: Run) -> NetworkWeights:
    """Pick the actor's weights, for features as they are."""
    weights = as_weights(layout_for(config, run.players.observation), run.learner.trainable.networks[0])
    return unstandardised(weights, run.scales)


def update(
    config: SACConfig,
    learner: Learner,
    batch: Transition,
    scales: Scales,
    progress: Float[Array, ""] | float,
) -> tuple[Learner, Losses]:
    """Take one step on one batch.

    Rewards are divided by their size, Q-values are in that unit, and the value of a state is learned as a share of
    the size of returns, so that the same step sizes fit rewards of any unit.

    Args:
      config: how to learn.
      learner: what learns.
      batch: transitions.
      scales: how large rewards, values and features are.
      progress: share of the training that is done; steps shrink and the entropy's target falls with it.
    """
    ratio = config.first_target_entropy_ratio + jnp.minimum(2.0 * progress, 1.0) * (
        config.last_target_entropy_ratio - config.first_target_entropy_ratio
    )
    before = standardised(scales, batch.observation_tm1)
    after = standardised(scales, batch.observation_t)
    r_t = batch.r_t / reward_size(scales)
    value_scale = return_size(scales) / reward_size(scales)
    temperature = jnp.exp(learner.trainable.log_temperature)
    frozen = jnp.concatenate([learner.trainable.networks[:1], learner.target_critics])
    log_policy_t, q_t = _policy_and_q(config, frozen, after, value_scale)

    def total_loss(trainable: Trainable) -> tuple[Float[Array, ""], Losses]:
        log_policy, q_tm1 = _policy_and_q(config, trainable.networks, before, value_scale)
        critic = critic_loss(q_tm1, batch.a_tm1, r_t, batch.discount_t, q_t, log_policy_t, temperature)
        actor = actor_loss(log_policy, q_tm1, temperature)
        warmth = temperature_loss(trainable.log_temperature, log_policy, before.device_mask, ratio)
        measured = Losses(
            critic=critic,
            actor=actor,
            temperature=temperature * reward_size(scales),
            entropy=jnp.mean(policy_entropy(log_policy)),
            mean_value=jnp.mean(jnp.sum(jnp.exp(log_policy) * q_tm1[0], axis=-1)) * reward_size(scales),
        )
        return critic + actor + warmth, measured

    (_, measured), gradient = jax.value_and_grad(total_loss, has_aux=True)(learner.trainable)
    return _descend(config, learner, gradient, progress), measured


def _policy_and_q(
    config: SACConfig,
    networks: Float[Array, "3 P"],
    observation: Observation,
    value_scale: Float[Array, ""],
) -> tuple[Float[Array, "B N"], Float[Array, "2 B N"]]:
    """Compute the actor's masked log-probabilities and both critics' Q-values in one pass."""
    weights = as_weights(layout_for(config, observation), networks)
    numbers = jax.vmap(outputs, in_axes=(0, None))(weights, observation)
    log_policy = masked_log_softmax(numbers.devices[0], observation.device_mask)
    of_critics = Outputs(numbers.devices[1:], numbers.pooled[1:])
    return log_policy, dueling(of_critics, observation.device_mask[None], value_scale)


def _descend(
    config: SACConfig, learner: Learner, gradient: Trainable, progress: Float[Array, ""] | float
) -> Learner:
    """Apply the gradient, clamp the temperature and move the target critics."""
    direction: Any
    direction, optimiser = _OPTIMISER.update(gradient, learner.optimiser)
    fade = 1.0 - (1.0 - config.last_learning_rate_ratio) * progress
    rates = jnp.array([config.actor_learning_rate, *[config.critic_learning_rate] * 2])
    networks = learner.trainable.networks - fade * rates[:, None] * direction.networks
    log_temperature = jnp.clip(
        learner.trainable.log_temperature - config.temperature_learning_rate * direction.log_temperature,
        math.log(config.least_temperature),
        math.log(config.greatest_temperature),
    )
    target_critics = learner.target_critics + config.polyak * (networks[1:] - learner.target_critics)
    return Learner(Trainable(networks, log_temperature), target_critics, optimiser)


def _begin(environment: Environment, config: SACConfig, key: Key[Array, ""], tapes: Any) -> Run:
    return replayed.begin(environment, config, key, tapes, initial_learner)


def _play_epoch(environment: Environment, config: SACConfig, run: Run, tapes: Any) -> PlayedEpoch:
    """Play on with the policy's probabilities, at first by lot, and learn."""
    acting = actor(config, run)
    sharpness = jnp.where(run.epoch < config.num_random_epochs, 0.0, 1.0)
    progress = run.epoch / config.num_epochs

    def choose(observation: Observation, uniform: Float[Array, "E N+1"]) -> Int[Array, " E"]:
        return draw(sharpness * forward(acting, observation), observation.device_mask, uniform)

    return replayed.play_epoch(
        environment,
        config,
        run,
        tapes,
        choose,
        lambda learner, batch, scales: update(config, learner, batch, scales, progress),
    )


AGENT = Agent(
    name="sac",
    begin=_begin,
    play_epoch=_play_epoch,
    weights=actor,
    metrics=Metrics,
)
"""The agent, for the loop in `training`."""

train, train_seeds = AGENT.train, AGENT.train_seeds
