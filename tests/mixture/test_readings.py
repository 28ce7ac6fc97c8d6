"""Probabilities and numbers are read by hand-computed examples."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.chat import Token
from net4moe.mixture import number_words, readings


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
        (7.5, "7,5"),
        (8.5, "Nota: 8,5 sobre 10"),
        (8.0, "8 von 10"),
        (8.0, "8 sur 10"),
        (8.0, "8 из 10"),
        (8.0, "8 points out of 10"),
        (8.0, "8分"),
        (8.0, "满分10分，8分"),
        (8.0, "10点満点中8点"),
        (8.0, "８／１０"),
        (7.0, "٧"),
        (10.0, "ten"),
        (8.0, "eight"),
        (8.0, "acht"),
        (8.0, "huit"),
        (8.0, "ocho"),
        (8.0, "восемь"),
        (8.0, "八"),
        (8.0, "八分"),
        (8.0, "Rating: eight out of ten"),
        (8.0, "8 (eight)"),
        (8.0, "8. I repeat: 8"),
        (8.0, "8 because it is good"),
        (8.0, '{"score": 8}'),
        (8.0, "<score>8</score>"),
        (8.0, "-> 8"),
        (7.0, "On a scale of 0 to 10, I give it 7."),
        (8.0, "Auf einer Skala von 0 bis 10: 8"),
        (8.0, "Score (0-10): 8"),
        (8.0, "I'd give this story 8 out of 10"),
        (8.0, "The story deserves an 8."),
        (8.0, "这个故事得8分"),
        (None, "between 6 and 8"),
        (None, "6-8"),
        (None, "8/100"),
        (None, "-3"),
        (None, "− 3"),
        (None, "1e3"),
        (None, ".5"),
        (None, ""),
        (None, "6 – 8"),
        (None, "six to 8"),
        (None, "8 or nine"),
        (None, "six-eight"),
        (None, "8,10"),
        (None, "7, 8"),
        (None, "1,000"),
        (None, "1.2.3"),
        (None, "8. No, 7"),
        (None, "minus 3"),
        (None, "minus three"),
        (None, "-ten"),
        (None, ">8"),
        (None, "at least 8"),
        (None, "80%"),
        (None, "80 percent"),
        (None, "null"),
        (None, "one of the best"),
        (None, "It is an eight"),
        (None, "This story has 3 foxes."),
        (None, "Sentence 2: <<<The fox learned"),
        (None, "1. The fox sails."),
        (None, "Chapter 3. The fox sails."),
        (None, "great"),
        (None, "<<<A detective falls in love>>>"),
    ],
)
def test_the_number_in_a_reply(number: float | None, text: str) -> None:
    """One clear number, or None."""
    assert number == readings.number_in(text)


def test_an_endless_number_is_no_number_to_trip_over() -> None:
    """Thousands of digits are read as infinity."""
    assert math.inf == readings.number_in("9" * 5_000)


@given(
    st.integers(0, 10),
    st.sampled_from(["{}", "{}/10", "Score: {}", "**{}**", "{} out of 10", "{}分", "{}.0"]),
)
def test_every_score_is_read_in_every_form(number: int, form: str) -> None:
    """Whole numbers from 0 to 10."""
    assert number == readings.number_in(form.format(number))


@given(
    st.integers(0, 10),
    st.integers(0, 10),
    st.sampled_from(["{}-{}", "{} to {}", "{} or {}", "{}, {}", "{} {}"]),
)
def test_two_different_numbers_are_none(low: int, high: int, form: str) -> None:
    """Whatever stands between them."""
    if low != high:
        assert readings.number_in(form.format(low, high)) is None


@pytest.mark.parametrize("text", ["*", "(", "_", "8 ", "ten ", "a ", "scale of ", "8_"])
def test_long_replies_are_read_in_no_time(text: str) -> None:
    """Nothing in a reply makes a reader search for ever."""
    start_s = time.perf_counter()
    readings.number_in(text * 5_000)
    readings.says_yes(text * 5_000)
    readings.option_in(text * 5_000)
    assert time.perf_counter() - start_s < 1.0


def test_spelled_numbers() -> None:
    """From 0 to 10; `null` is no number, as it may say that there is no score."""
    assert 11 == len(set(number_words.SPELLED.values()))
    assert 10 == number_words.SPELLED["ten"]
    assert 9 == number_words.SPELLED["nove"]
    assert "null" not in number_words.SPELLED


@pytest.mark.parametrize(
    ("chances", "number"),
    [({8: 0.5, 10: 0.2}, 8.0), ({8: 0.5, 10: 0.2}, 8.5), (None, 9.0), (None, 10.0)],
)
def test_the_place_of_the_number(chances: dict[int, float] | None, number: float) -> None:
    """The likeliest score there is the reply's number, and 10 is a token of its own."""
    tops = (_listed([("Score", 1.0)]), _listed([("8", 0.5), ("10", 0.2)]))
    found = readings.likeliest_score(tops, number)
    assert chances == (None if found is None else pytest.approx(found))


def test_a_place_with_little_on_scores_is_passed_over() -> None:
    """And one where 10 would be two tokens."""
    assert readings.likeliest_score((_listed([("8", 0.3), ("10", 0.1), ("x", 0.6)]),), 8.0) is None
    assert readings.likeliest_score((_listed([("8", 0.9)]),), 8.0) is None
    assert readings.likeliest_score((), 8.0) is None


def test_the_first_word_of_a_reply() -> None:
    """After marks and the words that announce the answer."""
    word = _listed([("Yes", 1.0)])
    announced = [_listed([(text, 1.0)]) for text in ("\n", " **", "Answer", ":", " Option")]
    assert word == readings.first_word([*announced, (), word, _listed([("No", 1.0)])])
    assert () == readings.first_word(announced)


def test_yes_and_no_in_all_spellings() -> None:
    """Case, space, stops and the marks of raw vocabularies; other words that begin alike are left out."""
    top = _listed(
        [(" Yes", 0.2), ("yes.", 0.1), ("ĠYES", 0.1), ("No", 0.2), ("▁no", 0.1), ("Not", 0.1), ("Ye", 0.1)]
    )
    assert (pytest.approx(0.4), pytest.approx(0.3)) == readings.yes_and_no(top)
    assert (0.0, 0.0) == readings.yes_and_no(())


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (True, "Yes"),
        (True, "yes."),
        (True, "**Yes**"),
        (True, "Answer: Yes"),
        (True, "Yes, it is coherent."),
        (True, "Oui"),
        (True, "是。"),
        (False, '"No"'),
        (False, "NO!"),
        (False, "不是"),
        (None, "Yes and no"),
        (None, "Yes, no doubt"),
        (None, "No idea"),
        (None, "Yesterday"),
        (None, "Perhaps"),
        (None, ""),
    ],
)
def test_a_reply_that_is_yes_or_no(answer: bool | None, text: str) -> None:
    """One of both, or None."""
    assert answer is readings.says_yes(text)


def test_the_chances_of_options() -> None:
    """Capital letters alone; a small a is a word."""
    top = _listed([(" A", 0.3), ("A.", 0.1), ("(B", 0.2), (" C", 0.1), (" a", 0.2), (" As", 0.1)])
    assert pytest.approx({"A": 0.4, "B": 0.2, "C": 0.1}) == readings.option_chances(top)


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("A", "A"),
        ("A", "A.\nBecause"),
        ("B", "**B**"),
        ("C", "(C)"),
        ("B", "B: the second text"),
        ("C", "Answer: Option C"),
        ("A", "Option A is better"),
        ("B", "B, since it ends."),
        (None, "A or B"),
        (None, "A/B"),
        (None, "A, B"),
        (None, "A great story"),
        (None, "Option A is worse than B"),
        (None, "a"),
        (None, "D"),
        (None, "Both"),
        (None, ""),
    ],
)
def test_the_option_that_a_reply_begins_with(option: str | None, text: str) -> None:
    """One clear letter, or None."""
    assert option == readings.option_in(text)
