"""Every sentence that a call over HTTP can end with, and the key, which is in none of them."""

import logging
import traceback

import httpx2
import openai
import pytest
from pydantic import SecretStr

from net4moe.chat import HttpChatModel, Patience, Request
from net4moe.chat.http_errors import MAPPED
from net4moe.errors import (
    ChatError,
    ChatRateLimited,
    ChatRejected,
    ChatTimeout,
    ChatUnavailable,
    ConfigError,
    Net4MoEError,
    ReplyError,
)
from tests.chat.conftest import CHAT, TEXT, asked
from tests.chat.fault_server import (
    Call,
    FaultServer,
    Play,
    bare,
    chunk,
    closed_url,
    dies,
    endless,
    events,
    hang,
    plain,
    resets,
    status,
)

ONE_TRY = Patience(try_s=0.3, total_s=30.0, num_tries=1)
KEY = "sk-canary-0123456789"

GZIP = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-encoding: gzip\r\n\r\nno gzip"
NO_LOGPROB = '{"choices":[{"logprobs":{"content":[{"top_logprobs":[{"token":"a","logprob":NaN}]}]}}]}'

FAULTS: list[tuple[str, Play, type[Exception], int | None, str]] = [
    ("400", status(400, "too  many\nfoxes"), ChatRejected, 400, "refuses the call (400: too many foxes)."),
    (
        "401",
        status(401),
        ChatRejected,
        401,
        "refuses the key (401); set `api_key_env` to the variable that holds a valid key.",
    ),
    (
        "403",
        status(403),
        ChatRejected,
        403,
        "refuses the key (403); set `api_key_env` to the variable that holds a valid key.",
    ),
    (
        "404",
        status(404, "no model 'tiny'"),
        ChatRejected,
        404,
        "was not found (404: no model 'tiny'); check the model's name and that the URL ends in /v1.",
    ),
    ("408", status(408), ChatUnavailable, 408, "failed (408: the fox is out)."),
    ("413", status(413, body="<html>"), ChatRejected, 413, "refuses the call (413: Refused)."),
    ("429", status(429), ChatRateLimited, 429, "asks to wait (429: the fox is out)."),
    (
        "429 wait",
        status(429, retry_after="2"),
        ChatRateLimited,
        429,
        "asks to wait for 2 s (429: the fox is out).",
    ),
    ("500", status(500, "x" * 100), ChatUnavailable, 500, f"failed (500: {'x' * 79}…)."),
    ("502", status(502, body="<html>"), ChatUnavailable, 502, "failed (502: Refused)."),
    ("503", status(503, body='{"detail": 5}'), ChatUnavailable, 503, "failed (503: Refused)."),
    ("hangs", hang(), ChatTimeout, None, "gave no answer in time."),
    ("hangs later", hang("A fox"), ChatTimeout, None, "gave no answer in time."),
    ("resets", resets(), ChatUnavailable, None, "broke off its answer (ReadError)."),
    (
        "closes",
        bare(b""),
        ChatUnavailable,
        None,
        "broke off its answer (Server disconnected without sending a response.).",
    ),
    (
        "dies",
        dies(),
        ChatUnavailable,
        None,
        "broke off its answer (peer closed connection without sending complete message body "
        "(received 170 byte…).",
    ),
    (
        "gzip",
        bare(GZIP),
        ChatUnavailable,
        None,
        "broke off its answer (Error -3 while decompressing data: incorrect header check).",
    ),
    (
        "error event",
        events(chunk({"content": "A fox"}), {"error": {"message": "out of\nmemory"}}),
        ChatUnavailable,
        None,
        "broke off its answer (out of memory).",
    ),
    (
        "no reason",
        events(chunk({"content": "A fox"})),
        ChatUnavailable,
        None,
        "broke off its answer (the stream ended without a reason).",
    ),
    ("endless", endless(), ReplyError, None, "wrote on past 20 tokens; the call was ended."),
    (
        "no stream",
        plain('{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}'),
        ReplyError,
        None,
        "sent no stream of events (application/json); check that the URL ends in /v1.",
    ),
    (
        "a page",
        plain("<html>Welcome</html>", "text/html"),
        ReplyError,
        None,
        "sent no stream of events (text/html); check that the URL ends in /v1.",
    ),
    ("no JSON", events("{bad"), ReplyError, None, "sent a reply that is not JSON: '{bad'."),
    ("no UTF-8", events(b'"\xff"'), ReplyError, None, "sent a reply that is not UTF-8: invalid start byte."),
    ("a number", events(5), ReplyError, None, "sent a reply of an unknown form."),
    ("a list", events([]), ReplyError, None, "sent a reply of an unknown form."),
    ("a string", events('"fox"'), ReplyError, None, "sent a reply of an unknown form."),
    (
        "no choices",
        events({"choices": 5}),
        ReplyError,
        None,
        "sent a reply of an unknown form, at `choices`.",
    ),
    (
        "no text",
        events({"choices": [{"delta": {"content": 5}}]}),
        ReplyError,
        None,
        "sent a reply of an unknown form, at `choices.0.delta.content`.",
    ),
    (
        "half a character",
        events('{"choices":[{"delta":{"content":"\\ud83e"}}]}'),
        ReplyError,
        None,
        "sent a reply of an unknown form, at `choices.0.delta.content`.",
    ),
    (
        "no number of tokens",
        events({"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 0}}),
        ReplyError,
        None,
        "sent a reply of an unknown form, at `usage.prompt_tokens`.",
    ),
    (
        "no probability",
        events(NO_LOGPROB),
        ReplyError,
        None,
        "sent a reply of an unknown form, at `choices.0.logprobs.content.0.top_logprobs.0.logprob`.",
    ),
]


@pytest.mark.parametrize(
    ("play", "kind", "code", "text"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
def test_sentences(play: Play, kind: type[Exception], code: int | None, text: str) -> None:
    """Each fault has its class, its status and its sentence."""
    with FaultServer(play) as server, pytest.raises(Net4MoEError) as caught:
        asked(HttpChatModel(server.base_url, name="tiny", patience=ONE_TRY))
    assert f"model 'tiny' at {server.base_url} {text}" == str(caught.value)
    assert kind is type(caught.value)
    if isinstance(caught.value, ChatError):
        assert ("tiny", code) == (caught.value.model, caught.value.status)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("{bad", "that is not JSON: '{bad'"),
        ("<html>", "that is not JSON: '<html>'"),
        ("5", "of an unknown form"),
        ('{"choices": []}', "of an unknown form, at `choices`"),
        ('{"choices": [{"text": null}]}', "of an unknown form, at `choices.0.text`"),
        (
            '{"choices": [{"text": "a", "logprobs": {"top_logprobs": [{"a": 0.5}]}}]}',
            "of an unknown form, at `choices.0.logprobs.top_logprobs.0.a`",
        ),
    ],
)
def test_sentences_of_a_continued_text(body: str, text: str) -> None:
    """A continued text that cannot be read is refused at its place."""
    with FaultServer(plain(body)) as server, pytest.raises(ReplyError) as caught:
        asked(HttpChatModel(server.base_url, name="tiny", patience=ONE_TRY), TEXT)
    assert f"model 'tiny' at {server.base_url} sent a reply {text}." == str(caught.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (closed_url(), "All connection attempts failed"),
        ("http://nowhere.invalid/v1", "[Errno -2] Name or service not known"),
    ],
    ids=["closed port", "unknown name"],
)
def test_nobody_there(url: str, reason: str) -> None:
    """An endpoint where nobody listens, or whose name nobody knows, cannot be reached."""
    with pytest.raises(ChatUnavailable) as caught:
        asked(HttpChatModel(url, name="tiny", patience=ONE_TRY))
    text = f"model 'tiny' at {url} cannot be reached ({reason}); check the URL and that the server runs."
    assert text == str(caught.value)


def test_the_id_of_a_call_is_kept() -> None:
    """What the endpoint calls the request stands in the error, for its owner to look up."""
    with FaultServer(status(500, x_request_id="req_7")) as server, pytest.raises(ChatUnavailable) as caught:
        asked(HttpChatModel(server.base_url, name="tiny", patience=ONE_TRY))
    assert "req_7" == caught.value.request_id


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "http://",
        "ftp://127.0.0.1/v1",
        "http://127.0.0.1:99999/v1",
        "http://[::1/v1",
        "//a/v1",
    ],
)
def test_a_url_that_is_none(url: str) -> None:
    """A URL that no call could use is refused before the first call."""
    with pytest.raises(ConfigError) as caught:
        HttpChatModel(url, name="tiny")
    assert f"`base_url` must look like http://127.0.0.1:11434/v1, got '{url}'." == str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "sk-canary\n", "sk canary", "sk-can…ary", "sk-\x00"])
def test_a_key_that_is_none(key: str) -> None:
    """A key that no header can carry is refused without being shown."""
    with pytest.raises(ConfigError) as caught:
        HttpChatModel("http://127.0.0.1:1/v1", name="tiny", api_key=SecretStr(key))
    text = (
        "model 'tiny' at http://127.0.0.1:1/v1: the key must be visible ASCII characters without blanks; "
        "what was given is not."
    )
    assert text == str(caught.value)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"try_s": 0.0}, "`try_s` must be a number of seconds above 0, got 0.0."),
        ({"total_s": float("nan")}, "`total_s` must be a number of seconds above 0, got nan."),
        ({"total_s": float("inf")}, "`total_s` must be a number of seconds above 0, got inf."),
        ({"num_tries": 0}, "`num_tries` must be at least 1, got 0."),
        ({"first_wait_s": -1.0}, "`first_wait_s` must be a number of seconds from 0 up, got -1.0."),
    ],
)
def test_patience_that_is_none(options: dict[str, float], text: str) -> None:
    """Waiting times that allow no try are refused."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        Patience(**options)  # type: ignore[arg-type]
    assert text == str(caught.value)


def _echo_status(call: Call) -> None:
    status(400, f"{'x' * 70} {call.headers['authorization']}")(call)


def _echo_limit(call: Call) -> None:
    status(429, call.headers["authorization"])(call)


def _echo_event(call: Call) -> None:
    events({"error": {"message": call.headers["authorization"]}})(call)


def _echo_garbage(call: Call) -> None:
    events("{" + call.headers["authorization"])(call)


def _echo_head(call: Call) -> None:
    bare(call.headers["authorization"].encode() + b"\r\n\r\n")(call)


@pytest.mark.parametrize("request_", [CHAT, TEXT], ids=["chat", "text"])
@pytest.mark.parametrize(
    "play",
    [
        *[
            row[1]
            for row in FAULTS
            if row[0] in ("400", "401", "429", "500", "resets", "dies", "no JSON", "a page")
        ],
        _echo_status,
        _echo_limit,
        _echo_event,
        _echo_garbage,
        _echo_head,
    ],
)
def test_the_key_is_never_shown(play: Play, request_: Request, caplog: pytest.LogCaptureFixture) -> None:
    """The key stands in no error, no trace, no log and no representation, even where the endpoint repeats it."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="httpcore2")  # below, it traces the bytes that came
    with FaultServer(play) as server:
        model = HttpChatModel(server.base_url, name="tiny", api_key=SecretStr(KEY), patience=ONE_TRY)
        with pytest.raises(Net4MoEError) as caught:
            asked(model, request_)
    shown = [str(caught.value), repr(caught.value), repr(model), caplog.text]
    shown += traceback.format_exception(caught.value)
    assert all(KEY not in text and KEY[:12] not in text for text in shown)
    assert f"Bearer {KEY}" == server.calls[0].headers["authorization"]


def test_a_password_in_the_url_is_never_shown() -> None:
    """A user and a password before the host are used and not printed."""
    url = closed_url().replace("http://", f"http://fox:{KEY}@")
    with pytest.raises(ChatUnavailable) as caught:
        asked(HttpChatModel(url, name="tiny", patience=ONE_TRY))
    assert all(KEY not in text for text in traceback.format_exception(caught.value))
    with pytest.raises(ConfigError) as refused:
        HttpChatModel(f"ftp://fox:{KEY}@host/v1", name="tiny")
    assert "`base_url` must look like http://127.0.0.1:11434/v1, got 'host/v1'." == str(refused.value)


def test_a_placeholder_is_no_key() -> None:
    """A short word given for a key, as local servers want it, is not blotted out of the sentences."""
    with FaultServer(status(400, "ollama is busy")) as server, pytest.raises(ChatRejected) as caught:
        asked(HttpChatModel(server.base_url, name="tiny", api_key=SecretStr("ollama"), patience=ONE_TRY))
    text = f"model 'tiny' at {server.base_url} refuses the call (400: ollama is busy)."
    assert text == str(caught.value)


ELSEWHERE: dict[type[Exception], str] = {
    openai.OpenAIError: "the root; its members are listed one by one",
    openai.LengthFinishReasonError: "only from `parse`, which is not called",
    openai.ContentFilterFinishReasonError: "only from `parse`, which is not called",
    openai.InvalidWebhookSignatureError: "only from webhooks",
    openai.WebSocketConnectionClosedError: "only from web sockets",
    openai.WebSocketQueueFullError: "only from web sockets",
    httpx2.CookieConflict: "only from reading cookies by name",
    httpx2.StreamError: "a mistake in reading a stream, not the endpoint's doing",
    httpx2.StreamConsumed: "a mistake in reading a stream, not the endpoint's doing",
    httpx2.StreamClosed: "a mistake in reading a stream, not the endpoint's doing",
    httpx2.ResponseNotRead: "a mistake in reading a stream, not the endpoint's doing",
    httpx2.RequestNotRead: "a mistake in reading a stream, not the endpoint's doing",
}


def test_every_error_of_the_client_library_is_mapped() -> None:
    """An exception class that a new version of the SDK or of its transport adds must be placed here."""
    classes = {
        member
        for module in (openai, httpx2)
        for member in (getattr(module, name) for name in module.__all__)
        if isinstance(member, type) and issubclass(member, Exception) and not issubclass(member, Warning)
    }
    assert len(classes) > 30
    assert set() == {one for one in classes if not issubclass(one, MAPPED)} - set(ELSEWHERE)
