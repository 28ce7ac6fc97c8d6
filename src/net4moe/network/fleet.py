"""Describe the devices of a fleet, checked once, and lay them out as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float

__all__ = ["DeviceConfig", "Fleet", "fleet_arrays"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConfig:
    """What is fixed about one device.

    Attributes:
      name: name of the device, unique in its fleet.
      expert: name of the expert that it hosts.
      compute_cost_per_word: price of writing one word on it, reward units, at least 0.
      bandwidth_hz: bandwidth of its link, Hz, greater than 0. Not read for the local device.
      units_limit: compute units that one subtask may need on it, at least 0.
      local: whether it is the user's own device, which sends nothing over the air.
    """

    name: str
    expert: str
    compute_cost_per_word: float = 0.01
    bandwidth_hz: float = 10_000.0
    units_limit: float = math.inf
    local: bool = False

    def __post_init__(self) -> None:
        """Refuse what no device can have."""
        for label, text in (("name", self.name), ("expert", self.expert)):
            if not text.strip():
                message = f"`{label}` of a device must not be empty."
                raise ValueError(message)
        if not (math.isfinite(self.compute_cost_per_word) and self.compute_cost_per_word >= 0):
            message = (
                f"`compute_cost_per_word` of device '{self.name}' must be finite and at least 0, "
                f"got {self.compute_cost_per_word}."
            )
            raise ValueError(message)
        if not (math.isfinite(self.bandwidth_hz) and self.bandwidth_hz > 0):
            message = (
                f"`bandwidth_hz` of device '{self.name}' must be finite and greater than 0, "
                f"got {self.bandwidth_hz}."
            )
            raise ValueError(message)
        if not self.units_limit >= 0:
            message = f"`units_limit` of device '{self.name}' must be at least 0, got {self.units_limit}."
            raise ValueError(message)


class Fleet(NamedTuple):
    """The devices of a fleet as arrays, in the order of their indices.

    Attributes:
      compute_cost_per_word: price of writing one word, reward units.
      bandwidth_hz: bandwidth of each link, Hz.
      units_limit: compute units that one subtask may need.
      local: True for the user's own device.
    """

    compute_cost_per_word: Float[Any, " N"]
    bandwidth_hz: Float[Any, " N"]
    units_limit: Float[Any, " N"]
    local: Bool[Any, " N"]


def fleet_arrays(devices: Sequence[DeviceConfig]) -> Fleet:
    """Lay devices out as NumPy arrays of 32-bit floats.

    Args:
      devices: the devices; the local one, where there is one, comes first.

    Raises:
      ValueError: there is no device, two share a name, or a device other than the first is local.
    """
    if not devices:
        message = "`devices` must hold at least 1 device, got 0."
        raise ValueError(message)
    names = [device.name for device in devices]
    for name in names:
        if names.count(name) > 1:
            message = f"`devices` must have different names, got '{name}' {names.count(name)} times."
            raise ValueError(message)
    local = [device.name for device in devices if device.local]
    if len(local) > 1:
        message = f"`devices` must hold at most 1 local device, got {', '.join(local)}."
        raise ValueError(message)
    if local and not devices[0].local:
        message = f"The local device must come first in `devices`, got '{local[0]}' after '{names[0]}'."
        raise ValueError(message)
    return Fleet(
        compute_cost_per_word=np.array([device.compute_cost_per_word for device in devices], np.float32),
        bandwidth_hz=np.array([device.bandwidth_hz for device in devices], np.float32),
        units_limit=np.array([device.units_limit for device in devices], np.float32),
        local=np.array([device.local for device in devices], np.bool_),
    )
