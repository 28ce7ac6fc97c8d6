"""Signs by hand: read by a toy model whose every token is a word, compared by vectors that are known."""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence

import pytest

from net4moe.chat import ReadRequest, Token
from net4moe.mixture.judges.read_text import text_read
from net4moe.mixture.judges.signs import Signs, signs_of
from tests.mixture.encoders import ScriptedEncoder, Vector

ABOUT = "A fox learns to sail"


def words_of(text: str) -> list[str]:
    """Cut a text into words with the space before them."""
    return re.findall(r"\n+|[^\S\n]*[^\s]+", text)


def shown(text: str, about: str = ABOUT, vectors: Mapping[str, Vector] | None = None) -> Signs:
    """Read with a model that finds a word unlikely, -4, unless it stood before, -1; a line break is -2."""

    async def read(request: ReadRequest) -> tuple[Token, ...]:
        seen: set[str] = set()
        tokens: list[Token] = []
        for word in words_of(request.text):
            plain = word.strip(" .")
            logprob = -2.0 if "\n" in word else -1.0 if plain in seen else -4.0
            seen.add(plain)
            tokens.append(Token(text=word, logprob=logprob))
        return tuple(tokens[1:])  # the first of all has nothing before it

    return signs_of(asyncio.run(text_read(read, ScriptedEncoder(vectors).compare, text, about)))


def test_what_is_read() -> None:
    """`The fox sails. The fox sinks.`: after the first word -4, -4, -1, -1, -4; then the break."""
    signs = shown("The fox sails. The fox sinks.")
    assert pytest.approx((-4 - 4 - 1 - 1 - 4) / 5) == signs.fluency
    assert pytest.approx(-2.0) == signs.ending
    assert pytest.approx(1.0) == signs.variety


def test_repetition_shows() -> None:
    """Three times three words: seven runs of three, three of them different, whatever their capitals."""
    assert pytest.approx(3 / 7) == shown("The fox sails the fox sails The fox sails").variety


def test_topic_is_that_of_the_meaning() -> None:
    """The text with the prompt."""
    vectors = {"It sails.": {"x": 0.6, "y": 0.8}, ABOUT: {"x": 1.0}}
    assert pytest.approx(0.6, abs=1e-4) == shown("It sails.", vectors=vectors).topic


def flow(*angles: float) -> float:
    """Give the flow of a text whose sentences point where these angles do, degrees."""
    sentences = [f"Sentence {number}." for number in range(len(angles))]
    vectors = {
        sentence: {"x": math.cos(math.radians(angle)), "y": math.sin(math.radians(angle))}
        for sentence, angle in zip(sentences, angles, strict=True)
    }
    return shown(" ".join(sentences), vectors=vectors).flow


def test_flow_is_the_mean() -> None:
    """Of two steps both count: straight on, and a right angle."""
    assert pytest.approx(0.5, abs=1e-4) == flow(0, 0, 90)
    assert pytest.approx(-1.0, abs=1e-4) == flow(0, 180)


def test_one_odd_sentence_is_forgiven() -> None:
    """A long text may say one thing that does not follow; of two, one counts."""
    assert pytest.approx(1.0, abs=1e-4) == flow(0, 0, 0, 0, 0, 0) == flow(0, 0, 0, 0, 0, 90)
    assert pytest.approx((1 + 1 + 1 + 0) / 4, abs=1e-4) == flow(0, 0, 0, 0, 90, 180)
    assert flow(0, 0, 0, 0, 90, 180) < 1.0


def test_least_words() -> None:
    """The third of the prompt's words to which the text comes least near; small ones do not count."""
    vectors = {
        "sails": {"sail": 0.6, "boat": 0.8},
        "sail": {"sail": 1.0},
        "studies": {"learns": 0.8, "q": 0.6},
    }
    assert pytest.approx(0.6) == shown("The fox studies. It sails.", vectors=vectors).least_words
    assert pytest.approx(0.0) == shown("It sails.", vectors=vectors).least_words
    assert pytest.approx(1.0) == shown("The fox learns to sail.").least_words


PHRASES = ("A fox learns to sail", "in a storm")
BOTH = " ".join(PHRASES)


def least_part(about: str, *sentences: tuple[str, Sequence[float]]) -> float:
    """Give the sign of a text whose sentences have these cosines with the two phrases."""
    vectors: dict[str, Vector] = {PHRASES[0]: {"x": 1.0}, PHRASES[1]: {"y": 1.0}}
    for text, (one, other) in sentences:
        vectors[text] = {"x": one, "y": other, text: math.sqrt(1 - one**2 - other**2)}
    return shown(" ".join(text for text, _ in sentences), about, vectors).least_part


def test_words_are_shared_out_over_the_phrases() -> None:
    """Nine tenths of a sentence as near to both tell of the first; a prompt of one phrase gets all words."""
    assert pytest.approx(math.log1p(0.4)) == least_part(BOTH, ("It sails in rain.", (0.3, 0.3)))
    assert pytest.approx(math.log1p(4)) == least_part(PHRASES[0], ("It sails in rain.", (0.3, 0.0)))
    two = [("It sails off.", (0.5, 0.0)), ("The rain falls.", (0.0, 0.5))]
    assert pytest.approx(math.log1p(3), abs=1e-3) == least_part(BOTH, *two)


def test_the_least_told_part_counts() -> None:
    """A text of the first phrase alone tells little of the second, and more of the first does not help."""
    sails, on, rain = (
        ("It sails off.", (0.9, 0.0)),
        ("It sails on and on.", (0.9, 0.0)),
        ("It rains.", (0.0, 0.9)),
    )
    alone = least_part(BOTH, sails)
    assert alone < math.log1p(3 / 2)
    assert least_part(BOTH, sails, on) < least_part(BOTH, sails, rain)
    assert (
        alone
        < least_part(BOTH, sails, rain)
        < least_part(BOTH, sails, rain, ("It pours all day.", (0.0, 0.9)))
    )


def test_enough_words_are_enough() -> None:
    """A part that is told with fifteen words is told; more gain nothing, and length alone buys nothing."""
    few, enough, many = (least_part(PHRASES[0], ("word " * count, (0.5, 0.0))) for count in (5, 15, 300))
    assert pytest.approx(math.log(6)) == few
    assert pytest.approx(math.log(16)) == enough == many


@pytest.mark.parametrize(("text", "about"), [("Yes", "?!"), ("Yes", ABOUT), ("?", "?"), ("!!! ???", "fox")])
def test_next_to_nothing(text: str, about: str) -> None:
    """What cannot be seen is not a number, the rest is one, and nothing breaks."""
    signs = shown(text, about)
    assert math.isnan(signs.variety)
    assert all(math.isfinite(value) for value in (signs.ending, signs.topic, signs.least_part))


def test_what_one_word_does_not_show() -> None:
    """How likely it is, how it goes on, and, of a prompt of marks, whether it holds its words."""
    signs = shown("Yes", "?!")
    assert all(math.isnan(value) for value in (signs.fluency, signs.flow, signs.least_words))
