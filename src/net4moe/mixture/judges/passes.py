"""The ways in which a text is read, and the tokens of each way shared out over its sentences."""

import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from net4moe.chat import ReadRequest, Token
from net4moe.mixture import wording
from net4moe.mixture.sentences import split_sentences
from net4moe.mixture.waiting import all_or_first_error

__all__ = ["Passes", "Read", "by_sentence", "passes_of", "sentences_of"]

Read = Callable[[ReadRequest], Coroutine[Any, Any, tuple[Token, ...]]]
"""Reads a text and gives its tokens."""

_PARAGRAPH = re.compile(r"\n\s*\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Passes:
    """A text as it was read. Natural logarithms throughout.

    Attributes:
      about: what it was written for.
      sentences: its sentences.
      own: the tokens of the text by itself; the very first may be missing, since nothing stands before it.
      rest: the tokens after it: the end of the line, and the prompt.
      after_prompt: the tokens of the text after the prompt.
      prompt_alone: the tokens of the prompt with nothing of the text before them.
      bare: log-probabilities of `own`, sentence by sentence.
      prompted: those of `after_prompt`, likewise.
      alone: those of each sentence read by itself.
    """

    about: str
    sentences: tuple[str, ...]
    own: tuple[Token, ...]
    rest: tuple[Token, ...]
    after_prompt: tuple[Token, ...]
    prompt_alone: tuple[Token, ...]
    bare: tuple[tuple[float, ...], ...]
    prompted: tuple[tuple[float, ...], ...]
    alone: tuple[tuple[float, ...], ...]

    @property
    def text(self) -> str:
        """The text as it was read, its sentences in one line."""
        return " ".join(self.sentences)

    @property
    def prompt_after(self) -> tuple[Token, ...]:
        """The tokens of the prompt where the text stands before them."""
        return self.rest[-len(self.prompt_alone) :]


async def passes_of(read: Read, text: str, about: str) -> Passes:
    """Read a text in three ways: by itself and the prompt after it, after the prompt, and sentence by sentence.

    Args:
      read: reads.
      text: what is judged, not empty.
      about: what it was written for.
    """
    sentences = sentences_of(text)
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
    own, rest = _split(by_itself, len(f"\n\n{asked} {about}"))
    return Passes(
        about=about,
        sentences=sentences,
        own=own,
        rest=rest,
        after_prompt=after_prompt,
        prompt_alone=prompt_alone,
        bare=by_sentence(own, sentences, joint=" "),
        prompted=by_sentence(after_prompt, sentences, joint=" "),
        alone=tuple(tuple(token.logprob for token in tokens) for tokens in alone),
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
