"""The shortcut for a single text."""

import asyncio
from collections.abc import Sequence

from net4moe.mixture import Score, score_one
from net4moe.mixture.records import Kind


class Counting:
    """A judge of its own making: a point for each word."""

    name = "counting"

    async def score(self, texts: Sequence[str], *, about: str, kind: Kind) -> tuple[Score, ...]:
        """Count words."""
        return tuple(
            Score(value=float(len(text.split())), unscored_reason="", judge=f"{self.name} {about} {kind}")
            for text in texts
        )


def test_one_text_is_scored_as_one_of_several() -> None:
    """Anything with a name and scores is a judge."""
    score = asyncio.run(score_one(Counting(), "A fox sails.", about="a fox", kind="story"))
    assert Score(value=3.0, unscored_reason="", judge="counting a fox story") == score
