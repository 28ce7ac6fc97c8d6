"""Probabilities and numbers are read by hand-computed examples."""

import math

import pytest

from net4moe.chat import Token
from net4moe.mixture import readings


def _top(**chances: float) -> tuple[Token, ...]:
    return _listed(list(chances.items()))


def _listed(chances: list[tuple[str, float]]) -> tuple[Token, ...]:
    return tuple(Token(text=text, logprob=math.log(chance)) for text, chance in chances)


def test_the_first_token_of_a_label_counts_for_it() -> None:
    """Case and the space in front do not matter; two spellings add up; what is absent gets the least chance."""
    top = _listed([(" sci", 0.4), (" Science", 0.2), (" mystery", 0.1), (" cats", 0.05)])
    weights = readings.label_chances(top, ("science fiction", "mystery", "romance"))
    assert pytest.approx([0.6, 0.1, 0.05]) == weights


def test_a_token_that_begins_two_labels_is_shared() -> None:
    """Half for each; the whole for the label that alone fits."""
    top = _listed([(" science", 0.6), (" science fiction", 0.2)])
    weights = readings.label_chances(top, ("science fiction", "science"))
    assert pytest.approx([0.5, 0.3]) == weights


def test_single_letters_and_spaces_begin_nothing() -> None:
    """A token of one letter begins too many words to tell."""
    top = _listed([(" m", 0.5), (" ", 0.3), ("\n", 0.1)])
    assert pytest.approx([0.1, 0.1]) == readings.label_chances(top, ("mystery", "mars"))


def test_without_tokens_all_labels_weigh_the_same() -> None:
    """Nothing is known, so nothing is preferred."""
    assert [1.0, 1.0] == readings.label_chances((), ("a field", "another"))


def test_the_expectation_over_digits() -> None:
    """Spellings with and without a space add up; zero, words and numbers of two digits are left out."""
    top = _listed([("2", 0.3), (" 2", 0.1), ("8", 0.1), ("0", 0.2), ("10", 0.1), ("x", 0.2)])
    assert pytest.approx((2 * 0.4 + 8 * 0.1) / 0.5) == readings.digit_expectation(top)


def test_no_digit_no_expectation() -> None:
    """None, not a guess."""
    assert readings.digit_expectation(_top(short=0.9)) is None
    assert readings.digit_expectation(()) is None


def test_the_chances_of_scores() -> None:
    """Whole numbers from 0 to 10, ten as one token; other numbers, signs and letters are left out."""
    top = _listed(
        [("8", 0.4), (" 8", 0.1), ("10", 0.2), ("11", 0.1), ("²", 0.05), ("-1", 0.05), ("good", 0.1)]
    )
    assert pytest.approx({8: 0.5, 10: 0.2}) == readings.score_chances(top)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (8.0, "8"),
        (8.0, " 8.\n"),
        (7.5, "Score: 7.5"),
        (9.0, "**9**/10"),
        (9.0, "**9/10**"),
        (7.0, "7 out of 10"),
        (7.0, "Out of 10 I give it 7"),
        (10.0, "10/10"),
        (0.0, "0"),
        (11.0, "11"),
        (8.0, "I give it an 8!"),
        (None, "between 6 and 8"),
        (None, "6-8"),
        (None, "8/100"),
        (None, "-3"),
        (None, "− 3"),
        (None, "1e3"),
        (None, "7,5"),
        (None, ".5"),
        (None, "eight"),
        (None, ""),
        (None, "<<<A detective falls in love>>>"),
    ],
)
def test_the_number_in_a_reply(number: float | None, text: str) -> None:
    """One clear number, or None."""
    assert number == readings.number_in(text)


def test_an_endless_number_is_no_number_to_trip_over() -> None:
    """Thousands of digits are read as infinity."""
    assert math.inf == readings.number_in("9" * 5_000)
