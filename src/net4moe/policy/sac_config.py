"""How discrete soft actor-critic learns; without JAX, so that a command line can show it at once."""

import math
from dataclasses import dataclass

__all__ = ["SACConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SACConfig:
    """How to learn. All numbers are static: another value compiles again."""

    num_epochs: int = 2_000
    """Epochs: each plays `num_envs` episodes side by side and then updates."""
    num_envs: int = 16
    """Episodes played side by side in one epoch."""
    num_updates: int = 1
    """Updates of all networks in one epoch."""
    batch_size: int = 128
    """Transitions in one update."""
    num_kept_epochs: int = 400
    """Epochs whose transitions the replay ring keeps."""
    num_random_epochs: int = 20
    """First epochs, in which devices are drawn by lot."""
    num_hidden: int = 32
    """Units in each hidden layer of the networks."""
    actor_learning_rate: float = 1e-3
    """Step size of the actor."""
    critic_learning_rate: float = 3e-3
    """Step size of the critics."""
    temperature_learning_rate: float = 3e-3
    """Step size of the logarithm of the temperature."""
    discount: float = 0.95
    """What the next subtask's reward is worth now."""
    polyak: float = 0.01
    """Share by which the target critics move towards the critics at each update."""
    initial_temperature: float = 0.5
    """First weight of the entropy, reward units per nat."""
    least_temperature: float = 1e-3
    """The temperature never falls below it."""
    greatest_temperature: float = 10.0
    """The temperature never rises above it."""
    first_target_entropy_ratio: float = 0.5
    """Entropy to keep at first, as a share of the greatest possible one, log of the allowed devices."""
    last_target_entropy_ratio: float = 0.1
    """Entropy to keep from the middle of the training on; falls linearly until then."""
    evaluation_interval: int = 20
    """Epochs between two evaluations; divides `num_epochs`."""
    num_evaluation_episodes: int = 256
    """Episodes of the fixed tape on which the deterministic policy is evaluated."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        for label in (
            "num_epochs",
            "num_envs",
            "num_updates",
            "batch_size",
            "num_kept_epochs",
            "num_hidden",
            "evaluation_interval",
            "num_evaluation_episodes",
        ):
            if getattr(self, label) < 1:
                message = f"`{label}` must be at least 1, got {getattr(self, label)}."
                raise ValueError(message)
        if self.num_random_epochs < 0:
            message = f"`num_random_epochs` must be at least 0, got {self.num_random_epochs}."
            raise ValueError(message)
        if self.num_epochs % self.evaluation_interval:
            message = (
                f"`num_epochs` must be a multiple of `evaluation_interval`, "
                f"got {self.num_epochs} and {self.evaluation_interval}."
            )
            raise ValueError(message)
        for label in ("actor_learning_rate", "critic_learning_rate", "temperature_learning_rate"):
            if not (math.isfinite(getattr(self, label)) and getattr(self, label) > 0):
                message = f"`{label}` must be finite and greater than 0, got {getattr(self, label)}."
                raise ValueError(message)
        for label in ("discount", "polyak", "first_target_entropy_ratio", "last_target_entropy_ratio"):
            if not 0.0 <= getattr(self, label) <= 1.0:
                message = f"`{label}` must be from 0 to 1, got {getattr(self, label)}."
                raise ValueError(message)
        if not 0.0 < self.least_temperature <= self.initial_temperature <= self.greatest_temperature:
            message = (
                "`initial_temperature` must lie between `least_temperature` and `greatest_temperature`, "
                f"got {self.initial_temperature}, {self.least_temperature} and {self.greatest_temperature}."
            )
            raise ValueError(message)
