"""The mixture's streamed answer in the OpenAI form, as bytes.

    comment*  [role  text*  final]  per choice  [usage]  done        or, where it breaks:  ...  error

One id and one time throughout; the role comes first, once; each choice ends with one final chunk that holds no
text and the reason; `done` is the last. After an error nothing follows, so that a client cannot take half an
answer for a whole one. Comments keep proxies and clients patient and are no part of the answer.
"""

import json
from typing import Any, Final

from net4moe.gateway.front.errors import Refusal

__all__ = ["COMMENT", "DONE", "Chunks", "StopCut", "error_event"]

COMMENT: Final = b": the experts are at work\n\n"
"""Keeps a stream alive while there is nothing to say yet."""

DONE: Final = b"data: [DONE]\n\n"
"""The end of a stream."""


class Chunks:
    """Writes the chunks of one request.

    Args:
      request_id: of the request.
      model: as it was asked for.
      created: seconds since 1970.
      include_usage: whether the stream will end with the tokens used.
    """

    def __init__(self, *, request_id: str, model: str, created: int, include_usage: bool) -> None:
        head = {"id": request_id, "object": "chat.completion.chunk", "created": created, "model": model}
        self._head = json.dumps({**head, "system_fingerprint": None}, ensure_ascii=False)[:-1]
        self._tail = ', "usage": null' if include_usage else ""

    def role(self, index: int) -> bytes:
        """Open a choice."""
        return self._choice(index, {"role": "assistant", "content": "", "refusal": None})

    def text(self, index: int, piece: str) -> bytes:
        """Add to a choice's text."""
        return self._choice(index, {"content": piece})

    def final(self, index: int, reason: str, missing: tuple[str, ...] = ()) -> bytes:
        """End a choice, saying what is not in it."""
        extra = {"net4moe": {"degraded": True, "missing": list(missing)}} if missing else {}
        return self._choice(index, {}, reason, extra)

    def usage(self, usage: dict[str, int]) -> bytes:
        """Tell the tokens used; the only chunk without a choice."""
        return f'data: {self._head}, "choices": [], "usage": {json.dumps(usage)}}}\n\n'.encode()

    def _choice(
        self,
        index: int,
        delta: dict[str, Any],
        reason: str | None = None,
        extra: dict[str, Any] | None = None,
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}
        more = "".join(
            f", {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
            for name, value in (extra or {}).items()
        )
        written = json.dumps(choice, ensure_ascii=False)
        return f'data: {self._head}, "choices": [{written}]{more}{self._tail}}}\n\n'.encode(
            "utf-8", "replace"
        )


def error_event(refusal: Refusal) -> bytes:
    """Break a stream off, saying why."""
    return b"data: " + refusal.body + b"\n\n"


class StopCut:
    """Cuts a text that comes in pieces before the stop text that is whole first, wherever the pieces' borders are.

    Args:
      stop: the texts; none cuts nothing.

    Attributes:
      found: whether one was found; nothing more is let through then.
    """

    def __init__(self, stop: tuple[str, ...]) -> None:
        self.found = False
        self._stop = stop
        self._kept = ""

    def feed(self, piece: str) -> str:
        """Take a piece and give what can be shown: no stop text can begin in it any more."""
        if self.found or not self._stop:
            return "" if self.found else piece
        text = self._kept + piece
        places = [(place + len(stop), place) for stop in self._stop if (place := text.find(stop)) >= 0]
        if places:
            self.found, self._kept = True, ""
            return text[: min(places)[1]]
        num_kept = max(_overlap(text, stop) for stop in self._stop)
        self._kept = text[len(text) - num_kept :]
        return text[: len(text) - num_kept]

    def rest(self) -> str:
        """Give what was kept back, at the end of the text."""
        kept, self._kept = self._kept, ""
        return kept


def _overlap(text: str, stop: str) -> int:
    """Count the characters at the end of a text with which a stop text begins."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
