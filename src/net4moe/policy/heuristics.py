"""Rules that look at what a choice changes: queues, batteries, memories, heat, links, deadlines.

Each is a formula of the observation; none plans ahead or learns. Those that weigh rewards estimate them by
`expected_reward`, and are told what a point of score is worth, as `highest_expectation` is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from net4moe.environment.bounds import best_given_observation
from net4moe.environment.observation import GREATEST_AGE, best_allowed, context_feature, device_feature
from net4moe.policy.baselines import best_among, expected_reward
from net4moe.policy.subset_rules import des, gate_weights, sift_moe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jaxtyping import Int

    from net4moe.environment.decisions import Decisions, Policy

__all__ = [
    "HEURISTICS",
    "cool",
    "drift_plus_penalty",
    "heuristics",
    "keep_resident",
    "least_backlog",
    "myopic",
    "recent_form",
    "reserve",
    "shortest_expected_delay",
    "stick",
    "weight_to_latency",
]

_LEAST_DELAY = 1e-4

myopic = best_given_observation
"""Take the greatest mean reward of the choice at hand: what a perfect contextual bandit would do. It ignores what
the choice does to the choices after it; what the best policy earns above it is the worth of planning."""


def shortest_expected_delay(decisions: Decisions) -> Int[Any, "*batch"]:
    """Take the device from which the passage is expected first: argmin_n delay_n.

    SED, Shenker and Weinrib (1989), IEEE Transactions on Computers 38(12), with the time on the air added to
    waiting, loading and writing. It knows queues, speeds and links; it ignores quality, prices, charge and heat.
    """
    observation = decisions.observation
    return best_allowed(-device_feature(observation, "delay"), observation.device_mask)


def least_backlog(decisions: Decisions) -> Int[Any, "*batch"]:
    """Take the device with the least work that waits: argmin_n backlog_n, the first of equal ones.

    Join the shortest queue, optimal for equal servers: Winston (1977), Journal of Applied Probability 14(1).
    It knows queues in seconds; it ignores all else, the speeds and the links too.
    """
    observation = decisions.observation
    return best_allowed(-device_feature(observation, "backlog"), observation.device_mask)


def drift_plus_penalty(trade_off: float = 0.05, *, quality_weight: float = 1.0) -> Policy:
    """Make the Lyapunov rule: as much reward as there is without letting queues grow.

        argmax_n  V r_n - (Q_n + H_n) w_n - E_n e_n

    Neely (2010), Stochastic Network Optimization, chapter 4; the energy queue after Huang and Neely (2013),
    IEEE/ACM Transactions on Networking 21(4). Each queue is multiplied by what the choice adds to it, all in
    units of the features:

        Q_n = backlog                  work that waits        w_n = max(delay - backlog, 0)    work of the subtask
        E_n = 1 - charge               energy that is missing e_n = charge_needed
        H_n = temperature              heat above rest        grows with w_n too
        r_n = `expected_reward`, V = `trade_off`

    The heat queue is ours. It knows no statistics of what comes and needs none; it ignores the time that is left
    and which expert a device would lose.

    Args:
      trade_off: V, what a reward unit is worth in products of queue and arrival, greater than 0; more of it
        bears longer queues.
      quality_weight: reward units for one point of explicit score.
    """
    if not (math.isfinite(trade_off) and trade_off > 0):
        message = f"`trade_off` must be finite and greater than 0, got {trade_off}."
        raise ValueError(message)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        backlog = device_feature(observation, "backlog")
        xp = backlog.__array_namespace__()
        work = xp.maximum(device_feature(observation, "delay") - backlog, 0.0)
        missing_charge = 1.0 - device_feature(observation, "charge")
        drift = (backlog + device_feature(observation, "temperature")) * work
        drift = drift + missing_charge * device_feature(observation, "charge_needed")
        values = trade_off * expected_reward(observation, quality_weight) - drift
        return best_allowed(values, observation.device_mask)

    return choose


def reserve(share: float = 0.7, important: float = 2.0, *, quality_weight: float = 1.0) -> Policy:
    """Make the rule that keeps charge for subtasks that matter.

    A device on its battery takes a subtask of importance `important` or more, and else only where enough is
    left:

        open_n = charge_needed_n = 0  or  importance >= important
                 or  charge_n - charge_needed_n >= share episode_share_left

    Highest expectation among the open devices; among all where none is open. A threshold policy as they are
    optimal for a single battery, with a threshold that falls with the time left; the straight line is ours. It
    knows batteries and the time left; it ignores harvest, queues and heat to come.

    Args:
      share: share of the battery that is kept at the start, 0 to 1.
      important: least importance of a subtask that charge is kept for, at least 0.
      quality_weight: reward units for one point of explicit score.
    """
    if not 0.0 <= share <= 1.0:
        message = f"`share` must be from 0 to 1, got {share}."
        raise ValueError(message)
    _refuse_negative("important", important)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        needed = device_feature(observation, "charge_needed")
        kept = share * context_feature(observation, "episode_share_left")[..., None]
        matters = 4.0 * context_feature(observation, "importance")[..., None] >= important
        plenty = device_feature(observation, "charge") - needed >= kept
        values = expected_reward(observation, quality_weight)
        return best_among(values, (needed <= 0) | matters | plenty, observation.device_mask)

    return choose


def keep_resident(margin: float = 0.5, *, quality_weight: float = 1.0) -> Policy:
    """Make the residency rule: ask who has the expert in memory, and load it where it was used longest ago.

        stay = argmax r_n of the resident ones          load = argmax r_n of the others of greatest age
        load if r_load > r_stay + margin, or if nobody has the expert

    Least recently used, Sleator and Tarjan (1985), Communications of the ACM 28(2), over devices that keep one
    expert each. It knows who has what and when each was asked last; it ignores which expert a device would
    lose, how often that one is asked for, and how many copies of it there are.

    Args:
      margin: reward units that loading must bring besides, at least 0.
      quality_weight: reward units for one point of explicit score.
    """
    _refuse_negative("margin", margin)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        mask = observation.device_mask
        values = expected_reward(observation, quality_weight)
        xp = values.__array_namespace__()
        resident = device_feature(observation, "resident") > 0
        age = xp.where(mask & ~resident, device_feature(observation, "age"), -xp.inf)
        oldest = ~resident & (age >= xp.max(age, axis=-1, keepdims=True))
        return best_among(values + margin * resident, resident | oldest, mask)

    return choose


def stick(margin: float = 1.0, *, quality_weight: float = 1.0) -> Policy:
    """Make the rule that stays where it is until another device is better by a margin.

        argmax_n  r_n + margin serving_n

    Hysteresis of a handover, event A3 of 3GPP TS 38.331, clause 5.5.4.4, on rewards in place of signal
    strength; without its time to trigger. It knows who served last; it ignores how long that will last.

    Args:
      margin: reward units by which another must be better, at least 0.
      quality_weight: reward units for one point of explicit score.
    """
    _refuse_negative("margin", margin)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        values = expected_reward(observation, quality_weight)
        values = values + margin * device_feature(observation, "serving")
        return best_allowed(values, observation.device_mask)

    return choose


def cool(threshold: float = 0.8, *, quality_weight: float = 1.0) -> Policy:
    """Make the rule that lets hot devices rest.

    Highest expectation among the devices with temperature <= threshold; among all where every one is hotter.
    A thermostat, as processors have; ours in this use. It knows temperatures; it ignores how much a subtask
    heats and how fast a device cools.

    Args:
      threshold: greatest temperature, 0 for that at rest to 1 for that at which work is refused.
      quality_weight: reward units for one point of explicit score.
    """
    if not 0.0 <= threshold <= 1.0:
        message = f"`threshold` must be from 0 to 1, got {threshold}."
        raise ValueError(message)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        rested = device_feature(observation, "temperature") <= threshold
        return best_among(expected_reward(observation, quality_weight), rested, observation.device_mask)

    return choose


def recent_form(memory: float = 0.9, *, quality_weight: float = 1.0) -> Policy:
    """Make the rule that corrects each promise by what the device last gave.

        argmax_n  r_n        with  score_n + surprise_n memory^(choices since) for the score

    The best forecast of a first-order autoregressive quality that was seen without noise. It knows the last
    surprise and its age; it never tries a device to learn about it.

    Args:
      memory: correlation of a device's quality from one choice to the next, 0 to 1.
      quality_weight: reward units for one point of explicit score.
    """
    if not 0.0 <= memory <= 1.0:
        message = f"`memory` must be from 0 to 1, got {memory}."
        raise ValueError(message)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        age = (1.0 + GREATEST_AGE) ** device_feature(observation, "age") - 1.0
        points = 2.0 * device_feature(observation, "surprise") * memory**age
        values = expected_reward(observation, quality_weight, above=points)
        return best_allowed(values, observation.device_mask)

    return choose


def weight_to_latency(threshold: float = 0.5) -> Policy:
    """Make WDMoE's rule for one device: the heaviest expert that is not too slow for its weight.

        argmax_n g_n        subject to g_n / t_n >= threshold max_m g_m / t_m

    Xue et al., arXiv:2405.03131 and 2411.06681. Taken from there: the ratio of an expert's gate weight to its
    latency, and that a threshold on it thins out the experts of greatest weight, without training. Ours: one
    device in place of a set, the threshold as a share of the best ratio (the sources give no number), g of
    `gate_weights`, t of the delay. 0 takes the heaviest expert, 1 the best ratio. It knows quality and delay;
    it ignores prices and all that comes next.

    Args:
      threshold: share of the best ratio, 0 to 1.
    """
    if not 0.0 <= threshold <= 1.0:
        message = f"`threshold` must be from 0 to 1, got {threshold}."
        raise ValueError(message)

    def choose(decisions: Decisions) -> Int[Any, "*batch"]:
        observation = decisions.observation
        weights = gate_weights(observation)
        xp = weights.__array_namespace__()
        ratio = weights / xp.maximum(device_feature(observation, "delay"), _LEAST_DELAY)
        quick = ratio >= threshold * xp.max(ratio, axis=-1, keepdims=True)
        return best_among(weights, quick, observation.device_mask)

    return choose


def _refuse_negative(label: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        message = f"`{label}` must be finite and at least 0, got {value}."
        raise ValueError(message)


def heuristics(quality_weight: float = 1.0) -> dict[str, Policy]:
    """Make the rules for use, which read the observation only, with their usual parameters, by name.

    Args:
      quality_weight: reward units for one point of explicit score, as in `RewardConfig`.
    """
    return {
        "shortest_expected_delay": shortest_expected_delay,
        "least_backlog": least_backlog,
        "drift_plus_penalty": drift_plus_penalty(quality_weight=quality_weight),
        "reserve": reserve(quality_weight=quality_weight),
        "keep_resident": keep_resident(quality_weight=quality_weight),
        "stick": stick(quality_weight=quality_weight),
        "cool": cool(quality_weight=quality_weight),
        "recent_form": recent_form(quality_weight=quality_weight),
        "weight_to_latency": weight_to_latency(),
        "des": des(),
        "sift_moe": sift_moe(),
    }


HEURISTICS: Mapping[str, Policy] = heuristics()
"""The rules for use where a point of explicit score is worth one reward unit, by name."""
