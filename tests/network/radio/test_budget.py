"""Noise, received power and interference by hand and by loops."""

import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.network.radio import budget


def test_noise_of_the_table() -> None:
    """Thermal noise at 290 K, and the -174 dBm/Hz of the standards over the usual bandwidths."""
    assert budget.thermal_density_dbm_hz() == pytest.approx(-173.9752, abs=5e-5)
    bandwidth_hz = np.array([180e3, 1e6, 5e6, 10e6, 20e6, 100e6])
    np.testing.assert_allclose(
        [-121.447, -114.000, -107.010, -104.000, -100.990, -94.000],
        budget.noise_power_dbm(bandwidth_hz),
        atol=5e-4,
    )
    assert budget.noise_power_dbm(20e6, 9.0) == pytest.approx(-91.9897, abs=5e-5)


def test_the_exact_density_can_be_asked_for() -> None:
    """It lies 0.0248 dB above the rounded one."""
    exact = budget.noise_power_dbm(1.0, density_dbm_hz=budget.thermal_density_dbm_hz())
    assert exact - budget.noise_power_dbm(1.0) == pytest.approx(0.0248, abs=5e-5)
    assert budget.thermal_density_dbm_hz(2900.0) == pytest.approx(-163.9752, abs=5e-5)


def test_a_budget_by_hand() -> None:
    """23 dBm less 100 dB, 3 dB of gain and 2 dB of luck, over -95 dBm of noise."""
    received_dbm = budget.received_power_dbm(23.0, 3.0, 100.0, 2.0)
    assert received_dbm == -72.0
    assert budget.snr_db(received_dbm, -95.0) == 23.0


def test_interference_by_hand() -> None:
    """The first two share a band; the third has its own; the fourth shares it but is silent."""
    same_band = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]], bool)
    ratios = budget.sinr(
        np.array([4.0, 2.0, 3.0, 6.0]), np.ones(4), same_band, np.array([True, True, True, False])
    )
    np.testing.assert_allclose([4 / 3, 2 / 5, 3.0, 6 / 4], ratios, rtol=1e-12)


def test_a_weak_disturber_is_not_lost_beside_a_strong_signal() -> None:
    """Interference is summed without the signal: 32-bit floats would swallow it in a difference."""
    received_w = np.array([1.0, 1e-9], np.float32)
    ratios = budget.sinr(received_w, np.full(2, 1e-12, np.float32), np.ones((2, 2), bool), np.ones(2, bool))
    np.testing.assert_allclose([1 / 1.001e-9, 1e-9], ratios, rtol=1e-6)


@pytest.mark.parametrize("num_devices", [1, 8, 50])
def test_jax_and_numpy_agree_with_a_loop(num_devices: int) -> None:
    """Random bands and silences, one device at a time."""
    draws = np.random.default_rng(num_devices)
    received_w, noise_w = draws.exponential(size=(2, 3, num_devices)) + 1e-3
    band = draws.integers(0, 3, (3, num_devices))
    same_band = band[:, :, None] == band[:, None, :]
    active = draws.uniform(size=(3, num_devices)) < 0.5
    expected = np.empty_like(received_w)
    for world in range(3):
        for n in range(num_devices):
            heard = [
                received_w[world, m]
                for m in range(num_devices)
                if m != n and active[world, m] and band[world, m] == band[world, n]
            ]
            expected[world, n] = received_w[world, n] / (noise_w[world, n] + math.fsum(heard))
    given_ = (received_w, noise_w, same_band, active)
    np.testing.assert_allclose(expected[0], budget.sinr(*(array[0] for array in given_)), rtol=1e-12)
    with jax.enable_x64(True):
        worlds = jax.jit(jax.vmap(budget.sinr))(*(jnp.asarray(array) for array in given_))
        np.testing.assert_allclose(expected, worlds, rtol=1e-12)
        noise_dbm = jax.jit(budget.noise_power_dbm)(jnp.asarray([1e6, 20e6]), jnp.asarray([5.0, 9.0]))
    by_numpy = budget.noise_power_dbm(np.array([1e6, 20e6]), np.array([5.0, 9.0]))
    np.testing.assert_allclose(by_numpy, noise_dbm, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: budget.noise_power_dbm(0.0), "`bandwidth_hz` must be finite and greater than 0, got 0.0."),
        (
            lambda: budget.noise_power_dbm(np.array([1e6, math.nan])),
            "`bandwidth_hz` must be finite and greater than 0, got nan.",
        ),
        (
            lambda: budget.noise_power_dbm(1e6, -1.0),
            "`noise_figure_db` must be finite and at least 0, got -1.0.",
        ),
        (
            lambda: budget.thermal_density_dbm_hz(0.0),
            "`temperature_k` must be finite and greater than 0, got 0.0.",
        ),
        (
            lambda: budget.sinr(np.ones(2), np.zeros(2), np.ones((2, 2), bool), np.ones(2, bool)),
            "`noise_w` must be finite and greater than 0, got 0.0.",
        ),
        (
            lambda: budget.sinr(np.array([-1.0]), np.ones(1), np.ones((1, 1), bool), np.ones(1, bool)),
            "`received_w` must be finite and at least 0, got -1.0.",
        ),
    ],
)
def test_what_cannot_be_is_refused(call: Any, text: str) -> None:
    """The sentence names the argument and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
