"""The gate: it decomposes a prompt, assesses what the subtasks need, and fuses the passages.

Two ways, one interface, chosen by what the model can do. A capable model is asked for JSON under a schema.
A tiny one is never asked: the prompt is cut into phrases, and what each phrase needs is read from the
model's next-token probabilities after a few examples, so nothing that a prompt says can instruct it.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from net4moe.chat import ChatModel, ChatRequest, OnText, Reply, TextRequest
from net4moe.errors import DecompositionError
from net4moe.mixture import phrases, readings, wording
from net4moe.mixture.expert import EXPLANATION, GENERAL, Expert
from net4moe.mixture.fusion import joined, repeats, what_is_missing
from net4moe.mixture.records import Kind, Passage, Prompt, Story, Subtask, count_words
from net4moe.mixture.seeds import seed_of
from net4moe.mixture.sentences import first_sentence

__all__ = ["Gate", "unsplit"]

_WORDS_PER_LENGTH = 15.0
_LEAST_WORDS, _MOST_WORDS = 15.0, 120.0
_TOP = 60
_LINK_TOKENS = 40


Form = TypeVar("Form", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(allow_inf_nan=False)


class _Split(_Strict):
    kind: Kind = "story"
    subtasks: list[Annotated[str, Field(min_length=1, max_length=2_000)]] = Field(min_length=1)


class _Need(_Strict):
    words: Annotated[float, Field(gt=0, le=10_000)]
    relevance: dict[str, Annotated[float, Field(ge=0, le=100)]]


class _Needs(_Strict):
    assessments: list[_Need]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The gating network, played by a language model.

    Attributes:
      model: the language model behind it.
      max_subtasks: subtasks that a prompt is split into at most.
      links: whether a small model writes a sentence between passages; it adds calls and nothing to the score
        (docs/judges.md), so passages are joined where nothing is said.
      splits: `always`, or `auto`: a capable model splits as it sees fit, a small one leaves prompts whole for one
        expert, whose text is better than joined passages (docs/judges.md).
    """

    model: ChatModel
    max_subtasks: int = field(default=3)
    links: bool = False
    splits: Literal["always", "auto"] = "always"

    def __post_init__(self) -> None:
        """Refuse a gate that could not split or route."""
        if self.max_subtasks < 1:
            msg = f"`max_subtasks` must be at least 1, got {self.max_subtasks}."
            raise ValueError(msg)
        abilities = self.model.capabilities
        if not abilities.structured and not (abilities.logprobs and abilities.continues_text):
            msg = (
                f"model '{self.model.name}' cannot be the gate: it must follow a JSON schema (`structured`) "
                "or continue text with log-probabilities (`continues_text`, `logprobs`)."
            )
            raise ValueError(msg)

    async def decompose(self, prompt: Prompt, experts: Sequence[Expert]) -> tuple[Subtask, ...]:
        """Split a prompt into subtasks and assess them: words needed, and relevance for each field.

        Args:
          prompt: what the user asked.
          experts: the candidates; their fields are what subtasks are routed to.

        Returns:
          From 1 to `max_subtasks` subtasks, in the order the finished text needs them.

        Raises:
          DecompositionError: the model's reply cannot be used, twice.
          ChatError: the model could not be reached or refused.
        """
        if self.model.capabilities.structured:
            return await self._asked(prompt, _fields(experts))
        subtasks = await self._read(prompt, experts)
        return (unsplit(prompt, subtasks),) if self.splits == "auto" else subtasks

    async def fuse(
        self,
        prompt: Prompt,
        kind: Kind,
        passages: Sequence[Passage],
        *,
        seed: int,
        on_text: OnText | None = None,
    ) -> Story:
        """Fuse passages into one text, in their order, nothing dropped.

        A capable model writes; its text is taken only where every passage is found in it, in order. Otherwise
        the passages stand one after the other as they are, and the story says so. So they do with a tiny model,
        unless it is to write the sentences between them.
        """
        texts = [passage.text for passage in passages]
        if len(texts) == 1:
            return Story(text=texts[0], fused_by="joined", note="one passage is the whole text.")
        if self.model.capabilities.structured or not self.model.capabilities.continues_reply:
            return await self._fused(prompt, kind, texts, seed, on_text)
        if self.links:
            return await self._linked(prompt, kind, texts, seed, on_text)
        story = Story(text=joined(texts), fused_by="joined", note="the model is too small to fuse them.")
        (on_text or _nothing)(story.text)
        return story

    async def _fused(
        self, prompt: Prompt, kind: Kind, texts: Sequence[str], seed: int, on_text: OnText | None
    ) -> Story:
        num_tokens = round(2.2 * sum(count_words(text) for text in texts)) + 64
        request = wording.fuse(
            prompt.text, kind, texts, max_tokens=num_tokens, seed=seed_of(seed, prompt.text, "fuse")
        )
        reply = await self.model.reply(request, on_text=on_text)
        missing = what_is_missing(reply.text, texts)
        if not missing and reply.finish_reason != "length":
            return Story(text=reply.text.strip(), fused_by="model", price_usd=reply.price_usd)
        why = "the fused text did not come to its end" if not missing else f"the fused text {missing}"
        return Story(
            text=joined(texts),
            fused_by="joined",
            note=f"{why}; the passages stand in order as they were written.",
            price_usd=reply.price_usd,
        )

    async def _linked(
        self, prompt: Prompt, kind: Kind, texts: Sequence[str], seed: int, on_text: OnText | None
    ) -> Story:
        """Have the model write one sentence after each passage that leads to the next.

        A model of this size drops passages when it writes the whole (docs/embedded.md), so it only ever
        continues a text that holds them.
        """
        tell = on_text or _nothing
        begun = texts[0].strip()
        tell(begun)
        price_usd = 0.0
        for index, text in enumerate(texts[1:]):
            request = wording.fuse(
                prompt.text,
                kind,
                texts,
                max_tokens=_LINK_TOKENS,
                seed=seed_of(seed, prompt.text, "link", index),
                begun=begun,
            )
            reply = await self.model.reply(request)
            price_usd += reply.price_usd
            link = first_sentence(reply.text)
            link = "" if repeats(link, texts) else link
            following = f"{' ' if link else ''}{link}\n\n{text.strip()}"
            tell(following)
            begun += following
        return Story(text=begun, fused_by="linked", price_usd=price_usd)

    async def _asked(self, prompt: Prompt, fields: Sequence[str]) -> tuple[Subtask, ...]:
        split, split_usd = await self._structured(
            wording.decompose(prompt.text, max_subtasks=self.max_subtasks), _Split, self._right_number
        )
        texts = [text.strip() for text in split.subtasks]
        needs, needs_usd = await self._structured(
            wording.assess(prompt.text, texts, fields),
            _Needs,
            lambda needs: _why_not_assessed(needs, len(texts), fields),
        )
        price_usd = (split_usd + needs_usd) / len(texts)
        return tuple(
            _subtask(
                index, text, split.kind, [need.relevance[f] for f in fields], need.words, fields, price_usd
            )
            for index, (text, need) in enumerate(zip(texts, needs.assessments, strict=True))
        )

    def _right_number(self, split: _Split) -> str:
        if len(split.subtasks) > self.max_subtasks:
            return f"{len(split.subtasks)} subtasks, at most {self.max_subtasks} were asked for"
        if not all(text.strip() for text in split.subtasks):
            return "an empty subtask"
        return ""

    async def _structured(
        self, request: ChatRequest, form: type[Form], why_not: Callable[[Form], str]
    ) -> tuple[Form, float]:
        reason = ""
        price_usd = 0.0
        for attempt in (request, replace(request, seed=request.seed + 1)):
            reply = await self.model.reply(attempt)
            price_usd += reply.price_usd
            try:
                value = form.model_validate_json(_json_part(reply.text))
            except ValidationError as error:
                first = error.errors(include_url=False)[0]
                place = ".".join(str(part) for part in first["loc"]) or "the reply"
                reason = f"{place}: {first['msg']}; it said {reply.text.strip()[:80]!r}"
                continue
            reason = why_not(value)
            if not reason:
                return value, price_usd
        msg = f"the gate (model '{self.model.name}') gave no usable subtasks, twice: {reason}."
        raise DecompositionError(msg)

    async def _read(self, prompt: Prompt, experts: Sequence[Expert]) -> tuple[Subtask, ...]:
        kind = phrases.kind_of(prompt.text)
        texts = phrases.cut(prompt.text, max_subtasks=self.max_subtasks)
        fields = _fields(experts)
        examples = {
            field: tuple(text for expert in experts if expert.field == field for text in expert.examples)
            for field in fields
        }
        chances, lengths = await asyncio.gather(
            self._tops([wording.field_of_phrase(text, fields, examples) for text in texts]),
            self._tops([wording.length_of_phrase(text) for text in texts]),
        )
        price_usd = sum(reply.price_usd for reply in (*chances, *lengths)) / len(texts)
        subtasks: list[Subtask] = []
        for index, text in enumerate(texts):
            weights = readings.label_chances(chances[index].top[0], fields)
            length = readings.digit_expectation(lengths[index].top[0]) or 3.0
            words = min(_MOST_WORDS, max(_LEAST_WORDS, _WORDS_PER_LENGTH * length))
            relevance = _of_kind(kind, fields, weights)
            subtasks.append(_subtask(index, text, kind, relevance, words, fields, price_usd))
        return tuple(subtasks)

    async def _tops(self, texts: Sequence[str]) -> list[Reply]:
        """Ask one after the other: the texts begin alike, and a server that keeps what it read reads it once."""
        return [await self._top(text) for text in texts]

    async def _top(self, text: str) -> Reply:
        reply = await self.model.reply(TextRequest(text=text, top_logprobs=_TOP))
        if not reply.top or not reply.top[0]:
            msg = f"the gate (model '{self.model.name}') gave no log-probabilities, which it reads subtasks from."
            raise DecompositionError(msg)
        return reply


def unsplit(prompt: Prompt, subtasks: Sequence[Subtask]) -> Subtask:
    """Make one subtask of all: its words are theirs together, its relevance their mean by words."""
    words = sum(subtask.words for subtask in subtasks)
    by_field = [dict(subtask.relevance) for subtask in subtasks]
    relevance = tuple(
        (
            name,
            sum(one[name] * subtask.words for one, subtask in zip(by_field, subtasks, strict=True)) / words,
        )
        for name in by_field[0]
    )
    (text,) = phrases.cut(prompt.text, max_subtasks=1)
    return replace(
        subtasks[0],
        text=text,
        field=max(relevance, key=lambda pair: pair[1])[0],
        relevance=relevance,
        words=min(words, _MOST_WORDS),
        price_usd=sum(subtask.price_usd for subtask in subtasks),
    )


def _nothing(text: str) -> None:
    """Take a text of which nobody wants to hear."""


def _of_kind(kind: Kind, fields: Sequence[str], weights: Sequence[float]) -> list[float]:
    """Take in what the prompt asks for: half of an explanation goes to its own field, nothing of a story."""
    if EXPLANATION not in fields or len(fields) == 1:
        return list(weights)
    own = sum(weights) if kind == "explanation" else 0.0
    return [own if f == EXPLANATION else weight for f, weight in zip(fields, weights, strict=True)]


def _fields(experts: Sequence[Expert]) -> tuple[str, ...]:
    """List what subtasks can be routed to: every field but the generalists' (or theirs, where alone)."""
    fields = dict.fromkeys(expert.field for expert in experts)
    return tuple(field for field in fields if field != GENERAL) or tuple(fields)


def _subtask(
    index: int,
    text: str,
    kind: Kind,
    weights: Sequence[float],
    words: float,
    fields: Sequence[str],
    price_usd: float,
) -> Subtask:
    total = sum(weights)
    shares = [weight / total if total > 0 else 1 / len(fields) for weight in weights]
    best = max(range(len(fields)), key=shares.__getitem__)
    return Subtask(
        index=index,
        text=text,
        kind=kind,
        field=fields[best],
        relevance=tuple(zip(fields, shares, strict=True)),
        words=words,
        price_usd=price_usd,
    )


def _why_not_assessed(needs: _Needs, num_subtasks: int, fields: Sequence[str]) -> str:
    if len(needs.assessments) != num_subtasks:
        return f"{len(needs.assessments)} assessments for {num_subtasks} subtasks"
    lacking = [f for need in needs.assessments for f in fields if f not in need.relevance]
    return f"no relevance for the field '{lacking[0]}'" if lacking else ""


def _json_part(text: str) -> str:
    """Take the JSON object out of a reply that wraps it in words or a fence."""
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text
