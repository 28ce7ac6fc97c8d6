"""Draw the first weights of set networks, and turn their numbers into probabilities and Q-values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.policy.attention import AttentionWeights
from net4moe.policy.layouts import Layout, layout
from net4moe.policy.scales import column_scale

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, Key

    from net4moe.environment.observation import Observation
    from net4moe.policy.inference import NetworkWeights, Outputs
    from net4moe.policy.scales import Scales

__all__ = [
    "as_weights",
    "draw",
    "dueling",
    "initial_vectors",
    "layout_for",
    "masked_log_softmax",
    "unstandardised",
]

_FORBIDDEN = -1e9
_LEAST_UNIFORM = 1e-9
_LAST_LAYERS = ("skip", "value", "pooled", "contract")


def layout_for(config: Any, observation: Observation) -> Layout:
    """Lay out a network of a configuration's units and heads for observations of this kind."""
    num_features, num_context = observation.devices.shape[-1], observation.context.shape[-1]
    return layout(num_features, num_context, config.num_hidden, config.num_heads)


def initial_vectors(key: Key[Array, ""], laid_out: Layout, num_networks: int) -> Float[Array, "networks P"]:
    """Draw networks after He: normal with variance 2 / inputs; the last layers ten times smaller, biases 0."""
    deviations = np.concatenate(
        [
            np.full(math.prod(shape), _deviation(name, shape), np.float32)
            for name, shape in zip(laid_out.record._fields, laid_out.shapes, strict=True)
        ]
    )
    return jnp.asarray(deviations) * jax.random.normal(key, (num_networks, deviations.size))


def as_weights(laid_out: Layout, vectors: Float[Array, "*networks P"]) -> NetworkWeights:
    """Cut vectors into the arrays of their record."""
    parts = jnp.split(vectors, laid_out.bounds, axis=-1)
    return laid_out.record(
        *(
            part.reshape(*vectors.shape[:-1], *shape)
            for part, shape in zip(parts, laid_out.shapes, strict=True)
        )
    )


def unstandardised(weights: NetworkWeights, scales: Scales) -> NetworkWeights:
    """Turn a network that looks at standardised features into one that looks at features as they are.

        ((x - m) / d) W + b = x (W / d) + b - (m / d) W        in the first layers and the skip

    Args:
      weights: one network.
      scales: how features were standardised.
    """
    context = "encode_context" if isinstance(weights, AttentionWeights) else "mix_context"
    first_bias = "encode_bias" if isinstance(weights, AttentionWeights) else "encode_device_bias"
    context_bias = "encode_bias" if isinstance(weights, AttentionWeights) else "mix_bias"
    arrays = weights._asdict()
    for name, bias, moments in (
        ("encode_device", first_bias, scales.devices),
        (context, context_bias, scales.context),
        ("skip", "value_bias", scales.devices),
    ):
        arrays[name] = (arrays[name].T / column_scale(moments)).T
        arrays[bias] = arrays[bias] - moments.mean @ arrays[name]
    return type(weights)(**arrays)


def _deviation(name: str, shape: tuple[int, ...]) -> float:
    if name.endswith("bias"):
        return 0.0
    num_inputs = shape[-2] if len(shape) > 1 else math.prod(shape)
    return math.sqrt(2.0 / num_inputs) * (0.1 if name in _LAST_LAYERS else 1.0)


def masked_log_softmax(
    logits: Float[Array, "*batch N"], device_mask: Bool[Array, "*batch N"]
) -> Float[Array, "*batch N"]:
    """Compute log-probabilities of the devices that may be chosen; about -1e9 for the others.

    The floor is finite so that 0 log 0 is 0 and gradients stay numbers, also where every device is forbidden.
    """
    return jax.nn.log_softmax(jnp.where(device_mask, logits, _FORBIDDEN), axis=-1)


def draw(
    logits: Float[Array, "*batch N"],
    device_mask: Bool[Array, "*batch N"],
    uniform: Float[Array, "*batch M"],
) -> Int[Array, "*batch"]:
    """Draw devices in proportion to exp(logit), by the greatest of logits plus Gumbel noise.

    Args:
      logits: any numbers.
      device_mask: which devices may be chosen; the others never are.
      uniform: random numbers in [0, 1), at least one per device.
    """
    noise = -jnp.log(-jnp.log(uniform[..., : logits.shape[-1]] + _LEAST_UNIFORM))
    return jnp.argmax(jnp.where(device_mask, logits + noise, -jnp.inf), axis=-1)


def dueling(
    numbers: Outputs, device_mask: Bool[Array, "*batch N"], value_scale: Float[Array, ""] | float
) -> Float[Array, "*batch N"]:
    """Compute Q-values from a value of the state and advantages of the devices.

        Q(s, a) = scale V(s) + A(s, a) - mean_a' A(s, a')        over the devices that may be chosen

    Wang et al. (2016), arXiv:1511.06581, equation 9, with a mask. The value has a scale of its own since it adds
    up over what is left of an episode, while the devices differ by what one choice changes.

    Args:
      numbers: the network's outputs.
      device_mask: which devices may be chosen.
      value_scale: the size of values in units of advantages.
    """
    num_allowed = jnp.maximum(jnp.sum(device_mask, axis=-1, keepdims=True), 1)
    mean = jnp.sum(jnp.where(device_mask, numbers.devices, 0.0), axis=-1, keepdims=True) / num_allowed
    return value_scale * numbers.pooled[..., None] + numbers.devices - mean
