"""A text as it was read, its tokens shared out over its sentences."""

import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from net4moe.chat import ReadRequest, Token
from net4moe.mixture.judges.meaning import Compare, Meaning, meaning_of
from net4moe.mixture.sentences import split_sentences

__all__ = ["Read", "ReadText", "by_sentence", "sentences_of", "text_read"]

Read = Callable[[ReadRequest], Coroutine[Any, Any, tuple[Token, ...]]]
"""Reads a text and gives its tokens."""

_PARAGRAPH = re.compile(r"\n\s*\n")
_BREAK = "\n\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadText:
    """A text as it was read. Natural logarithms throughout.

    Attributes:
      about: what it was written for.
      sentences: its sentences.
      own: the tokens of the text by itself; the very first may be missing, since nothing stands before it.
      rest: the tokens after it, a break of the line.
      bare: log-probabilities of `own`, sentence by sentence.
      meaning: what it means beside its prompt.
    """

    about: str
    sentences: tuple[str, ...]
    own: tuple[Token, ...]
    rest: tuple[Token, ...]
    bare: tuple[tuple[float, ...], ...]
    meaning: Meaning

    @property
    def text(self) -> str:
        """The text as it was read, its sentences in one line."""
        return " ".join(self.sentences)


async def text_read(read: Read, compare: Compare, text: str, about: str) -> ReadText:
    """Read a text and compare it with its prompt by meaning.

    Args:
      read: reads.
      compare: compares.
      text: what is judged, not empty.
      about: what it was written for.
    """
    sentences = sentences_of(text)
    meaning = await meaning_of(compare, sentences, about)
    tokens = await read(ReadRequest(text=f"{' '.join(sentences)}{_BREAK}"))
    own, rest = _split(tokens, len(_BREAK))
    return ReadText(
        about=about,
        sentences=sentences,
        own=own,
        rest=rest,
        bare=by_sentence(own, sentences, joint=" "),
        meaning=meaning,
    )


def sentences_of(text: str) -> tuple[str, ...]:
    """Split a text into sentences; the end of a paragraph ends one as well, as after a signature."""
    return tuple(part for paragraph in _PARAGRAPH.split(text) for part in split_sentences(paragraph)) or (
        text,
    )


def by_sentence(
    tokens: Sequence[Token], sentences: Sequence[str], *, joint: str
) -> tuple[tuple[float, ...], ...]:
    """Share the log-probabilities of tokens out over sentences.

    Counted from the end, since the first token may be missing. A token belongs to the sentence that holds its last
    character; those that end within a joint belong to none.

    Args:
      tokens: of the sentences in order.
      sentences: what was read.
      joint: what stands between two of them.
    """
    found: list[list[float]] = [[] for _ in sentences]
    index = len(sentences) - 1
    end = sum(map(len, sentences)) + len(joint) * index  # of the characters up to and with the token
    begin = end - len(sentences[index])
    for token in reversed(tokens):
        while index > 0 and end <= begin - len(joint):
            index -= 1
            begin -= len(joint) + len(sentences[index])
        if end > begin or index == 0:
            found[index].append(token.logprob)
        end -= len(token.text)
    return tuple(tuple(values[::-1]) for values in found)


def _split(tokens: Sequence[Token], num_last: int) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
    """Split tokens before that many of the last characters; the first token may be missing."""
    held = 0
    at = len(tokens)
    while at > 0 and held < num_last:
        at -= 1
        held += len(tokens[at].text)
    return tuple(tokens[:at]), tuple(tokens[at:])
