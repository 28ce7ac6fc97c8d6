"""The arms of the study of quality, and who takes part in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from net4moe.mixture import Expert, Gate, Judge, Placement
from net4moe.study.quality.records import Arm

__all__ = ["ARMS", "OURS", "UPPER", "Energy", "Team"]

OURS, UPPER = "ours", "upper"

ARMS = (
    Arm(
        key="local", label="Local only", meaning="the user's own device writes once, within its small budget"
    ),
    Arm(
        key="local_n",
        label="Local, best of n",
        meaning="as many such texts as ours makes calls; the best-scored",
    ),
    Arm(key="random", label="Random expert", meaning="each subtask goes to a device drawn by lot"),
    Arm(
        key="alone",
        label="Best single expert",
        meaning="the expert that scored best before writes everything",
    ),
    Arm(key="panel", label="All experts", meaning="every expert writes, the gate fuses (Mixture-of-Agents)"),
    Arm(
        key="strongest", label="Strongest link", meaning="each subtask goes to the device with the best link"
    ),
    Arm(key=OURS, label="Ours", meaning="the trained policy places the subtasks, the gate fuses"),
    Arm(
        key="fused",
        label="Ours, fused otherwise",
        meaning="a capable gate joins, a small one links the passages",
    ),
    Arm(key="whole", label="Ours, prompt whole", meaning="the trained policy places the prompt unsplit"),
    Arm(key="free", label="Ours, cost ignored", meaning="placed by the expected score alone"),
    Arm(key=UPPER, label="Upper bound", meaning="the best-scored of all texts, chosen afterwards"),
)
"""In the order of the tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What a device spends.

    Attributes:
      tokens_per_j: tokens written per joule.
      radio_w: power of both ends while its passage is on the air, W.
    """

    tokens_per_j: float
    radio_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """Who takes part.

    Attributes:
      gate: decomposes and fuses, on the user's own device.
      experts: the writers by name.
      judge: scores.
      held_out: a second judge that decides nothing; None where there is none.
      placements: makes who decides from the seed of its links: for `random`, `strongest`, `ours`, `whole` and
        `free`, and for each `expert NAME` that takes everything.
      local: the expert on the user's own device.
      local_units: compute units that one subtask may need there.
      best: the expert that scored best before.
      energy: by the expert whose device it is.
    """

    gate: Gate
    experts: Mapping[str, Expert]
    judge: Judge
    held_out: Judge | None
    placements: Mapping[str, Callable[[int], Placement]]
    local: str
    local_units: float
    best: str
    energy: Mapping[str, Energy]
