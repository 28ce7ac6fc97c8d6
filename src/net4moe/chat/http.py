"""Any OpenAI-compatible endpoint: GPT, Ollama, vLLM, LM Studio, llama.cpp and the embedded engine.

Errors of the transport become ours here and nowhere else; retries happen here and nowhere else.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import openai
import stamina
from openai.types.chat import ChatCompletionMessageParam
from pydantic import SecretStr

from net4moe.chat import wire
from net4moe.chat.http_errors import translated
from net4moe.chat.model import ChatModel, OnText
from net4moe.chat.records import (
    Capabilities,
    ChatRequest,
    Price,
    ReadRequest,
    Reply,
    Request,
    TextRequest,
    Token,
)
from net4moe.errors import (
    ChatError,
    ChatRateLimited,
    ChatTimeout,
    ChatUnavailable,
    ConfigError,
    ReplyError,
)

__all__ = ["HttpChatModel", "Patience"]

_CHARACTERS_PER_TOKEN = 40  # no tokeniser in use makes longer tokens; beyond it a reply is endless
_KEEP_ALIVE_S = 3.0
_NO_KEY = "none"  # the SDK wants a key even where the server wants none
_SHORTEST_KEY = 8  # shorter ones are placeholders, and hiding them would garble every sentence
_NO_PROXY = {"all://127.0.0.1": None, "all://localhost": None, "all://[::1]": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an endpoint is waited for.

    Attributes:
      try_s: time for one try, from sending to the last token, seconds.
      total_s: time for all tries with the waits between them, seconds.
      num_tries: tries at most.
      first_wait_s: wait before the second try, seconds; later ones double, with jitter. An endpoint that
        asks for another wait gets it, and where that does not fit into `total_s` the call fails at once.
    """

    try_s: float = 120.0
    total_s: float = 300.0
    num_tries: int = 5
    first_wait_s: float = 0.5

    def __post_init__(self) -> None:
        """Refuse patience that allows no try."""
        for name in ("try_s", "total_s"):
            if not 0 < getattr(self, name) < float("inf"):
                msg = f"`{name}` must be a number of seconds above 0, got {getattr(self, name)}."
                raise ValueError(msg)
        if self.num_tries < 1:
            msg = f"`num_tries` must be at least 1, got {self.num_tries}."
            raise ValueError(msg)
        if not 0 <= self.first_wait_s < float("inf"):
            msg = f"`first_wait_s` must be a number of seconds from 0 up, got {self.first_wait_s}."
            raise ValueError(msg)


class HttpChatModel(ChatModel):
    """A model behind an OpenAI-compatible endpoint.

    Args:
      base_url: the endpoint with its version, as `http://127.0.0.1:11434/v1`.
      name: what the endpoint calls the model.
      api_key: the key, where the endpoint needs one; never printed.
      capabilities: what the model can be asked for.
      price: what its tokens cost.
      patience: timeouts and retries.
      places: calls at the same time; models of one endpoint may share it.
      keep_alive: whether connections are kept for later calls; a server on this machine closes them as it
        likes, and opening one costs it nothing.

    Raises:
      ConfigError: the URL or the key could never be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        api_key: SecretStr | None = None,
        capabilities: Capabilities | None = None,
        price: Price | None = None,
        patience: Patience | None = None,
        places: asyncio.Semaphore | None = None,
        keep_alive: bool = True,
    ) -> None:
        self.name = name
        self.base_url = base_url
        self.capabilities = capabilities or Capabilities()
        self.price = price or Price()
        self._patience = patience or Patience()
        self._places = places or asyncio.Semaphore(4)
        url = _checked_url(base_url)
        self._who = f"model '{name}' at {url.copy_with(username='', password='')}"
        self._key = _checked_key(api_key, self._who)
        self._client = openai.AsyncOpenAI(
            base_url=url,
            api_key=self._key or _NO_KEY,
            max_retries=0,
            timeout=self._patience.try_s,
            http_client=openai.DefaultAsyncHttpxClient(limits=_limits(keep_alive), mounts=_NO_PROXY),
        )

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer one request, trying again where that can help.

        Where the time is over between two tries, the error is that of the last one.
        """
        failures: list[ChatError] = []
        try:
            async with self._places, asyncio.timeout(self._patience.total_s):
                return await self._retried(request, on_text, failures)
        except TimeoutError as error:
            if failures:
                raise failures[-1] from error
            msg = f"{self._who} gave no answer within {self._patience.total_s:g} s in all."
            raise ChatTimeout(msg, model=self.name) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def _retried(self, request: Request, on_text: OnText | None, failures: list[ChatError]) -> Reply:
        end_s = time.monotonic() + self._patience.total_s

        def wait_s(error: Exception) -> bool | float:
            if isinstance(error, ChatError):
                failures.append(error)
            if isinstance(error, ChatRateLimited) and error.retry_after_s is not None:
                return error.retry_after_s < end_s - time.monotonic() and error.retry_after_s
            return isinstance(error, ChatError) and error.retryable

        async for attempt in stamina.retry_context(
            on=wait_s,
            attempts=self._patience.num_tries,
            timeout=self._patience.total_s,
            wait_initial=self._patience.first_wait_s,
            wait_jitter=self._patience.first_wait_s,
        ):
            with attempt:
                return await self._tried(request, on_text)
        msg = "unreachable: the last attempt raises"
        raise AssertionError(msg)

    async def _tried(self, request: Request, on_text: OnText | None) -> Reply:
        start_s = time.perf_counter()
        hidden = self._key if len(self._key) >= _SHORTEST_KEY else ""
        async with translated(self._who, self.name, hidden), asyncio.timeout(self._patience.try_s):
            match request:
                case ChatRequest():
                    reply = await self._chat(request, on_text)
                case TextRequest():
                    reply = await self._continue(request, on_text)
                case ReadRequest():
                    reply = await self._read(request)
        return replace(
            reply,
            seconds=time.perf_counter() - start_s,
            price_usd=self.price.usd(reply.prompt_tokens, reply.completion_tokens),
        )

    async def _chat(self, request: ChatRequest, on_text: OnText | None) -> Reply:
        stream = await self._client.chat.completions.create(
            model=self.name,
            messages=[_message(message.role, message.content) for message in request.messages],
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
            stream=True,
            stream_options={"include_usage": True},
            **_options(request),
        )
        pieces: list[str] = []
        top: list[tuple[Token, ...]] = []
        finish_reason = ""
        usage: wire.Usage | None = None
        num_characters = num_chunks = 0
        async with _closing(stream) as chunks:
            async for sent in chunks:
                chunk = wire.read(wire.Chunk, sent, self._who)
                num_chunks += 1
                usage = chunk.usage or usage
                finish_reason = chunk.finish_reason or finish_reason
                top += chunk.top
                if not chunk.text:
                    continue
                pieces.append(chunk.text)
                num_characters += len(chunk.text)
                if num_characters > request.max_tokens * _CHARACTERS_PER_TOKEN:
                    msg = f"{self._who} wrote on past {request.max_tokens} tokens; the call was ended."
                    raise ReplyError(msg)
                if on_text is not None:
                    on_text(chunk.text)
        if not num_chunks:
            kind = stream.response.headers.get("content-type", "nothing")
            msg = f"{self._who} sent no stream of events ({kind}); check that the URL ends in /v1."
            raise ReplyError(msg)
        if not finish_reason:
            msg = f"{self._who} broke off its answer (the stream ended without a reason)."
            raise ChatUnavailable(msg, model=self.name)
        text = "".join(pieces)
        usage = usage or wire.Usage(
            prompt_tokens=_estimated_tokens("".join(message.content for message in request.messages)),
            completion_tokens=min(_estimated_tokens(text), request.max_tokens),
        )
        return Reply(
            text=_without_thoughts(text),
            finish_reason=finish_reason,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            seconds=0.0,
            top=tuple(top),
        )

    async def _continue(self, request: TextRequest, on_text: OnText | None) -> Reply:
        sent = await self._client.completions.create(
            model=self.name,
            prompt=request.text,
            max_tokens=request.max_tokens,
            temperature=0.0,
            logprobs=request.top_logprobs or None,
        )
        completion = wire.read(wire.Completion, sent, self._who)
        choice = completion.choices[0]
        usage = completion.usage or wire.Usage(
            prompt_tokens=_estimated_tokens(request.text), completion_tokens=request.max_tokens
        )
        if on_text is not None:
            on_text(choice.text)
        return Reply(
            text=choice.text,
            finish_reason=choice.finish_reason or "",
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            seconds=0.0,
            top=completion.top,
        )

    async def _read(self, request: ReadRequest) -> Reply:
        sent = await self._client.completions.create(
            model=self.name,
            prompt=request.given + request.text,
            max_tokens=request.max_tokens,
            temperature=0.0,
            echo=True,
            logprobs=1,
        )
        completion = wire.read(wire.Completion, sent, self._who)
        read = completion.echoed(request.given, request.text)
        if not read:
            msg = f"{self._who} did not tell the log-probabilities of the text that it was given to read."
            raise ReplyError(msg)
        usage = completion.usage or wire.Usage(prompt_tokens=len(read), completion_tokens=1)
        return Reply(
            text="",
            finish_reason=completion.choices[0].finish_reason or "",
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            seconds=0.0,
            read=read,
        )


def _checked_url(base_url: str) -> httpx2.URL:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or not 0 < (url.port or 80) < 65536:
        shown = base_url.rpartition("@")[2]  # before it stands a password
        msg = f"`base_url` must look like http://127.0.0.1:11434/v1, got '{shown}'."
        raise ConfigError(msg)
    return url


def _checked_key(api_key: SecretStr | None, who: str) -> str:
    """Read the key; one that no header could carry would be shown by the errors of the transport."""
    if api_key is None:
        return ""
    key = api_key.get_secret_value()
    if not key or not all("!" <= character <= "~" for character in key):
        msg = f"{who}: the key must be visible ASCII characters without blanks; what was given is not."
        raise ConfigError(msg)
    return key


def _limits(keep_alive: bool) -> httpx2.Limits:
    if keep_alive:
        return httpx2.Limits(keepalive_expiry=_KEEP_ALIVE_S)
    return httpx2.Limits(max_keepalive_connections=0)


def _message(role: str, content: str) -> ChatCompletionMessageParam:
    return {"role": role, "content": content}  # pyright: ignore[reportReturnType] - a union over roles


def _options(request: ChatRequest) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if request.top_logprobs:
        options |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    if request.schema:
        schema = {"name": "reply", "schema": json.loads(request.schema), "strict": True}
        options["response_format"] = {"type": "json_schema", "json_schema": schema}
    return options


@asynccontextmanager
async def _closing(stream: openai.AsyncStream[Any]) -> AsyncGenerator[openai.AsyncStream[Any]]:
    try:
        yield stream
    finally:
        await stream.close()


def _without_thoughts(text: str) -> str:
    """Leave out what a reasoning model thought aloud before its answer, also where that was cut."""
    if not text.lstrip().startswith("<think>"):
        return text
    return text.partition("</think>")[2].lstrip()


def _estimated_tokens(text: str) -> int:
    """Guess the tokens of a text where the endpoint reports none: one for three characters."""
    return -(-len(text) // 3)
