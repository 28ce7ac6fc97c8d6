"""Ways to choose a device: rules, and a trained policy that runs on NumPy. Training is `sac`, in JAX."""

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
from net4moe.policy.inference import SelectionPolicy
from net4moe.policy.sac_config import SACConfig

__all__ = [
    "BASELINES",
    "LEGEND",
    "Checkpoint",
    "SACConfig",
    "SelectionPolicy",
    "best_expert",
    "fixed_device",
    "highest_expectation",
    "lowest_cost",
    "random_selection",
    "round_robin",
    "strongest_link",
]
