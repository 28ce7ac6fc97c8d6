"""The three losses of discrete SAC for one batch of transitions.

Christodoulou (2019), arXiv:1910.07207, with masks: every expectation over actions is an exact sum over the
devices that may be chosen, weighted with the policy, and the entropy target counts only those.
`valid_t` is 1 for a transition and 0 for the padding after an episode's end; means are over the valid ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int

__all__ = ["actor_loss", "critic_loss", "policy_entropy", "soft_value", "temperature_loss"]


def soft_value(
    q: Float[Array, "B N"], log_policy: Float[Array, "B N"], temperature: Float[Array, ""]
) -> Float[Array, " B"]:
    """Compute the soft value of each state, equation 10.

        V(s) = sum_a pi(a|s) (Q(s, a) - alpha log pi(a|s))

    Args:
      q: Q-value of each device.
      log_policy: masked log-probability of each device.
      temperature: alpha.
    """
    return jnp.sum(jnp.exp(log_policy) * (q - temperature * log_policy), axis=-1)


def policy_entropy(log_policy: Float[Array, "B N"]) -> Float[Array, " B"]:
    """Compute the entropy of the policy in each state, nats."""
    return -jnp.sum(jnp.exp(log_policy) * log_policy, axis=-1)


def critic_loss(
    q_tm1: Float[Array, "2 B N"],
    a_tm1: Int[Array, " B"],
    r_t: Float[Array, " B"],
    discount_t: Float[Array, " B"],
    q_t: Float[Array, "2 B N"],
    log_policy_t: Float[Array, "B N"],
    temperature: Float[Array, ""],
    valid_t: Float[Array, " B"],
) -> Float[Array, ""]:
    """Compute the soft Bellman error of both critics, equations 3 and 10.

        y = r + discount V(s'), V from the lesser of both target critics
        J = 1/2 sum_i mean (Q_i(s, a) - y)^2

    Args:
      q_tm1: Q-values of both critics before the choice.
      a_tm1: the chosen device.
      r_t: the reward.
      discount_t: discount of what follows; 0 where the episode terminated.
      q_t: Q-values of both target critics after the choice.
      log_policy_t: log-probabilities after the choice.
      temperature: alpha.
      valid_t: weight of each transition.
    """
    value_t = soft_value(jnp.min(q_t, axis=0), log_policy_t, temperature)
    target = jax.lax.stop_gradient(r_t + discount_t * value_t)
    chosen = jnp.take_along_axis(q_tm1, a_tm1[None, :, None], axis=-1)[..., 0]
    return 0.5 * jnp.sum(_mean((chosen - target) ** 2, valid_t))


def actor_loss(
    log_policy: Float[Array, "B N"],
    q: Float[Array, "2 B N"],
    temperature: Float[Array, ""],
    valid_t: Float[Array, " B"],
) -> Float[Array, ""]:
    """Compute the actor's loss, equation 12: the negative soft value under the lesser of both critics.

    J = mean sum_a pi(a|s) (alpha log pi(a|s) - min_i Q_i(s, a))
    """
    lesser = jax.lax.stop_gradient(jnp.min(q, axis=0))
    return -_mean(soft_value(lesser, log_policy, jax.lax.stop_gradient(temperature)), valid_t)


def temperature_loss(
    log_temperature: Float[Array, ""],
    log_policy: Float[Array, "B N"],
    device_mask: Bool[Array, "B N"],
    target_entropy_ratio: Float[Array, ""] | float,
    valid_t: Float[Array, " B"],
) -> Float[Array, ""]:
    """Compute the temperature's loss, equation 11, with a target for the devices that may be chosen.

    J = alpha mean (H(pi(.|s)) - ratio log |A_valid(s)|)
    """
    num_allowed = jnp.maximum(jnp.sum(device_mask, axis=-1), 1)
    surplus = policy_entropy(log_policy) - target_entropy_ratio * jnp.log(num_allowed)
    return jnp.exp(log_temperature) * jax.lax.stop_gradient(_mean(surplus, valid_t))


def _mean(values: Float[Array, "*rows B"], weight: Float[Array, " B"]) -> Float[Array, "*rows"]:
    """Average over the last axis with weights."""
    return jnp.sum(values * weight, axis=-1) / jnp.maximum(jnp.sum(weight), 1.0)
