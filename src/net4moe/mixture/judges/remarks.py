"""Sentences that speak to whoever rates the text, found by meaning and by reading: lists of words know too few."""

import math
from collections.abc import Sequence

from net4moe.chat import ReadRequest, Token
from net4moe.mixture import wording
from net4moe.mixture.judges.meaning import Compare
from net4moe.mixture.judges.read_text import Read, ReadText, text_read
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["without_remarks"]

_FOR_LIKENESS = 30.0
_FOR_BELONGING = 10.0
_SUSPECT = 2.0
_REMARK = 10.0
_MOST_SUSPECTS = 4
_MOST_ROUNDS = 3


async def without_remarks(read: Read, compare: Compare, text: str, about: str) -> tuple[ReadText, int]:
    """Read a text without its remarks to the rater.

    A sentence is one where

        log p(sentence | remarks) - log p(sentence | its text) + 30 x likeness - 10 x belonging >= 10,

    its text being the text before it (the prompt before the first), or nothing where that foretells it better;
    likeness is its largest cosine with a remark, belonging that with another sentence of the text or the prompt.
    What stands in a text because it belongs there, as where it tells of judges, marks and prizes, gains from what
    is before it and lies near it. Only the few sentences whose cosines make at least 2 of the sum are read again.
    Where nothing else is left, the text is read as it is.

    Args:
      read: reads.
      compare: compares.
      text: what is judged, not empty.
      about: what it was written for.

    Returns:
      The text as it was read last, and how many sentences were left out.
    """
    found = await text_read(read, compare, text, about)
    num_left_out = 0
    for _ in range(_MOST_ROUNDS):
        remarks = await _remarks(read, found)
        kept = [sentence for index, sentence in enumerate(found.sentences) if index not in remarks]
        if not remarks or not kept:
            break
        num_left_out += len(remarks)
        found = await text_read(read, compare, " ".join(kept), about)
    return found, num_left_out


async def _remarks(read: Read, text: ReadText) -> set[int]:
    """Find the places of the sentences that are remarks."""
    signs = [
        _FOR_LIKENESS * likeness - _FOR_BELONGING * max(belonging, 0.0)
        for likeness, belonging in zip(text.meaning.remark_likeness, text.meaning.belonging, strict=True)
    ]
    suspects = [index for index, sign in enumerate(signs) if sign >= _SUSPECT]
    suspects = sorted(suspects, key=lambda index: -signs[index])[:_MOST_SUSPECTS]
    listed = [text.sentences[index] for index in suspects]
    # the text of a first sentence is the prompt
    before = ["\n\n" if index else f"{text.about}\n\n" for index in suspects]
    by_itself = await all_or_first_error(
        [read(ReadRequest(text=one, given=given)) for one, given in zip(listed, before, strict=True)]
    )
    as_remark = await all_or_first_error(
        [read(ReadRequest(text=f" {one}", given=wording.TO_THE_RATER)) for one in listed]
    )
    likelier = [
        _sum(remark) - max(_sum(alone), _in_text(text, index))
        for index, remark, alone in zip(suspects, as_remark, by_itself, strict=True)
    ]
    return {index for index, more in zip(suspects, likelier, strict=True) if more + signs[index] >= _REMARK}


def _sum(tokens: Sequence[Token]) -> float:
    return sum(token.logprob for token in tokens)


def _in_text(text: ReadText, index: int) -> float:
    """Sum up a sentence's log-probabilities after the text before it, where they are told."""
    # the first token of the text has no probability, so nothing can be said of its first sentence
    return sum(text.bare[index]) if index and text.bare[index] else -math.inf
