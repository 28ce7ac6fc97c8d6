"""Texts as judges see them: without sentences that speak to the judge, and not longer than can be read."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from net4moe.chat.records import half_character
from net4moe.mixture import wording
from net4moe.mixture.orders import without_orders

__all__ = ["MAX_WORDS", "Material", "prepared", "topic"]

MAX_WORDS = 6_000
"""Words that are shown of one text; with the rest of the request they fit into 16,000 tokens."""

# As `count_words`; a run that never ends, as of a script without spaces, counts as a word every 40 characters.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A text as a judge sees it.

    Attributes:
      text: what is shown.
      refusal: why it cannot be judged; empty where it can.
      notes: how it differs from what was given, short phrases for people.
    """

    text: str
    refusal: str = ""
    notes: tuple[str, ...] = ()


def prepared(texts: Sequence[str], *, max_words: int) -> tuple[Material, ...]:
    """Prepare texts for a judge.

    Args:
      texts: what is to be judged.
      max_words: words that are shown of each; of a longer one its beginning and its end, half each.

    Raises:
      TypeError: one text was given in place of several.
    """
    if isinstance(texts, str):
        msg = "`texts` must be a sequence of texts, got a single text; use `score_one` for one."
        raise TypeError(msg)
    return tuple(_prepared(text, max_words) for text in texts)


def topic(about: str) -> str:
    """Prepare what texts were to be about."""
    return without_orders(about) or "anything"


def _prepared(given: str, max_words: int) -> Material:
    if not given.strip():
        return Material(text="", refusal="the text is empty")
    place = half_character(given)
    if place is not None:
        refusal = f"the text holds half of a character (a lone surrogate) at place {place}"
        return Material(text="", refusal=refusal)
    text = without_orders(given)
    if not text:
        return Material(text="", refusal="the text only asks for a score")
    notes = () if text == given.strip() else ("sentences that speak to the judge were left out",)
    words = list(_WORD.finditer(text))
    if len(words) <= max_words:
        return Material(text=text, notes=notes)
    num_last = max_words // 2
    num_first = max_words - num_last
    num_left_out = len(words) - max_words
    shown = wording.shortened(
        text[: words[num_first - 1].end()], text[words[-num_last].start() :], num_left_out=num_left_out
    )
    cut = f"of {len(words):,} words the first {num_first:,} and the last {num_last:,} were judged"
    return Material(text=shown, notes=(*notes, cut))
