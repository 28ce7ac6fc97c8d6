"""A panel of judges, and how far judges agree."""

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from net4moe.mixture.judge import Judge
from net4moe.mixture.records import Kind, Score
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["Agreement", "Panel", "agreement"]


class Panel:
    """Several judges who score the same texts; a score is the mean of those who gave one.

    Args:
      judges: the members, at least one.

    Raises:
      ValueError: there are none.
    """

    def __init__(self, judges: Sequence[Judge]) -> None:
        if not judges:
            msg = "`judges` must hold at least one judge, got none."
            raise ValueError(msg)
        self.judges = tuple(judges)
        self.name = f"panel of {len(judges)} ({'; '.join(judge.name for judge in judges)})"

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Ask all members at the same time; a text is unscored only where nobody scored it.

        Raises:
          ChatError: an endpoint refused in a way that no waiting helps.
        """
        calls = [judge.score(texts, about=about, kind=kind) for judge in self.judges]
        given = await all_or_first_error(calls)
        return tuple(self._mean(scores) for scores in zip(*given, strict=True))

    def _mean(self, scores: Sequence[Score]) -> Score:
        values = [score.value for score in scores if score.value is not None]
        reasons = tuple(dict.fromkeys(f"{score.judge}: {score.unscored_reason}" for score in scores))
        return Score(
            value=statistics.fmean(values) if values else None,
            unscored_reason="" if values else "; ".join(reasons),
            judge=self.name,
            price_usd=sum(score.price_usd for score in scores),
            reasons=tuple(_reason(score) for score in scores),
            tokens_read=sum(score.tokens_read for score in scores),
            tokens_written=sum(score.tokens_written for score in scores),
            seconds=sum(score.seconds for score in scores),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far judges agree on the same texts.

    Attributes:
      spearman: mean rank correlation over pairs of judges, -1 to 1; None where none has one.
      alpha: Krippendorff's alpha for interval data, 1 for the same scores, 0 for chance; None where all
        scores are the same, so that nothing was told apart.
      num_pairs: pairs of judges with a rank correlation; a judge who says the same of everything has none.
      num_judges: judges.
      num_texts: texts.
    """

    spearman: float | None
    alpha: float | None
    num_pairs: int
    num_judges: int
    num_texts: int


def agreement(scores: Sequence[Sequence[float]]) -> Agreement:
    """Measure how far judges agree.

    Spearman's rho is the correlation of ranks, equal scores sharing their mean rank. Krippendorff's alpha
    for interval data is

        alpha = 1 - D_o / D_e

    with D_o the mean squared difference between two scores of one text, and D_e that between any two scores.

    Args:
      scores: for each judge, at least two, a score of each text, at least two, in the same order.

    Raises:
      ValueError: too few judges or texts, judges with different numbers of texts, or a score that is no number.
    """
    num_texts = _checked_texts(scores)
    found = [_correlation(_ranks(a), _ranks(b)) for a, b in itertools.combinations(scores, 2)]
    known = [value for value in found if value is not None]
    return Agreement(
        spearman=statistics.fmean(known) if known else None,
        alpha=_alpha(scores),
        num_pairs=len(known),
        num_judges=len(scores),
        num_texts=num_texts,
    )


def _reason(score: Score) -> str:
    return f"{score.judge}: {'unscored' if score.value is None else format(score.value, '.2f')}"


def _checked_texts(scores: Sequence[Sequence[float]]) -> int:
    if len(scores) < 2:
        msg = f"agreement needs at least two judges, got {len(scores)}."
        raise ValueError(msg)
    lengths = [len(row) for row in scores]
    if len(set(lengths)) > 1:
        msg = f"every judge must score the same texts, got {', '.join(map(str, lengths))} scores."
        raise ValueError(msg)
    if lengths[0] < 2:
        msg = f"agreement needs at least two texts, got {lengths[0]}."
        raise ValueError(msg)
    for value in itertools.chain.from_iterable(scores):
        if not math.isfinite(value):
            msg = f"every score must be a number, got {value}; leave out texts that a judge did not score."
            raise ValueError(msg)
    return lengths[0]


def _ranks(values: Sequence[float]) -> list[float]:
    """Rank values from 1; equal ones share their mean rank."""
    ordered = sorted(values)
    places: dict[float, list[int]] = {}
    for place, value in enumerate(ordered, start=1):
        places.setdefault(value, []).append(place)
    return [statistics.fmean(places[value]) for value in values]


def _correlation(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Correlate two rows of ranks; None where one of them is all ties."""
    if len(set(a)) == 1 or len(set(b)) == 1:
        return None
    return statistics.correlation(a, b)


def _alpha(scores: Sequence[Sequence[float]]) -> float | None:
    everything = list(itertools.chain.from_iterable(scores))
    if len(set(everything)) == 1:
        return None
    within = [_squares(unit) / (len(unit) - 1) for unit in zip(*scores, strict=True)]
    observed = sum(within) / len(within)
    return 1 - observed / (_squares(everything) / (len(everything) - 1))


def _squares(values: Sequence[float]) -> float:
    """Add up the squared differences from the mean: half the mean squared difference of two, times n - 1."""
    mean = statistics.fmean(values)
    return sum((value - mean) ** 2 for value in values)
