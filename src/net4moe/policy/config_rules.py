"""What every agent's configuration must fulfil."""

import math
from typing import Any

__all__ = ["require_counts", "require_network", "require_positive", "require_schedule", "require_shares"]


def require_counts(config: Any, *labels: str) -> None:
    """Refuse counts below 1."""
    for label in labels:
        if getattr(config, label) < 1:
            message = f"`{label}` must be at least 1, got {getattr(config, label)}."
            raise ValueError(message)


def require_positive(config: Any, *labels: str) -> None:
    """Refuse numbers that are not finite and greater than 0."""
    for label in labels:
        if not (math.isfinite(getattr(config, label)) and getattr(config, label) > 0):
            message = f"`{label}` must be finite and greater than 0, got {getattr(config, label)}."
            raise ValueError(message)


def require_shares(config: Any, *labels: str) -> None:
    """Refuse numbers outside 0 to 1."""
    for label in labels:
        if not 0.0 <= getattr(config, label) <= 1.0:
            message = f"`{label}` must be from 0 to 1, got {getattr(config, label)}."
            raise ValueError(message)


def require_network(config: Any) -> None:
    """Refuse layers without units and heads that do not divide them."""
    require_counts(config, "num_hidden")
    if config.num_heads < 0:
        message = f"`num_heads` must be at least 0, got {config.num_heads}."
        raise ValueError(message)
    if config.num_heads and config.num_hidden % config.num_heads:
        message = (
            f"`num_hidden` must be a multiple of `num_heads`, got {config.num_hidden} and {config.num_heads}."
        )
        raise ValueError(message)


def require_schedule(config: Any) -> None:
    """Refuse epochs that do not divide into chunks."""
    require_counts(
        config,
        "num_epochs",
        "num_envs",
        "num_rollout_steps",
        "evaluation_interval",
        "num_evaluation_episodes",
    )
    if config.num_epochs % config.evaluation_interval:
        message = (
            f"`num_epochs` must be a multiple of `evaluation_interval`, "
            f"got {config.num_epochs} and {config.evaluation_interval}."
        )
        raise ValueError(message)
