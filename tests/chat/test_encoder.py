"""Comparisons by meaning: the answers, when the model is loaded, and the ledger."""

import asyncio
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from net4moe.chat.encoder import (
    Alike,
    Comparison,
    LedgeredEncoder,
    Likeness,
    Nearest,
    SentenceEncoder,
    TextEncoder,
)
from net4moe.chat.ledger import Ledger, request_hash
from net4moe.chat.minilm import Encoded, MiniLM
from net4moe.errors import LedgerError, ModelFileError

ALIKE = Alike(texts=("fox",), others=("fox", "hen"))

VECTORS = {
    "fox": (1.0, 0.0, 0.0),
    "hen": (0.6, 0.8, 0.0),
    "sea": (0.0, 0.0, -1.0),
    "third": (1 / 3, 0.0, 0.0),
}


class Plane:
    """Stands for the model: each word has a vector that does not know its neighbours; a hyphen parts pieces."""

    def __init__(self, vectors: Mapping[str, Sequence[float]] = VECTORS) -> None:
        self._vectors = vectors
        self.calls: list[tuple[str, ...]] = []
        self.threads: set[int] = set()
        self._busy = threading.Lock()

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Encode texts, one call at a time."""
        assert self._busy.acquire(blocking=False), "two comparisons at the same time"
        try:
            self.calls.append(tuple(texts))
            self.threads.add(threading.get_ident())
            return [self._encoded(text) for text in texts]
        finally:
            self._busy.release()

    def _encoded(self, text: str) -> Encoded:
        pieces: list[Sequence[float]] = []
        words: list[tuple[str, tuple[int, ...]]] = []
        for word in text.split():
            own = [] if word == "-" else [self._vectors[piece] for piece in word.split("-")]
            words.append((word, tuple(range(len(pieces), len(pieces) + len(own)))))
            pieces += own
        states = np.array(pieces, np.float32).reshape(len(pieces), 3)
        return Encoded(vector=states.sum(axis=0), pieces=states, words=tuple(words))


def encoder(plane: Plane | None = None) -> SentenceEncoder:
    """Make an encoder of the stand-in."""
    model = cast(MiniLM, plane or Plane())
    return SentenceEncoder(lambda: model)


def compared(comparison: Comparison, plane: Plane | None = None) -> Likeness:
    """Compare once."""
    return asyncio.run(encoder(plane).compare(comparison))


def test_alike() -> None:
    """A row for each text, a column for each other, and no words."""
    found = compared(Alike(texts=("fox", "hen"), others=("hen", "sea", "fox")))
    assert ((0.6, 0.0, 1.0), (1.0, 0.0, 0.6)) == found.rows
    assert () == found.words
    assert found.seconds >= 0.0


def test_nearest() -> None:
    """For each word the largest cosine of any word in any text."""
    found = compared(Nearest(texts=("sea sea", "hen"), words_of="fox sea hen"))
    assert (("fox", "sea", "hen"), ((0.6, 1.0, 1.0),)) == (found.words, found.rows)


def test_a_word_of_several_pieces() -> None:
    """It comes as near as its pieces do on average; a sign without pieces comes no nearer than 0."""
    found = compared(Nearest(texts=("hen",), words_of="fox-hen -"))
    assert (("fox-hen", "-"), ((0.8, 0.0),)) == (found.words, found.rows)


def test_what_points_away_is_negative() -> None:
    """Cosines go down to -1."""
    vectors = {"up": (0.0, 1.0, 0.0), "down": (0.0, -1.0, 0.0)}
    assert ((-1.0,),) == compared(Nearest(texts=("down",), words_of="up"), Plane(vectors)).rows
    assert ((-1.0,),) == compared(Alike(texts=("down",), others=("up",)), Plane(vectors)).rows


@pytest.mark.parametrize(
    ("comparison", "rows", "words"),
    [
        (Alike(texts=(), others=()), (), ()),
        (Alike(texts=(), others=("fox",)), (), ()),
        (Alike(texts=("fox", "hen"), others=()), ((), ()), ()),
        (Nearest(texts=(), words_of="fox sea"), ((0.0, 0.0),), ("fox", "sea")),
        (Nearest(texts=("", "-"), words_of="fox"), ((0.0,),), ("fox",)),
        (Nearest(texts=("fox",), words_of=""), ((),), ()),
        (Nearest(texts=(), words_of=""), ((),), ()),
    ],
)
def test_nothing_to_compare(comparison: Comparison, rows: object, words: object) -> None:
    """The answer has the shape that was asked for; where no word is, none is near."""
    found = compared(comparison)
    assert (rows, words) == (found.rows, found.words)


def test_four_digits() -> None:
    """What differs beyond them from one machine to another is left out; the numbers are plain ones."""
    for comparison in (
        Alike(texts=("third",), others=("fox",)),
        Nearest(texts=("fox",), words_of="third"),
    ):
        ((value,),) = compared(comparison).rows
        assert 0.3333 == value
        assert float is type(value)


def test_loaded_with_the_first_comparison_and_once() -> None:
    """Not when it is made; ten comparisons at the same time load it once and take turns."""
    plane = Plane()
    num_loads = 0

    def load() -> MiniLM:
        nonlocal num_loads
        num_loads += 1
        return cast(MiniLM, plane)

    lazy = SentenceEncoder(load)
    assert "all-MiniLM-L6-v2" == lazy.name
    assert 0 == num_loads

    async def at_once() -> list[Likeness]:
        return await asyncio.gather(
            *(lazy.compare(Alike(texts=("fox",) * number, others=("hen",))) for number in range(1, 11))
        )

    found = asyncio.run(at_once())
    assert [((0.6,),) * number for number in range(1, 11)] == [one.rows for one in found]
    assert (1, 10) == (num_loads, len(plane.calls))
    assert threading.get_ident() not in plane.threads


def test_a_model_that_cannot_be_had() -> None:
    """Its error passes through, and the next comparison tries again."""
    tries = iter([ModelFileError("no such index"), None])

    def load() -> MiniLM:
        if (error := next(tries)) is not None:
            raise error
        return cast(MiniLM, Plane())

    async def twice() -> Likeness:
        lazy = SentenceEncoder(load)
        with pytest.raises(ModelFileError, match="no such index"):
            await lazy.compare(ALIKE)
        return await lazy.compare(ALIKE)

    assert ((1.0, 0.6),) == asyncio.run(twice()).rows


def test_an_encoder_outlives_its_loop() -> None:
    """Comparisons that take turns in one event loop do not bind it to that loop."""
    lasting = encoder()

    async def at_once() -> list[Likeness]:
        return await asyncio.gather(*(lasting.compare(ALIKE) for _ in range(3)))

    assert 3 == len(asyncio.run(at_once())) == len(asyncio.run(at_once()))


class Counted(TextEncoder):
    """Counts what it is asked; every answer is another."""

    name = "counted"

    def __init__(self) -> None:
        self.num_asked = 0

    async def compare(self, comparison: Comparison) -> Likeness:
        """Answer, after whoever else is waiting has asked as well."""
        self.num_asked += 1
        answer = self.num_asked / 8
        await asyncio.sleep(0)
        return Likeness(rows=((answer, -0.25),), words=("Crème", "\ud800"), seconds=0.5)


def test_a_comparison_is_made_once(path: Path) -> None:
    """The second is read, and is the same to the last digit and sign; others are made."""
    counted = Counted()
    with Ledger(path) as ledger:
        ledgered = LedgeredEncoder(counted, ledger, purpose="judge")
        assert "counted" == ledgered.name
        first = asyncio.run(ledgered.compare(ALIKE))
        assert (1, 0) == (ledger.num_made, ledger.num_read)
        assert Likeness(rows=((0.125, -0.25),), words=("Crème", "\ud800"), seconds=0.5) == first
        assert first == asyncio.run(ledgered.compare(Alike(texts=("fox",), others=("fox", "hen"))))
        assert (1, 1, 1) == (counted.num_asked, ledger.num_made, ledger.num_read)
        others: list[Comparison] = [
            Alike(texts=("fox", "fox"), others=("hen",)),
            Alike(texts=("hen",), others=("fox", "fox")),
            Nearest(texts=("fox",), words_of="hen"),
            Nearest(texts=("hen",), words_of="fox"),
        ]
        for comparison in others:
            asyncio.run(ledgered.compare(comparison))
        assert (5, 5) == (counted.num_asked, ledger.num_calls)
        assert 0.0 == ledger.spent_usd


def test_what_the_ledger_holds(path: Path) -> None:
    """The model, the purpose and the time; a comparison costs nothing and reads no tokens."""
    with Ledger(path) as ledger:
        asyncio.run(LedgeredEncoder(Counted(), ledger, purpose="judge").compare(ALIKE))
    database = sqlite3.connect(path)
    names = "hash, model, purpose, prompt_tokens, completion_tokens, seconds, price_usd"
    rows = database.execute(f"select {names} from call").fetchall()
    database.close()
    assert [(request_hash("counted", ALIKE), "counted", "judge", 0, 0, 0.5, 0.0)] == rows


def test_the_same_comparison_at_the_same_time(path: Path) -> None:
    """Both hear the answer that was committed first."""

    async def at_once() -> list[Likeness]:
        with Ledger(path) as ledger:
            ledgered = LedgeredEncoder(Counted(), ledger)
            return await asyncio.gather(*(ledgered.compare(ALIKE) for _ in range(4)))

    assert [((0.125, -0.25),)] * 4 == [one.rows for one in asyncio.run(at_once())]


def test_a_replay_gives_the_same(path: Path) -> None:
    """The same likeness, and nobody is asked."""
    comparisons: list[Comparison] = [ALIKE, Nearest(texts=("hen",), words_of="fox")]
    plane, counted = Plane(), Counted()
    with Ledger(path) as ledger:
        ledgered = LedgeredEncoder(encoder(plane), ledger, purpose="judge")
        made = [asyncio.run(ledgered.compare(one)) for one in comparisons]
    counted.name = "all-MiniLM-L6-v2"
    with Ledger(path, replay=True) as ledger:
        replayed = LedgeredEncoder(counted, ledger, purpose="another")
        assert made == [asyncio.run(replayed.compare(one)) for one in comparisons]
        assert (0, 2) == (ledger.num_made, ledger.num_read)
    assert 0 == counted.num_asked


def test_a_replay_of_what_was_not_compared(path: Path) -> None:
    """The sentence names the file, the model and the comparison, and says what to do."""
    Ledger(path).__exit__(None, None, None)
    counted = Counted()
    with Ledger(path, replay=True) as ledger, pytest.raises(LedgerError) as caught:
        asyncio.run(LedgeredEncoder(counted, ledger).compare(ALIKE))
    assert str(caught.value) == (
        f"{path}: the ledger has no answer to a comparison by 'counted' "
        f"({request_hash('counted', ALIKE)[:12]}); replay the settings, prompts and version that made it."
    )
    assert 0 == counted.num_asked


def test_errors_are_not_recorded(path: Path) -> None:
    """A model that cannot be had leaves the ledger as it was."""

    def load() -> MiniLM:
        raise ModelFileError("no such index")

    with Ledger(path) as ledger:
        with pytest.raises(ModelFileError):
            asyncio.run(LedgeredEncoder(SentenceEncoder(load), ledger).compare(ALIKE))
        assert (0, 0) == (ledger.num_made, ledger.num_calls)


@pytest.mark.model
def test_the_real_model(encoder_files: tuple[Path, ...]) -> None:
    """What is told in a text comes nearer than what is not, and the whole is nearest to its like."""
    real = SentenceEncoder(lambda: MiniLM(*encoder_files))

    async def both() -> tuple[Likeness, Likeness]:
        told = "The young animal crossed the bay in a small boat."
        others = ("A fox learns to sail.", "Interest rates rose again.")
        return (
            await real.compare(Alike(texts=(told,), others=others)),
            await real.compare(Nearest(texts=(told,), words_of="fox sails mortgage")),
        )

    alike, nearest = asyncio.run(both())
    assert alike.rows[0][0] > alike.rows[0][1] + 0.1
    assert ("fox", "sails", "mortgage") == nearest.words
    assert min(nearest.rows[0][:2]) > nearest.rows[0][2]


@pytest.mark.usefixtures("encoder_files")
def test_by_default_the_model_in_the_cache() -> None:
    """Who writes `SentenceEncoder()` gets the real one."""
    meal = Alike(texts=("A man is eating food.",), others=("Someone eats a meal.", "The sky is blue."))
    ((near, far),) = asyncio.run(SentenceEncoder().compare(meal)).rows
    assert far < 0.2 < 0.7 < near
