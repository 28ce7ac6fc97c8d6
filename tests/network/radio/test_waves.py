"""Fields have the laws that they are drawn for, and read the same wherever and however they are read."""

import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from net4moe.network import theory
from net4moe.network.radio.waves import Waves, read, read_complex, scattering_waves, shadowing_waves

MANY = 100_000
CRITICAL = 1.628 / math.sqrt(MANY)  # Kolmogorov and Smirnov, 1 %
ERROR = 1 / math.sqrt(MANY)

KEYS = {"numpy": lambda: np.random.default_rng(12), "jax": lambda: jax.random.key(12)}


def channel(waves: Waves, x: Any, y: Any, t: Any = 0.0) -> Any:
    """Read a complex field as complex numbers."""
    real, imaginary = read_complex(waves, x, y, t)
    return np.asarray(real) + 1j * np.asarray(imaginary)


@pytest.mark.parametrize("library", KEYS)
@pytest.mark.parametrize("num_waves", [1, 8])
def test_shadowing_is_standard_normal_everywhere(library: str, num_waves: int) -> None:
    """At the origin and far away, even of one wave: mean, spread and the whole law."""
    waves = shadowing_waves(KEYS[library](), (MANY,), num_waves)
    for x, y in ((0.0, 0.0), (37.0, -90.0)):
        values = np.asarray(read(waves, x, y))
        assert abs(values.mean()) < 3 * ERROR
        assert values.std() == pytest.approx(1.0, abs=min(0.01, 3 * ERROR))
        assert stats.kstest(values, "norm").statistic < CRITICAL


@pytest.mark.parametrize("library", KEYS)
def test_shadowing_has_gudmundsons_correlation(library: str) -> None:
    """exp(-d) in every direction, from a hundredth of the decorrelation distance to four of them."""
    waves = shadowing_waves(KEYS[library](), (MANY,))
    here = np.asarray(read(waves, 3.0, 7.0))
    for distance in (0.01, 0.1, 0.5, 1.0, 2.0, 4.0):
        for turn in (0.1, 0.35):
            x, y = distance * math.cos(2 * math.pi * turn), distance * math.sin(2 * math.pi * turn)
            there = np.asarray(read(waves, 3.0 + x, 7.0 + y))
            assert math.exp(-distance) == pytest.approx((here * there).mean(), abs=0.01)


def test_two_places_are_jointly_normal() -> None:
    """Sum and difference are normal too, as of a normal field."""
    waves = shadowing_waves(np.random.default_rng(2), (MANY,))
    here, there = read(waves, 0.0, 0.0), read(waves, 1.0, 0.0)
    both = (here + there) / math.sqrt(2 + 2 * math.exp(-1))
    assert both.std() == pytest.approx(1.0, abs=3 * ERROR)
    assert stats.kstest(both, "norm").statistic < CRITICAL


@pytest.mark.parametrize("library", KEYS)
def test_scattering_is_rayleigh_fading(library: str) -> None:
    """The power is exponential of mean 1, the phase uniform, the amount of fading 1."""
    h = channel(scattering_waves(KEYS[library](), (MANY,)), 11.3, 4.2, 1.7)
    power = np.abs(h) ** 2
    assert power.mean() == pytest.approx(1.0, abs=3 * ERROR)
    assert power.var() == pytest.approx(1.0, abs=3 * math.sqrt(8) * ERROR)
    assert stats.kstest(power, "expon").statistic < CRITICAL
    assert stats.kstest(np.angle(h) / (2 * math.pi) + 0.5, "uniform").statistic < CRITICAL


@pytest.mark.parametrize(
    ("distance", "time"),
    [(0.05, 0), (0.1, 0), (0.3827, 0), (0.5, 0), (1.0, 0), (0, 0.05), (0, 0.3827), (0, 1.0), (0.1, 0.15)],
)
def test_scattering_has_clarkes_correlation(distance: float, time: float) -> None:
    """J0 over distance, J0 over time, their product over both; no imaginary part."""
    waves = scattering_waves(np.random.default_rng(4), (MANY,))
    got = (channel(waves, 2.0, 5.0, 1.0) * channel(waves, 2.0 + distance, 5.0, 1.0 + time).conj()).mean()
    expected = special.j0(2 * math.pi * distance) * special.j0(2 * math.pi * time)
    assert expected == pytest.approx(got.real, abs=3 * ERROR)
    assert abs(got.imag) < 3 * ERROR


def test_motion_makes_the_doppler_of_the_table() -> None:
    """3.5 GHz at 30 km/h: the correlations of the path after 1, 5, 10 and 20 ms."""
    waves = scattering_waves(np.random.default_rng(6), (MANY,))
    wavelength_m = 299_792_458.0 / 3.5e9
    start = channel(waves, 0.0, 0.0)
    for lag_s, expected in ((1e-3, 0.908741), (5e-3, -0.278589), (10e-3, 0.180569), (20e-3, 0.096040)):
        moved = channel(waves, lag_s * 30 / 3.6 / wavelength_m, 0.0)
        assert expected == pytest.approx((moved * start.conj()).mean().real, abs=3 * ERROR)


@pytest.mark.parametrize("motion", ["device", "scatterers"])
def test_fades_come_and_last_as_rayleigh_fades_do(motion: str) -> None:
    """Rates of level crossings and mean durations over 3000 paths of 4 wavelengths, three standard errors."""
    num_paths, length, step = 3000, 4.0, 0.004
    waves = scattering_waves(jax.random.key(8), (num_paths,))
    along = jnp.arange(0.0, length, step)[:, None]
    by_device = motion == "device"
    real, imaginary = jax.jit(read_complex)(
        waves, 0.6 * along * by_device, 0.8 * along * by_device, along * (not by_device)
    )
    power = np.asarray(real * real + imaginary * imaginary)
    for level in (math.sqrt(0.1), 1.0):
        below = power < level**2
        crossings = (below[1:] & ~below[:-1]).sum(axis=0) / length
        error = crossings.std() / math.sqrt(num_paths)
        missed = 0.004  # dips between two samples
        expected = theory.level_crossing_hz(level, 1.0)
        assert abs(crossings.mean() - expected) < 3 * error + missed * expected
        lasted = below.mean() / crossings.mean()
        share_error = below.mean(axis=0).std() / math.sqrt(num_paths) / below.mean()
        tolerance = 3 * math.hypot(error / expected, share_error) + missed
        assert theory.average_fade_duration_s(level, 1.0) == pytest.approx(lasted, rel=tolerance)


@given(st.integers(0, 2**31), st.integers(3, 12))
def test_directions_are_even_in_every_draw(seed: int, num_waves: int) -> None:
    """The mean squared cosine is 1/2 over any axis, of the device's motion and of the scatterers'."""
    waves = scattering_waves(np.random.default_rng(seed), (2,), num_waves)
    np.testing.assert_allclose(0.5, (waves.turns_per_m_x**2).mean(axis=0), atol=1e-9)
    np.testing.assert_allclose(0.0, (waves.turns_per_m_x * waves.turns_per_m_y).mean(axis=0), atol=1e-9)
    if num_waves not in (3, 4, 6):
        assert waves.turns_per_s is not None
        np.testing.assert_allclose(0.5, (waves.turns_per_s**2).mean(axis=0), atol=1e-9)
        np.testing.assert_allclose(0.0, (waves.turns_per_s * waves.turns_per_m_x).mean(axis=0), atol=1e-9)


@settings(max_examples=30)
@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 50), st.integers(0, 2**31))
def test_readings_are_the_sum_of_the_waves(x: float, y: float, t: float, seed: int) -> None:
    """Term by term with NumPy's own cosine and exponential."""
    draws = np.random.default_rng(seed)
    shadowing, scattering = shadowing_waves(draws, (3,)), scattering_waves(draws, (3,))
    angle = 2 * np.pi * (shadowing.turns_per_m_x * x + shadowing.turns_per_m_y * y + shadowing.phase_turns)
    summed = (shadowing.amplitude * np.cos(angle)).sum(axis=0)
    np.testing.assert_allclose(summed, read(shadowing, x, y, t), atol=1e-7)
    turns = scattering.turns_per_m_x * x + scattering.turns_per_m_y * y + scattering.phase_turns
    angle = 2 * np.pi * (turns + np.asarray(scattering.turns_per_s) * t)
    summed = (scattering.amplitude * np.exp(1j * angle)).sum(axis=0)
    np.testing.assert_allclose(summed, channel(scattering, x, y, t), atol=1e-7)


def test_no_wave_is_too_fine_for_32_bits() -> None:
    """The shortest wave turns 1e5 / (2 pi) times in a decorrelation distance."""
    waves = shadowing_waves(np.random.default_rng(1), (MANY,))
    turns = np.hypot(waves.turns_per_m_x, waves.turns_per_m_y)
    assert turns.max() <= 1e5 / (2 * math.pi) * (1 + 1e-5)
    assert (turns >= 1 / (2 * math.pi)).mean() == pytest.approx(math.sqrt(0.5), abs=3 * ERROR)


def test_a_field_may_be_shared() -> None:
    """Links that read one field find the same at the same place; fields of their own differ."""
    shared = shadowing_waves(np.random.default_rng(3), ())
    x = np.array([1.0, 1.0, 2.0])
    values = read(shared, x, x)
    assert values[0] == values[1] != values[2]
    own = read(shadowing_waves(np.random.default_rng(3), (3,)), x, x)
    assert own[0] != own[1]


def test_still_scatterers_may_be_asked_for() -> None:
    """Without their motion time changes nothing."""
    waves = scattering_waves(np.random.default_rng(3), (4,))._replace(turns_per_s=None)
    np.testing.assert_array_equal(channel(waves, 1.0, 2.0, 0.0), channel(waves, 1.0, 2.0, 9.0))


@pytest.mark.parametrize("draw", [shadowing_waves, scattering_waves])
def test_jax_and_numpy_agree(draw: Any) -> None:
    """The same waves read by both libraries, compiled and mapped over worlds; a world has its key's waves."""
    with jax.enable_x64(True):
        keys = jax.random.split(jax.random.key(5), 20)
        worlds = jax.jit(jax.vmap(lambda key: draw(key, (8,)), out_axes=-1))(keys)
        x, y, t = jax.random.uniform(jax.random.key(6), (3, 8, 20)) * 50
        for reader in (read, read_complex):
            mapped = jax.jit(jax.vmap(reader, in_axes=-1, out_axes=-1))(worlds, x, y, t)
            by_numpy = reader(jax.tree.map(np.asarray, worlds), np.asarray(x), np.asarray(y), np.asarray(t))
            np.testing.assert_allclose(by_numpy, mapped, rtol=1e-6, atol=1e-9)
        again = jax.jit(lambda key: draw(key, (8,)))(keys[3])
    np.testing.assert_allclose(again.amplitude, worlds.amplitude[..., 3], rtol=1e-12)
    np.testing.assert_allclose(again.turns_per_m_x, worlds.turns_per_m_x[..., 3], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(("draw", "num_waves", "least"), [(shadowing_waves, 0, 1), (scattering_waves, 2, 3)])
def test_too_few_waves_are_refused(draw: Any, num_waves: int, least: int) -> None:
    """The sentence says how many it takes."""
    text = f"`num_waves` must be at least {least}, got {num_waves}."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        draw(np.random.default_rng(0), (2,), num_waves)
