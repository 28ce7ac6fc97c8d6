"""What reading a text shows, and comparing it with its prompt: numbers that tell sound texts from damaged ones.

Nothing is asked, so nothing in a text can answer. Every sign was chosen by what it tells apart (docs/judges.md).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from net4moe.mixture.judges.coverage import words_told
from net4moe.mixture.judges.meaning import Meaning
from net4moe.mixture.judges.read_text import ReadText
from net4moe.mixture.records import count_words

__all__ = ["Signs", "signs_of"]

_WORDS_THAT_TELL = 15.0
_FORGIVING = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What a text shows; not a number where it is too short to show it. Natural logarithms throughout.

    Attributes:
      fluency: mean log-probability of a token, nothing but the text before it.
      variety: share of different ones among all runs of three words.
      ending: log-probability of a line break after the last word.
      topic: cosine of the text with the prompt.
      flow: mean cosine of a sentence with the one before it; of three and more the least is left out, so that a
        single odd sentence is forgiven.
      least_words: how near the text comes to a word of the prompt, mean of the third to which it comes least near.
      least_part: logarithm of one more than the words that tell of the least told phrase of the prompt, at most
        fifteen, so that further length gains nothing.
    """

    fluency: float
    variety: float
    ending: float
    topic: float
    flow: float
    least_words: float
    least_part: float


def signs_of(read: ReadText) -> Signs:
    """Compute the signs of a text from its reading."""
    meaning = read.meaning
    words = [word.lower() for word in read.text.split()]
    runs = list(zip(words, words[1:], words[2:], strict=False))
    return Signs(
        fluency=_mean([token.logprob for token in read.own]),
        variety=len(set(runs)) / len(runs) if runs else math.nan,
        ending=read.rest[0].logprob if read.rest else math.nan,
        topic=meaning.topic,
        flow=_mean(sorted(meaning.flow)[len(meaning.flow) >= _FORGIVING :]),
        least_words=_least_third(meaning.words),
        least_part=_least_part(meaning, read.sentences),
    )


def _least_part(meaning: Meaning, sentences: Sequence[str]) -> float:
    num_words = [max(count_words(sentence), 1) for sentence in sentences]
    return math.log1p(min(float(words_told(meaning.phrases, num_words).min()), _WORDS_THAT_TELL))


def _least_third(values: Sequence[float]) -> float:
    return _mean(sorted(values)[: max(1, len(values) // 3)])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
