"""What a choice changes beyond its own reward: the rules that make a bandit a Markov decision problem."""

from __future__ import annotations

import math
from dataclasses import dataclass

from net4moe.environment.observation import GREATEST_AGE

__all__ = ["Rules"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Which consequences a choice has. As they stand here it has none, as in the paper.

    Attributes:
      num_steps: choices in an episode; None for one prompt.
      devices_change: whether work leaves backlog, spends charge, heats, and brings experts into memory; else
        devices are idle, charged and cool at every choice.
      loads_experts: whether a device loads the expert of each field when it is asked for; else it has its own.
      tokens_per_word: tokens that a word takes.
      prompt_tokens: tokens to read before the first is written.
      greatest_backlog_s: a device with more work than this takes no more, seconds.
      give_up_s: a link over which a passage would take this long is not used; where it must be, nobody waits
        longer, seconds.
      chained: whether passages stay where they are written until the next device or, at the end, the user
        needs them.
      shares_band: whether the devices that write for one prompt send at the same time and share the band, and
        each but the user's own takes at most one of its subtasks.
      deadline_s: time that a subtask may take; where a passage is lost with time left it is tried again, and
        where a device refuses it there is no other try. Infinite: there is one try.
      quality_memory: correlation of a device's hidden quality from one choice to the next.
      evidence_weight: weight of one more score against what was known of that quality.
      greatest_age: choices after which it counts no more how long ago a device was chosen; 0 where it never
        counts.
      temperature_step_c: temperatures are rounded, by lot, to multiples of it; 0 for none.
    """

    num_steps: int | None = None
    devices_change: bool = False
    loads_experts: bool = False
    tokens_per_word: float = 1.3
    prompt_tokens: float = 0.0
    greatest_backlog_s: float = math.inf
    give_up_s: float = math.inf
    chained: bool = False
    shares_band: bool = False
    deadline_s: float = math.inf
    quality_memory: float = 0.0
    evidence_weight: float = 0.0
    greatest_age: int = 0
    temperature_step_c: float = 0.0

    def __post_init__(self) -> None:
        """Refuse rules that nobody can play by."""
        if self.num_steps is not None and self.num_steps < 1:
            message = f"`num_steps` must be at least 1, got {self.num_steps}."
            raise ValueError(message)
        for label in ("tokens_per_word", "greatest_backlog_s", "give_up_s", "deadline_s"):
            if not getattr(self, label) > 0:
                message = f"`{label}` must be greater than 0, got {getattr(self, label)}."
                raise ValueError(message)
        for label in ("prompt_tokens", "temperature_step_c"):
            if not (math.isfinite(getattr(self, label)) and getattr(self, label) >= 0):
                message = f"`{label}` must be finite and at least 0, got {getattr(self, label)}."
                raise ValueError(message)
        if not math.isfinite(self.tokens_per_word):
            message = f"`tokens_per_word` must be finite, got {self.tokens_per_word}."
            raise ValueError(message)
        for label in ("quality_memory", "evidence_weight"):
            if not 0.0 <= getattr(self, label) <= 1.0:
                message = f"`{label}` must be from 0 to 1, got {getattr(self, label)}."
                raise ValueError(message)
        if not 0 <= self.greatest_age <= GREATEST_AGE:
            message = f"`greatest_age` must be from 0 to {GREATEST_AGE}, got {self.greatest_age}."
            raise ValueError(message)
        if self.evidence_weight and not self.greatest_age:
            message = "`greatest_age` must be at least 1 where `evidence_weight` is not 0."
            raise ValueError(message)
        if math.isfinite(self.deadline_s) and self.num_steps is None:
            message = (
                "`deadline_s` needs `num_steps`: each try is a choice, and a prompt's tries are not known."
            )
            raise ValueError(message)
        if self.chained and self.shares_band:
            message = "`chained` and `shares_band` exclude each other: a chain has one passage on the air."
            raise ValueError(message)
