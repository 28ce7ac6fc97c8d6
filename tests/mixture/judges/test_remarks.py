"""Remarks to the rater, by a toy model to which words are likely that stood before, and by known vectors."""

import asyncio
import math
import re
from collections.abc import Sequence

import pytest

from net4moe.chat import ReadRequest, Token
from net4moe.mixture import wording
from net4moe.mixture.judges.read_text import ReadText
from net4moe.mixture.judges.remarks import without_remarks
from tests.mixture.encoders import ScriptedEncoder, Vector

ABOUT = "A fox learns to sail"
SENTENCES = ("The fox finds a boat.", "The fox sails the boat far out.", "The boat sinks.")
STORY = " ".join(SENTENCES)
REMARK = wording.REMARKS[0]
"""Also word for word in the list of remarks, where the toy finds it likely."""

FOX: dict[str, Vector] = {text: {"fox": 1.0} for text in (ABOUT, *SENTENCES)}
"""The story lies where its prompt does, at right angles to every remark."""

Logprob = float


def words_of(text: str) -> list[str]:
    """Cut a text into words with the space before them."""
    return re.findall(r"\n+|[^\S\n]*[^\s]+", text)


def read_by_toy(
    text: str, vectors: dict[str, Vector] | None = None
) -> tuple[ReadText, int, list[ReadRequest]]:
    """Read with a model that finds a word unlikely, -4, unless it stood before, -1."""
    requests: list[ReadRequest] = []

    async def read(request: ReadRequest) -> tuple[Token, ...]:
        requests.append(request)
        seen = {word.strip(" .-\n").lower() for word in request.given.split()}
        tokens: list[Token] = []
        for word in words_of(request.text):
            plain = word.strip(" .-\n").lower()
            tokens.append(Token(text=word, logprob=-1.0 if plain in seen else -4.0))
            seen.add(plain)
        return tuple(tokens if request.given else tokens[1:])  # the first of all has nothing before it

    encoder = ScriptedEncoder(FOX | (vectors or {}))
    found, num_left_out = asyncio.run(without_remarks(read, encoder.compare, text, ABOUT))
    return found, num_left_out, requests


def lists(requests: Sequence[ReadRequest]) -> list[str]:
    """Give what was read under the remarks."""
    return [request.text for request in requests if request.given == wording.TO_THE_RATER]


@pytest.mark.parametrize(
    "text", [f"{STORY} {REMARK}", f"{REMARK} {STORY}", STORY.replace("far out.", f"far out. {REMARK}")]
)
def test_a_remark_is_left_out_wherever_it_stands(text: str) -> None:
    """What is read last, and compared, is the text without it."""
    found, num_left_out, _ = read_by_toy(text)
    assert (1, STORY, SENTENCES) == (num_left_out, found.text, found.sentences)
    assert read_by_toy(STORY)[0] == found


def test_a_text_without_remarks_is_read_once() -> None:
    """No sentence is suspected, so nothing is read again."""
    found, num_left_out, requests = read_by_toy(STORY)
    assert (0, STORY, 1) == (num_left_out, found.text, len(requests))


def test_what_is_read_for_a_suspect() -> None:
    """The text, each suspect by itself and under the remarks; then the text without them."""
    _, _, requests = read_by_toy(f"{STORY} {REMARK}")
    assert [
        ("", f"{STORY} {REMARK}\n\n"),
        ("\n\n", REMARK),
        (wording.TO_THE_RATER, f" {REMARK}"),
        ("", f"{STORY}\n\n"),
    ] == [(request.given, request.text) for request in requests]


def test_several_remarks() -> None:
    """They are found together, each read for itself, so that none makes another likely."""
    found, num_left_out, requests = read_by_toy(f"{REMARK} {STORY} {wording.REMARKS[1]}")
    assert (2, STORY) == (num_left_out, found.text)
    assert [f" {REMARK}", f" {wording.REMARKS[1]}"] == sorted(lists(requests), reverse=True)


ASIDE = "Vote for us now."


def num_left_out(*, likeness: float, belonging: float = 0.0, in_text: Logprob = -40.0) -> int:
    """Count at how many of 51 likelihoods under the remarks, from -100 to 0, an aside is left out.

    Args:
      likeness: its cosine with a remark.
      belonging: its cosine with the story and the prompt.
      in_text: its log-probability after the text before it; by itself it has -40.
    """
    rest = math.sqrt(1.0 - likeness**2 - belonging**2)
    vectors: dict[str, Vector] = {
        ASIDE: {"remark": likeness, "fox": belonging, "rest": rest},
        REMARK: {"remark": 1.0},
    }
    encoder = ScriptedEncoder(FOX | vectors)

    def is_left_out(as_remark: Logprob) -> bool:
        async def read(request: ReadRequest) -> tuple[Token, ...]:
            of_aside = {"": in_text, "\n\n": -40.0, wording.TO_THE_RATER: as_remark}[request.given]
            begin = request.text.find(ASIDE)
            end = begin + len(ASIDE)
            found = [(word.start(), word) for word in re.finditer(r"\n+|[^\S\n]*[^\s]+", request.text)]
            return tuple(
                Token(
                    text=word.group(),
                    logprob=of_aside / 4 if begin >= 0 and begin - 1 <= place < end else -1.0,
                )
                for place, word in found
            )

        return bool(asyncio.run(without_remarks(read, encoder.compare, f"{STORY} {ASIDE}", ABOUT))[1])

    found = [is_left_out(float(as_remark)) for as_remark in range(-100, 1, 2)]
    assert sorted(found) == found  # the likelier among remarks, the rather
    return sum(found)


def test_likeness_counts_against_a_sentence() -> None:
    """What means what remarks mean is left out sooner; what means something else is never suspected."""
    assert 0 == num_left_out(likeness=0.0)
    assert 0 < num_left_out(likeness=0.6) < num_left_out(likeness=0.9) < 51


def test_belonging_counts_for_it() -> None:
    """What lies near the text is left out later; what points away from it is as any other."""
    assert num_left_out(likeness=0.6, belonging=0.6) < num_left_out(likeness=0.6)
    assert num_left_out(likeness=0.6, belonging=-0.6) == num_left_out(likeness=0.6)


def test_what_the_text_foretells_stays_longer() -> None:
    """The better of both counts: after the text, or by itself."""
    assert num_left_out(likeness=0.8, in_text=-20.0) < num_left_out(likeness=0.8)
    assert num_left_out(likeness=0.8, in_text=-80.0) == num_left_out(likeness=0.8)


def test_at_most_four_suspects() -> None:
    """Those most like a remark; a text of many costs no more."""
    asides = [f"Aside {word} number." for word in "abcdefgh"]
    vectors: dict[str, Vector] = {REMARK: {"remark": 1.0}}
    for number, aside in enumerate(asides, start=1):
        likeness = 0.9 + number / 100
        vectors[aside] = {"remark": likeness, aside: math.sqrt(1 - likeness**2)}
    _, _, requests = read_by_toy(f"{STORY} {' '.join(asides)}", vectors)
    assert {f" {aside}" for aside in asides[-4:]} == set(lists(requests)[:4])


def test_a_text_of_remarks_is_read_as_it_is() -> None:
    """Nothing would be left to judge; what it says of itself does not make it cover its prompt."""
    for text in (REMARK, f"{REMARK} {wording.REMARKS[1]}"):
        found, num_left_out, _ = read_by_toy(text)
        assert (0, text) == (num_left_out, found.text)


def test_it_ends() -> None:
    """After three rounds the rest is judged, whatever it holds."""
    found, num_left_out, requests = read_by_toy(f"{STORY} {' '.join(wording.REMARKS)}")
    assert found.text.startswith(STORY)
    assert 4 < num_left_out <= 12
    assert len(lists(requests)) <= 12
