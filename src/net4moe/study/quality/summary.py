"""What the table of a study of quality says in plain sentences: what was won, what was lost, what is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from net4moe.study.statistics import NUM_RESAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from net4moe.mixture.judge_check.reliability import Verdict
    from net4moe.study.quality.records import Arm, PairResult

__all__ = ["SIGNIFICANCE", "summary"]

SIGNIFICANCE = 0.05
"""Below this a corrected p-value counts as a difference."""

_MOST_DECIMALS = 4
_NO_CLAIM: dict[Verdict, str] = {
    "broken texts only": (
        "The judge may be used to find broken texts, not to say which of two sound ones is better: its scores "
        "support no claim about which arm writes better."
    ),
    "nothing": (
        "The judge may be used for nothing, since it failed its check: its scores support no claim about which "
        "arm writes better."
    ),
}


def summary(
    pairs: Sequence[PairResult], arms: Sequence[Arm], *, ours: str, verdict: Verdict
) -> tuple[str, ...]:
    """Say what the pairs support, and nothing more.

    A difference is one whose p-value stays below 0.05 after Holm's correction.

    Args:
      pairs: ours against the other arms.
      arms: all of them, with their labels; ours and those that could not be compared among them.
      ours: key of our arm.
      verdict: what the judge may be used for.

    Returns:
      Sentences, to be joined by spaces. Of a judge that may not compare texts only what it may be used for.
    """
    if verdict != "texts":
        return (_NO_CLAIM[verdict],)
    labels = {arm.key: arm.label for arm in arms}
    name = labels[ours]
    if not pairs:
        return (f"{name} could be compared with no other arm.",)
    found = [pair for pair in pairs if pair.p_holm < SIGNIFICANCE and pair.difference.point != 0.0]
    above = [pair for pair in found if pair.difference.point > 0.0]
    below = [pair for pair in found if pair.difference.point < 0.0]
    same = [pair for pair in pairs if pair not in found]
    sentences: list[str] = []
    if above:
        sentences.append(f"{name} scored {_listed([_found(pair, labels, 'above') for pair in above])}.")
    elif len(pairs) == 1:
        sentences.append(f"{name} did not score above {labels[pairs[0].arm]}.")
    else:
        sentences.append(f"{name} scored above none of the {len(pairs)} other arms.")
    if below:
        sentences.append(f"It scored {_listed([_found(pair, labels, 'below') for pair in below])}.")
    if same:
        sentences.append(
            f"It did not differ measurably from {_listed([_same(pair, labels) for pair in same])}."
        )
    return (*sentences, *_reservations(pairs, same, labels, ours))


def _reservations(
    pairs: Sequence[PairResult], same: Sequence[PairResult], labels: dict[str, str], ours: str
) -> list[str]:
    """Say what a reader must know beside: prompts left out, arms not compared, too few prompts."""
    sentences: list[str] = []
    for pair in pairs:
        if pair.num_left_out:
            total = pair.num_prompts + pair.num_left_out
            sentences.append(
                f"Against {labels[pair.arm]} {pair.num_left_out} of {total} prompts were left out, since not both "
                "answered them with a scored text."
            )
    absent = [label for key, label in labels.items() if key != ours and key not in {one.arm for one in pairs}]
    if absent:
        sentences.append(f"Not compared, for want of a scored answer: {', '.join(absent)}.")
    few = [pair for pair in same if _least_p(pair) * len(pairs) >= SIGNIFICANCE]
    if few:
        most = max(pair.num_prompts for pair in few)
        arms = "1 arm" if len(pairs) == 1 else f"{len(pairs)} arms"
        sentences.append(f"With {most} prompts and {arms} to compare, no difference could have been shown.")
    return sentences


def _least_p(pair: PairResult) -> float:
    """Find the least p-value that so many prompts can give."""
    return max(2.0 ** (1 - pair.num_prompts), 1.0 / (NUM_RESAMPLES + 1))


def _found(pair: PairResult, labels: dict[str, str], where: str) -> str:
    decimals = _decimals(pair)
    sign = 1.0 if where == "above" else -1.0
    low, high = sorted((sign * pair.difference.low, sign * pair.difference.high))
    points = f"{sign * pair.difference.point:.{decimals}f}"
    return (
        f"{points} point{'' if float(points) == 1.0 else 's'} {where} {labels[pair.arm]} "
        f"(95 % {_number(low, decimals)} to {_number(high, decimals)}, {_p_value(pair.p_holm)} after Holm)"
    )


def _same(pair: PairResult, labels: dict[str, str]) -> str:
    decimals, difference = _decimals(pair), pair.difference
    return (
        f"{labels[pair.arm]} ({_number(difference.point, decimals)}, 95 % {_number(difference.low, decimals)} to "
        f"{_number(difference.high, decimals)}, {_p_value(pair.p_holm)} after Holm)"
    )


def _decimals(pair: PairResult) -> int:
    """Count the decimals, at least 1, that leave nothing but 0 at 0."""
    ends = [abs(end) for end in (pair.difference.low, pair.difference.point, pair.difference.high) if end]
    return next(
        (count for count in range(1, _MOST_DECIMALS) if all(round(end, count) for end in ends)),
        _MOST_DECIMALS,
    )


def _number(value: float, decimals: int) -> str:
    """Write a number with a minus sign, and nothing as 0."""
    text = f"{value:.{decimals}f}"
    return text.lstrip("-") if float(text) == 0.0 else text.replace("-", "−")


def _p_value(p: float) -> str:
    """Write a p-value so that rounding does not take it over the line."""
    if p < 0.001:
        return "p < 0.001"
    decimals = 3 if p < 0.01 else 2
    while decimals < _MOST_DECIMALS and (round(p, decimals) < SIGNIFICANCE) != (p < SIGNIFICANCE):
        decimals += 1
    return f"p = {p:.{decimals}f}"


def _listed(parts: Sequence[str]) -> str:
    """Write "a", "a and b" or "a, b and c"."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
