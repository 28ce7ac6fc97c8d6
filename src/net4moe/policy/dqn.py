"""Train by double Q-learning with a dueling network and action masks: Wang et al. (2016), arXiv:1511.06581."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from net4moe.environment.observation import best_allowed
from net4moe.policy import replayed
from net4moe.policy.dqn_config import DQNConfig
from net4moe.policy.inference import forward, outputs
from net4moe.policy.losses import double_q_loss
from net4moe.policy.networks import as_weights, dueling, initial_vectors, layout_for, unstandardised
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
    "DQNConfig",
    "Learner",
    "Metrics",
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
      evaluation_reward: mean reward per episode of the greedy policy on the fixed tapes.
      training_reward: mean reward per episode while exploring, over the chunk; NaN where no episode ended.
      loss: mean over the chunk, in squares of the reward's size.
      random_share: share of choices drawn by lot, mean over the chunk.
      mean_value: mean Q-value of the choices in the sampled batches over the chunk, reward units.
    """

    epoch: Int[Any, "*chunks"]
    num_steps: Int[Any, "*chunks"]
    evaluation_reward: Float[Any, "*chunks"]
    training_reward: Float[Any, "*chunks"]
    loss: Float[Any, "*chunks"]
    random_share: Float[Any, "*chunks"]
    mean_value: Float[Any, "*chunks"]


class Learner(NamedTuple):
    """Everything that an update changes; networks are vectors, see `networks.Layout`.

    Attributes:
      network: the one that learns; its numbers of devices are advantages, its pooled number is the value.
      target: its slow copy.
      optimiser: the optimiser's moments.
    """

    network: Float[Array, " P"]
    target: Float[Array, " P"]
    optimiser: optax.OptState


_OPTIMISER = optax.scale_by_adam()


def initial_learner(config: DQNConfig, observation: Observation, key: Key[Array, ""]) -> Learner:
    """Draw a network for observations of this kind; the target starts as its copy."""
    network = initial_vectors(key, layout_for(config, observation), 1)[0]
    return Learner(network, network, _OPTIMISER.init(network))


def greedy(config: DQNConfig, run: Run) -> NetworkWeights:
    """Pick the network's weights, for features as they are; its greatest number has the greatest Q-value."""
    weights = as_weights(layout_for(config, run.players.observation), run.learner.network)
    return unstandardised(weights, run.scales)


def update(
    config: DQNConfig,
    learner: Learner,
    batch: Transition,
    scales: Scales,
    progress: Float[Array, ""] | float,
) -> tuple[Learner, tuple[Float[Array, ""], Float[Array, ""]]]:
    """Take one step on one batch; units as in `sac.update`.

    Args:
      config: how to learn.
      learner: what learns.
      batch: transitions.
      scales: how large rewards, values and features are.
      progress: share of the training that is done; steps shrink with it.

    Returns:
      What has learned, the loss, and the mean Q-value of the choices in reward units.
    """
    size = reward_size(scales)
    value_scale = return_size(scales) / size
    before = standardised(scales, batch.observation_tm1)
    after = standardised(scales, batch.observation_t)

    def q_values(network: Float[Array, " P"], observation: Observation) -> Float[Array, "B N"]:
        numbers = outputs(as_weights(layout_for(config, observation), network), observation)
        return dueling(numbers, observation.device_mask, value_scale)

    target_q_t, online_q_t = q_values(learner.target, after), q_values(learner.network, after)

    def of_network(network: Float[Array, " P"]) -> tuple[Float[Array, ""], Float[Array, "B N"]]:
        q_tm1 = q_values(network, before)
        loss = double_q_loss(
            q_tm1,
            batch.a_tm1,
            batch.r_t / size,
            batch.discount_t,
            target_q_t,
            online_q_t,
            after.device_mask,
        )
        return loss, q_tm1

    (loss, q_tm1), gradient = jax.value_and_grad(of_network, has_aux=True)(learner.network)
    direction: Any
    direction, optimiser = _OPTIMISER.update(gradient, learner.optimiser)
    fade = 1.0 - (1.0 - config.last_learning_rate_ratio) * progress
    network = learner.network - config.learning_rate * fade * direction
    target = learner.target + config.polyak * (network - learner.target)
    mean_value = jnp.mean(jnp.take_along_axis(q_tm1, batch.a_tm1[:, None], axis=-1)) * size
    return Learner(network, target, optimiser), (loss, mean_value)


def _begin(environment: Environment, config: DQNConfig, key: Key[Array, ""], tapes: Any) -> Run:
    return replayed.begin(environment, config, key, tapes, initial_learner)


def _play_epoch(environment: Environment, config: DQNConfig, run: Run, tapes: Any) -> PlayedEpoch:
    """Play on, now and then by lot among the allowed devices, else with the best one, and learn."""
    acting = greedy(config, run)
    progress = run.epoch / config.num_epochs
    random_share = config.first_random_share + jnp.minimum(2.0 * progress, 1.0) * (
        config.last_random_share - config.first_random_share
    )

    def choose(observation: Observation, uniform: Float[Array, "E N+1"]) -> Int[Array, " E"]:
        by_lot = uniform[:, -1:] < random_share
        values = jnp.where(by_lot, uniform[:, :-1], forward(acting, observation))
        return best_allowed(values, observation.device_mask)

    def learn(learner: Learner, batch: Transition, scales: Scales) -> tuple[Learner, tuple[Any, ...]]:
        learner, (loss, mean_value) = update(config, learner, batch, scales, progress)
        return learner, (loss, random_share, mean_value)

    return replayed.play_epoch(environment, config, run, tapes, choose, learn)


AGENT = Agent(name="dqn", begin=_begin, play_epoch=_play_epoch, weights=greedy, metrics=Metrics)
"""The agent, for the loop in `training`."""

train, train_seeds = AGENT.train, AGENT.train_seeds
