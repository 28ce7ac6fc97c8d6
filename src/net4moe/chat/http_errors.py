"""Errors of the OpenAI SDK and its transport, made ours: the one border where they are born."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypedDict, cast

import httpx2
import openai

from net4moe.errors import (
    ChatError,
    ChatRateLimited,
    ChatRejected,
    ChatTimeout,
    ChatUnavailable,
    ReplyError,
)

__all__ = ["MAPPED", "translated"]

MAPPED: tuple[type[Exception], ...] = (
    openai.APIError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    TimeoutError,
    UnicodeDecodeError,
    json.JSONDecodeError,
)
"""What a call can raise that is the endpoint's doing; a test holds it against the SDK's own list."""


@asynccontextmanager
async def translated(who: str, model: str, key: str = "") -> AsyncGenerator[None]:
    """Turn the errors of a call into ours, most specific first.

    Args:
      who: the endpoint, as an error names it.
      model: the model's name.
      key: the key, which an endpoint may repeat and no error may show; empty where there is none.

    Raises:
      ChatError: the endpoint could not be reached or refused.
      ReplyError: what came cannot be read.
    """
    try:
        yield
    except MAPPED as error:
        repeated = bool(key) and any(key in str(link) for link in (error, error.__cause__))
        raise _ours(error, who, model, key) from (None if repeated else error)


class _Facts(TypedDict):
    model: str
    status: int
    request_id: str | None


def _ours(error: Exception, who: str, model: str, key: str) -> ChatError | ReplyError:
    match error:
        case TimeoutError() | openai.APITimeoutError() | httpx2.TimeoutException():
            return ChatTimeout(f"{who} gave no answer in time.", model=model)
        case UnicodeDecodeError():
            return ReplyError(f"{who} sent a reply that is not UTF-8: {error.reason}.")
        case json.JSONDecodeError():
            return ReplyError(f"{who} sent a reply that is not JSON: {_short(error.doc, key)!r}.")
        case openai.APIResponseValidationError():
            return ReplyError(f"{who} sent a reply of an unknown form: {_short(error.message, key)!r}.")
        case openai.APIStatusError():
            return _by_status(error, who, model, key)
        case openai.APIConnectionError() | httpx2.TransportError():
            cause = error.__cause__ or error
            reason = _short(str(cause), key) or type(cause).__name__
            if isinstance(cause, (httpx2.ReadError, httpx2.RemoteProtocolError, httpx2.DecodingError)):
                return ChatUnavailable(f"{who} broke off its answer ({reason}).", model=model)
            return ChatUnavailable(
                f"{who} cannot be reached ({reason}); check the URL and that the server runs.",
                model=model,
            )
        case httpx2.InvalidURL():
            return ChatRejected(f"{who} has no usable URL: {error}.", model=model)
        case _:
            return ChatUnavailable(f"{who} broke off its answer ({_short(str(error), key)}).", model=model)


def _by_status(error: openai.APIStatusError, who: str, model: str, key: str) -> ChatError:
    status = error.status_code
    said = _short(_said(error), key)
    facts = _Facts(model=model, status=status, request_id=error.request_id)
    if status == 429:
        retry_after_s = _retry_after_s(error)
        wait = "" if retry_after_s is None else f" for {retry_after_s:g} s"
        return ChatRateLimited(
            f"{who} asks to wait{wait} (429: {said}).", retry_after_s=retry_after_s, **facts
        )
    if status == 408 or status >= 500:
        return ChatUnavailable(f"{who} failed ({status}: {said}).", **facts)
    if status in (401, 403):
        return ChatRejected(
            f"{who} refuses the key ({status}); set `api_key_env` to the variable that holds a valid key.",
            **facts,
        )
    if status == 404:
        return ChatRejected(
            f"{who} was not found (404: {said}); check the model's name and that the URL ends in /v1.",
            **facts,
        )
    return ChatRejected(f"{who} refuses the call ({status}: {said}).", **facts)


def _said(error: openai.APIStatusError) -> str:
    body = error.body
    message = cast("dict[str, object]", body).get("message") if isinstance(body, dict) else None
    if isinstance(message, str):
        return message
    return error.response.reason_phrase or "no reason given"


def _retry_after_s(error: openai.APIStatusError) -> float | None:
    try:
        seconds = float(error.response.headers.get("retry-after", ""))
    except ValueError:
        return None
    return seconds if 0 <= seconds < float("inf") else None


def _short(text: str, key: str) -> str:
    """Keep the first 80 characters, on one line, with stars for the key."""
    line = " ".join((text.replace(key, "***") if key else text).split())
    return line if len(line) <= 80 else line[:79] + "…"
