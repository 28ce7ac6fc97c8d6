"""What is known of each expert from earlier passages, as a file that a trained policy travels with."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from net4moe.environment.outcomes import Expectations
from net4moe.errors import CheckpointError
from net4moe.table import atomic

__all__ = ["History", "read", "write"]

_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Means over earlier passages, by the subtask's field and the expert.

    Attributes:
      fields: the fields `[F]`.
      experts: the experts `[E]`.
      score: mean explicit score `[F][E]`, 0 to 10.
      words_ratio: mean of words written over words assessed `[F][E]`.
    """

    fields: tuple[str, ...]
    experts: tuple[str, ...]
    score: tuple[tuple[float, ...], ...]
    words_ratio: tuple[tuple[float, ...], ...]

    def __post_init__(self) -> None:
        """Refuse means that do not fit the names or are no numbers."""
        for label in ("score", "words_ratio"):
            rows = getattr(self, label)
            if len(rows) != len(self.fields) or any(len(row) != len(self.experts) for row in rows):
                message = f"`{label}` must have {len(self.fields)} rows of {len(self.experts)} numbers."
                raise ValueError(message)
            if not all(math.isfinite(value) and value >= 0 for row in rows for value in row):
                message = f"`{label}` must hold finite numbers from 0 up."
                raise ValueError(message)

    @classmethod
    def of(cls, expectations: Expectations, fields: Sequence[str], experts: Sequence[str]) -> "History":
        """Name the rows and columns of expectations."""
        return cls(
            fields=tuple(fields),
            experts=tuple(experts),
            score=_rows(expectations.score),
            words_ratio=_rows(expectations.words_ratio),
        )

    def of_expert(self, field: str, expert: str) -> tuple[float, float] | None:
        """Look up mean score and words ratio; None for an expert or a field that is not known."""
        if field not in self.fields or expert not in self.experts:
            return None
        f, e = self.fields.index(field), self.experts.index(expert)
        return self.score[f][e], self.words_ratio[f][e]


def write(history: History, path: Path) -> None:
    """Write a history as JSON, atomically."""
    content = {"version": _VERSION, **asdict(history)}
    atomic.write_bytes(path, json.dumps(content, indent=1, ensure_ascii=False).encode())


def read(path: Path) -> History:
    """Read a history.

    Raises:
      CheckpointError: the file is missing, damaged or of another version.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        version = content.pop("version")
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror})."
        raise CheckpointError(message) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        message = f"{path} is not a history of experts."
        raise CheckpointError(message) from error
    if version != _VERSION:
        message = f"{path} has version {version}, this program reads version {_VERSION}; train again."
        raise CheckpointError(message)
    try:
        return History(
            fields=tuple(content["fields"]),
            experts=tuple(content["experts"]),
            score=tuple(tuple(map(float, row)) for row in content["score"]),
            words_ratio=tuple(tuple(map(float, row)) for row in content["words_ratio"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        message = f"{path} is damaged: {error}."
        raise CheckpointError(message) from error


def _rows(array: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(value) for value in row) for row in np.asarray(array))
