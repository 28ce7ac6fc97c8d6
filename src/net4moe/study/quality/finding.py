"""From the texts of a study of quality to everything that is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from net4moe.study.quality.choosing import by_num_draws, chosen, spent_by
from net4moe.study.quality.frontier import frontier
from net4moe.study.quality.records import RESOURCES, AtEqual, Quality
from net4moe.study.quality.team import ARMS, OURS, UPPER
from net4moe.study.quality.testing import arm_results, pair_results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from net4moe.study.quality.records import Draw

__all__ = ["found", "natural"]

_RIVALS = tuple(arm for arm in ARMS if arm.key != UPPER)
"""What ours is held against; the upper bound is above it by construction."""


def natural(draws: Sequence[Draw]) -> tuple[Draw, ...]:
    """Leave each prompt as many local texts as ours made calls for it; what is beyond serves larger budgets."""
    calls = {draw.prompt_id: draw.calls for draw in draws if draw.arm == OURS}
    return tuple(
        draw for draw in draws if draw.arm != "local_n" or draw.number < calls.get(draw.prompt_id, 0)
    )


def found(draws: Sequence[Draw], *, judge: str, held_out_judge: str = "", seed: int = 0) -> Quality:
    """Compare all arms, as they are and at equal budgets.

    Args:
      draws: every text with its score.
      judge: who scored.
      held_out_judge: who scored once more and decided nothing; empty where nobody did.
      seed: of the resampling.
    """
    rng = np.random.default_rng(seed)
    own = natural(draws)
    choices = chosen(own)
    equal: list[AtEqual] = []
    for resource in RESOURCES:
        at_equal = chosen(draws, budget_of=spent_by(own, arm=OURS, resource=resource), resource=resource)
        equal.append(
            AtEqual(
                resource=resource,
                results=arm_results(ARMS, at_equal, rng),
                pairs=pair_results(_RIVALS, at_equal, rng, ours=OURS),
            )
        )
    return Quality(
        arms=ARMS,
        ours=OURS,
        prompts=tuple(dict.fromkeys(draw.prompt_id for draw in draws)),
        judge=judge,
        results=arm_results(ARMS, choices, rng),
        pairs=pair_results(_RIVALS, choices, rng, ours=OURS),
        at_equal=tuple(equal),
        frontier=frontier(by_num_draws(own), rng, out_of_reach=(UPPER,)),
        held_out_judge=held_out_judge,
        held_out_pairs=(
            pair_results(_RIVALS, choices, rng, ours=OURS, by="held_out") if held_out_judge else ()
        ),
    )
