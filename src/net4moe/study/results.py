"""From rewards and tables to the records that the report shows."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from net4moe.policy import LEGEND
from net4moe.study import statistics
from net4moe.study.records import (
    Comparison,
    Curve,
    ExpertSummary,
    PolicyResult,
    PolicyRewards,
    TableSummary,
    UnscoredReason,
)
from net4moe.table import ScoreRow, ScoreTable

__all__ = ["comparisons_of", "curves_of", "policies_of", "table_summary"]

_ORDER = (
    "upper_bound",
    "sac",
    "round_robin",
    "random_selection",
    "best_given_observation",
    "highest_expectation",
    "lowest_cost",
    "best_expert",
    "strongest_link",
)
"""The paper's four lines first."""


def curves_of(rewards: Sequence[PolicyRewards], rng: np.random.Generator) -> tuple[Curve, ...]:
    """Draw each policy's line over the epochs with its interval over the seeds."""
    curves: list[Curve] = []
    for one in _ordered(rewards):
        band = statistics.band(one.rewards, rng)
        curves.append(
            Curve(
                policy=one.policy,
                label=one.label,
                epochs=one.epochs,
                point=tuple(map(float, band.point)),
                low=tuple(map(float, band.low)),
                high=tuple(map(float, band.high)),
            )
        )
    return tuple(curves)


def policies_of(rewards: Sequence[PolicyRewards], rng: np.random.Generator) -> tuple[PolicyResult, ...]:
    """Summarise each policy: mean and final reward, share of the upper bound, gap closed."""
    summaries = {one.policy: statistics.summarise(one.rewards, rng) for one in rewards}
    upper = summaries["upper_bound"].final_by_seed
    chance = summaries["random_selection"].final_by_seed
    return tuple(
        PolicyResult(
            policy=one.policy,
            label=one.label,
            mean=summaries[one.policy].mean,
            final=summaries[one.policy].final,
            share_of_upper_bound=statistics.share_of(summaries[one.policy].final_by_seed, upper, rng),
            gap_closed=statistics.gap_closed(summaries[one.policy].final_by_seed, chance, upper, rng),
        )
        for one in _ordered(rewards)
    )


def comparisons_of(rewards: Sequence[PolicyRewards], rng: np.random.Generator) -> tuple[Comparison, ...]:
    """Compare the learned policy with every other, seed by seed, at the end of training."""
    final = {one.policy: statistics.summarise(one.rewards, rng).final_by_seed for one in rewards}
    return tuple(
        Comparison(
            label=LEGEND["sac"],
            other_label=one.label,
            difference=statistics.paired_difference(final["sac"], final[one.policy], rng),
            probability_of_improvement=statistics.probability_of_improvement(final["sac"], final[one.policy]),
        )
        for one in _ordered(rewards)
        if one.policy != "sac"
    )


def table_summary(table: ScoreTable, *, num_held_out: int) -> TableSummary:
    """Count and average the score table."""
    reasons = Counter(row.unscored_reason for row in table.rows if row.explicit_score is None)
    return TableSummary(
        num_prompts=len(table.prompt_ids),
        num_held_out=num_held_out,
        num_subtasks=len({(row.prompt_id, row.subtask_index) for row in table.rows}),
        num_rows=len(table.rows),
        experts=tuple(
            _expert_summary([row for row in table.rows if row.expert == expert]) for expert in table.experts
        ),
        unscored=tuple(UnscoredReason(reason=text, num_rows=count) for text, count in reasons.most_common()),
        digest=table.digest(),
    )


def _expert_summary(rows: Sequence[ScoreRow]) -> ExpertSummary:
    scores = [row.explicit_score for row in rows if row.explicit_score is not None]
    return ExpertSummary(
        expert=rows[0].expert,
        field=rows[0].expert_field,
        device=rows[0].device,
        num_rows=len(rows),
        num_unscored=len(rows) - len(scores),
        mean_score=float(np.mean(scores)) if scores else None,
        mean_words=float(np.mean([row.words for row in rows])),
        mean_tokens=float(np.mean([row.completion_tokens for row in rows])),
        mean_seconds=float(np.mean([row.seconds for row in rows])),
    )


def _ordered(rewards: Sequence[PolicyRewards]) -> list[PolicyRewards]:
    return sorted(rewards, key=lambda one: _ORDER.index(one.policy))
