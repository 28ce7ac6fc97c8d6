"""Fitting the judge by likelihood to a model: one logistic curve for each quality of a text."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from net4moe.chat import ChatModel, ReadRequest, Token
from net4moe.chat.encoder import TextEncoder
from net4moe.errors import JudgeCheckError
from net4moe.mixture.judge_check.damage import Damage, damaged
from net4moe.mixture.judge_check.material import Material
from net4moe.mixture.judges.calibration import Calibration, Factor
from net4moe.mixture.judges.read_text import text_read
from net4moe.mixture.judges.signs import Signs, signs_of
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["FACTORS", "Shown", "calibrated", "fitted"]

_VERSION = "4"
_PENALTY = 1.0
_NUM_STEPS = 50
_MEDIAN_SCORE = 0.8
_SOUND_SHARE = 0.05
_SOUND_LOGIT = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    name: str
    signs: tuple[str, ...]
    damages: tuple[Damage, ...]
    power: float = 1.0
    is_forgiving: bool = True


FACTORS = (
    _Plan(name="fluent", signs=("fluency",), damages=("word salad",)),
    _Plan(name="varied", signs=("variety",), damages=("repetition",)),
    _Plan(name="to the subject", signs=("topic",), damages=("off-topic", "constant answer"), power=3.0),
    _Plan(name="finished", signs=("ending",), damages=("truncation",)),
    _Plan(name="coherent", signs=("flow",), damages=("mixed texts",)),
    _Plan(
        name="complete",
        signs=("least_words", "least_part"),
        damages=("missing subtask",),
        is_forgiving=False,
    ),
)
"""Which signs tell which damage; a text on another subject is of no use, so that quality counts thrice.

A forgiving quality costs points only where a text falls below what good ones show: its curve is moved so that one
in twenty of them lies below 0.82. What one good text has more of than another is left to the last quality.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The signs of one text.

    Attributes:
      prompt_id: the prompt of the text it comes from.
      damage: what was done to it; empty for a good text.
      signs: what reading it shows.
    """

    prompt_id: str
    damage: str
    signs: Signs


async def calibrated(
    model: ChatModel,
    encoder: TextEncoder,
    material: Material,
    *,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Calibration:
    """Have a model read good and damaged texts, and fit the curves.

    Args:
      model: reads.
      encoder: compares.
      material: the texts that are kept for it.
      seed: of the damage.
      on_progress: told after each text.

    Raises:
      ChatError: the model could not be reached or refused.
      JudgeCheckError: it cannot read.
    """
    wanted = {damage for plan in FACTORS for damage in plan.damages}
    texts = [(sample, "", sample.text, sample.about) for sample in material.samples]
    texts += [
        (sample, one.damage, one.text, one.about)
        for sample in material.samples
        for one in damaged(sample, material, seed=seed)
        if one.damage in wanted
    ]
    done = 0

    async def read(request: ReadRequest) -> tuple[Token, ...]:
        tokens = (await model.reply(request)).read
        if not tokens:
            msg = f"model '{model.name}' told no log-probabilities of a text; it cannot be calibrated."
            raise JudgeCheckError(msg)
        return tokens

    async def shown(prompt_id: str, damage: str, text: str, about: str) -> Shown:
        nonlocal done
        found = await text_read(read, encoder.compare, text, about)
        done += 1
        if on_progress is not None:
            on_progress(done, len(texts))
        return Shown(prompt_id=prompt_id, damage=damage, signs=signs_of(found))

    found = await all_or_first_error(
        [shown(sample.prompt_id, damage, text, about) for sample, damage, text, about in texts]
    )
    return fitted(found, model=model.name)


def fitted(shown: Sequence[Shown], *, model: str) -> Calibration:
    """Fit the curves to signs.

    Each curve is a logistic regression of good texts against those with its damages, both sides of the same
    weight, with a penalty of half the squared weights. Its area is measured on each prompt by a fit to the others.
    """
    factors = tuple(_factor(plan, shown) for plan in FACTORS)
    good = [one.signs for one in shown if not one.damage]
    product = statistics.median(
        math.prod(factor.chance(signs) ** factor.power for factor in factors) for signs in good
    )
    return Calibration(
        model=model,
        version=_VERSION,
        num_texts=len(good),
        factors=factors,
        power=math.log(_MEDIAN_SCORE) / math.log(min(max(product, 1e-6), 1 - 1e-6)),
    )


def _factor(plan: _Plan, shown: Sequence[Shown]) -> Factor:
    rows = [one for one in shown if not one.damage or one.damage in plan.damages]
    values = np.array([[getattr(one.signs, name) for name in plan.signs] for one in rows], np.float64)
    means, deviations = np.nanmean(values, axis=0), np.nanstd(values, axis=0) + 1e-9
    standard = np.nan_to_num((values - means) / deviations)
    whole = np.array([not one.damage for one in rows], np.float64)
    prompts = np.array([one.prompt_id for one in rows])
    left_out = np.zeros(len(rows))
    for prompt in dict.fromkeys(prompts):
        others = prompts != prompt
        weights = _logistic(standard[others], whole[others])
        left_out[~others] = standard[~others] @ weights[:-1] + weights[-1]
    weights = _logistic(standard, whole)
    if plan.is_forgiving:
        sound = standard[whole == 1] @ weights[:-1]
        weights[-1] = _SOUND_LOGIT - float(np.quantile(sound, _SOUND_SHARE))
    return Factor(
        name=plan.name,
        damages=plan.damages,
        signs=plan.signs,
        means=tuple(means.tolist()),
        deviations=tuple(deviations.tolist()),
        weights=tuple(weights[:-1].tolist()),
        intercept=float(weights[-1]),
        power=plan.power,
        area=_area(left_out[whole == 1], left_out[whole == 0]),
    )


def _logistic(values: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit weights and, last, the intercept by Newton's method."""
    rows = np.column_stack([values, np.ones(len(values))])
    num_whole = float(whole.sum())
    of_whole, of_damaged = 0.5 / max(num_whole, 1.0), 0.5 / max(len(whole) - num_whole, 1.0)
    share: NDArray[np.float64] = len(whole) * np.where(whole == 1, of_whole, of_damaged)
    penalty = np.append(np.full(values.shape[1], _PENALTY), 1e-6)
    weights = np.zeros(rows.shape[1])
    for _ in range(_NUM_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(rows @ weights, -30, 30)))
        slope = rows.T @ (share * (chance - whole)) + penalty * weights
        curvature = (rows.T * (share * chance * (1 - chance))) @ rows + np.diag(penalty)
        weights = weights - np.linalg.solve(curvature, slope)
    return weights


def _area(good: NDArray[np.float64], bad: NDArray[np.float64]) -> float:
    return float(((good[:, None] > bad) + 0.5 * (good[:, None] == bad)).mean())
