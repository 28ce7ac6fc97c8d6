"""One prompt through the live mixture: decompose, place, write, fuse; on time, with what has come.

Nothing that fails on the way loses the request. A gate that cannot split leaves the prompt whole; a passage
goes to another device; what has not come by the deadline is left out and named. The receipt tells all of it.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from net4moe.chat import ChatRequest, OnText
from net4moe.errors import (
    BudgetExceeded,
    ChatError,
    DeadlinePassed,
    DeviceError,
    Net4MoEError,
    NoDevice,
    ReplyError,
)
from net4moe.gateway import receipt_form
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.dispatched_model import spending
from net4moe.gateway.dispatch.dispatching import Dispatcher, attempts_of
from net4moe.gateway.fleet.roster import Roster
from net4moe.gateway.front.metrics import Metrics
from net4moe.gateway.placing import LivePlacement, Placed
from net4moe.gateway.receipts import ReceiptStore
from net4moe.gateway.records import Asked, Attempt, Candidate, Mixed, Spent, Written
from net4moe.gateway.team import Team, whole_prompt
from net4moe.gateway.unfolding import Unfolding
from net4moe.mixture import Gate, Judge, Passage, Prompt, Story, Subtask, count_words, score_one
from net4moe.mixture.expert import passage_text
from net4moe.mixture.sentences import whole_sentences
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["LiveMixture", "MixingConfig"]

_TOKENS_PER_WORD = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class MixingConfig:
    """How the time of a request is shared out.

    Attributes:
      gate_share: share of the deadline that splitting the prompt may take; then it is left whole.
      fuse_share: share that is kept for a gate that writes the fused text anew.
    """

    gate_share: float = 0.3
    fuse_share: float = 0.25

    def __post_init__(self) -> None:
        """Refuse shares that leave no time to write."""
        if not (self.gate_share > 0 and self.fuse_share > 0 and self.gate_share + self.fuse_share < 1):
            msg = (
                "`gate_share` and `fuse_share` must be above 0 and together below 1, "
                f"got {self.gate_share} and {self.fuse_share}."
            )
            raise ValueError(msg)


@dataclass(slots=True, kw_only=True)
class _Line:
    """What became of one subtask."""

    subtask: Subtask
    placed: Placed
    written: Written | None = None
    attempts: tuple[Attempt, ...] = ()
    text: str = ""
    failure: str = ""


@dataclass(slots=True, kw_only=True)
class _Course:
    """One request on its way: what the receipt is made of."""

    asked: Asked
    start_s: float
    budget: Budget
    created_unix_s: float
    lines: list[_Line]
    notes: list[str]
    spans: list[tuple[str, float, float]]
    story: Story | None = None
    refused: BudgetExceeded | None = None
    outcome: str = "done"

    def mark(self, name: str, start_s: float, end_s: float) -> None:
        self.spans.append((name, start_s - self.start_s, end_s - self.start_s))


class LiveMixture:
    """Answers prompts with the experts of a roster.

    Args:
      gate: splits and fuses; its model goes through the dispatcher too.
      roster: the devices.
      dispatcher: sends calls to them.
      placement: decides which expert on which device takes which subtask.
      receipts: where receipts go.
      judge: scores answers that ask for it; None for nobody.
      metrics: hears of attempts and of what was spent; None for nobody.
      config: how time is shared out.
      clock: the dispatcher's clock.
      wall_clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        roster: Roster,
        dispatcher: Dispatcher,
        placement: LivePlacement,
        receipts: ReceiptStore,
        judge: Judge | None = None,
        metrics: Metrics | None = None,
        config: MixingConfig | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._gate = gate
        self._roster = roster
        self._dispatcher = dispatcher
        self._placement = placement
        self._receipts = receipts
        self._judge = judge
        self._metrics = metrics
        self._config = config or MixingConfig()
        self._clock = clock
        self._wall_clock = wall_clock
        self._scoring: set[asyncio.Task[None]] = set()

    async def answer(self, asked: Asked, *, on_text: OnText | None = None) -> Mixed:
        """Answer one prompt; its text is told as far as it will stand.

        Raises:
          NoDevice: no device can write anything.
          DeadlinePassed: no passage came in time.
          BudgetExceeded: what it would take is more than it may spend.
          DeviceError, ChatError: no device could do it; the last one's reason.
        """
        course = self._begun(asked)
        course.outcome = "cancelled"
        try:
            with spending(course.budget):
                mixed = await self._answered(course, on_text or _nothing)
        except Net4MoEError as error:
            course.outcome = f"failed: {type(error).__name__}"
            raise
        else:
            failed = any(line.failure for line in course.lines)
            course.outcome = "degraded" if failed else "done"
            return mixed
        finally:
            self._file(course)

    async def explain(self, prompt: str) -> dict[str, Any]:
        """Split and place a prompt, and write nothing: what the receipt would begin with."""
        course = self._begun(Asked(id="explain", prompt=prompt))
        team = Team.of(self._roster)
        subtasks = await self._subtasks(course, team)
        placed = self._placement.place(subtasks, now_s=self._clock())
        course.lines = [_Line(subtask=s, placed=p) for s, p in zip(subtasks, placed, strict=True)]
        course.outcome = "planned"
        return {**self._receipt(course), "texts": [subtask.text for subtask in subtasks]}

    def _begun(self, asked: Asked) -> _Course:
        start_s = self._clock()
        return _Course(
            asked=asked,
            start_s=start_s,
            budget=Budget(asked.limits, start_s),
            created_unix_s=self._wall_clock(),
            lines=[],
            notes=[],
            spans=[],
        )

    async def close(self) -> None:
        """Wait for the scores that are still being made."""
        await asyncio.gather(*self._scoring, return_exceptions=True)

    async def _answered(self, course: _Course, on_text: OnText) -> Mixed:
        asked = course.asked
        team = Team.of(self._roster)
        subtasks = await self._subtasks(course, team)
        if asked.max_tokens is not None:
            most = max(1.0, asked.max_tokens / _TOKENS_PER_WORD / len(subtasks))
            subtasks = tuple(replace(subtask, words=min(subtask.words, most)) for subtask in subtasks)
        begin_s = self._clock()
        left_s = course.start_s + asked.limits.deadline_s - begin_s
        placed = self._placement.place(subtasks, now_s=begin_s, left_s=left_s)
        course.mark("place", begin_s, self._clock())
        course.lines = [_Line(subtask=s, placed=p) for s, p in zip(subtasks, placed, strict=True)]
        rewrites = self._gate.model.capabilities.structured and len(subtasks) > 1
        unfolding = Unfolding(len(subtasks), None if rewrites or on_text is _nothing else on_text)
        await self._written(course, team, unfolding, rewrites)
        lines = [line for line in course.lines if line.text]
        if not lines:
            raise self._why_nothing(course)
        course.story = await self._fused(course, lines, on_text, rewrites)
        written = [line.written for line in course.lines if line.written]
        attempts = [attempt for line in course.lines for attempt in line.attempts]
        completion = sum(attempt.completion_tokens for attempt in attempts)
        limited = asked.max_tokens is not None and any(one.finish_reason == "length" for one in written)
        cut = limited or any(line.failure and line.text for line in course.lines)
        return Mixed(
            text=course.story.text,
            finish_reason="length" if cut else "stop",
            prompt_tokens=max(0, course.budget.spent.tokens - completion),
            completion_tokens=completion,
            missing=tuple(line.subtask.text for line in course.lines if not line.text),
        )

    async def _subtasks(self, course: _Course, team: Team) -> tuple[Subtask, ...]:
        """Split the prompt; where the gate fails or takes too long, leave it whole."""
        prompt = Prompt(id=course.asked.id, text=course.asked.prompt)
        if not team.experts:
            msg = "no device with an expert has joined; start one with `net4moe device`."
            raise NoDevice(msg)
        begin_s = self._clock()
        try:
            async with asyncio.timeout(self._config.gate_share * course.asked.limits.deadline_s):
                return await self._gate.decompose(prompt, list(team.experts.values()))
        except TimeoutError:
            course.notes.append("the gate took too long to split the prompt; it was left whole.")
        except (ChatError, ReplyError, DeviceError, DeadlinePassed) as error:
            course.notes.append(
                f"the gate could not split the prompt ({type(error).__name__}); it was left whole."
            )
        finally:
            course.mark("decompose", begin_s, self._clock())
        return (whole_prompt(prompt, team.fields),)

    async def _written(self, course: _Course, team: Team, unfolding: Unfolding, rewrites: bool) -> None:
        """Have every passage written; keep what has come when the time is over."""
        limits = course.asked.limits
        kept = self._config.fuse_share if rewrites else 0.02
        end_s = course.start_s + (1.0 - kept) * limits.deadline_s
        plan = [line.placed.chosen for line in course.lines]
        reserved = course.budget.reserve(
            joules=sum(chosen.joules for chosen in plan),
            air_bytes=round(sum(chosen.load_bits for chosen in plan if not chosen.is_local) / 8),
        )
        try:
            await all_or_first_error(
                [self._passage(course, line, team, unfolding, end_s) for line in course.lines]
            )
        finally:
            course.budget.settle(reserved, _on_the_way(course.lines))

    async def _passage(
        self, course: _Course, line: _Line, team: Team, unfolding: Unfolding, end_s: float
    ) -> None:
        asked, subtask = course.asked, line.subtask
        prompt = Prompt(id=asked.id, text=asked.prompt)
        index = subtask.index
        begin_s = self._clock()

        def request_for(candidate: Candidate, begun: str) -> ChatRequest:
            request = team.experts[candidate.expert].request(
                prompt, subtask, seed=asked.seed, history=asked.history, begun=begun
            )
            return request if asked.temperature is None else replace(request, temperature=asked.temperature)

        try:
            line.written = await self._dispatcher.write(
                line.placed.candidates,
                request_for,
                deadline_s=end_s,
                budget=course.budget,
                on_text=lambda piece: unfolding.heard(index, piece),
            )
            line.attempts = line.written.attempts
            line.text = passage_text(line.written.text, line.written.finish_reason)
        except (ChatError, ReplyError, DeviceError, DeadlinePassed, BudgetExceeded) as error:
            line.failure = type(error).__name__
            course.refused = course.refused or (error if isinstance(error, BudgetExceeded) else None)
            line.attempts = attempts_of(error)
            begun = unfolding.so_far(index).strip()
            line.text = whole_sentences(begun) if begun else ""
            if line.text:
                course.notes.append(f"subtask {index + 1} was cut ({line.failure}).")
        finally:
            course.mark(f"write {index + 1}", begin_s, self._clock())
        unfolding.ended(index, line.text)

    async def _fused(self, course: _Course, lines: Sequence[_Line], on_text: OnText, rewrites: bool) -> Story:
        asked = course.asked
        prompt = Prompt(id=asked.id, text=asked.prompt)
        passages = [_passage_of(line) for line in lines]
        if not rewrites:
            return Story(text="\n\n".join(passage.text for passage in passages), fused_by="joined")
        begin_s = self._clock()
        left_s = course.start_s + asked.limits.deadline_s - begin_s
        try:
            async with asyncio.timeout(max(left_s, 0.0)):
                story = await self._gate.fuse(prompt, lines[0].subtask.kind, passages, seed=asked.seed)
        except (TimeoutError, ChatError, ReplyError, DeviceError, DeadlinePassed) as error:
            why = f"the gate could not fuse them ({type(error).__name__}); they stand in order."
            story = Story(text="\n\n".join(passage.text for passage in passages), fused_by="joined", note=why)
        course.mark("fuse", begin_s, self._clock())
        on_text(story.text)
        return story

    def _why_nothing(self, course: _Course) -> Net4MoEError:
        if course.refused is not None:
            return course.refused
        causes = ", ".join(dict.fromkeys(line.failure or "nothing was written" for line in course.lines))
        over_s = self._clock() - course.start_s
        if over_s >= 0.9 * course.asked.limits.deadline_s:
            return DeadlinePassed(
                f"no passage came within the {course.asked.limits.deadline_s:g} s of the request ({causes})."
            )
        return NoDevice(f"no device could write a passage ({causes}); see the receipt {course.asked.id}.")

    def _file(self, course: _Course) -> None:
        receipt = self._receipt(course)
        self._receipts.put(receipt)
        if self._metrics is not None:
            self._metrics.attempted(attempt for line in course.lines for attempt in line.attempts)
            self._metrics.spent("mixture", course.budget.spent)
        if course.asked.judged and self._judge is not None and course.story is not None:
            task = asyncio.ensure_future(self._score(course, receipt, self._judge))
            self._scoring.add(task)
            task.add_done_callback(self._scoring.discard)

    async def _score(self, course: _Course, receipt: dict[str, Any], judge: Judge) -> None:
        assert course.story is not None
        kind = course.lines[0].subtask.kind
        try:
            score = await score_one(judge, course.story.text, about=course.asked.prompt, kind=kind)
        except Net4MoEError as error:
            told = {"value": None, "judge": judge.name, "unscored_reason": type(error).__name__}
        else:
            told = {"value": score.value, "judge": score.judge, "unscored_reason": score.unscored_reason}
        self._receipts.put({**receipt, "score": told})

    def _receipt(self, course: _Course) -> dict[str, Any]:
        return receipt_form.receipt(
            course.asked,
            created_unix_s=course.created_unix_s,
            seconds=self._clock() - course.start_s,
            outcome=course.outcome,
            policy=self._placement.policy_name,
            lines=[
                receipt_form.line(
                    line.subtask, line.placed, line.written, line.attempts, line.text, line.failure
                )
                for line in course.lines
            ],
            notes=course.notes + ([course.story.note] if course.story and course.story.note else []),
            fused_by=course.story.fused_by if course.story else None,
            spans=course.spans,
            spent=course.budget.spent,
        )


def _nothing(text: str) -> None:
    """Take a text of which nobody wants to hear."""


def _on_the_way(lines: Sequence[_Line]) -> Spent:
    """Add up what went over the air and what it took, as far as it is known."""
    joules, air_bytes = 0.0, 0
    for line in lines:
        share = count_words(line.text) / max(line.placed.chosen.words, 1.0)
        joules += line.placed.chosen.joules * share
        air_bytes += 0 if line.placed.chosen.is_local else sum(one.bytes for one in line.attempts)
    return Spent(joules=joules, air_bytes=air_bytes)


def _passage_of(line: _Line) -> Passage:
    written = line.written
    return Passage(
        subtask_index=line.subtask.index,
        expert=written.candidate.expert if written else line.placed.chosen.candidate.expert,
        model=written.candidate.model if written else line.placed.chosen.candidate.model,
        text=line.text,
        words=count_words(line.text),
        prompt_tokens=written.prompt_tokens if written else 0,
        completion_tokens=written.completion_tokens if written else 0,
        seconds=written.seconds if written else 0.0,
        price_usd=written.price_usd if written else 0.0,
    )
