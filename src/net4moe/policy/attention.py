"""The set network with attention: devices look at each other through a few learned points.

Every pair of devices would need N x N numbers; the way through I points needs N x I, so that a thousand devices
fit. Lee et al. (2019), arXiv:1810.00825, section 3.2, without their normalisation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from net4moe.environment.observation import Observation

__all__ = ["AttentionWeights", "attend", "device_codes"]

_FORBIDDEN = -1e9


class AttentionWeights(NamedTuple):
    """Weights of a set network with attention; F device and C context features, H hidden units.

    There are K heads of D = H / K units each, and I points.

    Attributes:
      encode_device: from a device's features to its code.
      encode_context: from the context to every device's code.
      encode_bias: bias of the code.
      points: what each point asks the devices for.
      point_keys: from a device's code to what it answers to.
      point_values: from a device's code to what it tells.
      queries: from a device's code to what it asks the points for.
      merge: from what the points told it, back to the code.
      expand: first layer on each code.
      expand_bias: its bias.
      contract: second layer on each code.
      pool: from the mean code of the devices that may be chosen.
      pool_bias: its bias.
      skip: from a device's features straight to its number.
      value: from a device's code to its number.
      value_bias: its bias.
      pooled: from the pooled layer to one number for the set.
      pooled_bias: its bias.
    """

    encode_device: Float[Any, "F H"]
    encode_context: Float[Any, "C H"]
    encode_bias: Float[Any, " H"]
    points: Float[Any, "K I D"]
    point_keys: Float[Any, "K H D"]
    point_values: Float[Any, "K H D"]
    queries: Float[Any, "K H D"]
    merge: Float[Any, "K D H"]
    expand: Float[Any, "H H"]
    expand_bias: Float[Any, " H"]
    contract: Float[Any, "H H"]
    pool: Float[Any, "H H"]
    pool_bias: Float[Any, " H"]
    skip: Float[Any, " F"]
    value: Float[Any, " H"]
    value_bias: Float[Any, ""]
    pooled: Float[Any, " H"]
    pooled_bias: Float[Any, ""]


def device_codes(weights: AttentionWeights, observation: Observation) -> Float[Any, "*batch N H"]:
    """Compute each device's code in view of the others.

        h_n = relu(x_n E + context C + e)
        s_i = attend(points_i; h K_p, h V_p)         over the devices that may be chosen, per head
        g_n = h_n + attend(h_n Q; s, s) M            over the points, heads added up
        c_n = g_n + relu(g_n A + a) B

    Args:
      weights: the weights.
      observation: the devices and their context.
    """
    xp = observation.devices.__array_namespace__()
    shared = observation.context @ weights.encode_context + weights.encode_bias
    code = xp.maximum(observation.devices @ weights.encode_device + shared[..., None, :], 0.0)
    by_head = code[..., None, :, :]
    allowed = observation.device_mask[..., None, None, :]
    told = attend(weights.points, by_head @ weights.point_keys, by_head @ weights.point_values, allowed)
    heard = attend(by_head @ weights.queries, told, told)
    code = code + xp.sum(heard @ weights.merge, axis=-3)
    return code + xp.maximum(code @ weights.expand + weights.expand_bias, 0.0) @ weights.contract


def attend(
    queries: Float[Any, "*batch Q D"],
    keys: Float[Any, "*batch N D"],
    values: Float[Any, "*batch N D"],
    allowed: Bool[Any, "*batch #Q N"] | None = None,
) -> Float[Any, "*batch Q D"]:
    """Average values, weighted by how well their keys answer each query.

        w_qn = softmax_n(q . k_n / sqrt(D))

    Vaswani et al. (2017), arXiv:1706.03762, equation 1. Where nothing is allowed all weigh the same.

    Args:
      queries: what is asked.
      keys: what each value answers to.
      values: what is averaged.
      allowed: which keys count; None for all.
    """
    xp = keys.__array_namespace__()  # the queries may be weights in NumPy where the devices are traced
    fit = queries @ xp.matrix_transpose(keys) / queries.shape[-1] ** 0.5
    if allowed is not None:
        fit = xp.where(allowed, fit, _FORBIDDEN)
    weight = xp.exp(fit - xp.max(fit, axis=-1, keepdims=True))
    return (weight @ values) / xp.sum(weight, axis=-1, keepdims=True)
