"""Ways to choose a device: rules, and a trained policy on NumPy. Training is `sac`, `ppo` and `dqn`, in JAX."""

from net4moe.policy.baselines import (
    BASELINES,
    LEGEND,
    best_expert,
    fixed_device,
    highest_expectation,
    lowest_cost,
    random_selection,
    round_robin,
    strongest_link,
)
from net4moe.policy.checkpoint import Checkpoint
from net4moe.policy.dqn_config import DQNConfig
from net4moe.policy.heuristics import HEURISTICS, heuristics, myopic
from net4moe.policy.inference import SelectionPolicy
from net4moe.policy.ppo_config import PPOConfig
from net4moe.policy.sac_config import SACConfig

__all__ = [
    "BASELINES",
    "HEURISTICS",
    "LEGEND",
    "Checkpoint",
    "DQNConfig",
    "PPOConfig",
    "SACConfig",
    "SelectionPolicy",
    "best_expert",
    "fixed_device",
    "heuristics",
    "highest_expectation",
    "lowest_cost",
    "myopic",
    "random_selection",
    "round_robin",
    "strongest_link",
]
