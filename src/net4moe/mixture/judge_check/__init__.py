"""How far a judge can be trusted: good texts, damage done to them, and what the judge makes of it."""

from net4moe.mixture.judge_check.damage import DAMAGES, Damage, Damaged, damaged
from net4moe.mixture.judge_check.material import Material, Sample, material
from net4moe.mixture.judge_check.measuring import CheckPlan, checked
from net4moe.mixture.judge_check.reliability import (
    BROKEN,
    SUBTLE,
    DamageFound,
    Estimate,
    Reliability,
    Verdict,
    reliability_from_json,
)
from net4moe.mixture.judge_check.store import keep, known, what_is_known_of

__all__ = [
    "BROKEN",
    "DAMAGES",
    "SUBTLE",
    "CheckPlan",
    "Damage",
    "DamageFound",
    "Damaged",
    "Estimate",
    "Material",
    "Reliability",
    "Sample",
    "Verdict",
    "checked",
    "damaged",
    "keep",
    "known",
    "material",
    "reliability_from_json",
    "what_is_known_of",
]
