"""Certificates by hand, and what is called sequential."""

import re
from dataclasses import replace

import numpy as np
import pytest

from net4moe.policy import random_selection, round_robin
from net4moe.study.certificates import Certificate, certificate, exact_value
from tests.study.tiny import first, patient, second, table_by_hand

RULES = {"first": first, "second": second}


def by_hand() -> Certificate:
    """Certify the two states."""
    return certificate(table_by_hand(), RULES, scenario="two states", changes="the state")


def test_the_values_of_two_states_over_two_choices() -> None:
    """From A: 1 + 1 for the myopic rule; 0 + 3 for the best.

    Chance in the last choice is worth 0.5 in A and 1.5 in B, so from A (1 + 0.5 + 0 + 1.5) / 2 = 1.5.
    """
    found = by_hand()
    assert (2, 2, 2) == (found.num_devices, found.num_states, found.num_steps)
    assert 1.5 == found.random_value
    assert 2.0 == found.myopic_value
    assert (("first", 2.0), ("second", 0.0)) == found.heuristics
    assert 3.0 == found.planned_value
    assert 3.0 == found.optimal_value
    assert pytest.approx((3.0 - 2.0) / (3.0 - 1.5)) == found.gap
    assert pytest.approx(0.5) == found.lead
    assert "sequential" == found.label


def test_policies_are_valued_without_sampling() -> None:
    """The same numbers, one policy at a time."""
    table = table_by_hand()
    assert 3.0 == exact_value(table, patient)
    assert 1.5 == exact_value(table, random_selection)
    assert 0.0 == exact_value(table, second)


def test_round_robin_goes_on_from_one_episode_to_the_next() -> None:
    """Three choices from A: 0 1 0 earns 1 + 0 + 3 in even episodes, 1 0 1 earns 0 + 3 + 0 in odd ones."""
    table = replace(table_by_hand(), num_steps=3)
    assert (1.0 + 0.0 + 3.0 + 0.0 + 3.0 + 0.0) / 2 == exact_value(table, round_robin)
    assert 1.0 + 0.0 == exact_value(table_by_hand(), round_robin)


def test_a_choice_that_changes_nothing_makes_a_control() -> None:
    """Both choices lead back to A: the myopic rule is the best, the gap is nil."""
    found = certificate(table_by_hand(to_second=0), RULES, scenario="bandit", changes="")
    assert 2.0 == found.myopic_value == found.optimal_value
    assert 0.0 == found.gap
    assert "control" == found.label


def test_a_heuristic_at_the_optimum_makes_a_control() -> None:
    """The gap is two thirds, but nothing needs to be learned."""
    found = certificate(table_by_hand(), {**RULES, "patient": patient}, scenario="easy", changes="the state")
    assert "patient" == found.heuristic
    assert found.gap > 0.5
    assert "control" == found.label


@pytest.mark.parametrize(("myopic_value", "label"), [(2.926, "control"), (2.924, "sequential")])
def test_five_per_cent_are_needed(myopic_value: float, label: str) -> None:
    """The way from chance is 1.5 long; 5 % of it are 0.075."""
    assert label == replace(by_hand(), myopic_value=myopic_value).label


def test_without_a_way_from_chance_to_the_optimum_there_is_no_gap() -> None:
    """Everything earns the same."""
    same = replace(
        by_hand(),
        random_value=3.0,
        myopic_value=3.0,
        heuristics=(("first", 3.0),),
        planned_value=3.0,
    )
    assert (0.0, 0.0, "control") == (same.gap, same.lead, same.label)
    assert np.isnan(replace(by_hand(), heuristics=(("first", 0.0),)).lead)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"myopic_value": 3.1},
            "In 'two states' the value of the myopic rule, 3.1, must not be above the optimum, 3.0.",
        ),
        (
            {"heuristics": (("first", 4.0),)},
            "In 'two states' the value of the best heuristic, 4.0, must not be above the optimum, 3.0.",
        ),
        ({"heuristics": ()}, "The certificate of 'two states' needs at least 1 heuristic."),
    ],
)
def test_what_cannot_be_is_refused(changes: dict, text: str) -> None:
    """A value above the optimum is a fault of the table or of the evaluation."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        replace(by_hand(), **changes)
