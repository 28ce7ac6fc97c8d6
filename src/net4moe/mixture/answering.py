"""One prompt through the mixture: decompose, assess, place, write, fuse, score."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from net4moe.errors import ConfigError
from net4moe.mixture import wording
from net4moe.mixture.expert import Expert
from net4moe.mixture.gate import Gate
from net4moe.mixture.judge import Judge, score_one
from net4moe.mixture.placement import MostRelevant, Placement
from net4moe.mixture.records import (
    Answer,
    Decision,
    Passage,
    Prompt,
    Receipt,
    ReceiptLine,
    Score,
    Span,
    Story,
    Subtask,
)
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["Event", "Mixture", "TextArrived"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextArrived:
    """A piece of text as a model writes it; `subtask_index` is None for the story."""

    subtask_index: int | None
    text: str


Event = tuple[Subtask, ...] | tuple[Decision, ...] | TextArrived | Passage | Story | Score
"""What a watcher of `answer` is told, in the order in which it happens."""


class Mixture:
    """A gate, its experts, a judge, and what decides where subtasks go.

    Args:
      gate: splits and fuses.
      experts: the writers, at least one, names unique.
      judge: scores the story.
      placement: decides who takes which subtask; by relevance alone where none is given.
    """

    def __init__(
        self, *, gate: Gate, experts: Sequence[Expert], judge: Judge, placement: Placement | None = None
    ) -> None:
        if not experts:
            msg = "a mixture needs at least one expert, got none."
            raise ConfigError(msg)
        self.gate = gate
        self.experts = {expert.name: expert for expert in experts}
        if len(self.experts) < len(experts):
            names = [expert.name for expert in experts]
            twice = next(name for name in names if names.count(name) > 1)
            msg = f"two experts have the name '{twice}'; names must be unique."
            raise ConfigError(msg)
        self.judge = judge
        self.placement = placement or MostRelevant()

    async def answer(
        self, prompt: Prompt, *, seed: int = 0, watch: Callable[[Event], None] | None = None
    ) -> Answer:
        """Answer one prompt.

        Args:
          prompt: what the user asked.
          seed: what makes the answer repeatable, where the models are.
          watch: told of everything as it happens.

        Raises:
          ChatError: a model could not be reached or refused.
          ReplyError: a model answered, but not what was asked.
          NoDevice: nobody can take a subtask.
        """
        tell = watch or _unwatched
        clock = _Timeline()
        async with clock.span("decompose"):
            subtasks = await self.gate.decompose(prompt, list(self.experts.values()))
        tell(subtasks)
        assessments = [[expert.assess(subtask) for expert in self.experts.values()] for subtask in subtasks]
        async with clock.span("place"):
            decisions = self.placement.place(subtasks, assessments)
        tell(decisions)

        async def write(subtask: Subtask, decision: Decision) -> Passage:
            async with clock.span(f"write {subtask.index + 1}"):
                passage = await self.experts[decision.expert].write(
                    prompt,
                    subtask,
                    seed=seed,
                    on_text=lambda text: tell(TextArrived(subtask_index=subtask.index, text=text)),
                )
            tell(passage)
            return passage

        passages = tuple(
            await all_or_first_error(
                [write(subtask, decision) for subtask, decision in zip(subtasks, decisions, strict=True)]
            )
        )
        async with clock.span("fuse"):
            story = await self.gate.fuse(
                prompt,
                subtasks[0].kind,
                passages,
                seed=seed,
                on_text=lambda text: tell(TextArrived(subtask_index=None, text=text)),
            )
        tell(story)
        async with clock.span("score"):
            score = await score_one(self.judge, story.text, about=prompt.text, kind=subtasks[0].kind)
        tell(score)
        return Answer(
            prompt=prompt,
            subtasks=subtasks,
            passages=passages,
            story=story,
            score=score,
            receipt=self._receipt(subtasks, decisions, passages, story, score, clock, seed),
        )

    def _receipt(
        self,
        subtasks: Sequence[Subtask],
        decisions: Sequence[Decision],
        passages: Sequence[Passage],
        story: Story,
        score: Score,
        clock: "_Timeline",
        seed: int,
    ) -> Receipt:
        lines = tuple(
            ReceiptLine(
                subtask_index=subtask.index,
                expert=decision.expert,
                device=decision.device,
                is_local=decision.is_local,
                snr_db=decision.snr_db,
                reason=decision.reason,
                expected_words=self.experts[decision.expert].assess(subtask).expected_words,
                words=passage.words,
                write_s=passage.seconds,
                expected=decision.expected,
                actual=self.placement.settle(decision, passage.words),
                price_usd=passage.price_usd,
            )
            for subtask, decision, passage in zip(subtasks, decisions, passages, strict=True)
        )
        return Receipt(
            lines=lines,
            timeline=tuple(clock.spans),
            seconds=clock.seconds,
            price_usd=sum(part.price_usd for part in (*subtasks, *passages, story, score)),
            wording=wording.VERSION,
            seed=seed,
        )


def _unwatched(event: Event) -> None:
    """Take what nobody watches."""


class _Timeline:
    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._start_s = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self._start_s

    @asynccontextmanager
    async def span(self, name: str) -> AsyncGenerator[None]:
        start_s = self.seconds
        yield
        self.spans.append(Span(name=name, start_s=start_s, end_s=self.seconds))
