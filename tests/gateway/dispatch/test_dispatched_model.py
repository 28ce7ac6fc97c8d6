import json
from collections.abc import Sequence

import pytest

from net4moe.chat import Capabilities, ChatRequest, Message, ReadRequest, TextRequest
from net4moe.errors import BudgetExceeded, ChatRateLimited, ChatTimeout, ChatUnavailable
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.dispatched_model import DispatchedModel, spending
from net4moe.gateway.dispatch.dispatching import Dispatcher
from net4moe.gateway.fleet.roster import Device
from net4moe.gateway.records import Limits
from tests.gateway.scripted_fleet import device_of, roster_of
from tests.gateway.virtual_time import (
    Broken,
    Head,
    MemoryTransport,
    Piece,
    Play,
    Silence,
    Step,
    chunk_of,
    now_s,
    run_virtually,
    story,
)

CHAT = ChatRequest(messages=(Message(role="user", content="Tell it."),), max_tokens=50)


def model_of(play: Play, *devices: Device, continues: bool = True) -> tuple[DispatchedModel, MemoryTransport]:
    """Make a model under virtual time."""
    roster, transport = roster_of(*devices), MemoryTransport(play)
    dispatcher = Dispatcher(roster, transport, clock=now_s)
    capabilities = Capabilities(continues_reply=continues)
    return DispatchedModel(
        roster, dispatcher, name="tiny", capabilities=capabilities, total_s=60.0
    ), transport


def test_the_own_device_is_asked_first() -> None:
    """Whatever the others claim; only those with the model are asked at all."""

    async def course() -> None:
        model, transport = model_of(
            lambda *call: story("A fox"),
            device_of("fast", tokens_per_s=500.0),
            device_of("own", local=True, tokens_per_s=5.0),
            device_of("other", models=("large",), experts=(), local=True),
        )
        reply = await model.reply(CHAT)
        assert ("A fox", "stop", 7, 1) == (
            reply.text,
            reply.finish_reason,
            reply.prompt_tokens,
            reply.completion_tokens,
        )
        assert ["own"] == [posted.device for posted in transport.posts]

    run_virtually(course())


def test_a_reply_that_breaks_off_is_gone_on_with_where_the_model_can() -> None:
    """With fewer tokens left; a model that cannot begins again, where nothing was shown."""

    def play(device: Device, path: str, body: bytes) -> Sequence[Step]:
        if device.name == "own":
            return [Head(), Piece(chunk_of("A fox ")), Broken()]
        return story("sails.") if b"A fox " in body else story("Another one.")

    async def course(continues: bool, text: str) -> None:
        model, transport = model_of(play, device_of("own", local=True), device_of("b"), continues=continues)
        assert text == (await model.reply(CHAT)).text
        assert (48 if continues else 50) == json.loads(transport.posts[1].body)["max_tokens"]

    run_virtually(course(True, "A fox sails."))
    run_virtually(course(False, "Another one."))


def test_texts_are_continued_and_read() -> None:
    """In one piece, by the other path."""

    def play(device: Device, path: str, body: bytes) -> Sequence[Step]:
        assert "/completions" == path
        logprobs = {"tokens": ["A fox", " sails"], "token_logprobs": [None, -2.0]}
        choice = {"text": " sails", "finish_reason": "stop", "logprobs": logprobs}
        return [Head(200, "application/json"), Piece(json.dumps({"choices": [choice]}).encode())]

    async def course() -> None:
        model, _ = model_of(play, device_of("a"))
        assert " sails" == (await model.reply(TextRequest(text="A fox"))).text
        reply = await model.reply(ReadRequest(text=" sails", given="A fox"))
        assert [-2.0] == [token.logprob for token in reply.read]

    run_virtually(course())


def test_errors_are_those_of_a_model() -> None:
    """So that whoever talks to any model understands them."""

    async def course() -> None:
        nobody, _ = model_of(lambda *call: story("A fox"))
        with pytest.raises(ChatUnavailable, match="model 'tiny': no device can take the call now"):
            await nobody.reply(CHAT)
        broken, _ = model_of(lambda *call: [Broken("refused")], device_of("a"), device_of("b"))
        with pytest.raises(ChatUnavailable):
            await broken.reply(CHAT)
        busy, _ = model_of(lambda *call: [Head(429, "application/json", 99.0)], device_of("a"))
        with pytest.raises(ChatRateLimited) as caught:
            await busy.reply(CHAT)
        assert 99.0 == caught.value.retry_after_s
        slow, _ = model_of(lambda *call: [Head(), Piece(chunk_of("A")), Silence()], device_of("a"))
        with spending(Budget(Limits(deadline_s=2.0), now_s())), pytest.raises(ChatTimeout):
            await slow.reply(CHAT)

    run_virtually(course())


def test_calls_spend_the_budget_of_their_request() -> None:
    """Where there is one; else each call has its own."""

    async def course() -> None:
        model, _ = model_of(lambda *call: story("A fox"), device_of("a"))
        budget = Budget(Limits(calls=2), now_s())
        with spending(budget):
            await model.reply(CHAT)
            await model.reply(CHAT)
            with pytest.raises(BudgetExceeded):
                await model.reply(CHAT)
        assert 2 == budget.spent.calls
        await model.reply(CHAT)
        assert 2 == budget.spent.calls

    run_virtually(course())
