"""What a study found: the records that the figures, the page and `run.json` are made from.

Every record but `PolicyRewards` turns into JSON with `dataclasses.asdict`: texts, finite numbers, None,
tuples and other records, nothing else.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from net4moe.study.statistics import Interval

__all__ = [
    "CallCosts",
    "Comparison",
    "Curve",
    "Example",
    "ExpertSummary",
    "JudgeNote",
    "PlacedSubtask",
    "PolicyResult",
    "PolicyRewards",
    "Setting",
    "Stage",
    "StudyResult",
    "TableSummary",
    "UnscoredReason",
    "Version",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRewards:
    """What one policy earned: the raw numbers behind a curve and its bars.

    Attributes:
      policy: short name of the policy, as in `learning.csv`.
      label: its words in the legend.
      seeds: one for each row of `rewards`.
      epochs: after how many epochs each evaluation was made, rising.
      rewards: one row for each seed, one column for each evaluation.
    """

    policy: str
    label: str
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]
    rewards: Float[np.ndarray, "seeds evaluations"]

    def __post_init__(self) -> None:
        """Refuse rewards that do not fit the seeds and epochs."""
        expected = (len(self.seeds), len(self.epochs))
        if self.rewards.shape != expected:
            msg = f"`rewards` of '{self.policy}' must have shape {expected}, got {self.rewards.shape}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of the learning figure.

    Attributes:
      policy: short name of the policy.
      label: its words in the legend.
      epochs: after how many epochs each evaluation was made, rising.
      point: the interquartile mean of the reward over the seeds, one for each evaluation.
      low: lower end of its 95 % interval.
      high: upper end of its 95 % interval.
    """

    policy: str
    label: str
    epochs: tuple[int, ...]
    point: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse a curve that cannot be drawn."""
        lengths = {len(self.epochs), len(self.point), len(self.low), len(self.high)}
        if len(lengths) != 1 or 0 in lengths:
            msg = f"The curve of '{self.policy}' needs as many rewards as epochs, got lengths {sorted(lengths)}."
            raise ValueError(msg)
        if not all(map(math.isfinite, (*self.point, *self.low, *self.high))):
            msg = f"The curve of '{self.policy}' must be finite."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """One row of the headline table.

    Attributes:
      policy: short name of the policy.
      label: its words in the legend.
      mean: reward over all evaluations.
      final: reward over the last evaluations.
      share_of_upper_bound: final reward over the upper bound's, 1 where it is reached; None where undefined.
      gap_closed: share of the way from random selection to the upper bound; None where undefined.
    """

    policy: str
    label: str
    mean: Interval
    final: Interval
    share_of_upper_bound: Interval | None = None
    gap_closed: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two policies on the same prompts and channels.

    Attributes:
      label: legend words of the first policy.
      other_label: legend words of the second.
      difference: how far the first ends above the second, seed by seed.
      probability_of_improvement: how likely the first ends above the second on the same seed.
    """

    label: str
    other_label: str
    difference: Interval
    probability_of_improvement: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedSubtask:
    """One subtask of the example, from the gate's cut to the passage.

    Attributes:
      subtask: the piece of the prompt.
      field: the field that the gate gave it.
      expert: who wrote the passage.
      device: where.
      is_local: whether that is the user's own device, which needs no link.
      snr_db: signal-to-noise ratio of the link, dB; None for the user's own device.
      words: words in the passage.
      compute_cost: what computing took off the reward.
      transfer_cost: what the transfer took off the reward.
      score: the judge's score of the passage, 0 to 10; None where it is unscored.
      reward: what the choice earned.
      passage: what the expert wrote.
    """

    subtask: str
    field: str
    expert: str
    device: str
    is_local: bool
    snr_db: float | None
    words: int
    compute_cost: float
    transfer_cost: float
    score: float | None
    reward: float
    passage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One prompt on its whole way.

    Attributes:
      policy_label: legend words of the policy that chose the devices.
      prompt: what the user asked.
      subtasks: where its pieces went, in order.
      story: the fused text.
      score: the judge's score of the story, 0 to 10; None where it is unscored.
      unscored_reason: why there is no score; empty where there is one.
    """

    policy_label: str
    prompt: str
    subtasks: tuple[PlacedSubtask, ...]
    story: str
    score: float | None
    unscored_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertSummary:
    """One expert's rows of the score table.

    Attributes:
      expert: its name.
      field: what it is good at.
      device: who hosts it; may be empty.
      num_rows: passages it wrote.
      num_unscored: how many of them have no score.
      mean_score: over the scored ones, 0 to 10; None where there are none.
      mean_words: words in a passage.
      mean_tokens: tokens it wrote for a passage.
      mean_seconds: time for a passage, s.
    """

    expert: str
    field: str
    device: str
    num_rows: int
    num_unscored: int
    mean_score: float | None
    mean_words: float
    mean_tokens: float
    mean_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnscoredReason:
    """Why rows have no score.

    Attributes:
      reason: in words.
      num_rows: how many rows.
    """

    reason: str
    num_rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """What the score table holds.

    Attributes:
      num_prompts: prompts in it.
      num_held_out: how many of them were kept from training.
      num_subtasks: subtasks of all prompts.
      num_rows: passages: subtasks times experts.
      experts: one summary for each expert.
      unscored: why rows have no score, most frequent first; empty where all have one.
      digest: SHA-256 of the table's content, hexadecimal.
    """

    num_prompts: int
    num_held_out: int
    num_subtasks: int
    num_rows: int
    experts: tuple[ExpertSummary, ...]
    unscored: tuple[UnscoredReason, ...] = ()
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCosts:
    """What the language models cost.

    Attributes:
      num_calls: calls that were made.
      num_replayed: calls that the ledger answered instead.
      prompt_tokens: tokens that the models read.
      completion_tokens: tokens that they wrote.
      price_usd: price, USD; 0 for models on this machine.
      seconds: time spent waiting for them, summed over parallel calls, s.
    """

    num_calls: int
    num_replayed: int
    prompt_tokens: int
    completion_tokens: int
    price_usd: float
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """How long one part of the study took.

    Attributes:
      name: what was done, as a reader would say it.
      seconds: wall time, s.
    """

    name: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeNote:
    """Who scored, and how far that can be trusted.

    Attributes:
      name: kind of judge, model and wording version.
      method: how it comes to a score, one or two sentences.
      reliability: what was measured of it, one or two sentences.
    """

    name: str
    method: str
    reliability: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One number or choice of the study.

    Attributes:
      name: its name in the file of settings.
      value: its value as text, with its unit.
      source: whether the paper fixes it or it is ours.
      meaning: what it does, one clause.
    """

    name: str
    value: str
    source: Literal["paper", "ours"]
    meaning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A program that the study used.

    Attributes:
      name: its name.
      version: its version.
    """

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyResult:
    """All that the report shows.

    Attributes:
      title: what the study is called.
      summary: what was run, one paragraph for a reader who has seen no code.
      epoch_label: the axis of epochs, saying what one is, as `Epoch (64 prompts)`.
      reward_label: the axis of rewards, saying of what, as `Reward per prompt`.
      epoch_meaning: what one epoch is, one sentence.
      reward_meaning: how the reward is made, one sentence.
      curves: the lines of the learning figure, the paper's four first.
      policies: rows of the headline table, the paper's four first.
      comparisons: the learned policy against others.
      example: one prompt on its whole way; None where no text was made.
      table: what the score table holds.
      costs: what the language models cost.
      stages: how long each part took, in order.
      judge: who scored.
      settings: every number and choice.
      seeds: the training seeds.
      versions: the programs used.
      machine: where it ran, one line.
      command: the command that runs it again.
      warnings: what a reader must know before believing the numbers.
    """

    title: str
    summary: str
    epoch_label: str
    reward_label: str
    epoch_meaning: str
    reward_meaning: str
    curves: tuple[Curve, ...]
    policies: tuple[PolicyResult, ...]
    comparisons: tuple[Comparison, ...]
    example: Example | None
    table: TableSummary
    costs: CallCosts
    stages: tuple[Stage, ...]
    judge: JudgeNote
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    versions: tuple[Version, ...]
    machine: str
    command: str
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a study without results."""
        if not self.policies or not self.curves:
            msg = "A study's result needs at least 1 policy and 1 curve."
            raise ValueError(msg)
        if not self.seeds:
            msg = "A study's result needs at least 1 seed, got 0."
            raise ValueError(msg)
