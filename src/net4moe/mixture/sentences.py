"""Where a sentence ends, for texts that a model was cut in."""

import re

__all__ = ["first_sentence", "settled", "split_sentences", "whole_sentences"]

_FULL_STOP = r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)(?<!\bProf)(?<!\b[A-Z])\."
_END = re.compile(
    rf"(?:{_FULL_STOP}|[!?…])[.!?…]*[\"'”’»)]*(?=\s+[^\sa-z]|\s*$)"  # a small letter carries the sentence on
    r"|[。！？]+[”’」』）]*"
)
_NOT_PROSE = re.compile(r"<<|>>|[Pp]assage \d|\*\*|#")
_LEAST_CHARACTERS = 9


def first_sentence(text: str) -> str:
    """Take the first whole sentence of a text; empty where none ends, it is not prose or a quote stays open."""
    line = text.strip().split("\n", 1)[0].strip()
    ends = (found.end() for found in _END.finditer(line))
    sentence = line[: next((end for end in ends if end >= _LEAST_CHARACTERS), 0)]
    open_quote = sentence.count('"') % 2 == 1 or sentence.count("“") != sentence.count("”")
    return "" if open_quote or _NOT_PROSE.search(sentence) else sentence


def whole_sentences(text: str) -> str:
    """Take off the sentence that was cut, where at least a third of the text remains; else mark the cut."""
    end = max((found.end() for found in _END.finditer(text)), default=0)
    return text[:end] if end >= len(text) / 3 else f"{text.rstrip()}…"


def split_sentences(text: str) -> tuple[str, ...]:
    """Split a text into its sentences, without the space between them; a rest without an end is one too."""
    ends = [found.end() for found in _END.finditer(text)]
    cuts = zip([0, *ends], [*ends, len(text)], strict=True)
    return tuple(sentence for begin, end in cuts if (sentence := text[begin:end].strip()))


def settled(text: str) -> str:
    """Take the sentences of a text that is still being written which nothing that follows can change."""
    length = len(text.rstrip())
    return text[: max((found.end() for found in _END.finditer(text) if found.end() < length), default=0)]
