"""What a language model's reading of a text shows: numbers that tell sound texts from damaged ones.

Nothing is asked, so nothing in a text can answer. Every sign was chosen by what it tells apart (docs/judges.md).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from net4moe.mixture.judges.passes import Passes
from net4moe.mixture.records import count_words

__all__ = ["Signs", "signs_of"]

_WORDS_FOR_A_WORD = 6.0
_ENOUGH_WORDS = 80.0
_FORGIVING = 4
_WORD = re.compile(r"[^\W\d_]{4,}")
_ENDING = re.compile(r"(ing|ed|es|s|ly)$")
_STEM = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What reading shows; not a number where a text is too short to show it. Natural logarithms throughout.

    Attributes:
      fluency: mean log-probability of a token, nothing but the text before it.
      variety: share of different ones among all runs of three words.
      relevance: log-probability that the prompt gains where the text stands before it, summed over its tokens (the
        reverse of GPTScore, arXiv:2302.04166).
      told: log-probability that the text gains where the prompt stands before it, likewise (GPTScore's way).
      shared_words: share of the prompt's words of four letters and more whose stem stands in the text.
      ending: log-probability of a line break after the last word.
      links: what a token gains from the sentences before its own, mean of the least third of the sentences; of
        four and more the very least is left out, so that a single odd sentence is forgiven.
      prompted_links: the same with the prompt before all sentences.
      fullness: logarithm of the words of the text over those that the prompt wants, at most 0; it wants six for
        each of its own, at most eighty, so that further length gains nothing.
    """

    fluency: float
    variety: float
    relevance: float
    told: float
    shared_words: float
    ending: float
    links: float
    prompted_links: float
    fullness: float


def signs_of(passes: Passes) -> Signs:
    """Compute the signs of a text from the ways in which it was read."""
    text, about = passes.text, passes.about
    words = [word.lower() for word in text.split()]
    runs = list(zip(words, words[1:], words[2:], strict=False))
    lift = [
        there.logprob - here.logprob
        for there, here in zip(
            passes.after_prompt[len(passes.after_prompt) - len(passes.own) :], passes.own, strict=False
        )
    ]
    wanted = min(_WORDS_FOR_A_WORD * max(count_words(about), 1), _ENOUGH_WORDS)
    return Signs(
        fluency=_mean([token.logprob for token in passes.own]),
        variety=len(set(runs)) / len(runs) if runs else math.nan,
        relevance=sum(
            after.logprob - before.logprob
            for after, before in zip(passes.prompt_after, passes.prompt_alone, strict=False)
        ),
        told=sum(lift),
        shared_words=_shared(about, text),
        ending=passes.rest[0].logprob if passes.rest else math.nan,
        links=_least_third(_gains(passes.bare, passes.alone)[1:]),
        prompted_links=_least_third(_gains(passes.prompted, passes.alone)),
        fullness=math.log(min(max(count_words(text), 1) / wanted, 1.0)),
    )


def _gains(inside: Sequence[Sequence[float]], alone: Sequence[Sequence[float]]) -> list[float]:
    """Compute what a token of each sentence gains from what stands before the sentence."""
    return [
        (sum(there) - sum(here)) / max(len(here), 1)
        for there, here in zip(inside, alone, strict=True)
        if here
    ]


def _least_third(values: Sequence[float]) -> float:
    ranked = sorted(values)[len(values) >= _FORGIVING :]
    return _mean(ranked[: max(1, len(ranked) // 3)])


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _shared(about: str, text: str) -> float:
    there = {_stem(word) for word in _WORD.findall(text)}
    wanted = [_stem(word) for word in _WORD.findall(about)]
    return sum(word in there for word in wanted) / len(wanted) if wanted else math.nan


def _stem(word: str) -> str:
    return _ENDING.sub("", word.lower())[:_STEM]
