"""The policy network's forward pass, written once: JAX traces it in training, NumPy runs it in the gateway.

A set network: one encoder shared by all devices, pooled over the set, gives one number per device and one for
the set. The same weights act on any number of devices, in any order. There are two kinds, told apart by the
record that holds their weights: pooled (`Weights`) and with attention (`AttentionWeights`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, best_allowed
from net4moe.policy.attention import AttentionWeights, device_codes

if TYPE_CHECKING:
    from jaxtyping import Float, Int

    from net4moe.environment.decisions import Decisions
    from net4moe.environment.observation import Observation

__all__ = ["NetworkWeights", "Outputs", "SelectionPolicy", "Weights", "forward", "outputs"]


class Weights(NamedTuple):
    """Weights of a pooled set network; F device features, C context features, H hidden units.

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
      skip: from a device's features straight to its number.
      value: from the mixed layer to one number per device.
      value_bias: its bias.
      pooled: from the mixed layer without a device to one number for the set.
      pooled_bias: its bias.
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
    skip: Float[Any, " F"]
    value: Float[Any, " H"]
    value_bias: Float[Any, ""]
    pooled: Float[Any, " H"]
    pooled_bias: Float[Any, ""]


NetworkWeights: TypeAlias = Weights | AttentionWeights
"""The weights of a set network of either kind."""


class Outputs(NamedTuple):
    """What a set network computes.

    Attributes:
      devices: one number per device: a logit for an actor, an advantage for a critic.
      pooled: one number for the set: the value of the state for a critic, nothing for an actor.
    """

    devices: Float[Any, "*batch N"]
    pooled: Float[Any, "*batch"]


def outputs(weights: NetworkWeights, observation: Observation) -> Outputs:
    """Compute one number per device and one for the set.

    Pooled, over the devices that may be chosen:

        h_n = relu(relu(x_n E + e) D + d)
        g   = mean_n h_n M + max_n h_n G + context C + b
        y_n = relu(h_n A + g) v + c + x_n s          z = relu(g) u + p

    With attention, c_n as in `attention.device_codes`:

        y_n = c_n v + c + x_n s                      z = relu(mean_n c_n P + q) u + p

    Args:
      weights: the weights; their record says which kind it is.
      observation: the devices and their context.
    """
    xp = observation.devices.__array_namespace__()
    allowed = observation.device_mask[..., None].astype(observation.devices.dtype)
    num_allowed = xp.maximum(xp.sum(allowed, axis=-2), 1.0)
    if isinstance(weights, AttentionWeights):
        mixed = device_codes(weights, observation)
        shared = (xp.sum(mixed * allowed, axis=-2) / num_allowed) @ weights.pool + weights.pool_bias
    else:
        code = xp.maximum(observation.devices @ weights.encode_device + weights.encode_device_bias, 0.0)
        code = xp.maximum(code @ weights.encode_hidden + weights.encode_hidden_bias, 0.0)
        mean = xp.sum(code * allowed, axis=-2) / num_allowed
        greatest = xp.max(code * allowed, axis=-2)  # codes are not negative
        shared = mean @ weights.mix_mean + greatest @ weights.mix_greatest
        shared = shared + observation.context @ weights.mix_context + weights.mix_bias
        mixed = xp.maximum(code @ weights.mix_device + shared[..., None, :], 0.0)
    return Outputs(
        devices=mixed @ weights.value + weights.value_bias + observation.devices @ weights.skip,
        pooled=xp.maximum(shared, 0.0) @ weights.pooled + weights.pooled_bias,
    )


def forward(weights: NetworkWeights, observation: Observation) -> Float[Any, "*batch N"]:
    """Compute one number per device; see `outputs`."""
    return outputs(weights, observation).devices


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionPolicy:
    """A trained policy that chooses by its greatest number: a logit or a value, whichever way it learned.

    Attributes:
      weights: the network's weights, NumPy arrays.
      device_features: the device columns that it was trained on.
      context_features: the context columns that it was trained on.
      environment_version: version of the environment that it was trained in.
    """

    weights: NetworkWeights
    device_features: tuple[str, ...] = DEVICE_FEATURES
    context_features: tuple[str, ...] = CONTEXT_FEATURES
    environment_version: int = 1

    def choose(self, observation: Observation) -> Int[Any, "*batch"]:
        """Choose a device for each observation; at least one must be allowed in each."""
        return best_allowed(forward(self.weights, observation), observation.device_mask)

    def __call__(self, decisions: Decisions) -> Int[Any, "*batch"]:
        """Choose a device for each decision."""
        return self.choose(decisions.observation)
