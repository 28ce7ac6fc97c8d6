"""What a scenario is worth: exact values of chance, myopia, heuristics, planning and the optimum.

A scenario asks for planning only where planning pays. Whether it does is computed, from the table of its small
version, and stands beside its name: a certificate. Large versions have no table; what is known of them are means
over the same tapes, and a bound that no policy passes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from net4moe.environment.enumeration import enumerated
from net4moe.environment.tabular import Evaluation, evaluated, lookahead, one_hot, optimal, uniform_policy
from net4moe.policy.baselines import random_selection, round_robin
from net4moe.policy.heuristics import myopic
from net4moe.study.rules import rules_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jaxtyping import Int

    from net4moe.environment.decisions import Policy
    from net4moe.environment.enumeration import Enumerated
    from net4moe.environment.scenarios import Scenario

__all__ = [
    "LEAST_GAP",
    "PLANNING_DEPTH",
    "Certificate",
    "Label",
    "certificate",
    "certified",
    "exact",
    "exact_value",
]

LEAST_GAP = 0.05
"""Share of the way from chance to the optimum that planning must bring in a scenario called sequential."""

PLANNING_DEPTH = 2
"""Choices that the planner weighs exactly before it trusts the best heuristic."""

_TOLERANCE = 1e-6

Label: TypeAlias = Literal["control", "sequential"]
"""Whether planning pays: a control is there to show that nothing is gained where nothing can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """What the small version of a scenario is worth. Values are mean rewards of an episode, exact.

    Attributes:
      scenario: its name.
      changes: what the action changes beyond its own reward, in words; empty for nothing.
      num_devices: devices to choose from.
      num_states: states of the table.
      num_steps: choices in an episode.
      random_value: of a device drawn by lot.
      myopic_value: of the greatest mean reward of the choice at hand.
      heuristics: name and value of each heuristic, the best first.
      planned_value: of planning `PLANNING_DEPTH` choices ahead with the best heuristic behind them.
      optimal_value: of the best policy that there is.
    """

    scenario: str
    changes: str
    num_devices: int
    num_states: int
    num_steps: int
    random_value: float
    myopic_value: float
    heuristics: tuple[tuple[str, float], ...]
    planned_value: float
    optimal_value: float

    def __post_init__(self) -> None:
        """Refuse values above the optimum, which no policy has, and a certificate without heuristics."""
        if not self.heuristics:
            message = f"The certificate of '{self.scenario}' needs at least 1 heuristic."
            raise ValueError(message)
        for label, value in (
            ("chance", self.random_value),
            ("the myopic rule", self.myopic_value),
            ("the best heuristic", self.heuristic_value),
            ("the planner", self.planned_value),
        ):
            if not value <= self.optimal_value + self._slack:
                message = (
                    f"In '{self.scenario}' the value of {label}, {value}, must not be above the optimum, "
                    f"{self.optimal_value}."
                )
                raise ValueError(message)

    @property
    def heuristic(self) -> str:
        """Name of the best heuristic."""
        return self.heuristics[0][0]

    @property
    def heuristic_value(self) -> float:
        """Value of the best heuristic."""
        return self.heuristics[0][1]

    @property
    def gap(self) -> float:
        """Share of the way from chance to the optimum that the myopic rule misses; 0 where there is no way.

        (J_opt - J_myopic) / (J_opt - J_random)
        """
        return self.missed(self.myopic_value)

    @property
    def lead(self) -> float:
        """How far the optimum is above the best heuristic, as a share of that one's value; NaN where it is 0.

        (J_opt - J_heuristic) / |J_heuristic|
        """
        if self.heuristic_value == 0.0:
            return float("nan")
        return (self.optimal_value - self.heuristic_value) / abs(self.heuristic_value)

    @property
    def label(self) -> Label:
        """Call it sequential where the gap is `LEAST_GAP` or more and no heuristic reaches the optimum."""
        beaten = self.optimal_value - self.heuristic_value > self._slack
        return "sequential" if self.gap >= LEAST_GAP and beaten else "control"

    def missed(self, value: float) -> float:
        """Compute the share of the way from chance to the optimum that a value misses."""
        span = self.optimal_value - self.random_value
        return (self.optimal_value - value) / span if span > self._slack else 0.0

    @property
    def _slack(self) -> float:
        return _TOLERANCE * max(1.0, abs(self.optimal_value))


def certified(scenario: Scenario) -> Certificate:
    """Enumerate the small version of a scenario and compute its certificate."""
    selection = scenario.small
    return certificate(
        enumerated(selection),
        rules_for(selection.reward_config),
        scenario=scenario.name,
        changes=scenario.changes,
    )


def certificate(
    table: Enumerated, rules: Mapping[str, Policy], *, scenario: str, changes: str
) -> Certificate:
    """Compute the certificate of a scenario.

    Args:
      table: its small version.
      rules: the heuristics.
      scenario: its name.
      changes: what the action changes, in words.
    """
    problem, num_steps = table.problem, table.num_steps
    played = {name: exact(table, rule) for name, rule in rules.items()}
    ordered = sorted(played, key=lambda name: -played[name].start_value)
    planned = lookahead(problem, played[ordered[0]].values, PLANNING_DEPTH, num_steps)
    num_devices = problem.rewards.shape[1]
    return Certificate(
        scenario=scenario,
        changes=changes,
        num_devices=num_devices,
        num_states=table.num_states,
        num_steps=num_steps,
        random_value=exact_value(table, random_selection),
        myopic_value=exact_value(table, myopic),
        heuristics=tuple((name, played[name].start_value) for name in ordered),
        planned_value=evaluated(problem, one_hot(planned, num_devices), num_steps).start_value,
        optimal_value=optimal(problem, num_steps).start_value,
    )


def exact_value(table: Enumerated, policy: Policy) -> float:
    """Compute the mean reward of an episode under a policy, trained or not, without sampling.

    Raises:
      ValueError: it chooses a device that may not be chosen.
    """
    return exact(table, policy).start_value


def exact(table: Enumerated, policy: Policy) -> Evaluation:
    """Compute what a policy earns from each state on.

    `random_selection` is evaluated by its probabilities, `round_robin` as the mean over the devices that episodes
    begin with, since it counts on from one episode to the next. Every other policy must look at nothing but the
    observation.

    Raises:
      ValueError: it chooses a device that may not be chosen.
    """
    num_steps, num_devices = table.num_steps, table.problem.rewards.shape[1]
    if policy is random_selection:
        return evaluated(table.problem, uniform_policy(table.problem), num_steps)
    num_episodes = num_devices // math.gcd(num_steps, num_devices) if policy is round_robin else 1
    found = [
        evaluated(table.problem, one_hot(_chosen(table, policy, episode), num_devices), num_steps)
        for episode in range(num_episodes)
    ]
    values = np.mean([one.values for one in found], axis=0)
    return Evaluation(values, float(np.mean([one.start_value for one in found])))


def _chosen(table: Enumerated, policy: Policy, episode: int) -> Int[np.ndarray, "T D"]:
    """List what a policy chooses at each step of an episode, in each state."""
    decisions = [table.decisions(t) for t in range(table.num_steps)]
    turned = [one._replace(turn=one.turn + episode * table.num_steps) for one in decisions]
    return np.stack([np.asarray(policy(one), np.int32) for one in turned])
