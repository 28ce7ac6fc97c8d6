"""Judges: asked for a number, for yes or no, for the better of two; one that only reads; several together."""

from net4moe.mixture.judges.explicit import ExplicitJudge
from net4moe.mixture.judges.implicit import ImplicitJudge
from net4moe.mixture.judges.likelihood import LikelihoodJudge
from net4moe.mixture.judges.pairwise import Comparison, PairwiseJudge
from net4moe.mixture.judges.panel import Agreement, Panel, agreement

__all__ = [
    "Agreement",
    "Comparison",
    "ExplicitJudge",
    "ImplicitJudge",
    "LikelihoodJudge",
    "PairwiseJudge",
    "Panel",
    "agreement",
]
