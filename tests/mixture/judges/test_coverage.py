"""How far a text covers each phrase of its prompt, by hand."""

import math
import re

import pytest

from net4moe.chat import Token
from net4moe.mixture.judges.coverage import coverage


def tokens(about: str, logprobs: list[float]) -> list[Token]:
    """Give each word of a prompt its log-probability."""
    words = re.findall(r"\s*\S+", f" {about}")
    assert len(words) == len(logprobs)
    return [Token(text=word, logprob=logprob) for word, logprob in zip(words, logprobs, strict=True)]


FOX = "A fox learns to sail while a storm destroys the harbour."
"""Two phrases; the words that count are fox, learns, sail, while, and storm, destroys, harbour."""


def test_the_least_phrase_counts() -> None:
    """The fox is told of, the storm is not: 9 of 12 taken off the first, 3 of 16 off the second."""
    alone = tokens(FOX, [-1, -4, -4, -1, -4, -4, -1, -4, -4, -1, -4])
    after = tokens(FOX, [-1, -1, -1, -1, -1, -4, -1, -4, -4, -1, -1])
    assert pytest.approx(3 / 16) == coverage(FOX, alone, after)


def test_a_text_that_covers_all() -> None:
    """Each phrase by itself: the lesser share is the sign, whatever the other gains."""
    alone = tokens(FOX, [-1, -4, -4, -1, -4, -4, -1, -4, -4, -1, -4])
    after = tokens(FOX, [-1, 0, 0, -1, 0, -2, -1, -2, -2, -1, -2])
    assert pytest.approx(0.5) == coverage(FOX, alone, after)


def test_small_words_do_not_count() -> None:
    """A text that foretells articles and prepositions covers nothing by it."""
    alone = tokens(FOX, [-5, -4, -4, -5, -4, -4, -5, -4, -4, -5, -4])
    after = tokens(FOX, [0, -4, -4, 0, -4, -4, 0, -4, -4, 0, -4])
    assert pytest.approx(0.0) == coverage(FOX, alone, after)


def test_words_of_several_tokens() -> None:
    """A word's tokens are added up; a token that begins with no space goes on with the word."""
    alone = [Token(text=text, logprob=-2.0) for text in (" light", "house", " keeper")]
    after = [
        Token(text=text, logprob=logprob) for text, logprob in ((" light", -1), ("house", 0), (" keeper", -2))
    ]
    assert pytest.approx(3 / 6) == coverage("lighthouse keeper", alone, after)


def test_worse_than_nothing() -> None:
    """A text on something else makes the prompt less likely."""
    alone, after = tokens("Foxes sail", [-3, -3]), tokens("Foxes sail", [-4, -5])
    assert pytest.approx(-0.5) == coverage("Foxes sail", alone, after)


def test_a_certain_word_is_not_divided_by() -> None:
    """Words that were certain before count a tenth each."""
    alone, after = tokens("Foxes sail", [0, 0]), tokens("Foxes sail", [0, 0])
    assert coverage("Foxes sail", alone, after) == 0.0


@pytest.mark.parametrize("about", ["?!", "ab", "it is so"])
def test_nothing_to_cover(about: str) -> None:
    """A prompt without a word of three letters says nothing."""
    logprobs = [-1.0] * len(about.split())
    assert math.isnan(coverage(about, tokens(about, logprobs), tokens(about, logprobs)))


def test_another_language() -> None:
    """Words of any script count; the phrases are found as they stand."""
    about = "Eine Füchsin lernt segeln, und ein Sturm kommt."
    alone = tokens(about, [-1, -4, -4, -4, -1, -1, -4, -4])
    after = tokens(about, [-1, -1, -1, -1, -1, -1, -4, -4])
    assert 0 <= coverage(about, alone, after) < 0.2
