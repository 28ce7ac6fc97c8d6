"""What a large version of a scenario is worth, as far as can be known: means over tapes, and bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import jax
import numpy as np

from net4moe.environment.planning import plan_returns
from net4moe.environment.relaxation import tightest_bound
from net4moe.study.keys import seeded_key
from net4moe.study.playing import returns_of_rules
from net4moe.study.rules import YARDSTICKS, rules_for

if TYPE_CHECKING:
    from net4moe.environment.scenarios import Scenario

__all__ = ["NUM_PLANNED", "Estimate", "estimated"]

NUM_PLANNED = 20
"""Tapes that are planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the large version of a scenario is worth. Values are mean rewards of an episode over the same tapes.

    Attributes:
      scenario: its name.
      changes: what the action changes beyond its own reward, in words; empty for nothing.
      num_devices: devices to choose from.
      num_steps: choices in an episode.
      num_episodes: tapes.
      random_value: of a device drawn by lot.
      myopic_value: of the greatest mean reward of the choice at hand.
      heuristics: name and value of each heuristic, the best first.
      error: standard error of the best heuristic's value.
      planned_value: of planning ahead with the best heuristic behind it: that one's value, and how far it is above
        it on the first `NUM_PLANNED` tapes.
      bound_value: what no policy passes that does not know scores and lots before.
      bound: which bound that is.
      prophet_value: what nobody passes.
      prophet: which bound that is.
    """

    scenario: str
    changes: str
    num_devices: int
    num_steps: int
    num_episodes: int
    random_value: float
    myopic_value: float
    heuristics: tuple[tuple[str, float], ...]
    error: float
    planned_value: float
    bound_value: float
    bound: str
    prophet_value: float
    prophet: str

    @property
    def heuristic(self) -> str:
        """Name of the best heuristic."""
        return self.heuristics[0][0]

    @property
    def heuristic_value(self) -> float:
        """Value of the best heuristic."""
        return self.heuristics[0][1]


def estimated(scenario: Scenario, *, num_episodes: int = 200, seed: int = 0) -> Estimate:
    """Let heuristics play the large version of a scenario, and bound what can be earned on the same tapes.

    Args:
      scenario: the scenario.
      num_episodes: tapes, at least 2.
      seed: root of all randomness.
    """
    if num_episodes < 2:
        message = f"`num_episodes` must be at least 2, got {num_episodes}."
        raise ValueError(message)
    selection = scenario.large
    tapes = jax.device_get(selection.tapes(seeded_key(seed, "evaluation", 0), num_episodes))
    rules = {**YARDSTICKS, **rules_for(selection.reward_config)}
    earned = np.asarray(returns_of_rules(selection, tuple(rules.values()), tapes), np.float64)
    mean = dict(zip(rules, earned.mean(axis=1).tolist(), strict=True))
    ordered = sorted((name for name in rules if name not in YARDSTICKS), key=lambda name: -mean[name])
    best = earned[list(rules).index(ordered[0])]
    first = jax.tree.map(lambda leaf: leaf[:NUM_PLANNED], tapes)
    key = seeded_key(seed, "planning", 0)
    planned = np.asarray(plan_returns(selection, rules[ordered[0]], first, key), np.float64)
    bound, prophet = (tightest_bound(selection, tapes, told=told) for told in ("mean", "real"))
    return Estimate(
        scenario=scenario.name,
        changes=scenario.changes,
        num_devices=selection.num_devices,
        num_steps=selection.num_steps,
        num_episodes=num_episodes,
        random_value=mean["random_selection"],
        myopic_value=mean["myopic"],
        heuristics=tuple((name, mean[name]) for name in ordered),
        error=float(best.std(ddof=1) / np.sqrt(num_episodes)),
        planned_value=mean[ordered[0]] + float(np.mean(planned - best[:NUM_PLANNED])),
        bound_value=float(bound.values.mean()),
        bound=bound.name,
        prophet_value=float(prophet.values.mean()),
        prophet=prophet.name,
    )
