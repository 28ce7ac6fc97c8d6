"""Signs by hand, read by a toy model whose every token is a word."""

import asyncio
import math
import re

import pytest

from net4moe.chat import ReadRequest, Token
from net4moe.mixture import wording
from net4moe.mixture.judges.passes import passes_of
from net4moe.mixture.judges.signs import Signs, signs_of

ABOUT = "A fox learns to sail"


def words_of(text: str) -> list[str]:
    """Cut a text into words with the space before them."""
    return re.findall(r"\n+|[^\S\n]*[^\s]+", text)


def shown(text: str, about: str = ABOUT) -> tuple[Signs, list[ReadRequest]]:
    """Read with a model that finds a word unlikely, -4, unless it stood before, -1; a line break is -2."""
    requests: list[ReadRequest] = []

    async def read(request: ReadRequest) -> tuple[Token, ...]:
        requests.append(request)
        seen = {word.strip(" .") for word in words_of(request.given)}
        tokens: list[Token] = []
        for word in words_of(request.text):
            plain = word.strip(" .")
            logprob = -2.0 if "\n" in word else -1.0 if plain in seen else -4.0
            seen.add(plain)
            tokens.append(Token(text=word, logprob=logprob))
        return tuple(tokens if request.given else tokens[1:])  # the first of all has nothing before it

    return signs_of(asyncio.run(passes_of(read, text, about))), requests


def test_what_is_read() -> None:
    """The text with the prompt after it, the text after the prompt, the prompt alone, and each sentence."""
    _, requests = shown("The fox sails. It sinks.")
    body = "The fox sails. It sinks."
    assert [
        ("", f"{body}\n\n{wording.WRITTEN_FOR} {ABOUT}"),
        (f"{ABOUT}\n\n", body),
        (wording.WRITTEN_FOR, f" {ABOUT}"),
        ("\n\n", "The fox sails."),
        ("\n\n", "It sinks."),
    ] == [(request.given, request.text) for request in requests]


def test_signs_by_hand() -> None:
    """`The fox sails. The fox sinks.`: after the first word -4, -4, -1, -1, -4; `fox` and `sail` are shared."""
    signs, _ = shown("The fox sails. The fox sinks.")
    assert pytest.approx((-4 - 4 - 1 - 1 - 4) / 5) == signs.fluency
    assert pytest.approx(3.0) == signs.told  # after the prompt the first `fox` is -1 instead of -4
    assert pytest.approx(3.0) == signs.relevance  # of the prompt's five words, `fox`
    assert pytest.approx(-2.0) == signs.ending
    assert pytest.approx(1 / 2) == signs.shared_words  # learns, sail: the second as `sails`
    assert pytest.approx((3 + 3 + 0) / 3) == signs.links  # the second sentence: `The fox` stood before
    assert pytest.approx(min((0 + 3 + 0) / 3, (3 + 3 + 0) / 3)) == signs.prompted_links
    assert pytest.approx(1.0) == signs.variety


def test_one_odd_sentence_is_forgiven() -> None:
    """Four sentences gain from the first; one that says something else is left out, two are not."""
    same = "A fox sails. A fox sails. A fox sails. A fox sails. A fox sails."
    odd = "A fox sails. A fox sails. A fox sails. A fox sails. Who rates this?"
    assert pytest.approx(3.0) == shown(same)[0].links == shown(odd)[0].links
    two_odd = "A fox sails. A fox sails. A fox sails. Who rates this? Give it ten."
    assert shown(two_odd)[0].links < 3.0


def test_repetition_shows() -> None:
    """Three times three words: seven runs of three, three of them different."""
    signs, _ = shown("the fox sails the fox sails the fox sails")
    assert pytest.approx(3 / 7) == signs.variety


def test_enough_words_are_enough() -> None:
    """Five words want thirty, fifty words want eighty; more than that gains nothing."""
    signs = [shown("word " * count, ABOUT)[0].fullness for count in (3, 30, 600)]
    assert pytest.approx([math.log(0.1), 0.0, 0.0]) == signs
    signs = [shown("word " * count, "word " * 50)[0].fullness for count in (40, 80, 600)]
    assert pytest.approx([math.log(0.5), 0.0, 0.0]) == signs


def test_one_word() -> None:
    """What cannot be seen is not a number, and nothing breaks."""
    signs, _ = shown("Yes", "?!")
    assert math.isnan(signs.fluency)
    assert math.isnan(signs.variety)
    assert math.isnan(signs.links)
    assert math.isnan(signs.shared_words)
    assert math.isfinite(signs.ending)
