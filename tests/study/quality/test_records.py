"""Records refuse what cannot be, and turn into JSON."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from net4moe.study import Interval
from net4moe.study.quality import RESOURCES, ArmResult, AtEqual, Choice, Quality, Spent
from tests.study.quality.drawn import ARMS, choice, draw, draws, pair, point


def arm_result(arm: str) -> ArmResult:
    """Make up what an arm scored."""
    return ArmResult(
        arm=arm,
        mean=Interval(low=5.0, point=6.0, high=7.0),
        held_out=None,
        length_controlled=None,
        words=100.0,
        calls=1.0,
        tokens=100.0,
        joules=2.0,
        air_s=0.5,
        cost=0.25,
        reward=5.75,
        num_answered=40,
        num_unanswered=0,
        num_unscored=0,
    )


def quality() -> Quality:
    """Make up a whole study."""
    results, pairs = (arm_result("ours"), arm_result("local")), (pair("local", (0.1, 0.4, 0.7), 0.01),)
    return Quality(
        arms=ARMS,
        ours="ours",
        prompts=("p0", "p1"),
        judge="embedded judge, SmolLM2, wording 3",
        results=results,
        pairs=pairs,
        at_equal=tuple(AtEqual(resource=one, results=results, pairs=pairs) for one in RESOURCES),
        frontier=(point("ours", 1.0, 6.0),),
    )


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"value": float("nan")}, "`value` must be finite or None, got nan."),
        ({"value": 5.0, "held_out": float("inf")}, "`held_out` must be finite or None, got inf."),
        ({"value": 5.0, "calls": -1}, "`calls` must be finite and at least 0, got -1."),
        ({"value": 5.0, "cost": float("nan")}, "`cost` must be finite and at least 0, got nan."),
        ({"value": 5.0, "number": -1}, "`number` must be finite and at least 0, got -1."),
    ],
)
def test_a_draw_refuses_numbers_that_cannot_be(fields: dict[str, float], text: str) -> None:
    """The sentence names the draw."""
    number = fields.get("number", 0)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        draw("p0", "ours", **fields)  # pyright: ignore[reportArgumentType]
    assert f"Draw {number} of 'ours' for 'p0': {text}" == str(caught.value)


@pytest.mark.parametrize(("value", "reason"), [(None, ""), (5.0, "a range")])
def test_a_draw_is_scored_or_says_why_not(value: float | None, reason: str) -> None:
    """Neither and both are refused."""
    text = f"must have a value or a reason why there is none, got {value} and '{reason}'"
    with pytest.raises(ValueError, match=rf"^Draw 0 of 'ours' for 'p0' {text}\.$"):
        draw("p0", "ours", value, unscored_reason=reason)


def test_what_was_spent_is_added_up() -> None:
    """Three draws, the unscored one too; every resource can be read by its name."""
    spent = Spent.on(draws("p0", "ours", [5.0, None, 6.0]))
    assert Spent(calls=3, tokens=300, joules=6.0, air_s=1.5, cost=0.75) == spent
    assert [3.0, 300.0, 6.0, 1.5] == [spent.of(resource) for resource in RESOURCES]
    assert Spent(calls=0, tokens=0, joules=0.0, air_s=0.0, cost=0.0) == Spent.on([])


def test_ten_tenths_are_one() -> None:
    """Rounding does not make a budget too small."""
    assert 1.0 == Spent.on(draws("p0", "ours", [5.0] * 10, air_s=0.1)).air_s


def test_the_reward_is_the_score_less_the_cost_of_all_draws() -> None:
    """6 points, two draws of 0.25."""
    assert 5.5 == choice("p0", "ours", 6.0, num_draws=2).reward


def test_an_unscored_draw_is_no_choice() -> None:
    """It could be compared with nothing."""
    one = draw("p0", "ours", None)
    with pytest.raises(ValueError, match=r"^The choice of 'ours' for 'p0' must be scored\.$"):
        Choice(prompt_id="p0", arm="ours", draw=one, num_draws=1, spent=Spent.on([one]))


def test_a_study_turns_into_json() -> None:
    """Texts, numbers, None and lists."""
    text = json.dumps(asdict(quality()), allow_nan=False)
    assert ["calls", "tokens", "joules", "air_s"] == [one["resource"] for one in json.loads(text)["at_equal"]]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            lambda one: replace(one, arms=(*ARMS, ARMS[1])),
            r"^Arm 'local' must be declared once, got 2 times\.$",
        ),
        (lambda one: replace(one, ours="us"), r"^Arm 'us' must be one of all, local, ours\.$"),
        (
            lambda one: replace(one, pairs=(pair("theirs", (0.0, 0.1, 0.2), 1.0),)),
            r"^Arm 'theirs' must be one of",
        ),
        (
            lambda one: replace(
                one, at_equal=(AtEqual(resource="calls", results=(arm_result("x"),), pairs=()),)
            ),
            r"^Arm 'x' must be one of",
        ),
    ],
)
def test_a_study_knows_its_arms(change: Callable[[Quality], Quality], text: str) -> None:
    """One that nobody declared, and one declared twice, are refused."""
    with pytest.raises(ValueError, match=text):
        change(quality())
