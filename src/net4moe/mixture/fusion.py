"""Whether a fused text holds its passages, and what stands in its place where it does not."""

import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["first_sentence", "joined", "what_is_missing"]

_TELLING = re.compile(r"[^\W\d_]{4,}|\d+|[\u3040-\u30ff\u3400-\u9fff]{2}")
_SENTENCE = re.compile(r".{8,}?[.!?][\"”’]?(?=\s|$)")
_NOT_PROSE = re.compile(r"<<|>>|[Pp]assage \d|\*\*|#")
_LEAST_SHARE = 0.4
"""Share of a passage's own words that must be found again; a paraphrase keeps about half of them."""


def what_is_missing(story: str, passages: Sequence[str]) -> str:
    """Say what is wrong with a fused text: empty, a passage dropped, or the order changed.

    A passage counts as held where at least 40 % of its own telling words (four letters or more, found in no
    other passage) stand in the story; its place is the median place of those words.

    Returns:
      What is wrong, to follow "the fused text"; empty where every passage is held, in order.
    """
    found = [word.lower() for word in _TELLING.findall(story)]
    if not found:
        return "was empty"
    place = {word: index for index, word in reversed(list(enumerate(found)))}
    places: list[float] = []
    for number, own in enumerate(_own_words(passages), start=1):
        held = sorted(place[word] for word in own if word in place)
        if len(held) < _LEAST_SHARE * len(own):
            return f"dropped passage {number}"
        places.append(held[len(held) // 2] if held else (places[-1] if places else 0.0))
    if any(later < earlier for earlier, later in zip(places, places[1:], strict=False)):
        return "changed the order of the passages"
    return ""


def joined(passages: Sequence[str]) -> str:
    """Set passages one after the other, each a paragraph."""
    return "\n\n".join(text.strip() for text in passages)


def first_sentence(text: str) -> str:
    """Take the first whole sentence of a text; empty where none ends or it is not prose."""
    line = text.strip().split("\n", 1)[0].strip()
    match = _SENTENCE.match(line)
    return match.group(0) if match and not _NOT_PROSE.search(match.group(0)) else ""


def _own_words(passages: Sequence[str]) -> list[list[str]]:
    words = [dict.fromkeys(word.lower() for word in _TELLING.findall(text)) for text in passages]
    count = Counter(word for text in words for word in text)
    return [[word for word in text if count[word] == 1] or list(text) for text in words]
