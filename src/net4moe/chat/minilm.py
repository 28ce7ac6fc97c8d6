"""Texts as points of a space in which what means alike lies near: all-MiniLM-L6-v2, computed with NumPy.

A transformer of six layers (MiniLM, arXiv:2002.10957) trained to put sentences that mean alike side by side
(Sentence-BERT, arXiv:1908.10084). English; 23 million parameters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from net4moe.chat.wordpiece import WordPiece
from net4moe.errors import ModelFileError

__all__ = ["Encoded", "MiniLM"]

_WINDOW = 254
"""Pieces read at once, two marks around them not counted: what the model was trained on."""

_HEADS = 12
_LAYERS = 6
_KEPT = 256

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """A text as vectors of length one.

    Attributes:
      vector: the whole; shape (384,).
      pieces: its word pieces, each where it stands; shape (pieces, 384).
      words: its words and marks, each with the places of its pieces.
    """

    vector: Matrix
    pieces: Matrix
    words: tuple[tuple[str, tuple[int, ...]], ...]


class MiniLM:
    """The model, loaded.

    Args:
      weights: its `model.safetensors`.
      vocabulary: its `vocab.txt`.

    Raises:
      ModelFileError: a file is something else.
    """

    def __init__(self, weights: Path, vocabulary: Path) -> None:
        try:
            loaded = safetensors.numpy.load(weights.read_bytes())
            self._tensors: dict[str, Matrix] = {
                name: np.asarray(loaded[name], np.float32) for name in _needed()
            }
            self._vocabulary = WordPiece(vocabulary.read_text("utf-8").splitlines())
            self._table = self._tensors["embeddings.word_embeddings.weight"]
        except (OSError, safetensors.SafetensorError, KeyError, ValueError) as error:
            msg = f"{weights} and {vocabulary} are not the sentence encoder all-MiniLM-L6-v2 ({error})."
            raise ModelFileError(msg) from error
        self._known: dict[str, Encoded] = {}

    def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Encode texts; those of the last few calls are known already."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if len(self._known) + len(new) > _KEPT:
            self._known = {text: self._known[text] for text in texts if text in self._known}
        self._known |= dict(zip(new, self._encoded(new), strict=True))
        return [self._known[text] for text in texts]

    def _encoded(self, texts: Sequence[str]) -> list[Encoded]:
        """Encode texts; a long one in windows, its vector that of all its pieces together."""
        words = [self._vocabulary.words(text) for text in texts]
        numbers = [[number for _, pieces in one for number in pieces] for one in words]
        windows = [
            [one[begin : begin + _WINDOW] for begin in range(0, max(len(one), 1), _WINDOW)] for one in numbers
        ]
        states = iter(self._states([window for one in windows for window in one]))
        return [
            _gathered([next(states) for _ in own_windows], own_words)
            for own_windows, own_words in zip(windows, words, strict=True)
        ]

    def _states(self, windows: Sequence[Sequence[int]]) -> list[Matrix]:
        """Compute the last hidden state of every piece, and of the marks before and after a window.

        All windows go through the layers as one long row, and each attends to itself alone.
        """
        if not windows:
            return []
        tensors = self._tensors
        framed = [[self._vocabulary.begin, *window, self._vocabulary.end] for window in windows]
        bounds = list(accumulate(map(len, framed), initial=0))
        places = [place for one in framed for place in range(len(one))]
        states = self._table[[number for one in framed for number in one]]
        states = states + tensors["embeddings.position_embeddings.weight"][places]
        states = states + tensors["embeddings.token_type_embeddings.weight"][0]
        states = self._normed(states, "embeddings.LayerNorm")
        for layer in range(_LAYERS):
            name = f"encoder.layer.{layer}"
            heard = self._attention(states, bounds, f"{name}.attention.self")
            heard = self._linear(heard, f"{name}.attention.output.dense")
            states = self._normed(heard + states, f"{name}.attention.output.LayerNorm")
            thought = _gelu(self._linear(states, f"{name}.intermediate.dense"))
            thought = self._linear(thought, f"{name}.output.dense")
            states = self._normed(thought + states, f"{name}.output.LayerNorm")
        return [states[begin:end] for begin, end in pairwise(bounds)]

    def _attention(self, states: Matrix, bounds: Sequence[int], name: str) -> Matrix:
        length, width = states.shape

        def heads(which: str) -> Matrix:
            return self._linear(states, f"{name}.{which}").reshape(length, _HEADS, -1).transpose(1, 0, 2)

        query, key, value = heads("query"), heads("key"), heads("value")
        query /= np.float32(math.sqrt(width / _HEADS))
        heard = np.empty((length, width), np.float32)
        for begin, end in pairwise(bounds):
            scores = query[:, begin:end] @ key[:, begin:end].transpose(0, 2, 1)
            shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
            shares /= shares.sum(axis=-1, keepdims=True)
            heard[begin:end] = (shares @ value[:, begin:end]).transpose(1, 0, 2).reshape(end - begin, width)
        return heard

    def _linear(self, values: Matrix, name: str) -> Matrix:
        return values @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"]

    def _normed(self, values: Matrix, name: str) -> Matrix:
        centred = values - values.mean(axis=-1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(1e-12))
        return centred / spread * self._tensors[f"{name}.weight"] + self._tensors[f"{name}.bias"]


def _needed() -> list[str]:
    """Name the tensors."""
    embeddings = ("word_embeddings", "position_embeddings", "token_type_embeddings")
    parts = (
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "attention.output.LayerNorm",
        "intermediate.dense",
        "output.dense",
        "output.LayerNorm",
    )
    both = [f"encoder.layer.{layer}.{part}" for layer in range(_LAYERS) for part in parts]
    both.append("embeddings.LayerNorm")
    return [
        *(f"embeddings.{name}.weight" for name in embeddings),
        *(f"{name}.{kind}" for name in both for kind in ("weight", "bias")),
    ]


def _gathered(states: Sequence[Matrix], words: Sequence[tuple[str, Sequence[int]]]) -> Encoded:
    bounds = accumulate((len(pieces) for _, pieces in words), initial=0)
    return Encoded(
        vector=_unit(np.concatenate(states).mean(axis=0)),
        pieces=_unit(np.concatenate([window[1:-1] for window in states])),
        words=tuple(
            (word, tuple(range(begin, end)))
            for (word, _), (begin, end) in zip(words, pairwise(bounds), strict=True)
        ),
    )


def _unit(values: Matrix) -> Matrix:
    return values / np.maximum(np.linalg.norm(values, axis=-1, keepdims=True), 1e-9)


def _gelu(values: Matrix) -> Matrix:
    """Compute x times the chance that a standard normal number is below x (arXiv:1606.08415).

    The error function is 7.1.26 of Abramowitz and Stegun, off by at most 1.5e-7.
    """
    size = np.abs(values) / np.float32(math.sqrt(2))
    part = 1 / (1 + 0.3275911 * size)
    poly = part * (
        0.254829592
        + part * (-0.284496736 + part * (1.421413741 + part * (-1.453152027 + part * 1.061405429)))
    )
    error = np.copysign(1 - poly * np.exp(-(size**2)), values)
    return values * (np.float32(0.5) * (1 + error)).astype(np.float32)
