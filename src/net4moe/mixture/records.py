"""What passes through the mixture, from the prompt to the scored story."""

import re
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "MAX_PROMPT_CHARACTERS",
    "Answer",
    "Aspect",
    "Assessment",
    "Costs",
    "Decision",
    "Kind",
    "Passage",
    "Prompt",
    "Receipt",
    "ReceiptLine",
    "Score",
    "Span",
    "Story",
    "Subtask",
    "count_words",
]

MAX_PROMPT_CHARACTERS = 8_000

Kind = Literal["story", "explanation"]

Aspect = Literal["overall", "coherence", "relevance", "completeness", "engagement"]
"""What a judge is asked about; the wording defines each."""

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")


def count_words(text: str) -> int:
    """Count the words of a text: runs between spaces; in Chinese and Japanese every character is one."""
    return len(_WORD.findall(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """What the user asked.

    Attributes:
      id: a short name, unique in a collection.
      text: the prompt.
    """

    id: str
    text: str

    def __post_init__(self) -> None:
        """Refuse what no gate could split."""
        if not self.text.strip():
            msg = "the prompt is empty; write what the story or explanation should be about."
            raise ValueError(msg)
        if any("\ud800" <= character <= "\udfff" for character in self.text):
            msg = "the prompt is not valid text; give it in UTF-8."
            raise ValueError(msg)
        if len(self.text) > MAX_PROMPT_CHARACTERS:
            msg = (
                f"the prompt has {len(self.text):,} characters; at most {MAX_PROMPT_CHARACTERS:,} are taken."
            )
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtask:
    """A piece of the prompt.

    Attributes:
      index: its place in the prompt, from 0.
      text: what the passage is to be about.
      kind: whether it is part of a story or of an explanation.
      field: the field it belongs to most.
      relevance: for each field of the mixture, the probability that the subtask belongs to it.
      words: words that a passage about it needs, before an expert's own manner.
      price_usd: its share of the price of splitting and assessing the prompt, USD.
    """

    index: int
    text: str
    kind: Kind
    field: str
    relevance: tuple[tuple[str, float], ...]
    words: float
    price_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What one subtask needs of one expert (arXiv:2402.06942, figure 1: "T1: expert 3 needs 12 units").

    Attributes:
      subtask_index: the subtask.
      expert: the candidate.
      relevance: probability that the subtask belongs to the expert's field.
      expected_words: words the expert is expected, and asked, to write.
      units: compute units for that.
    """

    subtask_index: int
    expert: str
    relevance: float
    expected_words: float
    units: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Where one subtask goes.

    Attributes:
      subtask_index: the subtask.
      expert: who writes.
      device: where.
      is_local: whether it stays on the user's own device.
      snr_db: signal-to-noise ratio of the link, dB; None where there is no link.
      expected: the costs that were expected.
      reason: one sentence for the user.
    """

    subtask_index: int
    expert: str
    device: str
    is_local: bool
    snr_db: float | None
    expected: "Costs"
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What a passage costs.

    Attributes:
      load_bits: size of the passage, bits.
      transfer_s: time on the air, seconds.
      transfer_cost: the cost of that time, reward units.
      compute_cost: words times the device's cost per word, reward units.
    """

    load_bits: float = 0.0
    transfer_s: float = 0.0
    transfer_cost: float = 0.0
    compute_cost: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What an expert wrote.

    Attributes:
      subtask_index: the subtask.
      expert: who wrote it.
      model: the model behind the expert.
      text: the passage, ending with a whole sentence where there is one.
      words: words in it: the load to transfer.
      prompt_tokens: tokens read.
      completion_tokens: tokens written.
      seconds: time to write it.
      price_usd: price of writing it, USD.
    """

    subtask_index: int
    expert: str
    model: str
    text: str
    words: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    price_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """The fused text.

    Attributes:
      text: the story or explanation.
      fused_by: `model` where the gate wrote it anew, `linked` where the passages stand in order with
        sentences of the gate between them, `joined` where they stand in order as they are.
      note: why it was joined; empty else.
      price_usd: price of fusing, USD.
    """

    text: str
    fused_by: Literal["model", "linked", "joined"]
    note: str = ""
    price_usd: float = 0.0

    @property
    def words(self) -> int:
        """Words in the story."""
        return count_words(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A judge's score, or why there is none.

    Attributes:
      value: from 0, makes no sense, to 10, perfectly written and highly consistent; None where unscored.
      unscored_reason: why there is no value; empty where there is one.
      judge: kind of judge, model and version of the wording.
      price_usd: price of judging, USD.
      reasons: what the score rests on, short phrases for people.
      tokens_read: tokens that the judge's models read for it, over all calls.
      tokens_written: tokens that they wrote.
      seconds: time that the calls took, added up over parallel ones.
    """

    value: float | None
    unscored_reason: str
    judge: str
    price_usd: float = 0.0
    reasons: tuple[str, ...] = ()
    tokens_read: int = 0
    tokens_written: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of the way from prompt to score, in seconds since the start."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptLine:
    """What became of one subtask: the decision, and what it really cost."""

    subtask_index: int
    expert: str
    device: str
    is_local: bool
    snr_db: float | None
    reason: str
    expected_words: float
    words: int
    write_s: float
    expected: Costs
    actual: Costs
    price_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What an answer took.

    Attributes:
      lines: one for each subtask, in order.
      timeline: when each part ran.
      seconds: wall time in all.
      price_usd: price of all calls, USD.
      wording: version of the wording of all prompts to models.
      seed: what makes the answer repeatable.
    """

    lines: tuple[ReceiptLine, ...]
    timeline: tuple[Span, ...]
    seconds: float
    price_usd: float
    wording: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One prompt with all that was made of it."""

    prompt: Prompt
    subtasks: tuple[Subtask, ...]
    passages: tuple[Passage, ...]
    story: Story
    score: Score
    receipt: Receipt
