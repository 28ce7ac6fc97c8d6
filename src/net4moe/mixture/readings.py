"""Reading numbers and labels out of a model's next-token probabilities."""

import math
import re
from collections.abc import Sequence

from net4moe.chat import Token

__all__ = ["digit_expectation", "label_chances", "number_in", "score_chances"]

_NUMBER = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)(?!\d)")


def label_chances(top: Sequence[Token], labels: Sequence[str]) -> list[float]:
    """Share a position's probability out over labels.

    A token counts for the labels that it begins, so the first token of a label of several is enough; where
    it begins several labels they share it equally. A label that is not among the likeliest gets the least of
    their probabilities, which bounds its own from above.

    Args:
      top: the likeliest tokens of one position.
      labels: what might stand there.

    Returns:
      One weight for each label, not normalised.
    """
    weights = [0.0] * len(labels)
    for token in top:
        start = token.text.strip().lower()
        if len(start) < 2:
            continue
        fits = [index for index, label in enumerate(labels) if label.lower().startswith(start)]
        for index in fits:
            weights[index] += math.exp(token.logprob) / len(fits)
    least = math.exp(min((token.logprob for token in top), default=0.0))
    return [weight or least for weight in weights]


def digit_expectation(top: Sequence[Token]) -> float | None:
    """Compute the expectation over the digits 1 to 9 at one position; None where none is likely."""
    digits = [(token.text.strip(), math.exp(token.logprob)) for token in top]
    digits = [(int(text), chance) for text, chance in digits if text in set("123456789")]
    mass = sum(chance for _, chance in digits)
    return sum(digit * chance for digit, chance in digits) / mass if mass > 0 else None


def score_chances(top: Sequence[Token]) -> dict[int, float]:
    """Read the probability of each whole score from 0 to 10 at one position."""
    chances: dict[int, float] = {}
    for token in top:
        text = token.text.strip()
        if text.isascii() and text.isdigit() and int(text) <= 10:
            chances[int(text)] = chances.get(int(text), 0.0) + math.exp(token.logprob)
    return chances


def number_in(text: str) -> float | None:
    """Find the number that a reply gives; None where there is none or it is not clear which one.

    "8", "Score: 7.5", "**9**/10" and "7 out of 10" are clear; "between 6 and 8" is not.
    """
    text = re.sub(r"(/|out of)\s*\**10\b", " ", text, flags=re.IGNORECASE)
    found = _NUMBER.findall(text)
    negative = re.search(r"(?<!\w)[-−]\s*\d", text)
    return float(found[0]) if len(found) == 1 and negative is None else None
