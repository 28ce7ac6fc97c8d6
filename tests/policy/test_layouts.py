"""Which arrays a network has."""

import numpy as np
import pytest

from net4moe.policy.attention import AttentionWeights
from net4moe.policy.inference import Weights
from net4moe.policy.layouts import NUM_POINTS, layout


def test_the_pooled_network_by_hand() -> None:
    """3 device and 2 context features, 4 units: 12 + 4 + 16 + 4 + 3 x 16 + 8 + 4 + 3 + 4 + 1 + 4 + 1 numbers."""
    record, shapes = layout(3, 2, 4)
    assert record is Weights
    assert sum(layout(3, 2, 4).sizes) == 109
    assert dict(zip(record._fields, shapes, strict=True))["mix_context"] == (2, 4)


def test_the_attention_network_by_hand() -> None:
    """Two heads share the four units."""
    record, shapes = layout(3, 2, 4, 2)
    named = dict(zip(record._fields, shapes, strict=True))
    assert record is AttentionWeights
    assert named["points"] == (2, NUM_POINTS, 2)
    assert named["queries"] == (2, 4, 2)
    assert named["merge"] == (2, 2, 4)
    assert named["pooled_bias"] == ()


@pytest.mark.parametrize("num_heads", [0, 2])
def test_arrays_lie_one_after_the_other(num_heads: int) -> None:
    """Each begins where the one before ends."""
    laid_out = layout(3, 2, 4, num_heads)
    np.testing.assert_array_equal(np.cumsum(laid_out.sizes)[:-1], laid_out.bounds)
