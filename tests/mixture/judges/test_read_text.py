"""A text as it is read, and its tokens shared out over its sentences."""

import asyncio

import pytest

from net4moe.chat import ReadRequest, Token
from net4moe.mixture.judges.meaning import meaning_of
from net4moe.mixture.judges.read_text import ReadText, by_sentence, sentences_of, text_read
from tests.mixture.encoders import ScriptedEncoder


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


def read_as(text: str, *texts: str) -> tuple[ReadText, list[ReadRequest]]:
    """Read a text about a fox with a model that cuts it into these tokens."""
    requests: list[ReadRequest] = []

    async def read(request: ReadRequest) -> tuple[Token, ...]:
        requests.append(request)
        return tuple(tokens(*texts))

    return asyncio.run(text_read(read, ScriptedEncoder().compare, text, "a fox")), requests


def test_it_is_read_once_with_a_break_after_it() -> None:
    """Its sentences in one line and nothing before them; the break is no part of it."""
    found, requests = read_as("He  ran.\n\nShe sat. ", "He", " ran", ".", " She", " sat", ".", "\n\n")
    assert [("", "He  ran. She sat.\n\n")] == [(request.given, request.text) for request in requests]
    assert ("He  ran. She sat.", ("He  ran.", "She sat.")) == (found.text, found.sentences)
    assert "a fox" == found.about
    assert ["\n\n"] == [token.text for token in found.rest]
    assert 6 == len(found.own)


def test_the_first_token_may_be_missing() -> None:
    """Nothing stands before it, so a model may not tell it; all else stays where it was."""
    found, _ = read_as("He ran. She sat.", " ran", ".", " She", " sat", ".", "\n", "\n")
    assert ((-1.0, -2.0), (-3.0, -4.0, -5.0)) == found.bare
    assert [-6.0, -7.0] == [token.logprob for token in found.rest]


def test_a_full_stop_and_a_break_in_one_token() -> None:
    """What reaches into the break belongs to it."""
    found, _ = read_as("He ran.", "He", " ran", ".\n\n")
    assert ([" ran"], [".\n\n"]) == (
        [token.text for token in found.own[1:]],
        [token.text for token in found.rest],
    )


def test_a_text_that_is_one_token() -> None:
    """Nothing of its own is told."""
    found, _ = read_as("Yes", "\n\n")
    assert ((), ((),), 1) == (found.own, found.bare, len(found.rest))


def test_it_is_compared_with_its_prompt() -> None:
    """What it means is what its sentences mean beside the prompt."""
    found, _ = read_as("A fox ran. It sat.", "It", " sat", ".", "\n\n")
    compare = ScriptedEncoder().compare
    assert asyncio.run(meaning_of(compare, ("A fox ran.", "It sat."), "a fox")) == found.meaning
