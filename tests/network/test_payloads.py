"""Sizes of what is sent, by hand."""

import math

import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.network import load_bits
from net4moe.network.payloads import embedding_bits, hidden_state_bits, image_bits


def test_sizes_by_hand() -> None:
    """Text is small; an image is a hundred times as much, the states of a small model more still."""
    assert load_bits(1000) == 48e3
    assert load_bits(1000, bits_per_word=16.0) == 16e3
    assert image_bits(1920, 1080) == 3_110_400
    assert image_bits(1920, 1080, bits_per_pixel=24) == 49_766_400
    assert embedding_bits(768) == 24_576
    assert embedding_bits(768, bytes_per_value=1) == 6_144
    assert hidden_state_bits(512, 896) == 512 * 896 * 16
    assert hidden_state_bits(512, 896, bytes_per_value=1, compression=4) == 512 * 896 * 2


def test_any_array_library() -> None:
    """Arrays stay arrays of their own kind."""
    words = [0.0, 10.0]
    np.testing.assert_array_equal([0.0, 480.0], load_bits(np.array(words)))
    np.testing.assert_array_equal([0.0, 480.0], load_bits(jnp.array(words)))
    np.testing.assert_array_equal([0.0, 160.0], hidden_state_bits(jnp.array(words), 1.0))


def test_refused_sizes() -> None:
    """Each sentence names what is wrong."""
    with pytest.raises(ValueError, match=r"^`words` must be finite and at least 0, got -1.0\.$"):
        load_bits(np.array([3.0, -1.0]))
    with pytest.raises(ValueError, match=r"^`bits_per_word` must be finite and at least 0, got nan\.$"):
        load_bits(3.0, math.nan)
    with pytest.raises(ValueError, match=r"^`width_px` must be finite and at least 0, got inf\.$"):
        image_bits(math.inf, 10)
    with pytest.raises(ValueError, match=r"^`height_px` must be finite and at least 0, got -2\.$"):
        image_bits(10, -2)
    with pytest.raises(ValueError, match=r"^`bits_per_pixel` must be finite and at least 0, got -2\.$"):
        image_bits(10, 10, -2)
    with pytest.raises(ValueError, match=r"^`dimensions` must be finite and at least 0, got -768\.$"):
        embedding_bits(-768)
    with pytest.raises(ValueError, match=r"^`tokens` must be finite and at least 0, got -5\.$"):
        hidden_state_bits(-5, 768)
    with pytest.raises(ValueError, match=r"^`bytes_per_value` must be finite and at least 0, got -2\.$"):
        hidden_state_bits(5, 768, -2)
    with pytest.raises(ValueError, match=r"^`compression` must be finite and at least 1, got 0.5\.$"):
        hidden_state_bits(5, 768, compression=0.5)
