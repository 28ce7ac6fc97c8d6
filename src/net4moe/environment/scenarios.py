"""The scenarios: what each is about, its small version to be solved and its large one to be bounded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from net4moe.environment.large_scenarios import LARGE
from net4moe.environment.scenario_names import ABOUT
from net4moe.environment.small_scenarios import SMALL

if TYPE_CHECKING:
    from net4moe.environment.selection import ExpertSelection

__all__ = ["SCENARIOS", "Scenario", "Size", "scenario"]

Size: TypeAlias = Literal["small", "large"]
"""Which version of a scenario."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A decision problem in two sizes.

    Attributes:
      name: its name.
      summary: one sentence on what it is about.
      changes: what the action changes beyond its own reward, in a few words; empty for a control.
      build_small: makes the version that is solved exactly.
      build_large: makes the version that is bounded.
    """

    name: str
    summary: str
    changes: str
    build_small: Callable[[], ExpertSelection]
    build_large: Callable[[], ExpertSelection]

    @property
    def small(self) -> ExpertSelection:
        """The version that is solved exactly."""
        return self.build("small")

    @property
    def large(self) -> ExpertSelection:
        """The version that is bounded."""
        return self.build("large")

    def build(self, size: Size) -> ExpertSelection:
        """Make one version; made once in a process."""
        return _built(self.name, size)


@cache
def _built(name: str, size: Size) -> ExpertSelection:
    one = SCENARIOS[name]
    return one.build_small() if size == "small" else one.build_large()


SCENARIOS: Mapping[str, Scenario] = MappingProxyType(
    {
        name: Scenario(
            name=name, summary=summary, changes=changes, build_small=SMALL[name], build_large=LARGE[name]
        )
        for name, (summary, changes) in ABOUT.items()
    }
)
"""The scenarios by name; the paper's first."""


def scenario(name: str) -> Scenario:
    """Find a scenario by its name.

    Raises:
      ValueError: there is none of that name.
    """
    if name not in SCENARIOS:
        message = f"There is no scenario '{name}'; choose one of {', '.join(SCENARIOS)}."
        raise ValueError(message)
    return SCENARIOS[name]
