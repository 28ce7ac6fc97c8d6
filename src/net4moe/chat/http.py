"""Any OpenAI-compatible endpoint: GPT, Ollama, vLLM, LM Studio, llama.cpp and the embedded engine.

Errors of the transport become ours here and nowhere else; retries happen here and nowhere else.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx2
import openai
import stamina
from openai.types.chat import ChatCompletionMessageParam
from pydantic import SecretStr

from net4moe.chat.http_errors import translated
from net4moe.chat.model import ChatModel, OnText
from net4moe.chat.records import Capabilities, ChatRequest, Price, Reply, Request, TextRequest, Token
from net4moe.errors import ChatError, ChatRateLimited, ChatTimeout, ReplyError

__all__ = ["HttpChatModel", "Patience"]

_CHARACTERS_PER_TOKEN = 40  # no tokeniser in use makes longer tokens; beyond it a reply is endless
_KEEP_ALIVE_S = 3.0
_NO_KEY = "none"  # the SDK wants a key even where the server wants none


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long an endpoint is waited for.

    Attributes:
      try_s: time for one try, from sending to the last token, seconds.
      total_s: time for all tries with the waits between them, seconds.
      num_tries: tries at most.
      first_wait_s: wait before the second try, seconds; later ones double, with jitter.
    """

    try_s: float = 120.0
    total_s: float = 300.0
    num_tries: int = 5
    first_wait_s: float = 0.5


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
        self._client = openai.AsyncOpenAI(
            base_url=base_url,
            api_key=_NO_KEY if api_key is None else api_key.get_secret_value(),
            max_retries=0,
            timeout=self._patience.try_s,
            http_client=openai.DefaultAsyncHttpxClient(limits=_limits(keep_alive)),
        )

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer one request, trying again where that can help."""
        try:
            async with self._places, asyncio.timeout(self._patience.total_s):
                return await self._retried(request, on_text)
        except TimeoutError as error:
            msg = f"{self._who} gave no answer within {self._patience.total_s:g} s in all."
            raise ChatTimeout(msg, model=self.name) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    @property
    def _who(self) -> str:
        return f"model '{self.name}' at {self.base_url}"

    async def _retried(self, request: Request, on_text: OnText | None) -> Reply:
        async for attempt in stamina.retry_context(
            on=_wait_before_retry,
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
        async with translated(self._who, self.name):
            async with asyncio.timeout(self._patience.try_s):
                match request:
                    case ChatRequest():
                        reply = await self._chat(request, on_text)
                    case TextRequest():
                        reply = await self._continue(request)
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
        prompt_tokens = completion_tokens = num_characters = 0
        async with _closing(stream) as chunks:
            async for chunk in chunks:
                if chunk.usage is not None:
                    prompt_tokens = chunk.usage.prompt_tokens
                    completion_tokens = chunk.usage.completion_tokens
                if not chunk.choices:
                    continue
                choice = chunk.choices[0]
                finish_reason = choice.finish_reason or finish_reason
                if choice.logprobs is not None and choice.logprobs.content:
                    top += [_best_first(entry.top_logprobs) for entry in choice.logprobs.content]
                if choice.delta.content:
                    pieces.append(choice.delta.content)
                    num_characters += len(pieces[-1])
                    if num_characters > request.max_tokens * _CHARACTERS_PER_TOKEN:
                        msg = f"{self._who} wrote on past {request.max_tokens} tokens; the call was ended."
                        raise ReplyError(msg)
                    if on_text is not None:
                        on_text(pieces[-1])
        text = _without_thoughts("".join(pieces))
        return Reply(
            text=text,
            finish_reason=finish_reason,
            prompt_tokens=prompt_tokens or _estimated_tokens("".join(m.content for m in request.messages)),
            completion_tokens=completion_tokens or _estimated_tokens(text),
            seconds=0.0,
            top=tuple(top),
        )

    async def _continue(self, request: TextRequest) -> Reply:
        completion = await self._client.completions.create(
            model=self.name,
            prompt=request.text,
            max_tokens=request.max_tokens,
            temperature=0.0,
            logprobs=request.top_logprobs or None,
        )
        if not completion.choices:
            msg = f"{self._who} sent a reply without choices."
            raise ReplyError(msg)
        choice = completion.choices[0]
        usage = completion.usage
        return Reply(
            text=choice.text,
            finish_reason=choice.finish_reason,
            prompt_tokens=usage.prompt_tokens if usage else _estimated_tokens(request.text),
            completion_tokens=usage.completion_tokens if usage else request.max_tokens,
            seconds=0.0,
            top=_continuation_top(choice.logprobs),
        )


def _limits(keep_alive: bool) -> httpx2.Limits:
    if keep_alive:
        return httpx2.Limits(keepalive_expiry=_KEEP_ALIVE_S)
    return httpx2.Limits(max_keepalive_connections=0)


def _wait_before_retry(error: Exception) -> bool | float:
    if isinstance(error, ChatRateLimited) and error.retry_after_s is not None:
        return error.retry_after_s
    return isinstance(error, ChatError) and error.retryable


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
async def _closing(stream: openai.AsyncStream[Any]) -> AsyncIterator[openai.AsyncStream[Any]]:
    try:
        yield stream
    finally:
        await stream.close()


def _best_first(entries: Any) -> tuple[Token, ...]:  # noqa: ANN401 - the SDK's record
    tokens = (Token(text=entry.token, logprob=entry.logprob) for entry in entries)
    return tuple(sorted(tokens, key=lambda token: -token.logprob))


def _continuation_top(logprobs: Any) -> tuple[tuple[Token, ...], ...]:  # noqa: ANN401 - two wire forms
    """Read both forms in use: OpenAI's map of tokens, and llama.cpp's list as in a chat."""
    if logprobs is None:
        return ()
    content: Any = getattr(logprobs, "content", None)
    if content:
        return tuple(
            tuple(Token(text=entry["token"], logprob=entry["logprob"]) for entry in position["top_logprobs"])
            for position in content
        )
    positions: list[Mapping[str, float]] = logprobs.top_logprobs or []
    return tuple(
        tuple(Token(text=text, logprob=value) for text, value in sorted(p.items(), key=lambda item: -item[1]))
        for p in positions
    )


def _without_thoughts(text: str) -> str:
    """Leave out what a reasoning model thought aloud before its answer."""
    head, mark, tail = text.partition("</think>")
    return tail.lstrip() if mark and head.lstrip().startswith("<think>") else text


def _estimated_tokens(text: str) -> int:
    """Guess the tokens of a text where the endpoint reports none: one for three characters."""
    return -(-len(text) // 3)
