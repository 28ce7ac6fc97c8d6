"""The sentences say what the pairs support, the bad as plainly as the good, and nothing beyond."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.mixture.judge_check.reliability import Verdict
from net4moe.study.quality import PairResult
from net4moe.study.quality.summary import summary
from tests.study.quality.drawn import ARMS, pair


def said(*pairs: PairResult, verdict: Verdict = "texts") -> str:
    """Join what is said of pairs with the two other arms."""
    return " ".join(summary(pairs, ARMS, ours="ours", verdict=verdict))


BETTER = pair("local", (0.1, 0.4, 0.7), 0.012)
WORSE = pair("all", (-0.9, -0.6, -0.3), 0.0004)
SAME = pair("all", (-0.2, 0.06, 0.3), 0.6)


def test_a_gain_and_no_difference() -> None:
    """The example that the study was asked for."""
    assert (
        "Ours scored 0.4 points above Local only (95 % 0.1 to 0.7, p = 0.01 after Holm). "
        "It did not differ measurably from All experts (0.1, 95 % −0.2 to 0.3, p = 0.60 after Holm)."
    ) == said(BETTER, SAME)


def test_a_loss_is_said_as_plainly() -> None:
    """In its own sentence, in positive points."""
    assert (
        "Ours scored 0.4 points above Local only (95 % 0.1 to 0.7, p = 0.01 after Holm). "
        "It scored 0.6 points below All experts (95 % 0.3 to 0.9, p < 0.001 after Holm)."
    ) == said(BETTER, WORSE)


def test_no_gain_at_all_comes_first() -> None:
    """Nobody has to look for it."""
    assert said(pair("local", (-0.1, 0.2, 0.5), 0.3), WORSE).startswith(
        "Ours scored above none of the 2 other arms. It scored 0.6 points below All experts"
    )
    assert said(SAME).startswith("Ours did not score above All experts. It did not differ measurably")


def test_several_are_listed() -> None:
    """With commas and an "and"."""
    pairs = [pair(arm, (0.5, 1.0, 1.5), 0.01) for arm in ("local", "all")]
    assert (
        "Ours scored 1.0 point above Local only (95 % 0.5 to 1.5, p = 0.01 after Holm) and "
        "1.0 point above All experts (95 % 0.5 to 1.5, p = 0.01 after Holm)."
    ) == said(*pairs)


@pytest.mark.parametrize(
    ("difference", "p_holm", "words"),
    [
        ((0.004, 0.04, 0.08), 0.02, "0.040 points above All experts (95 % 0.004 to 0.080, p = 0.02"),
        ((0.1, 0.4, 0.7), 0.0496, "p = 0.0496 after"),
        ((0.1, 0.4, 0.7), 0.0034, "p = 0.003 after"),
        ((0.0, 0.4, 0.7), 0.04, "(95 % 0.0 to 0.7, p = 0.04"),
    ],
)
def test_rounding_hides_nothing(difference: tuple[float, float, float], p_holm: float, words: str) -> None:
    """A small difference is not 0.0, and a p-value just below 0.05 is not 0.05."""
    assert words in said(pair("all", difference, p_holm))


def test_the_uncorrected_interval_decides_nothing() -> None:
    """It leaves out 0, but not after looking at all arms."""
    assert "above Local" not in said(pair("local", (0.01, 0.3, 0.6), 0.08), SAME)


@pytest.mark.parametrize(
    ("verdict", "start"),
    [
        (
            "broken texts only",
            "The judge may be used to find broken texts, not to say which of two sound ones",
        ),
        ("nothing", "The judge may be used for nothing, since it failed its check"),
    ],
)
def test_a_judge_that_may_not_compare_supports_no_claim(verdict: Verdict, start: str) -> None:
    """The sentence begins with what it may be used for, and no arm is above or below another."""
    text = said(BETTER, WORSE, verdict=verdict)
    assert text.startswith(start)
    assert "support no claim" in text
    assert not any(word in text for word in ("Ours", "Local", "points", " p "))


def test_what_was_left_out_is_said() -> None:
    """Prompts without a pair, and arms without any."""
    text = said(pair("local", (0.1, 0.4, 0.7), 0.01, num_prompts=28, num_left_out=12))
    assert "Against Local only 12 of 40 prompts were left out, since not both answered them" in text
    assert text.endswith("Not compared, for want of a scored answer: All experts.")


def test_nothing_compared_is_said() -> None:
    """Not that ours is as good."""
    assert "Ours could be compared with no other arm." == said()


def test_too_few_prompts_are_said() -> None:
    """With four the least p-value is 1/8: that no difference was found says nothing."""
    text = said(pair("local", (0.1, 0.4, 0.7), 0.25, num_prompts=4))
    assert text.endswith("With 4 prompts and 1 arm to compare, no difference could have been shown.")
    assert "could have been shown" not in said(SAME)


@given(st.floats(-3.0, 3.0), st.floats(0.0, 2.0), st.floats(0.0, 1.0))
def test_only_what_survives_the_correction_is_above_or_below(point: float, half: float, p: float) -> None:
    """For any numbers; and the minus sign is a minus sign."""
    text = said(pair("local", (point - half, point, point + half), p))
    is_found = p < 0.05 and point != 0.0
    assert is_found == any(
        f"{word} {where}" in text for word in ("point", "points") for where in ("above", "below")
    )
    assert is_found == ("differ measurably" not in text)
    assert "-" not in text
    assert "−0.0 " not in text
