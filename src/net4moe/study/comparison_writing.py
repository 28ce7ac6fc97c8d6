"""Everything that a comparison leaves behind, made from what everybody earned."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from net4moe.study import comparison_figures, figures
from net4moe.study.comparison_files import marl_eval_json, result_json, seed_scores_csv
from net4moe.study.comparison_results import compared_result
from net4moe.study.machine import machine, versions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from net4moe.environment.scenarios import Size
    from net4moe.study.certificates import Certificate
    from net4moe.study.comparison_plan import ComparisonPlan
    from net4moe.study.comparison_records import ComparisonResult, Played
    from net4moe.study.run_directory import RunDirectory

__all__ = ["write_comparison"]

_PACKAGES = ("net4moe", "jax", "numpy", "optax", "scipy", "matplotlib")


def write_comparison(
    run: RunDirectory, plan: ComparisonPlan, played: Sequence[Played], certificates: Sequence[Certificate]
) -> ComparisonResult:
    """Score everybody, and write tables, figures and, last, `run.json`.

    Raises:
      RunError: the directory cannot be written.
    """
    result = compared_result(played, certificates, np.random.default_rng(plan.seed))
    run.write("scores.csv", seed_scores_csv(result.seed_scores))
    run.write("comparison.json", result_json(result))
    for size in plan.sizes:
        run.write(f"marl_eval_{size}.json", marl_eval_json(played, size))
        for name, figure in _figures(result, size):
            run.write(f"figures/{name}_{size}.png", figures.to_png(figure))
            run.write(f"figures/{name}_{size}.svg", figures.to_svg(figure))
    run.finish(
        {
            "scenarios": [one.name for one in plan.scenarios],
            "sizes": list(plan.sizes),
            "seeds": list(plan.seeds),
            "num_episodes": plan.num_episodes,
            "num_practice_episodes": plan.num_practice_episodes,
            "num_bound_episodes": plan.num_bound_episodes,
            "seed": plan.seed,
            "adaptive": list(plan.adaptive),
            "agents": {one.name: asdict(one.config) for one in plan.contenders},
            "certificates": [asdict(one) for one in certificates],
            "versions": [asdict(one) for one in versions(_PACKAGES)],
            "machine": machine(),
        }
    )
    return result


def _figures(result: ComparisonResult, size: Size) -> list[tuple[str, Figure]]:
    """Draw what there is to draw."""
    curves = [one for one in result.curves if one.anchors.size == size and one.curves]
    scores = [one for one in result.policy_scores if one.size == size]
    drawn: list[tuple[str, Figure]] = []
    if curves:
        drawn.append(("learning", comparison_figures.draw_learning(curves)))
    if scores:
        drawn.append(("scores", comparison_figures.draw_scores(scores)))
        drawn.append(("profiles", comparison_figures.draw_profiles(scores)))
    return drawn
