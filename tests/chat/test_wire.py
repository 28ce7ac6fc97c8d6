"""Reading what endpoints send: anything at all gives a reply's piece or a `ReplyError`, never a crash."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.chat import Token
from net4moe.chat.wire import Chunk, Completion, read
from net4moe.errors import ReplyError

NAMES = ("choices", "delta", "content", "finish_reason", "logprobs", "top_logprobs", "token", "logprob", "usage",
         "prompt_tokens", "completion_tokens", "text")  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_any_json(sent: object) -> None:
    """Whatever comes, a piece holds text, reasons and probabilities, or it is refused."""
    for form in (Chunk, Completion):
        try:
            piece = read(form, sent, "model 'tiny'")
        except ReplyError as error:
            assert str(error).startswith("model 'tiny' sent a reply of an unknown form")  # noqa: PT017
            continue
        assert all(token.logprob <= 1e-3 for position in piece.top for token in position)
        if isinstance(piece, Chunk):
            assert isinstance(piece.text, str)
            assert isinstance(piece.finish_reason, str)


@given(st.text(), st.sampled_from(["stop", "length", "eos", None]))
def test_good_pieces(text: str, reason: str | None) -> None:
    """Any text that JSON and UTF-8 can carry comes through unchanged."""
    sent = json.loads(json.dumps({"choices": [{"delta": {"content": text}, "finish_reason": reason}]}))
    chunk = read(Chunk, sent, "model 'tiny'")
    assert text == chunk.text
    assert (reason or "") == chunk.finish_reason


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": [{}]},
        {"choices": [{"delta": None}]},
        {"choices": [{"delta": {"role": "assistant", "content": None}, "logprobs": None}], "usage": None},
        {"choices": [{"delta": {}, "logprobs": {"content": None}}], "x_of_their_own": {"a": 1}},
    ],
)
def test_pieces_without_text(sent: object) -> None:
    """What endpoints leave out, or add of their own, harms nothing."""
    chunk = read(Chunk, sent, "model 'tiny'")
    assert ("", "", (), None) == (chunk.text, chunk.finish_reason, chunk.top, chunk.usage)


def test_tokens_best_first() -> None:
    """Tokens are sorted, a certain one and an impossible one among them."""
    entries = [
        {"token": "a", "logprob": -math.inf},
        {"token": "b", "logprob": -1},
        {"token": "c", "logprob": 0},
    ]
    sent = {"choices": [{"logprobs": {"content": [{"top_logprobs": entries}, {}]}}]}
    tokens = (Token(text="c", logprob=0.0), Token(text="b", logprob=-1.0), Token(text="a", logprob=-math.inf))
    assert (tokens, ()) == read(Chunk, sent, "model 'tiny'").top
