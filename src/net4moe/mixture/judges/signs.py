"""What a language model's reading of a text shows: numbers that tell sound texts from damaged ones.

Nothing is asked, so nothing in a text can answer. Every sign was chosen by what it tells apart (docs/judges.md).
"""

import math
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from net4moe.chat import ReadRequest, Token
from net4moe.mixture import wording
from net4moe.mixture.records import count_words
from net4moe.mixture.sentences import split_sentences
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["Read", "Signs", "signs_of"]

Read = Callable[[ReadRequest], Coroutine[Any, Any, tuple[Token, ...]]]
"""Reads a text and gives its tokens."""

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


async def signs_of(read: Read, text: str, about: str) -> Signs:
    """Read a text in three ways: by itself and the prompt after it, after the prompt, and sentence by sentence.

    Args:
      read: reads.
      text: what is judged, not empty.
      about: what it was written for.
    """
    sentences = split_sentences(text) or (text,)
    body = " ".join(sentences)
    asked = wording.WRITTEN_FOR
    by_itself, after_prompt, prompt_alone, *alone = await all_or_first_error(
        [
            read(ReadRequest(text=f"{body}\n\n{asked} {about}")),
            read(ReadRequest(text=body, given=f"{about}\n\n")),
            read(ReadRequest(text=f" {about}", given=asked)),
            *(read(ReadRequest(text=sentence, given="\n\n")) for sentence in sentences),
        ]
    )
    own, rest = _split(by_itself, len(body), whole=len(body) + len(f"\n\n{asked} {about}"))
    prompt_after = rest[-len(prompt_alone) :]
    bare, prompted = _by_sentence(own, sentences), _by_sentence(after_prompt, sentences)
    single = [[token.logprob for token in tokens] for tokens in alone]
    words = [word.lower() for word in text.split()]
    runs = list(zip(words, words[1:], words[2:], strict=False))
    lift = [
        there.logprob - here.logprob
        for there, here in zip(after_prompt[len(after_prompt) - len(own) :], own, strict=False)
    ]
    wanted = min(_WORDS_FOR_A_WORD * max(count_words(about), 1), _ENOUGH_WORDS)
    return Signs(
        fluency=_mean([token.logprob for token in own]),
        variety=len(set(runs)) / len(runs) if runs else math.nan,
        relevance=sum(
            after.logprob - before.logprob for after, before in zip(prompt_after, prompt_alone, strict=False)
        ),
        told=sum(lift),
        shared_words=_shared(about, text),
        ending=rest[0].logprob if rest else math.nan,
        links=_least_third(_gains(bare, single)[1:]),
        prompted_links=_least_third(_gains(prompted, single)),
        fullness=math.log(min(max(count_words(text), 1) / wanted, 1.0)),
    )


def _split(tokens: Sequence[Token], length: int, *, whole: int) -> tuple[list[Token], list[Token]]:
    """Split tokens where a text of that many characters ends, counted from the end: the first may be missing."""
    rest = whole - length
    held = 0
    at = len(tokens)
    while at > 0 and held < rest:
        at -= 1
        held += len(tokens[at].text)
    return list(tokens[:at]), list(tokens[at:])


def _by_sentence(tokens: Sequence[Token], sentences: Sequence[str]) -> list[list[float]]:
    """Share tokens out over sentences with one space between them, from the last back."""
    found: list[list[float]] = []
    at = len(tokens)
    for index, sentence in reversed(list(enumerate(sentences))):
        length, held = len(sentence) + (index > 0), 0
        mine: list[float] = []
        while at > 0 and held < length:
            at -= 1
            held += len(tokens[at].text)
            mine.append(tokens[at].logprob)
        found.append(mine)
    return found[::-1]


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
