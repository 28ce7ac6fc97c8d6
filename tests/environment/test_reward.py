"""The reward by hand, and weights that cannot be."""

import math
import re
from typing import Any

import numpy as np
import pytest

from net4moe.environment import RewardConfig
from net4moe.environment.reward import weigh
from net4moe.network import load_bits, shannon_rate_bps, transfer_cost, transfer_time_s


def test_weigh_by_hand() -> None:
    """Twice a score of 8, less 1.5 and 0.25."""
    config = RewardConfig(quality_weight=2.0)
    reward = weigh(
        config, score=np.array([8.0]), compute_cost=np.array([1.5]), transfer_cost=np.array([0.25])
    )
    np.testing.assert_array_equal([14.25], reward)


def test_the_default_price_of_the_air_is_as_documented() -> None:
    """A passage of 60 words costs 0.53 reward units on average over 0 to 20 dB, with a spread of 0.31."""
    snr = 10 ** (np.linspace(0.0005, 19.9995, 20_000) / 10)
    time_s = transfer_time_s(load_bits(np.full_like(snr, 60.0)), shannon_rate_bps(snr, np.array(10_000.0)))
    cost = transfer_cost(time_s, RewardConfig().transfer_cost_per_s)
    assert pytest.approx(cost.mean(), abs=0.005) == 0.53
    assert pytest.approx(cost.std(), abs=0.005) == 0.31


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"quality_weight": -1.0}, "`quality_weight` must be finite and at least 0, got -1.0."),
        ({"transfer_cost_per_s": math.inf}, "`transfer_cost_per_s` must be finite and at least 0, got inf."),
        ({"bits_per_word": 0.0}, "`bits_per_word` must be finite and greater than 0, got 0.0."),
    ],
)
def test_weights_that_cannot_be_are_refused(setting: dict[str, Any], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        RewardConfig(**setting)
