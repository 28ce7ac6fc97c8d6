"""Lay out a score table as arrays, and estimate from it what to expect of each device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.errors import TableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float, Int

    from net4moe.table import ScoreRow, ScoreTable

__all__ = [
    "Expectations",
    "Outcomes",
    "complete_prompts",
    "estimate",
    "fields",
    "from_table",
    "split",
    "take",
]


class Outcomes(NamedTuple):
    """What every device's expert did with every subtask of every prompt.

    Attributes:
      score: explicit score, 0 to 10; 0 where there is none, see `scored`.
      words: words written.
      expected_words: words that the gate assessed, at least 1.
      units: compute units that the gate assessed.
      scored: True where the judge gave a score.
      field_index: index of the subtask's field in `fields`.
      subtask_mask: True where the prompt has such a subtask; the subtasks of a prompt come first.
    """

    score: Float[Any, "P S N"]
    words: Float[Any, "P S N"]
    expected_words: Float[Any, "P S N"]
    units: Float[Any, "P S N"]
    scored: Bool[Any, "P S N"]
    field_index: Int[Any, "P S"]
    subtask_mask: Bool[Any, "P S"]


class Expectations(NamedTuple):
    """What the history of each device tells about a subtask of a field.

    Attributes:
      score: mean explicit score.
      words_ratio: mean of words written over words assessed.
    """

    score: Float[Any, "F N"]
    words_ratio: Float[Any, "F N"]


def fields(table: ScoreTable) -> tuple[str, ...]:
    """List the fields of the subtasks, sorted; `Outcomes.field_index` counts in this order."""
    return tuple(sorted({row.field for row in table.rows}))


def complete_prompts(table: ScoreTable, experts: Sequence[str]) -> tuple[str, ...]:
    """List the prompts that can be played, in the order of the table.

    A prompt can be played when its subtasks are numbered from 0 without a gap, every expert wrote for each
    of them, and each has at least one score.

    Raises:
      TableError: an expert has no row, or no prompt can be played.
    """
    known = {row.expert for row in table.rows}
    for expert in experts:
        if expert not in known:
            message = f"Expert '{expert}' has no rows; the table has {', '.join(sorted(known)) or 'none'}."
            raise TableError(message)
    complete = tuple(prompt_id for prompt_id, _ in _playable(table, experts))
    if not complete:
        message = f"No prompt has a passage of every expert ({', '.join(experts)}) for all its subtasks."
        raise TableError(message)
    return complete


def from_table(table: ScoreTable, experts: Sequence[str]) -> Outcomes:
    """Lay out the prompts of a score table that can be played.

    Args:
      table: the scores.
      experts: the expert on each device, in the order of the devices; several devices may host the same.

    Returns:
      NumPy arrays; prompts in the order of `complete_prompts`, fields in the order of `fields`. Fewer than
      one assessed word counts as one.

    Raises:
      ValueError: there is no expert.
      TableError: an expert has no row, or no prompt can be played.
    """
    if not experts:
        message = "`experts` must name at least 1 expert, got 0."
        raise ValueError(message)
    complete_prompts(table, experts)
    prompts = [subtasks for _, subtasks in _playable(table, experts)]
    field_of = {field: index for index, field in enumerate(fields(table))}
    longest = max(len(subtasks) for subtasks in prompts)
    shape = (len(prompts), longest, len(experts))
    outcomes = Outcomes(
        score=np.zeros(shape, np.float32),
        words=np.zeros(shape, np.float32),
        expected_words=np.ones(shape, np.float32),
        units=np.zeros(shape, np.float32),
        scored=np.zeros(shape, np.bool_),
        field_index=np.zeros(shape[:2], np.int32),
        subtask_mask=np.zeros(shape[:2], np.bool_),
    )
    for p, subtasks in enumerate(prompts):
        for s, rows in enumerate(subtasks):
            outcomes.subtask_mask[p, s] = True
            outcomes.field_index[p, s] = field_of[rows[0].field]
            for n, row in enumerate(rows):
                outcomes.score[p, s, n] = row.explicit_score or 0.0
                outcomes.scored[p, s, n] = row.explicit_score is not None
                outcomes.words[p, s, n] = row.words
                outcomes.expected_words[p, s, n] = max(row.expected_words, 1.0)
                outcomes.units[p, s, n] = row.units
    return outcomes


def take(outcomes: Outcomes, prompt_index: Int[Any, " P"]) -> Outcomes:
    """Keep the prompts with the given indices, in their order."""
    return Outcomes(*(array[prompt_index] for array in outcomes))


def split(
    prompt_ids: Sequence[str], held_out_share: float, seed: int
) -> tuple[Int[np.ndarray, " A"], Int[np.ndarray, " B"]]:
    """Split prompts by lot into those to learn from and those held out.

    Args:
      prompt_ids: the prompts, at least 2, all different.
      held_out_share: share to hold out, greater than 0 and less than 1; at least one prompt lands on each
        side.
      seed: the same seed gives the same split.

    Returns:
      Indices to learn from and indices held out, both ascending.

    Raises:
      ValueError: there are fewer than 2 prompts, one occurs twice, or the share is out of range.
    """
    count = len(prompt_ids)
    if count < 2:
        message = f"`prompt_ids` must hold at least 2 prompts to split, got {count}."
        raise ValueError(message)
    if len(set(prompt_ids)) < count:
        message = f"`prompt_ids` must all be different, got {count - len(set(prompt_ids))} twice."
        raise ValueError(message)
    if not 0.0 < held_out_share < 1.0:
        message = f"`held_out_share` must be between 0 and 1, got {held_out_share}."
        raise ValueError(message)
    num_held_out = min(max(round(held_out_share * count), 1), count - 1)
    order = np.random.default_rng(seed).permutation(count)
    return np.sort(order[num_held_out:]), np.sort(order[:num_held_out])


def estimate(outcomes: Outcomes, *, num_fields: int, prior_rows: float = 2.0) -> Expectations:
    """Estimate what to expect of each device for each field.

    The mean of the scored rows of (field, device), drawn towards the device's mean over all fields as if
    `prior_rows` further rows had shown it, so that few rows claim little:

        m_fn = (sum of the rows of (f, n) + k m_n) / (rows of (f, n) + k)        k = prior_rows

    Args:
      outcomes: the prompts to learn from; held-out prompts do not belong here.
      num_fields: number of fields, the length of `fields(table)`.
      prior_rows: how many rows the device's own mean weighs, at least 0.

    Raises:
      ValueError: `prior_rows` is negative, or a device has no scored row.
    """
    if not prior_rows >= 0:
        message = f"`prior_rows` must be at least 0, got {prior_rows}."
        raise ValueError(message)
    scored = outcomes.scored & outcomes.subtask_mask[..., None]
    for n in range(scored.shape[-1]):
        if not scored[..., n].any():
            message = f"Device {n} has no scored row to learn from."
            raise ValueError(message)
    field_one_hot = (outcomes.field_index[..., None] == np.arange(num_fields)).astype(np.float64)
    rows = np.einsum("psf,psn->fn", field_one_hot, scored)

    def shrunk_mean(values: Float[np.ndarray, "P S N"]) -> Float[np.ndarray, "F N"]:
        values = np.where(scored, values, 0.0)
        device_mean = values.sum(axis=(0, 1)) / scored.sum(axis=(0, 1))
        total = np.einsum("psf,psn->fn", field_one_hot, values) + prior_rows * device_mean
        weight = rows + prior_rows
        mean = np.where(weight > 0, total / np.where(weight > 0, weight, 1.0), device_mean)
        return mean.astype(np.float32)

    return Expectations(
        score=shrunk_mean(outcomes.score),
        words_ratio=shrunk_mean(outcomes.words / outcomes.expected_words),
    )


def _playable(table: ScoreTable, experts: Sequence[str]) -> list[tuple[str, list[list[ScoreRow]]]]:
    """List (prompt_id, rows [S][N]) of each prompt that can be played."""
    by_prompt: dict[str, dict[int, dict[str, ScoreRow]]] = {}
    for row in table.rows:
        by_prompt.setdefault(row.prompt_id, {}).setdefault(row.subtask_index, {})[row.expert] = row
    playable: list[tuple[str, list[list[ScoreRow]]]] = []
    for prompt_id, by_subtask in by_prompt.items():
        if sorted(by_subtask) != list(range(len(by_subtask))):
            continue
        if any(expert not in rows for rows in by_subtask.values() for expert in experts):
            continue
        subtasks = [[by_subtask[s][expert] for expert in experts] for s in range(len(by_subtask))]
        if all(any(row.explicit_score is not None for row in rows) for rows in subtasks):
            playable.append((prompt_id, subtasks))
    return playable
