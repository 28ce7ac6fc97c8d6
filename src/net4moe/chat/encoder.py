"""The seam to models that tell which texts mean alike; every comparison goes through the ledger, as calls do."""

import asyncio
import json
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from net4moe.chat.ledger import Ledger, request_hash
from net4moe.chat.records import Reply
from net4moe.errors import LedgerError

if TYPE_CHECKING:
    from net4moe.chat.minilm import MiniLM

__all__ = ["Alike", "Comparison", "LedgeredEncoder", "Likeness", "Nearest", "SentenceEncoder", "TextEncoder"]

_DIGITS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """Texts to be compared with others: how far do they mean the same?

    Attributes:
      texts: the rows of the answer.
      others: its columns.
    """

    texts: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The words of a text to be looked for in others: how near does any of theirs come, each in its context?

    Attributes:
      texts: where they are looked for.
      words_of: what they stand in.
    """

    texts: tuple[str, ...]
    words_of: str


Comparison = Alike | Nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """The answer to a comparison, cosines from -1 to 1 with four digits, so that every machine tells the same.

    Attributes:
      rows: of `Alike`, a row for each text; of `Nearest`, one row with a number for each word.
      words: of `Nearest`, the words and marks.
      seconds: time it took.
    """

    rows: tuple[tuple[float, ...], ...]
    words: tuple[str, ...] = ()
    seconds: float = 0.0


class TextEncoder(ABC):
    """A model that tells which texts mean alike.

    Attributes:
      name: the model's name.
    """

    name: str

    @abstractmethod
    async def compare(self, comparison: Comparison) -> Likeness:
        """Answer one comparison.

        Raises:
          ModelFileError: the model cannot be had.
        """


class SentenceEncoder(TextEncoder):
    """all-MiniLM-L6-v2 in this process, loaded with the first comparison.

    Args:
      load: finds the model; called once. By default its weights are fetched where they are not in the cache.
    """

    name = "all-MiniLM-L6-v2"

    def __init__(self, load: "Callable[[], MiniLM] | None" = None) -> None:
        self._load = load or _fetched
        self._model: MiniLM | None = None
        self._one_at_a_time = threading.Lock()

    async def compare(self, comparison: Comparison) -> Likeness:
        """Answer one comparison, on a thread of its own."""
        return await asyncio.to_thread(self._compare, comparison)

    def _compare(self, comparison: Comparison) -> Likeness:
        with self._one_at_a_time:
            if self._model is None:
                self._model = self._load()
            begin = time.perf_counter()
            rows, words = _compared(self._model, comparison)
            return Likeness(rows=rows, words=words, seconds=time.perf_counter() - begin)


class LedgeredEncoder(TextEncoder):
    """An encoder whose comparisons go through a ledger: read where they were made before, recorded else."""

    def __init__(self, encoder: TextEncoder, ledger: Ledger, *, purpose: str = "") -> None:
        self.name = encoder.name
        self._encoder = encoder
        self._ledger = ledger
        self._purpose = purpose

    async def compare(self, comparison: Comparison) -> Likeness:
        """Answer from the ledger, else from the encoder."""
        ledger = self._ledger
        key = request_hash(self.name, comparison)
        known = ledger.find(key)
        if known is None:
            if ledger.replay:
                msg = (
                    f"{ledger.path}: the ledger has no answer to a comparison by '{self.name}' "
                    f"({key[:12]}); replay the settings, prompts and version that made it."
                )
                raise LedgerError(msg)
            made = await self._encoder.compare(comparison)
            ledger.num_made += 1
            known = ledger.record(key, self.name, self._purpose, comparison, _reply(made))
        else:
            ledger.num_read += 1
        try:
            return _likeness(known)
        except (KeyError, TypeError, ValueError) as error:
            msg = f"{ledger.path}: the ledger is damaged: the answer to comparison {key[:12]} cannot be read."
            raise LedgerError(msg) from error


def _fetched() -> "MiniLM":
    from net4moe.chat.minilm import MiniLM
    from net4moe.chat.weights import MINILM, cached, fetched

    return MiniLM(*(cached(MINILM) or fetched(MINILM)))


def _compared(
    model: "MiniLM", comparison: Comparison
) -> tuple[tuple[tuple[float, ...], ...], tuple[str, ...]]:
    import numpy as np

    match comparison:
        case Alike(texts=texts, others=others):
            if not texts or not others:
                return tuple(() for _ in texts), ()
            encoded = [one.vector for one in model.encode((*texts, *others))]
            table = np.stack(encoded[: len(texts)]) @ np.stack(encoded[len(texts) :]).T
            return tuple(tuple(round(float(value), _DIGITS) for value in row) for row in table), ()
        case Nearest(texts=texts, words_of=words_of):
            *encoded, asked = model.encode((*texts, words_of))
            there = np.concatenate([one.pieces for one in encoded]) if encoded else asked.pieces[:0]
            if not len(there):
                return ((0.0,) * len(asked.words),), tuple(word for word, _ in asked.words)
            nearest = (asked.pieces @ there.T).max(axis=1, initial=-1.0)
            row = [float(nearest[list(places)].mean()) if places else 0.0 for _, places in asked.words]
            return (tuple(round(value, _DIGITS) for value in row),), tuple(word for word, _ in asked.words)


def _reply(likeness: Likeness) -> Reply:
    content = {"rows": likeness.rows, "words": likeness.words}
    return Reply(
        text=json.dumps(content, ensure_ascii=True),
        finish_reason="stop",
        prompt_tokens=0,
        completion_tokens=0,
        seconds=likeness.seconds,
    )


def _likeness(reply: Reply) -> Likeness:
    content = json.loads(reply.text)
    return Likeness(
        rows=tuple(tuple(row) for row in content["rows"]),
        words=tuple(content["words"]),
        seconds=reply.seconds,
    )
