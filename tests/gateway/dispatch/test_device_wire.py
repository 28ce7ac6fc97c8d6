import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from net4moe.chat import ChatRequest, Message, ReadRequest, TextRequest
from net4moe.gateway.dispatch.device_wire import (
    LARGEST_PASSAGE,
    PassageReader,
    body_of,
    estimated_tokens,
    first_words,
    reply_of,
)
from net4moe.gateway.dispatch.transport import CallBroken
from tests.gateway.virtual_time import END, chunk_of

ENDED = chunk_of(finish_reason="stop")


def reader_of(max_tokens: int = 1_000, begun: str = "") -> PassageReader:
    """Make a reader."""
    return PassageReader("a", max_tokens=max_tokens, begun=begun)


def read(*pieces: bytes, begun: str = "", max_tokens: int = 1_000) -> str:
    """Read a whole stream."""
    reader = reader_of(max_tokens, begun)
    texts = [text for piece in pieces for text in reader.feed(piece)]
    if not reader.ended:
        texts += reader.close()
    assert "".join(texts) == reader.text
    return reader.text


def test_a_chat_as_it_is_sent() -> None:
    """Streamed, with usage; a schema and log-probabilities where they are wanted."""
    messages = (Message(role="system", content="Write."), Message(role="user", content="Füchse"))
    path, body = body_of(
        ChatRequest(messages=messages, max_tokens=9, seed=3, top_logprobs=2, schema='{"type": "object"}'),
        "tiny",
    )
    assert "/chat/completions" == path
    assert {
        "model": "tiny",
        "messages": [{"role": "system", "content": "Write."}, {"role": "user", "content": "Füchse"}],
        "max_tokens": 9,
        "temperature": 0.0,
        "seed": 3,
        "stream": True,
        "stream_options": {"include_usage": True},
        "logprobs": True,
        "top_logprobs": 2,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True},
        },
    } == json.loads(body)


def test_a_text_as_it_is_sent() -> None:
    """To be continued, or to be read."""
    path, body = body_of(TextRequest(text="A fox", max_tokens=2, top_logprobs=5), "tiny")
    assert "/completions" == path
    assert {
        "model": "tiny",
        "prompt": "A fox",
        "max_tokens": 2,
        "temperature": 0.0,
        "logprobs": 5,
    } == json.loads(body)
    _, body = body_of(ReadRequest(text=" sails", given="A fox"), "tiny")
    assert ("A fox sails", True) == (json.loads(body)["prompt"], json.loads(body)["echo"])


@given(st.lists(st.text(max_size=8), max_size=8), st.lists(st.integers(1, 40), max_size=40), st.booleans())
def test_a_stream_may_be_cut_anywhere(texts: list[str], cuts: list[int], returns: bool) -> None:
    """Also in the middle of a character."""
    texts = [text for text in texts if not any("\ud800" <= one <= "\udfff" for one in text)]
    content = b": hello\n\nevent: x\n\n" + b"".join(map(chunk_of, ["A", *texts])) + ENDED + END
    if returns:
        content = content.replace(b"\n", b"\r\n")
    pieces: list[bytes] = []
    for cut in cuts:
        pieces.append(content[:cut])
        content = content[cut:]
    assert "".join(["A", *texts]) == read(*pieces, content)


GARBAGE = {
    "no UTF-8": b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n',
    "half a character": b'data: {"choices": [{"delta": {"content": "\\ud800"}}]}\n\n',
    "no JSON": b"data: {fox}\n\n",
    "another form": b'data: {"text": "A fox"}\n\n',
    "no number": b'data: {"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 2}}\n\n',
    "a page": b"<html>\n\n",
    "a deep one": b"data: " + b"[" * 5_000 + b"\n\n",
    "an end without a reason": END,
}


@pytest.mark.parametrize("what", list(GARBAGE))
def test_garbage_is_refused(what: str) -> None:
    """Nothing of it is guessed."""
    with pytest.raises(CallBroken) as caught:
        read(chunk_of("A fox"), GARBAGE[what])
    assert "garbage" == caught.value.outcome


@given(st.binary(max_size=300))
def test_any_bytes_are_a_passage_or_refused(content: bytes) -> None:
    """Nothing else is raised."""
    with suppress(CallBroken):
        read(content)


def test_a_line_that_is_too_long_is_refused() -> None:
    """Whether it ends or not."""
    for content in (b"data: " + b"x" * 70_000, b": " + b"x" * 70_000 + b"\n\n"):
        with pytest.raises(CallBroken, match="a line that is too long"):
            read(content)


def test_an_error_in_the_middle_is_a_failure_of_the_device() -> None:
    """It is no garbage: it is said in the right form."""
    with pytest.raises(CallBroken) as caught:
        read(chunk_of("A fox"), b'data: {"error": {"message": "out of memory"}}\n\n')
    assert "failed" == caught.value.outcome


def test_a_stream_that_ends_without_a_reason_broke_off() -> None:
    """And one with a reason but without the mark did not."""
    with pytest.raises(CallBroken) as caught:
        read(chunk_of("A fox"))
    assert "reset" == caught.value.outcome
    assert "A fox" == read(chunk_of("A fox"), ENDED)


def test_a_passage_is_cut_where_it_goes_past_its_tokens() -> None:
    """An endless stream ends there."""
    reader = reader_of(max_tokens=2)
    texts = reader.feed(chunk_of("x" * 60)) + reader.feed(chunk_of("y" * 60))
    assert "x" * 60 + "y" * 20 == "".join(texts)
    assert (True, "length") == (reader.ended, reader.finish_reason)
    reader = reader_of(max_tokens=1_000_000)
    while not reader.ended:
        reader.feed(chunk_of("and on " * 1_000))
    assert LARGEST_PASSAGE == len(reader.text)


def test_comments_and_empty_chunks_are_no_progress_but_thoughts_are() -> None:
    """Only what is written counts as text; a thought is a sign of life."""
    reader = reader_of()
    assert [] == reader.feed(b": still here\n\n" + chunk_of(""))
    assert [""] == reader.feed(b'data: {"choices": [{"delta": {"reasoning_content": "hm"}}]}\n\n')
    assert [""] == reader.feed(chunk_of("<think>hm"))


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_thoughts_are_left_out(size: int) -> None:
    """However they are cut; also those that never end."""
    told = "<think>A fox? A cat?</think>\n\nA fox sails. <think>"
    pieces = [chunk_of(told[start : start + size]) for start in range(0, len(told), size)]
    assert "A fox sails. <think>" == read(*pieces, ENDED)
    assert "" == read(chunk_of("<think>A fox? and on"), ENDED)
    assert "<thing" == read(chunk_of("<thi"), chunk_of("ng"), ENDED)
    assert "<th" == read(chunk_of("<th"), ENDED)


@pytest.mark.parametrize("size", [1, 4, 100])
def test_a_repetition_of_what_was_begun_is_cut_off(size: int) -> None:
    """A device that begins anew with the same words does not double them; one that goes on loses none."""
    begun = "A fox learns to sail"
    for told, kept in (
        (begun + " alone.", " alone."),
        (" alone.", " alone."),
        ("A fox alone.", "A fox alone."),
        ("A fox", "A fox"),
        (begun, ""),
    ):
        pieces = [chunk_of(told[start : start + size]) for start in range(0, len(told), size)]
        assert kept == read(*pieces, ENDED, begun=begun)


def test_an_answer_in_one_piece() -> None:
    """Its text, its tokens, its log-probabilities; else garbage."""
    choice = {"text": " sails", "finish_reason": "length", "logprobs": {"top_logprobs": [{" sails": -0.1}]}}
    usage = {"prompt_tokens": 2, "completion_tokens": 1}
    reply = reply_of(
        TextRequest(text="A fox"), "a", json.dumps({"choices": [choice], "usage": usage}).encode()
    )
    assert (" sails", "length", 2, 1) == (
        reply.text,
        reply.finish_reason,
        reply.prompt_tokens,
        reply.completion_tokens,
    )
    assert " sails" == reply.top[0][0].text
    for content in (b"", b"{", b'{"choices": []}', b"\xff", b"[" * 100_000):
        with pytest.raises(CallBroken) as caught:
            reply_of(TextRequest(text="A fox"), "a", content)
        assert "garbage" == caught.value.outcome


def test_a_text_that_is_read() -> None:
    """The tokens after what was given; a device that tells none is refused."""
    logprobs = {"tokens": ["A", " fox", " sails"], "token_logprobs": [None, -1.0, -2.0]}
    choice = {"text": "A fox sails", "logprobs": logprobs}
    request = ReadRequest(text=" sails", given="A fox")
    reply = reply_of(request, "a", json.dumps({"choices": [choice]}).encode())
    assert [(" sails", -2.0)] == [(token.text, token.logprob) for token in reply.read]
    with pytest.raises(CallBroken, match="did not tell the log-probabilities"):
        reply_of(request, "a", json.dumps({"choices": [{"text": ""}]}).encode())


def test_what_a_device_says_is_repeated_shortly_and_without_its_key() -> None:
    """One line, visible characters, stars for the key."""
    assert "bad *** key" == first_words(b"bad\n\x1b secret key", SecretStr("secret"))
    assert 80 == len(first_words(b"x" * 500, None))


def test_tokens_are_guessed_upwards() -> None:
    """One for three characters."""
    assert [0, 1, 1, 2] == [estimated_tokens(text) for text in ("", "a", "abc", "abcd")]
