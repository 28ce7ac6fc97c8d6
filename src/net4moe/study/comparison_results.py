"""From what policies earned to scores, intervals and corrections: no drawing, no files, no playing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from net4moe.study.comparison_records import (
    Anchors,
    ComparisonResult,
    Played,
    PolicyScore,
    Profile,
    ScenarioCurves,
    ScenarioScore,
    SeedScore,
    best_rule,
)
from net4moe.study.records import Curve
from net4moe.study.rules import label_of
from net4moe.study.score_statistics import (
    holm,
    optimality_gap,
    performance_profile,
    sign_test,
    worst_mean,
)
from net4moe.study.statistics import Interval, band, bootstrap_interval, probability_of_improvement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jaxtyping import Float

    from net4moe.study.certificates import Certificate

__all__ = ["THRESHOLDS", "compared_result"]

THRESHOLDS = tuple(round(-1.0 + 0.02 * k, 2) for k in range(101))
"""Scores at which performance profiles are read, -1 to 1."""

_NO_BOUND = "no bound is known"


def compared_result(
    played: Sequence[Played], certificates: Sequence[Certificate], rng: np.random.Generator
) -> ComparisonResult:
    """Score every policy against the best heuristic and the optimum, seed by seed.

    Args:
      played: what each policy earned; every size and scenario needs the rules and `random_selection`.
      certificates: of the scenarios, from their small versions; they tell controls of either size.
      rng: where resamples come from.
    """
    known = {one.scenario: one for one in certificates}
    places = list(dict.fromkeys((one.size, one.scenario) for one in played))
    anchors: list[Anchors] = []
    scored: list[_Scored] = []
    for place in places:
        here = [one for one in played if (one.size, one.scenario) == place]
        anchor = _anchors(here, known.get(place[1]))
        heuristic = next(one for one in here if one.policy == anchor.heuristic)
        anchors.append(anchor)
        scored += [_Scored(one, heuristic, anchor) for one in here]
    first = next(one for one in played if one.kind == "rule")
    return ComparisonResult(
        seeds=first.seeds,
        num_episodes=first.drawn.shape[1],
        anchors=tuple(anchors),
        seed_scores=tuple(row for one in scored for row in _seed_scores(one)),
        scenario_scores=_scenario_scores(scored, rng),
        policy_scores=_policy_scores(scored, rng),
        curves=tuple(_curves(anchor, scored, rng) for anchor in anchors),
    )


class _Scored:
    """What a policy earned, beside what its score is measured by."""

    def __init__(self, played: Played, heuristic: Played, anchors: Anchors) -> None:
        self.played, self.anchors = played, anchors
        self.above: Float[np.ndarray, " seeds"] = played.above(heuristic)

    @property
    def scores(self) -> Float[np.ndarray, " seeds"] | None:
        return self.anchors.score(self.above) if self.anchors.tells_apart else None


def _anchors(here: Sequence[Played], certificate: Certificate | None) -> Anchors:
    """Find the best heuristic and what counts as 1 in one scenario."""
    best = best_rule(here)
    chance = next(one for one in here if one.policy == "random_selection")
    bound = next((one for one in here if one.policy in ("optimum", "bound")), None)
    zero = float(np.mean(best.values))
    return Anchors(
        scenario=best.scenario,
        size=best.size,
        heuristic=best.policy,
        zero=zero,
        one=zero if bound is None else zero + float(np.mean(bound.above(best))),
        one_is=_NO_BOUND if bound is None else bound.remark,
        chance=float(np.mean(chance.values)),
        label="" if certificate is None else certificate.label,
    )


def _seed_scores(one: _Scored) -> list[SeedScore]:
    played, scores = one.played, one.scores
    return [
        SeedScore(
            size=played.size,
            scenario=played.scenario,
            policy=played.policy,
            kind=played.kind,
            seed=seed,
            reward=float(played.values[row]),
            is_exact=played.exact is not None,
            above_heuristic=float(one.above[row]),
            score=None if scores is None else float(scores[row]),
            worst_reward=None if played.returns is None else worst_mean(played.returns[row]),
        )
        for row, seed in enumerate(played.seeds)
    ]


def _scenario_scores(scored: Sequence[_Scored], rng: np.random.Generator) -> tuple[ScenarioScore, ...]:
    """Summarise each policy in each scenario; p-values are corrected over the scenarios of a size."""
    p_values = {id(one): sign_test(one.above, rng) for one in scored}
    families: dict[tuple[str, str], list[_Scored]] = {}
    for one in scored:
        families.setdefault((one.played.size, one.played.policy), []).append(one)
    adjusted: dict[int, float] = {}
    for family in families.values():
        corrected = holm([p_values[id(one)] for one in family])
        adjusted |= {id(one): p for one, p in zip(family, corrected, strict=True)}
    return tuple(_scenario_score(one, p_values[id(one)], adjusted[id(one)], rng) for one in scored)


def _scenario_score(
    one: _Scored, p_value: float, p_adjusted: float, rng: np.random.Generator
) -> ScenarioScore:
    played, scores = one.played, one.scores
    learned = played.num_steps.size > 0
    return ScenarioScore(
        size=played.size,
        scenario=played.scenario,
        policy=played.policy,
        label=label_of(played.policy),
        kind=played.kind,
        reward=_interval(played.values, rng),
        above_heuristic=_interval(one.above, rng),
        score=None if scores is None else _interval(scores, rng),
        p_value=p_value,
        p_adjusted=p_adjusted,
        worst_reward=None if played.returns is None else worst_mean(played.returns),
        learning_reward=_interval(played.curves.mean(axis=1), rng) if learned else None,
        num_steps=int(played.num_steps[-1]) if learned else 0,
        seconds=played.seconds,
        remark=played.remark,
    )


def _interval(values: Float[np.ndarray, " seeds"], rng: np.random.Generator) -> Interval:
    """Estimate the interquartile mean over the seeds; equal values need no resamples."""
    if np.all(values == values[0]):
        return Interval(low=float(values[0]), point=float(values[0]), high=float(values[0]))
    return bootstrap_interval([values], rng)


def _policy_scores(scored: Sequence[_Scored], rng: np.random.Generator) -> tuple[PolicyScore, ...]:
    """Summarise each policy over the scenarios in which planning pays; the best first."""
    families: dict[tuple[str, str], list[_Scored]] = {}
    for one in scored:
        counts = one.anchors.tells_apart and one.anchors.label != "control"
        if counts and one.played.kind != "bound":
            families.setdefault((one.played.size, one.played.policy), []).append(one)
    found = [_policy_score(family, rng) for family in families.values()]
    sizes = list(dict.fromkeys(one.played.size for one in scored))
    return tuple(sorted(found, key=lambda one: (sizes.index(one.size), -one.score.point)))


def _policy_score(family: Sequence[_Scored], rng: np.random.Generator) -> PolicyScore:
    played = family[0].played
    strata = [one.anchors.score(one.above) for one in family]
    profile = performance_profile(strata, np.array(THRESHOLDS), rng)
    return PolicyScore(
        size=played.size,
        policy=played.policy,
        label=label_of(played.policy),
        kind=played.kind,
        scenarios=tuple(one.played.scenario for one in family),
        score=bootstrap_interval(strata, rng),
        optimality_gap=optimality_gap(strata, rng),
        improvement=_improvement(family),
        profile=Profile(thresholds=THRESHOLDS, **_rows(profile)),
    )


def _improvement(family: Sequence[_Scored]) -> Interval:
    """Estimate the probability of being above the best heuristic on the same seed, over all scenarios."""
    above = np.concatenate([one.anchors.score(one.above) for one in family])
    rounding = np.where(np.abs(above) < 1e-9, 0.0, above)
    return probability_of_improvement(rounding, np.zeros_like(rounding))


def _rows(profile: Float[np.ndarray, "3 K"]) -> Mapping[str, tuple[float, ...]]:
    return {name: tuple(map(float, row)) for name, row in zip(("low", "point", "high"), profile, strict=True)}


def _curves(anchors: Anchors, scored: Sequence[_Scored], rng: np.random.Generator) -> ScenarioCurves:
    """Draw the learning curves of one scenario."""
    curves: list[Curve] = []
    for one in scored:
        played = one.played
        if one.anchors != anchors or not played.num_steps.size:
            continue
        drawn = band(played.curves, rng)
        curves.append(
            Curve(
                policy=played.policy,
                label=label_of(played.policy),
                epochs=tuple(map(int, played.num_steps)),
                point=tuple(map(float, drawn.point)),
                low=tuple(map(float, drawn.low)),
                high=tuple(map(float, drawn.high)),
            )
        )
    return ScenarioCurves(anchors=anchors, curves=tuple(curves))
