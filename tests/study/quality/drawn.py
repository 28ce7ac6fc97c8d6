"""Texts that nobody wrote, for the tests of choosing, comparing and drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from net4moe.study import Interval
from net4moe.study.quality import Arm, Choice, Draw, FrontierPoint, PairResult, Spent
from net4moe.study.quality.frontier import pareto

ARMS = (
    Arm(key="ours", label="Ours", meaning="the trained policy"),
    Arm(key="local", label="Local only", meaning="the user's own device"),
    Arm(key="all", label="All experts", meaning="everyone writes"),
)


def draw(prompt_id: str, arm: str, value: float | None, **others: Any) -> Draw:
    """Make up a draw of one call and 100 tokens."""
    fields: dict[str, Any] = {
        "number": 0,
        "text": "Once.",
        "words": 100,
        "unscored_reason": "" if value is not None else "the judge said nothing",
        "held_out": None,
        "calls": 1,
        "tokens": 100,
        "joules": 2.0,
        "air_s": 0.5,
        "cost": 0.25,
        "seconds": 1.0,
    }
    return Draw(prompt_id=prompt_id, arm=arm, value=value, **(fields | others))


def draws(prompt_id: str, arm: str, values: Sequence[float | None], **others: Any) -> list[Draw]:
    """Make up several draws of one arm for one prompt."""
    return [draw(prompt_id, arm, value, number=number, **others) for number, value in enumerate(values)]


def choice(prompt_id: str, arm: str, value: float, *, num_draws: int = 1, **others: Any) -> Choice:
    """Make up what an arm answers with, out of equal draws."""
    one = draw(prompt_id, arm, value, **others)
    return Choice(
        prompt_id=prompt_id, arm=arm, draw=one, num_draws=num_draws, spent=Spent.on([one] * num_draws)
    )


def choices(scores: Mapping[str, Sequence[float]], **others: Any) -> list[Choice]:
    """Make up choices of each arm for as many prompts as it has scores."""
    return [
        choice(f"p{index}", arm, value, **others)
        for arm, values in scores.items()
        for index, value in enumerate(values)
    ]


def point(
    arm: str,
    cost: float,
    score: float,
    *,
    num_draws: int = 1,
    half: tuple[float, float] = (0.1, 0.3),
    **others: Any,
) -> FrontierPoint:
    """Make up a point with bars of the same length on both sides."""
    return FrontierPoint(
        arm=arm,
        num_draws=num_draws,
        cost=Interval(low=cost - half[0], point=cost, high=cost + half[0]),
        score=Interval(low=score - half[1], point=score, high=score + half[1]),
        **({"is_best": False, "is_reachable": True, "num_prompts": 40} | others),
    )


def pair(arm: str, difference: tuple[float, float, float], p_holm: float, **others: Any) -> PairResult:
    """Make up what came of holding ours against an arm."""
    low, middle, high = difference
    fields: dict[str, Any] = {
        "p_value": p_holm / 2,
        "effect": None,
        "wins": 20,
        "ties": 10,
        "losses": 10,
        "num_prompts": 40,
        "num_left_out": 0,
    }
    return PairResult(
        arm=arm, difference=Interval(low=low, point=middle, high=high), p_holm=p_holm, **(fields | others)
    )


def few_points() -> list[FrontierPoint]:
    """Make up three arms far apart."""
    return [
        point("local", 0.4, 5.1, is_best=True),
        point("ours", 1.4, 6.3, is_best=True),
        point("all", 3.0, 6.1),
    ]


def many_points(rng: np.random.Generator) -> tuple[list[FrontierPoint], list[Arm]]:
    """Make up nine arms, two of them with several draws, that lie nearly on one another."""
    names = {
        "local": "Local only",
        "best_of_n": "Local, best of n",
        "random": "Random expert",
        "single": "Best single expert",
        "all": "All experts",
        "strongest": "Strongest link",
        "ours": "Ours",
        "free": "Ours without cost terms",
        "upper": "Upper bound",
    }
    points = [
        point(
            key,
            1.0 + float(rng.normal(0.0, 0.06)),
            6.0 + float(rng.normal(0.0, 0.12)),
            is_reachable=key != "upper",
        )
        for key in names
        if key != "best_of_n"
    ]
    points += [
        point("best_of_n", 0.9 + 0.2 * count, 5.9 + 0.15 * count, num_draws=count) for count in (1, 2, 3, 4)
    ]
    had = [one for one in points if one.is_reachable]
    best = pareto(np.array([one.cost.point for one in had]), np.array([one.score.point for one in had]))
    kept = {id(one) for one, is_best in zip(had, best, strict=True) if is_best}
    points = [replace(one, is_best=id(one) in kept) for one in points]
    return points, [Arm(key=key, label=label, meaning="made up") for key, label in names.items()]
