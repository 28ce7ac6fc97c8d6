"""One update of discrete soft actor-critic: critics, actor, temperature, target critics."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import optax

from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES
from net4moe.policy.inference import Weights, forward
from net4moe.policy.losses import actor_loss, critic_loss, policy_entropy, temperature_loss
from net4moe.policy.networks import initial_weights, masked_log_softmax

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Key

    from net4moe.policy.replay import Transition
    from net4moe.policy.sac_config import SACConfig

__all__ = ["Learner", "Losses", "Trainable", "initial_learner", "update"]


class Trainable(NamedTuple):
    """What gradients change.

    Attributes:
      actor: one network.
      critics: two networks, stacked on the first axis of each array.
      log_temperature: logarithm of the weight of the entropy.
    """

    actor: Weights
    critics: Weights
    log_temperature: Float[Array, ""]


class Learner(NamedTuple):
    """Everything that an update changes.

    Attributes:
      trainable: what gradients change.
      target_critics: slow copies of the critics.
      optimiser: the optimiser's moments.
    """

    trainable: Trainable
    target_critics: Weights
    optimiser: optax.OptState


class Losses(NamedTuple):
    """What one update measured on its batch."""

    critic: Float[Array, ""]
    actor: Float[Array, ""]
    entropy: Float[Array, ""]


def initial_learner(config: SACConfig, key: Key[Array, ""]) -> Learner:
    """Draw an actor and two critics; the target critics start as their copies."""
    key_actor, key_critics = jax.random.split(key)
    draw = functools.partial(
        initial_weights,
        num_device_features=len(DEVICE_FEATURES),
        num_context_features=len(CONTEXT_FEATURES),
        num_hidden=config.num_hidden,
    )
    trainable = Trainable(
        actor=draw(key_actor),
        critics=jax.vmap(draw)(jax.random.split(key_critics)),
        log_temperature=jnp.asarray(math.log(config.initial_temperature), jnp.float32),
    )
    return Learner(trainable, trainable.critics, _optimiser(config).init(trainable))


def update(
    config: SACConfig, learner: Learner, batch: Transition, target_entropy_ratio: Float[Array, ""] | float
) -> tuple[Learner, Losses]:
    """Take one step on one batch."""
    current = learner.trainable
    twin = jax.vmap(forward, in_axes=(0, None))
    temperature = jnp.exp(current.log_temperature)
    before, after = batch.observation_tm1, batch.observation_t
    log_policy_t = masked_log_softmax(forward(current.actor, after), after.device_mask)
    q_t = twin(learner.target_critics, after)

    def of_critics(critics: Weights) -> tuple[Float[Array, ""], Float[Array, "2 B N"]]:
        q_tm1 = twin(critics, before)
        loss = critic_loss(
            q_tm1, batch.a_tm1, batch.r_t, batch.discount_t, q_t, log_policy_t, temperature, batch.valid_t
        )
        return loss, q_tm1

    def of_actor(actor: Weights) -> tuple[Float[Array, ""], Float[Array, "B N"]]:
        log_policy = masked_log_softmax(forward(actor, before), before.device_mask)
        return actor_loss(log_policy, q_tm1, temperature, batch.valid_t), log_policy

    (critic, q_tm1), critic_gradient = jax.value_and_grad(of_critics, has_aux=True)(current.critics)
    (actor, log_policy), actor_gradient = jax.value_and_grad(of_actor, has_aux=True)(current.actor)
    temperature_gradient = jax.grad(temperature_loss)(
        current.log_temperature, log_policy, before.device_mask, target_entropy_ratio, batch.valid_t
    )
    gradient = Trainable(actor_gradient, critic_gradient, temperature_gradient)
    entropy = jnp.sum(policy_entropy(log_policy) * batch.valid_t) / jnp.maximum(jnp.sum(batch.valid_t), 1.0)
    return _descend(config, learner, gradient), Losses(critic, actor, entropy)


def _optimiser(config: SACConfig) -> optax.GradientTransformation:
    """Make Adam with a step size of its own for each part."""
    step_sizes = {
        "actor": config.actor_learning_rate,
        "critics": config.critic_learning_rate,
        "log_temperature": config.temperature_learning_rate,
    }
    return optax.multi_transform(
        {name: optax.adam(step_size) for name, step_size in step_sizes.items()},
        Trainable._make(Trainable._fields),  # each part is labelled by its name
    )


def _descend(config: SACConfig, learner: Learner, gradient: Trainable) -> Learner:
    """Apply the gradient, clamp the temperature and move the target critics."""
    change, optimiser = _optimiser(config).update(gradient, learner.optimiser)
    stepped = Trainable(*jax.tree.map(jnp.add, learner.trainable, change))
    log_temperature = jnp.clip(
        stepped.log_temperature, math.log(config.least_temperature), math.log(config.greatest_temperature)
    )
    target_critics = jax.tree.map(
        lambda slow, fast: slow + config.polyak * (fast - slow), learner.target_critics, stepped.critics
    )
    return Learner(stepped._replace(log_temperature=log_temperature), target_critics, optimiser)
