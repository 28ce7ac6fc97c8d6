"""All that chance decides about a fleet, drawn once before anything happens.

    key --draw_world--> world --links(time)--> links --send(payload)--> seconds, joules, outage

Where everybody goes, the fields of shadowing, sight and scattering, who is away when: reading them later draws
nothing, so every policy meets the same world, and any moment can be looked at in any order. Recordings can
stand in for any part.

Written for one world; `jax.vmap` makes the crowd.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from net4moe.network import chance
from net4moe.network.arrays import check
from net4moe.network.mobility import Itinerary, draw_itinerary
from net4moe.network.radio.fading import ar1_coefficient, ar1_path, nakagami_power
from net4moe.network.radio.waves import Waves, scattering_waves, shadowing_waves
from net4moe.network.recordings import Churn, Recorded, Recording, draw_churn
from net4moe.units import linear_to_db

if TYPE_CHECKING:
    from jaxtyping import Float

    from net4moe.network.chance import Chance
    from net4moe.network.fleet import Fleet

__all__ = ["Slots", "World", "WorldConfig", "draw_world"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldConfig:
    """How finely chance is drawn.

    Attributes:
      fading: `clarke`, Rician around the line of sight and Rayleigh without it, with the Doppler of the
        motion; `ar1`, the same law as a Markov chain on slots; `nakagami`, independent from slot to slot
        and over the antennas; `none`, the mean. Its mean gain is 1 in all of them.
      num_waves: sinusoids in each field; the laws hold for any number, from 3.
      num_legs: legs of a walk before they come again.
      nakagami_m: shape of `nakagami`, at least 0.5; 1 is Rayleigh.
      doppler_hz: greatest Doppler shift of `ar1`, Hz.
      slot_s: length of a slot of `ar1` and `nakagami`, seconds.
      num_slots: slots before the same fading comes again, backwards.
    """

    fading: Literal["clarke", "ar1", "nakagami", "none"] = "clarke"
    num_waves: int = 8
    num_legs: int = 16
    nakagami_m: float = 1.0
    doppler_hz: float = 10.0
    slot_s: float = 0.01
    num_slots: int = 512

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        kinds = ("clarke", "ar1", "nakagami", "none")
        if self.fading not in kinds:
            message = f"`fading` must be one of {', '.join(kinds)}, got '{self.fading}'."
            raise ValueError(message)
        for name, least in (("num_waves", 3), ("num_legs", 1), ("num_slots", 2)):
            if getattr(self, name) < least:
                message = f"`{name}` must be at least {least}, got {getattr(self, name)}."
                raise ValueError(message)
        check("nakagami_m", self.nakagami_m, least=0.5)
        check("doppler_hz", self.doppler_hz, least=0)
        check("slot_s", self.slot_s, above=0)


class Slots(NamedTuple):
    """Scattered waves that hold for a slot and then change, as a Markov chain does.

    Attributes:
      time_s: beginnings of the slots, seconds.
      real: real part of each antenna branch in each slot.
      imaginary: imaginary part.
    """

    time_s: Float[Any, " T"]
    real: Float[Any, "L T N"]
    imaginary: Float[Any, "L T N"]


class World(NamedTuple):
    """All that chance decides about a fleet, drawn before anything happens.

    Attributes:
      itinerary: where everybody is when.
      churn: who is away when.
      sight: field that decides where the line of sight is free.
      shadowing_los: field of shadowing in sight.
      shadowing_nlos: field of shadowing out of sight.
      k_factor: field of the Rician K factor.
      scattering: scattered waves of each antenna branch: fields with the axes M, L and N, or slots.
      recorded: recordings that stand in for parts of it.
    """

    itinerary: Itinerary
    churn: Churn
    sight: Waves
    shadowing_los: Waves
    shadowing_nlos: Waves
    k_factor: Waves
    scattering: Waves | Slots
    recorded: Recorded


def draw_world(fleet: Fleet, key: Chance, config: WorldConfig | None = None) -> World:
    """Draw all that chance decides about a fleet.

    Args:
      fleet: the devices.
      key: a JAX key or a NumPy generator; the same key gives the same world.
      config: how finely, and which small-scale fading.
    """
    config = config or WorldConfig()
    keys = chance.split(key, 7)
    num_branches, num_devices = fleet.branches.shape
    fields = [shadowing_waves(one, (num_devices,), config.num_waves) for one in keys[:4]]
    return World(
        itinerary=draw_itinerary(fleet.motion, keys[4], config.num_legs),
        churn=draw_churn(fleet.hardware, keys[5]),
        sight=fields[0],
        shadowing_los=fields[1],
        shadowing_nlos=fields[2],
        k_factor=fields[3],
        scattering=_scattering(config, keys[6], (num_branches, num_devices)),
        recorded=Recorded(fading_db=_independent_fading(fleet, config, keys[6])),
    )


def _scattering(config: WorldConfig, key: Chance, shape: tuple[int, int]) -> Waves | Slots:
    if config.fading != "ar1":
        return scattering_waves(key, shape, config.num_waves)
    noise = chance.normal(key, (config.num_slots, 2, *shape)) * 0.5**0.5
    path = ar1_path(noise[0], ar1_coefficient(config.doppler_hz, config.slot_s), noise[1:])
    namespace = path.__array_namespace__()
    whole = namespace.concat([noise[:1], path])
    real, imaginary = (namespace.moveaxis(whole[:, part], 0, 1) for part in range(2))
    return Slots(time_s=np.arange(config.num_slots) * config.slot_s, real=real, imaginary=imaginary)


def _independent_fading(fleet: Fleet, config: WorldConfig, key: Chance) -> Recording | None:
    """Draw the gains of fading that knows neither sight nor motion, and of none at all."""
    if config.fading in ("clarke", "ar1"):
        return None
    shape = (config.num_slots, fleet.local.shape[-1])
    time_s = np.arange(config.num_slots) * config.slot_s
    if config.fading == "none":
        return Recording(time_s=time_s, values=np.zeros(shape), hold=True)
    gain = nakagami_power(key, config.nakagami_m * fleet.link.num_antennas, shape)
    return Recording(time_s=time_s, values=linear_to_db(gain), hold=True)
