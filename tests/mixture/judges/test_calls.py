"""Calls that add up, tries that end, failures that are told apart."""

import asyncio

import pytest

from net4moe.chat import ChatRequest, Message, Reply
from net4moe.errors import ChatRejected, ChatTimeout, ReplyError
from net4moe.mixture import Score
from net4moe.mixture.judges.calls import Calls, Reading, read_or_reason
from tests.mixture.judges.replies import LOGPROBS, in_turn

REQUEST = ChatRequest(messages=(Message(role="user", content="?"),), max_tokens=1)


def _text(answer: Reply) -> str:
    if answer.text == "x":
        raise ReplyError("an x")
    return answer.text


def test_calls_add_up() -> None:
    """Tokens, seconds and price of all calls stand in the score, whatever it is."""
    calls = Calls(in_turn("x", "y"))
    assert "y" == asyncio.run(calls.read(REQUEST, _text, num_tries=3))
    assert Score(
        value=4.0,
        unscored_reason="",
        judge="me",
        price_usd=0.5,
        reasons=("by hand", "cut"),
        tokens_read=14,
        tokens_written=4,
        seconds=1.0,
    ) == calls.score(Reading(value=4.0, reasons=("by hand",)), judge="me", notes=("cut",))
    unscored = calls.score("no", judge="me", notes=("cut",))
    assert (None, "no", 0.5, ("cut",)) == (
        unscored.value,
        unscored.unscored_reason,
        unscored.price_usd,
        unscored.reasons,
    )


def test_seeds_of_tries_repeat_from_run_to_run() -> None:
    """Three tries with three seeds, the same in a second run: a ledger can replay them."""

    def seeds() -> list[int]:
        model = in_turn("x", "x", "x")
        with pytest.raises(ReplyError, match=r"^an x$"):
            asyncio.run(Calls(model).read(REQUEST, _text, num_tries=3))
        return [request.seed for request in model.requests if isinstance(request, ChatRequest)]

    first = seeds()
    assert 3 == len(set(first))
    assert first == seeds()


def test_probabilities_are_asked_for_where_they_are_to_be_had() -> None:
    """Of the 20 likeliest tokens, the most that endpoints give."""
    for model, top in ((in_turn("y"), 0), (in_turn("y", capabilities=LOGPROBS), 20)):
        asyncio.run(Calls(model).reply(REQUEST))
        (request,) = model.requests
        assert isinstance(request, ChatRequest)
        assert top == request.top_logprobs


def test_failures_are_told_apart() -> None:
    """A reply that cannot be read and an error that may pass are reasons; any other error is raised."""

    async def failing(error: Exception) -> str:
        raise error

    assert "an x" == asyncio.run(read_or_reason(failing(ReplyError("an x"))))
    assert "late" == asyncio.run(read_or_reason(failing(ChatTimeout("late"))))
    with pytest.raises(ChatRejected, match=r"^wrong key$"):
        asyncio.run(read_or_reason(failing(ChatRejected("wrong key"))))
