"""The ways to answer a prompt that the study of quality holds against each other, and what each takes.

Everything is written before anything is scored, and a text that two arms share is written, fused and scored once,
so that it is the same to the byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from net4moe.chat import ChatModel, OnText, Reply, Request
from net4moe.mixture import (
    Gate,
    Judge,
    Passage,
    Prompt,
    Score,
    Subtask,
    count_words,
)
from net4moe.mixture.fusion import joined
from net4moe.mixture.gate import unsplit
from net4moe.mixture.records import Kind
from net4moe.mixture.seeds import seed_of
from net4moe.mixture.waiting import all_or_first_error
from net4moe.study.quality.records import Draw
from net4moe.study.quality.team import OURS, UPPER, Team

__all__ = ["drawn"]

_PLACED = ("random", "strongest", OURS, "free")
_LEAST_WORDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bill:
    """What something took."""

    calls: int = 0
    tokens: int = 0
    joules: float = 0.0
    air_s: float = 0.0
    cost: float = 0.0
    seconds: float = 0.0

    def __add__(self, other: _Bill) -> _Bill:
        return _Bill(
            calls=self.calls + other.calls,
            tokens=self.tokens + other.tokens,
            joules=self.joules + other.joules,
            air_s=self.air_s + other.air_s,
            cost=self.cost + other.cost,
            seconds=self.seconds + other.seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A text of an arm before it is scored."""

    arm: str
    number: int
    text: str
    bill: _Bill


async def drawn(
    team: Team,
    prompts: Sequence[Prompt],
    *,
    num_local: int = 4,
    seed: int = 0,
    in_flight: int = 8,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[Draw, ...]:
    """Have every arm answer every prompt, and score all texts.

    Args:
      team: who takes part.
      prompts: what is asked, ids unique.
      num_local: texts of the user's own device, at least 1.
      seed: what makes it repeatable, where the models are.
      in_flight: prompts that are written or scored at the same time, at least 1.
      on_progress: told the steps done and their number: a step is a prompt that is written or scored.

    Returns:
      All draws, prompt by prompt; the upper bound of each prompt last.

    Raises:
      ChatError: a model could not be reached or refused.
      ReplyError: a model answered, but not what was asked.
      NoDevice: a subtask fits nowhere.
    """
    for name, number in (("num_local", num_local), ("in_flight", in_flight)):
        if number < 1:
            msg = f"`{name}` must be at least 1, got {number}."
            raise ValueError(msg)
    places = asyncio.Semaphore(in_flight)
    tell = on_progress or _unwatched
    done = 0
    tell(0, 2 * len(prompts))

    def count() -> None:
        nonlocal done
        done += 1
        tell(done, 2 * len(prompts))

    async def write(writer: _Writer) -> tuple[_Text, ...]:
        async with places:
            texts = await writer.texts(num_local)
        count()
        return texts

    async def score(writer: _Writer, texts: Sequence[_Text]) -> tuple[Draw, ...]:
        async with places:
            draws = await _scored(team, writer.prompt, writer.kind, texts)
        count()
        return draws

    writers = [_Writer(team, prompt, seed) for prompt in prompts]
    written = await all_or_first_error([write(writer) for writer in writers])
    found = await all_or_first_error(
        [score(writer, texts) for writer, texts in zip(writers, written, strict=True)]
    )
    return tuple(draw for draws in found for draw in draws)


class _Writer:
    """Writes all texts for one prompt, a shared one once."""

    def __init__(self, team: Team, prompt: Prompt, seed: int) -> None:
        self._team = team
        self.prompt = prompt
        self._seed = seed
        self._subtasks: tuple[Subtask, ...] = ()
        self._split = _Bill()
        self._passages: dict[tuple[str, str], asyncio.Task[Passage]] = {}
        self._stories: dict[tuple[str, ...], asyncio.Task[tuple[str, _Bill]]] = {}

    @property
    def kind(self) -> Kind:
        """What the gate took the prompt for."""
        return self._subtasks[0].kind

    async def texts(self, num_local: int) -> tuple[_Text, ...]:
        """Write them all."""
        try:
            gate, bill = self._counted()
            self._subtasks = await gate.decompose(self.prompt, list(self._team.experts.values()))
            self._split = bill()
            local = await all_or_first_error([self._local(number) for number in range(num_local)])
            placed = [text for arm in _PLACED for text in await self._placed(arm, self._subtasks)]
            placed += await self._placed("whole", (unsplit(self.prompt, self._subtasks),))
            others = await all_or_first_error([self._alone(), self._panel()])
            return (replace(local[0], arm="local"), *local, *placed, *others)
        finally:
            for task in (*self._passages.values(), *self._stories.values()):
                task.cancel()

    async def _local(self, number: int) -> _Text:
        """Write on the user's own device, with what it can do for one subtask."""
        team = self._team
        expert = team.experts[team.local]
        words = team.local_units / (expert.units_per_word * expert.verbosity)
        most = sum(subtask.words for subtask in self._subtasks)
        passage = await expert.write(
            self.prompt, self._whole(min(words, most)), seed=seed_of(self._seed, "local", number)
        )
        return _Text(arm="local_n", number=number, text=passage.text, bill=self._sent(passage))

    async def _alone(self) -> _Text:
        """Let the best expert write everything."""
        words = sum(subtask.words for subtask in self._subtasks)
        expert = self._team.experts[self._team.best]
        passage = await expert.write(self.prompt, self._whole(words), seed=self._seed)
        return _Text(arm="alone", number=0, text=passage.text, bill=self._sent(passage))

    async def _panel(self) -> _Text:
        """Let every expert write on the whole prompt, each its share of the words, and fuse."""
        team = self._team
        words = sum(subtask.words for subtask in self._subtasks) / len(team.experts)
        whole = self._whole(max(words, _LEAST_WORDS))
        passages = await all_or_first_error(
            [expert.write(self.prompt, whole, seed=self._seed) for expert in team.experts.values()]
        )
        bill = sum((self._sent(passage) for passage in passages), start=_Bill())
        story, fusing = await self._fused(passages)
        return _Text(arm="panel", number=0, text=story, bill=bill + fusing)

    async def _placed(self, arm: str, subtasks: Sequence[Subtask]) -> tuple[_Text, ...]:
        """Place the subtasks, have them written, fuse them; ours also the other way."""
        team = self._team
        placement = team.placements[arm](seed_of(self._seed, self.prompt.text, "links"))
        experts = list(team.experts.values())
        assessments = [[expert.assess(subtask) for expert in experts] for subtask in subtasks]
        decisions = placement.place(subtasks, assessments)
        passages = await all_or_first_error(
            [
                self._passage(decision.expert, subtask)
                for subtask, decision in zip(subtasks, decisions, strict=True)
            ]
        )
        bill = self._split
        for decision, passage in zip(decisions, passages, strict=True):
            costs = placement.settle(decision, passage.words)
            air_s = 0.0 if decision.is_local else costs.transfer_s
            bill += self._written(passage) + _Bill(
                air_s=air_s,
                joules=air_s * team.energy[decision.expert].radio_w,
                cost=costs.compute_cost + costs.transfer_cost,
            )
        story, fusing = await self._fused(passages)
        text = _Text(arm=arm, number=0, text=story, bill=bill + fusing)
        if arm != OURS:
            return (text,)
        other, fusing = await self._fused_otherwise(passages)
        return (text, _Text(arm="fused", number=0, text=other, bill=bill + fusing))

    async def _passage(self, name: str, subtask: Subtask) -> Passage:
        """Have a subtask written, once for all arms that give it to this expert."""
        key = (name, subtask.text)
        if key not in self._passages:
            work = self._team.experts[name].write(self.prompt, subtask, seed=self._seed)
            self._passages[key] = asyncio.ensure_future(work)
        return await self._passages[key]

    async def _fused(self, passages: Sequence[Passage]) -> tuple[str, _Bill]:
        """Fuse passages, once for all arms that have the same."""
        key = tuple(passage.text for passage in passages)
        if key not in self._stories:
            self._stories[key] = asyncio.ensure_future(self._fusing(passages))
        return await self._stories[key]

    async def _fused_otherwise(self, passages: Sequence[Passage]) -> tuple[str, _Bill]:
        """Join what a capable gate fused; link what a small one joined."""
        if self._team.gate.model.capabilities.structured:
            return joined([passage.text for passage in passages]), _Bill()
        return await self._fusing(passages, links=True)

    async def _fusing(self, passages: Sequence[Passage], *, links: bool = False) -> tuple[str, _Bill]:
        gate, bill = self._counted()
        gate = replace(gate, links=links or gate.links)
        story = await gate.fuse(self.prompt, self._subtasks[0].kind, passages, seed=self._seed)
        return story.text, bill()

    def _counted(self) -> tuple[Gate, Callable[[], _Bill]]:
        """Make a gate whose calls are counted, and what tells them."""
        team = self._team
        counting = _Counting(team.gate.model)

        def bill() -> _Bill:
            return _Bill(
                calls=counting.calls,
                tokens=counting.tokens,
                joules=counting.tokens_written / team.energy[team.local].tokens_per_j,
                seconds=counting.seconds,
            )

        return replace(team.gate, model=counting), bill

    def _whole(self, words: float) -> Subtask:
        """Make the whole prompt one subtask."""
        return replace(self._subtasks[0], index=0, text=self.prompt.text, words=words)

    def _written(self, passage: Passage) -> _Bill:
        return _Bill(
            calls=1,
            tokens=passage.prompt_tokens + passage.completion_tokens,
            joules=passage.completion_tokens / self._team.energy[passage.expert].tokens_per_j,
            seconds=passage.seconds,
        )

    def _sent(self, passage: Passage) -> _Bill:
        """Add to what writing takes what it costs to bring a passage over its expert's own link."""
        team = self._team
        placement = team.placements[f"expert {passage.expert}"](
            seed_of(self._seed, self.prompt.text, "links")
        )
        subtask = self._whole(1.0)  # one word fits on every device; what was written is settled below
        (placed,) = placement.place(
            (subtask,), [[expert.assess(subtask) for expert in team.experts.values()]]
        )
        costs = placement.settle(placed, passage.words)
        air_s = 0.0 if placed.is_local else costs.transfer_s
        return self._written(passage) + _Bill(
            air_s=air_s,
            joules=air_s * team.energy[passage.expert].radio_w,
            cost=costs.compute_cost + costs.transfer_cost,
        )


class _Counting(ChatModel):
    """A model that adds up what its calls took."""

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        self.capabilities = model.capabilities
        self.price = model.price
        self.calls = 0
        self.tokens = 0
        self.tokens_written = 0
        self.seconds = 0.0
        self._model = model

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Pass the request on."""
        reply = await self._model.reply(request, on_text=on_text)
        self.calls += 1
        self.tokens += reply.prompt_tokens + reply.completion_tokens
        self.tokens_written += reply.completion_tokens
        self.seconds += reply.seconds
        return reply


async def _scored(team: Team, prompt: Prompt, kind: Kind, texts: Sequence[_Text]) -> tuple[Draw, ...]:
    """Score each different text once, and add the best of all as the upper bound."""
    different = tuple(dict.fromkeys(text.text for text in texts))
    scores = await _by_text(team.judge, different, prompt, kind)
    held_out = {} if team.held_out is None else await _by_text(team.held_out, different, prompt, kind)
    draws = [
        Draw(
            prompt_id=prompt.id,
            arm=text.arm,
            number=text.number,
            text=text.text,
            words=count_words(text.text),
            value=scores[text.text].value,
            unscored_reason=scores[text.text].unscored_reason,
            held_out=held_out[text.text].value if held_out else None,
            calls=text.bill.calls,
            tokens=text.bill.tokens,
            joules=text.bill.joules,
            air_s=text.bill.air_s,
            cost=text.bill.cost,
            seconds=text.bill.seconds,
        )
        for text in texts
    ]
    best = max(draws, key=lambda draw: (-1.0 if draw.value is None else draw.value, -draw.cost))
    return (*draws, replace(best, arm=UPPER, number=0))


async def _by_text(judge: Judge, texts: Sequence[str], prompt: Prompt, kind: Kind) -> dict[str, Score]:
    scores = await judge.score(texts, about=prompt.text, kind=kind)
    return dict(zip(texts, scores, strict=True))


def _unwatched(num_done: int, num_steps: int) -> None:
    """Take the progress that nobody watches."""
