"""What a comparison is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from net4moe.environment.scenarios import Scenario, Size
    from net4moe.study.contenders import Contender

__all__ = ["PARTS_OF_TRAINING", "ComparisonPlan"]

PARTS_OF_TRAINING = 20
"""Parts of progress that the training of one agent counts for; everything else counts for one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """What is compared.

    Attributes:
      scenarios: where.
      sizes: in which versions.
      contenders: the agents to train.
      adaptive: the policies that learn while they play, names of `ADAPTIVE`.
      num_seeds: trainings of each agent; each seed has tapes of its own.
      num_episodes: episodes that every policy plays, for each seed.
      num_practice_episodes: episodes that an adaptive policy plays before, for each seed.
      with_planner: whether planning ahead plays large versions too; in small ones its value is exact.
      num_bound_episodes: episodes that are bounded and planned in large versions, for each seed, the first ones.
      seed: root of all randomness.
    """

    scenarios: tuple[Scenario, ...]
    sizes: tuple[Size, ...]
    contenders: tuple[Contender, ...]
    adaptive: tuple[str, ...] = ()
    num_seeds: int = 10
    num_episodes: int = 200
    num_practice_episodes: int = 200
    with_planner: bool = False
    num_bound_episodes: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a comparison of nothing."""
        for label in ("scenarios", "sizes"):
            if not getattr(self, label):
                message = f"`{label}` must name at least 1, got none."
                raise ValueError(message)
        for label in ("num_seeds", "num_episodes", "num_practice_episodes", "num_bound_episodes"):
            if getattr(self, label) < 1:
                message = f"`{label}` must be at least 1, got {getattr(self, label)}."
                raise ValueError(message)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds."""
        return tuple(range(self.num_seeds))

    @property
    def num_parts(self) -> int:
        """Parts that progress is counted in."""
        each = 2 + len(self.adaptive) + PARTS_OF_TRAINING * len(self.contenders)
        planned = len(self.scenarios) if self.with_planner and "large" in self.sizes else 0
        return each * len(self.scenarios) * len(self.sizes) + planned
