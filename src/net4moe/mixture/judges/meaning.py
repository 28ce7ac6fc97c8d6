"""What a text means beside its prompt: how near its sentences lie to each other and to what was asked for."""

import asyncio
import math
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from net4moe.chat.encoder import Alike, Comparison, Likeness, Nearest
from net4moe.mixture import wording
from net4moe.mixture.phrases import cut
from net4moe.mixture.records import count_words

__all__ = ["Compare", "Meaning", "meaning_of"]

Compare = Callable[[Comparison], Coroutine[Any, Any, Likeness]]
"""Compares texts by meaning."""

_LEAST_PHRASES, _MOST_PHRASES = 2, 4
_MARK = re.compile(r"[.,;:!?] ")
_LEAST_LETTERS = 3
_EMPTY_WORDS = frozenset(
    re.findall(
        r"\w+",
        "the and for with from who that which when where why how what into out off down about than then but not "
        "are was were been being has have had its his her their our your this these those she they you him them "
        "one two three four five some any all each both also just only very can could may might must shall should "
        "will would does did explain describe give tell write make list compare discuss instructions tips",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """A text compared with its prompt and with itself; cosines throughout.

    Attributes:
      topic: the whole text, as the sum of its sentences, with the whole prompt.
      flow: each sentence with the one before it.
      phrases: each phrase of the prompt (a row) with each sentence.
      words: for each word of the prompt that carries meaning, how near any word of the text comes, in context.
      remark_likeness: for each sentence, its largest cosine with a remark to whoever rates texts.
      belonging: for each sentence, its largest cosine with another sentence or with the prompt.
    """

    topic: float
    flow: tuple[float, ...]
    phrases: tuple[tuple[float, ...], ...]
    words: tuple[float, ...]
    remark_likeness: tuple[float, ...]
    belonging: tuple[float, ...]


async def meaning_of(compare: Compare, sentences: Sequence[str], about: str) -> Meaning:
    """Compare a text with its prompt and with itself.

    Args:
      compare: compares.
      sentences: the text.
      about: its prompt.
    """
    phrases = _wanted(about)
    others = (*sentences, *phrases, about, *wording.REMARKS)
    alike, nearest = await asyncio.gather(
        compare(Alike(texts=tuple(sentences), others=others)),
        compare(Nearest(texts=tuple(sentences), words_of=about)),
    )
    rows = alike.rows
    num = len(sentences)
    of_prompt = num + len(phrases)
    return Meaning(
        topic=_cosine_of_sum(rows, of_prompt, [max(count_words(sentence), 1) for sentence in sentences]),
        flow=tuple(rows[after][before] for before, after in pairwise(range(num))),
        phrases=tuple(tuple(row[num + index] for row in rows) for index in range(len(phrases))),
        words=tuple(
            value
            for word, value in zip(nearest.words, nearest.rows[0], strict=True)
            if _means_something(word)
        ),
        remark_likeness=tuple(max(row[of_prompt + 1 :]) for row in rows),
        belonging=tuple(
            max([row[of_prompt], *(value for other, value in enumerate(row[:num]) if other != index)])
            for index, row in enumerate(rows)
        ),
    )


def _wanted(about: str) -> tuple[str, ...]:
    """Cut a prompt into what it wants told: as many phrases as its own marks make, two to four.

    Smaller ones ("in silence") are told of in passing and say little about whether a part is missing.
    """
    num = 1 + len(_MARK.findall(about))
    return cut(about, max_subtasks=min(max(num, _LEAST_PHRASES), _MOST_PHRASES))


def _cosine_of_sum(rows: Sequence[Sequence[float]], column: int, weights: Sequence[float]) -> float:
    """Compute the cosine of the rows' weighted sum with another; their cosines with each other come first."""
    along = sum(weight * row[column] for weight, row in zip(weights, rows, strict=True))
    squared = sum(
        weight * other * cosine
        for weight, row in zip(weights, rows, strict=True)
        for other, cosine in zip(weights, row, strict=False)
    )
    return along / math.sqrt(max(squared, 1e-9))


def _means_something(word: str) -> bool:
    return len(word) >= _LEAST_LETTERS and word[0].isalpha() and word.lower() not in _EMPTY_WORDS
