"""The seam between the mixture and whatever decides where subtasks go."""

from collections.abc import Sequence
from typing import Protocol

from net4moe.errors import NoDevice
from net4moe.mixture.records import Assessment, Costs, Decision, Subtask

__all__ = ["MostRelevant", "Placement"]


class Placement(Protocol):
    """Decides which expert on which device takes which subtask."""

    def place(
        self, subtasks: Sequence[Subtask], assessments: Sequence[Sequence[Assessment]]
    ) -> tuple[Decision, ...]:
        """Decide for every subtask of a prompt.

        Args:
          subtasks: the subtasks `[S]`.
          assessments: what each needs of each candidate expert `[S][E]`.

        Raises:
          NoDevice: nobody can take a subtask.
        """
        ...

    def settle(self, decision: Decision, words: int) -> Costs:
        """Compute what a passage of that many words really cost."""
        ...


class MostRelevant:
    """Send each subtask to the expert whose field it belongs to most; every expert is at hand, at no cost."""

    def place(
        self, subtasks: Sequence[Subtask], assessments: Sequence[Sequence[Assessment]]
    ) -> tuple[Decision, ...]:
        """Route by semantics alone."""
        decisions: list[Decision] = []
        for subtask, candidates in zip(subtasks, assessments, strict=True):
            if not candidates:
                msg = f"there is no expert for subtask {subtask.index + 1}, '{subtask.text[:80]}'."
                raise NoDevice(msg)
            best = max(candidates, key=lambda assessment: assessment.relevance)
            decisions.append(
                Decision(
                    subtask_index=subtask.index,
                    expert=best.expert,
                    device="this computer",
                    is_local=True,
                    snr_db=None,
                    expected=Costs(),
                    reason=f"closest to its field ({best.relevance:.0%})",
                )
            )
        return tuple(decisions)

    def settle(self, decision: Decision, words: int) -> Costs:
        """Charge nothing."""
        return Costs()
