"""Draw the first weights of actor and critics, and turn logits into masked probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp

from net4moe.policy.inference import Weights

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Key

__all__ = ["initial_weights", "masked_log_softmax"]

_FORBIDDEN = -1e9


def initial_weights(
    key: Key[Array, ""], *, num_device_features: int, num_context_features: int, num_hidden: int
) -> Weights:
    """Draw weights after He: normal with variance 2 / inputs; the last layer ten times smaller, biases 0."""
    shapes = {
        "encode_device": (num_device_features, num_hidden),
        "encode_hidden": (num_hidden, num_hidden),
        "mix_device": (num_hidden, num_hidden),
        "mix_mean": (num_hidden, num_hidden),
        "mix_greatest": (num_hidden, num_hidden),
        "mix_context": (num_context_features, num_hidden),
        "value": (num_hidden,),
    }
    keys = jax.random.split(key, len(shapes))
    matrices = {
        name: math.sqrt(2.0 / shape[0]) * jax.random.normal(layer_key, shape)
        for layer_key, (name, shape) in zip(keys, shapes.items(), strict=True)
    }
    matrices["value"] = 0.1 * matrices["value"]
    return Weights(
        **matrices,
        encode_device_bias=jnp.zeros(num_hidden),
        encode_hidden_bias=jnp.zeros(num_hidden),
        mix_bias=jnp.zeros(num_hidden),
        value_bias=jnp.zeros(()),
    )


def masked_log_softmax(
    logits: Float[Array, "*batch N"], device_mask: Bool[Array, "*batch N"]
) -> Float[Array, "*batch N"]:
    """Compute log-probabilities of the devices that may be chosen; about -1e9 for the others.

    The floor is finite so that 0 log 0 is 0 and gradients stay numbers, also where every device is forbidden.
    """
    return jax.nn.log_softmax(jnp.where(device_mask, logits, _FORBIDDEN), axis=-1)
