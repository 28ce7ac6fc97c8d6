"""Tokens shared out over sentences."""

import pytest

from net4moe.chat import Token
from net4moe.mixture.judges.passes import by_sentence, sentences_of


def tokens(*texts: str) -> list[Token]:
    """Give the n-th token the log-probability -n."""
    return [Token(text=text, logprob=-float(number)) for number, text in enumerate(texts, start=1)]


@pytest.mark.parametrize("first", [("He",), ()])
def test_from_the_end(first: tuple[str, ...]) -> None:
    """The space before a word belongs to it; the first token may be missing."""
    found = by_sentence(tokens(*first, " ran.", " She", " sat."), ["He ran.", "She sat."], joint=" ")
    assert (len(first) + 1, 2) == tuple(map(len, found))


def test_joints_belong_to_nobody() -> None:
    """The line break and the dash of a list are left out; a token that reaches into a sentence is its own."""
    found = by_sentence(
        tokens(" He", " ran.", "\n", "-", " She", " sat."), ["He ran.", "She sat."], joint="\n- "
    )
    assert ((-1.0, -2.0), (-5.0, -6.0)) == found


def test_a_token_of_two_sentences() -> None:
    """It belongs to the one that it ends in."""
    found = by_sentence(tokens("A", ". B", "."), ["A.", "B."], joint=" ")
    assert ((-1.0,), (-2.0, -3.0)) == found


def test_empty_tokens_and_no_tokens() -> None:
    """A character cut into several tokens comes as empty ones and one that holds it all; all of them count."""
    assert ((-1.0, -2.0),) == by_sentence(tokens("", "十。"), ["十。"], joint=" ")
    assert ((-1.0, -2.0), (-3.0,)) == by_sentence(tokens("A.", "", " 十。"), ["A.", "十。"], joint=" ")
    assert ((), ()) == by_sentence([], ["A.", "B."], joint=" ")


def test_a_paragraph_ends_a_sentence() -> None:
    """A signature is no part of what stands below it."""
    assert ("Dear Tom, it rose.", "Your aunt Clara", "It is good bread!") == sentences_of(
        "Dear Tom, it rose. Your aunt Clara\n\nIt is good bread!"
    )
    assert ("One", "Two.") == sentences_of("\n\nOne\n \n\n Two. \n\n")
    assert ("?",) == sentences_of("?")
