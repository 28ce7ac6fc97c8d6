"""The losses of discrete SAC, PPO and double DQN for one batch of transitions.

Masks are in the log-probabilities and Q-values that come in: every expectation over actions is an exact sum
over the devices that may be chosen, weighted with the policy, and the entropy target counts only those. Where an
episode terminated, `discount_t` is 0 and whatever stands for what follows is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int

__all__ = [
    "actor_loss",
    "advantages",
    "clipped_loss",
    "critic_loss",
    "double_q_loss",
    "policy_entropy",
    "soft_value",
    "temperature_loss",
]


def soft_value(
    q: Float[Array, "B N"], log_policy: Float[Array, "B N"], temperature: Float[Array, ""]
) -> Float[Array, " B"]:
    """Compute the soft value of each state; Christodoulou (2019), arXiv:1910.07207, equation 10.

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
) -> Float[Array, ""]:
    """Compute the soft Bellman error of both critics; Christodoulou (2019), equations 3 and 10.

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
    """
    value_t = soft_value(jnp.min(q_t, axis=0), log_policy_t, temperature)
    target = jax.lax.stop_gradient(_target(r_t, discount_t, value_t))
    return 0.5 * jnp.sum(jnp.mean((_chosen(q_tm1, a_tm1) - target) ** 2, axis=-1))


def actor_loss(
    log_policy: Float[Array, "B N"], q: Float[Array, "2 B N"], temperature: Float[Array, ""]
) -> Float[Array, ""]:
    """Compute the actor's loss; Christodoulou (2019), equation 12: the negative soft value of the lesser critic.

    J = mean sum_a pi(a|s) (alpha log pi(a|s) - min_i Q_i(s, a))
    """
    lesser = jax.lax.stop_gradient(jnp.min(q, axis=0))
    return -jnp.mean(soft_value(lesser, log_policy, jax.lax.stop_gradient(temperature)))


def temperature_loss(
    log_temperature: Float[Array, ""],
    log_policy: Float[Array, "B N"],
    device_mask: Bool[Array, "B N"],
    target_entropy_ratio: Float[Array, ""] | float,
) -> Float[Array, ""]:
    """Compute the temperature's loss; Christodoulou (2019), equation 11, with a target for the allowed devices.

        J = alpha mean (H(pi(.|s)) - ratio log |A_valid(s)|)

    Where one device may be chosen the target is 0, and so is the entropy.
    """
    num_allowed = jnp.maximum(jnp.sum(device_mask, axis=-1), 1)
    surplus = policy_entropy(log_policy) - target_entropy_ratio * jnp.log(num_allowed)
    return jnp.exp(log_temperature) * jax.lax.stop_gradient(jnp.mean(surplus))


def double_q_loss(
    q_tm1: Float[Array, "B N"],
    a_tm1: Int[Array, " B"],
    r_t: Float[Array, " B"],
    discount_t: Float[Array, " B"],
    target_q_t: Float[Array, "B N"],
    online_q_t: Float[Array, "B N"],
    device_mask_t: Bool[Array, "B N"],
) -> Float[Array, ""]:
    """Compute the error of double Q-learning; van Hasselt et al. (2016), arXiv:1509.06461, equation 4.

        y = r + discount Q_target(s', argmax_a Q_online(s', a))        over the devices that may be chosen
        J = 1/2 mean (Q(s, a) - y)^2

    The square and not Huber's loss: a Q-value is a mean, and rewards are often skewed.

    Args:
      q_tm1: Q-values before the choice.
      a_tm1: the chosen device.
      r_t: the reward.
      discount_t: discount of what follows; 0 where the episode terminated.
      target_q_t: Q-values of the target network after the choice.
      online_q_t: Q-values of the network that learns, after the choice.
      device_mask_t: which devices may be chosen next.
    """
    best = jnp.argmax(jnp.where(device_mask_t, online_q_t, -jnp.inf), axis=-1)
    target = jax.lax.stop_gradient(_target(r_t, discount_t, _chosen(target_q_t, best)))
    return 0.5 * jnp.mean((_chosen(q_tm1, a_tm1) - target) ** 2)


def advantages(
    r_t: Float[Array, "T E"],
    discount_t: Float[Array, "T E"],
    value_tm1: Float[Array, "T E"],
    value_t: Float[Array, "T E"],
    ended_t: Bool[Array, "T E"],
    trace_decay: float,
) -> Float[Array, "T E"]:
    """Estimate how much better each choice was than the policy's mean; Schulman et al. (2016), arXiv:1506.02438.

        d_t = r_t + discount_t V(s_t) - V(s_tm1)
        A_t = d_t + discount_t lambda A_t+1        0 in place of A_t+1 where the episode is over

    Where it was cut short, `discount_t` and `value_t`, of its own last observation, still count what would follow.

    Args:
      r_t: rewards.
      discount_t: discount of what follows; 0 where the episode terminated.
      value_tm1: value before the choice.
      value_t: value after it.
      ended_t: whether the episode was over, terminated or cut short.
      trace_decay: lambda, 0 to 1.
    """
    errors = _target(r_t, discount_t, value_t) - value_tm1
    decay = jnp.where(ended_t, 0.0, discount_t * trace_decay)

    def back(
        following: Float[Array, " E"], step: tuple[Float[Array, " E"], Float[Array, " E"]]
    ) -> tuple[Float[Array, " E"], Float[Array, " E"]]:
        error, decay = step
        advantage = error + decay * following
        return advantage, advantage

    return jax.lax.scan(back, jnp.zeros(r_t.shape[1:]), (errors, decay), reverse=True)[1]


def clipped_loss(
    log_policy: Float[Array, "B N"],
    a_tm1: Int[Array, " B"],
    old_log_probability: Float[Array, " B"],
    advantage: Float[Array, " B"],
    clip: float,
) -> Float[Array, ""]:
    """Compute the clipped loss of the policy; Schulman et al. (2017), arXiv:1707.06347, equation 7.

        rho = pi(a|s) / pi_old(a|s)
        J = -mean min(rho A, clip(rho, 1 - epsilon, 1 + epsilon) A)

    Args:
      log_policy: masked log-probability of each device.
      a_tm1: the chosen device.
      old_log_probability: its log-probability when it was chosen.
      advantage: how much better it was than the mean.
      clip: epsilon.
    """
    ratio = jnp.exp(_chosen(log_policy, a_tm1) - old_log_probability)
    clipped = jnp.clip(ratio, 1.0 - clip, 1.0 + clip)
    return -jnp.mean(jnp.minimum(ratio * advantage, clipped * advantage))


def _target(
    r_t: Float[Array, "*batch"], discount_t: Float[Array, "*batch"], value_t: Float[Array, "*batch"]
) -> Float[Array, "*batch"]:
    """Add the discounted value of what follows, where anything follows."""
    return r_t + jnp.where(discount_t > 0.0, discount_t * value_t, 0.0)


def _chosen(values: Float[Array, "*rows B N"], index: Int[Array, " B"]) -> Float[Array, "*rows B"]:
    """Pick the value of the chosen device in each row; by a mask, whose gradient needs no scatter."""
    chosen = index[:, None] == jnp.arange(values.shape[-1])
    return jnp.sum(jnp.where(chosen, values, 0.0), axis=-1)
