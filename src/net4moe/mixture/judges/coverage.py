"""How far a text covers each phrase of its prompt, by what it takes off the surprise at the prompt's words."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from net4moe.chat import Token
from net4moe.mixture.phrases import cut

__all__ = ["coverage"]

_MOST_PHRASES = 4
_LEAST_SURPRISE = 0.1
_NOT_WORD = re.compile(r"\W")

# They say nothing of what a prompt is about; in other languages they only add noise.
_SMALL_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the and for with from are was were been its his her their who that which when where why how what some "
        "not but than then she they one two three four five into out down about explain describe give tell write",
    )
)


@dataclass(slots=True)
class _Word:
    text: str
    alone: float
    gain: float


def coverage(about: str, alone: Sequence[Token], after: Sequence[Token]) -> float:
    """Compute how well the least covered phrase of a prompt is covered.

    The share of a phrase's surprise that the text takes away, over its words of three letters and more without
    articles and the like:

        min over phrases of  sum(log p(word | text) - log p(word)) / -sum(log p(word))

    Args:
      about: the prompt.
      alone: its tokens with nothing of the text before them.
      after: the same tokens after the text.

    Returns:
      At most 1, below 0 where the text makes a phrase less likely; not a number where there is no such word.
    """
    words = _words(alone, after)
    prompt = " ".join(word.text for word in words)
    shares: list[float] = []
    begin = 0
    for phrase in cut(about, max_subtasks=_MOST_PHRASES):
        at = prompt.find(phrase, begin)
        if at < 0:
            continue
        begin = at + len(phrase)
        inside = [word for place, word in _placed(words) if at <= place < begin and _tells(word)]
        if inside:
            surprise = sum(max(-word.alone, _LEAST_SURPRISE) for word in inside)
            shares.append(sum(word.gain for word in inside) / surprise)
    return min(shares, default=math.nan)


def _words(alone: Sequence[Token], after: Sequence[Token]) -> list[_Word]:
    """Join tokens to words: a new one begins with a space."""
    words: list[_Word] = []
    for before, there in zip(alone, after, strict=False):
        if not words or before.text[:1].isspace():
            words.append(_Word("", 0.0, 0.0))
        words[-1].text += before.text.strip()
        words[-1].alone += before.logprob
        words[-1].gain += there.logprob - before.logprob
    return words


def _placed(words: Sequence[_Word]) -> list[tuple[int, _Word]]:
    """Give each word the place of its first character in the words with a space between them."""
    found: list[tuple[int, _Word]] = []
    place = 0
    for word in words:
        found.append((place, word))
        place += len(word.text) + 1
    return found


def _tells(word: _Word) -> bool:
    plain = _NOT_WORD.sub("", word.text).lower()
    return len(plain) >= 3 and plain not in _SMALL_WORDS
