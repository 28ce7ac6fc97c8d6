"""Small scenarios as tables, solved once for all tests that hold something against them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from net4moe.environment.chances import Chain, Chances, LinkLevels
from net4moe.environment.enumeration import Enumerated, enumerated
from net4moe.environment.outcomes import estimate
from net4moe.environment.reward import RewardConfig
from net4moe.environment.rules import Rules
from net4moe.environment.scenarios import SCENARIOS
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import plain_outcomes
from net4moe.environment.tabular import Solution, evaluated, greedy, one_hot, optimal
from net4moe.network.fleet import DeviceConfig, fleet_arrays
from net4moe.network.hardware import HardwareConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

WORDS = 40.0


@cache
def solved(name: str) -> tuple[ExpertSelection, Enumerated, Solution]:
    """Build a small scenario, its table and the optimum."""
    selection = SCENARIOS[name].small
    table = enumerated(selection)
    return selection, table, optimal(table.problem, table.num_steps)


def myopic_values(table: Enumerated) -> Any:
    """Compute what the myopic rule still earns from each state on."""
    policy = one_hot(greedy(table.problem.rewards), table.problem.rewards.shape[1])
    return evaluated(table.problem, policy, table.num_steps).values


def tiny(
    score: Sequence[Sequence[float]],
    hardware: Sequence[dict[str, float]],
    *,
    rules: Rules | None = None,
    chances: Chances | None = None,
    prices: RewardConfig | None = None,
    fields: Sequence[Sequence[int]] | None = None,
) -> ExpertSelection:
    """Put a tiny environment together, of passages of 40 words over links that do not change.

    Args:
      score: explicit score of each device for each field.
      hardware: what is said of each device beyond 20 tokens/s and next to no energy; the user's own first.
      rules: rules.
      chances: chances.
      prices: prices.
      fields: the field of each subtask of each prompt; a prompt of one subtask for each field where None.
    """
    plain = {"tokens_per_s": 20.0, "prompt_tokens_per_s": 1e6, "tokens_per_j": 1e9}
    devices = tuple(
        DeviceConfig(
            name=f"device {n}",
            expert=f"expert {n}",
            compute_cost_per_word=0.0,
            local=n == 0,
            bandwidth_hz=10_000.0,
            hardware=HardwareConfig(**(plain | one)),
        )
        for n, one in enumerate(hardware)
    )
    outcomes = plain_outcomes(np.array(score), WORDS, fields or [[field] for field in range(len(score))])
    return ExpertSelection(
        outcomes,
        estimate(outcomes, num_fields=len(score), prior_rows=0.0),
        fleet_arrays(devices),
        rules=rules or Rules(),
        chances=chances or Chances(radio=LinkLevels(snr_db=(15.0,), outage=(0.0,), stay=1.0)),
        reward_config=prices or RewardConfig(transfer_cost_per_s=0.0),
    )


_STEADY = LinkLevels(snr_db=(15.0,), outage=(0.0,), stay=1.0)
_BATTERY = {"tokens_per_j": WORDS, "battery_j": 2.0, "harvest_w": 0.5}
_LOADS = {"model_bytes": 3e9, "storage_bytes_per_s": 1e9}


def tiny_battery(num_steps: int = 5) -> ExpertSelection:
    """A helper whose battery holds two passages, and subtasks that matter more or less."""
    return tiny(
        [[4.0, 7.0, 6.0]],
        [{}, _BATTERY, _BATTERY | {"battery_j": 1.0}],
        rules=Rules(num_steps=num_steps, devices_change=True, tokens_per_word=1.0, greatest_backlog_s=8.0),
        chances=Chances(
            radio=_STEADY,
            gap_s=Chain(values=(2.0,)),
            importance=Chain(values=(1.0, 3.0)),
            harvest_share=Chain(values=(0.0, 0.5), stay=0.7),
        ),
    )


def tiny_residency(num_steps: int = 5) -> ExpertSelection:
    """Experts that take three seconds to load, and queues."""
    return tiny(
        [[6.0, 7.0, 7.0], [6.0, 7.0, 6.5]],
        [{"tokens_per_s": 10.0} | _LOADS, _LOADS, _LOADS],
        rules=Rules(
            num_steps=num_steps,
            devices_change=True,
            loads_experts=True,
            tokens_per_word=1.0,
            greatest_backlog_s=6.0,
        ),
        chances=Chances(radio=_STEADY, gap_s=Chain(values=(2.0, 4.0)), field_stay=0.6),
        prices=RewardConfig(transfer_cost_per_s=0.0, delay_cost_per_s=0.5),
    )


def tiny_moving(num_steps: int = 6) -> ExpertSelection:
    """Passages that stay where they were written, and a price for every handover."""
    return tiny(
        [[4.0, 7.0, 6.0], [4.0, 6.0, 7.0]],
        [{}, {}, {}],
        rules=Rules(num_steps=num_steps, chained=True),
        chances=Chances(radio=LinkLevels(snr_db=(0.0, 12.0), outage=(0.0, 0.5), stay=0.7), num_lots=8),
        prices=RewardConfig(transfer_cost_per_s=8.0, switching_cost=0.7),
        fields=[[0, 0, 1], [1, 0, 1]],
    )


def tiny_deadline(num_steps: int = 6) -> ExpertSelection:
    """Passages that get lost and are tried again while time is left."""
    return tiny(
        [[4.0, 8.0, 7.0]],
        [{"tokens_per_s": 10.0}, {"tokens_per_s": 40.0}, {}],
        rules=Rules(num_steps=num_steps, tokens_per_word=1.0, deadline_s=4.5),
        chances=Chances(
            radio=LinkLevels(snr_db=(10.0, 10.0), outage=(0.2, 0.6), stay=0.8),
            num_lots=5,
            importance=Chain(values=(1.0, 3.0)),
        ),
        prices=RewardConfig(transfer_cost_per_s=0.0, failure_cost=3.0),
    )


def tiny_band(num_steps: int = 6) -> ExpertSelection:
    """Three subtasks of a prompt that share the band."""
    return tiny(
        [[4.0, 8.0, 7.5], [4.0, 7.0, 6.0]],
        [{}, {}, {}],
        rules=Rules(num_steps=num_steps, shares_band=True),
        chances=Chances(radio=LinkLevels(snr_db=(0.0, 12.0), outage=(0.0, 0.0), stay=0.6)),
        prices=RewardConfig(transfer_cost_per_s=4.0),
        fields=[[0, 0, 1], [1, 0, 1]],
    )


TINY = {
    "battery": tiny_battery,
    "residency": tiny_residency,
    "moving": tiny_moving,
    "deadline": tiny_deadline,
    "band": tiny_band,
}
"""Environments of three devices and few choices, of each kind of consequence."""


@cache
def tiny_solved(name: str) -> tuple[ExpertSelection, Enumerated, Solution]:
    """Build a tiny environment, its table and the optimum."""
    selection = TINY[name]()
    table = enumerated(selection)
    return selection, table, optimal(table.problem, table.num_steps)
