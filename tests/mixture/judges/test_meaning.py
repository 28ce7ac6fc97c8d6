"""What a text means beside its prompt, with vectors chosen so that every cosine is known."""

import asyncio
import math
from collections.abc import Sequence

import pytest

from net4moe.chat.encoder import Alike, Nearest
from net4moe.mixture import wording
from net4moe.mixture.judges.meaning import Meaning, meaning_of
from net4moe.mixture.phrases import cut
from tests.mixture.encoders import ScriptedEncoder, Vector

ABOUT = "A fox learns to sail in a storm"
PHRASES = ("A fox learns to sail", "in a storm")
SAILS, SINKS = "The fox sails.", "It sinks."
VECTORS: dict[str, Vector] = {
    SAILS: {"x": 1.0},
    SINKS: {"x": 0.6, "y": 0.8},
    ABOUT: {"y": 1.0},
    PHRASES[0]: {"x": 0.8, "z": 0.6},
    PHRASES[1]: {"y": 2.0},
    wording.REMARKS[2]: {"x": 0.6, "z": -0.8},
    "sail": {"sail": 1.0},
    "sails": {"sail": 0.6, "boat": 0.8},
    "storm": {"sail": -0.5, "sink": math.sqrt(0.75)},
    "sinks": {"sink": 1.0},
}
"""The other remarks have words for axes, at right angles to these."""


def meaning(
    sentences: Sequence[str] = (SAILS, SINKS), about: str = ABOUT, encoder: ScriptedEncoder | None = None
) -> Meaning:
    """Compare a text with its prompt and with itself."""
    return asyncio.run(meaning_of((encoder or ScriptedEncoder(VECTORS)).compare, sentences, about))


def test_the_phrases_are_those_of_the_gate() -> None:
    """Where the prompt is cut decides on the rows below."""
    assert PHRASES == cut(ABOUT, max_subtasks=2)


def test_topic() -> None:
    """Three words along x and two along (0.6, 0.8) make (4.2, 1.6); its cosine with y."""
    assert pytest.approx(1.6 / math.hypot(4.2, 1.6), abs=1e-4) == meaning().topic


def test_topic_of_one_sentence_is_its_cosine() -> None:
    """However long it is; one without words counts as one word."""
    assert pytest.approx(0.8, abs=1e-4) == meaning([SINKS]).topic
    dots = ScriptedEncoder(VECTORS | {"…": {"y": 1.0}})
    assert pytest.approx(1.0, abs=1e-4) == meaning(["…"], encoder=dots).topic
    assert pytest.approx(1 / math.hypot(3, 1), abs=1e-4) == meaning([SAILS, "…"], encoder=dots).topic


def test_sentences_that_cancel_out() -> None:
    """A sum of no length lies near nothing, and nothing is divided by it."""
    against = ScriptedEncoder({"A fox.": {"x": 1.0}, "No fox.": {"x": -1.0}, ABOUT: {"x": 1.0}})
    assert pytest.approx(0.0) == meaning(["A fox.", "No fox."], encoder=against).topic


def test_flow() -> None:
    """Each sentence with the one before it, and a single one with none."""
    assert (0.6, 0.6, 1.0) == meaning([SAILS, SINKS, SAILS, SAILS]).flow
    assert () == meaning([SAILS]).flow


def test_phrases() -> None:
    """A row for each phrase of the prompt, a number for each sentence."""
    assert ((0.8, 0.48), (0.0, 0.8)) == meaning().phrases


def test_words() -> None:
    """`fox` stands in the text, `learns` does not; `sail` and `storm` come near. The small words are left out."""
    assert (1.0, 0.0, 0.6, 0.866) == meaning().words


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ("Explain why they are so, and how!", ()),
        ("?!", ()),
        ("THE FOX", (1.0,)),
        ("fox 1984 ox fox", (1.0, 1.0)),
    ],
)
def test_words_that_carry_meaning(about: str, words: tuple[float, ...]) -> None:
    """Neither marks, numbers, nor small words, whatever their capitals."""
    assert words == meaning(about=about).words


def test_remark_likeness() -> None:
    """The nearest of all remarks; a remark itself lies at 1."""
    assert (0.6, 0.36) == meaning().remark_likeness
    assert (1.0,) == meaning([wording.REMARKS[-1]]).remark_likeness


def test_belonging() -> None:
    """The nearest of the other sentences and the prompt; neither itself nor a phrase of the prompt."""
    assert (0.6, 0.8) == meaning().belonging
    assert (0.0,) == meaning([SAILS]).belonging
    away = ScriptedEncoder({SAILS: {"x": 1.0}, ABOUT: {"x": -1.0}})
    assert (-1.0,) == meaning([SAILS], encoder=away).belonging
    assert (1.0, 1.0) == meaning([SAILS, SAILS]).belonging


@pytest.mark.parametrize(
    ("about", "phrases"),
    [
        ("A spy opens a bakery across the street from her old enemy", ("A spy opens a bakery", "across")),
        (
            "Explain how to plant, and how to water it when it is dry",
            ("how to plant", "how to water it when"),
        ),
        ("Tell me how bees find home, how they dance, and what it means", ("Tell", "how they", "what it")),
        ("A red fox: two owls. Three bats? Four big cats; five dogs, six cows", ("A", "two", "Four", "five")),
        ("A fox sails", ("A fox sails",)),
    ],
)
def test_what_a_prompt_wants_told(about: str, phrases: tuple[str, ...]) -> None:
    """As many phrases as its own marks make, at least two where it can be cut, at most four."""
    encoder = ScriptedEncoder()
    assert len(phrases) == len(meaning(about=about, encoder=encoder).phrases)
    (alike,) = [one for one in encoder.comparisons if isinstance(one, Alike)]
    wanted = alike.others[2 : 2 + len(phrases)]
    assert all(found.startswith(start) for found, start in zip(wanted, phrases, strict=True)), wanted


def test_two_comparisons() -> None:
    """One of sentences and one of words, each asked once."""
    encoder = ScriptedEncoder(VECTORS)
    meaning(encoder=encoder)
    (alike,) = [one for one in encoder.comparisons if isinstance(one, Alike)]
    assert (SAILS, SINKS) == alike.texts
    (nearest,) = [one for one in encoder.comparisons if isinstance(one, Nearest)]
    assert ((SAILS, SINKS), ABOUT) == (nearest.texts, nearest.words_of)


def test_any_prompt() -> None:
    """One of a single word or of no word has one phrase, so that a text always tells of something."""
    for about in ("fox", "?", "anything"):
        found = meaning(about=about)
        assert (1, 2) == (len(found.phrases), len(found.phrases[0]))
