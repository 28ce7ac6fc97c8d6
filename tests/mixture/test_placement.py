"""Routing by relevance alone."""

import re

import pytest

from net4moe.errors import NoDevice
from net4moe.mixture import Assessment, Costs, MostRelevant, Subtask

SUBTASK = Subtask(
    index=1, text="on Mars", kind="story", field="history", relevance=(("history", 1.0),), words=30.0
)


def _assessment(expert: str, relevance: float) -> Assessment:
    return Assessment(subtask_index=1, expert=expert, relevance=relevance, expected_words=30.0, units=3.0)


def test_the_most_relevant_expert_is_taken() -> None:
    """The first of equal ones; no link, no cost, and the reason says why."""
    candidates = [_assessment("a", 0.2), _assessment("b", 0.4), _assessment("c", 0.4)]
    (decision,) = MostRelevant().place([SUBTASK], [candidates])
    assert ("b", "this computer", True, None) == (
        decision.expert,
        decision.device,
        decision.is_local,
        decision.snr_db,
    )
    assert (1, "closest to its field (40%)") == (decision.subtask_index, decision.reason)
    assert Costs() == decision.expected == MostRelevant().settle(decision, 1_000)


def test_a_subtask_without_candidates() -> None:
    """The sentence names it."""
    text = "there is no expert for subtask 2, 'on Mars'."
    with pytest.raises(NoDevice, match=f"^{re.escape(text)}$"):
        MostRelevant().place([SUBTASK], [[]])
