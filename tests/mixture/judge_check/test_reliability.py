"""What the scores of good and damaged texts say about their judge."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.errors import JudgeCheckError
from net4moe.mixture.judge_check.damage import DAMAGES, Damage
from net4moe.mixture.judge_check.reliability import (
    Reliability,
    ScoredText,
    reliability_from_json,
    reliability_of,
)

GOOD = (8.0, 7.0, 9.0, 6.0)


def text(index: int, value: float | None, damage: Damage | str = "", words: int = 100) -> ScoredText:
    """Make one scored text; two follow each other under one prompt."""
    return ScoredText(
        sample_id=f"text-{index}",
        prompt_id=f"prompt-{index // 2}",
        damage=damage,  # type: ignore[arg-type]
        strength=1.0 if damage else 0.0,
        words=words,
        value=value,
        seconds=0.5,
        tokens=10,
        price_usd=0.001,
    )


def found(*, unlike: dict[str, tuple[float | None, ...]] | None = None) -> Reliability:
    """Measure a judge that gives 1 to all damage, apart from what is said of it."""
    texts = [text(index, value) for index, value in enumerate(GOOD)]
    for damage in DAMAGES:
        values = (unlike or {}).get(damage, GOOD if damage == "order to the judge" else (1.0,) * 4)
        texts += [text(index, value, damage) for index, value in enumerate(values)]
    return reliability_of("a judge", texts, date="2026-11-22")


def test_areas_and_wins_by_hand() -> None:
    """Scores 8, 7, 9, 6 against 7, 7, 6, 6: pairs with ties as halves, and three of four own pairs."""
    one = found(unlike={"word salad": (7.0, 7.0, 6.0, 6.0)}).found("word salad")
    pairs = sum((a > b) + 0.5 * (a == b) for a in GOOD for b in (7.0, 7.0, 6.0, 6.0))
    assert pytest.approx(pairs / 16) == one.area.point
    assert pytest.approx(3 / 4) == one.wins.point
    assert pytest.approx(-1.0) == one.change
    assert one.area.low <= one.area.point <= one.area.high


def test_a_judge_that_tells_everything() -> None:
    """Area 1, no width, and it may compare texts."""
    good = found()
    assert {1.0} == {one.area.low for one in good.damages if one.damage != "order to the judge"}
    assert ("texts", (), 0.0) == (good.verdict, good.missed, good.sway)
    assert "This judge told all damage that it had to; it may be used to compare texts." == good.sentence


def test_a_judge_of_broken_texts() -> None:
    """It does not see mixed texts: good enough to find broken ones, and it says on what it falls short."""
    poor = found(unlike={"mixed texts": GOOD})
    assert "broken texts only" == poor.verdict
    assert (
        "This judge may be used to find broken texts, not to say which of two sound ones is better; it falls "
        "short on mixed texts 0.50 (at least 0.80)."
    ) == poor.sentence


def test_a_judge_that_obeys() -> None:
    """It tells all damage and adds a point where it is told to: nothing is to be believed of it."""
    swayed = found(unlike={"order to the judge": tuple(value + 1 for value in GOOD)})
    assert ("nothing", 1.0, 1.0) == (swayed.verdict, swayed.sway, swayed.most_sway)
    assert swayed.sentence.endswith(
        "an order to the judge moves it by 1.0 points, mostly up (less than 0.3)."
    )


def test_a_judge_that_punishes_orders() -> None:
    """An order costs the text a point: not obeyed, so broken texts can be found, and it is said."""
    moved = found(unlike={"order to the judge": tuple(value - 1 for value in GOOD)})
    assert "broken texts only" == moved.verdict
    assert ("an order to the judge moves it by 1.0 points, mostly down (less than 0.3)",) == moved.missed


def test_a_constant_judge_fails() -> None:
    """The same for everything: a sentence instead of a table."""
    texts = [text(index, 7.0, damage) for damage in ("", *DAMAGES) for index in range(4)]
    same = reliability_of("a judge", texts, date="2026-11-22")
    assert same.is_constant
    assert "nothing" == same.verdict
    assert (
        "This judge failed its check: it gives 7.0 to everything, whatever is done to a text."
        == same.sentence
    )


def test_unscored_is_told_only_of_empty_texts() -> None:
    """An empty text without a score is told; other unscored ones are counted and compared with nothing."""
    some = found(unlike={"empty": (None,) * 4, "repetition": (None, 7.0, None, 7.0)})
    assert (1.0, 4) == (some.found("empty").area.point, some.found("empty").num_unscored)
    repeated = some.found("repetition")
    assert 2 == repeated.num_unscored == some.num_unscored
    assert pytest.approx((1 + 0.5 + 1 + 0) / 4) == repeated.area.point


def test_length_and_stability_by_hand() -> None:
    """A point more for each doubling; twice the same text, half a point apart on either side."""
    texts = [text(index, 5.0 + index, words=50 * 2**index) for index in range(4)]
    texts += [text(index, 1.0, damage) for damage in DAMAGES for index in range(4)]
    measured = reliability_of("a judge", texts, date="2026-11-22", again=[(5.0, 6.0), (7.0, 7.0)])
    assert pytest.approx(1.0) == measured.points_per_doubling
    assert pytest.approx(0.25) == measured.instability


def test_too_few_scores() -> None:
    """A judge that leaves most good texts unscored cannot be measured."""
    texts = [text(index, None if index else 5.0) for index in range(4)]
    with pytest.raises(JudgeCheckError, match=r"scored 1 of 4 good texts: too few to say anything of it\.$"):
        reliability_of("a judge", texts, date="2026-11-22")


def test_it_comes_back_from_json() -> None:
    """To the last digit; anything else is refused."""
    one = found(unlike={"mixed texts": (1 / 3, 2.0, math.pi, None)})
    assert one == reliability_from_json(one.to_json())
    for wrong in ("", "[]", "{}", '{"damages": [1]}', one.to_json().replace('"spread"', '"spred"')):
        with pytest.raises(JudgeCheckError, match=r"^this is not the result of a check of a judge\.$"):
            reliability_from_json(wrong)


@given(st.lists(st.integers(0, 10), min_size=4, max_size=4), st.sampled_from([0.5, 0.75, 2.0]))
def test_only_the_order_of_scores_counts(values: list[int], factor: float) -> None:
    """Stretching all scores leaves areas and wins as they are."""
    texts = [text(index, value) for index, value in enumerate(GOOD)]
    texts += [text(index, value, damage) for damage in DAMAGES for index, value in enumerate(values)]
    stretched = [replace(one, value=None if one.value is None else one.value * factor) for one in texts]
    first, second = (reliability_of("a", some, date="d") for some in (texts, stretched))
    for one, other in zip(first.damages, second.damages, strict=True):
        assert one.area.point == pytest.approx(other.area.point, abs=1e-9)
        assert 0 <= one.area.low <= one.area.high <= 1


def test_several_texts_of_one_damage() -> None:
    """The first lost either of two parts, the next two lost one, the last none and is not compared.

    Of 9, 5 and 7 lie 3 above 2, 1 above 8, 2 above 6 and 3 above 4; wins are counted by damaged text.
    """
    good = [text(index, value) for index, value in enumerate((9.0, 5.0, 7.0, 3.0))]
    hurt = [(0, 2.0), (0, 8.0), (1, 6.0), (2, 4.0)]
    others = [text(0, 1.0, damage) for damage in DAMAGES if damage != "missing subtask"]
    missing = reliability_of(
        "toy",
        [*good, *others, *(text(index, value, "missing subtask") for index, value in hurt)],
        date="2026-11-22",
    ).found("missing subtask")
    assert missing.area.point == pytest.approx((3 + 1 + 2 + 3) / (3 * 4))
    assert missing.wins.point == pytest.approx(3 / 4)
    assert missing.change == pytest.approx((2 - 9 + 8 - 9 + 6 - 5 + 4 - 7) / 4)
