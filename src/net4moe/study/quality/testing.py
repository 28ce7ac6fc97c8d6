"""How far arms lie apart on the same prompts: bootstrap, permutation, corrections, effect sizes, and length.

Everything is paired by prompt and about means over prompts; intervals are percentiles of at least 10,000
resamples of the prompts. The one judge that chooses the best of several draws and scores it flatters arms with
many draws: `by="held_out"` holds them against each other by the judge that chose nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from net4moe.study.quality.records import ArmResult, LengthControl, PairResult
from net4moe.study.score_statistics import holm, sign_test
from net4moe.study.statistics import NUM_RESAMPLES, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float, Int

    from net4moe.study.quality.choosing import Chosen
    from net4moe.study.quality.records import Arm, Choice

__all__ = [
    "TIE",
    "By",
    "arm_results",
    "cohen_dz",
    "holm",
    "length_controlled",
    "mean_interval",
    "pair_results",
    "paired_bootstrap",
    "sign_flip_test",
    "wins_ties_losses",
]

TIE = 0.1
"""Points from which on one text counts as better than another."""

By: TypeAlias = Literal["value", "held_out"]
"""Whose score: that of the judge, or that of the judge which is used for nothing else."""

_PERCENTILES = (2.5, 97.5)
_ROUNDING = 1e-12
_DECIMALS = 9


def mean_interval(
    values: Float[np.ndarray, " prompts"], rng: np.random.Generator, *, num_resamples: int = NUM_RESAMPLES
) -> Interval:
    """Estimate a mean over prompts with its percentile bootstrap interval; one prompt has none."""
    values = _checked(values)
    drawn = values[_resamples(len(values), rng, num_resamples)].mean(axis=1)
    return _interval(float(values.mean()), drawn)


def paired_bootstrap(
    ours: Float[np.ndarray, " prompts"],
    theirs: Float[np.ndarray, " prompts"],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval:
    """Estimate how far ours is above theirs on average, prompt by prompt.

    Args:
      ours: our scores.
      theirs: scores on the same prompts in the same order.
      rng: where the resamples come from.
      num_resamples: how many, at least 10,000.
    """
    ours, theirs = _checked(ours), _checked(theirs)
    if ours.shape != theirs.shape:
        message = f"Paired scores need the same prompts, got {len(ours)} and {len(theirs)}."
        raise ValueError(message)
    return mean_interval(ours - theirs, rng, num_resamples=num_resamples)


def sign_flip_test(
    differences: Float[np.ndarray, " prompts"],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> float:
    """Compute how likely a mean as far from 0 is where the sign of each difference is a coin toss.

    Fisher's randomisation test for pairs, two-sided. Prompts without a difference have no sign and are left out,
    which changes no probability: `score_statistics.sign_test` then goes through all signs for up to 12 prompts,
    and draws for more, what was seen counted as one draw.

    Returns:
      The p-value; 1 where no prompt differs.
    """
    differences = _checked(differences)
    differing = differences[differences != 0.0]
    return sign_test(differing, rng, num_resamples=num_resamples) if differing.size else 1.0


def cohen_dz(
    differences: Float[np.ndarray, " prompts"],
    rng: np.random.Generator,
    *,
    num_resamples: int = NUM_RESAMPLES,
) -> Interval | None:
    """Estimate Cohen's effect size for pairs, mean over standard deviation of the differences.

        d_z = mean(x) / s(x)        s with n - 1

    A resample in which all prompts differ alike has no effect size and is left out.

    Returns:
      The effect with its percentile bootstrap interval; None where the differences have no spread.
    """
    differences = _checked(differences)
    point = _dz(differences[None])[0]
    if np.isnan(point) or not np.any(differences != differences[0]):
        return None
    drawn = _dz(differences[_resamples(len(differences), rng, num_resamples)])
    return _interval(float(point), drawn[~np.isnan(drawn)])


def wins_ties_losses(differences: Float[np.ndarray, " prompts"], *, tie: float = TIE) -> tuple[int, int, int]:
    """Count prompts on which ours is better, about equal, and worse.

    Args:
      differences: ours minus theirs.
      tie: from how many points on one is better; rounding errors of a billionth do not count.
    """
    rounded = np.round(_checked(differences), _DECIMALS)
    wins, losses = int(np.sum(rounded >= tie)), int(np.sum(rounded <= -tie))
    return wins, len(rounded) - wins - losses, losses


def length_controlled(
    choices: Sequence[Choice], rng: np.random.Generator, *, num_resamples: int = NUM_RESAMPLES
) -> LengthControl:
    """Estimate what each arm would score if all texts were equally long.

    One regression over all choices, a level for each prompt p, one for each arm a, and one slope:

        y_pa = alpha_p + beta_a + gamma log2(words_pa)

    so that the slope is that of longer texts of the same arm for the same prompt. An arm's mean is read at the
    mean of log2(words) over all choices, on all prompts. Where lengths follow from prompt and arm alone there is
    nothing to control by, and the slope is 0. Prompts are resampled whole.

    Args:
      choices: at most one for each prompt and arm; an empty text counts as one word.
      rng: where the resamples come from.
      num_resamples: how many, at least 10,000.

    Returns:
      The means in the order in which the arms first come.
    """
    arms = list(dict.fromkeys(choice.arm for choice in choices))
    prompts = list(dict.fromkeys(choice.prompt_id for choice in choices))
    places = Counter((choice.prompt_id, choice.arm) for choice in choices)
    if not places or max(places.values()) > 1:
        message = "Length needs at least 1 choice, and at most 1 of each arm for a prompt."
        raise ValueError(message)
    scores, lengths = (np.full((len(prompts), len(arms)), np.nan) for _ in range(2))
    for choice in choices:
        place = prompts.index(choice.prompt_id), arms.index(choice.arm)
        scores[place], lengths[place] = choice.value, np.log2(max(choice.draw.words, 1))
    common = float(np.nanmean(lengths))
    drawn = _resamples(len(prompts), rng, num_resamples)
    counts = np.stack([np.sum(drawn == prompt, axis=1) for prompt in range(len(prompts))], axis=1)
    everyone = np.ones((1, len(prompts)))
    slopes, means = _regressed(scores, lengths - common, np.concatenate([everyone, counts]))
    return LengthControl(
        words=2.0**common,
        per_doubling=_interval(float(slopes[0]), slopes[1:]),
        means=tuple(
            (arm, _interval(float(column[0]), column[1:][~np.isnan(column[1:])]))
            for arm, column in zip(arms, means.T, strict=True)
        ),
    )


def arm_results(
    arms: Sequence[Arm], chosen: Chosen, rng: np.random.Generator, *, num_resamples: int = NUM_RESAMPLES
) -> tuple[ArmResult, ...]:
    """Average what each arm scored and took.

    Args:
      arms: in the order of the table.
      chosen: what they answer with.
      rng: where the resamples come from.
      num_resamples: how many, at least 10,000.
    """
    controlled: dict[str, Interval] = {}
    if chosen.choices:
        controlled = dict(length_controlled(chosen.choices, rng, num_resamples=num_resamples).means)
    missing = Counter((one.arm, one.why) for one in chosen.missing)
    results: list[ArmResult] = []
    for arm in arms:
        own = [choice for choice in chosen.choices if choice.arm == arm.key]
        held_out = [one.draw.held_out for one in own if one.draw.held_out is not None]
        results.append(
            ArmResult(
                arm=arm.key,
                mean=_mean_or_none([one.value for one in own], rng, num_resamples),
                held_out=_mean_or_none(held_out, rng, num_resamples),
                length_controlled=controlled.get(arm.key),
                words=_mean_or_0([one.draw.words for one in own]),
                calls=_mean_or_0([one.spent.calls for one in own]),
                tokens=_mean_or_0([one.spent.tokens for one in own]),
                joules=_mean_or_0([one.spent.joules for one in own]),
                air_s=_mean_or_0([one.spent.air_s for one in own]),
                cost=_mean_or_0([one.spent.cost for one in own]),
                reward=_mean_or_0([one.reward for one in own]) if own else None,
                num_answered=len(own),
                num_unanswered=missing[arm.key, "unanswered"],
                num_unscored=missing[arm.key, "unscored"],
            )
        )
    return tuple(results)


def pair_results(
    arms: Sequence[Arm],
    chosen: Chosen,
    rng: np.random.Generator,
    *,
    ours: str,
    by: By = "value",
    num_resamples: int = NUM_RESAMPLES,
) -> tuple[PairResult, ...]:
    """Hold ours against each other arm on the prompts that both answered.

    Args:
      arms: in the order of the table, ours among them.
      chosen: what they answer with.
      rng: where resamples and signs come from.
      ours: key of our arm.
      by: whose scores.
      num_resamples: how many, at least 10,000.

    Returns:
      One for each arm that shares a prompt with ours; Holm's correction is over these.
    """
    num_prompts = len({one.prompt_id for one in (*chosen.choices, *chosen.missing)})
    scores = {arm.key: _scores(chosen.choices, arm.key, by) for arm in arms}
    if ours not in scores:
        message = f"`ours` must be one of {', '.join(scores)}, got '{ours}'."
        raise ValueError(message)
    shared = {
        key: [prompt for prompt in scores[ours] if prompt in theirs]
        for key, theirs in scores.items()
        if key != ours
    }
    compared: list[tuple[str, np.ndarray, np.ndarray]] = [
        (
            key,
            np.array([scores[ours][prompt] for prompt in prompts]),
            np.array([scores[key][prompt] for prompt in prompts]),
        )
        for key, prompts in shared.items()
        if prompts
    ]
    p_values = [
        sign_flip_test(mine - theirs, rng, num_resamples=num_resamples) for _, mine, theirs in compared
    ]
    pairs: list[PairResult] = []
    for (key, mine, theirs), p_value, p_holm in zip(compared, p_values, holm(p_values), strict=True):
        wins, ties, losses = wins_ties_losses(mine - theirs)
        pairs.append(
            PairResult(
                arm=key,
                difference=paired_bootstrap(mine, theirs, rng, num_resamples=num_resamples),
                p_value=p_value,
                p_holm=p_holm,
                effect=cohen_dz(mine - theirs, rng, num_resamples=num_resamples),
                wins=wins,
                ties=ties,
                losses=losses,
                num_prompts=len(mine),
                num_left_out=num_prompts - len(mine),
            )
        )
    return tuple(pairs)


def _scores(choices: Sequence[Choice], arm: str, by: By) -> dict[str, float]:
    """Map prompts to an arm's scores, in the order of the prompts."""
    own = {
        one.prompt_id: one.value if by == "value" else one.draw.held_out for one in choices if one.arm == arm
    }
    return {prompt: score for prompt, score in own.items() if score is not None}


def _regressed(
    scores: Float[np.ndarray, "P A"], lengths: Float[np.ndarray, "P A"], weights: Float[np.ndarray, "R P"]
) -> tuple[Float[np.ndarray, " R"], Float[np.ndarray, "R A"]]:
    """Fit prompt levels, arm levels and one slope by weighted least squares, for each row of weights.

    Prompt levels go out by centring within prompts. Arm levels, which then hold but for a constant, are made to
    add up to 0, and go out of scores and lengths before the slope is taken (Frisch, Waugh and Lovell).

    Returns:
      Slopes, and means of the arms over the prompts at length 0; NaN for an arm without a prompt of weight.
    """
    here = ~np.isnan(scores)
    per_prompt = here.sum(axis=1, keepdims=True)
    y, x = (np.where(here, values, 0.0) for values in (scores, lengths))
    y_level, x_level = (values.sum(axis=1, keepdims=True) / per_prompt for values in (y, x))
    y, x = np.where(here, y - y_level, 0.0), np.where(here, x - x_level, 0.0)
    indicators = here[:, :, None] * (np.eye(here.shape[1]) - here[:, None, :] / per_prompt[:, :, None])
    gram = np.einsum("rp,pab->rab", weights, indicators) + 1.0 / here.shape[1]
    totals = np.stack([weights @ y, weights @ x], axis=-1)
    arms_y, arms_x = np.moveaxis(np.linalg.pinv(gram, rcond=1e-10, hermitian=True) @ totals, -1, 0)
    x_x = weights @ (x * x).sum(axis=1)
    left_x = x_x - np.sum(totals[..., 1] * arms_x, axis=-1)
    left_xy = weights @ (x * y).sum(axis=1) - np.sum(totals[..., 1] * arms_y, axis=-1)
    can_tell = left_x > 1e-9 * np.maximum(x_x, 1e-9)
    slopes = np.where(can_tell, left_xy / np.where(can_tell, left_x, 1.0), 0.0)
    arms = arms_y - slopes[:, None] * arms_x
    own_mean = (arms @ here.T) / per_prompt[:, 0]
    prompts = y_level[:, 0] - own_mean - slopes[:, None] * x_level[:, 0]
    level = np.sum(weights * prompts, axis=1) / weights.sum(axis=1)
    return slopes, np.where(weights @ here > 0.0, arms + level[:, None], np.nan)


def _dz(rows: Float[np.ndarray, "R n"]) -> Float[np.ndarray, " R"]:
    """Compute d_z of each row: 0 where all is 0, NaN where all differ alike."""
    if rows.shape[1] < 2:
        return np.full(len(rows), np.nan)
    means, spreads = rows.mean(axis=1), rows.std(axis=1, ddof=1)
    size = np.abs(rows).max(axis=1)
    has_spread = spreads > _ROUNDING * size
    alike = np.where(size > 0.0, np.nan, 0.0)
    return np.where(has_spread, means / np.where(has_spread, spreads, 1.0), alike)


def _mean_or_none(values: Sequence[float], rng: np.random.Generator, num_resamples: int) -> Interval | None:
    return mean_interval(np.array(values), rng, num_resamples=num_resamples) if values else None


def _mean_or_0(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _interval(point: float, drawn: Float[np.ndarray, " resamples"]) -> Interval:
    low, high = np.percentile(drawn, _PERCENTILES)
    return Interval(low=float(low), point=point, high=float(high))


def _resamples(
    num_prompts: int, rng: np.random.Generator, num_resamples: int
) -> Int[np.ndarray, "resamples prompts"]:
    if num_resamples < NUM_RESAMPLES:
        message = f"`num_resamples` must be at least {NUM_RESAMPLES}, got {num_resamples}."
        raise ValueError(message)
    return rng.integers(num_prompts, size=(num_resamples, num_prompts))


def _checked(values: Float[np.ndarray, " prompts"]) -> Float[np.ndarray, " prompts"]:
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or values.size == 0 or not np.all(np.isfinite(values)):
        message = f"Scores must be one row of at least 1 finite number, got {values.tolist()}."
        raise ValueError(message)
    return values
