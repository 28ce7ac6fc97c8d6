"""Showing passages in their order while they are written: what is shown is never taken back."""

from net4moe.chat import OnText
from net4moe.mixture.sentences import settled

__all__ = ["Unfolding"]

_BETWEEN = "\n\n"
_ENDS = frozenset(".!?…。！？")


class Unfolding:
    """Show the first passage sentence by sentence as it comes, and each next one when those before it ended.

    A passage that is cut ends with its last whole sentence, so a sentence is shown only once another follows it
    or the passage has ended.

    Args:
      num_passages: how many there will be.
      show: told of each piece of the text; None where nobody looks.
    """

    def __init__(self, num_passages: int, show: OnText | None) -> None:
        self._texts = [""] * num_passages
        self._ended = [False] * num_passages
        self._show = show
        self._head = 0
        self._num_shown = 0
        self._begun = False

    def heard(self, index: int, piece: str) -> None:
        """Take a piece of a passage."""
        self._texts[index] += piece
        if (
            index == self._head
            and self._show is not None
            and not _ENDS.isdisjoint(self._texts[index][self._num_shown :])
        ):
            self._advance()

    def ended(self, index: int, text: str) -> None:
        """Take the whole of a passage, as it will stand; empty where it is missing."""
        self._texts[index] = text
        self._ended[index] = True
        if self._show is not None:
            self._advance()

    def so_far(self, index: int) -> str:
        """Say what came of a passage."""
        return self._texts[index]

    def _advance(self) -> None:
        assert self._show is not None
        while self._head < len(self._texts):
            text = self._texts[self._head]
            whole = text if self._ended[self._head] else settled(text.lstrip())
            if len(whole) > self._num_shown:
                first = _BETWEEN if self._begun and not self._num_shown else ""
                self._show(first + whole[self._num_shown :])
                self._num_shown = len(whole)
                self._begun = True
            if not self._ended[self._head]:
                return
            self._head += 1
            self._num_shown = 0
