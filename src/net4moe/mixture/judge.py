"""What a judge is: texts in, a score from 0 to 10 for each out, or the reason why there is none."""

from collections.abc import Sequence
from typing import Protocol

from net4moe.mixture.records import Kind, Score

__all__ = ["Judge", "score_one"]


class Judge(Protocol):
    """Anything that scores texts."""

    @property
    def name(self) -> str:
        """Kind of judge, model and version of the wording, as it stands beside every score."""
        ...

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Score texts about one thing, one score each, in their order; never guess."""
        ...


async def score_one(judge: Judge, text: str, *, about: str, kind: Kind) -> Score:
    """Score a single text."""
    (score,) = await judge.score((text,), about=about, kind=kind)
    return score
