"""Describe the devices of a fleet, checked once, and lay them out as arrays."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from net4moe.network.hardware import LAPTOP, Hardware, HardwareConfig, compile_hardware
from net4moe.network.mobility import Motion, compile_motion
from net4moe.network.motion import MobilityConfig, Orbit, Still, Traced
from net4moe.network.radio.fading import SPEED_OF_LIGHT_M_S
from net4moe.network.radio.large_scale import LargeScale, compile_large_scale
from net4moe.network.radio.line_of_sight import LineOfSight, compile_line_of_sight
from net4moe.network.radio.link_arrays import LinkArrays, compile_links
from net4moe.network.radio.link_classes import PAPER, LinkClass
from net4moe.network.radio.path_loss import PathLoss, compile_path_loss
from net4moe.network.radio.satellite import SKIES
from net4moe.network.radio.scenarios import Scenario, ScenarioName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float

__all__ = ["DeviceConfig", "Fleet", "Terms", "fleet_arrays"]

_STILL = Still()
_ALWAYS_THERE = replace(LAPTOP, mean_up_s=math.inf, mean_down_s=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceConfig:
    """What is fixed about one device.

    Attributes:
      name: name of the device, unique in its fleet.
      expert: name of the expert that it hosts.
      compute_cost_per_word: price of writing one word on it, reward units, at least 0.
      bandwidth_hz: bandwidth of its link, Hz, greater than 0; that of its link class where None. Not read
        for the local device.
      units_limit: compute units that one subtask may need on it, at least 0.
      local: whether it is the user's own device, which sends nothing over the air.
      link: what carries its bits to the user.
      scenario: where the link runs: the name of a model, at the carrier of the link class and the heights of
        both devices; or all of it.
      position_m: where it starts, metres east, north and above the ground; above the ground by more than 0.
      mobility: how it moves.
      hardware: how it computes; a laptop that is always there where nothing is said.
      scatterer_doppler_hz: greatest Doppler shift from what moves around a link that stands still, Hz.
    """

    name: str
    expert: str
    compute_cost_per_word: float = 0.01
    bandwidth_hz: float | None = None
    units_limit: float = math.inf
    local: bool = False
    link: LinkClass = PAPER
    scenario: ScenarioName | Scenario = "free_space"
    position_m: tuple[float, float, float] = (0.0, 0.0, 1.5)
    mobility: MobilityConfig = _STILL
    hardware: HardwareConfig = _ALWAYS_THERE
    scatterer_doppler_hz: float = 1.0

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
        if self.bandwidth_hz is not None and not (math.isfinite(self.bandwidth_hz) and self.bandwidth_hz > 0):
            message = (
                f"`bandwidth_hz` of device '{self.name}' must be finite and greater than 0, "
                f"got {self.bandwidth_hz}."
            )
            raise ValueError(message)
        if not self.units_limit >= 0:
            message = f"`units_limit` of device '{self.name}' must be at least 0, got {self.units_limit}."
            raise ValueError(message)
        height_m = self.position_m[2] if len(self.position_m) == 3 else math.nan
        if not (all(map(math.isfinite, self.position_m)) and height_m > 0):
            message = (
                f"`position_m` of device '{self.name}' must be three finite numbers, above the ground, "
                f"got {self.position_m}."
            )
            raise ValueError(message)
        if not (math.isfinite(self.scatterer_doppler_hz) and self.scatterer_doppler_hz >= 0):
            message = (
                f"`scatterer_doppler_hz` of device '{self.name}' must be finite and at least 0, "
                f"got {self.scatterer_doppler_hz}."
            )
            raise ValueError(message)

    @property
    def link_bandwidth_hz(self) -> float:
        """Bandwidth of its link, Hz: its own, or that of its link class."""
        return self.link.bandwidth_hz if self.bandwidth_hz is None else self.bandwidth_hz


class Terms(Protocol):
    """What a choice of device reads of a fleet; the arrays of `Fleet`, or those of a live roster."""

    @property
    def compute_cost_per_word(self) -> Float[Any, " N"]:
        """Price of writing one word, reward units."""
        ...

    @property
    def bandwidth_hz(self) -> Float[Any, " N"]:
        """Bandwidth of each link, Hz."""
        ...

    @property
    def units_limit(self) -> Float[Any, " N"]:
        """Compute units that one subtask may need."""
        ...

    @property
    def local(self) -> Bool[Any, " N"]:
        """True for the user's own device."""
        ...


class Fleet(NamedTuple):
    """The devices of a fleet as arrays, in the order of their indices; a pytree, for `jax.tree.map`.

    Powers, gains, noise figures and bandwidths of `link` can be changed or differentiated by as they stand;
    carriers and heights are compiled into `wavelength_m`, `path_loss` and the tables beside it.

    Attributes:
      compute_cost_per_word: price of writing one word, reward units.
      bandwidth_hz: bandwidth of each link, Hz, for the case study; what `links` reads is in `link`.
      units_limit: compute units that one subtask may need.
      local: True for the user's own device.
      wavelength_m: wavelength of each carrier, m.
      branches: True for the antennas, of L, that each link combines.
      field_share: how far a link's fields of shadowing and scattering follow its device: 1 on the ground, 0 for
        a satellite, whose obstacles stand around the user.
      scatterer_doppler_hz: greatest Doppler shift from what moves around a link, Hz.
      same_band: True where two devices disturb each other when both send.
      path_loss: lines of each link's path loss.
      line_of_sight: how likely each link is in sight.
      large_scale: shadowing, K factor and their distances of correlation.
      link: rates, errors, powers and waiting of each link class.
      hardware: how each device computes.
      motion: how each device moves, and from where.
    """

    compute_cost_per_word: Float[Any, " N"]
    bandwidth_hz: Float[Any, " N"]
    units_limit: Float[Any, " N"]
    local: Bool[Any, " N"]
    wavelength_m: Float[Any, " N"]
    branches: Bool[Any, "L N"]
    field_share: Float[Any, " N"]
    scatterer_doppler_hz: Float[Any, " N"]
    same_band: Bool[Any, "N N"]
    path_loss: PathLoss
    line_of_sight: LineOfSight
    large_scale: LargeScale
    link: LinkArrays
    hardware: Hardware
    motion: Motion


def fleet_arrays(devices: Sequence[DeviceConfig]) -> Fleet:
    """Lay devices out as NumPy arrays; what the case study reads in 32-bit floats, all else in 64.

    Args:
      devices: the devices; the local one, where there is one, comes first. Links run to where the first one is.

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
    scenarios = [_scenario(device, devices[0]) for device in devices]
    link = compile_links(
        [device.link for device in devices], [device.link_bandwidth_hz for device in devices]
    )
    carriers_hz = np.array([scenario.frequency_hz for scenario in scenarios])
    num_antennas = np.array([device.link.num_antennas for device in devices])
    return Fleet(
        compute_cost_per_word=np.array([device.compute_cost_per_word for device in devices], np.float32),
        bandwidth_hz=link.bandwidth_hz.astype(np.float32),
        units_limit=np.array([device.units_limit for device in devices], np.float32),
        local=np.array([device.local for device in devices], np.bool_),
        wavelength_m=SPEED_OF_LIGHT_M_S / carriers_hz,
        branches=np.arange(num_antennas.max())[:, None] < num_antennas,
        field_share=np.array([0.0 if scenario.name in SKIES else 1.0 for scenario in scenarios]),
        scatterer_doppler_hz=np.array([device.scatterer_doppler_hz for device in devices]),
        same_band=np.abs(carriers_hz[:, None] - carriers_hz)
        < (link.bandwidth_hz[:, None] + link.bandwidth_hz) / 2,
        path_loss=compile_path_loss(scenarios),
        line_of_sight=compile_line_of_sight(scenarios),
        large_scale=compile_large_scale(scenarios),
        link=link,
        hardware=compile_hardware([device.hardware for device in devices]),
        motion=compile_motion(
            [device.mobility for device in devices], np.array([device.position_m for device in devices])
        ),
    )


def _scenario(device: DeviceConfig, user: DeviceConfig) -> Scenario:
    """Say where the link from a device to the user runs."""
    if isinstance(device.scenario, Scenario):
        return device.scenario
    heights_m = (_height_m(device), _height_m(user))
    try:
        return Scenario(
            name=device.scenario,
            frequency_hz=device.link.frequency_hz,
            base_height_m=max(heights_m),
            user_height_m=min(heights_m),
        )
    except ValueError as error:
        ends = f"device '{device.name}' at {heights_m[0]:g} m to the user at {heights_m[1]:g} m"
        message = f"The link of {ends}: {error}"
        raise ValueError(message) from error


def _height_m(device: DeviceConfig) -> float:
    """Find the height at which a device starts: that of its trace or orbit, where it has one."""
    match device.mobility:
        case Traced(z_m=z_m):
            return z_m[0]
        case Orbit(altitude_m=altitude_m):
            return altitude_m
        case _:
            return device.position_m[2]
