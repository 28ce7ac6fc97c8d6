"""What only soft actor-critic refuses."""

import re

import pytest

from net4moe.policy import SACConfig


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"num_random_epochs": -1}, "`num_random_epochs` must be at least 0, got -1."),
        ({"batch_size": 0}, "`batch_size` must be at least 1, got 0."),
        (
            {"actor_learning_rate": float("nan")},
            "`actor_learning_rate` must be finite and greater than 0, got nan.",
        ),
        ({"polyak": 2.0}, "`polyak` must be from 0 to 1, got 2.0."),
        (
            {"initial_temperature": 20.0},
            "`initial_temperature` must lie between `least_temperature` and `greatest_temperature`, "
            "got 20.0, 0.001 and 10.0.",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(setting: dict[str, int | float], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        SACConfig(**setting)  # pyright: ignore[reportArgumentType]
