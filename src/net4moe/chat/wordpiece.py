"""Words cut into the pieces of a vocabulary, as BERT does (arXiv:1810.04805; WordPiece, arXiv:1609.08144)."""

import re
import unicodedata
from collections.abc import Sequence

__all__ = ["WordPiece"]

_LONGEST_WORD = 100
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
_ASCII_SYMBOL = re.compile(r"[!-/:-@\[-`{-~]")


class WordPiece:
    """A vocabulary of word pieces, without capitals and accents.

    Args:
      pieces: the vocabulary in the order of its numbers; a piece inside a word begins with `##`.
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self.begin = self._numbers["[CLS]"]
        self.end = self._numbers["[SEP]"]
        self._unknown = self._numbers["[UNK]"]

    def words(self, text: str) -> list[tuple[str, list[int]]]:
        """Split a text into words and marks in order, each with the numbers of its pieces."""
        return [(word, self._pieces(word)) for word in _split(text)]

    def _pieces(self, word: str) -> list[int]:
        """Take the longest piece of the vocabulary off the front until nothing is left."""
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        found: list[int] = []
        begin = 0
        while begin < len(word):
            lead = "##" if begin else ""
            for end in range(len(word), begin, -1):
                number = self._numbers.get(lead + word[begin:end])
                if number is not None:
                    found.append(number)
                    begin = end
                    break
            else:
                return [self._unknown]
        return found


def _split(text: str) -> list[str]:
    """Take capitals and accents off, and split at white space and around each mark and ideograph."""
    bare = unicodedata.normalize("NFD", "".join(sign for sign in text if not _is_control(sign)))
    small = "".join(sign.lower() for sign in bare if unicodedata.category(sign) != "Mn")
    return "".join(f" {sign} " if _stands_alone(sign) else sign for sign in small).split()


def _is_control(sign: str) -> bool:
    return sign == "�" or (unicodedata.category(sign)[0] == "C" and sign not in "\t\n\r")


def _stands_alone(sign: str) -> bool:
    if _ASCII_SYMBOL.match(sign) or unicodedata.category(sign)[0] == "P":
        return True
    return any(low <= ord(sign) <= high for low, high in _IDEOGRAPHS)
