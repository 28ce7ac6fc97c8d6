"""How proximal policy optimisation learns; without JAX, so that a command line can show it at once."""

from dataclasses import dataclass

from net4moe.policy import config_rules as rules

__all__ = ["PPOConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PPOConfig:
    """How to learn. All numbers are static: another value compiles again."""

    num_epochs: int = 600
    """Epochs: each plays on in `num_envs` environments side by side and then learns from what it played."""
    num_envs: int = 32
    """Environments played side by side."""
    num_rollout_steps: int = 64
    """Choices in each environment in one epoch; episodes go on from one epoch to the next."""
    num_passes: int = 4
    """Times that all choices of an epoch are learned from."""
    num_batches: int = 8
    """Parts into which the choices of an epoch are cut for updates; divides their number."""
    num_hidden: int = 32
    """Units in each hidden layer of the networks."""
    num_heads: int = 0
    """Heads of attention in the networks, a divisor of `num_hidden`; 0 pools instead."""
    learning_rate: float = 3e-3
    """Step size of policy and value."""
    last_learning_rate_ratio: float = 0.05
    """The step size falls linearly to this share of what it was."""
    greatest_gradient: float = 0.5
    """The gradient of each network is cut to this length."""
    discount: float = 0.99
    """What the next choice's reward is worth now."""
    trace_decay: float = 0.95
    """Lambda: 0 trusts the value, 1 the rewards that came."""
    clip: float = 0.2
    """Epsilon: how far the probability of a choice may move from what it was, as a share."""
    entropy_weight: float = 0.05
    """Weight of the entropy in the loss, deviations of the advantage per nat; falls linearly to 0."""
    evaluation_interval: int = 5
    """Epochs between two evaluations; divides `num_epochs`."""
    num_evaluation_episodes: int = 256
    """Episodes of the fixed tapes on which the deterministic policy is evaluated."""

    def __post_init__(self) -> None:
        """Refuse what cannot be run."""
        rules.require_schedule(self)
        rules.require_network(self)
        rules.require_counts(self, "num_passes", "num_batches")
        if (self.num_envs * self.num_rollout_steps) % self.num_batches:
            message = (
                "`num_batches` must divide `num_envs` times `num_rollout_steps`, "
                f"got {self.num_batches} and {self.num_envs * self.num_rollout_steps}."
            )
            raise ValueError(message)
        rules.require_positive(self, "learning_rate", "greatest_gradient", "clip")
        rules.require_shares(self, "last_learning_rate_ratio", "discount", "trace_decay", "entropy_weight")
