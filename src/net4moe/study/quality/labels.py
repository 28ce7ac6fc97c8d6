"""Where names stand beside their points: none on another, on a point or outside the picture.

One name after the other takes the place that hides least and lies nearest, among places on rings around its
point; it is found again in every run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Box", "Label", "placed"]

_GAPS = (11.0, 15.0, 22.0, 34.0, 50.0, 70.0, 95.0, 125.0, 160.0, 200.0, 250.0, 310.0)
_ANGLES = (0, 180, 30, 150, -30, -150, 90, -90, 60, 120, -60, -120, 15, 165, -15, -165, 45, 135, -45, -135)
_MARKER = 7.0
_APART = 3.0
_ON_A_NAME, _ON_A_BAR, _LEADER_ON_A_NAME, _LEADER_ON_A_POINT = 10_000.0, 60.0, 300.0, 40.0
_NEAR = 15.0
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with its sides along the axes, pixels."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def middle(self) -> tuple[float, float]:
        """Find its middle."""
        return (self.left + self.right) / 2, (self.bottom + self.top) / 2

    def nearest(self, x: float, y: float) -> tuple[float, float]:
        """Find its point that is nearest to another."""
        return min(max(x, self.left), self.right), min(max(y, self.bottom), self.top)

    def meets(self, other: Box) -> bool:
        """Say whether two share a point."""
        return (
            self.left <= other.right
            and other.left <= self.right
            and self.bottom <= other.top
            and other.bottom <= self.top
        )

    def holds(self, other: Box) -> bool:
        """Say whether another lies wholly in this one."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )

    def grown(self, by: float) -> Box:
        """Move every side outwards."""
        return Box(self.left - by, self.bottom - by, self.right + by, self.top + by)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A name to be placed.

    Attributes:
      x: its point, pixels.
      y: its point, pixels.
      width: of the name, pixels.
      height: of the name, pixels.
      is_needed: whether it is placed in any case; else it is left out where nothing is free nearby.
    """

    x: float
    y: float
    width: float
    height: float
    is_needed: bool = True


def placed(labels: Sequence[Label], room: Box, bars: Sequence[Box]) -> list[Box | None]:
    """Find a place for each name.

    Args:
      labels: the first one chooses first.
      room: where names may stand.
      bars: what they should rather not hide, or stretches of it.

    Returns:
      One place for each name; None where it is left out.
    """
    points = [Box(one.x, one.y, one.x, one.y).grown(_MARKER) for one in labels]
    taken: list[Box] = []
    lines = list(bars)
    places: list[Box | None] = []
    for label in labels:
        options = [
            (_badness(box, gap, label, taken, points, lines), index, box)
            for index, (gap, box) in enumerate(_around(label))
            if room.holds(box) and (label.is_needed or gap <= _NEAR)
        ]
        badness, _, box = min(options, default=(math.inf, 0, None))
        if box is None and label.is_needed:
            box = next(one for _, one in _around(label))
        if box is not None and (label.is_needed or badness < _ON_A_NAME):
            taken.append(box)
            places.append(box)
            lines += _leader(label, box)[::4]
        else:
            places.append(None)
    return places


def _around(label: Label) -> Iterator[tuple[float, Box]]:
    """Go through places, the nearest first: the name's edge lies on a ring around its point."""
    for gap in _GAPS:
        for angle in _ANGLES:
            x = label.x + math.cos(math.radians(angle)) * (gap + label.width / 2)
            y = label.y + math.sin(math.radians(angle)) * (gap + label.height / 2)
            yield (
                gap,
                Box(x - label.width / 2, y - label.height / 2, x + label.width / 2, y + label.height / 2),
            )


def _leader(label: Label, box: Box) -> list[Box]:
    """Walk from a point to the edge of its name."""
    x, y = box.nearest(label.x, label.y)
    shares = [step / _STEPS for step in range(1, _STEPS)]
    spots = [(label.x + share * (x - label.x), label.y + share * (y - label.y)) for share in shares]
    return [Box(*spot, *spot) for spot in spots]


def _badness(
    box: Box, gap: float, label: Label, taken: Sequence[Box], points: Sequence[Box], bars: Sequence[Box]
) -> float:
    """Weigh what a name there hides, and how far it is from its point."""
    wide = box.grown(_APART)
    hidden = sum(wide.meets(other) for other in (*taken, *points))
    crossed = sum(wide.meets(bar) for bar in bars)
    badness = _ON_A_NAME * hidden + _ON_A_BAR * crossed + gap
    for spot in _leader(label, box):
        badness += _LEADER_ON_A_NAME * sum(spot.meets(other) for other in taken)
        if gap > _NEAR:
            own = Box(label.x, label.y, label.x, label.y).grown(_MARKER)
            badness += _LEADER_ON_A_POINT * sum(spot.meets(other) for other in points if other != own)
    return badness
