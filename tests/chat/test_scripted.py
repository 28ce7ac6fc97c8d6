"""One suite for the fake and the real model, so that what a test learns from the fake holds for the real one."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from net4moe.chat import (
    Capabilities,
    ChatModel,
    HttpChatModel,
    Patience,
    Price,
    Reply,
    Request,
    ScriptedChatModel,
    Token,
)
from net4moe.errors import ChatRejected, ChatUnavailable, ReplyError
from tests.chat.conftest import CHAT, TEXT, asked
from tests.chat.fault_server import Call, FaultServer, good, status

Make = Callable[..., ChatModel]
"""Makes a model that gives this answer, or raises the error of this status."""

PRICE = Price(input_usd_per_mtok=3.0, output_usd_per_mtok=15.0)
ABILITIES = Capabilities(structured=False, logprobs=True)
OPTIONS = {"name": "tiny", "price": PRICE, "capabilities": ABILITIES}
ERRORS = {400: ChatRejected, 503: ChatUnavailable}


def _scripted(answer: str | int) -> ChatModel:
    def say(request: Request) -> str:
        if isinstance(answer, int):
            raise ERRORS[answer]("the fox is out", model="tiny", status=answer)
        return answer

    return ScriptedChatModel(say, **OPTIONS)  # type: ignore[arg-type]


@pytest.fixture(params=["scripted", "http"])
def make(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Give the function that makes a model of either kind."""
    if request.param == "scripted":
        yield _scripted
        return
    answers: list[str | int] = []

    def play(call: Call) -> None:
        answer = answers[-1]
        if isinstance(answer, int):
            status(answer)(call)
        else:
            good(answer, usage=(0, len(answer.split())))(call)

    with FaultServer(play) as server:

        def real(answer: str | int) -> ChatModel:
            answers.append(answer)
            patience = Patience(num_tries=1)
            return HttpChatModel(server.base_url, patience=patience, **OPTIONS)  # type: ignore[arg-type]

        yield real


@pytest.mark.parametrize("request_", [CHAT, TEXT], ids=["chat", "text"])
@pytest.mark.parametrize("text", ["A fox sails.", "", " \n", "Ein Füchslein 🦊\n\nsegelt. "])
def test_a_reply(make: Make, request_: Request, text: str) -> None:
    """The text comes whole, in pieces and at the end, with its tokens and its price."""
    pieces: list[str] = []
    reply = asked(make(text), request_, on_text=pieces.append)
    assert (text, "stop") == (reply.text, reply.finish_reason)
    assert text == "".join(pieces)
    assert (0, len(text.split()), ()) == (reply.prompt_tokens, reply.completion_tokens, reply.top)
    assert PRICE.usd(0, len(text.split())) == reply.price_usd
    assert reply.seconds >= 0


def test_what_it_is_called_and_can_do(make: Make) -> None:
    """Name, abilities and price are there for whoever chooses by them."""
    model = make("on")
    assert ("tiny", ABILITIES, PRICE) == (model.name, model.capabilities, model.price)


@pytest.mark.parametrize("code", [400, 503])
def test_an_error(make: Make, code: int) -> None:
    """An error has its class, the model's name and the status, and no text has come."""
    pieces: list[str] = []
    with pytest.raises(ERRORS[code]) as caught:
        asked(make(code), on_text=pieces.append)
    assert ("tiny", code) == (caught.value.model, caught.value.status)
    assert [] == pieces


def test_several_at_a_time(make: Make) -> None:
    """Calls under way together are all answered."""

    async def together() -> list[Reply]:
        model = make("on")
        replies = await asyncio.gather(*(model.reply(CHAT) for _ in range(9)))
        if isinstance(model, HttpChatModel):
            await model.close()
        return replies

    assert ["on"] * 9 == [reply.text for reply in asyncio.run(together())]


def test_a_listener_that_fails(make: Make) -> None:
    """An error of whoever shows the text is raised as itself, not as the model's."""

    def fail(text: str) -> None:
        raise LookupError(text)

    with pytest.raises(LookupError):
        asked(make("on"), on_text=fail)


def test_the_fake_keeps_what_it_was_asked() -> None:
    """The requests stand in order, those that failed too."""

    def answer(request: Request) -> str | Reply:
        if request is TEXT:
            msg = "no number"
            raise ReplyError(msg)
        return whole

    whole = Reply(
        text="a",
        finish_reason="length",
        prompt_tokens=1,
        completion_tokens=2,
        seconds=3.0,
        price_usd=4.0,
        top=((Token(text="a", logprob=0.0),),),
    )
    model = ScriptedChatModel(answer)
    assert "scripted" == model.name
    assert whole is asked(model, CHAT)
    with pytest.raises(ReplyError, match=r"^no number$"):
        asked(model, TEXT)
    assert [CHAT, TEXT] == model.requests
