"""Cutting a prompt into phrases, for a gate that cannot be asked to.

The recipe of arXiv:2402.06942 has its gate split the prompt into several words. A clause or a prepositional
phrase is the smallest piece that an expert can write about, so the cuts go before the words that open one.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from net4moe.mixture.records import Kind, count_words

__all__ = ["cut", "kind_of"]

_OPENERS = frozenset(
    re.findall(
        r"\w+",
        "with in on at under over through across inside into during before after while when where who whose "
        "which that because until against without near behind beyond and but or then as along",
    )
)
_IDIOMS = frozenset({("in", "love"), ("in", "time"), ("at", "last"), ("on", "fire"), ("in", "peace")})
_SENTENCE_END = re.compile(
    r"(?<=[.!?;:,] )(?<!\bMr\. )(?<!\bMrs\. )(?<!\bMs\. )(?<!\bDr\. )(?<!\bSt\. )|(?<=[。！？；，、])"
)
_MOST_PIECES = 64
_EXPLAIN = re.compile(
    r"^\W*(please\s+)?(explain|describe|what\s|why\s|how\s|summari[sz]e|compare|define|introduce|outline|list\s|tell\s+me\s+how)",
    re.IGNORECASE,
)
_COMMAND = re.compile(
    r"^\W*(please\s+)?((explain|describe|summari[sz]e|compare|define|introduce|outline)\s+(to\s+me\s+)?"
    r"|(write|tell)\s+(me\s+)?(a|an|the)\s+(\w+\s+){0,2}?(story|tale)\s+(about|of|in which|where)\s+)",
    re.IGNORECASE,
)


def kind_of(prompt: str) -> Kind:
    """Tell whether a prompt asks for an explanation or for a story."""
    return "explanation" if _EXPLAIN.match(prompt) else "story"


def cut(prompt: str, *, max_subtasks: int) -> tuple[str, ...]:
    """Cut a prompt into at most `max_subtasks` phrases that hold all of its words in order.

    The command in front ("Please explain", "Write a story about") is left out. While there are too many
    pieces, or one of a single small word, the two neighbours that are shortest together become one, if possible
    two without a mark between them; beyond 64 pieces neighbours join in pairs first, whatever their length.
    """
    whole = " ".join(prompt.split())
    body = _COMMAND.sub("", whole, count=1) or whole
    pieces = _clauses(body)
    while len(pieces) > _MOST_PIECES:
        pieces = ["".join(pieces[index : index + 2]) for index in range(0, len(pieces), 2)]
    while len(pieces) > 1 and (len(pieces) > max_subtasks or any(_too_small(piece) for piece in pieces)):
        pieces = _joined_shortest(pieces)
    phrases = tuple(phrase for piece in pieces if (phrase := _tidied(piece)))
    return phrases or (body,)


def _clauses(body: str) -> list[str]:
    """Cut a text of single spaces after its punctuation and before the words that open a clause."""
    found = list(re.finditer(r"\S+", body))
    words = [word.group() for word in found]
    opened = {word.start() for index, word in enumerate(found) if index and _opens_clause(words, index)}
    ended = {mark.end() for mark in _SENTENCE_END.finditer(body)}
    return [body[start:end] for start, end in pairwise(sorted({0, len(body)} | opened | ended))]


def _opens_clause(words: Sequence[str], index: int) -> bool:
    word = words[index].lower()
    if word not in _OPENERS or index == len(words) - 1 or words[index - 1].lower() in _OPENERS:
        return False
    return (word, words[index + 1].lower().strip(".,;:!?")) not in _IDIOMS


def _too_small(piece: str) -> bool:
    return count_words(_tidied(piece)) < 2


def _joined_shortest(pieces: list[str]) -> list[str]:
    sizes = [count_words(a) + count_words(b) for a, b in pairwise(pieces)]
    small = [
        index for index in range(len(sizes)) if _too_small(pieces[index]) or _too_small(pieces[index + 1])
    ]
    marked = [_SENTENCE_END.search(piece, len(piece)) is not None for piece in pieces]
    at = min(small or range(len(sizes)), key=lambda index: (marked[index], sizes[index], -index))
    return [*pieces[:at], pieces[at] + pieces[at + 1], *pieces[at + 2 :]]


def _tidied(piece: str) -> str:
    """Take the punctuation and the joining word off the ends."""
    phrase = piece.strip().strip(".,;:!?。！？；，、").strip()
    head, _, tail = phrase.partition(" ")
    return tail if head.lower() in ("and", "but", "or", "then") and tail else phrase
