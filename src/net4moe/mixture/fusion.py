"""Whether a fused text holds its passages, and what stands in its place where it does not."""

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["joined", "repeats", "what_is_missing"]

_CHINESE = r"\u3040-\u30ff\u3400-\u9fff"
_TELLING = re.compile(rf"[^\W\d_{_CHINESE}]{{4,}}|\d+|(?=([{_CHINESE}]{{2}}))")
_LARGEST_REPEAT = 0.7
"""Share of a sentence's telling words that may stand in one passage before it says nothing new."""
_LEAST_SHARE = 0.4
"""Share of a passage's own words that must be found again; a paraphrase keeps about half of them."""


def what_is_missing(story: str, passages: Sequence[str]) -> str:
    """Say what is wrong with a fused text: empty, a passage dropped, or the order changed.

    A passage counts as held where at least 40 % of its own telling words (four letters or more, a number or two
    Chinese or Japanese characters, found in no other passage) stand in the story; its place is the median
    place of those words. A passage without a word of its own is held by the words it shares and has no place.

    Returns:
      What is wrong, to follow "the fused text"; empty where every passage is held, in order.
    """
    if not story.strip():
        return "was empty"
    place = {word: index for index, word in reversed(list(enumerate(_telling_words(story))))}
    words = [set(_telling_words(text)) for text in passages]
    count = Counter(word for text in words for word in text)
    places: list[int] = []
    for number, text in enumerate(words, start=1):
        own = {word for word in text if count[word] == 1}
        sought = own or text
        held = sorted(place[word] for word in sought if word in place)
        if len(held) < _LEAST_SHARE * len(sought):
            return f"dropped passage {number}"
        if own:
            places.append(held[len(held) // 2])
    return "" if places == sorted(places) else "changed the order of the passages"


def joined(passages: Sequence[str]) -> str:
    """Set passages one after the other, each a paragraph."""
    return "\n\n".join(text.strip() for text in passages)


def repeats(sentence: str, passages: Sequence[str]) -> bool:
    """Tell whether a sentence only says again what stands in one of the passages."""
    words = set(_telling_words(sentence))
    held = (len(words & set(_telling_words(text))) for text in passages)
    return bool(words) and max(held, default=0) > _LARGEST_REPEAT * len(words)


def _telling_words(text: str) -> list[str]:
    return [(found.group(1) or found.group()).lower() for found in _TELLING.finditer(text)]
