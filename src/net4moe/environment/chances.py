"""The laws of chance of an environment, and the tape that they are drawn onto before an episode begins."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from net4moe.network.snr import SnrConfig
from net4moe.network.world import WorldConfig

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

    from net4moe.environment.observation import Following

__all__ = ["Chain", "Chances", "LinkLevels", "Moment", "RadioConfig", "Subtask", "Tape"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A Markov chain on a few values, which are equally likely in the long run.

    Attributes:
      values: the values.
      stay: probability that the next value is the same; else each of the others is as likely. Where it is
        None the values are independent.
    """

    values: tuple[float, ...]
    stay: float | None = None

    def __post_init__(self) -> None:
        """Refuse what is no chain."""
        if not self.values or not all(map(math.isfinite, self.values)):
            message = f"`values` must be at least one finite number, got {self.values}."
            raise ValueError(message)
        if self.stay is not None and not 0.0 <= self.stay <= 1.0:
            message = f"`stay` must be from 0 to 1, got {self.stay}."
            raise ValueError(message)

    @property
    def stay_probability(self) -> float:
        """Probability that the next value is the same."""
        return 1.0 / len(self.values) if self.stay is None or len(self.values) == 1 else self.stay


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLevels:
    """Links that jump between a few levels, each on its own: small enough to be solved exactly.

    Attributes:
      snr_db: signal-to-noise ratio of each level, dB.
      outage: probability that a passage is lost at each level.
      stay: probability that a link stays at its level from one choice to the next.
      latency_s: time before the first bit, seconds.
    """

    snr_db: tuple[float, ...]
    outage: tuple[float, ...]
    stay: float
    latency_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what are no levels."""
        if not self.snr_db or not all(map(math.isfinite, self.snr_db)):
            message = f"`snr_db` must be at least one finite number, got {self.snr_db}."
            raise ValueError(message)
        Chain(values=self.snr_db, stay=self.stay)
        if len(self.outage) != len(self.snr_db) or not all(0.0 <= loss <= 1.0 for loss in self.outage):
            message = f"`outage` must hold {len(self.snr_db)} numbers from 0 to 1, got {self.outage}."
            raise ValueError(message)
        if not (math.isfinite(self.latency_s) and self.latency_s >= 0):
            message = f"`latency_s` must be finite and at least 0, got {self.latency_s}."
            raise ValueError(message)

    @property
    def chain(self) -> Chain:
        """How a link's signal-to-noise ratio goes from one choice to the next, dB."""
        return Chain(values=self.snr_db, stay=self.stay)


RadioConfig: TypeAlias = SnrConfig | WorldConfig | LinkLevels
"""How links are drawn: independent as in the paper, from a world, or on a few levels."""

_ALWAYS_ONE = Chain(values=(1.0,))
_ALWAYS_NOTHING = Chain(values=(0.0,))
_INDEPENDENT = SnrConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """What is left to chance.

    Attributes:
      radio: the links.
      field_stay: probability that the next prompt is of the same field; prompts are drawn alike where None.
      gap_s: time between two choices, seconds.
      importance: weight of a prompt's quality.
      harvest_share: share of the greatest harvest.
      quality_shift: what each device but the user's own gives above its expected score, hidden; points, on
        average 0.
      stale_links: whether what is known of the links is how they were at the choice before.
      num_lots: levels of the lots that decide on losses and rounding; 0 for any number between 0 and 1.
    """

    radio: RadioConfig = _INDEPENDENT
    field_stay: float | None = None
    gap_s: Chain = _ALWAYS_ONE
    importance: Chain = _ALWAYS_ONE
    harvest_share: Chain = _ALWAYS_ONE
    quality_shift: Chain = _ALWAYS_NOTHING
    stale_links: bool = False
    num_lots: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn."""
        if self.field_stay is not None and not 0.0 <= self.field_stay <= 1.0:
            message = f"`field_stay` must be from 0 to 1, got {self.field_stay}."
            raise ValueError(message)
        for label in ("gap_s", "importance", "harvest_share"):
            if min(getattr(self, label).values) < 0:
                message = f"`{label}` must be at least 0, got {min(getattr(self, label).values)}."
                raise ValueError(message)
        if self.stale_links and isinstance(self.radio, SnrConfig):
            message = "`stale_links` needs links that last; independent ones tell nothing of the next."
            raise ValueError(message)
        if self.num_lots < 0:
            message = f"`num_lots` must be at least 0, got {self.num_lots}."
            raise ValueError(message)


class Subtask(NamedTuple):
    """A subtask in the order in which subtasks come; on a tape with a leading axis.

    Attributes:
      field_index: its field.
      importance: weight of its quality.
      prompt_share_left: share of its prompt's subtasks that are left, this one included.
      last: whether it is its prompt's last.
      expected_score: what each device's history promises.
      later: what it promises for the rest of the prompt.
      expected_words: words that each device is expected to write.
      mean_score: mean score of each device for its field, over the prompts that are played.
      mean_words: mean words, likewise.
      units: compute units that it needs on each device.
      scored: whether the judge scored what each device's expert wrote.
      score: the score that each device gets.
      words: the words that each device writes.
    """

    field_index: Int[Any, "*steps"]
    importance: Float[Any, "*steps"]
    prompt_share_left: Float[Any, "*steps"]
    last: Bool[Any, "*steps"]
    expected_score: Float[Any, "*steps N"]
    later: Following
    expected_words: Float[Any, "*steps N"]
    mean_score: Float[Any, "*steps N"]
    mean_words: Float[Any, "*steps N"]
    units: Float[Any, "*steps N"]
    scored: Bool[Any, "*steps N"]
    score: Float[Any, "*steps N"]
    words: Float[Any, "*steps N"]


class Moment(NamedTuple):
    """The world at the time of a choice; on a tape with a leading axis.

    Attributes:
      gap_s: time since the choice before, seconds.
      harvest_share: share of the greatest harvest.
      known_snr_db: signal-to-noise ratio of each link as it is known, dB.
      known_s_per_bit: seconds that a bit takes, as far as is known.
      known_loss: probability that a passage is lost, as far as is known.
      s_per_bit: seconds that a bit really takes.
      loss: probability that a passage is really lost.
      latency_s: time before the first bit, seconds.
      available: whether each device is there.
      quality_shift: what each device gives above its expected score, points.
      lot: a random number that decides whether the passage is lost.
      rounding: a random number for rounding.
      uniform: a random number for policies that draw lots.
    """

    gap_s: Float[Any, "*steps"]
    harvest_share: Float[Any, "*steps"]
    known_snr_db: Float[Any, "*steps N"]
    known_s_per_bit: Float[Any, "*steps N"]
    known_loss: Float[Any, "*steps N"]
    s_per_bit: Float[Any, "*steps N"]
    loss: Float[Any, "*steps N"]
    latency_s: Float[Any, "*steps N"]
    available: Bool[Any, "*steps N"]
    quality_shift: Float[Any, "*steps N"]
    lot: Float[Any, "*steps"]
    rounding: Float[Any, "*steps"]
    uniform: Float[Any, "*steps"]


class Tape(NamedTuple):
    """All that chance decides in one episode, drawn before it begins.

    Attributes:
      episode: running number of the episode.
      num_choices: choices in the episode.
      subtasks: the subtasks in their order.
      moments: the world at each choice.
    """

    episode: Int[Any, ""]
    num_choices: Int[Any, ""]
    subtasks: Subtask
    moments: Moment
