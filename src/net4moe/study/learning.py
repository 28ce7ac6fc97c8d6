"""Learning on a score table: split, train over seeds, and evaluate everybody on the same prompts and links."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import jax
import numpy as np

from net4moe.environment import Expectations, Policy, RewardConfig, outcomes
from net4moe.environment.chances import Chances
from net4moe.environment.history import History
from net4moe.environment.selection import ExpertSelection
from net4moe.network import DeviceConfig, SnrConfig, fleet_arrays
from net4moe.policy import BASELINES, LEGEND, SelectionPolicy, highest_expectation, sac
from net4moe.policy.sac_config import SACConfig
from net4moe.study.playing import returns_of_rules
from net4moe.study.records import PolicyRewards
from net4moe.table import ScoreTable

__all__ = ["Learned", "LearningPlan", "learned"]

OnProgress = Callable[[int, int], None]
"""Called with the epochs that are done and those in all, over all seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningPlan:
    """How a study learns.

    Attributes:
      devices: the fleet, the user's own device first.
      snr: how links are drawn.
      reward: what quality is worth and what the air costs.
      sac: how the agent learns.
      held_out_share: share of the prompts kept from training.
      num_seeds: training runs.
      seed: root of all randomness.
    """

    devices: tuple[DeviceConfig, ...]
    snr: SnrConfig
    reward: RewardConfig
    sac: SACConfig
    held_out_share: float
    num_seeds: int
    seed: int

    @property
    def seeds(self) -> tuple[int, ...]:
        """The training seeds."""
        return tuple(range(self.seed, self.seed + self.num_seeds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What came of learning.

    Attributes:
      training_prompts: ids of the prompts that were learned from.
      held_out_prompts: ids of those that everybody was evaluated on.
      history: what the training prompts tell of the experts.
      trained: one trained agent for each seed.
      rewards: what every policy earned on the held-out prompts; the learned one first.
      held_out: the environment of the held-out prompts.
    """

    training_prompts: tuple[str, ...]
    held_out_prompts: tuple[str, ...]
    history: History
    trained: tuple[sac.Trained, ...]
    rewards: tuple[PolicyRewards, ...]
    held_out: ExpertSelection

    @property
    def policy(self) -> SelectionPolicy:
        """The agent of the first seed."""
        return self.trained[0].policy


def learned(table: ScoreTable, plan: LearningPlan, *, on_progress: OnProgress | None = None) -> Learned:
    """Train over seeds and evaluate.

    Every seed has links of its own, drawn once: on them the agent is evaluated while it learns, and so is
    every other policy, so that all are compared on the same prompts and links.

    Args:
      table: the scores; prompts that lack an expert are left out.
      plan: how to learn.
      on_progress: told after each chunk of epochs.

    Raises:
      TableError: an expert has no row, or no prompt is complete.
      ValueError: fewer than two prompts are complete, or a subtask fits no device.
    """
    experts = [device.expert for device in plan.devices]
    prompts = outcomes.complete_prompts(table, experts)
    everything = outcomes.from_table(table, experts)
    training, held_out = outcomes.split(prompts, plan.held_out_share, plan.seed)
    fields = outcomes.fields(table)
    expectations = outcomes.estimate(outcomes.take(everything, training), num_fields=len(fields))
    played = _environment(outcomes.take(everything, training), expectations, plan)
    kept = _environment(outcomes.take(everything, held_out), expectations, plan)
    keys = [jax.random.key(seed) for seed in plan.seeds]
    total = plan.sac.num_epochs * len(keys)
    done = 0

    def advance(_metrics: sac.Metrics) -> None:
        nonlocal done
        done += plan.sac.evaluation_interval
        if on_progress is not None:
            on_progress(done, total)

    trained = sac.train_seeds(played, plan.sac, keys, evaluate_on=kept, on_progress=advance)
    return Learned(
        training_prompts=tuple(prompts[index] for index in training),
        held_out_prompts=tuple(prompts[index] for index in held_out),
        history=History.of(expectations, fields, experts),
        trained=trained,
        rewards=(_of_agent(trained, plan), *_of_rules(kept, trained, plan)),
        held_out=kept,
    )


def _environment(
    played: outcomes.Outcomes, expectations: Expectations, plan: LearningPlan
) -> ExpertSelection:
    return ExpertSelection(
        played,
        expectations,
        fleet_arrays(plan.devices),
        chances=Chances(radio=plan.snr),
        reward_config=plan.reward,
    )


def _rules(plan: LearningPlan) -> dict[str, Policy]:
    return {**BASELINES, "highest_expectation": highest_expectation(plan.reward.quality_weight)}


def _of_agent(trained: tuple[sac.Trained, ...], plan: LearningPlan) -> PolicyRewards:
    return PolicyRewards(
        policy="sac",
        label=LEGEND["sac"],
        seeds=plan.seeds,
        epochs=tuple(int(epoch) for epoch in trained[0].metrics.epoch),
        rewards=np.stack([np.asarray(one.metrics.evaluation_reward) for one in trained]),
    )


def _of_rules(
    environment: ExpertSelection, trained: tuple[sac.Trained, ...], plan: LearningPlan
) -> list[PolicyRewards]:
    """Let every rule play the episodes on which the agents were evaluated."""
    agent = _of_agent(trained, plan)
    rules = _rules(plan)
    earned = [
        np.mean(returns_of_rules(environment, tuple(rules.values()), tapes), axis=1)
        for tapes in (sac.evaluation_tapes(environment, plan.sac, jax.random.key(s)) for s in plan.seeds)
    ]
    return [
        replace(
            agent, policy=name, label=LEGEND[name], rewards=np.repeat(column[:, None], len(agent.epochs), 1)
        )
        for name, column in zip(rules, np.stack(earned, axis=1), strict=True)
    ]
