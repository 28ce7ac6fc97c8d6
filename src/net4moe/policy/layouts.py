"""Which arrays a network has and of which shapes; without JAX, so that a gateway can check what it reads."""

from __future__ import annotations

import itertools
import math
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from net4moe.policy.attention import AttentionWeights
from net4moe.policy.inference import NetworkWeights, Weights

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["NETWORKS", "NUM_POINTS", "Layout", "layout"]

NUM_POINTS = 8
"""Points through which the devices of an attention network see each other."""

NETWORKS: Mapping[str, type[NetworkWeights]] = MappingProxyType(
    {"pooled": Weights, "attention": AttentionWeights}
)
"""The kinds of network by name."""


class Layout(NamedTuple):
    """How the weights of a network lie in one vector.

    Training keeps networks as vectors, several of them stacked as rows: one draw, one step of the optimiser
    and one move of the targets for all, which is quick to compile and to run.

    Attributes:
      record: the kind of network.
      shapes: shape of each of the record's arrays.
    """

    record: type[NetworkWeights]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in each array."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @property
    def bounds(self) -> tuple[int, ...]:
        """Places in the vector where all arrays but the first begin."""
        return tuple(itertools.accumulate(self.sizes))[:-1]


def layout(
    num_device_features: int, num_context_features: int, num_hidden: int, num_heads: int = 0
) -> Layout:
    """Lay out the weights of a network.

    Args:
      num_device_features: columns of the device rows, F.
      num_context_features: columns of the context, C.
      num_hidden: units in each hidden layer, H.
      num_heads: heads of attention, K, a divisor of H; 0 for a pooled network.
    """
    num_units = num_hidden // max(num_heads, 1)
    known = {
        "encode_device": (num_device_features, num_hidden),
        "encode_context": (num_context_features, num_hidden),
        "mix_context": (num_context_features, num_hidden),
        "points": (num_heads, NUM_POINTS, num_units),
        "point_keys": (num_heads, num_hidden, num_units),
        "point_values": (num_heads, num_hidden, num_units),
        "queries": (num_heads, num_hidden, num_units),
        "merge": (num_heads, num_units, num_hidden),
        "skip": (num_device_features,),
        "value": (num_hidden,),
        "value_bias": (),
        "pooled": (num_hidden,),
        "pooled_bias": (),
    }
    record = AttentionWeights if num_heads else Weights
    usual = {True: (num_hidden,), False: (num_hidden, num_hidden)}
    return Layout(record, tuple(known.get(name, usual[name.endswith("bias")]) for name in record._fields))
