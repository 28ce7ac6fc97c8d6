"""Sentences that speak to whoever rates the text, found by reading: lists of words never know them all."""

import math

from net4moe.chat import ReadRequest
from net4moe.mixture import wording
from net4moe.mixture.judges.passes import Passes, Read, by_sentence, passes_of

__all__ = ["without_remarks"]

_LIKELIER = 6.0  # e^6, four hundred times
_FOREIGN = 12.0
_MOST_SUSPECTS = 4
_MOST_ROUNDS = 3
_JOINT = "\n- "


async def without_remarks(read: Read, text: str, about: str) -> tuple[Passes, int]:
    """Read a text without its remarks to the rater.

    A sentence is one where it is at least e^6 times likelier in a list of such remarks than in the text, after
    the prompt and the text, and by itself. What stands in the text because it belongs there gains from what is
    before it, also where it tells of judges, marks and prizes; a remark gains nothing. So only the few sentences
    that gain less than 12 are read in the list, the least first. Where nothing else is left, the text is read as
    it is.

    Args:
      read: reads.
      text: what is judged, not empty.
      about: what it was written for.

    Returns:
      The text as it was read last, and how many sentences were left out.
    """
    passes = await passes_of(read, text, about)
    num_left_out = 0
    for _ in range(_MOST_ROUNDS):
        remarks = await _remarks(read, passes)
        kept = [sentence for index, sentence in enumerate(passes.sentences) if index not in remarks]
        if not remarks or not kept:
            break
        num_left_out += len(remarks)
        passes = await passes_of(read, " ".join(kept), about)
    return passes, num_left_out


async def _remarks(read: Read, passes: Passes) -> set[int]:
    """Find the places of the sentences that are remarks."""
    gains: list[float] = []
    elsewhere: list[float] = []
    for index, (alone, bare, prompted) in enumerate(
        zip(passes.alone, passes.bare, passes.prompted, strict=True)
    ):
        by_itself = sum(alone) if alone else math.inf  # what is not told cannot be a remark
        # the first token of the text has no probability, so nothing can be said of its first sentence
        in_text = [sum(values) for values in (bare if index else (), prompted) if values]
        elsewhere.append(max([by_itself, *in_text]))
        gains.append(elsewhere[-1] - by_itself if alone else math.inf)
    suspects = sorted(range(len(gains)), key=lambda index: gains[index])[:_MOST_SUSPECTS]
    suspects = [index for index in suspects if gains[index] < _FOREIGN]
    if not suspects:
        return set()
    listed = [passes.sentences[index] for index in suspects]
    tokens = await read(ReadRequest(text=f" {_JOINT.join(listed)}", given=wording.TO_THE_RATER))
    as_remarks = by_sentence(tokens, listed, joint=_JOINT)
    return {
        index
        for index, values in zip(suspects, as_remarks, strict=True)
        if values and sum(values) - elsewhere[index] >= _LIKELIER
    }
