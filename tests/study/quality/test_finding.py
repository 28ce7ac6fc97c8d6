"""From draws to what is said of them, on three prompts by hand."""

from dataclasses import replace

import pytest

from net4moe.study.quality import RESOURCES, Draw, Quality
from net4moe.study.quality.finding import found, natural
from net4moe.study.quality.team import ARMS
from tests.study.quality.drawn import draw, draws

OURS_VALUES = (6.0, 7.0, 8.0)
LOCAL_VALUES = ((4.0, 5.0, 9.0), (3.0, 3.5, 3.0), (5.0, 2.0, 5.5))


def all_draws() -> list[Draw]:
    """Make up three prompts: ours takes 2 calls, 300 tokens, 4 J and 0.5 s of air.

    The user's own device has three texts of 1 call, 100 tokens and 3 J each, and is not on the air; the panel
    takes 9 calls; the bound has the best text of each prompt.
    """
    made: list[Draw] = []
    for number, (value, local) in enumerate(zip(OURS_VALUES, LOCAL_VALUES, strict=True)):
        prompt = f"p{number}"
        made += draws(prompt, "local", local[:1], joules=3.0, air_s=0.0, cost=0.25)
        made += draws(prompt, "local_n", local, joules=3.0, air_s=0.0, cost=0.25)
        made.append(draw(prompt, "panel", 9.5, calls=9, tokens=900, joules=18.0, air_s=4.0, cost=3.0))
        made.append(draw(prompt, "ours", value, calls=2, tokens=300, joules=4.0, air_s=0.5, cost=1.0))
        made.append(draw(prompt, "upper", 9.5, calls=9, tokens=900, joules=18.0, air_s=4.0, cost=3.0))
    return made


def quality(*, seed: int = 0) -> Quality:
    """Find everything in them."""
    return found(all_draws(), judge="a judge", seed=seed)


def means(results: Quality | None = None, resource: str = "") -> dict[str, float]:
    """Look up the mean scores of the arms that answered."""
    results = results or quality()
    rows = next((one.results for one in results.at_equal if one.resource == resource), results.results)
    return {one.arm: one.mean.point for one in rows if one.mean is not None}


def test_as_many_local_texts_as_ours_made_calls() -> None:
    """Two of three for each prompt; what other arms drew stays, in its order."""
    left = natural(all_draws())
    assert [(prompt, number) for prompt in ("p0", "p1", "p2") for number in (0, 1)] == [
        (one.prompt_id, one.number) for one in left if one.arm == "local_n"
    ]
    assert [one for one in all_draws() if one.arm != "local_n"] == [
        one for one in left if one.arm != "local_n"
    ]


def test_the_number_is_that_of_each_prompt() -> None:
    """One call here, three there, none where ours drew nothing."""
    own = [
        *draws("p0", "local_n", [1.0, 2.0, 3.0]),
        *draws("p1", "local_n", [1.0, 2.0, 3.0, 4.0]),
        *draws("p2", "local_n", [1.0]),
        draw("p0", "ours", 5.0, calls=1),
        draw("p1", "ours", 5.0, calls=3),
        draw("p2", "random", 5.0),
    ]
    left = [(one.prompt_id, one.number) for one in natural(own) if one.arm == "local_n"]
    assert [("p0", 0), ("p1", 0), ("p1", 1), ("p1", 2)] == left
    assert () == natural([])


def test_means_at_natural_budgets() -> None:
    """Of the first two local texts the better one: 5, 3.5 and 5."""
    assert (
        pytest.approx({"local": 4.0, "local_n": 13.5 / 3, "panel": 9.5, "ours": 7.0, "upper": 9.5}) == means()
    )


@pytest.mark.parametrize(
    ("resource", "local_n"),
    [
        ("calls", 13.5 / 3),  # two calls are two texts
        ("tokens", 18.0 / 3),  # 300 tokens are three: 9, 3.5 and 5.5
        ("joules", 12.0 / 3),  # 4 J are one
        ("air_s", 18.0 / 3),  # what is not on the air always fits
    ],
)
def test_means_at_equal_budgets(resource: str, local_n: float) -> None:
    """What is beyond the natural number serves larger budgets; the panel can pay none of them."""
    assert pytest.approx({"local": 4.0, "local_n": local_n, "ours": 7.0}) == means(resource=resource)


def test_all_parts_are_there() -> None:
    """Ten arms in the order of the tables everywhere, four resources, prompts and judge."""
    one = quality()
    keys = [arm.key for arm in ARMS]
    assert (ARMS, "ours", ("p0", "p1", "p2"), "a judge") == (one.arms, one.ours, one.prompts, one.judge)
    assert keys == [result.arm for result in one.results]
    assert list(RESOURCES) == [equal.resource for equal in one.at_equal]
    for equal in one.at_equal:
        assert keys == [result.arm for result in equal.results]
        panel = next(result for result in equal.results if result.arm == "panel")
        assert (0, 3, None) == (panel.num_answered, panel.num_unanswered, panel.mean)


def test_ours_against_each_other_arm() -> None:
    """Differences by hand; at equal budgets only arms that answered are held against ours."""
    one = quality()
    assert pytest.approx({"local": 3.0, "local_n": 2.5, "panel": -2.5}) == {
        pair.arm: pair.difference.point for pair in one.pairs
    }
    assert {(3, 0, 0), (0, 0, 3)} == {(pair.wins, pair.ties, pair.losses) for pair in one.pairs}
    tokens = next(equal for equal in one.at_equal if equal.resource == "tokens")
    assert pytest.approx({"local": 3.0, "local_n": 1.0}) == {
        pair.arm: pair.difference.point for pair in tokens.pairs
    }


def test_the_frontier_has_natural_draws_and_no_reachable_bound() -> None:
    """One point for one local text, one for two; nobody can have the bound, and it beats nothing."""
    places = {(point.arm, point.num_draws): point for point in quality().frontier}
    assert {("local", 1), ("local_n", 1), ("local_n", 2), ("panel", 1), ("ours", 1), ("upper", 1)} == set(
        places
    )
    assert pytest.approx((0.5, 13.5 / 3)) == (
        places["local_n", 2].cost.point,
        places["local_n", 2].score.point,
    )
    assert {"upper"} == {point.arm for point in places.values() if not point.is_reachable}
    assert {("local", 1), ("local_n", 1), ("local_n", 2), ("ours", 1), ("panel", 1)} == {
        place for place, point in places.items() if point.is_best
    }


def test_what_is_unscored_is_counted() -> None:
    """Ours has no score for one prompt: two are compared, and the third is left out of every pair."""
    own = [
        replace(one, value=None, unscored_reason="no idea")
        if (one.arm, one.prompt_id) == ("ours", "p1")
        else one
        for one in all_draws()
    ]
    results = found(own, judge="a judge")
    ours = next(one for one in results.results if one.arm == "ours")
    assert (2, 1, 0) == (ours.num_answered, ours.num_unscored, ours.num_unanswered)
    assert {(2, 1)} == {(pair.num_prompts, pair.num_left_out) for pair in results.pairs}
    assert {2} == {point.num_prompts for point in results.frontier}


def test_the_seed_decides() -> None:
    """The same seed gives the same to the last digit, and every seed the same means."""
    assert quality() == quality()
    assert means() == means(quality(seed=1))
