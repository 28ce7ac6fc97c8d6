"""Collection: every expert writes every subtask of every prompt, and the judge scores each passage."""

import asyncio
from collections.abc import Callable, Sequence

from net4moe.errors import ReplyError
from net4moe.mixture.answering import Mixture
from net4moe.mixture.expert import Expert
from net4moe.mixture.records import Passage, Prompt, Score, Subtask
from net4moe.mixture.waiting import all_or_first_error
from net4moe.table import ScoreRow, ScoreTable

__all__ = ["score_table"]

OnProgress = Callable[[int, int], None]
"""Called with the passages that are written and scored, and their number in all."""


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

    Args:
      mixture: gate, experts and judge.
      prompts: what to write about, ids unique.
      devices: the device of each expert, by the expert's name; for the table only.
      seed: what makes the collection repeatable, where the models are.
      rows_in_flight: rows that are written or scored at the same time; endpoints have limits of their own.
      on_progress: told after each row.

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
    tell(0, len(places))
    in_flight = asyncio.Semaphore(rows_in_flight)
    done = 0

    async def row(prompt: Prompt, subtask: Subtask, expert: Expert) -> ScoreRow:
        nonlocal done
        async with in_flight:
            passage, score = await _written_and_scored(mixture, prompt, subtask, expert, seed)
        done += 1
        tell(done, len(places))
        return _row(prompt, subtask, expert, passage, score, (devices or {}).get(expert.name, ""))

    return ScoreTable(rows=tuple(await all_or_first_error([row(*place) for place in places])))


def _unwatched(num_done: int, num_passages: int) -> None:
    """Take the progress that nobody watches."""


async def _written_and_scored(
    mixture: Mixture, prompt: Prompt, subtask: Subtask, expert: Expert, seed: int
) -> tuple[Passage, Score]:
    try:
        passage = await expert.write(prompt, subtask, seed=seed)
    except ReplyError as error:
        nothing = Passage(
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
        return nothing, Score(value=None, unscored_reason=str(error), judge=mixture.judge.name)
    return passage, await mixture.judge.score(passage.text, about=subtask.text, kind=subtask.kind)


def _row(
    prompt: Prompt, subtask: Subtask, expert: Expert, passage: Passage, score: Score, device: str
) -> ScoreRow:
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
