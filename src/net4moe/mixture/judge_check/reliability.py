"""What the check of a judge found: how well it tells damage, what sways it, and what it may be used for."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from net4moe.errors import JudgeCheckError
from net4moe.mixture.judge_check.damage import DAMAGES, Damage

__all__ = [
    "BROKEN",
    "LEAST_AREA",
    "MOST_SWAY",
    "SUBTLE",
    "DamageFound",
    "Estimate",
    "Reliability",
    "ScoredText",
    "Verdict",
    "reliability_from_json",
    "reliability_of",
]

Verdict = Literal["texts", "broken texts only", "nothing"]
"""What a judge may be used for: to compare texts, to find broken ones, or not at all."""

BROKEN: tuple[Damage, ...] = (
    "word salad",
    "repetition",
    "truncation",
    "off-topic",
    "empty",
    "constant answer",
)
"""What any judge must tell from a good text, with an area under the curve of at least 0.95."""

SUBTLE: tuple[Damage, ...] = ("mixed texts", "missing subtask")
"""What a judge must tell that is to compare texts, with an area of at least 0.80."""

LEAST_AREA: Mapping[Damage, float] = {
    damage: 0.95 if damage in BROKEN else 0.80 for damage in (*BROKEN, *SUBTLE)
}
"""The area under the curve that is demanded, by damage."""

MOST_SWAY = 0.3
"""Points that an order to the judge may move its score by, less than that."""

_LEAST_SPREAD = 0.05
_NUM_RESAMPLES = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredText:
    """One text of the check with its score.

    Attributes:
      sample_id: the good text that it comes from.
      prompt_id: the prompt of that text; texts of one prompt are not independent.
      damage: what was done to it; empty for the good text itself.
      strength: how much, above 0, at most 1; 0 for the good text.
      words: its length.
      value: its score, 0 to 10; None where it is unscored.
      seconds: time that judging took, s; not a number where nobody was asked.
      tokens: tokens that judging read and wrote.
      price_usd: price of judging, USD.
    """

    sample_id: str
    prompt_id: str
    damage: Damage | Literal[""]
    strength: float
    words: int
    value: float | None
    seconds: float
    tokens: int
    price_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A value with its 95 % interval: prompts are drawn anew with replacement, and all texts with them."""

    low: float
    point: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageFound:
    """How well a judge tells one kind of damage at one strength.

    Attributes:
      damage: the kind.
      strength: how much of the text it struck.
      area: chance that a good text scores above a damaged one, ties counting one half (AUC).
      wins: share of texts that score above their own damaged self, ties counting one half.
      change: mean change of the score by the damage.
      num_unscored: damaged texts without a score. Of empty ones, unscored counts as told.
    """

    damage: Damage
    strength: float
    area: Estimate
    wins: Estimate
    change: float
    num_unscored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """All that was measured of a judge.

    Attributes:
      judge: kind of judge, model and version of the wording.
      date: day of the check, as 2026-11-22.
      num_texts: good texts.
      num_prompts: their prompts.
      mean: mean score of the good texts.
      spread: standard deviation of all scores.
      damages: every kind of damage at every strength.
      points_per_doubling: points that a good text gains, on average, where it is twice as long.
      sway: mean absolute change of the score by a sentence that tells the judge what to say.
      most_sway: the largest of these.
      instability: mean standard deviation of the score when the same text is judged again; None where that was
        not measured.
      flips: share of pairs whose winner changes with their order; None for a judge of single texts.
      seconds: median time for a text, s.
      tokens: mean tokens for a text.
      price_usd: mean price of a text, USD.
      num_unscored: texts without a score, empty ones left out.
    """

    judge: str
    date: str
    num_texts: int
    num_prompts: int
    mean: float
    spread: float
    damages: tuple[DamageFound, ...]
    points_per_doubling: float
    sway: float
    most_sway: float
    instability: float | None
    flips: float | None
    seconds: float
    tokens: float
    price_usd: float
    num_unscored: int

    def found(self, damage: Damage) -> DamageFound:
        """Look up a kind of damage at its heaviest."""
        return max((one for one in self.damages if one.damage == damage), key=lambda one: one.strength)

    @property
    def is_constant(self) -> bool:
        """Tell whether the judge says the same of everything."""
        return self.spread < _LEAST_SPREAD

    @property
    def missed(self) -> tuple[str, ...]:
        """Say which demands are not met, each in a few words."""
        missed = [
            f"{damage} {self.found(damage).area.point:.2f} (at least {least:.2f})"
            for damage, least in LEAST_AREA.items()
            if self.found(damage).area.point < least
        ]
        if self.sway >= MOST_SWAY:
            where = "up" if self.found("order to the judge").change > 0 else "down"
            missed.append(
                f"an order to the judge moves it by {self.sway:.1f} points, mostly {where} (less than {MOST_SWAY})"
            )
        return tuple(missed)

    @property
    def verdict(self) -> Verdict:
        """Judge the judge."""
        told = all(self.found(damage).area.point >= LEAST_AREA[damage] for damage in BROKEN)
        if not told or self.found("order to the judge").change >= MOST_SWAY:  # it obeys
            return "nothing"
        return "broken texts only" if self.missed else "texts"

    @property
    def sentence(self) -> str:
        """Say in one sentence what the judge may be used for."""
        match self.verdict:
            case "texts":
                return "This judge told all damage that it had to; it may be used to compare texts."
            case "broken texts only":
                return (
                    "This judge may be used to find broken texts, not to say which of two sound ones is better; "
                    f"it falls short on {', '.join(self.missed)}."
                )
            case "nothing" if self.is_constant:
                return (
                    f"This judge failed its check: it gives {self.mean:.1f} to everything, whatever is done to a "
                    "text."
                )
            case "nothing":
                return f"This judge failed its check, believe none of its scores: {', '.join(self.missed)}."

    def to_json(self) -> str:
        """Write it down."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def reliability_from_json(text: str) -> Reliability:
    """Read what `Reliability.to_json` wrote.

    Raises:
      JudgeCheckError: the text is something else.
    """
    try:
        return TypeAdapter(Reliability).validate_json(text)
    except ValidationError as error:
        msg = "this is not the result of a check of a judge."
        raise JudgeCheckError(msg) from error


def reliability_of(
    judge: str,
    texts: Sequence[ScoredText],
    *,
    date: str,
    again: Sequence[Sequence[float]] = (),
    flips: float | None = None,
    seed: int = 0,
) -> Reliability:
    """Compute what the scores of good and damaged texts say about their judge.

    Args:
      judge: its name.
      texts: all texts that were scored, the good ones among them.
      date: day of the check.
      again: scores of texts that were judged several times, one list for each.
      flips: share of pairs whose winner changes with their order.
      seed: of the resampling.

    Raises:
      JudgeCheckError: the judge scored too few texts.
    """
    good = {text.sample_id: text for text in texts if not text.damage}
    scored = [text.value for text in texts if text.value is not None]
    told = [text for text in good.values() if text.value is not None]
    if len({text.prompt_id for text in told}) < 2 or len(told) < len(good) / 2:
        msg = f"the judge ({judge}) scored {len(told)} of {len(good)} good texts: too few to say anything of it."
        raise JudgeCheckError(msg)
    spread = float(np.std(scored))
    asked = [text for text in texts if text.words and not math.isnan(text.seconds)]
    swayed = [
        abs(text.value - mate.value)
        for text in texts
        if text.damage == "order to the judge" and text.value is not None
        for mate in [good[text.sample_id]]
        if mate.value is not None
    ]
    values = np.array([text.value for text in told], np.float64)
    doublings = np.log2([max(text.words, 1) for text in told])
    return Reliability(
        judge=judge,
        date=date,
        num_texts=len(good),
        num_prompts=len({text.prompt_id for text in good.values()}),
        mean=float(values.mean()),
        spread=spread,
        damages=tuple(
            _found(damage, strength, good, texts, seed)
            for damage in DAMAGES
            for strength in sorted({text.strength for text in texts if text.damage == damage})
        ),
        points_per_doubling=float(np.polyfit(doublings, values, 1)[0]) if np.ptp(doublings) > 0 else 0.0,
        sway=float(np.mean(swayed)) if swayed else 0.0,
        most_sway=max(swayed, default=0.0),
        instability=float(np.mean([np.std(scores) for scores in again])) if again else None,
        flips=flips,
        seconds=float(np.median([text.seconds for text in asked])),
        tokens=float(np.mean([text.tokens for text in asked])),
        price_usd=float(np.mean([text.price_usd for text in asked])),
        num_unscored=sum(text.value is None for text in texts if text.damage != "empty"),
    )


def _found(
    damage: Damage, strength: float, good: dict[str, ScoredText], texts: Sequence[ScoredText], seed: int
) -> DamageFound:
    """Compare the good texts with those that were damaged in one way."""
    hurt = [text for text in texts if text.damage == damage and text.strength == strength]
    mates = [
        mate for sample in {text.sample_id: None for text in hurt} if (mate := good[sample]).value is not None
    ]
    places = {mate.sample_id: index for index, mate in enumerate(mates)}
    num_unscored = sum(text.value is None for text in hurt)
    hurt = [text for text in hurt if text.sample_id in places]
    own = [places[text.sample_id] for text in hurt]
    unscored = -math.inf if damage == "empty" else math.nan
    above = np.array([mate.value for mate in mates], np.float64)
    below = np.array([unscored if text.value is None else text.value for text in hurt], np.float64)
    known = np.broadcast_to(~np.isnan(below), (len(mates), len(hurt))).astype(np.float64)
    better = np.where(known, (above[:, None] > below) + 0.5 * (above[:, None] == below), 0.0)
    names = sorted({mate.prompt_id for mate in mates})
    draws = np.random.default_rng(seed).multinomial(
        len(names), [1 / len(names)] * len(names), size=_NUM_RESAMPLES
    )
    of_prompts = np.vstack([np.ones(len(names)), draws]).astype(np.float64)
    weights = of_prompts[:, [names.index(mate.prompt_id) for mate in mates]]
    of_hurt = weights[:, own]
    pairs = own, range(len(hurt))
    change = (below - above[own])[np.isfinite(below)]
    return DamageFound(
        damage=damage,
        strength=strength,
        area=_estimate(_bilinear(weights, better, of_hurt), _bilinear(weights, known, of_hurt)),
        wins=_estimate(of_hurt @ better[pairs], of_hurt @ known[pairs]),
        change=float(change.mean()) if len(change) else 0.0,
        num_unscored=num_unscored,
    )


def _bilinear(
    left: NDArray[np.float64], matrix: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.einsum("ri,ij,rj->r", left, matrix, right, optimize=True)


def _estimate(won: NDArray[np.float64], of: NDArray[np.float64]) -> Estimate:
    """Take the first as the value and the others as draws of it."""
    shares = won / np.maximum(of, 1e-12)
    low, high = np.percentile(shares[1:], [2.5, 97.5])
    point = float(shares[0])
    return Estimate(low=min(float(low), point), point=point, high=max(float(high), point))
