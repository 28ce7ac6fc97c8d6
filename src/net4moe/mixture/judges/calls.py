"""What judges that ask a model have in common: calls that add up, further tries, and what becomes of failures.

Rules. A reply that cannot be read is asked for again with another seed; after the last try the text is
unscored, never 0. An error that may pass, as too many calls at once, leaves the text unscored: the model has
already waited and tried again. Any other error of the endpoint is raised. All calls of a text are paid by it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from net4moe.chat import ChatModel, ChatRequest, Reply, Request
from net4moe.errors import ChatError, ReplyError
from net4moe.mixture import wording
from net4moe.mixture.judges.material import Material, prepared
from net4moe.mixture.records import Aspect, Score
from net4moe.mixture.seeds import seed_of
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["Calls", "Reading", "judged", "name_of", "read_or_reason", "refuse_below", "sampled"]

_TOP = 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A score and what it rests on."""

    value: float
    reasons: tuple[str, ...]


class Calls:
    """The calls made for one text, and what they took.

    Attributes:
      model: who is asked.
      tokens_read: tokens read so far.
      tokens_written: tokens written so far.
      seconds: time taken so far, added up over parallel calls.
      price_usd: price so far, USD.
    """

    def __init__(self, model: ChatModel) -> None:
        self.model = model
        self.tokens_read = 0
        self.tokens_written = 0
        self.seconds = 0.0
        self.price_usd = 0.0

    async def reply(self, request: Request) -> Reply:
        """Make one call, with log-probabilities where the model gives them."""
        if isinstance(request, ChatRequest) and self.model.capabilities.logprobs:
            request = replace(request, top_logprobs=_TOP)
        reply = await self.model.reply(request)
        self.tokens_read += reply.prompt_tokens
        self.tokens_written += reply.completion_tokens
        self.seconds += reply.seconds
        self.price_usd += reply.price_usd
        return reply

    async def read(self, request: ChatRequest, read: Callable[[Reply], T], *, num_tries: int) -> T:
        """Ask until a reply can be read, each time with another seed.

        A further try samples at temperature 1; at 0 most models would only repeat themselves.

        Raises:
          ReplyError: no reply could be read; the reason is that of the last.
          ChatError: the model could not be reached or refused.
        """
        try:
            return read(await self.reply(request))
        except ReplyError:
            if num_tries <= 1:
                raise
        again = replace(request, temperature=1.0, seed=seed_of(request.seed, "again"))
        return await self.read(again, read, num_tries=num_tries - 1)

    def score(self, reading: Reading | str, *, judge: str, notes: Sequence[str] = ()) -> Score:
        """Make the score of the text from a reading, or from the reason why there is none."""
        scored = isinstance(reading, Reading)
        return Score(
            value=reading.value if scored else None,
            unscored_reason="" if scored else reading,
            judge=judge,
            price_usd=self.price_usd,
            reasons=(*(reading.reasons if scored else ()), *notes),
            tokens_read=self.tokens_read,
            tokens_written=self.tokens_written,
            seconds=self.seconds,
        )


async def read_or_reason(reading: Awaitable[T]) -> T | str:
    """Wait for what is read out of replies, or say why nothing could be.

    Raises:
      ChatError: the endpoint refused in a way that no waiting helps.
    """
    try:
        return await reading
    except ReplyError as error:
        return str(error)
    except ChatError as error:
        if not error.retryable:
            raise
        return str(error)


async def judged(
    texts: Sequence[str],
    read: Callable[[Calls, str], Awaitable[Reading]],
    *,
    judge: str,
    model: ChatModel,
    max_words: int,
) -> tuple[Score, ...]:
    """Score texts at the same time, each by calls of its own.

    Args:
      texts: what is judged.
      read: asks for one text and reads its score.
      judge: the judge's name.
      model: who is asked.
      max_words: words that are shown of each text.
    """

    async def one(material: Material) -> Score:
        calls = Calls(model)
        if material.refusal:
            return calls.score(material.refusal, judge=judge)
        reading = await read_or_reason(read(calls, material.text))
        return calls.score(reading, judge=judge, notes=material.notes)

    materials = prepared(texts, max_words=max_words)
    return tuple(await all_or_first_error([one(material) for material in materials]))


async def sampled(
    calls: Calls, request: ChatRequest, read: Callable[[Reply], T], *, num_samples: int, num_tries: int
) -> list[T]:
    """Ask several times at the same time, at temperature 1 and with different seeds; once as it is.

    Returns:
      What could be read, in the order of the seeds; at least one.

    Raises:
      ReplyError: nothing could be read; the reason is that of the last sample.
      ChatError: the model could not be reached or refused.
    """
    reasons: list[ReplyError] = []

    async def one(seed: int) -> list[T]:
        try:
            asked = request if num_samples == 1 else replace(request, temperature=1.0, seed=seed)
            return [await calls.read(asked, read, num_tries=num_tries)]
        except ReplyError as error:
            reasons.append(error)
            return []

    found = [
        value for part in await all_or_first_error([one(s) for s in range(num_samples)]) for value in part
    ]
    if not found:
        raise reasons[-1]
    return found


def name_of(kind: str, model: ChatModel, aspect: Aspect, *, num_samples: int = 1) -> str:
    """Name a judge by everything that changes its scores."""
    about = "" if aspect == "overall" else f" of {aspect}"
    mean = "" if num_samples == 1 else f", mean of {num_samples}"
    return f"{kind}{about}{mean}, {model.name}, wording {wording.VERSION}"


def refuse_below(least: int, **numbers: int) -> None:
    """Refuse a number that is too small.

    Raises:
      ValueError: one of them is.
    """
    for name, number in numbers.items():
        if number < least:
            msg = f"`{name}` must be at least {least}, got {number}."
            raise ValueError(msg)
