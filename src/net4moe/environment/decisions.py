"""The choice at hand, as a policy meets it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from net4moe.environment.observation import Observation

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

__all__ = ["AdaptivePolicy", "Decisions", "Policy"]


class Decisions(NamedTuple):
    """Choices to be made, and what each device would bring; leading axes, where there are any, are a batch.

    A policy reads `observation`, `turn` and `uniform`. `rewards` is hindsight and `mean_rewards` is told the
    prices: both are for bounds and for rules that are to be measured against.

    Attributes:
      observation: what is known before the choice.
      turn: running number of the choice, over all episodes.
      uniform: a random number in (0, 1) for a policy that draws lots.
      valid: False after the end of an episode.
      rewards: what each device really earns with this choice; NaN where it may not be chosen.
      mean_rewards: what each device earns with this choice on average, given what is known.
    """

    observation: Observation
    turn: Int[Any, "*batch"]
    uniform: Float[Any, "*batch"]
    valid: Bool[Any, "*batch"]
    rewards: Float[Any, "*batch N"]
    mean_rewards: Float[Any, "*batch N"]


Policy: TypeAlias = Callable[[Decisions], Any]
"""Turns decisions into the indices of the chosen devices, one per decision."""


class AdaptivePolicy(Protocol):
    """A policy that learns while it plays; pure functions of a memory, one decision at a time."""

    def initial(self, num_devices: int) -> Any:
        """Make the memory of one that knows nothing."""
        ...

    def choose(self, memory: Any, decisions: Decisions) -> Int[Any, ""]:
        """Choose a device."""
        ...

    def learn(self, memory: Any, decisions: Decisions, action: Int[Any, ""], reward: Float[Any, ""]) -> Any:
        """Remember what a choice earned."""
        ...
