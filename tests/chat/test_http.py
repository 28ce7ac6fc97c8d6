"""A model behind an endpoint: what is sent, what is read, how long it is waited for."""

import asyncio
import contextlib
import threading
from dataclasses import replace

import pytest
from pydantic import SecretStr

from net4moe.chat import HttpChatModel, Message, Patience, Price, Reply, Token
from net4moe.errors import ChatError, ChatRateLimited, ChatRejected, ChatTimeout, ChatUnavailable, ReplyError
from tests.chat.conftest import CHAT, TEXT, asked
from tests.chat.fault_server import (
    Call,
    FaultServer,
    Play,
    chunk,
    dies,
    endless,
    events,
    good,
    hang,
    plain,
    resets,
    slow,
    status,
)

ONE_TRY = Patience(try_s=10.0, total_s=20.0, num_tries=1)


def _reply(*script: Play, **options: object) -> tuple[Reply, list[Call]]:
    """Ask once against a script; give the reply and the calls that it took."""
    with FaultServer(*script) as server:
        model = HttpChatModel(server.base_url, name="tiny", **options)  # type: ignore[arg-type]
        return asked(model), server.calls


def test_a_streamed_reply() -> None:
    """The pieces of a stream become one text, with the tokens and the price that the endpoint reports."""
    reply, _ = _reply(good(), price=Price(input_usd_per_mtok=1.0, output_usd_per_mtok=2.0))
    assert reply.seconds > 0
    assert (
        Reply(
            text="A fox sails.",
            finish_reason="stop",
            prompt_tokens=7,
            completion_tokens=5,
            seconds=reply.seconds,
            price_usd=17e-6,
        )
        == reply
    )


def test_a_reply_without_usage() -> None:
    """An endpoint that counts no tokens gets one for three characters, and no more than were allowed."""
    reply, _ = _reply(good(usage=None))
    assert (7, 4) == (reply.prompt_tokens, reply.completion_tokens)
    reply, _ = _reply(good("x" * 300, usage=None))
    assert 20 == reply.completion_tokens


@pytest.mark.parametrize("request_", [CHAT, TEXT], ids=["chat", "text"])
def test_likeliest_tokens(request_: object) -> None:
    """Log-probabilities come for each position, best first, in a chat and in a continued text."""
    with FaultServer(good("mystery", top=[{"b": -2.0, "a": -0.5}, {"c": 0.0005}])) as server:
        reply = asked(HttpChatModel(server.base_url, name="tiny"), request_)  # type: ignore[arg-type]
    first = (Token(text="a", logprob=-0.5), Token(text="b", logprob=-2.0))
    assert (first, (Token(text="c", logprob=0.0005),)) == reply.top


def test_likeliest_tokens_as_llama_cpp_sends_them() -> None:
    """A continued text with log-probabilities in the form of a chat is read too."""
    sent = (
        '{"choices":[{"text":" mystery","finish_reason":"length","logprobs":{"content":[{"token":" mystery",'
        '"logprob":-0.1,"top_logprobs":[{"token":" a","logprob":-3},{"token":" mystery","logprob":-0.1}]}]}}]}'
    )
    with FaultServer(plain(sent)) as server:
        reply = asked(HttpChatModel(server.base_url, name="tiny"), TEXT)
    assert " mystery" == reply.text
    assert ((Token(text=" mystery", logprob=-0.1), Token(text=" a", logprob=-3.0)),) == reply.top
    assert (9, 1) == (reply.prompt_tokens, reply.completion_tokens)


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<think>\nhm </think>\n\nA fox.", "A fox."),
        ("<think>hm and so on", ""),
        ("A fox </think> sails.", "A fox </think> sails."),
        ("", ""),
        ("  A fox\n\nsails. ", "  A fox\n\nsails. "),
    ],
)
def test_thoughts_are_no_text(written: str, text: str) -> None:
    """What a reasoning model thinks aloud is left out, also where it was cut before an answer."""
    reply, _ = _reply(good(written))
    assert text == reply.text


def test_what_a_chat_sends() -> None:
    """The request holds what was asked and nothing else."""
    request = replace(
        CHAT,
        messages=(Message(role="system", content="Be brief. 🦊"), *CHAT.messages),
        temperature=0.5,
        seed=3,
        top_logprobs=4,
        schema='{"type": "object"}',
    )
    with FaultServer(good()) as server:
        asked(HttpChatModel(server.base_url, name="tiny"), request)
    assert "/v1/chat/completions" == server.calls[0].path
    assert {
        "model": "tiny",
        "messages": [
            {"role": "system", "content": "Be brief. 🦊"},
            {"role": "user", "content": "A fox learns to sail."},
        ],
        "max_tokens": 20,
        "temperature": 0.5,
        "seed": 3,
        "logprobs": True,
        "top_logprobs": 4,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True},
        },
        "stream": True,
        "stream_options": {"include_usage": True},
    } == server.calls[0].body


def test_what_a_continued_text_sends() -> None:
    """A text goes to the other path, as it stands."""
    with FaultServer(good()) as server:
        asked(HttpChatModel(server.base_url, name="tiny"), TEXT)
    assert "/v1/completions" == server.calls[0].path
    body = {"model": "tiny", "prompt": TEXT.text, "max_tokens": 1, "temperature": 0.0, "logprobs": 2}
    assert body == server.calls[0].body


def test_the_key_goes_to_the_endpoint_that_it_is_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key from the environment that nobody named is never sent."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-outside")
    _, calls = _reply(good())
    assert "Bearer none" == calls[0].headers["authorization"]
    _, calls = _reply(good(), api_key=SecretStr("sk-given"))
    assert "Bearer sk-given" == calls[0].headers["authorization"]


def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all calls go through a proxy, those to a model on this machine do not."""
    with FaultServer(status(502)) as proxy, FaultServer(good()) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        model = HttpChatModel(server.base_url, name="tiny", patience=ONE_TRY)
        assert "A fox sails." == asked(model).text
        assert [] == proxy.calls


@pytest.mark.parametrize("request_", [CHAT, TEXT], ids=["chat", "text"])
def test_text_as_it_arrives(request_: object) -> None:
    """The pieces that were handed on are the reply."""
    pieces: list[str] = []
    with FaultServer(good("A fox\n sails. ")) as server:
        model = HttpChatModel(server.base_url, name="tiny")
        reply = asked(model, request_, on_text=pieces.append)  # type: ignore[arg-type]
    assert "A fox\n sails. " == reply.text == "".join(pieces)


def test_text_starts_again_with_the_call(naps: list[float]) -> None:
    """After a broken stream the pieces come again from the first; the reply holds them once."""
    pieces: list[str] = []
    with FaultServer(dies("A fox"), good("A fox sails.")) as server:
        reply = asked(HttpChatModel(server.base_url, name="tiny"), on_text=pieces.append)
    assert "A fox sails." == reply.text
    assert ["A fox", "A", " fox", " sails."] == pieces
    assert 1 == len(naps)


@pytest.mark.parametrize(
    "fault",
    [
        status(408),
        status(500),
        status(502, body="<html>"),
        status(503),
        status(429),
        status(429, retry_after="Wed, 21 Oct 2099 07:28:00 GMT"),
        status(429, retry_after="-5"),
        status(429, retry_after="nan"),
        resets(),
        dies(),
        events(chunk({"content": "A fox"}), done=False),
        events(chunk({"content": "A fox"}), {"error": {"message": "overloaded"}}),
    ],
)
def test_what_may_pass_is_tried_again(fault: Play, naps: list[float]) -> None:
    """A call that failed for a while is made again after a growing wait, and succeeds."""
    reply, calls = _reply(fault, fault, good())
    assert "A fox sails." == reply.text
    assert 3 == len(calls)
    first, second = naps
    assert 0.5 <= first <= 1.0
    assert 1.0 <= second <= 1.5


def test_a_try_that_hangs_is_given_up(naps: list[float]) -> None:
    """A request that is never answered is made again after the time for one try."""
    reply, calls = _reply(hang("A"), good(), patience=Patience(try_s=0.5, total_s=60.0))
    assert "A fox sails." == reply.text
    assert 2 == len(calls)
    assert 1 == len(naps)


def test_a_slow_first_byte_is_waited_for() -> None:
    """An endpoint that thinks for a while is not given up within its time."""
    reply, calls = _reply(slow(good(), 0.2))
    assert "A fox sails." == reply.text
    assert 1 == len(calls)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (status(400), ChatRejected),
        (status(401), ChatRejected),
        (status(404), ChatRejected),
        (events("{bad"), ReplyError),
        (events(b'"\xff"'), ReplyError),
        (endless(), ReplyError),
    ],
)
def test_what_will_not_pass_is_not_tried_again(fault: Play, kind: type[Exception], naps: list[float]) -> None:
    """A call that is wrong as it is, or a reply that cannot be read, ends at once."""
    with FaultServer(fault) as server, pytest.raises(kind):
        asked(HttpChatModel(server.base_url, name="tiny"))
    assert 1 == len(server.calls)
    assert [] == naps


def test_tries_are_counted(naps: list[float]) -> None:
    """After the last try its own error is raised."""
    patience = Patience(num_tries=3)
    with (
        FaultServer(status(503), status(503), status(500)) as server,
        pytest.raises(ChatUnavailable, match=r"failed \(500: the fox is out\)\.$"),
    ):
        asked(HttpChatModel(server.base_url, name="tiny", patience=patience))
    assert 3 == len(server.calls)
    assert 2 == len(naps)


@pytest.mark.parametrize(("said", "waits"), [("7", [7.0]), ("0.25", [0.25]), ("0", [])])
def test_the_wait_that_is_asked_for_is_kept(said: str, waits: list[float], naps: list[float]) -> None:
    """A rate limit's own wait is honoured to the second, without jitter."""
    reply, calls = _reply(status(429, retry_after=said), good())
    assert "A fox sails." == reply.text
    assert 2 == len(calls)
    assert waits == naps


@pytest.mark.parametrize("said", ["300", "86400", "1e300"])
def test_a_wait_that_is_too_long_fails_at_once(said: str, naps: list[float]) -> None:
    """A wait that does not fit into the time for all tries is not begun."""
    with (
        FaultServer(status(429, "slow down", retry_after=said)) as server,
        pytest.raises(ChatRateLimited) as caught,
    ):
        asked(HttpChatModel(server.base_url, name="tiny", patience=Patience(total_s=300.0)))
    text = f"model 'tiny' at {server.base_url} asks to wait for {float(said):g} s (429: slow down)."
    assert text == str(caught.value)
    assert float(said) == caught.value.retry_after_s
    assert [] == naps
    assert 1 == len(server.calls)


def test_time_for_all_tries() -> None:
    """The time for all tries ends a try that is under way."""
    with FaultServer(hang()) as server, pytest.raises(ChatTimeout) as caught:
        asked(HttpChatModel(server.base_url, name="tiny", patience=Patience(total_s=0.1)))
    assert f"model 'tiny' at {server.base_url} gave no answer within 0.1 s in all." == str(caught.value)


@pytest.mark.parametrize(
    "fault",
    [good(), status(401), status(503), resets(), dies(), hang("A"), events("{bad"), endless()],
)
def test_a_place_is_given_back(fault: Play, naps: list[float]) -> None:
    """However a call ends, the next one finds its place free."""
    places = asyncio.Semaphore(1)
    patience = Patience(try_s=0.2, num_tries=2)
    with FaultServer(fault) as server:
        model = HttpChatModel(server.base_url, name="tiny", patience=patience, places=places)
        with contextlib.suppress(ChatError, ReplyError):
            asked(model)
    assert not places.locked()


@pytest.mark.parametrize("cancelled", [True, False], ids=["cancelled", "endless"])
def test_a_call_that_nobody_waits_for_stops_the_endpoint(cancelled: bool) -> None:
    """A call that ends before its stream gives its place back and closes the stream: the endpoint stops."""
    begun, gone = threading.Event(), threading.Event()

    def writes(call: Call) -> None:
        begun.set()
        try:
            endless()(call)
        except OSError:
            gone.set()

    async def leave() -> None:
        places = asyncio.Semaphore(1)
        model = HttpChatModel(server.base_url, name="tiny", places=places)
        task = asyncio.create_task(model.reply(replace(CHAT, max_tokens=10**9 if cancelled else 1)))
        await asyncio.to_thread(begun.wait)
        if cancelled:
            task.cancel()
        with pytest.raises(asyncio.CancelledError if cancelled else ReplyError) as caught:
            await task
        assert not places.locked()
        assert await asyncio.to_thread(gone.wait, 30.0)
        assert caught.value.__traceback__ is not None  # held until here, with all that its frames hold
        await model.close()

    with FaultServer(writes) as server:
        asyncio.run(leave())


def test_no_more_calls_at_a_time_than_places() -> None:
    """Ten calls with two places are answered two at a time, whichever model of the endpoint they are for."""
    lock, under_way, most = threading.Lock(), 0, 0

    def counted(call: Call) -> None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        call.wait(0.01)
        with lock:
            under_way -= 1
        good()(call)

    async def ask_all() -> list[Reply]:
        places = asyncio.Semaphore(2)
        models = [HttpChatModel(server.base_url, name=name, places=places) for name in ("tiny", "small")]
        replies = await asyncio.gather(*(model.reply(CHAT) for model in models * 5))
        for model in models:
            await model.close()
        return replies

    with FaultServer(counted) as server:
        assert 10 == len(asyncio.run(ask_all()))
    assert 2 == most


def test_many_calls_at_a_time() -> None:
    """Forty calls at once through one connection pool all get their own reply."""

    def echo(call: Call) -> None:
        good(call.body["messages"][0]["content"])(call)

    async def ask_all() -> list[str]:
        model = HttpChatModel(server.base_url, name="tiny", places=asyncio.Semaphore(40))
        requests = [replace(CHAT, messages=(Message(role="user", content=f"fox {i}"),)) for i in range(40)]
        replies = await asyncio.gather(*(model.reply(request) for request in requests))
        await model.close()
        return [reply.text for reply in replies]

    with FaultServer(echo) as server:
        assert [f"fox {i}" for i in range(40)] == asyncio.run(ask_all())
