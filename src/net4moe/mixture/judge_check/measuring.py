"""Having a judge score the texts of the check."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from net4moe.errors import JudgeCheckError
from net4moe.mixture.judge import Judge, score_one
from net4moe.mixture.judge_check.damage import Damaged, damaged
from net4moe.mixture.judge_check.material import Material, Sample
from net4moe.mixture.judge_check.reliability import Reliability, ScoredText, reliability_of
from net4moe.mixture.judges import Comparison
from net4moe.mixture.records import Kind, Score, count_words
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["CheckPlan", "checked"]

_EVEN = 5.0

OnProgress = Callable[[int, int], None]
"""Called with the texts that are judged, and their number in all."""


@runtime_checkable
class Comparing(Protocol):
    """A judge that looks at two texts at a time."""

    async def compare(self, first: str, second: str, *, about: str, kind: Kind) -> Comparison:
        """Say which of two texts is better, in both orders."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPlan:
    """How much is judged.

    Attributes:
      seed: of the damage and the resampling.
      num_texts: good texts, the first of each prompt before the second of any; all where None.
      num_again: good texts that are judged again, to see whether the score is stable.
      in_flight: texts judged at the same time.
    """

    seed: int = 0
    num_texts: int | None = None
    num_again: int = 6
    in_flight: int = 8

    def __post_init__(self) -> None:
        """Refuse a check that says nothing."""
        if self.num_texts is not None and self.num_texts < 2:
            msg = f"`num_texts` must be at least 2, got {self.num_texts}."
            raise ValueError(msg)
        for name, low in (("num_again", 0), ("in_flight", 1)):
            if getattr(self, name) < low:
                msg = f"`{name}` must be at least {low}, got {getattr(self, name)}."
                raise ValueError(msg)


async def checked(
    judge: Judge,
    material: Material,
    plan: CheckPlan,
    *,
    date: str,
    again: Judge | None = None,
    on_progress: OnProgress | None = None,
) -> Reliability:
    """Measure a judge.

    Args:
      judge: who is measured; a judge of pairs compares every damaged text with the good one.
      material: the texts.
      plan: how much.
      date: day of the check.
      again: the same judge where it answers anew instead of from a ledger; stability is measured with it.
      on_progress: told after each text.

    Raises:
      ChatError: the judge's model could not be reached or refused.
      JudgeCheckError: too few texts were scored.
    """
    samples = _chosen(material.samples, plan.num_texts)
    hurt = [(sample, damage) for sample in samples for damage in damaged(sample, material, seed=plan.seed)]
    steady = [] if isinstance(judge, Comparing) else samples[: plan.num_again]
    of = len(hurt) + (0 if isinstance(judge, Comparing) else len(samples) + 2 * len(steady))
    places = asyncio.Semaphore(plan.in_flight)
    tell = on_progress or _unwatched
    done = 0
    tell(0, of)

    def count() -> None:
        nonlocal done
        done += 1
        tell(done, of)

    async def of_text(text: str, about: str, kind: Kind, by: Judge) -> Score:
        async with places:
            score = await score_one(by, text, about=about, kind=kind)
        count()
        return score

    if isinstance(judge, Comparing):
        texts, flips = await _compared(judge, material, samples, hurt, places, count)
        return reliability_of(judge.name, texts, date=date, flips=flips, seed=plan.seed)
    scores = await all_or_first_error(
        [
            *(of_text(sample.text, sample.about, sample.kind, judge) for sample in samples),
            *(of_text(one.text, one.about, sample.kind, judge) for sample, one in hurt),
        ]
    )
    texts = [_scored_text(sample, None, score) for sample, score in zip(samples, scores, strict=False)]
    texts += [
        _scored_text(sample, one, score)
        for (sample, one), score in zip(hurt, scores[len(samples) :], strict=True)
    ]
    repeated = await all_or_first_error(
        [of_text(one.text, one.about, one.kind, again or judge) for one in steady for _ in range(2)]
    )
    values = [score.value for score in repeated]
    pairs = [
        [a, b] for a, b in zip(values[::2], values[1::2], strict=True) if a is not None and b is not None
    ]
    return reliability_of(judge.name, texts, date=date, again=pairs, seed=plan.seed)


async def _compared(
    judge: Comparing,
    material: Material,
    samples: Sequence[Sample],
    hurt: Sequence[tuple[Sample, Damaged]],
    places: asyncio.Semaphore,
    count: Callable[[], None],
) -> tuple[list[ScoredText], float]:
    """Score a damaged text by its share against the good one it comes from; a good text gets 5, against itself.

    A text under another prompt is compared with one that was written for that prompt.
    """
    proper = {sample.about: sample for sample in reversed(material.samples)}

    async def of_pair(sample: Sample, one: Damaged) -> Comparison:
        mate = sample if one.about == sample.about else proper[one.about]
        async with places:
            found = await judge.compare(mate.text, one.text, about=one.about, kind=sample.kind)
        count()
        return found

    found = await all_or_first_error([of_pair(sample, one) for sample, one in hurt])
    texts = [_text(sample, None, _EVEN, seconds=math.nan, tokens=0, price_usd=0.0) for sample in samples]
    for (sample, damage), one in zip(hurt, found, strict=True):
        value = None if one.share is None else 10.0 * (1.0 - one.share)
        tokens = one.tokens_read + one.tokens_written
        texts.append(
            _text(sample, damage, value, seconds=one.seconds, tokens=tokens, price_usd=one.price_usd)
        )
    flipped = [one.flipped for one in found if one.share is not None]
    if not flipped:
        msg = f"the judge gave none of {len(found)} comparisons: {found[0].unscored_reason}."
        raise JudgeCheckError(msg)
    return texts, sum(flipped) / len(flipped)


def _chosen(samples: Sequence[Sample], num_texts: int | None) -> list[Sample]:
    """Take texts of as many prompts as there are before a second one of any."""
    by_prompt: dict[str, list[Sample]] = {}
    for sample in samples:
        by_prompt.setdefault(sample.prompt_id, []).append(sample)
    ranked = sorted(samples, key=lambda sample: by_prompt[sample.prompt_id].index(sample))
    return ranked[:num_texts]


def _scored_text(sample: Sample, damage: Damaged | None, score: Score) -> ScoredText:
    tokens = score.tokens_read + score.tokens_written
    return _text(sample, damage, score.value, seconds=score.seconds, tokens=tokens, price_usd=score.price_usd)


def _text(
    sample: Sample,
    damage: Damaged | None,
    value: float | None,
    *,
    seconds: float,
    tokens: int,
    price_usd: float,
) -> ScoredText:
    return ScoredText(
        sample_id=sample.id,
        prompt_id=sample.prompt_id,
        damage=damage.damage if damage else "",
        strength=damage.strength if damage else 0.0,
        words=count_words(damage.text if damage else sample.text),
        value=value,
        seconds=seconds,
        tokens=tokens,
        price_usd=price_usd,
    )


def _unwatched(num_done: int, num_texts: int) -> None:
    """Take the progress that nobody watches."""
