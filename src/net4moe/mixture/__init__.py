"""The mixture: gate, experts and judge for one prompt, and the collection of many."""

from net4moe.mixture.answering import Event, Mixture, TextArrived
from net4moe.mixture.collecting import score_table
from net4moe.mixture.expert import Expert
from net4moe.mixture.gate import Gate
from net4moe.mixture.judge import Judge, score_one
from net4moe.mixture.judges import ExplicitJudge, ImplicitJudge, LikelihoodJudge, PairwiseJudge, Panel
from net4moe.mixture.placement import MostRelevant, Placement
from net4moe.mixture.prompts import load_prompts, parse_prompts
from net4moe.mixture.records import (
    Answer,
    Aspect,
    Assessment,
    Costs,
    Decision,
    Passage,
    Prompt,
    Receipt,
    ReceiptLine,
    Score,
    Span,
    Story,
    Subtask,
    count_words,
)

__all__ = [
    "Answer",
    "Aspect",
    "Assessment",
    "Costs",
    "Decision",
    "Event",
    "Expert",
    "ExplicitJudge",
    "Gate",
    "ImplicitJudge",
    "Judge",
    "LikelihoodJudge",
    "Mixture",
    "MostRelevant",
    "PairwiseJudge",
    "Panel",
    "Passage",
    "Placement",
    "Prompt",
    "Receipt",
    "ReceiptLine",
    "Score",
    "Span",
    "Story",
    "Subtask",
    "TextArrived",
    "count_words",
    "load_prompts",
    "parse_prompts",
    "score_one",
    "score_table",
]
