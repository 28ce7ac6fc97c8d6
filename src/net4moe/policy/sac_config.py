"""How discrete soft actor-critic learns; without JAX, so that a command line can show it at once."""

from dataclasses import dataclass

from net4moe.policy import config_rules as rules

__all__ = ["SACConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SACConfig:
    """How to learn. All numbers are static: another value compiles again."""

    num_epochs: int = 2_000
    """Epochs: each plays on in `num_envs` environments side by side and then updates."""
    num_envs: int = 16
    """Environments played side by side."""
    num_rollout_steps: int = 4
    """Choices in each environment in one epoch; episodes go on from one epoch to the next."""
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
    num_heads: int = 0
    """Heads of attention in the networks, a divisor of `num_hidden`; 0 pools instead."""
    actor_learning_rate: float = 1e-3
    """Step size of the actor."""
    critic_learning_rate: float = 3e-3
    """Step size of the critics."""
    temperature_learning_rate: float = 3e-3
    """Step size of the logarithm of the temperature."""
    last_learning_rate_ratio: float = 0.1
    """Step sizes of actor and critics fall linearly to this share of what they were."""
    discount: float = 0.99
    """What the next choice's reward is worth now."""
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
        rules.require_schedule(self)
        rules.require_network(self)
        rules.require_counts(self, "num_updates", "batch_size", "num_kept_epochs")
        if self.num_random_epochs < 0:
            message = f"`num_random_epochs` must be at least 0, got {self.num_random_epochs}."
            raise ValueError(message)
        rules.require_positive(
            self, "actor_learning_rate", "critic_learning_rate", "temperature_learning_rate"
        )
        rules.require_shares(
            self,
            "last_learning_rate_ratio",
            "discount",
            "polyak",
            "first_target_entropy_ratio",
            "last_target_entropy_ratio",
        )
        if not 0.0 < self.least_temperature <= self.initial_temperature <= self.greatest_temperature:
            message = (
                "`initial_temperature` must lie between `least_temperature` and `greatest_temperature`, "
                f"got {self.initial_temperature}, {self.least_temperature} and {self.greatest_temperature}."
            )
            raise ValueError(message)
