"""Links of mixed classes as arrays: one expression for all, and the same as one at a time."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.network import shannon_rate_bps
from net4moe.network.radio.adaptation import RateStep
from net4moe.network.radio.link_arrays import LinkArrays, compile_links, link_block_error, link_rate_bps
from net4moe.network.radio.link_classes import LINK_CLASSES, LORA, NR, PAPER, WIFI, LinkClass
from net4moe.network.radio.rates import TR_36_942_DOWNLINK, truncated_shannon_rate_bps

CLASSES = tuple(LINK_CLASSES.values())
TRUNCATED = LinkClass(
    name="truncated", frequency_hz=1e9, bandwidth_hz=1e6, transmit_power_dbm=20.0, curve=TR_36_942_DOWNLINK
)
TWO_STEPS = LinkClass(
    name="two steps",
    frequency_hz=1e9,
    bandwidth_hz=1e3,
    transmit_power_dbm=20.0,
    curve=(RateStep(threshold_db=0.0, efficiency=0.5), RateStep(threshold_db=5.0, efficiency=1.0)),
    back_off_db=1.0,
)


def test_the_staircase_by_hand() -> None:
    """With 1 dB of back-off the steps at 0 and 5 dB begin at 1 and 6 dB."""
    links = compile_links([TWO_STEPS] * 5)
    known_db = np.array([0.999, 1.0, 5.999, 6.0, 90.0])
    np.testing.assert_array_equal([0.0, 500.0, 500.0, 1000.0, 1000.0], link_rate_bps(links, known_db))


def test_ideal_curves() -> None:
    """Shannon at 10 kHz and the truncated curve at 1 MHz beside a link of steps."""
    links = compile_links([PAPER, TRUNCATED, TWO_STEPS])
    rate = link_rate_bps(links, np.full(3, 12.0))
    snr = 10**1.2
    expected = [
        float(shannon_rate_bps(snr, 10e3)),
        float(truncated_shannon_rate_bps(snr, 1e6, TR_36_942_DOWNLINK)),
        1000.0,
    ]
    np.testing.assert_allclose(expected, rate, rtol=1e-12)
    np.testing.assert_array_equal([0.0, 0.0], link_block_error(links, np.full(3, 12.0), rate)[:2])
    np.testing.assert_array_equal([1.0, 1.0], link_block_error(links, np.full(3, 11.9), rate)[:2])
    np.testing.assert_array_equal([1.0] * 3, link_block_error(links, np.full(3, 12.0), np.zeros(3)))


@pytest.mark.parametrize("link", [link for link in CLASSES if link is not PAPER], ids=lambda link: link.name)
def test_at_each_threshold_the_error_is_the_target(link: LinkClass) -> None:
    """The sender at a threshold takes that step and loses what was aimed at; 3 dB less lose far more."""
    assert isinstance(link.curve, tuple)
    links = compile_links([link] * len(link.curve))
    threshold_db = np.array([step.threshold_db for step in link.curve])
    rate = link_rate_bps(links, threshold_db + link.back_off_db + 1e-9)
    np.testing.assert_allclose([step.efficiency * link.bandwidth_hz for step in link.curve], rate)
    np.testing.assert_allclose(link.error_target, link_block_error(links, threshold_db, rate), rtol=1e-6)
    assert np.all(link_block_error(links, threshold_db - 3.0, rate) > 0.9)
    assert np.all(link_block_error(links, threshold_db + 3.0, rate) < 1e-3)


@given(
    st.lists(st.sampled_from((*CLASSES, TRUNCATED, TWO_STEPS)), min_size=1, max_size=6), st.integers(0, 99)
)
def test_a_mixed_fleet_equals_one_link_at_a_time(classes: list[LinkClass], seed: int) -> None:
    """What stands beside a link changes nothing about it."""
    known_db, snr_db = np.random.default_rng(seed).uniform(-25, 45, (2, len(classes)))
    links = compile_links(classes)
    rate = link_rate_bps(links, known_db)
    error = link_block_error(links, snr_db, rate)
    for n, link in enumerate(classes):
        alone = compile_links([link])
        expected = link_rate_bps(alone, known_db[n : n + 1])
        np.testing.assert_allclose(expected[0], rate[n], rtol=1e-12)
        alone_error = link_block_error(alone, snr_db[n : n + 1], expected)[0]
        np.testing.assert_allclose(alone_error, error[n], rtol=1e-9, atol=1e-300)


@given(st.sampled_from(CLASSES), st.floats(-60, 80), st.floats(0, 30), st.floats(-60, 80))
def test_more_signal_is_never_worse(
    link: LinkClass, known_db: float, extra_db: float, actual_db: float
) -> None:
    """More known signal never lowers the rate, more actual signal never raises the error."""
    links = compile_links([link] * 2)
    rate = link_rate_bps(links, np.array([known_db, known_db + extra_db]))
    assert np.all(np.isfinite(rate))
    assert 0 <= rate[0] <= rate[1]
    error = link_block_error(links, np.array([actual_db, actual_db + extra_db]), rate[:1])
    assert np.all((error >= 0) & (error <= 1))
    assert error[1] <= error[0] + 1e-12


@given(
    st.floats(0, exclude_min=True, max_value=1e9, allow_subnormal=True),
    st.floats(1, 8),
    st.floats(-60, 80),
)
def test_the_least_bandwidths(bandwidth_hz: float, factor: float, snr_db: float) -> None:
    """From 5e-324 Hz on: rates are finite, grow with the bandwidth and are 0 only without signal."""
    wide_hz = bandwidth_hz * factor
    for link in (PAPER, NR):
        links = compile_links([link] * 2, bandwidth_hz=[bandwidth_hz, wide_hz])
        rate = link_rate_bps(links, np.full(2, snr_db))
        assert np.all(np.isfinite(rate))
        assert rate[0] <= rate[1]
        assert (rate[0] > 0) == (link_rate_bps(compile_links([link]), np.array([snr_db]))[0] > 0)
        error = link_block_error(links, np.full(2, snr_db), rate)
        assert np.all((error >= 0) & (error <= 1))


def test_bandwidth_of_a_link_instead_of_its_class() -> None:
    """None keeps the class's own; half of it carries half."""
    links = compile_links([NR, NR, LORA], bandwidth_hz=[None, 10e6, None])
    np.testing.assert_array_equal([20e6, 10e6, 125e3], links.bandwidth_hz)
    rate = link_rate_bps(links, np.full(3, 60.0))
    assert rate[0] == pytest.approx(2 * rate[1])


def test_axes_and_precision() -> None:
    """64-bit floats; steps lead and are padded with thresholds that no signal meets."""
    links = compile_links([PAPER, LORA, WIFI])
    assert all(array.dtype == np.float64 for array in links)
    assert links.threshold_db.shape == links.efficiency.shape == links.gap_db.shape == (12, 3)
    assert np.all(np.isinf(links.threshold_db[:, 0]))
    assert np.all(np.isinf(links.threshold_db[6:, 1]))
    assert compile_links([PAPER]).threshold_db.shape == (0, 1)


def test_jax_agrees_with_numpy() -> None:
    """Compiled and batched over moments, to 1e-6."""
    links = compile_links(CLASSES)
    known_db, snr_db = np.random.default_rng(0).uniform(-25, 45, (2, 9, len(CLASSES)))
    expected = link_rate_bps(links, known_db)
    lost = link_block_error(links, snr_db, expected)
    with jax.enable_x64(True):
        arrays = LinkArrays(*map(jnp.asarray, links))
        rate = jax.jit(link_rate_bps)(arrays, jnp.asarray(known_db))
        np.testing.assert_allclose(expected, rate, rtol=1e-6)
        batched = jax.vmap(link_block_error, (None, 0, 0))(arrays, jnp.asarray(snr_db), rate)
        np.testing.assert_allclose(lost, batched, rtol=1e-6, atol=1e-300)


def test_32_bit_floats_keep_rates_and_targets() -> None:
    """In JAX's usual precision a sender at a threshold still takes the step and meets its target."""
    links = LinkArrays(*(jnp.asarray(array, jnp.float32) for array in compile_links([NR] * 28)))
    threshold_db = links.threshold_db[:, 0]
    rate = link_rate_bps(links, threshold_db)
    np.testing.assert_allclose(links.efficiency[:, 0] * 20e6, rate, rtol=1e-6)
    np.testing.assert_allclose(0.1, link_block_error(links, threshold_db, rate), rtol=1e-2)


def test_refused_arrays() -> None:
    """No link, and a bandwidth that is none."""
    with pytest.raises(ValueError, match=r"^`classes` must hold at least 1 link class, got 0\.$"):
        compile_links([])
    with pytest.raises(ValueError, match=r"^`bandwidth_hz` must be finite and greater than 0, got 0.0\.$"):
        compile_links([NR], bandwidth_hz=[0.0])
    with pytest.raises(ValueError, match=r"^`bandwidth_hz` must be finite and greater than 0, got nan\.$"):
        compile_links([NR], bandwidth_hz=[math.nan])
