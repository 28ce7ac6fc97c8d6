"""Read a fleet in many worlds at many times: what a table and a picture of it need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.network import draw_world, fleet_arrays, links, send, whereabouts_m
from net4moe.network.payloads import PAYLOADS_BITS

if TYPE_CHECKING:
    from jaxtyping import Float

    from net4moe.network import Delivery, Fleet, Links, Preset, World, WorldConfig

__all__ = ["Survey", "survey"]

_WAY_POINTS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What was read: W samples of N devices, and one world at its start.

    Attributes:
      name: name of the fleet.
      devices: names of the devices, the user's own first.
      link_names: what carries their bits.
      num_worlds: worlds that were drawn.
      num_times: times at which each was read.
      links: the links, axes W and N.
      deliveries: what sending each of `PAYLOADS_BITS` takes, axes W and N.
      start_m: places in one world at its start, m; axes x y z, devices.
      start: the links there.
      way_m: the user's way in that world, m; axes x y, times.
    """

    name: str
    devices: tuple[str, ...]
    link_names: tuple[str, ...]
    num_worlds: int
    num_times: int
    links: Links
    deliveries: tuple[Delivery, ...]
    start_m: Float[np.ndarray, "3 N"]
    start: Links
    way_m: Float[np.ndarray, "2 T"]


def survey(
    preset: Preset,
    *,
    seed: int = 0,
    num_worlds: int = 200,
    num_times: int = 50,
    config: WorldConfig | None = None,
) -> Survey:
    """Draw worlds of a fleet and read each at random times.

    Args:
      preset: the fleet.
      seed: the root of all randomness.
      num_worlds: worlds to draw.
      num_times: times at which each is read, uniform over the preset's seconds.
      config: how the worlds are drawn.
    """
    here = fleet_arrays(preset.devices)
    fleet: Fleet = jax.tree.map(jnp.asarray, here)
    key_worlds, key_times = jax.random.split(jax.random.key(seed))
    keys = jax.random.split(key_worlds, num_worlds)
    times_s = jax.random.uniform(key_times, (num_worlds, num_times), maxval=preset.seconds)

    def sample(world: World, time_s: Any) -> tuple[Links, Any]:
        now = links(fleet, world, time_s)
        return now, [send(fleet, now, bits) for bits in PAYLOADS_BITS.values()]

    def samples(key: Any, times_s: Any) -> tuple[Links, Any]:
        return jax.vmap(sample, (None, 0))(draw_world(fleet, key, config), times_s)

    now, deliveries = jax.tree.map(
        lambda column: np.asarray(column).reshape(-1, column.shape[-1]),
        jax.jit(jax.vmap(samples))(keys, times_s),
    )
    world = draw_world(here, np.random.default_rng(seed), config)
    ways_m = [whereabouts_m(world, time_s) for time_s in np.linspace(0.0, preset.seconds, _WAY_POINTS)]
    return Survey(
        name=preset.name,
        devices=tuple(device.name for device in preset.devices),
        link_names=tuple(device.link.name for device in preset.devices),
        num_worlds=num_worlds,
        num_times=num_times,
        links=now,
        deliveries=tuple(deliveries),
        start_m=np.stack(whereabouts_m(world, 0.0)),
        start=links(here, world, 0.0),
        way_m=np.array(ways_m)[:, :2, 0].T,
    )
