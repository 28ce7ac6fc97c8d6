"""How large rewards, values and features are, measured while playing, so that one step size fits any unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp

from net4moe.environment.observation import Observation

if TYPE_CHECKING:
    from jaxtyping import Array, Float

__all__ = [
    "Moments",
    "Scales",
    "column_scale",
    "extend_moments",
    "extend_scales",
    "initial_scales",
    "return_size",
    "reward_size",
    "standardised",
]

_LEAST_SHARE = 0.01
_LEAST_SIZE = 1e-6
_LEAST_DEVIATION = 0.02


class Moments(NamedTuple):
    """Mean and variance of all numbers met so far, one of each per column.

    Attributes:
      number: how many were met.
      mean: their mean.
      variance: their variance.
    """

    number: Float[Array, ""]
    mean: Float[Array, "*columns"]
    variance: Float[Array, "*columns"]


class Scales(NamedTuple):
    """What was met so far.

    Attributes:
      reward: moments of the rewards.
      return_square: mean square of the discounted sum of each episode's rewards up to each step.
      devices: moments of the features of devices.
      context: moments of the features of the context.
    """

    reward: Moments
    return_square: Float[Array, ""]
    devices: Moments
    context: Moments


def initial_scales(observation: Observation) -> Scales:
    """Make the scales of one who has met nothing, for observations of this kind."""

    def nothing(*shape: int) -> Moments:
        return Moments(jnp.zeros(()), jnp.zeros(shape), jnp.zeros(shape))

    features, context = observation.devices.shape[-1], observation.context.shape[-1]
    return Scales(nothing(), jnp.zeros(()), nothing(features), nothing(context))


def extend_moments(moments: Moments, values: Float[Array, "*batch columns"]) -> Moments:
    """Add numbers to the moments; the formula of Chan, Golub and LeVeque (1983) for two sets."""
    axes = tuple(range(values.ndim - moments.mean.ndim))
    met = values.size / max(moments.mean.size, 1)
    number = moments.number + met
    share = met / number
    shift = jnp.mean(values, axis=axes) - moments.mean
    variance = (1.0 - share) * (moments.variance + share * shift**2) + share * jnp.var(values, axis=axes)
    return Moments(number, moments.mean + share * shift, variance)


def extend_scales(
    scales: Scales,
    observation: Observation,
    rewards: Float[Array, "*batch"],
    discounted: Float[Array, "*batch"],
) -> Scales:
    """Add steps to what was met.

    Args:
      scales: what was met so far.
      observation: what was seen before each choice.
      rewards: what each earned.
      discounted: the discounted sum of the episode's rewards up to each of them.
    """
    reward = extend_moments(scales.reward, rewards)
    share = rewards.size / reward.number
    return Scales(
        reward=reward,
        return_square=scales.return_square + share * (jnp.mean(discounted**2) - scales.return_square),
        devices=extend_moments(scales.devices, observation.devices),
        context=extend_moments(scales.context, observation.context),
    )


def reward_size(scales: Scales) -> Float[Array, ""]:
    """Compute by how much rewards differ: their standard deviation, at least 1 % of their root mean square."""
    least = _LEAST_SHARE * jnp.sqrt(scales.reward.variance + scales.reward.mean**2)
    return jnp.maximum(jnp.maximum(jnp.sqrt(scales.reward.variance), least), _LEAST_SIZE)


def return_size(scales: Scales) -> Float[Array, ""]:
    """Compute how large values are: the root mean square of discounted sums, at least a reward's size."""
    return jnp.maximum(jnp.sqrt(scales.return_square), reward_size(scales))


def column_scale(moments: Moments) -> Float[Array, " columns"]:
    """Compute by how much each feature differs: its standard deviation, at least 0.02.

    1 for one that never differed: what it would mean if it did is not known.
    """
    deviation = jnp.sqrt(moments.variance)
    return jnp.where(deviation < _LEAST_SIZE, 1.0, jnp.maximum(deviation, _LEAST_DEVIATION))


def standardised(scales: Scales, observation: Observation) -> Observation:
    """Shift and scale features to mean 0 and deviation 1: (x - mean) / deviation.

    A feature that differs by little is as loud as one that differs by much.
    """
    return Observation(
        devices=(observation.devices - scales.devices.mean) / column_scale(scales.devices),
        context=(observation.context - scales.context.mean) / column_scale(scales.context),
        device_mask=observation.device_mask,
    )
