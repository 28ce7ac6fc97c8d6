"""What fits a budget is used in order, the best-scored answers, and what is missing is counted."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.study.quality import Chosen, Draw, Missing, Resource
from net4moe.study.quality.choosing import by_num_draws, chosen, spent_by
from tests.study.quality.drawn import draw, draws

VALUES = st.lists(st.none() | st.floats(0.0, 10.0), max_size=5)


def test_the_best_scored_of_all_draws_answers() -> None:
    """Without a budget an arm has all of its draws; all of them are paid."""
    (one,) = chosen(draws("p0", "ours", [5.0, 7.0, 6.0])).choices
    assert (7.0, 1, 3, 3, 0.75) == (
        one.value,
        one.draw.number,
        one.num_draws,
        one.spent.calls,
        one.spent.cost,
    )


def test_the_first_of_equals_answers() -> None:
    """Also where the draws come in another order."""
    (one,) = chosen(draws("p0", "ours", [5.0, 7.0, 7.0])[::-1]).choices
    assert 1 == one.draw.number


@pytest.mark.parametrize(
    ("budget", "num_draws", "value"), [(100.0, 1, 5.0), (199.0, 1, 5.0), (200.0, 2, 7.0), (1e9, 3, 9.0)]
)
def test_as_many_draws_as_fit_are_used(budget: float, num_draws: int, value: float) -> None:
    """Each takes 100 tokens."""
    own = draws("p0", "local", [5.0, 7.0, 9.0])
    (one,) = chosen(own, budget_of={"p0": budget}, resource="tokens").choices
    assert (num_draws, value) == (one.num_draws, one.value)


def test_a_cheap_draw_behind_a_dear_one_is_not_reached() -> None:
    """Draws are used in order; nobody knows what the next one takes before it is written."""
    own = [
        draw("p0", "local", 5.0, tokens=50),
        draw("p0", "local", 6.0, number=1, tokens=900),
        draw("p0", "local", 9.0, number=2, tokens=1),
    ]
    (one,) = chosen(own, budget_of={"p0": 100.0}, resource="tokens").choices
    assert (1, 5.0) == (one.num_draws, one.value)


def test_what_cannot_be_paid_is_unanswered_and_not_scored_0() -> None:
    """The panel's first draw takes nine calls; an arm without any draw has no answer either."""
    own = [draw("p0", "ours", 6.0, calls=3), draw("p0", "all", 9.0, calls=9), draw("p1", "ours", 5.0)]
    found = chosen(own, budget_of={"p0": 3.0, "p1": 1.0}, resource="calls")
    assert [("p0", "ours"), ("p1", "ours")] == [(one.prompt_id, one.arm) for one in found.choices]
    assert (
        Missing(prompt_id="p0", arm="all", why="unanswered"),
        Missing(prompt_id="p1", arm="all", why="unanswered"),
    ) == found.missing


def test_unscored_draws_are_no_candidates_but_are_paid() -> None:
    """One of three has a score; where none has one the prompt is left out."""
    own = [*draws("p0", "ours", [None, 4.0, None]), *draws("p1", "ours", [None, None])]
    found = chosen(own)
    assert [(4.0, 3)] == [(one.value, one.spent.calls) for one in found.choices]
    assert (Missing(prompt_id="p1", arm="ours", why="unscored"),) == found.missing


def test_what_takes_nothing_of_a_resource_always_fits() -> None:
    """The user's own device needs no air time."""
    own = draws("p0", "local", [4.0, 5.0], air_s=0.0)
    (one,) = chosen(own, budget_of={"p0": 0.0}, resource="air_s").choices
    assert 2 == one.num_draws


def test_an_arm_can_be_kept_to_fewer_draws() -> None:
    """For points of a frontier: one draw, two, three."""
    own = [*draws("p0", "local", [4.0, 3.0, 9.0]), *draws("p0", "ours", [6.0])]
    values = {
        count: [(one.num_draws, one.value) for one in choices] for count, choices in by_num_draws(own).items()
    }
    assert {1: [(1, 4.0), (1, 6.0)], 2: [(2, 4.0), (1, 6.0)], 3: [(3, 9.0), (1, 6.0)]} == values
    assert {} == by_num_draws([])


def test_a_budget_is_what_ours_took() -> None:
    """For every prompt of any arm; 0 where ours drew nothing."""
    own = [*draws("p0", "ours", [5.0, None]), draw("p1", "local", 5.0)]
    assert {"p0": 4.0, "p1": 0.0} == spent_by(own, arm="ours", resource="joules")


@given(st.dictionaries(st.sampled_from(["ours", "local", "all"]), VALUES, min_size=1), st.data())
def test_nobody_spends_more_than_ours(values: dict[str, list[float | None]], data: st.DataObject) -> None:
    """Under any resource ours keeps all of its draws, everyone else stays within, and nothing is lost."""
    own: list[Draw] = []
    for arm, scores in values.items():
        amounts = data.draw(st.floats(0.0, 3.0))
        own += draws("p0", arm, scores, air_s=amounts, joules=3.0 - amounts)
    for resource in ("calls", "tokens", "joules", "air_s"):
        budget = spent_by(own, arm="ours", resource=resource)
        found = chosen(own, budget_of=budget, resource=resource)
        assert len({one.arm for one in own}) == len(found.choices) + len(found.missing)
        for one in found.choices:
            assert one.spent.of(resource) <= budget["p0"] * (1 + 1e-6)
            if one.arm == "ours":
                assert len(values["ours"]) == one.num_draws
            used = [score for score in values[one.arm][: one.num_draws] if score is not None]
            assert max(used) == one.value


def test_nothing_drawn_is_nothing_chosen() -> None:
    """No prompts, no arms."""
    assert Chosen(choices=(), missing=()) == chosen([])


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda own: chosen(own, budget_of={"p0": 1.0}),
            "A budget needs its resource, and a resource its budget, got `resource` None.",
        ),
        (
            lambda own: chosen(own, resource="calls"),
            "A budget needs its resource, and a resource its budget, got `resource` calls.",
        ),
        (lambda own: chosen(own, at_most=0), "`at_most` must be at least 1, got 0."),
        (lambda own: chosen(own, budget_of={}, resource="calls"), "Prompt 'p0' needs a budget."),
        (
            lambda own: chosen(own, budget_of={"p0": math.nan}, resource="calls"),
            "The budget for 'p0' must be at least 0, got nan.",
        ),
        (
            lambda own: chosen([*own, own[0]]),
            "Draws of 'ours' for 'p0' must have different numbers, got 0, 0.",
        ),
    ],
)
def test_bad_arguments_are_refused(call: Callable[[list[Draw]], Chosen], text: str) -> None:
    """Each error is one sentence that names what came."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        call([draw("p0", "ours", 5.0)])
    assert text == str(caught.value)


@pytest.mark.parametrize("resource", ["calls", "tokens", "joules", "air_s"])
def test_rounding_costs_ours_no_draw(resource: Resource) -> None:
    """Three tenths are not always 0.3."""
    own = draws("p0", "ours", [5.0, 6.0, 7.0], air_s=0.1, joules=0.7)
    (one,) = chosen(own, budget_of=spent_by(own, arm="ours", resource=resource), resource=resource).choices
    assert 3 == one.num_draws
