"""Links against an oracle written from the standards' formulas, between libraries, by hand and by recordings."""

import itertools
import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from net4moe.network import (
    PRESETS,
    DeviceConfig,
    Fleet,
    LinkClass,
    Orbit,
    RandomWaypoint,
    Recorded,
    Recording,
    Scenario,
    Straight,
    World,
    WorldConfig,
    adapted,
    draw_world,
    fleet_arrays,
    interfered,
    links,
    links_at,
    send,
    whereabouts_m,
)
from net4moe.network.hardware import EDGE_SERVER, LAPTOP
from net4moe.network.radio.link_classes import LEO, LORA, NR, PAPER, WIFI
from net4moe.network.world import Slots

LIGHT_M_S = 299_792_458.0
PAYLOAD_BITS = 48_000.0

WALK = RandomWaypoint(width_m=60.0, height_m=40.0, least_speed_m_s=0.8, greatest_speed_m_s=1.6, pause_s=3.0)
USER = DeviceConfig(name="phone", expert="pocket", local=True, position_m=(0.0, 0.0, 1.5), mobility=WALK)
NEAR = RandomWaypoint(width_m=6.0, height_m=6.0, origin_m=(27.0, 17.0), greatest_speed_m_s=1.2)
MIXED = (
    USER,
    DeviceConfig(
        name="cell",
        expert="rose",
        link=NR,
        scenario="umi",
        position_m=(80.0, 30.0, 10.0),
        hardware=EDGE_SERVER,
    ),
    DeviceConfig(
        name="room",
        expert="holmes",
        link=WIFI,
        scenario=Scenario(name="residential", frequency_hz=5.2e9),
        position_m=(30.0, 20.0, 1.0),
        mobility=NEAR,
        scatterer_doppler_hz=2.5,
    ),
    DeviceConfig(
        name="next room",
        expert="nova",
        link=WIFI,
        scenario=Scenario(name="residential", frequency_hz=5.2e9, num_walls=1, num_floors=1),
        position_m=(35.0, 20.0, 1.0),
    ),
    DeviceConfig(
        name="satellite",
        expert="scout",
        link=LEO,
        scenario="ntn_rural",
        position_m=(0.0, 0.0, 600e3),
        mobility=Orbit(heading_deg=30.0),
        hardware=EDGE_SERVER,
    ),
)


def umi_loss_db(flat_m: float, distance_m: float, elevation_deg: float, los: bool) -> float:
    """TR 38.901 Table 7.4.1-1, street canyon, 10 m to 1.5 m at 3.5 GHz."""
    breakpoint_m = 4.0 * (10.0 - 1.0) * (1.5 - 1.0) * 3.5e9 / 3.0e8
    loss_db = 32.4 + 21.0 * math.log10(distance_m) + 20.0 * math.log10(3.5)
    if flat_m > breakpoint_m:
        turn = 9.5 * math.log10(breakpoint_m**2 + 8.5**2)
        loss_db = 32.4 + 40.0 * math.log10(distance_m) + 20.0 * math.log10(3.5) - turn
    return loss_db if los else max(loss_db, 22.4 + 35.3 * math.log10(distance_m) + 21.3 * math.log10(3.5))


def room_loss_db(walls: int, floors: int) -> Callable[[float, float, float, bool], float]:
    """IEEE 802.11-14/0980r16, residential, at 5.2 GHz."""

    def loss_db(flat_m: float, distance_m: float, elevation_deg: float, los: bool) -> float:
        far = 35.0 * math.log10(distance_m / 5.0) if distance_m > 5.0 else 0.0
        near = 20.0 * math.log10(min(max(distance_m, 1.0), 5.0))
        between = 18.3 * floors ** ((floors + 2) / (floors + 1) - 0.46) + 5.0 * walls
        return 40.05 + 20.0 * math.log10(5.2 / 2.4) + near + far + between

    return loss_db


def sky_loss_db(flat_m: float, distance_m: float, elevation_deg: float, los: bool) -> float:
    """TR 38.811 equation 6.6-2 and Table 6.6.2-3, S band at 2 GHz; gases count below 10 degrees only."""
    clutter_db = (19.52, 18.17, 18.42, 18.28, 18.63, 17.68, 16.5, 16.3, 16.3)[decade(elevation_deg)]
    loss_db = 32.45 + 20.0 * math.log10(2.0) + 20.0 * math.log10(distance_m)
    return loss_db + (0.0 if los else clutter_db)


def decade(elevation_deg: float) -> int:
    """Find the row of TR 38.811's tables: the nearest of 10, 20, ..., 90 degrees."""
    return min(max(math.floor(elevation_deg / 10.0 + 0.5), 1), 9) - 1


def umi_sight(flat_m: float, elevation_deg: float) -> float:
    """TR 38.901 Table 7.4.2-1, street canyon."""
    if flat_m <= 18.0:
        return 1.0
    return 18.0 / flat_m + math.exp(-flat_m / 36.0) * (1.0 - 18.0 / flat_m)


def sky_sight(flat_m: float, elevation_deg: float) -> float:
    """TR 38.811 Table 6.6.1-1, rural."""
    return (0.782, 0.869, 0.919, 0.929, 0.935, 0.940, 0.949, 0.952, 0.998)[decade(elevation_deg)]


SKY_LOS_DB = (1.79, 1.14, 1.14, 0.92, 1.42, 1.56, 0.85, 0.72, 0.72)
SKY_NLOS_DB = (8.93, 9.08, 8.78, 10.25, 10.56, 10.74, 10.17, 11.52, 11.52)
SKY_K_DB = (24.72, 12.31, 8.05, 6.21, 5.04, 4.42, 3.92, 3.65, 3.59)
SKY_K_STD_DB = (5.07, 5.75, 5.46, 5.23, 3.95, 3.75, 2.56, 1.77, 1.77)

# For each device: loss, probability of sight, lengths of the fields of sight, shadowing in and out of sight and
# K; TR 38.901 Tables 7.5-6 and 7.6.3.1-2, TR 38.811 Tables 6.7.2-7a and 6.7.2-8a. Rooms take those of offices.
ORACLES: dict[int, tuple[Any, ...]] = {
    1: (umi_loss_db, umi_sight, (50.0, 10.0, 13.0, 15.0)),
    2: (room_loss_db(0, 0), lambda flat_m, _: float(flat_m <= 5.0), (10.0, 10.0, 6.0, 4.0)),
    3: (room_loss_db(1, 1), lambda flat_m, _: 0.0, (10.0, 10.0, 6.0, 4.0)),
    4: (sky_loss_db, sky_sight, (60.0, 37.0, 120.0, 40.0)),
}


def spreads_db(n: int, elevation_deg: float) -> tuple[float, float, float, float]:
    """Find shadowing's standard deviations in and out of sight, and mean and deviation of K, dB."""
    if n == 1:
        return 4.0, 7.82, 9.0, 5.0
    if n in (2, 3):
        return 5.0, 5.0, 0.0, 0.0
    row = decade(elevation_deg)
    return SKY_LOS_DB[row], SKY_NLOS_DB[row], SKY_K_DB[row], SKY_K_STD_DB[row]


def place_m(world: World, n: int, time_s: float) -> np.ndarray:
    """Follow the pieces of a device's way one by one."""
    offset_s, period_s, mirror_s = (float(part[n]) for part in world.itinerary.loop)
    phase_s = (time_s + offset_s) % period_s
    moment_s = min(phase_s, mirror_s - phase_s)
    place = world.itinerary.start_m[:, 0, n].copy()
    for piece in range(world.itinerary.knot_s.shape[0]):
        done = (moment_s - world.itinerary.knot_s[piece, n]) * world.itinerary.per_s[piece, n]
        place += min(max(done, 0.0), 1.0) * world.itinerary.moves_m[:, piece, n]
    return place


def field(waves: Any, n: int, x: float, y: float) -> float:
    """Add a field's waves up."""
    value = 0.0
    for m in range(len(waves.amplitude)):
        turns = waves.turns_per_m_x[m, n] * x + waves.turns_per_m_y[m, n] * y + waves.phase_turns[m, n]
        value += waves.amplitude[m, n] * np.cos(2.0 * math.pi * turns)
    return float(value)


def branch(waves: Any, index: int, n: int, x: float, y: float, t: float) -> complex:
    """Add the scattered waves of one antenna up."""
    value = 0j
    for m in range(len(waves.amplitude)):
        k = (m, index, n)
        turns = waves.phase_turns[k] + waves.turns_per_m_x[k] * x + waves.turns_per_m_y[k] * y
        value += waves.amplitude[k] * np.exp(2j * math.pi * (turns + waves.turns_per_s[k] * t))
    return complex(value)


def lost_share(snr_db: float, efficiency: float, bits: float) -> float:
    """Polyanskiy, Poor and Verdú, equation 296, solved for the error."""
    snr, symbols = 10.0 ** (snr_db / 10.0), bits / efficiency
    dispersion = snr * (snr + 2.0) / (snr + 1.0) ** 2 * math.log2(math.e) ** 2
    slack = math.log2(1.0 + snr) - efficiency + math.log2(symbols) / (2.0 * symbols)
    return math.erfc(slack / math.sqrt(2.0 * dispersion / symbols)) / 2.0


def oracle(world: World, n: int, time_s: float) -> dict[str, float]:
    """Compute one link at one moment with plain loops, from the world's numbers and the standards'."""
    device, link = MIXED[n], MIXED[n].link
    loss_db, sight, (sight_m, los_m, nlos_m, k_m) = ORACLES[n]
    user, other = place_m(world, 0, time_s), place_m(world, n, time_s)
    flat_m = math.dist(user[:2], other[:2])
    distance_m = math.dist(user, other)
    elevation_deg = math.degrees(math.atan2(other[2] - user[2], flat_m))
    x, y = user[:2] if n == 4 else user[:2] - other[:2]
    hidden = field(world.sight, n, x / sight_m, y / sight_m)
    los = math.erfc(hidden / math.sqrt(2.0)) / 2.0 < sight(flat_m, elevation_deg)
    los_db, nlos_db, k_db, k_std_db = spreads_db(n, elevation_deg)
    shadowing_db = (
        los_db * field(world.shadowing_los, n, x / los_m, y / los_m)
        if los
        else nlos_db * field(world.shadowing_nlos, n, x / nlos_m, y / nlos_m)
    )
    k = 10.0 ** ((k_db + k_std_db * field(world.k_factor, n, x / k_m, y / k_m)) / 10.0) if los else 0.0
    wavelength_m = LIGHT_M_S / link.frequency_hz
    direct = np.exp(2j * math.pi * (0.0 if n == 4 else flat_m / wavelength_m))
    gain = 0.0
    for index in range(link.num_antennas):
        turn = time_s * device.scatterer_doppler_hz
        scattered = branch(world.scattering, index, n, x / wavelength_m, y / wavelength_m, turn)
        gain += abs(math.sqrt(k / (1.0 + k)) * direct + math.sqrt(1.0 / (1.0 + k)) * scattered) ** 2
    noise_dbm = -174.0 + 10.0 * math.log10(link.bandwidth_hz) + link.noise_figure_db
    path_db = loss_db(flat_m, distance_m, elevation_deg, los)
    budget_db = link.transmit_power_dbm + link.antenna_gain_db - path_db - shadowing_db - noise_dbm
    snr_db = budget_db + 10.0 * math.log10(gain)
    expected = {
        "distance_m": distance_m,
        "los": los,
        "path_loss_db": path_db,
        "shadowing_db": shadowing_db,
        "fading_db": 10.0 * math.log10(gain / link.num_antennas),
        "mean_snr_db": budget_db + 10.0 * math.log10(link.num_antennas),
        "snr_db": snr_db,
        "propagation_s": distance_m / LIGHT_M_S,
        "in_range": 10.0 <= flat_m <= 5000.0 if n == 1 else flat_m >= 1.0 if n < 4 else elevation_deg >= 10.0,
        "available": there(world, n, time_s),
    }
    return expected | delivered(link, snr_db, distance_m, there(world, n, time_s))


def there(world: World, n: int, time_s: float) -> bool:
    """Count how often a device came and went."""
    offset_s, period_s, _ = (float(part[n]) for part in world.churn.loop)
    moment_s = (time_s + offset_s) % period_s
    return bool(world.churn.up_first[n]) ^ (int(sum(world.churn.toggle_s[:, n] <= moment_s)) % 2 == 1)


def delivered(link: LinkClass, snr_db: float, distance_m: float, available: bool) -> dict[str, float]:
    """Find the highest step, its errors, and what sending the payload takes."""
    assert isinstance(link.curve, tuple)
    steps = [step for step in link.curve if step.threshold_db <= snr_db - link.back_off_db]
    if not steps or not available:
        return {"rate_bps": 0.0, "block_error": 1.0, "seconds": math.inf, "joules": 0.0, "outage": 1.0}
    step, bits = steps[-1], link.block_bits
    find_root: Any = optimize.brentq
    needed_db = find_root(
        lambda db: lost_share(db, step.efficiency, bits) - link.error_target, -60.0, 60.0, xtol=1e-12
    )
    error = lost_share(snr_db - (step.threshold_db - needed_db), step.efficiency, bits)
    rate_bps = step.efficiency * link.bandwidth_hz
    air_s = PAYLOAD_BITS / rate_bps * sum(error**attempt for attempt in range(link.max_transmissions))
    sender_w = 10.0 ** (link.transmit_power_dbm / 10.0) / 1000.0 / link.amplifier_efficiency
    return {
        "rate_bps": rate_bps,
        "block_error": error,
        "seconds": link.latency_s + distance_m / LIGHT_M_S + air_s / link.duty_cycle,
        "joules": air_s * (sender_w + link.sender_circuit_w + link.receiver_circuit_w),
        "outage": error**link.max_transmissions,
    }


@pytest.mark.parametrize("seed", range(3))
def test_links_are_what_the_standards_say(seed: int) -> None:
    """A cell, two rooms and a satellite, moment by moment, down to seconds and joules."""
    fleet = fleet_arrays(MIXED)
    world = draw_world(fleet, np.random.default_rng(seed))
    states = set()
    for time_s in (0.0, 0.7, 13.0, 61.5, 300.0, 4000.0):
        now = links(fleet, world, time_s)
        got = now._asdict() | send(fleet, now, PAYLOAD_BITS)._asdict()
        for n in ORACLES:
            expected = oracle(world, n, time_s)
            states.add((n, expected["los"]))
            assert expected == pytest.approx({name: got[name][n] for name in expected}, rel=1e-6, abs=1e-9)
    assert {(1, False), (2, False), (3, False), (4, True)} <= states


def test_the_oracle_meets_every_state() -> None:
    """Over 40 worlds the cell and the room are seen in sight and out of it, the satellite too."""
    fleet = fleet_arrays(MIXED)
    states = set()
    for seed, time_s in itertools.product(range(40), (5.0, 200.0)):
        world = draw_world(fleet, np.random.default_rng(1000 + seed))
        now = links(fleet, world, time_s)
        for n in ORACLES:
            expected = oracle(world, n, time_s)
            states.add((n, bool(expected["los"])))
            assert expected["snr_db"] == pytest.approx(now.snr_db[n], rel=1e-6, abs=1e-6)
            assert expected["block_error"] == pytest.approx(now.block_error[n], rel=1e-6, abs=1e-9)
    assert states == {(n, los) for n in ORACLES for los in (True, False)} - {(3, True)}


def as_jax(tree: Any) -> Any:
    """Turn every array of a fleet or a world into one of JAX."""
    return jax.tree.map(jnp.asarray, tree)


def same(expected: Any, got: Any, rel: float = 1e-6) -> None:
    """Compare records of arrays, field by field."""
    for name in expected._fields:
        np.testing.assert_allclose(
            getattr(expected, name), np.asarray(getattr(got, name)), rtol=rel, atol=1e-7, err_msg=name
        )


def interfered_and_sent(fleet: Fleet, world: World, time_s: Any) -> Any:
    """Read links, let all disturb each other, let the mean choose the rates, and send."""
    now = links(fleet, world, time_s)
    disturbed = interfered(fleet, now, now.available)
    late = adapted(fleet, now, now.mean_snr_db)
    return now, disturbed, send(fleet, now, PAYLOAD_BITS), send(fleet, late, PAYLOAD_BITS)


def partly_recorded(world: World) -> World:
    """Replace some of a world by recordings."""
    instants_s = np.array([0.0, 2.0, 5.0])
    values = np.arange(15.0).reshape(3, 5)
    parts = {
        "x_m": Recording(instants_s, 7.0 * values),
        "los": Recording(instants_s, values % 2 == 0),
        "shadowing_db": Recording(instants_s, values, hold=True),
        "available": Recording(instants_s, values != 6.0),
    }
    return world._replace(recorded=world.recorded._replace(**parts))


@pytest.mark.parametrize("fading", ["clarke", "ar1", "nakagami"])
def test_jax_reads_the_same_world(fading: Any) -> None:
    """Compiled and batched over worlds and times, in 64 bits: links, interference, old knowledge, sending."""
    fleet = fleet_arrays(MIXED)
    config = WorldConfig(fading=fading, num_waves=4, num_slots=32, num_legs=4)
    worlds = [draw_world(fleet, np.random.default_rng(seed), config) for seed in range(3)]
    if fading == "nakagami":
        worlds = [partly_recorded(world) for world in worlds]
    times_s = np.array([0.304, 7.777, 100.123, 1234.506])  # not where slots end
    expected = [[interfered_and_sent(fleet, world, time) for time in times_s] for world in worlds]
    with jax.enable_x64(True):
        stacked = jax.tree.map(lambda *parts: jnp.stack([jnp.asarray(part) for part in parts]), *worlds)
        over_times = jax.vmap(interfered_and_sent, (None, None, 0))
        over_worlds = jax.jit(jax.vmap(over_times, (None, 0, None)))
        got = over_worlds(as_jax(fleet), stacked, jnp.asarray(times_s))
    for w, t in itertools.product(range(3), range(4)):
        for wanted, found in zip(expected[w][t], got, strict=True):
            one = type(wanted)(*(part[w, t] for part in found))
            same(wanted, one)


def test_one_call_from_a_key_compiles_once() -> None:
    """Fleet, key and time go in; a second key, time or fleet of the same shape takes the same program."""
    at: Any = jax.jit(links_at)
    fleet = as_jax(fleet_arrays(MIXED))
    first = at(fleet, jax.random.key(0), 3.0)
    again = at(fleet, jax.random.key(0), 3.0)
    for part, once_more in zip(first, again, strict=True):
        np.testing.assert_array_equal(np.asarray(part), np.asarray(once_more))
    for seed in range(1, 4):
        other = at(fleet, jax.random.key(seed), 3.0 + seed)
        assert not np.array_equal(np.asarray(first.snr_db), np.asarray(other.snr_db))
    louder = fleet._replace(link=fleet.link._replace(transmit_power_dbm=fleet.link.transmit_power_dbm + 1.0))
    np.testing.assert_allclose(
        np.asarray(first.snr_db) + 1.0, np.asarray(at(louder, jax.random.key(0), 3.0).snr_db), rtol=1e-4
    )
    assert 1 == at._cache_size()


def test_drawing_once_is_the_same_as_drawing_at_each_moment() -> None:
    """`links_at` reads the world that `draw_world` draws with the same key."""
    fleet = fleet_arrays(MIXED)
    config = WorldConfig(num_waves=5)
    world = draw_world(fleet, np.random.default_rng(3), config)
    for time_s in (0.0, 12.0):
        expected = links(fleet, world, time_s)
        got = links_at(fleet, np.random.default_rng(3), time_s, config)
        for part, other in zip(expected, got, strict=True):
            np.testing.assert_array_equal(part, other)


def test_reading_changes_nothing() -> None:
    """Twice the same, in any order of the times, and no global random number is drawn."""
    fleet = fleet_arrays(MIXED)
    state = str(np.random.get_state())
    world = draw_world(fleet, np.random.default_rng(4))
    times_s = (5.0, 0.0, 77.0, 5.0)
    forwards = [links(fleet, world, time) for time in times_s]
    backwards = [links(fleet, world, time) for time in reversed(times_s)]
    for there_, back in zip(forwards, reversed(backwards), strict=True):
        for part, other in zip(there_, back, strict=True):
            np.testing.assert_array_equal(part, other)
    np.testing.assert_array_equal(forwards[0].snr_db, forwards[3].snr_db)
    assert not np.array_equal(forwards[0].snr_db, forwards[1].snr_db)
    assert state == str(np.random.get_state())


def still(name: str, place: tuple[float, float, float] = (100.0, 0.0, 1.5), **changes: Any) -> DeviceConfig:
    """Describe a device in free space on the case study's link."""
    return DeviceConfig(**{"name": name, "expert": name, "position_m": place, **changes})


ALONE = DeviceConfig(name="phone", expert="pocket", local=True)
MEAN = WorldConfig(fading="none")


def quiet_links(*devices: DeviceConfig) -> tuple[Fleet, Any]:
    """Read the links of devices around a user that stands still, without fading."""
    fleet = fleet_arrays((ALONE, *devices))
    world = draw_world(fleet, np.random.default_rng(0), MEAN)
    return fleet, links(fleet, world, 0.0)


def test_a_link_by_hand() -> None:
    """23 dBm over 100 m at 2 GHz: 78.47 dB lost, -134 + 7 dBm of noise in 10 kHz, 71.53 dB left."""
    fleet, now = quiet_links(still("laptop"))
    loss_db = 20.0 * math.log10(4.0 * math.pi * 100.0 * 2e9 / LIGHT_M_S)
    assert loss_db == pytest.approx(78.4684, abs=1e-4)
    assert loss_db == pytest.approx(now.path_loss_db[1])
    assert 23.0 - loss_db + 127.0 == pytest.approx(now.snr_db[1])
    rate_bps = 10e3 * math.log2(1.0 + 10.0 ** ((150.0 - loss_db) / 10.0))
    assert rate_bps == pytest.approx(now.rate_bps[1])
    sent = send(fleet, now, 48_000.0)
    assert 48_000.0 / rate_bps + 100.0 / LIGHT_M_S == pytest.approx(sent.seconds[1])
    watts = 10.0**-0.7 / 0.3 + 0.1 + 0.1
    assert 48_000.0 / rate_bps * watts == pytest.approx(sent.joules[1])
    assert (sent.outage[1], now.block_error[1]) == (0.0, 0.0)


def test_the_users_own_device_takes_nothing() -> None:
    """No seconds, no joules, nothing lost, at home or away, whatever the payload."""
    fleet, now = quiet_links(still("laptop"))
    away = adapted(fleet, now._replace(available=np.array([False, True])), now.snr_db)
    for at_hand in (now, away):
        sent = send(fleet, at_hand, 1e12)
        assert [0.0] * 5 == [part[0] for part in sent]


def test_whoever_is_away_gets_nothing_through() -> None:
    """Rate 0, endless seconds, all lost, and nobody spends a joule."""
    fleet = fleet_arrays((ALONE, still("laptop"), still("car")))
    world = draw_world(fleet, np.random.default_rng(0), MEAN)
    present = Recording(np.array([0.0, 10.0]), np.array([[True, False, True]] * 2))
    now = links(fleet, world._replace(recorded=world.recorded._replace(available=present)), 3.0)
    np.testing.assert_array_equal([True, False, True], now.available)
    assert (0.0, 1.0) == (now.rate_bps[1], now.block_error[1])
    sent = send(fleet, now, 1000.0)
    assert (math.inf, 0.0, 0.0, 0.0, 1.0) == tuple(part[1] for part in sent)
    assert now.rate_bps[2] > 0
    assert math.isfinite(sent.seconds[2])


# A loss in metres, not kilometres: mobile-env takes map units for kilometres and loses 192 dB over 50 of them.
@pytest.mark.parametrize(
    ("frequency_hz", "place", "expected_db"),
    [
        (5e9, 10.0, (69.8591, 76.7563)),
        (5e9, 100.0, (88.4122, 107.9432)),
        (5e9, 1000.0, (119.3114, 143.1886)),
        (5e9, 5000.0, (147.2696, 167.8617)),
        (3.5e9, 10.0, (66.761, 73.457)),
        (3.5e9, 50.0, (79.090, 94.181)),
        (3.5e9, 100.0, (85.314, 104.644)),
        (3.5e9, 200.0, (91.611, 115.229)),
        (3.5e9, 500.0, (107.114, 129.265)),
        (3.5e9, 1000.0, (119.153, 139.889)),
    ],
)
def test_distances_are_metres_from_the_map_to_the_signal(
    frequency_hz: float, place: float, expected_db: tuple[float, float]
) -> None:
    """ns-3's values at 5 GHz and Sionna's at 3.5 GHz, from a position on the map to the SNR of 20 MHz."""
    cell = replace(NR, name="cell", frequency_hz=frequency_hz, num_antennas=1)
    fleet, now = quiet_links(
        *(still(name, (0.0, place, 10.0), link=cell, scenario="umi") for name in ("seen", "hidden"))
    )
    world = draw_world(fleet, np.random.default_rng(0), MEAN)
    seen = Recording(np.array([0.0, 1.0]), np.array([[True, True, False]] * 2))
    clear = Recording(np.array([0.0, 1.0]), np.zeros((2, 3)))
    world = world._replace(recorded=world.recorded._replace(los=seen, shadowing_db=clear))
    now = links(fleet, world, 0.0)
    assert expected_db == pytest.approx(tuple(now.path_loss_db[1:]), abs=0.001)
    noise_dbm = -174.0 + 10.0 * math.log10(20e6) + 5.0
    assert [23.0 + 8.0 - loss_db - noise_dbm for loss_db in expected_db] == pytest.approx(
        now.snr_db[1:], abs=0.001
    )


# The energy of QECO lacks 18 orders of magnitude: power times 1 instead of 1e-27.
def test_energy_on_the_air_is_power_times_time() -> None:
    """One second at 23 dBm through an amplifier of 30 % and two circuits of 0.1 W is 0.865 J."""
    fleet, now = quiet_links(still("laptop"))
    sent = send(fleet, now, now.rate_bps)
    assert 0.86509 == pytest.approx(sent.joules[1], abs=1e-5)
    assert 0.1 == pytest.approx(sent.receiver_joules[1])
    assert sent.joules[1] == pytest.approx(sent.sender_joules[1] + sent.receiver_joules[1])


def test_combining_helps_against_noise_and_against_others() -> None:
    """Two antennas double the signal and not the interference: 3 dB over two equal senders."""
    both = replace(PAPER, name="two antennas", num_antennas=2)
    fleet, now = quiet_links(still("a", link=both), still("b", link=both))
    two = interfered(fleet, now, np.array([False, True, True]))
    np.testing.assert_allclose(10.0 * math.log10(2.0), two.snr_db[1:], atol=1e-6)


def test_two_in_one_band_drown_each_other() -> None:
    """Equal powers far above the noise: 0 dB for two, -3 dB for three, and rates to match."""
    fleet, now = quiet_links(still("a"), still("b"), still("c"))
    everyone = np.array([True, True, True, True])
    two = interfered(fleet, now, np.array([False, True, True, False]))
    np.testing.assert_allclose([0.0, 0.0], two.snr_db[1:3], atol=1e-6)
    assert -10.0 * math.log10(2.0) == pytest.approx(two.snr_db[3], abs=1e-6)
    three = interfered(fleet, now, everyone)
    np.testing.assert_allclose(-10.0 * math.log10(2.0), three.snr_db[1:], atol=1e-6)
    np.testing.assert_allclose(10e3 * math.log2(1.5), three.rate_bps[1:], rtol=1e-6)
    np.testing.assert_array_equal(three.block_error[1:], 0.0)


def test_interference_near_the_noise() -> None:
    """SINR = P / (N + P), with the noise: 1 over 1 + 1/snr."""
    fleet, now = quiet_links(still("a", (90e3, 0.0, 1.5)), still("b", (90e3, 0.0, 1.5)))
    snr = 10.0 ** (now.snr_db[1] / 10.0)
    assert 1.0 < snr < 1e3
    got = interfered(fleet, now, np.array([True, True, True])).snr_db[1]
    assert 10.0 * math.log10(snr / (1.0 + snr)) == pytest.approx(got)


def test_who_does_not_disturb() -> None:
    """Other bands, silent devices, those that are away and the user's own leave a link as it is."""
    elsewhere = replace(PAPER, name="elsewhere", frequency_hz=2e9 + 10e3)
    fleet, now = quiet_links(still("a"), still("b", link=elsewhere), still("c"), still("d"))
    now = adapted(fleet, now._replace(available=np.array([True, True, True, True, False])), now.snr_db)
    got = interfered(fleet, now, np.array([True, True, True, False, True]))
    np.testing.assert_allclose(now.snr_db[1:3], got.snr_db[1:3])
    nobody = interfered(fleet, now, np.zeros(5, bool))
    np.testing.assert_allclose(now.snr_db[1:], nobody.snr_db[1:])
    np.testing.assert_allclose(now.rate_bps, nobody.rate_bps)


def test_bands_overlap_by_their_edges() -> None:
    """Two bands of 10 kHz meet when their centres are closer than 10 kHz."""
    shifted = [replace(PAPER, name=f"{by}", frequency_hz=2e9 + by) for by in (0.0, 9e3, 10e3, 30e3)]
    fleet = fleet_arrays([still(link.name, link=link) for link in shifted])
    expected = [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]
    np.testing.assert_array_equal(np.array(expected, bool), fleet.same_band)


def hidden_cell() -> tuple[Fleet, World]:
    """Draw a cell that is never in sight of a user who walks by."""
    walker = replace(USER, mobility=Straight(velocity_m_s=(3.0, 0.0)))
    fleet = fleet_arrays((walker, still("cell", (80.0, 40.0, 10.0), link=NR, scenario="umi")))
    world = draw_world(fleet, np.random.default_rng(5))
    hidden = Recording(np.array([0.0, 1.0]), np.zeros((2, 2), bool))
    return fleet, world._replace(recorded=Recorded(los=hidden))


def test_old_knowledge_costs_blocks() -> None:
    """Rates chosen by the signal of some milliseconds ago lose more, the more the older."""
    fleet, world = hidden_cell()
    lost = {0.0: 0.0, 0.001: 0.0, 0.003: 0.0, 0.01: 0.0}
    for time_s in np.linspace(0.02, 4.0, 200):
        now = links(fleet, world, time_s)
        at_the_edge = now._replace(snr_db=now.fading_db + 10.0)
        for age_s in lost:
            known_db = links(fleet, world, time_s - age_s).fading_db + 10.0
            lost[age_s] += adapted(fleet, at_the_edge, known_db).block_error[1] / 200.0
    assert lost[0.0] < 0.1
    assert list(lost.values()) == sorted(lost.values())
    assert lost[0.01] > 5.0 * lost[0.0]


def test_senders_that_know_only_the_mean() -> None:
    """Their rate does not follow the fading: nothing is lost on average peaks, all of it in deep fades."""
    fleet, world = hidden_cell()
    rates, following, errors = set(), set(), []
    for time_s in np.linspace(0.0, 4.0, 200):
        now = links(fleet, world, time_s)
        now = now._replace(snr_db=now.fading_db + 10.0)
        mean = adapted(fleet, now, np.full(2, 10.0))
        rates.add(float(mean.rate_bps[1]))
        following.add(float(adapted(fleet, now, now.snr_db).rate_bps[1]))
        errors.append((now.snr_db[1], mean.block_error[1]))
    assert (1, True) == (len(rates), len(following) > 5)
    assert all(error < 0.1 for snr_db, error in errors if snr_db > 10.5)
    assert all(error > 0.9 for snr_db, error in errors if snr_db < 7.0)
    assert min(snr_db for snr_db, _ in errors) < 7.0


@given(st.floats(-30.0, 60.0), st.floats(0.0, 20.0))
@settings(deadline=None, max_examples=40)
def test_knowing_too_little_is_safe_and_too_much_is_not(real_db: float, off_db: float) -> None:
    """Underrated links choose no higher rate and lose no more; overrated ones no lower and no less."""
    fleet, now = quiet_links(*(still(link.name, link=link) for link in (LORA, NR, WIFI)))
    now = now._replace(snr_db=np.full(4, real_db))
    exact = adapted(fleet, now, now.snr_db)
    shy, bold = (adapted(fleet, now, now.snr_db + off) for off in (-off_db, off_db))
    assert np.all(shy.rate_bps <= exact.rate_bps)
    assert np.all(exact.rate_bps <= bold.rate_bps)
    alive = shy.rate_bps > 0
    assert np.all(shy.block_error[alive] <= exact.block_error[alive] + 1e-9)
    assert np.all(bold.block_error[exact.rate_bps > 0] + 1e-9 >= exact.block_error[exact.rate_bps > 0])


RECORDED_VALUES = {
    "x_m": 12.0,
    "y_m": -7.0,
    "z_m": 5.0,
    "los": True,
    "shadowing_db": 3.5,
    "fading_db": -2.25,
    "snr_db": 17.0,
    "available": False,
}


@pytest.mark.parametrize("part", Recorded._fields)
def test_a_recording_stands_in_for_each_part(part: str) -> None:
    """What was recorded is read, and what does not depend on it stays as it was drawn."""
    fleet = fleet_arrays(MIXED)
    world = draw_world(fleet, np.random.default_rng(6))
    value = RECORDED_VALUES[part]
    recording = Recording(np.array([0.0, 9.0]), np.full((2, 5), value))
    replaced = world._replace(recorded=world.recorded._replace(**{part: recording}))
    drawn, now = links(fleet, world, 3.0), links(fleet, replaced, 3.0)
    if part in ("x_m", "y_m", "z_m"):
        axis = ("x_m", "y_m", "z_m").index(part)
        got = whereabouts_m(replaced, 3.0)
        np.testing.assert_allclose(np.full(5, value), np.asarray(got[axis]))
        for other in {0, 1, 2} - {axis}:
            np.testing.assert_array_equal(
                np.asarray(whereabouts_m(world, 3.0)[other]), np.asarray(got[other])
            )
        return
    np.testing.assert_array_equal(np.full(5, value), np.asarray(getattr(now, part)))
    depends = {
        "los": ("path_loss_db", "shadowing_db", "fading_db", "mean_snr_db", "in_range", "snr_db"),
        "shadowing_db": ("mean_snr_db", "snr_db"),
        "fading_db": ("snr_db",),
    }
    changed = {part, "rate_bps", "block_error", *depends.get(part, ())}
    for name in set(now._fields) - changed:
        np.testing.assert_array_equal(np.asarray(getattr(drawn, name)), np.asarray(getattr(now, name)), name)


def test_a_replayed_recording_gives_the_same_links() -> None:
    """Everything that one world shows, recorded and played in another, comes out the same at its instants."""
    fleet = fleet_arrays(MIXED)
    world = draw_world(fleet, np.random.default_rng(7))
    instants_s = np.arange(8.0)
    seen = [links(fleet, world, time) for time in instants_s]
    places = np.array([whereabouts_m(world, time) for time in instants_s])
    names = ("los", "shadowing_db", "fading_db", "available")
    parts = {name: np.array([getattr(now, name) for now in seen]) for name in names}
    parts |= {f"{axis}_m": places[:, row] for row, axis in enumerate("xyz")}
    recorded = Recorded(**{name: Recording(instants_s, values) for name, values in parts.items()})
    other = draw_world(fleet, np.random.default_rng(8))._replace(recorded=recorded)
    for time_s, expected in zip(instants_s, seen, strict=True):
        same(expected, links(fleet, other, time_s), rel=1e-12)
    whole = {"snr_db", "available"}
    kept_parts = {
        name: recording if name in whole else None for name, recording in recorded._asdict().items()
    }
    snr = Recording(instants_s, np.array([now.snr_db for now in seen]))
    radio = other._replace(recorded=Recorded(**{**kept_parts, "snr_db": snr}))
    for time_s, expected in zip(instants_s, seen, strict=True):
        got = links(fleet, radio, time_s)
        for name in ("snr_db", "rate_bps", "block_error", "available"):
            np.testing.assert_array_equal(getattr(expected, name), getattr(got, name))


def test_slots_hold_and_change() -> None:
    """Within a slot nothing changes but the way; at its end the Markov chain moves."""
    fleet = fleet_arrays((ALONE, still("room", (9.0, 0.0, 1.5), link=WIFI, scenario=walled())))
    config = WorldConfig(fading="ar1", slot_s=0.5, num_slots=4)
    world = draw_world(fleet, np.random.default_rng(0), config)
    assert isinstance(world.scattering, Slots)
    power = world.scattering.real[0, :, 1] ** 2 + world.scattering.imaginary[0, :, 1] ** 2
    for time_s, slot in ((0.0, 0), (0.499, 0), (0.5, 1), (1.2, 2), (1.5, 3), (1.9, 2), (3.0, 0)):
        got = links(fleet, world, time_s).fading_db[1]
        assert 10.0 * math.log10(power[slot]) == pytest.approx(got), time_s


def walled() -> Scenario:
    """Describe a link through a wall, which never is in sight."""
    return Scenario(name="residential", frequency_hz=5.2e9, num_walls=1)


@given(st.sampled_from(sorted(PRESETS)), st.integers(0, 20), st.floats(0.0, 1e8), st.floats(1.0, 100.0))
@settings(deadline=None, max_examples=30)
def test_more_to_send_takes_longer(preset: str, seed: int, bits: float, factor: float) -> None:
    """Seconds and joules are finite where anything gets through, and grow with the payload in proportion."""
    fleet = fleet_arrays(PRESETS[preset].devices)
    now = links(fleet, draw_world(fleet, np.random.default_rng(seed)), float(seed))
    less, more = send(fleet, now, bits), send(fleet, now, bits * factor)
    alive = (now.rate_bps > 0) | fleet.local
    for sent in (less, more):
        assert np.all(np.isfinite(sent.seconds[alive]))
        assert np.all(np.isfinite(sent.joules))
        assert np.all(np.isinf(sent.seconds[~alive]))
        assert np.all((sent.outage >= 0.0) & (sent.outage <= 1.0))
    assert np.all(less.seconds <= more.seconds)
    np.testing.assert_allclose(less.joules * factor, more.joules, rtol=1e-9, atol=1e-300)
    np.testing.assert_array_equal(less.outage, more.outage)


@given(st.floats(0.0, 60.0), st.integers(0, 20))
@settings(deadline=None, max_examples=25)
def test_less_power_is_less_signal_decibel_for_decibel(less_db: float, seed: int) -> None:
    """In the same world the SNR falls by what the sender's power falls by, no rate rises."""
    quiet = [
        replace(
            device, link=replace(device.link, transmit_power_dbm=device.link.transmit_power_dbm - less_db)
        )
        for device in MIXED
    ]
    loud_fleet, quiet_fleet = fleet_arrays(MIXED), fleet_arrays(quiet)
    world = draw_world(loud_fleet, np.random.default_rng(seed))
    loud, soft = links(loud_fleet, world, 2.0), links(quiet_fleet, world, 2.0)
    np.testing.assert_allclose(loud.snr_db - less_db, soft.snr_db, rtol=0, atol=1e-9)
    assert np.all(soft.rate_bps <= loud.rate_bps)


@given(st.floats(-10.0, 40.0), st.floats(1.0, 50.0))
@settings(deadline=None, max_examples=25)
def test_more_bandwidth_at_the_same_signal_is_faster(snr_db: float, factor: float) -> None:
    """At a recorded SNR a wider link sends in less time and with less energy, in proportion."""
    devices = [still(link.name, link=link) for link in (LORA, NR, WIFI, PAPER)]
    wide = [replace(device, bandwidth_hz=device.link.bandwidth_hz * factor) for device in devices]
    signal = Recording(np.array([0.0, 1.0]), np.full((2, 5), snr_db))
    sent = []
    for fleet in (fleet_arrays((ALONE, *devices)), fleet_arrays((ALONE, *wide))):
        world = draw_world(fleet, np.random.default_rng(0), MEAN)
        now = links(fleet, world._replace(recorded=Recorded(snr_db=signal)), 0.0)
        sent.append((now, send(fleet, now, 1e6)))
    (narrow_now, narrow), (wide_now, fast) = sent
    np.testing.assert_allclose(narrow_now.rate_bps[1:] * factor, wide_now.rate_bps[1:], rtol=1e-9)
    assert np.all(fast.seconds <= narrow.seconds)
    np.testing.assert_allclose(narrow.joules, fast.joules * factor, rtol=1e-9)


def test_a_satellite_that_has_set_sends_nothing() -> None:
    """Below the horizon the loss is endless: no rate, all lost, and nothing that is not a number."""
    fleet = fleet_arrays((ALONE, MIXED[4]))
    world = draw_world(fleet, np.random.default_rng(0))
    under = Recording(np.array([0.0, 1.0]), np.array([[1.5, -1000.0]] * 2))
    now = links(fleet, world._replace(recorded=Recorded(z_m=under)), 0.0)
    assert (math.inf, 0.0, 1.0) == (now.path_loss_db[1], now.rate_bps[1], now.block_error[1])
    assert not now.in_range[1]
    sent = send(fleet, now, 1000.0)
    assert (math.inf, 0.0, 1.0) == (sent.seconds[1], sent.joules[1], sent.outage[1])
    assert not any(np.isnan(part).any() for part in (*now, *sent))
    assert -math.inf == interfered(fleet, now, np.array([True, True])).snr_db[1]


def test_the_hardware_of_a_fleet_follows_its_devices() -> None:
    """Speeds stand in the order of the devices."""
    fleet = fleet_arrays(MIXED)
    expected = [LAPTOP, EDGE_SERVER, LAPTOP, LAPTOP, EDGE_SERVER]
    np.testing.assert_array_equal(
        [hardware.tokens_per_s for hardware in expected], fleet.hardware.tokens_per_s
    )


def test_bandwidth_changes_noise_and_rate_together() -> None:
    """Four times the band is 6.02 dB more noise, as if the fleet had been built so."""
    wide = [
        replace(device, link=replace(device.link, bandwidth_hz=4 * device.link.bandwidth_hz))
        for device in MIXED
    ]
    fleet, world = fleet_arrays(MIXED), draw_world(fleet_arrays(MIXED), np.random.default_rng(0))
    changed = fleet._replace(link=fleet.link._replace(bandwidth_hz=4.0 * fleet.link.bandwidth_hz))
    built, swept = links(fleet_arrays(wide), world, 1.0), links(changed, world, 1.0)
    np.testing.assert_allclose(built.snr_db, swept.snr_db, rtol=1e-12)
    np.testing.assert_allclose(built.rate_bps, swept.rate_bps, rtol=1e-12)
    np.testing.assert_allclose(
        links(fleet, world, 1.0).snr_db - 10.0 * math.log10(4.0), swept.snr_db, atol=1e-9
    )


def test_gradients_pass_by_dead_links() -> None:
    """Over a dead link time is infinite; the slope of the others, and of all energy, stays a number."""
    fleet = as_jax(fleet_arrays(MIXED))
    now = links(fleet, draw_world(fleet, jax.random.key(0)), 1.0)
    now = now._replace(rate_bps=now.rate_bps.at[2].set(0.0).at[1].set(1e6))
    slope = jax.grad(lambda bits: send(fleet, now, bits).seconds[1])(1e5)
    assert np.isfinite(slope)
    assert slope > 0
    assert np.isfinite(jax.grad(lambda bits: send(fleet, now, bits).joules.sum())(1e5))


@pytest.mark.parametrize(
    ("time_s", "text"),
    [
        (math.nan, "`time_s` must be finite, got nan."),
        (np.arange(3.0), "`time_s` must be one moment, got the shape (3,); `jax.vmap` reads many."),
    ],
)
def test_moments_that_are_none(time_s: Any, text: str) -> None:
    """A list of times is not taken for one time for each device."""
    fleet = fleet_arrays(MIXED)
    world = draw_world(fleet, np.random.default_rng(0))
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        links(fleet, world, time_s)


def test_a_seed_is_no_key() -> None:
    """The sentence says what a key is."""
    with pytest.raises(
        TypeError, match=r"^`key` must be a JAX key or a NumPy generator, got the number 0\.$"
    ):
        draw_world(fleet_arrays(MIXED), 0)
