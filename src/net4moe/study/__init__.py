"""The study: comparison over seeds, statistics, figures and the report.

What needs JAX, Polars, Matplotlib or Jinja2 is imported by its own name: `study.learning`, `study.figures`,
`study.page`, `study.writing`.
"""

from net4moe.study.records import (
    CallCosts,
    Comparison,
    Curve,
    Example,
    ExpertSummary,
    JudgeNote,
    PlacedSubtask,
    PolicyResult,
    PolicyRewards,
    Setting,
    Stage,
    StudyResult,
    TableSummary,
    UnscoredReason,
    Version,
)
from net4moe.study.run_directory import RunDirectory
from net4moe.study.statistics import Band, Interval, Summary

__all__ = [
    "Band",
    "CallCosts",
    "Comparison",
    "Curve",
    "Example",
    "ExpertSummary",
    "Interval",
    "JudgeNote",
    "PlacedSubtask",
    "PolicyResult",
    "PolicyRewards",
    "RunDirectory",
    "Setting",
    "Stage",
    "StudyResult",
    "Summary",
    "TableSummary",
    "UnscoredReason",
    "Version",
]
