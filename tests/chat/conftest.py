"""Requests and a way to ask, shared by the tests of the room."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from net4moe.chat import ChatModel, ChatRequest, HttpChatModel, Message, OnText, Reply, Request, TextRequest


def chat(content: str, max_tokens: int = 20) -> ChatRequest:
    """Make a chat of one message."""
    return ChatRequest(messages=(Message(role="user", content=content),), max_tokens=max_tokens)


CHAT = chat("A fox learns to sail.")
TEXT = TextRequest(text="Book: a fox at sea. Genre:", max_tokens=1, top_logprobs=2)


def asked(model: ChatModel, request: Request = CHAT, *, on_text: OnText | None = None) -> Reply:
    """Ask a model once, from outside any loop, and close its connections."""

    async def ask() -> Reply:
        try:
            return await model.reply(request, on_text=on_text)
        finally:
            if isinstance(model, HttpChatModel):
                await model.close()

    return asyncio.run(ask())


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let nothing sleep; list the waits that were asked for, seconds."""
    waits: list[float] = []
    sleep: Callable[..., object] = asyncio.sleep

    async def nap(delay: float, result: object = None) -> object:
        if delay > 0:
            waits.append(delay)
        return await sleep(0, result)  # type: ignore[misc]

    monkeypatch.setattr(asyncio, "sleep", nap)
    return waits


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of a ledger in a folder that is not there yet."""
    return tmp_path / "run" / "ledger.sqlite"
