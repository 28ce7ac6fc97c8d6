"""What each arm answers with: as many draws as a budget lets it, and the best-scored of them.

What an arm cannot pay it does not answer, and what no judge scored is not an answer to compare: both are counted
and never scored 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from net4moe.study.quality.records import Choice, Spent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from net4moe.study.quality.records import Draw, Resource

__all__ = ["Chosen", "Missing", "by_num_draws", "chosen", "spent_by"]

_ROUNDING = 1e-9

Why: TypeAlias = Literal["unanswered", "unscored"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A prompt that an arm has no scored answer to.

    Attributes:
      prompt_id: which prompt.
      arm: key of the arm.
      why: unanswered, where the first draw did not fit the budget or there is none; unscored, where no draw that
        fitted has a score.
    """

    prompt_id: str
    arm: str
    why: Why


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What all arms answer with: for each prompt and arm either a choice or what is missing.

    Attributes:
      choices: the answers, prompt by prompt.
      missing: where there is none.
    """

    choices: tuple[Choice, ...]
    missing: tuple[Missing, ...]


def chosen(
    draws: Sequence[Draw],
    *,
    budget_of: Mapping[str, float] | None = None,
    resource: Resource | None = None,
    at_most: int | None = None,
) -> Chosen:
    """Choose what each arm answers each prompt with.

    Draws are used in order, until the next one does not fit. The first of equally scored ones is kept.

    Args:
      draws: of all arms for all prompts, in any order; prompts and arms keep the order in which they first come.
      budget_of: how much of the resource an arm may spend, for each prompt by its id, usually what `spent_by`
        says of ours; None for the natural budget, which is all of an arm's own draws.
      resource: what the budget is of; None without one.
      at_most: how many draws an arm may use at most; None for all of its own.
    """
    if (budget_of is None) != (resource is None):
        message = f"A budget needs its resource, and a resource its budget, got `resource` {resource}."
        raise ValueError(message)
    if at_most is not None and at_most < 1:
        message = f"`at_most` must be at least 1, got {at_most}."
        raise ValueError(message)
    by_place, arms = _by_place(draws), dict.fromkeys(draw.arm for draw in draws)
    choices: list[Choice] = []
    missing: list[Missing] = []
    for prompt_id in dict.fromkeys(draw.prompt_id for draw in draws):
        for arm in arms:
            own = by_place.get((prompt_id, arm), [])[:at_most]
            if budget_of is not None and resource is not None:
                own = _fitting(own, _budget(budget_of, prompt_id), resource)
            one = _choice(prompt_id, arm, own)
            if isinstance(one, Choice):
                choices.append(one)
            else:
                missing.append(one)
    return Chosen(choices=tuple(choices), missing=tuple(missing))


def spent_by(draws: Sequence[Draw], *, arm: str, resource: Resource) -> dict[str, float]:
    """Add up what an arm's own draws took of a resource, for each prompt.

    Returns:
      One number for each prompt of any arm, 0 where this one drew nothing.
    """
    by_place = _by_place(draws)
    return {draw.prompt_id: Spent.on(by_place.get((draw.prompt_id, arm), [])).of(resource) for draw in draws}


def by_num_draws(draws: Sequence[Draw]) -> dict[int, tuple[Choice, ...]]:
    """Choose with one draw, with two, and so on to the most that any arm has: what a frontier is made of."""
    most = max((len(own) for own in _by_place(draws).values()), default=0)
    return {count: chosen(draws, at_most=count).choices for count in range(1, most + 1)}


def _by_place(draws: Sequence[Draw]) -> dict[tuple[str, str], list[Draw]]:
    """Sort the draws of each prompt and arm by their number."""
    places: dict[tuple[str, str], list[Draw]] = {}
    for draw in draws:
        places.setdefault((draw.prompt_id, draw.arm), []).append(draw)
    for (prompt_id, arm), own in places.items():
        own.sort(key=lambda draw: draw.number)
        if len({draw.number for draw in own}) < len(own):
            numbers = ", ".join(str(draw.number) for draw in own)
            message = f"Draws of '{arm}' for '{prompt_id}' must have different numbers, got {numbers}."
            raise ValueError(message)
    return places


def _budget(budget_of: Mapping[str, float], prompt_id: str) -> float:
    if prompt_id not in budget_of:
        message = f"Prompt '{prompt_id}' needs a budget."
        raise ValueError(message)
    budget = budget_of[prompt_id]
    if not budget >= 0.0:
        message = f"The budget for '{prompt_id}' must be at least 0, got {budget}."
        raise ValueError(message)
    return budget


def _fitting(own: list[Draw], budget: float, resource: Resource) -> list[Draw]:
    """Keep the draws that can be paid one after the other."""
    most = budget * (1.0 + _ROUNDING)
    count = 0
    while count < len(own) and Spent.on(own[: count + 1]).of(resource) <= most:
        count += 1
    return own[:count]


def _choice(prompt_id: str, arm: str, used: list[Draw]) -> Choice | Missing:
    if not used:
        return Missing(prompt_id=prompt_id, arm=arm, why="unanswered")
    scored = [(draw.value, -draw.number, draw) for draw in used if draw.value is not None]
    if not scored:
        return Missing(prompt_id=prompt_id, arm=arm, why="unscored")
    best = max(scored, key=lambda one: one[:2])[2]
    return Choice(prompt_id=prompt_id, arm=arm, draw=best, num_draws=len(used), spent=Spent.on(used))
