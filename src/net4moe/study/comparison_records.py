"""What a comparison of policies over scenarios found: the records that tables, figures and files are made from.

Every record but `Played` turns into JSON with `dataclasses.asdict`: texts, finite numbers, None, tuples and
other records, nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from net4moe.environment.scenarios import Size
from net4moe.study.records import Curve
from net4moe.study.statistics import Interval

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jaxtyping import Float, Int

__all__ = [
    "Anchors",
    "ComparisonResult",
    "Kind",
    "Played",
    "PolicyScore",
    "Profile",
    "ScenarioCurves",
    "ScenarioScore",
    "SeedScore",
    "best_rule",
]

Kind: TypeAlias = Literal["agent", "adaptive", "rule", "yardstick", "bound"]
"""What a policy is: one that was trained, one that learns while it plays, a rule for use, one that knows more
than a policy may or nothing at all, or no policy but a bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What one policy earned in one scenario: the raw numbers.

    Attributes:
      scenario: name of the scenario.
      size: which version of it.
      policy: short name of the policy.
      kind: what it is.
      seeds: one for each row.
      returns: rewards of whole episodes; a row for each seed, a column for each episode. Column e of seed s is
        the same tape for every policy; bounds have fewer columns. None where only the exact value is known.
      exact: exact mean reward of an episode, one for each seed; None where there is no table.
      num_steps: choices made in training before each evaluation; empty without training.
      curves: mean reward at each evaluation while training, a row for each seed.
      seconds: wall time of training and playing, s.
      remark: what a reader must know; for a bound, which one.
    """

    scenario: str
    size: Size
    policy: str
    kind: Kind
    seeds: tuple[int, ...]
    returns: Float[np.ndarray, "seeds episodes"] | None
    exact: Float[np.ndarray, " seeds"] | None
    num_steps: Int[np.ndarray, " evaluations"]
    curves: Float[np.ndarray, "seeds evaluations"]
    seconds: float
    remark: str = ""

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit together, and none at all."""
        where = f"'{self.policy}' in '{self.scenario}'"
        if self.returns is None and self.exact is None:
            message = f"{where} needs returns or an exact value."
            raise ValueError(message)
        count = len(self.seeds)
        for label, values in (("returns", self.returns), ("exact", self.exact), ("curves", self.curves)):
            if values is not None and (len(values) != count or not np.all(np.isfinite(values))):
                message = f"`{label}` of {where} must be finite and have {count} rows, one for each seed."
                raise ValueError(message)
        if self.curves.shape[1:] != self.num_steps.shape:
            message = f"`curves` of {where} must have {self.num_steps.size} columns, got {self.curves.shape}."
            raise ValueError(message)

    @property
    def values(self) -> Float[np.ndarray, " seeds"]:
        """Mean reward of an episode for each seed: exact where it is known."""
        if self.exact is not None:
            return self.exact
        return np.asarray(np.mean(self.drawn, axis=1, dtype=np.float64))

    @property
    def drawn(self) -> Float[np.ndarray, "seeds episodes"]:
        """The returns, where there are any.

        Raises:
          ValueError: there are none.
        """
        if self.returns is None:
            message = f"'{self.policy}' in '{self.scenario}' has played no episodes."
            raise ValueError(message)
        return self.returns

    def above(self, other: Played) -> Float[np.ndarray, " seeds"]:
        """Compute how far it is above another, seed by seed, with as little chance in it as there can be.

        Exact where both are; otherwise over the tapes that both have played.
        """
        if self.exact is not None and other.exact is not None:
            return self.exact - other.exact
        if self.returns is None or other.returns is None:
            return self.values - other.values
        common = min(self.returns.shape[1], other.returns.shape[1])
        difference = self.returns[:, :common] - other.returns[:, :common]
        return np.asarray(np.mean(difference, axis=1, dtype=np.float64))


def best_rule(played: Iterable[Played]) -> Played:
    """Find the heuristic with the greatest mean, the first of equal ones."""
    return max((one for one in played if one.kind == "rule"), key=lambda one: float(np.mean(one.values)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """What the scores of one scenario mean: 0 is the best heuristic, 1 the optimum or the best proven bound.

    Attributes:
      scenario: name of the scenario.
      size: which version of it.
      heuristic: name of the best heuristic.
      zero: its mean reward of an episode.
      one: the mean reward that counts as 1.
      one_is: what that is.
      chance: mean reward of a device drawn by lot.
      label: `control` or `sequential`, as the certificate of the small version says; empty where there is none.
    """

    scenario: str
    size: Size
    heuristic: str
    zero: float
    one: float
    one_is: str
    chance: float
    label: str = ""

    @property
    def tells_apart(self) -> bool:
        """Whether there is enough between 0 and 1 to score by: 0.1 % of the way from chance to 1."""
        return self.one - self.zero > 1e-3 * abs(self.one - self.chance)

    def score(self, above_zero: Float[np.ndarray, " seeds"]) -> Float[np.ndarray, " seeds"]:
        """Turn differences to the best heuristic into scores."""
        return above_zero / (self.one - self.zero)


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedScore:
    """One row of the table that is always published.

    Attributes:
      size: which version of the scenario.
      scenario: name of the scenario.
      policy: short name of the policy.
      kind: what it is.
      seed: its seed.
      reward: mean reward of an episode.
      is_exact: whether that is exact; otherwise a mean over the seed's tapes.
      above_heuristic: how far it is above the best heuristic on the same seed.
      score: the same as a share of the way to 1; None where that is too short to tell.
      worst_reward: mean reward of the worst 5 % of the episodes; None where none were played.
    """

    size: Size
    scenario: str
    policy: str
    kind: Kind
    seed: int
    reward: float
    is_exact: bool
    above_heuristic: float
    score: float | None
    worst_reward: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioScore:
    """One policy in one scenario, over the seeds.

    Attributes:
      size: which version of the scenario.
      scenario: name of the scenario.
      policy: short name of the policy.
      label: its words in the legend.
      kind: what it is.
      reward: interquartile mean of the mean rewards of an episode.
      above_heuristic: how far it is above the best heuristic, seed by seed.
      score: the same as a share of the way to 1; None where that is too short to tell.
      p_value: probability of a difference as large as this one where there is none, over random signs.
      p_adjusted: the same after Holm's correction over the scenarios of this size.
      worst_reward: mean reward of the worst 5 % of all episodes; None where none were played.
      learning_reward: mean of the learning curve, the area under it; None without training.
      num_steps: choices made in training.
      seconds: wall time of training and playing, s.
      remark: what a reader must know.
    """

    size: Size
    scenario: str
    policy: str
    label: str
    kind: Kind
    reward: Interval
    above_heuristic: Interval
    score: Interval | None
    p_value: float
    p_adjusted: float
    worst_reward: float | None
    learning_reward: Interval | None
    num_steps: int
    seconds: float
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Which share of the runs of a policy score above a threshold.

    Attributes:
      thresholds: the thresholds, rising.
      point: the share above each.
      low: lower end of its 95 % interval.
      high: upper end of it.
    """

    thresholds: tuple[float, ...]
    point: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyScore:
    """One policy over all scenarios of a size in which planning pays.

    Attributes:
      size: which versions.
      policy: short name of the policy.
      label: its words in the legend.
      kind: what it is.
      scenarios: the scenarios that count.
      score: interquartile mean over scenarios and seeds, stratified by scenario.
      optimality_gap: mean distance to score 1, where a score above 1 counts as 1.
      improvement: probability that it is above the best heuristic on the same seed.
      profile: its performance profile.
    """

    size: Size
    policy: str
    label: str
    kind: Kind
    scenarios: tuple[str, ...]
    score: Interval
    optimality_gap: Interval
    improvement: Interval
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioCurves:
    """The learning curves of one scenario.

    Attributes:
      anchors: what its scores mean.
      curves: one line for each agent; `epochs` are choices made in training.
    """

    anchors: Anchors
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonResult:
    """All that a comparison found.

    Attributes:
      seeds: the seeds.
      num_episodes: episodes that every policy played, for each seed.
      anchors: what the scores of each scenario mean.
      seed_scores: the table that is always published.
      scenario_scores: each policy in each scenario.
      policy_scores: each policy over the scenarios.
      curves: learning curves.
    """

    seeds: tuple[int, ...]
    num_episodes: int
    anchors: tuple[Anchors, ...]
    seed_scores: tuple[SeedScore, ...]
    scenario_scores: tuple[ScenarioScore, ...]
    policy_scores: tuple[PolicyScore, ...]
    curves: tuple[ScenarioCurves, ...]
