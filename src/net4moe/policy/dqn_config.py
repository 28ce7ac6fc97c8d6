"""How deep Q-learning learns; without JAX, so that a command line can show it at once."""

from dataclasses import dataclass

from net4moe.policy import config_rules as rules

__all__ = ["DQNConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DQNConfig:
    """How to learn. All numbers are static: another value compiles again."""

    num_epochs: int = 2_000
    """Epochs: each plays on in `num_envs` environments side by side and then updates."""
    num_envs: int = 16
    """Environments played side by side."""
    num_rollout_steps: int = 4
    """Choices in each environment in one epoch; episodes go on from one epoch to the next."""
    num_updates: int = 2
    """Updates of the network in one epoch."""
    batch_size: int = 128
    """Transitions in one update."""
    num_kept_epochs: int = 400
    """Epochs whose transitions the replay ring keeps."""
    num_hidden: int = 32
    """Units in each hidden layer of the network."""
    num_heads: int = 0
    """Heads of attention in the network, a divisor of `num_hidden`; 0 pools instead."""
    learning_rate: float = 3e-3
    """Step size."""
    last_learning_rate_ratio: float = 0.05
    """The step size falls linearly to this share of what it was."""
    discount: float = 0.99
    """What the next choice's reward is worth now."""
    polyak: float = 0.02
    """Share by which the target network moves towards the network at each update."""
    first_random_share: float = 1.0
    """Share of choices that are drawn by lot at first."""
    last_random_share: float = 0.05
    """Share of choices that are drawn by lot from the middle of the training on; falls linearly until then."""
    evaluation_interval: int = 20
    """Epochs between two evaluations; divides `num_epochs`."""
    num_evaluation_episodes: int = 256
    """Episodes of the fixed tapes on which the greedy policy is evaluated."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        rules.require_schedule(self)
        rules.require_network(self)
        rules.require_counts(self, "num_updates", "batch_size", "num_kept_epochs")
        rules.require_positive(self, "learning_rate")
        rules.require_shares(
            self, "last_learning_rate_ratio", "discount", "polyak", "first_random_share", "last_random_share"
        )
