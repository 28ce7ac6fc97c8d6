"""The policy network's forward pass, written once: JAX traces it in training, NumPy runs it in the gateway.

A set network: one encoder shared by all devices, pooled over the set, gives one number per device. The same
weights act on any number of devices, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, best_allowed

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from net4moe.environment.decisions import Decisions
    from net4moe.environment.observation import Observation

__all__ = ["SelectionPolicy", "Weights", "forward"]


class Weights(NamedTuple):
    """Weights of a set network; F device features, C context features, H hidden units.

    Attributes:
      encode_device: first layer of the shared encoder.
      encode_device_bias: its bias.
      encode_hidden: second layer of the shared encoder.
      encode_hidden_bias: its bias.
      mix_device: from a device's code.
      mix_mean: from the mean code of the devices that may be chosen.
      mix_greatest: from their greatest code.
      mix_context: from the context.
      mix_bias: bias of the mixed layer.
      value: from the mixed layer to one number per device.
      value_bias: its bias.
    """

    encode_device: Float[Any, "F H"]
    encode_device_bias: Float[Any, " H"]
    encode_hidden: Float[Any, "H H"]
    encode_hidden_bias: Float[Any, " H"]
    mix_device: Float[Any, "H H"]
    mix_mean: Float[Any, "H H"]
    mix_greatest: Float[Any, "H H"]
    mix_context: Float[Any, "C H"]
    mix_bias: Float[Any, " H"]
    value: Float[Any, " H"]
    value_bias: Float[Any, ""]


def forward(weights: Weights, observation: Observation) -> Float[Any, "*batch N"]:
    """Compute one number per device: a logit for an actor, a Q-value for a critic.

        h_n = relu(relu(x_n E + e) D + d)
        g   = mean_n h_n M + max_n h_n G + context C        over the devices that may be chosen
        y_n = relu(h_n A + g + b) v + c

    Args:
      weights: the weights.
      observation: the devices and their context.
    """
    xp = observation.devices.__array_namespace__()
    code = xp.maximum(observation.devices @ weights.encode_device + weights.encode_device_bias, 0.0)
    code = xp.maximum(code @ weights.encode_hidden + weights.encode_hidden_bias, 0.0)
    allowed = observation.device_mask[..., None].astype(code.dtype)
    num_allowed = xp.maximum(xp.sum(allowed, axis=-2), 1.0)
    mean = xp.sum(code * allowed, axis=-2) / num_allowed
    greatest = xp.max(code * allowed, axis=-2)  # codes are not negative
    shared = mean @ weights.mix_mean + greatest @ weights.mix_greatest
    shared = shared + observation.context @ weights.mix_context + weights.mix_bias
    mixed = xp.maximum(code @ weights.mix_device + shared[..., None, :], 0.0)
    return mixed @ weights.value + weights.value_bias


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionPolicy:
    """A trained actor that chooses by its greatest logit.

    Attributes:
      weights: the actor's weights, NumPy arrays.
      device_features: the device columns that it was trained on.
      context_features: the context columns that it was trained on.
      environment_version: version of the environment that it was trained in.
    """

    weights: Weights
    device_features: tuple[str, ...] = DEVICE_FEATURES
    context_features: tuple[str, ...] = CONTEXT_FEATURES
    environment_version: int = 1

    def choose(self, observation: Observation) -> Int[Any, "*batch"]:
        """Choose a device for each observation; at least one must be allowed in each."""
        return best_allowed(forward(self.weights, observation), observation.device_mask)

    def __call__(self, decisions: Decisions) -> Int[Any, "*batch"]:
        """Choose a device for each decision."""
        return self.choose(decisions.observation)
