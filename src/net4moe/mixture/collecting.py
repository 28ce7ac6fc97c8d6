"""Collection: every expert writes every subtask of every prompt, then the judge scores each passage."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from net4moe.errors import ReplyError
from net4moe.mixture.answering import Mixture
from net4moe.mixture.expert import Expert
from net4moe.mixture.judge import Judge, score_one
from net4moe.mixture.phrases import kind_of
from net4moe.mixture.records import Passage, Prompt, Score, Subtask
from net4moe.mixture.waiting import all_or_first_error
from net4moe.table import ScoreRow, ScoreTable

__all__ = ["judged_again", "score_table"]

OnProgress = Callable[[int, int], None]
"""Called with the steps that are done and their number in all; writing and scoring a passage are two."""


async def score_table(
    mixture: Mixture,
    prompts: Sequence[Prompt],
    *,
    devices: dict[str, str] | None = None,
    seed: int = 0,
    rows_in_flight: int = 16,
    on_progress: OnProgress | None = None,
) -> ScoreTable:
    """Fill the score table.

    Everything is written before anything is scored: a model on this machine that did both at once would do
    neither well.

    Args:
      mixture: gate, experts and judge.
      prompts: what to write about, ids unique.
      devices: the device of each expert, by the expert's name; for the table only.
      seed: what makes the collection repeatable, where the models are.
      rows_in_flight: rows that are written or scored at the same time; endpoints have limits of their own.
      on_progress: told after each step.

    Returns:
      One row for each subtask and expert, in the order of prompts, subtasks and experts. A passage that an
      expert could not write stands in it empty and unscored.

    Raises:
      ValueError: two prompts have one id.
      ChatError: a model could not be reached or refused; what was answered stays in the ledger.
      DecompositionError: the gate could not split a prompt.
    """
    ids = [prompt.id for prompt in prompts]
    if len(set(ids)) < len(ids):
        msg = f"two prompts have the id '{next(name for name in ids if ids.count(name) > 1)}'; ids must be unique."
        raise ValueError(msg)
    experts = list(mixture.experts.values())
    decomposed = await all_or_first_error([mixture.gate.decompose(prompt, experts) for prompt in prompts])
    places = [
        (prompt, subtask, expert)
        for prompt, subtasks in zip(prompts, decomposed, strict=True)
        for subtask in subtasks
        for expert in experts
    ]
    tell = on_progress or _unwatched
    tell(0, 2 * len(places))
    in_flight = asyncio.Semaphore(rows_in_flight)
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        tell(done, 2 * len(places))

    async def write(prompt: Prompt, subtask: Subtask, expert: Expert) -> Passage | str:
        async with in_flight:
            passage = await _written(prompt, subtask, expert, seed)
        count()
        return passage

    async def score(subtask: Subtask, passage: Passage | str) -> Score:
        async with in_flight:
            found = await _scored(mixture, subtask, passage)
        count()
        return found

    passages = await all_or_first_error([write(*place) for place in places])
    scores = await all_or_first_error(
        [score(subtask, passage) for (_, subtask, _), passage in zip(places, passages, strict=True)]
    )
    hosts = devices or {}
    return ScoreTable(
        rows=tuple(
            _row(*place, passage, score, hosts.get(place[2].name, ""))
            for place, passage, score in zip(places, passages, scores, strict=True)
        )
    )


async def judged_again(
    table: ScoreTable, judge: Judge, *, rows_in_flight: int = 16, on_progress: OnProgress | None = None
) -> ScoreTable:
    """Have another judge score the passages of a table.

    Args:
      table: passages with their texts.
      judge: who scores them now.
      rows_in_flight: rows that are scored at the same time.
      on_progress: told after each row.

    Returns:
      The same rows with the scores of this judge; a row without a text stays unscored.

    Raises:
      ChatError: the judge's model could not be reached or refused.
    """
    tell = on_progress or _unwatched
    tell(0, len(table.rows))
    in_flight = asyncio.Semaphore(rows_in_flight)
    done = 0

    async def again(row: ScoreRow) -> ScoreRow:
        nonlocal done
        async with in_flight:
            score = await score_one(judge, row.text, about=row.subtask, kind=kind_of(row.prompt))
        done += 1
        tell(done, len(table.rows))
        return replace(
            row, explicit_score=score.value, unscored_reason=score.unscored_reason, judge=score.judge
        )

    return ScoreTable(rows=tuple(await all_or_first_error([again(row) for row in table.rows])))


def _unwatched(num_done: int, num_passages: int) -> None:
    """Take the progress that nobody watches."""


async def _written(prompt: Prompt, subtask: Subtask, expert: Expert, seed: int) -> Passage | str:
    """Have an expert write, or say why it wrote nothing."""
    try:
        return await expert.write(prompt, subtask, seed=seed)
    except ReplyError as error:
        return str(error)


async def _scored(mixture: Mixture, subtask: Subtask, passage: Passage | str) -> Score:
    if isinstance(passage, str):
        return Score(value=None, unscored_reason=passage, judge=mixture.judge.name)
    return await score_one(mixture.judge, passage.text, about=subtask.text, kind=subtask.kind)


def _nothing(subtask: Subtask, expert: Expert) -> Passage:
    return Passage(
        subtask_index=subtask.index,
        expert=expert.name,
        model=expert.model.name,
        text="",
        words=0,
        prompt_tokens=0,
        completion_tokens=0,
        seconds=0.0,
        price_usd=0.0,
    )


def _row(
    prompt: Prompt, subtask: Subtask, expert: Expert, written: Passage | str, score: Score, device: str
) -> ScoreRow:
    passage = _nothing(subtask, expert) if isinstance(written, str) else written
    assessment = expert.assess(subtask)
    return ScoreRow(
        prompt_id=prompt.id,
        prompt=prompt.text,
        subtask_index=subtask.index,
        subtask=subtask.text,
        field=subtask.field,
        expert=expert.name,
        expert_field=expert.field,
        device=device,
        model=passage.model,
        relevance=assessment.relevance,
        expected_words=assessment.expected_words,
        units=assessment.units,
        text=passage.text,
        explicit_score=score.value,
        unscored_reason=score.unscored_reason,
        judge=score.judge,
        words=passage.words,
        prompt_tokens=passage.prompt_tokens,
        completion_tokens=passage.completion_tokens,
        seconds=passage.seconds,
        price_usd=passage.price_usd,
    )
