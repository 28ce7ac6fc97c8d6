"""Two tiny problems: one laid out as a table by hand, one as an environment that plays in no time."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from net4moe.environment.chances import Chances, LinkLevels
from net4moe.environment.decisions import Decisions
from net4moe.environment.enumeration import Enumerated
from net4moe.environment.observation import context_feature
from net4moe.environment.outcomes import estimate
from net4moe.environment.reward import RewardConfig
from net4moe.environment.rules import Rules
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import plain_outcomes
from net4moe.environment.tabular import TabularProblem
from net4moe.network import DeviceConfig, fleet_arrays
from tests.choices import choices

NOWHERE: Any = ()
"""Situations that nobody asks for."""


def first(decisions: Decisions) -> Any:
    """Take device 0."""
    return np.zeros(decisions.turn.shape, np.int32)


def second(decisions: Decisions) -> Any:
    """Take device 1."""
    return np.ones(decisions.turn.shape, np.int32)


def patient(decisions: Decisions) -> Any:
    """Take device 1 in the first state, which is told by its load, and device 0 in the second."""
    return np.where(context_feature(decisions.observation, "load") > 0, 0, 1)


def table_by_hand(*, to_second: int = 1) -> Enumerated:
    """Lay out two states and two choices.

    In A device 0 earns 1 and stays, device 1 earns nothing and leads to B; in B device 0 earns 3 and leads to A,
    device 1 earns nothing and stays. With `to_second` 0 the choice leads nowhere.
    """
    rewards = np.array([[1.0, 0.0], [3.0, 0.0]])
    following = np.zeros((4, 2))
    following[[0, 1, 2, 3], [0, to_second, 0, to_second]] = 1.0
    mask = np.ones((2, 2), np.bool_)
    return Enumerated(
        problem=TabularProblem(
            rewards=rewards, next_distribution=sparse.csr_matrix(following), start=np.array([1.0, 0.0])
        ),
        observation=choices(mask, context={"load": [0.0, 1.0]}).observation,
        mean_rewards=rewards,
        situations=NOWHERE,
        num_steps=2,
    )


@dataclass(frozen=True)
class TinyScenario:
    """A scenario of three choices between the phone and a better device that costs a switch."""

    name: str = "tiny"
    changes: str = "serving device"

    @cached_property
    def selection(self) -> ExpertSelection:
        """Two devices, one field, links that stay."""
        scores = np.array([[5.0, 7.0]])
        outcomes = plain_outcomes(scores, 40.0, [[0]])
        return ExpertSelection(
            outcomes,
            estimate(outcomes, num_fields=1, prior_rows=0.0),
            fleet_arrays(
                (
                    DeviceConfig(name="phone", expert="a", compute_cost_per_word=0.0, local=True),
                    DeviceConfig(name="tv", expert="b", compute_cost_per_word=0.0),
                )
            ),
            rules=Rules(num_steps=3),
            chances=Chances(radio=LinkLevels(snr_db=(0.0, 15.0), outage=(0.0, 0.0), stay=0.5)),
            reward_config=RewardConfig(switching_cost=1.0),
        )

    @property
    def small(self) -> ExpertSelection:
        """The same in both sizes."""
        return self.selection

    @property
    def large(self) -> ExpertSelection:
        """The same in both sizes."""
        return self.selection

    def build(self, size: str) -> ExpertSelection:
        """Make it."""
        return self.selection
