"""What each scenario is about, without the array compiler."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["ABOUT"]

ABOUT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "case-study": ("The paper's setting: independent links, one prompt.", ""),
        "mobile": ("Links that last while the user moves, and nothing that a choice could change.", ""),
        "backlog": ("Unequal devices with queues; important subtasks among others.", "queues"),
        "battery": ("Helpers on batteries and little sun; important subtasks among others.", "charge"),
        "residency": ("One expert in memory at a time; loading another takes long.", "experts in memory"),
        "switching": ("Every change of device costs a handover and its cache.", "serving device"),
        "thermal": ("Fast devices slow down when they get hot.", "temperatures"),
        "chain": (
            "Passages stay where they were written until the next expert needs them.",
            "place of passages",
        ),
        "deadline": (
            "Lossy links and a deadline: what is lost is tried again while time is left.",
            "time left",
        ),
        "edge": ("Queues, batteries, heat, memory, handover and lossy links, all together.", "all of these"),
        "joint": ("The subtasks of one prompt share devices and the band.", "free devices, band"),
        "churn": (
            "Experts whose quality drifts, unseen until asked, over links known too late.",
            "knowledge",
        ),
    }
)
"""Each scenario's name, one sentence on it, and what the action changes; the paper's first."""
