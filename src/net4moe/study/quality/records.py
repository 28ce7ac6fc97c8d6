"""What a study of quality holds: the texts of each arm, what it answers with, and what came of comparing.

Scores are a judge's, from 0 to 10; differences are ours minus the other arm's, so that above 0 ours is better.
Every record turns into JSON with `dataclasses.asdict`: texts, finite numbers, None, tuples and other records.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Sequence

    from net4moe.study.statistics import Interval

__all__ = [
    "RESOURCES",
    "Arm",
    "ArmResult",
    "AtEqual",
    "Choice",
    "Draw",
    "FrontierPoint",
    "LengthControl",
    "PairResult",
    "Quality",
    "Resource",
    "Spent",
]

Resource: TypeAlias = Literal["calls", "tokens", "joules", "air_s"]
"""What a budget may be of: calls to models, tokens, joules, or seconds of air time."""

RESOURCES: tuple[Resource, ...] = get_args(Resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to answer prompts.

    Attributes:
      key: short name, the same in all records.
      label: words for tables and figures.
      meaning: what it does, one clause.
    """

    key: str
    label: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """One text that one arm wrote for one prompt, with its score and what it took.

    Attributes:
      prompt_id: which prompt.
      arm: key of the arm.
      number: 0, 1, ...: an arm that may try n times has n draws.
      text: what it wrote.
      words: how long that is.
      value: the judge's score, 0 to 10; None where unscored.
      unscored_reason: why there is no value; empty where there is one.
      held_out: score of a judge that is used for nothing else; None where there is none.
      calls: calls to models.
      tokens: tokens read and written.
      joules: energy of all devices, J.
      air_s: time on the air, s.
      cost: what the reward takes off for it, reward units.
      seconds: how long the user waits, s.
    """

    prompt_id: str
    arm: str
    number: int
    text: str
    words: int
    value: float | None
    unscored_reason: str
    held_out: float | None
    calls: int
    tokens: int
    joules: float
    air_s: float
    cost: float
    seconds: float

    def __post_init__(self) -> None:
        """Refuse numbers that cannot be, and a draw that is neither scored nor unscored."""
        where = f"Draw {self.number} of '{self.arm}' for '{self.prompt_id}'"
        for name in ("value", "held_out"):
            score = getattr(self, name)
            if score is not None and not math.isfinite(score):
                message = f"{where}: `{name}` must be finite or None, got {score}."
                raise ValueError(message)
        for name in ("number", "words", "calls", "tokens", "joules", "air_s", "cost", "seconds"):
            amount = getattr(self, name)
            if not (math.isfinite(amount) and amount >= 0):
                message = f"{where}: `{name}` must be finite and at least 0, got {amount}."
                raise ValueError(message)
        if (self.value is None) != bool(self.unscored_reason):
            message = (
                f"{where} must have a value or a reason why there is none, "
                f"got {self.value} and '{self.unscored_reason}'."
            )
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What draws took together.

    Attributes:
      calls: calls to models.
      tokens: tokens read and written.
      joules: energy, J.
      air_s: time on the air, s.
      cost: reward units.
    """

    calls: int
    tokens: int
    joules: float
    air_s: float
    cost: float

    @classmethod
    def on(cls, draws: Sequence[Draw]) -> Spent:
        """Add up what draws took."""
        return cls(
            calls=sum(draw.calls for draw in draws),
            tokens=sum(draw.tokens for draw in draws),
            joules=math.fsum(draw.joules for draw in draws),
            air_s=math.fsum(draw.air_s for draw in draws),
            cost=math.fsum(draw.cost for draw in draws),
        )

    def of(self, resource: Resource) -> float:
        """Read one resource."""
        return float(getattr(self, resource))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What an arm answers a prompt with under a budget.

    Attributes:
      prompt_id: which prompt.
      arm: key of the arm.
      draw: the best-scored of the draws that fit.
      num_draws: how many fitted.
      spent: what all of these took, unscored ones included.
    """

    prompt_id: str
    arm: str
    draw: Draw
    num_draws: int
    spent: Spent

    def __post_init__(self) -> None:
        """Refuse an answer without a score: it is no candidate."""
        if self.draw.value is None:
            message = f"The choice of '{self.arm}' for '{self.prompt_id}' must be scored."
            raise ValueError(message)

    @property
    def value(self) -> float:
        """The judge's score."""
        assert self.draw.value is not None
        return self.draw.value

    @property
    def reward(self) -> float:
        """The score less the cost of all draws."""
        return self.value - self.spent.cost


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthControl:
    """Scores with the length of texts taken out.

    Attributes:
      words: length at which the arms are compared, words (geometric mean of all answers).
      per_doubling: points that a text of the same arm and prompt gains when it is twice as long.
      means: mean score at that length, one for each arm by its key.
    """

    words: float
    per_doubling: Interval
    means: tuple[tuple[str, Interval], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """What one arm scored and took, averaged over the prompts that it answered with a scored text.

    Attributes:
      arm: key of the arm.
      mean: score; None where no answer was scored.
      held_out: score by the judge that is used for nothing else; None without one.
      length_controlled: score at the common length, on all prompts; None where no answer was scored.
      words: length of the answer; like the rest 0 where nothing was answered.
      calls: calls to models for one prompt.
      tokens: tokens for one prompt.
      joules: energy for one prompt, J.
      air_s: time on the air for one prompt, s.
      cost: reward units.
      reward: score less cost; None where no answer was scored.
      num_answered: prompts that count here.
      num_unanswered: prompts where the first draw did not fit the budget, or where there was none.
      num_unscored: prompts where no draw that fitted has a score.
    """

    arm: str
    mean: Interval | None
    held_out: Interval | None
    length_controlled: Interval | None
    words: float
    calls: float
    tokens: float
    joules: float
    air_s: float
    cost: float
    reward: float | None
    num_answered: int
    num_unanswered: int
    num_unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PairResult:
    """Ours held against one arm on the prompts that both answered.

    Attributes:
      arm: key of the other arm.
      difference: ours minus the arm, points, averaged over the prompts; its interval is not corrected.
      p_value: probability of a mean so far from 0 if the sign of each difference were a coin toss.
      p_holm: the same, corrected for the number of arms.
      effect: Cohen's d_z, mean over standard deviation of the differences; None where they have no spread.
      wins: prompts that ours answered better by at least 0.1 point.
      ties: prompts with less between the two.
      losses: prompts that the arm answered better by at least 0.1 point.
      num_prompts: how many both answered.
      num_left_out: prompts that one of them did not answer with a scored text.
    """

    arm: str
    difference: Interval
    p_value: float
    p_holm: float
    effect: Interval | None
    wins: int
    ties: int
    losses: int
    num_prompts: int
    num_left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontierPoint:
    """What an arm scores and costs with up to so many draws, on the prompts that all points share.

    Attributes:
      arm: key of the arm.
      num_draws: how many draws it may use.
      cost: reward units.
      score: points.
      is_best: whether no other point that can be had is at least as good for at most as much, and better in one
        of the two; never so for what cannot be had.
      is_reachable: whether an arm can do so in use; a bound that looks at the scores first cannot.
      num_prompts: how many prompts all points share.
    """

    arm: str
    num_draws: int
    cost: Interval
    score: Interval
    is_best: bool
    is_reachable: bool
    num_prompts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AtEqual:
    """The comparison in which no arm may spend more of one resource on a prompt than ours did.

    Attributes:
      resource: which one.
      results: one for each arm.
      pairs: one for each other arm that answered anything.
    """

    resource: Resource
    results: tuple[ArmResult, ...]
    pairs: tuple[PairResult, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Everything that one study of quality found.

    Attributes:
      arms: the ways to answer.
      ours: key of the arm that the others are held against.
      prompts: ids of the prompts.
      judge: name of the judge, its model and the version of its wording.
      results: one for each arm, at its natural budget.
      pairs: ours against each other arm, at natural budgets.
      at_equal: the same at equal calls, tokens, joules and air time.
      frontier: score against cost, for each arm and number of draws.
      held_out_judge: name of the judge that is used for nothing else; empty where there is none.
      held_out_pairs: ours against each other arm by that judge, the texts chosen by the other.
    """

    arms: tuple[Arm, ...]
    ours: str
    prompts: tuple[str, ...]
    judge: str
    results: tuple[ArmResult, ...]
    pairs: tuple[PairResult, ...]
    at_equal: tuple[AtEqual, ...]
    frontier: tuple[FrontierPoint, ...]
    held_out_judge: str = ""
    held_out_pairs: tuple[PairResult, ...] = ()

    def __post_init__(self) -> None:
        """Refuse an arm that nobody declared, and one that is declared twice."""
        for key, count in Counter(arm.key for arm in self.arms).items():
            if count > 1:
                message = f"Arm '{key}' must be declared once, got {count} times."
                raise ValueError(message)
        named = [one.arm for one in (*self.results, *self.pairs, *self.frontier)]
        named += [one.arm for equal in self.at_equal for one in (*equal.results, *equal.pairs)]
        known = {arm.key for arm in self.arms}
        for key in (self.ours, *named):
            if key not in known:
                message = f"Arm '{key}' must be one of {', '.join(sorted(known))}."
                raise ValueError(message)
