"""The row of the score table: the one record that the text column and the array column share."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["COLUMNS", "Column", "ScoreRow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One passage: what one expert wrote for one subtask, what it cost and how it was scored.

    `COLUMNS` says what each field means, its unit and its range.
    """

    prompt_id: str
    prompt: str
    subtask_index: int
    subtask: str
    field: str
    expert: str
    expert_field: str
    device: str
    model: str
    relevance: float
    expected_words: float
    units: float
    text: str
    explicit_score: float | None
    unscored_reason: str
    judge: str
    words: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    price_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one column of the score table means.

    Attributes:
      kind: text, integer or number.
      meaning: one sentence for a reader of the workbook.
      unit: the unit of a number; empty for texts and plain counts.
      optional: whether a cell may be empty.
      low: the least value allowed, where there is one.
      high: the greatest value allowed, where there is one.
    """

    kind: Literal["text", "integer", "number"]
    meaning: str
    unit: str = ""
    optional: bool = False
    low: float | None = None
    high: float | None = None


COLUMNS: dict[str, Column] = {
    "prompt_id": Column(kind="text", meaning="Short name of the prompt; the same for all its rows."),
    "prompt": Column(kind="text", meaning="What the user asked."),
    "subtask_index": Column(kind="integer", meaning="Place of the subtask in the prompt, from 0.", low=0),
    "subtask": Column(kind="text", meaning="The piece of the prompt that the gate cut out."),
    "field": Column(kind="text", meaning="The field that the gate gave the subtask."),
    "expert": Column(kind="text", meaning="Name of the expert that wrote the passage."),
    "expert_field": Column(kind="text", meaning="What that expert is good at."),
    "device": Column(kind="text", meaning="The device that hosts the expert.", optional=True),
    "model": Column(kind="text", meaning="The language model behind the expert.", optional=True),
    "relevance": Column(
        kind="number",
        meaning="The gate's probability that the subtask belongs to the expert's field.",
        low=0,
        high=1,
    ),
    "expected_words": Column(
        kind="number", meaning="Words that the gate expected this expert to need.", unit="words", low=0
    ),
    "units": Column(
        kind="number", meaning="Compute units that the gate assessed for this expert.", unit="units", low=0
    ),
    "text": Column(
        kind="text", meaning="The passage. Empty: only its score and words are known.", optional=True
    ),
    "explicit_score": Column(
        kind="number",
        meaning="The judge's explicit score: 0 makes no sense, 10 is perfectly written and highly "
        "consistent. Empty: unscored.",
        optional=True,
        low=0,
        high=10,
    ),
    "unscored_reason": Column(kind="text", meaning="Why there is no score.", optional=True),
    "judge": Column(kind="text", meaning="Who scored: kind of judge, model and wording version."),
    "words": Column(
        kind="integer", meaning="Words in the passage: the load to transfer.", unit="words", low=0
    ),
    "prompt_tokens": Column(kind="integer", meaning="Tokens the expert read.", unit="tokens", low=0),
    "completion_tokens": Column(kind="integer", meaning="Tokens the expert wrote.", unit="tokens", low=0),
    "seconds": Column(kind="number", meaning="Time the expert took to write.", unit="s", low=0),
    "price_usd": Column(kind="number", meaning="Price of writing the passage.", unit="USD", low=0),
}
