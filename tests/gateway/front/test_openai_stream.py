"""Chunks of a stream, and stop texts across the pieces' borders."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.gateway.front.errors import Refusal
from net4moe.gateway.front.openai_stream import COMMENT, Chunks, StopCut, error_event


def test_chunks_share_id_time_and_model() -> None:
    """And tell the usage only in a chunk without a choice."""
    chunks = Chunks(request_id="x", model="net4moe", created=7, include_usage=True)
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    written = [
        chunks.role(0),
        chunks.text(1, 'é "\n'),
        chunks.final(0, "stop", ("a part",)),
        chunks.usage(usage),
    ]
    read = [json.loads(one.removeprefix(b"data: ")) for one in written]
    assert {("x", 7, "net4moe", "chat.completion.chunk")} == {
        (one["id"], one["created"], one["model"], one["object"]) for one in read
    }
    assert [None, None, None, usage] == [one["usage"] for one in read]
    assert "assistant" == read[0]["choices"][0]["delta"]["role"]
    assert (1, 'é "\n') == (read[1]["choices"][0]["index"], read[1]["choices"][0]["delta"]["content"])
    assert ({}, "stop") == (read[2]["choices"][0]["delta"], read[2]["choices"][0]["finish_reason"])
    assert {"degraded": True, "missing": ["a part"]} == read[2]["net4moe"]
    assert [] == read[3]["choices"]
    assert all(one.endswith(b"\n\n") and b"\n" not in one[:-2] for one in (*written, COMMENT))


def test_an_error_is_one_event() -> None:
    """In the OpenAI form."""
    event = error_event(Refusal(status=502, message="two\nlines"))
    assert "two\nlines" == json.loads(event.removeprefix(b"data: "))["error"]["message"]
    assert event.count(b"\n") == 2


def cut(pieces: list[str], stop: tuple[str, ...]) -> tuple[str, bool]:
    """Show a text in pieces."""
    cutting = StopCut(stop)
    shown = "".join([cutting.feed(piece) for piece in pieces])
    return shown + cutting.rest(), cutting.found


@pytest.mark.parametrize(
    ("pieces", "stop", "shown"),
    [
        (["one two"], (), "one two"),
        (["one ", "tw", "o three"], ("two",), "one "),
        (["aab"], ("ab",), "a"),
        (["a", "a", "b"], ("ab",), "a"),
        (["END"], ("END",), ""),
        (["EN", "d"], ("END",), "ENd"),
        (["EN"], ("END",), "EN"),
        (["a\n\nUser: b"], ("\nUser:", "Bot:"), "a\n"),
    ],
)
def test_the_text_ends_before_a_stop_text(pieces: list[str], stop: tuple[str, ...], shown: str) -> None:
    """Nothing of it is shown, and nothing else is lost."""
    assert shown == cut(pieces, stop)[0]


@given(
    st.text("ab", max_size=12),
    st.lists(st.text("ab", min_size=1, max_size=3), max_size=3).map(tuple),
    st.lists(st.integers(0, 12), max_size=6),
)
def test_borders_change_nothing(text: str, stop: tuple[str, ...], borders: list[int]) -> None:
    """The same text is cut at the same place however it comes."""
    places = [0, *sorted(border for border in borders if border <= len(text)), len(text)]
    pieces = [text[a:b] for a, b in pairwise(places)]
    assert cut(list(text), stop) == cut(pieces, stop)
    shown, found = cut(pieces, stop)
    assert text.startswith(shown)
    assert found == any(one in text for one in stop)
    assert not any(one in shown for one in stop)
