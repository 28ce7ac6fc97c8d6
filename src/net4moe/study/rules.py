"""The heuristics that agents have to beat, each with a few settings: a rule that nobody tuned is easy to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from net4moe.policy import BASELINES, LEGEND, highest_expectation
from net4moe.policy.baselines import random_selection
from net4moe.policy.heuristics import (
    HEURISTICS,
    cool,
    drift_plus_penalty,
    keep_resident,
    myopic,
    recent_form,
    reserve,
    stick,
    weight_to_latency,
)

if TYPE_CHECKING:
    from net4moe.environment.decisions import Policy
    from net4moe.environment.reward import RewardConfig

__all__ = ["YARDSTICKS", "label_of", "rules_for"]

YARDSTICKS: dict[str, Policy] = {"random_selection": random_selection, "myopic": myopic}
"""What is no rule for use, but says where a scenario begins: chance, and the best without foresight."""

_PLAIN = ("round_robin", "strongest_link", "best_expert", "lowest_cost")
_SETTINGS = {
    "drift_plus_penalty": (drift_plus_penalty, (0.01, 0.05, 0.25)),
    "reserve": (reserve, (0.25, 0.5, 1.0)),
    "keep_resident": (keep_resident, (0.5, 1.0, 4.0)),
    "stick": (stick, (0.5, 1.0, 2.0)),
    "cool": (cool, (0.25, 0.5, 0.75)),
    "recent_form": (recent_form, (0.5, 0.9)),
}
_RATIOS = (0.25, 0.5, 0.75)
_LABELS = {
    "sac": "SAC",
    "ppo": "PPO",
    "dqn": "DQN",
    "mpc": "Planning ahead (MPC)",
    "optimum": "Optimum",
    "bound": "Bound, scores unknown",
    "prophet": "Bound, all known before",
}


def rules_for(prices: RewardConfig) -> dict[str, Policy]:
    """Make the heuristics for the prices of an environment, by name.

    Those that weigh rewards are told what a point of score is worth. A rule with a parameter is there once for
    each of its settings, as `stick 0.5`.
    """
    weight = prices.quality_weight
    tuned = {
        f"{name} {setting:g}": make(setting, quality_weight=weight)
        for name, (make, settings) in _SETTINGS.items()
        for setting in settings
    }
    ratios = {f"weight_to_latency {ratio:g}": weight_to_latency(ratio) for ratio in _RATIOS}
    plain = {name: rule for name, rule in HEURISTICS.items() if name not in (*_SETTINGS, "weight_to_latency")}
    return {
        **{name: BASELINES[name] for name in _PLAIN},
        "highest_expectation": highest_expectation(weight),
        **plain,
        **tuned,
        **ratios,
    }


def label_of(policy: str) -> str:
    """Find the words in the legend for a policy's name, with its setting."""
    name, _, setting = policy.partition(" ")
    words = _LABELS.get(name) or LEGEND.get(name, name)
    return f"{words}, {setting}" if setting else words
