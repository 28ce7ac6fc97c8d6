"""Worlds: what is drawn has the standards' laws, comes from its key alone, and needs no JAX."""

import math
import random
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from net4moe.network import (
    DeviceConfig,
    Fleet,
    LinkClass,
    Scenario,
    Straight,
    World,
    WorldConfig,
    draw_world,
    fleet_arrays,
    links,
    links_at,
)
from net4moe.network.radio.link_classes import NR, WIFI
from net4moe.network.radio.waves import Waves
from net4moe.network.world import Slots

MANY = 30_000
CRITICAL = 1.628 / math.sqrt(MANY)  # Kolmogorov and Smirnov, 1 %
WALK_M_S = 3.0 / 3.6
DOPPLER_HZ = WALK_M_S * 3.5e9 / 299_792_458.0
NEAR, FAR, WALLED, CLOSE = range(1, 5)  # cells at 30 and 100 m, through a wall, in the same room
PLACES: tuple[tuple[str, LinkClass, Any, tuple[float, float, float]], ...] = (
    ("near", NR, "umi", (0.0, 30.0, 10.0)),
    ("far", NR, "umi", (0.0, 100.0, 10.0)),
    (
        "walled",
        replace(WIFI, frequency_hz=3.5e9),
        Scenario(name="residential", frequency_hz=3.5e9, num_walls=1),
        (0.0, -20.0, 1.5),
    ),
    ("close", WIFI, Scenario(name="residential", frequency_hz=5.2e9), (0.0, 3.0, 1.5)),
)
STREET = (
    DeviceConfig(
        name="phone",
        expert="pocket",
        local=True,
        position_m=(0.0, 0.0, 1.5),
        mobility=Straight(velocity_m_s=(WALK_M_S, 0.0)),
    ),
    *(
        DeviceConfig(
            name=name,
            expert=name,
            link=link,
            scenario=scenario,
            position_m=place,
            scatterer_doppler_hz=0.0,
        )
        for name, link, scenario, place in PLACES
    ),
)


@cache
def street() -> Fleet:
    """Lay the fleet of these statistics out."""
    return fleet_arrays(STREET)


@cache
def crowd() -> tuple[World, Any]:
    """Draw many worlds, and compile their reader."""
    config = WorldConfig(num_legs=2)
    keys = jax.random.split(jax.random.key(2024), MANY)
    worlds = jax.jit(jax.vmap(lambda key: draw_world(street(), key, config)))(keys)
    return worlds, jax.jit(jax.vmap(lambda world, time_s: links(street(), world, time_s), (0, None)))


@cache
def seen(time_s: float) -> Any:
    """Read the links of all worlds at a time, as NumPy arrays."""
    worlds, read = crowd()
    now = read(worlds, time_s)
    return type(now)(*(np.asarray(part) for part in now))


def walked_s(way_m: float) -> float:
    """Find when the user has walked so far."""
    return way_m / WALK_M_S


def gain(time_s: float, n: int) -> np.ndarray:
    """Read the power gain of one link in all worlds."""
    return 10.0 ** (seen(time_s).fading_db[:, n].astype(np.float64) / 10.0)


def assert_mean(expected: float, samples: Any) -> None:
    """Hold a mean of independent samples against its value: within three standard errors."""
    samples = np.asarray(samples, np.float64)
    assert expected == pytest.approx(samples.mean(), abs=3.0 * samples.std() / math.sqrt(samples.size))


# TR 38.901 Table 7.4.2-1 at 30 and 100 m: 0.773839 and 0.230985.
@pytest.mark.parametrize(("n", "expected"), [(NEAR, 0.773839), (FAR, 0.230985), (WALLED, 0.0), (CLOSE, 1.0)])
def test_share_of_worlds_in_sight(n: int, expected: float) -> None:
    """Sight is free as often as the standard says."""
    share = seen(0.0).los[:, n].mean()
    assert expected == pytest.approx(share, abs=3.0 * math.sqrt(expected * (1.0 - expected) / MANY))


def test_sight_is_kept_from_place_to_place() -> None:
    """A metre on it is nearly always the same; half a kilometre on next to nothing is left."""
    here, one_m_on = seen(0.0).los[:, FAR], seen(walked_s(1.0)).los[:, FAR]
    assert 0.0 < (here != one_m_on).mean() < 0.06
    distant = seen(walked_s(500.0)).los[:, FAR]
    expected = shared_power(umi_sight(100.0), umi_sight(math.hypot(100.0, 500.0)), num_waves=8)
    assert 0.0126 == pytest.approx(expected, abs=1e-4)
    assert expected == pytest.approx(np.corrcoef(here, distant)[0, 1], abs=3.0 / math.sqrt(MANY))
    near = seen(0.0).los[:, NEAR]
    assert 0.0 == pytest.approx(np.corrcoef(here, near)[0, 1], abs=3.0 / math.sqrt(MANY))


def shared_power(here: float, there: float, num_waves: int) -> float:
    """Correlate states of sight far apart: values are uncorrelated there, but of M waves, not jointly normal.

    Given its wave vectors, a field is normal with a correlation R of mean 0 and mean square 1 / (2 M); the
    second term of Mehler's series, R^2 / 2 (x phi(x)) (y phi(y)), is what is left on average.
    """
    slopes = [stats.norm.ppf(share) * stats.norm.pdf(stats.norm.ppf(share)) for share in (here, there)]
    spread = math.sqrt(here * (1.0 - here) * there * (1.0 - there))
    return float(slopes[0] * slopes[1]) / (4.0 * num_waves) / spread


def test_sight_over_distance_is_that_of_a_field_of_50_m() -> None:
    """States 10, 25 and 50 m apart agree as often as a normal field of correlation exp(-d / 50) makes them."""
    for way_m in (10.0, 25.0, 50.0):
        here, there = seen(0.0), seen(walked_s(way_m))
        places = (here.los[:, FAR], there.los[:, FAR])
        thresholds = [stats.norm.ppf(umi_sight(math.hypot(x, 100.0))) for x in (0.0, way_m)]
        correlation = math.exp(-way_m / 50.0)
        covariance = [[1.0, correlation], [correlation, 1.0]]
        joint: Any = stats.multivariate_normal
        together = joint.cdf(thresholds, cov=covariance)
        # Eight waves are not jointly normal at two places; their exceedances differ from it by less than 0.01.
        assert together == pytest.approx((places[0] & places[1]).mean(), abs=0.01)


def umi_sight(distance_m: float) -> float:
    """TR 38.901 Table 7.4.2-1, street canyon, beyond 18 m."""
    return 18.0 / distance_m + math.exp(-distance_m / 36.0) * (1.0 - 18.0 / distance_m)


# TR 38.901 Table 7.5-6 for the cells, IEEE 802.11-14/0980r16 for the rooms.
@pytest.mark.parametrize(
    ("n", "los", "std_db"),
    [(NEAR, True, 4.0), (NEAR, False, 7.82), (FAR, True, 4.0), (FAR, False, 7.82), (WALLED, False, 5.0)],
)
def test_shadowing_of_each_state(n: int, los: bool, std_db: float) -> None:
    """Mean 0, the standard's deviation, a normal law, whatever the state of sight."""
    now = seen(0.0)
    shadowing_db = now.shadowing_db[now.los[:, n] == los, n]
    assert_mean(0.0, shadowing_db)
    assert_mean(std_db**2, shadowing_db**2)
    assert stats.kstest(shadowing_db / std_db, "norm").statistic < 1.628 / math.sqrt(shadowing_db.size)


@pytest.mark.parametrize("way_m", [1.0, 5.0, 10.0, 20.0])
@pytest.mark.parametrize(("n", "los", "std_db", "decorrelation_m"), [(1, True, 4, 10), (2, False, 7.82, 13)])
def test_shadowing_along_a_walk(
    n: int, los: bool, std_db: float, decorrelation_m: float, way_m: float
) -> None:
    """The correlation is exp(-d / 10 m) in sight and exp(-d / 13 m) out of it."""
    here, there = seen(0.0), seen(walked_s(way_m))
    alike = (here.los[:, n] == los) & (there.los[:, n] == los)
    products = here.shadowing_db[alike, n] * there.shadowing_db[alike, n] / std_db**2
    assert_mean(math.exp(-way_m / decorrelation_m), products)


@pytest.mark.parametrize("n", [NEAR, FAR, WALLED, CLOSE])
def test_mean_gain_is_1(n: int) -> None:
    """In sight or not, with one antenna or two, whose gain of combining is in the mean."""
    assert_mean(1.0, gain(0.0, n))
    assert_mean(1.0, gain(walked_s(7.3), n))


def test_fading_out_of_sight_is_rayleigh() -> None:
    """One antenna: exponential power. Two: gamma of shape 2, mean 1."""
    assert stats.kstest(gain(0.0, WALLED), "expon").statistic < CRITICAL
    hidden = ~seen(0.0).los[:, FAR]
    both = gain(0.0, FAR)[hidden]
    assert stats.kstest(both, stats.gamma(2.0, scale=0.5).cdf).statistic < 1.628 / math.sqrt(both.size)


def test_fading_in_sight_is_rician() -> None:
    """In a room K is 0 dB: an amount of fading of (1 + 2 K) / (1 + K)^2 = 3/4, and Rice's law."""
    power = gain(0.0, CLOSE)
    assert_mean(0.75, (power - 1.0) ** 2)
    assert stats.kstest(4.0 * power, stats.ncx2(2, 2.0).cdf).statistic < CRITICAL


def test_k_factor_of_a_cell_in_sight() -> None:
    """9 dB with 5 dB: the mean amount of fading is that of the log-normal K, over two antennas one half."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    k = 10.0 ** ((9.0 + 5.0 * nodes) / 10.0)
    expected = float(weights @ ((1.0 + 2.0 * k) / (1.0 + k) ** 2) / weights.sum())
    in_sight = seen(0.0).los[:, NEAR]
    power = gain(0.0, NEAR)[in_sight]
    assert_mean(expected / 2.0, (power - 1.0) ** 2)


# Clarke: J0(2 pi f_D tau), f_D = 9.729 Hz at 3 km/h and 3.5 GHz; reference values at 1, 5, 10 and 20 ms.
@pytest.mark.parametrize(
    ("delay_s", "j0"),
    [(0.001, 0.999066), (0.005, 0.976781), (0.01, 0.908741), (0.02, 0.659819), (0.0393403, 0.0)],
)
def test_doppler_of_a_walk(delay_s: float, j0: float) -> None:
    """Powers of a Rayleigh link correlate as the square of J0 while its user walks at 3 km/h."""
    assert 9.729 == pytest.approx(DOPPLER_HZ, abs=1e-3)
    assert j0 == pytest.approx(special.j0(2.0 * math.pi * DOPPLER_HZ * delay_s), abs=1e-5)
    before, after = gain(0.0, WALLED), gain(delay_s, WALLED)
    assert_mean(j0**2, (before - 1.0) * (after - 1.0))


def test_scattered_waves_of_a_walk_have_clarkes_correlation() -> None:
    """Mean of h(t) h*(t + tau) over worlds: J0, and nothing imaginary."""
    scattering = crowd()[0].scattering
    assert isinstance(scattering, Waves)
    amplitude, along_x, phase = (
        np.asarray(part, np.float64)[:, :, 0, WALLED]
        for part in (scattering.amplitude, scattering.turns_per_m_x, scattering.phase_turns)
    )
    before = np.sum(amplitude * np.exp(2j * math.pi * phase), axis=1)
    for delay_s in (0.005, 0.02, 0.0393403, 0.08, 0.15):
        turns = phase + along_x * DOPPLER_HZ * delay_s
        product = before * np.conj(np.sum(amplitude * np.exp(2j * math.pi * turns), axis=1))
        assert_mean(float(special.j0(2.0 * math.pi * DOPPLER_HZ * delay_s)), product.real)
        assert_mean(0.0, product.imag)


@cache
def small() -> Fleet:
    """Lay a user and a device behind a wall out, which stand still among slow scatterers."""
    user = replace(STREET[0], mobility=STREET[1].mobility)
    return fleet_arrays((user, replace(STREET[WALLED], scatterer_doppler_hz=1.0)))


@cache
def many_alike() -> Fleet:
    """Repeat that device many times: as many independent links in a single world of NumPy."""
    copies = np.minimum(np.arange(MANY + 1), 1)
    fleet = jax.tree.map(lambda part: part[..., copies], small()._replace(same_band=np.zeros(2, bool)))
    return fleet._replace(motion=fleet.motion._replace(order=np.arange(MANY + 1)))


def gains_of(config: WorldConfig, times_s: tuple[float, ...]) -> np.ndarray:
    """Read the power gains of many links, [times, links]."""
    world = draw_world(many_alike(), np.random.default_rng(7), config)
    fading_db = [links(many_alike(), world, time).fading_db[1:] for time in times_s]
    return 10.0 ** (np.array(fading_db) / 10.0)


def test_what_moves_around_a_link_that_stands_still() -> None:
    """Clarke's law in time, too: at the first zero of J0, 0.38274 s at 1 Hz, nothing is left."""
    power = gains_of(WorldConfig(), (0.0, 0.1, 0.3827398))
    assert stats.kstest(power[2], "expon").statistic < CRITICAL
    for later, expected in ((1, special.j0(0.2 * math.pi) ** 2), (2, 0.0)):
        assert_mean(float(expected), (power[0] - 1.0) * (power[later] - 1.0))


def test_ar1_fading() -> None:
    """Rayleigh in every slot; over k slots the correlation is J0(2 pi f_D T)^k, here 0.9037^k."""
    config = WorldConfig(fading="ar1", doppler_hz=10.0, slot_s=0.01, num_slots=8)
    power = gains_of(config, (0.0, 0.015, 0.055))
    a = 0.9037
    assert a == pytest.approx(special.j0(0.2 * math.pi), abs=1e-4)
    for slot in range(3):
        assert stats.kstest(power[slot], "expon").statistic < CRITICAL
    for later, lag in ((1, 1), (2, 5)):
        assert_mean(special.j0(0.2 * math.pi) ** (2 * lag), (power[0] - 1.0) * (power[later] - 1.0))


def test_slots_are_complex_normal() -> None:
    """Real and imaginary part have variance 1/2 each, are independent, and lag by J0."""
    config = WorldConfig(fading="ar1", num_slots=100_000)
    slots = draw_world(small(), np.random.default_rng(1), config).scattering
    assert isinstance(slots, Slots)
    assert slots.real.shape == slots.imaginary.shape == (1, 100_000, 2)
    np.testing.assert_allclose(np.arange(3) * 0.01, slots.time_s[:3])
    lag = float(special.j0(0.2 * math.pi))
    for part in (slots.real, slots.imaginary):
        path = part[0, :, 1]
        assert 0.5 == pytest.approx(path.var(), rel=0.06)
        assert lag == pytest.approx(np.corrcoef(path[:-1], path[1:])[0, 1], abs=0.005)
        assert stats.kstest(path[::100] * math.sqrt(2.0), "norm").pvalue > 0.01
    assert 0.0 == pytest.approx(np.corrcoef(slots.real[0, :, 1], slots.imaginary[0, :, 1])[0, 1], abs=0.05)


@pytest.mark.parametrize("m", [0.5, 1.0, 3.0])
def test_nakagami_fading(m: float) -> None:
    """Mean 1, amount of fading 1 / m, the gamma law, and nothing left from slot to slot."""
    config = WorldConfig(fading="nakagami", nakagami_m=m, num_slots=100_000)
    world = draw_world(small(), np.random.default_rng(2), config)
    recording = world.recorded.fading_db
    assert recording is not None
    power = 10.0 ** (recording.values[:, 1] / 10.0)
    assert_mean(1.0, power)
    assert_mean(1.0 / m, (power - 1.0) ** 2)
    assert stats.kstest(power, stats.gamma(m, scale=1.0 / m).cdf).statistic < 1.628 / math.sqrt(power.size)
    assert_mean(0.0, (power[:-1] - 1.0) * (power[1:] - 1.0))
    for time_s, slot in ((0.0, 0), (0.0151, 1), (1.2345, 123)):
        assert recording.values[slot, 1] == pytest.approx(links(small(), world, time_s).fading_db[1])


def test_no_fading() -> None:
    """0 dB always; the signal is the mean one."""
    world = draw_world(street(), np.random.default_rng(3), WorldConfig(fading="none"))
    for time_s in (0.0, 0.37, 1e4):
        now = links(street(), world, time_s)
        np.testing.assert_array_equal(0.0, now.fading_db)
        np.testing.assert_array_equal(now.mean_snr_db, now.snr_db)


def leaves(world: World) -> list[np.ndarray]:
    """List all numbers of a world."""
    return [np.asarray(part) for part in jax.tree.leaves(world)]


# mobile-env draws the same world from seeds 1 and 2, and two from seed 1.
@pytest.mark.parametrize("fading", ["clarke", "ar1", "nakagami"])
def test_the_same_seed_is_the_same_world(fading: Any) -> None:
    """Bit for bit, as often as it is drawn; another seed is another world, and the key is all there is."""
    config = WorldConfig(fading=fading, num_slots=4, num_legs=2)
    before = (str(np.random.get_state()), random.getstate())
    worlds = [draw_world(street(), np.random.default_rng(seed), config) for seed in (1, 2, 1)]
    for first, other, again in zip(*map(leaves, worlds), strict=True):
        np.testing.assert_array_equal(first, again)
        assert first.shape == other.shape
    signals = [np.asarray(links(street(), world, 1.0).snr_db) for world in worlds]
    assert np.all(signals[0][1:] != signals[1][1:])
    np.testing.assert_array_equal(signals[0], signals[2])
    assert before[0] == str(np.random.get_state())
    assert before[1] == random.getstate()


@pytest.mark.parametrize("fading", ["clarke", "ar1", "nakagami", "none"])
def test_every_kind_of_world_compiles(fading: Any) -> None:
    """From a fleet, a key and a time as arrays to links of the right shapes."""
    at = partial(links_at, config=WorldConfig(fading=fading))
    now = jax.eval_shape(at, jax.tree.map(jnp.asarray, street()), jax.random.key(0), 3.0)
    assert {(5,)} == {part.shape for part in now}
    assert {"bool", "float32"} == {part.dtype.name for part in now}


def test_devices_have_fields_of_their_own() -> None:
    """What one cell meets says nothing about the other, nor shadowing about fading."""
    now = seen(0.0)
    for one, other in (
        ("shadowing_db", "shadowing_db"),
        ("fading_db", "fading_db"),
        ("shadowing_db", "fading_db"),
    ):
        for n, m in ((NEAR, FAR), (FAR, WALLED)):
            related = np.corrcoef(getattr(now, one)[:, n], getattr(now, other)[:, m])[0, 1]
            assert 0.0 == pytest.approx(related, abs=3.0 / math.sqrt(MANY))


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"fading": "rice"}, "`fading` must be one of clarke, ar1, nakagami, none, got 'rice'."),
        ({"num_waves": 2}, "`num_waves` must be at least 3, got 2."),
        ({"num_legs": 0}, "`num_legs` must be at least 1, got 0."),
        ({"num_slots": 1}, "`num_slots` must be at least 2, got 1."),
        ({"nakagami_m": 0.4}, "`nakagami_m` must be finite and at least 0.5, got 0.4."),
        ({"nakagami_m": math.nan}, "`nakagami_m` must be finite and at least 0.5, got nan."),
        ({"doppler_hz": -1.0}, "`doppler_hz` must be finite and at least 0, got -1.0."),
        ({"doppler_hz": math.inf}, "`doppler_hz` must be finite and at least 0, got inf."),
        ({"slot_s": 0.0}, "`slot_s` must be finite and greater than 0, got 0.0."),
        ({"slot_s": math.nan}, "`slot_s` must be finite and greater than 0, got nan."),
    ],
)
def test_what_cannot_be_drawn_is_refused(setting: dict[str, Any], text: str) -> None:
    """The sentence names the setting and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        WorldConfig(**setting)


@pytest.mark.parametrize("fading", ["clarke", "ar1", "nakagami", "none"])
def test_the_least_settings_can_be_drawn(fading: Any) -> None:
    """What a config takes, a world is drawn from."""
    config = WorldConfig(fading=fading, num_waves=3, num_legs=1, num_slots=2, nakagami_m=0.5, doppler_hz=0.0)
    now = links_at(street(), np.random.default_rng(0), 123.4, config)
    assert np.all(np.isfinite(now.snr_db))


def test_a_gateway_draws_and_reads_without_jax() -> None:
    """With a NumPy generator no JAX is loaded, nor SciPy but for the coefficient of AR(1)."""
    code = """
import sys
import numpy as np
from net4moe.network import PRESETS, WorldConfig, adapted, draw_world, fleet_arrays, interfered, links, send
fleet = fleet_arrays(PRESETS["leo"].devices)
for fading in ("clarke", "nakagami", "none", "ar1"):
    assert fading == "ar1" or "scipy" not in sys.modules
    world = draw_world(fleet, np.random.default_rng(0), WorldConfig(fading=fading))
    now = interfered(fleet, links(fleet, world, 5.0), np.ones(8, bool))
    send(fleet, adapted(fleet, now, now.mean_snr_db), 1000.0)
assert "jax" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (0, "") == (done.returncode, done.stderr)
