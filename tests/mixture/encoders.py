"""An encoder whose vectors a test chooses, so that cosines are known by hand."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from net4moe.chat.encoder import Alike, Comparison, Likeness, TextEncoder

Vector = Mapping[str, float]
"""A direction for each name that is not 0; different names are at right angles."""

SECONDS = 0.125
"""What each comparison is said to have taken."""


class ScriptedEncoder(TextEncoder):
    """Compares by the vectors that a test gives; a text without one is the count of its words.

    Args:
      vectors: of texts, and of words where words are looked for; of any length.

    Attributes:
      comparisons: what was asked, in order.
    """

    name = "scripted encoder"

    def __init__(self, vectors: Mapping[str, Vector] | None = None) -> None:
        self._vectors = vectors or {}
        self.comparisons: list[Comparison] = []

    async def compare(self, comparison: Comparison) -> Likeness:
        """Answer at once."""
        self.comparisons.append(comparison)
        if isinstance(comparison, Alike):
            rows = [[self._cosine(one, other) for other in comparison.others] for one in comparison.texts]
            return Likeness(rows=tuple(map(tuple, rows)), seconds=SECONDS)
        words = _cut(comparison.words_of)
        there = [word for text in comparison.texts for word in _cut(text)]
        nearest = [max((self._cosine(word, other) for other in there), default=0.0) for word in words]
        return Likeness(rows=(tuple(nearest),), words=tuple(words), seconds=SECONDS)

    def _cosine(self, one: str, other: str) -> float:
        first, second = self._vector(one), self._vector(other)
        along = sum(value * second.get(name, 0.0) for name, value in first.items())
        return round(along / max(_length(first) * _length(second), 1e-9), 4)

    def _vector(self, text: str) -> Vector:
        return self._vectors.get(text) or Counter(word.lower() for word in _cut(text) if word[0].isalnum())


def _length(vector: Vector) -> float:
    return math.hypot(*vector.values())


def _cut(text: str) -> Sequence[str]:
    return re.findall(r"\w+|[^\w\s]", text)
