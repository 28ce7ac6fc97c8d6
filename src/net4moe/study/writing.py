"""Everything that a study leaves behind, made from what it found."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from net4moe.chat import Ledger
from net4moe.environment import history
from net4moe.mixture.judge_check import known, what_is_known_of
from net4moe.policy import LEGEND, Checkpoint, checkpoint
from net4moe.study import figures, page
from net4moe.study.learning import Learned, LearningPlan
from net4moe.study.machine import machine, versions
from net4moe.study.records import (
    CallCosts,
    Comparison,
    Example,
    JudgeNote,
    Stage,
    StudyResult,
)
from net4moe.study.results import comparisons_of, curves_of, policies_of, table_summary
from net4moe.study.run_directory import RunDirectory, learning_csv
from net4moe.study.settings_list import settings_list
from net4moe.table import ScoreTable, parquet, workbook

__all__ = ["Ingredients", "write"]

_PACKAGES = ("net4moe", "jax", "numpy", "optax", "polars", "openai", "xllamacpp", "matplotlib")
_FEW_HELD_OUT = 5
_ENOUGH_SEEDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredients:
    """What a study found.

    Attributes:
      table: the score table.
      plan: how it learned.
      learned: what came of it.
      example: one prompt on its whole way.
      ledger: the calls.
      stages: how long each part took so far.
      command: the command that runs it again.
      is_quick: whether it was the small study.
      was_collected: whether the models ran in this study.
    """

    table: ScoreTable
    plan: LearningPlan
    learned: Learned
    example: Example
    ledger: Ledger
    stages: tuple[Stage, ...]
    command: str
    is_quick: bool
    was_collected: bool


def write(run: RunDirectory, found: Ingredients) -> StudyResult:
    """Write tables, curves, checkpoints, figures, report and, last, `run.json`.

    Raises:
      RunError: the directory cannot be written.
      TableError: the score table cannot be written.
      CheckpointError: a checkpoint cannot be written.
    """
    result = _result(found)
    notes = [f"Judge: {result.judge.name}. {result.judge.reliability}", *result.warnings]
    parquet.write(found.table, run.path / "scores.parquet")
    workbook.write(found.table, run.path / "scores.xlsx", notes=notes)
    run.write("learning.csv", learning_csv(found.learned.rewards))
    for seed, trained in zip(found.plan.seeds, found.learned.trained, strict=True):
        kept = Checkpoint(policy=trained.policy, settings=asdict(found.plan.sac))
        checkpoint.write(kept, run.folder("checkpoints") / f"seed-{seed}.safetensors")
    history.write(found.learned.history, run.folder("checkpoints") / "history.json")
    curves = figures.draw_curves(
        result.curves,
        epoch_label=result.epoch_label,
        reward_label=result.reward_label,
        note=result.judge.reliability,
    )
    bars = figures.draw_bars(result.policies, reward_label=result.reward_label, note=result.judge.reliability)
    for name, figure in (("learning_curves", curves), ("rewards", bars)):
        run.write(f"figures/{name}.png", figures.to_png(figure))
        run.write(f"figures/{name}.svg", figures.to_svg(figure))
    report = page.render(result, curves_svg=figures.to_svg(curves), bars_svg=figures.to_svg(bars))
    run.write("report.html", report.encode())
    run.finish(json.loads(json.dumps(asdict(result), allow_nan=False)))
    return result


_METHODS = {
    "explicit": (
        "Asked for a number from 0 (makes no sense) to 10 (perfectly written and highly consistent); read as the "
        "expectation over the numbers where the model gives probabilities, else as the number it writes."
    ),
    "implicit": "Asked whether the text is good; ten times the probability of yes among yes and no.",
    "pairwise": "Asked which of two texts is better, in both orders; ten times the mean share of wins.",
    "likelihood": (
        "A language model reads the text, and how likely it finds its words tells how fluent and finished it is; "
        "how near it lies to its prompt by meaning tells whether it is to the subject, coherent and complete. "
        "Nothing is asked, so nothing in the text can answer."
    ),
}


def _result(found: Ingredients) -> StudyResult:
    rng = np.random.default_rng(found.plan.seed)
    policies = policies_of(found.learned.rewards, rng)
    comparisons = comparisons_of(found.learned.rewards, rng)
    summary = table_summary(found.table, num_held_out=len(found.learned.held_out_prompts))
    plan = found.plan
    choices = plan.sac.num_envs * plan.sac.num_rollout_steps
    updates = "1 update" if plan.sac.num_updates == 1 else f"{plan.sac.num_updates} updates"
    return StudyResult(
        title="Which device should write it? A case study of expert selection at the edge",
        summary=_summary(found),
        epoch_label=f"Epoch ({choices} choices, {updates})",
        reward_label="Reward per prompt",
        epoch_meaning=(
            f"One epoch goes on with {plan.sac.num_envs} prompts side by side, places {choices} subtasks, and "
            f"then makes {updates} of all networks from {plan.sac.batch_size} remembered steps each."
        ),
        reward_meaning=(
            f"For each subtask {plan.reward.quality_weight:g} x score, minus the compute cost (words x the "
            f"device's cost per word), minus the transfer cost ({plan.reward.transfer_cost_per_s:g} per second "
            "on the air); added up over the subtasks of a prompt."
        ),
        curves=curves_of(found.learned.rewards, rng),
        policies=policies,
        comparisons=comparisons,
        example=found.example,
        table=summary,
        costs=_costs(found),
        stages=found.stages,
        judge=_judge(found.table),
        settings=settings_list(plan),
        seeds=plan.seeds,
        versions=versions(_PACKAGES),
        machine=machine(),
        command=found.command,
        warnings=_warnings(found, comparisons),
    )


def _summary(found: Ingredients) -> str:
    table, learned, plan = found.table, found.learned, found.plan
    models = ", ".join(sorted({row.model for row in table.rows if row.model})) or "people"
    num_training, num_held_out = len(learned.training_prompts), len(learned.held_out_prompts)
    held_out = "prompt" if num_held_out == 1 else f"{num_held_out} prompts"
    where = "in this study" if found.was_collected else "earlier; the table was given"
    if found.is_quick and found.was_collected:
        where = "in part in this study, in part in the table that ships with the program"
    return (
        f"{len(table.experts)} experts, played by {models}, wrote {len(table.rows)} passages for the subtasks "
        f"of {len(table.prompt_ids)} prompts ({where}). Each expert is hosted by a device with its own price of "
        f"computing and its own radio link. A soft actor-critic agent learned on {num_training} "
        f"prompt{'s' * (num_training != 1)} which device to give each subtask to, in {plan.num_seeds} independent "
        f"runs; it and every other policy were then measured on the other {held_out}, over links drawn at random, "
        "the same for all."
    )


def _judge(table: ScoreTable) -> JudgeNote:
    names = tuple(dict.fromkeys(row.judge for row in table.rows))
    scores = [row.explicit_score for row in table.rows if row.explicit_score is not None]
    mean, deviation = np.mean(scores), np.std(scores)
    spread = f"Over this table its scores have mean {mean:.2f} and standard deviation {deviation:.2f}."
    methods = (_METHODS.get(name.partition(",")[0].partition(" ")[0], "") for name in names)
    return JudgeNote(
        name="; ".join(names),
        method=" ".join(method for method in dict.fromkeys(methods) if method),
        reliability=" ".join([*(what_is_known_of(name) for name in names), spread]),
    )


def _warnings(found: Ingredients, comparisons: Sequence[Comparison]) -> tuple[str, ...]:
    warnings: list[str] = []
    warnings += [
        what_is_known_of(name)
        for name in dict.fromkeys(row.judge for row in found.table.rows)
        if (checked := known(name)) is None or checked.verdict != "texts"
    ]
    cheapest = next(one for one in comparisons if one.other_label == LEGEND["lowest_cost"])
    if cheapest.difference.low <= 0:
        warnings.append(
            "The rule that takes the cheapest device does as well as the trained agent: with these scores there "
            "is nothing beyond cost to learn."
        )
    if len(found.learned.held_out_prompts) < _FEW_HELD_OUT:
        count = len(found.learned.held_out_prompts)
        held_out = "1 prompt was" if count == 1 else f"{count} prompts were"
        warnings.append(f"Only {held_out} held out; other prompts may give other numbers.")
    if found.plan.num_seeds < _ENOUGH_SEEDS:
        warnings.append(
            f"{found.plan.num_seeds} seeds: the 95 % intervals are too narrow; ten seeds are the least to rely on."
        )
    return tuple(warnings)


def _costs(found: Ingredients) -> CallCosts:
    calls = found.ledger.totals()
    return CallCosts(
        num_calls=found.ledger.num_made,
        num_replayed=found.ledger.num_read,
        prompt_tokens=calls.prompt_tokens,
        completion_tokens=calls.completion_tokens,
        price_usd=found.ledger.spent_usd,
        seconds=calls.seconds,
    )
