"""From a world and a time to the links of a fleet, and from links and a payload to what sending it takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from net4moe.network.arrays import check, kept, namespace
from net4moe.network.delivery import Delivery, deliver
from net4moe.network.mobility import positions_m
from net4moe.network.normal import normal_tail
from net4moe.network.radio.budget import noise_power_dbm, sinr
from net4moe.network.radio.fading import SPEED_OF_LIGHT_M_S, rician_power
from net4moe.network.radio.large_scale import link_k_factor_db, link_shadowing_std_db
from net4moe.network.radio.line_of_sight import link_los_probability
from net4moe.network.radio.link_arrays import link_block_error, link_rate_bps
from net4moe.network.radio.path_loss import in_range, link_loss_db
from net4moe.network.radio.satellite import elevation_deg
from net4moe.network.radio.waves import Waves, read, read_complex
from net4moe.network.recordings import Recording, available, read_recording
from net4moe.network.world import Slots, World, WorldConfig, draw_world
from net4moe.units import db_to_linear, linear_to_db

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

    from net4moe.network.chance import Chance
    from net4moe.network.fleet import Fleet

__all__ = ["Links", "adapted", "interfered", "links", "links_at", "lossless_snr_db", "send", "whereabouts_m"]

_LEAST_DISTANCE_M = 1e-3
_LEAST_GAIN = 1e-12


class Links(NamedTuple):
    """The links from each device to the user at a moment; the entries of the user's own device mean nothing.

    Attributes:
      distance_m: distance in space, m.
      los: whether the line of sight is free.
      path_loss_db: mean loss at that distance, dB.
      shadowing_db: what obstacles add to it, dB.
      fading_db: gain of small-scale fading over its mean, all antennas combined, dB.
      mean_snr_db: signal-to-noise ratio at the mean of small-scale fading, all antennas combined, dB.
      snr_db: signal-to-noise ratio, with interference where there is any, dB.
      rate_bps: rate chosen by link adaptation, bit/s; 0 where nothing gets through.
      block_error: probability that one transmission fails at that rate.
      propagation_s: time of flight, seconds.
      in_range: False where the distance is outside the range of the path-loss model.
      available: whether the device is there.
    """

    distance_m: Float[Any, " N"]
    los: Bool[Any, " N"]
    path_loss_db: Float[Any, " N"]
    shadowing_db: Float[Any, " N"]
    fading_db: Float[Any, " N"]
    mean_snr_db: Float[Any, " N"]
    snr_db: Float[Any, " N"]
    rate_bps: Float[Any, " N"]
    block_error: Float[Any, " N"]
    propagation_s: Float[Any, " N"]
    in_range: Bool[Any, " N"]
    available: Bool[Any, " N"]


def links(fleet: Fleet, world: World, time_s: Float[Any, ""] | float) -> Links:
    """Read the links from each device to the user at a moment.

        SNR = power + antennas - walls - path loss - shadowing + fading - noise        (all in dB)

    Path loss, sight, shadowing and K factor are those of each device's scenario (`net4moe.network.radio`);
    the rate is the one that link adaptation chooses when it knows this signal-to-noise ratio.

    Args:
      fleet: the devices.
      world: what chance decided.
      time_s: seconds since the start; one moment. `jax.vmap` reads many.

    Raises:
      ValueError: the time is a NumPy or plain number that is not finite, or not one moment.
    """
    check("time_s", time_s)
    shape: tuple[int, ...] = getattr(time_s, "shape", ())
    if shape:
        message = f"`time_s` must be one moment, got the shape {shape}; `jax.vmap` reads many."
        raise ValueError(message)
    x_m, y_m, z_m = whereabouts_m(world, time_s)
    way = _way(fleet, x_m, y_m, z_m)
    los = _recorded(world.recorded.los, time_s)
    if los is None:
        free = link_los_probability(fleet.line_of_sight, way.flat_m, way.elevation_deg)
        los = normal_tail(_field(world.sight, way, fleet.large_scale.sight_m)) < free
    loss_db = link_loss_db(fleet.path_loss, way.flat_m, way.distance_m, way.elevation_deg, los)
    shadowing_db = _recorded(world.recorded.shadowing_db, time_s)
    if shadowing_db is None:
        shadowing_db = _shadowing_db(fleet, world, way, los)
    fading_db = _recorded(world.recorded.fading_db, time_s)
    if fading_db is None:
        fading_db = _fading_db(fleet, world, way, los, time_s)
    mean_snr_db = kept(lossless_snr_db(fleet) - loss_db - shadowing_db)
    snr_db = _recorded(world.recorded.snr_db, time_s)
    snr_db = kept(mean_snr_db + fading_db) if snr_db is None else snr_db
    there = _recorded(world.recorded.available, time_s)
    there = available(world.churn, time_s) if there is None else there
    rate_bps, block_error = _rates(fleet, there, snr_db=snr_db, known_snr_db=snr_db)
    return Links(
        distance_m=way.distance_m,
        los=los,
        path_loss_db=loss_db,
        shadowing_db=shadowing_db,
        fading_db=fading_db,
        mean_snr_db=mean_snr_db,
        snr_db=snr_db,
        rate_bps=rate_bps,
        block_error=block_error,
        propagation_s=way.distance_m / SPEED_OF_LIGHT_M_S,
        in_range=in_range(fleet.path_loss, way.flat_m, way.elevation_deg, los),
        available=there,
    )


def links_at(
    fleet: Fleet, key: Chance, time_s: Float[Any, ""] | float, config: WorldConfig | None = None
) -> Links:
    """Draw a world and read its links at a moment; the same key is the same world at every moment.

    Whoever reads a world more than once draws it once: `draw_world`, then `links`.

    Args:
      fleet: the devices.
      key: a JAX key or a NumPy generator.
      time_s: seconds since the start.
      config: how the world is drawn.
    """
    return links(fleet, draw_world(fleet, key, config), time_s)


def adapted(fleet: Fleet, now: Links, known_snr_db: Float[Any, " N"]) -> Links:
    """Let senders choose their rates by what they know instead of what is.

    Rates follow the known signal-to-noise ratio, errors the real one: outdated or averaged knowledge costs
    blocks. `now.mean_snr_db` stands for senders that do not follow the fading.

    Args:
      fleet: the devices.
      now: the links as they are.
      known_snr_db: signal-to-noise ratio that each sender knows of, dB.
    """
    rate_bps, block_error = _rates(fleet, now.available, snr_db=now.snr_db, known_snr_db=known_snr_db)
    return now._replace(rate_bps=rate_bps, block_error=block_error)


def interfered(fleet: Fleet, now: Links, active: Bool[Any, " N"]) -> Links:
    """Let devices that send at the same time in the same band disturb each other.

        SINR_n = L P_n / (noise + sum of P_m over the others that are active in its band)

    with powers P at each of the L antennas of the link: combining adds up its own signal, not that of others.
    Senders know of it and choose their rates by it. A device that is not active gets what it would have if it
    sent. Whoever is away disturbs nobody.

    Args:
      fleet: the devices.
      now: the links without interference.
      active: which devices send.
    """
    snr = db_to_linear(now.snr_db)
    noise_w = db_to_linear(_noise_dbm(fleet) - 30.0)
    sending = active & now.available & ~fleet.local
    per_antenna_w = snr * noise_w / fleet.link.num_antennas
    ratio = fleet.link.num_antennas * sinr(per_antenna_w, noise_w, fleet.same_band, sending)
    xp = namespace(ratio)
    snr_db = xp.where(ratio > 0, linear_to_db(xp.where(ratio > 0, ratio, 1.0)), -math.inf)
    rate_bps, block_error = _rates(fleet, now.available, snr_db=snr_db, known_snr_db=snr_db)
    return now._replace(snr_db=snr_db, rate_bps=rate_bps, block_error=block_error)


def send(fleet: Fleet, now: Links, payload_bits: Float[Any, " N"] | float) -> Delivery:
    """Send a payload over each link.

    Args:
      fleet: the devices.
      now: their links.
      payload_bits: size of what each device sends, bits, at least 0.

    Returns:
      Mean time, mean energy of both ends and the share lost, for each device. The user's own device takes
      nothing. Over a dead link, or where the device is away, the time is infinite and all is lost.
    """
    return deliver(
        payload_bits,
        rate_bps=now.rate_bps,
        block_error=now.block_error,
        max_transmissions=fleet.link.max_transmissions,
        latency_s=fleet.link.latency_s + now.propagation_s,
        duty_cycle=fleet.link.duty_cycle,
        sender_w=fleet.link.sender_w,
        receiver_w=fleet.link.receiver_w,
        local=fleet.local,
    )


def lossless_snr_db(fleet: Fleet) -> Float[Any, " N"]:
    """Compute the mean signal-to-noise ratio that each link would have without any path loss.

        power + antennas + 10 log10 L - walls - noise        (all in dB), L antennas combined

    Args:
      fleet: the devices.

    Returns:
      Signal-to-noise ratio, dB.
    """
    link = fleet.link
    gains_db = link.antenna_gain_db + linear_to_db(link.num_antennas) - link.penetration_loss_db
    return link.transmit_power_dbm + gains_db - _noise_dbm(fleet)


def whereabouts_m(world: World, time_s: Float[Any, ""] | float) -> tuple[Any, Any, Any]:
    """Find where the devices are: metres east, north and up of each."""
    drawn = positions_m(world.itinerary, time_s)
    recorded = (world.recorded.x_m, world.recorded.y_m, world.recorded.z_m)
    return tuple(
        kept(place if recording is None else read_recording(recording, time_s))
        for place, recording in zip(drawn, recorded, strict=True)
    )


class _Way(NamedTuple):
    """How each device lies to the user: distances, elevation, and the place at which its fields are read."""

    flat_m: Any
    distance_m: Any
    elevation_deg: Any
    field_x_m: Any
    field_y_m: Any


def _way(fleet: Fleet, x_m: Any, y_m: Any, z_m: Any) -> _Way:
    xp = namespace(x_m, y_m, z_m)
    east_m, north_m, up_m = x_m - x_m[0], y_m - y_m[0], z_m - z_m[0]
    flat_m = xp.sqrt(xp.maximum(east_m * east_m + north_m * north_m, _LEAST_DISTANCE_M**2))
    return _Way(
        flat_m=flat_m,
        distance_m=xp.sqrt(flat_m * flat_m + up_m * up_m),
        elevation_deg=None if fleet.path_loss.sky is None else elevation_deg(flat_m, up_m),
        field_x_m=x_m[0] - fleet.field_share * x_m,
        field_y_m=y_m[0] - fleet.field_share * y_m,
    )


def _shadowing_db(fleet: Fleet, world: World, way: _Way, los: Any) -> Any:
    scale = fleet.large_scale
    std_db = link_shadowing_std_db(scale, way.flat_m, los, way.elevation_deg)
    in_sight = _field(world.shadowing_los, way, scale.los_m)
    out_of_sight = _field(world.shadowing_nlos, way, scale.nlos_m)
    return std_db * namespace(in_sight).where(los, in_sight, out_of_sight)


def _fading_db(fleet: Fleet, world: World, way: _Way, los: Any, time_s: Any) -> Any:
    """Combine the branches of each link: scattered waves, and in sight a direct one."""
    mean_db, std_db = link_k_factor_db(fleet.large_scale, way.elevation_deg)
    k_factor = db_to_linear(mean_db + std_db * _field(world.k_factor, way, fleet.large_scale.k_m))
    xp = namespace(k_factor)
    k_factor = xp.where(los, k_factor, 0.0)
    direct_turns = fleet.field_share * way.flat_m / fleet.wavelength_m
    power: Any = 0.0
    for branch in range(fleet.branches.shape[0]):
        scattered = _scattered(fleet, world, way, branch, time_s)
        gain = rician_power(scattered, k_factor, direct_turns)
        power = power + xp.where(fleet.branches[branch], gain, 0.0)
    return linear_to_db(xp.maximum(power / fleet.link.num_antennas, _LEAST_GAIN))


def _scattered(fleet: Fleet, world: World, way: _Way, branch: int, time_s: Any) -> tuple[Any, Any]:
    if isinstance(world.scattering, Slots):
        parts = (world.scattering.real[branch], world.scattering.imaginary[branch])
        real, imaginary = (Recording(world.scattering.time_s, part, hold=True) for part in parts)
        return read_recording(real, time_s), read_recording(imaginary, time_s)
    return read_complex(
        Waves(*(None if part is None else part[:, branch] for part in world.scattering)),
        way.field_x_m / fleet.wavelength_m,
        way.field_y_m / fleet.wavelength_m,
        time_s * fleet.scatterer_doppler_hz,
    )


def _field(field: Waves, way: _Way, correlation_m: Any) -> Any:
    return read(field, way.field_x_m / correlation_m, way.field_y_m / correlation_m)


def _recorded(recording: Recording | None, time_s: Any) -> Any:
    return None if recording is None else read_recording(recording, time_s)


def _noise_dbm(fleet: Fleet) -> Any:
    return noise_power_dbm(fleet.link.bandwidth_hz, fleet.link.noise_figure_db)


def _rates(fleet: Fleet, there: Any, *, snr_db: Any, known_snr_db: Any) -> tuple[Any, Any]:
    """Choose rates by the known signal, and find the errors that the real one makes at them."""
    rate_bps = link_rate_bps(fleet.link, known_snr_db)
    rate_bps = kept(namespace(rate_bps).where(there, rate_bps, 0.0))
    return rate_bps, kept(link_block_error(fleet.link, snr_db, rate_bps))
