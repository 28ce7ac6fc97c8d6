"""What only deep Q-learning refuses."""

import re

import pytest

from net4moe.policy.dqn_config import DQNConfig


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"num_updates": 0}, "`num_updates` must be at least 1, got 0."),
        ({"learning_rate": 0.0}, "`learning_rate` must be finite and greater than 0, got 0.0."),
        ({"first_random_share": 1.5}, "`first_random_share` must be from 0 to 1, got 1.5."),
        ({"last_random_share": -0.5}, "`last_random_share` must be from 0 to 1, got -0.5."),
    ],
)
def test_settings_that_cannot_be_are_refused(setting: dict[str, int | float], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        DQNConfig(**setting)  # pyright: ignore[reportArgumentType]
