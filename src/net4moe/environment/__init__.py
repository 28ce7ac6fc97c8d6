"""The decision problem: outcomes, observation, reward, bounds. The environment in JAX is `selection`."""

from net4moe.environment.bounds import best_given_observation, upper_bound
from net4moe.environment.decisions import Decisions, Policy, evaluate
from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, Observation, encode
from net4moe.environment.outcomes import Expectations, Outcomes
from net4moe.environment.reward import RewardConfig

__all__ = [
    "CONTEXT_FEATURES",
    "DEVICE_FEATURES",
    "Decisions",
    "Expectations",
    "Observation",
    "Outcomes",
    "Policy",
    "RewardConfig",
    "best_given_observation",
    "encode",
    "evaluate",
    "upper_bound",
]
