"""What reading a text shows, and comparing it with its prompt: numbers that tell sound texts from damaged ones.

Nothing is asked, so nothing in a text can answer. Every sign was chosen by what it tells apart (docs/judges.md).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from net4moe.mixture.judges.meaning import Meaning
from net4moe.mixture.judges.read_text import ReadText
from net4moe.mixture.records import count_words

__all__ = ["Signs", "signs_of"]

_WORDS_FOR_A_WORD = 6.0
_ENOUGH_WORDS = 80.0
_FORGIVING = 3
_SHARPNESS = 10.0


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
      least_part: logarithm of one more than the words that tell of the least told phrase of the prompt; the words
        of a sentence are shared out over the phrases in proportion to exp(10 cosine).
      fullness: logarithm of the words of the text over those that the prompt wants, at most 0; it wants six for
        each of its own, at most eighty, so that further length gains nothing.
    """

    fluency: float
    variety: float
    ending: float
    topic: float
    flow: float
    least_words: float
    least_part: float
    fullness: float


def signs_of(read: ReadText) -> Signs:
    """Compute the signs of a text from its reading."""
    meaning = read.meaning
    words = [word.lower() for word in read.text.split()]
    runs = list(zip(words, words[1:], words[2:], strict=False))
    wanted = min(_WORDS_FOR_A_WORD * max(count_words(read.about), 1), _ENOUGH_WORDS)
    return Signs(
        fluency=_mean([token.logprob for token in read.own]),
        variety=len(set(runs)) / len(runs) if runs else math.nan,
        ending=read.rest[0].logprob if read.rest else math.nan,
        topic=meaning.topic,
        flow=_mean(sorted(meaning.flow)[len(meaning.flow) >= _FORGIVING :]),
        least_words=_least_third(meaning.words),
        least_part=_least_part(meaning, [count_words(sentence) for sentence in read.sentences]),
        fullness=math.log(min(max(count_words(read.text), 1) / wanted, 1.0)),
    )


def _least_part(meaning: Meaning, num_words: Sequence[int]) -> float:
    told = [0.0] * len(meaning.phrases)
    for cosines, num in zip(zip(*meaning.phrases, strict=True), num_words, strict=True):
        shares = [math.exp(_SHARPNESS * cosine) for cosine in cosines]
        for index, share in enumerate(shares):
            told[index] += max(num, 1) * share / sum(shares)
    return math.log1p(min(told))


def _least_third(values: Sequence[float]) -> float:
    return _mean(sorted(values)[: max(1, len(values) // 3)])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan
