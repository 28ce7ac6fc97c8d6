"""Rules that need no learning: what a learned policy has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from net4moe.environment.bounds import best_given_observation, upper_bound
from net4moe.environment.observation import best_allowed, device_feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jaxtyping import Float, Int

    from net4moe.environment.decisions import Decisions, Policy

__all__ = [
    "BASELINES",
    "LEGEND",
    "best_expert",
    "fixed_device",
    "highest_expectation",
    "lowest_cost",
    "random_selection",
    "round_robin",
    "strongest_link",
]


def random_selection(decisions: Decisions) -> Int[Any, "*batch"]:
    """Draw one of the allowed devices, each as likely as the others."""
    mask = decisions.observation.device_mask
    xp = mask.__array_namespace__()
    rank = xp.cumulative_sum(mask.astype(xp.int32), axis=-1)
    num_allowed = rank[..., -1]
    drawn = xp.floor(decisions.uniform * num_allowed).astype(xp.int32)
    wanted = xp.minimum(drawn, num_allowed - 1) + 1  # u N can round up to N
    return xp.argmax(mask & (rank == wanted[..., None]), axis=-1)


def round_robin(decisions: Decisions) -> Int[Any, "*batch"]:
    """Take the devices in turn, over all decisions, and skip one that is not allowed."""
    mask = decisions.observation.device_mask
    wait = (_indices(decisions) - decisions.turn[..., None]) % mask.shape[-1]
    return best_allowed(-wait * 1.0, mask)


def fixed_device(device_index: int) -> Policy:
    """Make the rule that always takes one device, or the next allowed one."""

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        mask = decisions.observation.device_mask
        wait = (_indices(decisions) - device_index) % mask.shape[-1]
        return best_allowed(-wait * 1.0, mask)

    return choose


def strongest_link(decisions: Decisions) -> Int[Any, "*batch"]:
    """Take the device with the highest signal-to-noise ratio; the local one only where it must."""
    observation = decisions.observation
    snr = device_feature(observation, "snr") - 1e3 * device_feature(observation, "local")
    return best_allowed(snr, observation.device_mask)


def best_expert(decisions: Decisions) -> Int[Any, "*batch"]:
    """Take the device whose history promises the highest score for the subtask's field."""
    observation = decisions.observation
    return best_allowed(device_feature(observation, "expected_score"), observation.device_mask)


def lowest_cost(decisions: Decisions) -> Int[Any, "*batch"]:
    """Take the device with the lowest expected compute and transfer cost."""
    return best_allowed(-_expected_cost(decisions), decisions.observation.device_mask)


def highest_expectation(quality_weight: float = 1.0) -> Policy:
    """Make the rule that takes the greatest expected reward: weighted expected score minus expected cost.

    It knows what a learned policy has to find out, the weights of the reward, and is the best that can be
    done with the devices' histories alone: a choice does not influence what comes next.
    """

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        score = 5.0 + 2.0 * device_feature(observation, "expected_score")
        return best_allowed(quality_weight * score - _expected_cost(decisions), observation.device_mask)

    return choose


def _expected_cost(decisions: Decisions) -> Float[Any, "*batch N"]:
    observation = decisions.observation
    compute_cost = device_feature(observation, "expected_compute_cost")
    return compute_cost + device_feature(observation, "expected_transfer_cost")


def _indices(decisions: Decisions) -> Int[Any, " N"]:
    mask = decisions.observation.device_mask
    return mask.__array_namespace__().arange(mask.shape[-1])


BASELINES: Mapping[str, Policy] = {
    "upper_bound": upper_bound,
    "best_given_observation": best_given_observation,
    "round_robin": round_robin,
    "random_selection": random_selection,
    "strongest_link": strongest_link,
    "best_expert": best_expert,
    "lowest_cost": lowest_cost,
    "highest_expectation": highest_expectation(),
}
"""The rules that need no choice of their own, by name."""

LEGEND: Mapping[str, str] = {
    "upper_bound": "Upper bound",
    "sac": "Proposed DRL",
    "round_robin": "Benchmark (round robin)",
    "random_selection": "Random selection",
    "best_given_observation": "Best given the observation",
    "strongest_link": "Strongest link",
    "best_expert": "Best expert",
    "lowest_cost": "Lowest cost",
    "highest_expectation": "Highest expectation",
    "fixed_device": "Fixed device",
}
"""What a figure calls each policy. The paper does not define its "Benchmark"; we read it as round robin."""
