"""Bound from above what can be earned on tapes, for environments too large to be solved.

Each bound drops or loosens what keeps the best plan from being found, so that none lies below it; which of them
applies follows from the rules and prices. `told` says whose best plan it is: see `trellis`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import equinox as eqx
import jax
import numpy as np

from net4moe.environment.assignment import best_shared_assignment, charge_assignment
from net4moe.environment.decomposition import decomposed
from net4moe.environment.trellis import Prospect, best_situation, no_memory, prospect, retries, trellis

if TYPE_CHECKING:
    from collections.abc import Callable

    from jaxtyping import Float

    from net4moe.environment.chances import Moment, Subtask, Tape
    from net4moe.environment.selection import ExpertSelection
    from net4moe.environment.trellis import Told

__all__ = ["Bound", "charge_bound", "shared_bound", "tightest_bound"]


class Bound(NamedTuple):
    """What cannot be passed on each of a batch of tapes.

    Attributes:
      values: reward units.
      name: which bound it is.
    """

    values: Float[np.ndarray, " B"]
    name: str


def tightest_bound(selection: ExpertSelection, tapes: Tape, *, told: Told = "real") -> Bound:
    """Bound what can be earned on each tape by the method with the least mean among those that apply.

    - a deadline: `retries`
    - a shared band over links that lose nothing: `shared_bound`
    - devices that change: `trellis` and `decomposed`
    - else `trellis`; exact as the prophet's

    Args:
      selection: the environment.
      tapes: what chance decides, a batch.
      told: `real` for a bound on those who know all before, `mean` for one on those who do not know scores,
        words and lots.
    """
    rules = selection.rules
    bounds: dict[str, Callable[..., Float[np.ndarray, " B"]]] = {"trellis": _arrays(trellis)}
    if math.isfinite(rules.deadline_s):
        bounds = {"retries": _arrays(retries)}
    elif rules.shares_band:
        certain = not (np.any(tapes.moments.loss) or np.any(tapes.moments.known_loss))
        exact = certain and not rules.devices_change
        bounds = {"shared band": shared_bound} if exact else {"no memory": _arrays(no_memory)}
    elif rules.devices_change:
        bounds["decomposition"] = _arrays(decomposed)
    found = [Bound(bound(selection, tapes, told=told), name) for name, bound in bounds.items()]
    return min(found, key=lambda one: float(np.mean(one.values)))


def shared_bound(selection: ExpertSelection, tapes: Tape, *, told: Told = "real") -> Float[np.ndarray, " B"]:
    """Bound what can be earned on each tape where the devices that write for one prompt share the band.

    Prompts do not touch each other, so each is placed by `assignment.best_shared_assignment`, with the links that
    its later subtasks will find. Exact as the prophet's.

    Args:
      selection: the environment; a choice changes the band and nothing else.
      tapes: what chance decides, a batch; no passage is lost.
      told: what is known of scores and words.

    Returns:
      Reward units.

    Raises:
      ValueError: the environment has no shared band, has devices that change or a deadline, or passages are lost.
    """
    rules, prices = selection.rules, selection.reward_config
    lossy = np.any(tapes.moments.loss) or np.any(tapes.moments.known_loss)
    if not rules.shares_band or rules.devices_change or math.isfinite(rules.deadline_s) or lossy:
        message = (
            "`shared_bound` needs a shared band, links that lose nothing, no deadline and devices that do not "
            "change."
        )
        raise ValueError(message)
    price_per_s = prices.transfer_cost_per_s + prices.delay_cost_per_s
    seen = _prospects(selection, tapes, told)
    local = np.asarray(selection.fleet.local)
    air_s = np.where(local, 0.0, np.asarray(seen.alone_s, np.float64))
    rewards = np.asarray(seen.rewards, np.float64)
    rewards = np.where(np.isfinite(rewards), rewards + price_per_s * air_s, np.nan)
    last = np.asarray(tapes.subtasks.last)
    totals = np.zeros(len(last))
    for b, num_choices in enumerate(np.asarray(tapes.num_choices)):
        ends = np.flatnonzero(last[b, : num_choices - 1]) + 1
        for prompt in np.split(np.arange(num_choices), ends):
            own = np.repeat(np.flatnonzero(local), len(prompt) - 1)  # the user's own takes any number
            columns = np.concatenate([np.arange(len(local)), own])
            rows = rewards[b][prompt][:, columns], air_s[b][prompt][:, columns]
            totals[b] += best_shared_assignment(*rows, price_per_s).total
    return totals


def charge_bound(
    selection: ExpertSelection, tapes: Tape, *, told: Told = "real", split: bool = False
) -> Float[np.ndarray, " B"]:
    """Bound what can be earned on each tape with the charge that there is, and all else at its best.

    `assignment.charge_assignment` with the harvests that will come. Where a device could refuse, the subtask may
    fail at its cost instead. Exact as the prophet's where a choice changes nothing but charge. HiGHS needs
    milliseconds for round numbers of joules, and up to minutes for a tape of 48 choices of 8 devices without any;
    there `decomposed` is as tight.

    Args:
      selection: the environment, without a deadline.
      tapes: what chance decides, a batch.
      told: what is known of scores, words and lots.
      split: whether subtasks may be split among devices: the linear program, which is looser.

    Returns:
      Reward units.

    Raises:
      ValueError: there is a deadline.
    """
    if math.isfinite(selection.rules.deadline_s):
        message = "`charge_bound` needs an environment without a deadline: use `retries`."
        raise ValueError(message)
    hardware = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), selection.fleet.hardware)
    seen = _prospects(selection, tapes, told)
    rewards, joules = (np.asarray(part, np.float64) for part in (seen.rewards, seen.joules))
    rewards = np.where(np.isfinite(rewards), rewards, np.nan)
    gap_s, share = (
        np.asarray(part, np.float64) for part in (tapes.moments.gap_s, tapes.moments.harvest_share)
    )
    gained_w = hardware.harvest_w * share[:, 1:, None] - hardware.idle_w
    harvest_j = np.maximum(gained_w * gap_s[:, 1:, None], 0.0)
    battery_j = np.append(hardware.battery_j, np.inf)
    totals = []
    for b, num_choices in enumerate(np.asarray(tapes.num_choices)):
        failed = np.full((num_choices, 1), -selection.reward_config.failure_cost)
        nothing = np.zeros((num_choices, 1))
        later_j = np.concatenate([harvest_j[b], np.zeros((1, len(gained_w[b, 0])))])[:num_choices]
        found = charge_assignment(
            np.concatenate([rewards[b, :num_choices], failed], axis=1),
            np.concatenate([joules[b, :num_choices], nothing], axis=1),
            battery_j,
            np.concatenate([later_j, nothing], axis=1),
            battery_j,
        )
        totals.append(found.bound if split else found.total)
    return np.array(totals)


@eqx.filter_jit
def _prospects(selection: ExpertSelection, tapes: Tape, told: Told) -> Prospect:
    """Compute what each device brings at each choice in the best situation."""

    def one(subtask: Subtask, moment: Moment) -> Prospect:
        return prospect(selection.game, best_situation(selection, subtask), subtask, moment, told)

    return jax.vmap(jax.vmap(one))(tapes.subtasks, tapes.moments)


def _arrays(bound: Callable[..., object]) -> Callable[..., Float[np.ndarray, " B"]]:
    """Have a bound in NumPy."""
    return lambda *arguments, **options: np.asarray(bound(*arguments, **options), np.float64)
