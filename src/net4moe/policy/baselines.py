"""Rules that need no learning: what a learned policy has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from net4moe.environment.bounds import best_given_observation, upper_bound
from net4moe.environment.observation import best_allowed, context_feature, device_feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jaxtyping import Bool, Float, Int

    from net4moe.environment.decisions import Decisions, Policy
    from net4moe.environment.observation import Observation

__all__ = [
    "BASELINES",
    "LEGEND",
    "best_among",
    "best_expert",
    "expected_cost",
    "expected_reward",
    "fixed_device",
    "highest_expectation",
    "in_time",
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
    """Take the device with the lowest expected cost of writing, sending and waiting."""
    observation = decisions.observation
    return best_allowed(-expected_cost(observation), observation.device_mask)


def highest_expectation(quality_weight: float = 1.0) -> Policy:
    """Make the rule that takes the greatest expected reward of the choice at hand, `expected_reward`.

    It knows what a learned policy has to find out, the weights of the reward, and believes what the observation
    promises. It ignores what the choice does to the choices after it, and what recent passages told. Where a
    choice does not influence what comes next it is the best that can be done with the devices' histories alone.
    """

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        return best_allowed(expected_reward(observation, quality_weight), observation.device_mask)

    return choose


def expected_reward(
    observation: Observation, quality_weight: float = 1.0, *, above: Float[Any, "*batch N"] | float = 0.0
) -> Float[Any, "*batch N"]:
    """Estimate what each device earns with the subtask at hand, from features alone.

        r_n = importance quality_weight score_n (1 - loss_n) [in time] - compute_n - transfer_n - delay_n

    A passage that is lost or late has no quality and costs as much. Reward units. It ignores prices that no
    feature tells, those of energy, of switching and of a failure, and all that comes next.

    Args:
      observation: what is known before the choice.
      quality_weight: reward units for one point of explicit score, as in `RewardConfig`.
      above: what is known besides of each score, above the expected one, points.
    """
    score = 5.0 + 2.0 * device_feature(observation, "expected_score") + above
    arrives = (1.0 - device_feature(observation, "loss")) * in_time(observation)
    importance = 4.0 * context_feature(observation, "importance")[..., None]
    return quality_weight * importance * score * arrives - expected_cost(observation)


def expected_cost(observation: Observation) -> Float[Any, "*batch N"]:
    """Add up the expected prices of writing, of sending and of waiting, reward units."""
    names = ("expected_compute_cost", "expected_transfer_cost", "expected_delay_cost")
    return sum(device_feature(observation, name) for name in names)


def in_time(observation: Observation) -> Bool[Any, "*batch N"]:
    """Tell which passages are expected before the deadline."""
    slack = context_feature(observation, "slack")[..., None]
    return (device_feature(observation, "delay") <= slack) | (slack == 0.0)


def best_among(
    values: Float[Any, "*batch N"], preferred: Bool[Any, "*batch N"], device_mask: Bool[Any, "*batch N"]
) -> Int[Any, "*batch"]:
    """Pick the greatest value among the preferred devices that are allowed, else among all allowed ones."""
    xp = values.__array_namespace__()
    narrowed = device_mask & preferred
    return best_allowed(values, xp.where(xp.any(narrowed, axis=-1, keepdims=True), narrowed, device_mask))


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
    "myopic": "Best immediate reward",
    "shortest_expected_delay": "Shortest expected delay",
    "least_backlog": "Least backlog",
    "drift_plus_penalty": "Drift plus penalty",
    "reserve": "Battery reserve",
    "keep_resident": "Resident expert (LRU)",
    "stick": "Hysteresis",
    "cool": "Cool devices first",
    "recent_form": "Recent form",
    "weight_to_latency": "Weight to latency (WDMoE)",
    "des": "DES, one expert",
    "sift_moe": "SiftMoE, one expert",
    "lin_ucb": "LinUCB",
    "linear_thompson": "Thompson sampling",
    "discounted_ucb": "Discounted UCB",
    "sliding_window_ucb": "Sliding-window UCB",
}
"""What a figure calls each policy. The paper does not define its "Benchmark"; we read it as round robin."""
