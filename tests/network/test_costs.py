"""Times and costs by hand, against a slow reference, and in general."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from net4moe.network import (
    DeviceConfig,
    Fleet,
    compute_cost,
    fleet_arrays,
    load_bits,
    sending_time_s,
    transfer_cost,
    transfer_time_s,
)

FLEET = fleet_arrays(
    (
        DeviceConfig(name="phone", expert="plot", local=True),
        DeviceConfig(name="tv", expert="plot", bandwidth_hz=10_000.0),
        DeviceConfig(name="car", expert="plot", bandwidth_hz=40_000.0),
    )
)
NUMBERS = st.floats(0, 1e4)


def test_load_time_and_price_by_hand() -> None:
    """100 words of 48 bits over 9,600 bit/s take half a second, 3 reward units at 6 per second."""
    load = load_bits(np.array([100.0]))
    time_s = transfer_time_s(load, np.array([9_600.0]))
    np.testing.assert_array_equal([4_800.0], load)
    np.testing.assert_array_equal([0.5], time_s)
    np.testing.assert_array_equal([3.0], transfer_cost(time_s, 6.0))
    np.testing.assert_array_equal([2.0], compute_cost(np.array([100.0]), np.array([0.02])))


def test_a_dead_link_takes_for_ever() -> None:
    """A rate of 0 gives an infinite time and cost, but a free air stays free."""
    time_s = transfer_time_s(np.array([10.0, 0.0]), np.array([0.0, 0.0]))
    np.testing.assert_array_equal([math.inf, math.inf], time_s)
    np.testing.assert_array_equal([math.inf, math.inf], transfer_cost(time_s, 2.0))
    np.testing.assert_array_equal([0.0, 0.0], transfer_cost(time_s, 0.0))


def test_the_local_device_sends_nothing() -> None:
    """At 0 dB a link of 10 kHz carries 10 kbit/s; the local device takes no time."""
    time_s = sending_time_s(FLEET, np.full(3, 100.0, np.float32), np.zeros(3, np.float32))
    np.testing.assert_allclose([0.0, 0.48, 0.12], time_s, rtol=1e-6)


@given(st.floats(-20, 40), NUMBERS, st.floats(0, 20), NUMBERS)
def test_more_words_cost_more_and_better_links_less(
    snr_db: float, words: float, extra_db: float, extra_words: float
) -> None:
    """Times are finite, not negative, monotone in words, antitone in bandwidth and signal."""
    snr = np.full(3, snr_db)
    time_s = sending_time_s(FLEET, np.full(3, words), snr)
    assert np.all(np.isfinite(time_s))
    assert np.all(time_s >= 0)
    assert time_s[2] <= time_s[1]
    assert np.all(sending_time_s(FLEET, np.full(3, words + extra_words), snr) >= time_s)
    assert np.all(sending_time_s(FLEET, np.full(3, words), snr + extra_db) <= time_s)
    price = compute_cost(np.array([words, words + extra_words]), np.array([0.01, 0.01]))
    assert 0 <= price[0] <= price[1]


def test_eager_jitted_and_batched_agree_with_a_slow_reference() -> None:
    """A float64 loop written from the formula gives the same times as every way to call it."""
    rng = np.random.default_rng(0)
    words = rng.uniform(1, 100, (5, 3)).astype(np.float32)
    snr_db = rng.uniform(-5, 25, (5, 3)).astype(np.float32)
    expected = np.zeros((5, 3))
    for b in range(5):
        for n in (1, 2):
            rate_bps = float(FLEET.bandwidth_hz[n]) * math.log2(1 + 10 ** (float(snr_db[b, n]) / 10))
            expected[b, n] = float(words[b, n]) * 48 / rate_bps
    fleet = Fleet(*map(jnp.asarray, FLEET))
    inputs = (jnp.asarray(words), jnp.asarray(snr_db))
    np.testing.assert_allclose(expected, sending_time_s(FLEET, words, snr_db), rtol=1e-5)
    np.testing.assert_allclose(expected, sending_time_s(fleet, *inputs), rtol=1e-5)
    np.testing.assert_allclose(expected, jax.jit(sending_time_s)(fleet, *inputs), rtol=1e-5)
    np.testing.assert_allclose(expected, jax.vmap(sending_time_s, (None, 0, 0))(fleet, *inputs), rtol=1e-5)
