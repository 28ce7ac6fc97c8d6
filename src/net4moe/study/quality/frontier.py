"""Score against cost: what each arm reaches with one draw, with two and so on, and which of these pay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from net4moe.study.quality.records import FrontierPoint
from net4moe.study.quality.testing import mean_interval
from net4moe.study.statistics import NUM_RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from jaxtyping import Bool, Float

    from net4moe.study.quality.records import Choice
    from net4moe.study.quality.testing import By

__all__ = ["frontier", "pareto"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    arm: str
    num_draws: int
    costs: dict[str, float]
    scores: dict[str, float]


def frontier(
    choices_of: Mapping[int, Sequence[Choice]],
    rng: np.random.Generator,
    *,
    out_of_reach: Collection[str] = (),
    by: By = "value",
    num_resamples: int = NUM_RESAMPLES,
) -> tuple[FrontierPoint, ...]:
    """Place every arm by what it costs and scores with each number of draws.

    All means are over the prompts that every point has, so that no point gains by what it left out. An arm has a
    point for each number of draws that it used up on some prompt.

    Args:
      choices_of: what the arms answer with, for each number of draws that they may use.
      rng: where the resamples come from.
      out_of_reach: keys of arms that nobody can have; they are placed, and beat nothing.
      by: whose scores.
      num_resamples: how many, at least 10,000.

    Returns:
      The points, arm by arm in the order in which they come, fewer draws first; none where the arms share no
      prompt.
    """
    places = _places(choices_of, by)
    shared = (
        [prompt for prompt in places[0].scores if all(prompt in one.scores for one in places)]
        if places
        else []
    )
    if not shared:
        return ()
    costs = [np.array([one.costs[prompt] for prompt in shared]) for one in places]
    scores = [np.array([one.scores[prompt] for prompt in shared]) for one in places]
    reachable = np.array([one.arm not in out_of_reach for one in places])
    best = np.zeros(len(places), bool)
    best[reachable] = pareto(
        np.array([values.mean() for values in costs])[reachable],
        np.array([values.mean() for values in scores])[reachable],
    )
    return tuple(
        FrontierPoint(
            arm=one.arm,
            num_draws=one.num_draws,
            cost=mean_interval(costs[index], rng, num_resamples=num_resamples),
            score=mean_interval(scores[index], rng, num_resamples=num_resamples),
            is_best=bool(best[index]),
            is_reachable=bool(reachable[index]),
            num_prompts=len(shared),
        )
        for index, one in enumerate(places)
    )


def pareto(costs: Float[np.ndarray, " n"], scores: Float[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    """Find the points that no other beats.

    One point beats another that costs at least as much and scores at most as high, if it is better in one of the
    two; equal points do not beat each other.
    """
    no_dearer, no_worse = costs[:, None] <= costs, scores[:, None] >= scores
    better = (costs[:, None] < costs) | (scores[:, None] > scores)
    return ~np.any(no_dearer & no_worse & better, axis=0)


def _places(choices_of: Mapping[int, Sequence[Choice]], by: By) -> list[_Place]:
    arms = dict.fromkeys(one.arm for choices in choices_of.values() for one in choices)
    places: list[_Place] = []
    for arm in arms:
        for num_draws in sorted(choices_of):
            own = [one for one in choices_of[num_draws] if one.arm == arm]
            if not any(one.num_draws == num_draws for one in own):
                continue
            scores = {one.prompt_id: one.value if by == "value" else one.draw.held_out for one in own}
            places.append(
                _Place(
                    arm=arm,
                    num_draws=num_draws,
                    costs={one.prompt_id: one.spent.cost for one in own},
                    scores={prompt: score for prompt, score in scores.items() if score is not None},
                )
            )
    return places
