"""The decision problem: outcomes, observation, reward, bounds. The environment in JAX is `selection`."""

from net4moe.environment.bounds import best_given_observation, upper_bound
from net4moe.environment.decisions import AdaptivePolicy, Decisions, Policy
from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, Observation, encode
from net4moe.environment.outcomes import Expectations, Outcomes
from net4moe.environment.reward import RewardConfig

__all__ = [
    "CONTEXT_FEATURES",
    "DEVICE_FEATURES",
    "AdaptivePolicy",
    "Decisions",
    "Expectations",
    "Observation",
    "Outcomes",
    "Policy",
    "RewardConfig",
    "best_given_observation",
    "encode",
    "upper_bound",
]
