"""Whether the edge makes better texts: arms on the same prompts, held against each other under equal budgets.

Statistics, drawing and wording are imported by their own names: `quality.testing`, `quality.frontier`,
`quality.figure`, `quality.summary`.
"""

from net4moe.study.quality.choosing import Chosen, Missing
from net4moe.study.quality.records import (
    RESOURCES,
    Arm,
    ArmResult,
    AtEqual,
    Choice,
    Draw,
    FrontierPoint,
    LengthControl,
    PairResult,
    Quality,
    Resource,
    Spent,
)

__all__ = [
    "RESOURCES",
    "Arm",
    "ArmResult",
    "AtEqual",
    "Choice",
    "Chosen",
    "Draw",
    "FrontierPoint",
    "LengthControl",
    "Missing",
    "PairResult",
    "Quality",
    "Resource",
    "Spent",
]
