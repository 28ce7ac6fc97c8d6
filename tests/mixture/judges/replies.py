"""Replies as a model might give them, and judges' whole answers, for the tests of judges."""

import asyncio
import math
from collections.abc import Sequence

from net4moe.chat import Capabilities, ChatRequest, OnText, Reply, Request, ScriptedChatModel, Token
from net4moe.mixture import Judge, Score

CONTINUES = Capabilities(structured=False, logprobs=True, continues_text=True, continues_reply=True)
LOGPROBS = Capabilities(logprobs=True)


def reply(text: str, *tops: Sequence[tuple[str, float]]) -> Reply:
    """Make a reply of 7 tokens read, 2 written, 0.5 s and $0.25, with probabilities place by place."""
    return Reply(
        text=text,
        finish_reason="stop",
        prompt_tokens=7,
        completion_tokens=2,
        seconds=0.5,
        price_usd=0.25,
        top=tuple(
            tuple(Token(text=token, logprob=math.log(chance)) for token, chance in top) for top in tops
        ),
    )


def user(request: Request) -> str:
    """Read what the judge is asked."""
    assert isinstance(request, ChatRequest)
    return next(message.content for message in request.messages if message.role == "user")


def in_turn(*answers: str | Reply | Exception, capabilities: Capabilities | None = None) -> ScriptedChatModel:
    """Make a model that gives these answers, one a call; texts become replies with a price."""
    left = iter(answers)

    def answer(_: Request) -> Reply:
        one = next(left)
        if isinstance(one, Exception):
            raise one
        return reply(one) if isinstance(one, str) else one

    return ScriptedChatModel(answer, capabilities=capabilities)


def scores(judge: Judge, *texts: str) -> tuple[Score, ...]:
    """Score texts about a fox."""
    return asyncio.run(judge.score(texts, about="a fox", kind="story"))


class Meeting(ScriptedChatModel):
    """A model that answers only when as many calls as the barrier wants are under way."""

    def __init__(self, text: str, barrier: asyncio.Barrier) -> None:
        super().__init__(lambda _: reply(text))
        self._barrier = barrier

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer late."""
        await self._barrier.wait()
        return await super().reply(request, on_text=on_text)
