"""Shannon's rate by hand and against a slow reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.network import shannon_rate_bps
from net4moe.units import db_to_linear


@pytest.mark.parametrize(
    ("snr_db", "bits_per_hz"), [(0, 1.0), (10, 3.459432), (20, 6.658211), (30, 9.967226)]
)
def test_published_values(snr_db: float, bits_per_hz: float) -> None:
    """A link at 0 dB carries 1 bit/s in 1 Hz, and so on."""
    rate = shannon_rate_bps(np.array([db_to_linear(snr_db)]), np.array([1.0]))
    np.testing.assert_allclose([bits_per_hz], rate, rtol=1e-6)


def test_a_dead_link_carries_nothing() -> None:
    """Without signal the rate is 0."""
    np.testing.assert_array_equal([0.0], shannon_rate_bps(np.array([0.0]), np.array([1e4])))


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(1, 1e9))
def test_more_signal_or_bandwidth_never_hurts(snr: float, extra: float, bandwidth_hz: float) -> None:
    """The rate is finite, not negative, and grows with both."""
    rate = shannon_rate_bps(np.array([snr, snr + extra, snr]), np.array([1.0, 1.0, 2.0]) * bandwidth_hz)
    assert np.all(np.isfinite(rate))
    assert rate[0] >= 0
    assert rate[1] >= rate[0]
    assert rate[2] >= rate[0]
    assert bandwidth_hz * math.log2(1 + snr) == pytest.approx(rate[0], rel=1e-6, abs=bandwidth_hz * 1e-15)
