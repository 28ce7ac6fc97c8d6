"""Times and costs by hand, against a slow reference, and in general."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.network import (
    DeviceConfig,
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
    fleet = jax.tree.map(jnp.asarray, FLEET)
    inputs = (jnp.asarray(words), jnp.asarray(snr_db))
    np.testing.assert_allclose(expected, sending_time_s(FLEET, words, snr_db), rtol=1e-5)
    np.testing.assert_allclose(expected, sending_time_s(fleet, *inputs), rtol=1e-5)
    np.testing.assert_allclose(expected, jax.jit(sending_time_s)(fleet, *inputs), rtol=1e-5)
    np.testing.assert_allclose(expected, jax.vmap(sending_time_s, (None, 0, 0))(fleet, *inputs), rtol=1e-5)


WORDS = st.floats(0, 1e9, allow_subnormal=True)
BANDWIDTH_HZ = st.floats(0, exclude_min=True, max_value=1e12, allow_subnormal=True)


@given(WORDS, WORDS, BANDWIDTH_HZ, st.floats(1, 100), st.floats(-40, 80))
def test_costs_over_the_whole_domain(
    words: float, extra_words: float, bandwidth_hz: float, factor: float, snr_db: float
) -> None:
    """From 5e-324 words over 5e-324 Hz on: finite, not negative, monotone in words, antitone in bandwidth."""
    loads = np.array([words, words + extra_words, words])
    widths = np.array([bandwidth_hz, bandwidth_hz, bandwidth_hz * factor])
    for dtype in (np.float64, np.float32):
        if dtype(bandwidth_hz) == 0:
            continue
        fleet = FLEET._replace(bandwidth_hz=widths.astype(dtype), local=np.zeros(3, bool))
        time_s = sending_time_s(fleet, loads.astype(dtype), np.full(3, snr_db, dtype))
        price = compute_cost(loads.astype(dtype), np.full(3, 0.01, dtype))
        for cost in (time_s, transfer_cost(time_s, 5.0), price):
            assert np.all(np.isfinite(cost))
            assert np.all(cost >= 0)
            assert cost[1] >= cost[0]
        assert time_s[2] <= time_s[0]


def test_the_least_bandwidth_in_jax() -> None:
    """Where the compiler reads subnormal numbers as 0, a slow link still is no dead one."""
    fleet = FLEET._replace(bandwidth_hz=jnp.array([1e-42, 1.0]), local=jnp.zeros(2, bool))
    time_s = jax.jit(sending_time_s)(fleet, jnp.full(2, 100.0), jnp.zeros(2))
    assert np.all(np.isfinite(time_s))
    assert time_s[0] >= time_s[1]


def test_refused_numbers() -> None:
    """Each sentence names what is wrong and the first such value."""
    words, snr_db = np.full(3, 10.0), np.zeros(3)
    with pytest.raises(ValueError, match=r"^`words` must be finite and at least 0, got -1.0\.$"):
        sending_time_s(FLEET, -words / 10.0, snr_db)
    with pytest.raises(ValueError, match=r"^`snr_db` must be finite, got nan\.$"):
        sending_time_s(FLEET, words, snr_db * math.nan)
    with pytest.raises(ValueError, match=r"^`bandwidth_hz` must be finite and greater than 0, got 0.0\.$"):
        sending_time_s(FLEET._replace(bandwidth_hz=np.zeros(3)), words, snr_db)
    with pytest.raises(ValueError, match=r"^`load_bits` must be finite and at least 0, got nan\.$"):
        transfer_time_s(math.nan, 1.0)
    with pytest.raises(ValueError, match=r"^`rate_bps` must be finite and at least 0, got -5.0\.$"):
        transfer_time_s(1.0, -5.0)
    with pytest.raises(ValueError, match=r"^`time_s` must be a number and at least 0, got -2.0\.$"):
        transfer_cost(np.array([1.0, -2.0]), 1.0)
    with pytest.raises(ValueError, match=r"^`words` must be finite and at least 0, got inf\.$"):
        compute_cost(math.inf, 1.0)
    with pytest.raises(ValueError, match=r"^`cost_per_word` must be finite and at least 0, got -0.5\.$"):
        compute_cost(1.0, -0.5)
