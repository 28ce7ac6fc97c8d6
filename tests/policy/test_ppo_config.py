"""What only proximal policy optimisation refuses."""

import re

import pytest

from net4moe.policy.ppo_config import PPOConfig


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"num_passes": 0}, "`num_passes` must be at least 1, got 0."),
        ({"clip": 0.0}, "`clip` must be finite and greater than 0, got 0.0."),
        ({"trace_decay": 1.5}, "`trace_decay` must be from 0 to 1, got 1.5."),
        (
            {"num_envs": 3, "num_rollout_steps": 5, "num_batches": 4},
            "`num_batches` must divide `num_envs` times `num_rollout_steps`, got 4 and 15.",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(setting: dict[str, int | float], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        PPOConfig(**setting)  # pyright: ignore[reportArgumentType]
