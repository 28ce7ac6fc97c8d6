"""What `net4moe study` does, with the rooms loaded: the stages of the case study, one after the other."""

import asyncio
import hashlib
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from net4moe.chat import Ledger
from net4moe.cli import console
from net4moe.cli.collecting import chosen_prompts, collected
from net4moe.cli.config import EMBEDDED, Config, ExpertSettings, devices_of, load, with_changes
from net4moe.cli.judge_choice import judge_name
from net4moe.cli.runtime import embedded_name, running_mixture
from net4moe.cli.study_page import command_of, print_results
from net4moe.errors import TableError
from net4moe.mixture import Passage, Prompt, count_words, score_one
from net4moe.mixture.fusion import joined
from net4moe.mixture.phrases import kind_of
from net4moe.policy import SACConfig
from net4moe.study import shipped
from net4moe.study.examples import Placed, placed
from net4moe.study.learning import Learned, LearningPlan, learned
from net4moe.study.records import Example, Stage
from net4moe.study.run_directory import RunDirectory
from net4moe.study.writing import Ingredients, write
from net4moe.table import ScoreTable, parquet, workbook_import

__all__ = ["fitted", "studied"]

_QUICK_EPOCHS, _QUICK_SEEDS, _QUICK_PROMPTS = 1_000, 3, 2


def studied(
    out: Path,
    *,
    quick: bool,
    table_file: Path | None,
    prompts_file: Path | None,
    config_file: Path | None,
    model: Path | None,
    seed: int | None,
    replay: bool,
    max_cost_usd: float | None,
) -> None:
    """Do the study and print where everything is."""
    config = with_changes(load(config_file), seed=seed, max_cost_usd=max_cost_usd)
    if quick:
        config = replace(
            config, study=replace(config.study, num_seeds=_QUICK_SEEDS, num_epochs=_QUICK_EPOCHS)
        )
    given = None if table_file is None else _given_table(table_file)
    if given is not None and config_file is None:
        config = fitted(config, given)
    prompts = () if given is not None else _prompts(config, prompts_file, quick=quick)
    run = RunDirectory.opened(out, _fingerprint(config, prompts, given, quick=quick, model=model))
    clock = _Stages()
    with Ledger(out / "ledger.sqlite", replay=replay, max_cost_usd=config.max_cost_usd) as ledger:
        if given is not None:
            table = given
        else:
            with clock.stage("Collecting the score table"):
                table = asyncio.run(collected(config, prompts, ledger, model))
            if quick and _same_experts(config, model, shipped.table()):
                table = shipped.table().extended(table.rows)
        plan = _plan(config)
        found = _learned(table, plan, clock)
        with clock.stage("Placing the example" if given is not None else "Fusing and scoring the example"):
            example = _example(config, table, found, plan, ledger, model, with_models=given is None)
        with clock.stage("Writing figures, workbook and report"):
            result = write(
                run,
                Ingredients(
                    table=table,
                    plan=plan,
                    learned=found,
                    example=example,
                    ledger=ledger,
                    stages=tuple(clock.stages),
                    command=command_of(
                        quick=quick,
                        table=table_file,
                        prompts=prompts_file,
                        config=config_file,
                        seed=seed,
                        out=out,
                    ),
                    is_quick=quick,
                    was_collected=given is None,
                ),
            )
    print_results(result, run.path, tuple(clock.stages))


def _given_table(path: Path) -> ScoreTable:
    if str(path) == "shipped":
        return shipped.table()
    return workbook_import.read(path) if path.suffix.lower() == ".xlsx" else parquet.read(path)


def fitted(config: Config, table: ScoreTable) -> Config:
    """Give each expert of a table that the default settings do not know a device of the default fleet."""
    if {expert.name for expert in config.experts} <= set(table.experts):
        return config
    console.note(
        f"the experts of the table ({', '.join(table.experts)}) are not the default ones: each gets a device of "
        "the default fleet; say otherwise with --config."
    )
    fields = {row.expert: row.expert_field for row in table.rows}
    remote = [device for device in config.devices if not device.local]
    names = [f"device {number}" for number in range(1, len(table.experts) + 1)]
    return replace(
        config,
        experts=tuple(
            ExpertSettings(name=expert, field=fields[expert], device=name)
            for expert, name in zip(table.experts, names, strict=True)
        ),
        devices=tuple(replace(remote[index % len(remote)], name=name) for index, name in enumerate(names)),
    )


def _prompts(config: Config, path: Path | None, *, quick: bool) -> tuple[Prompt, ...]:
    if not quick:
        return chosen_prompts(path, config.study.num_prompts if path is None else None)
    prompts = shipped.quick_prompts() if path is None else chosen_prompts(path, None)[:_QUICK_PROMPTS]
    return tuple(replace(prompt, id=f"fresh-{prompt.id}") for prompt in prompts)


def _plan(config: Config) -> LearningPlan:
    settings = config.study
    interval = next(n for n in range(min(20, settings.num_epochs), 0, -1) if settings.num_epochs % n == 0)
    return LearningPlan(
        devices=devices_of(config),
        snr=config.snr,
        reward=config.reward,
        sac=SACConfig(
            num_epochs=settings.num_epochs,
            evaluation_interval=interval,
            num_evaluation_episodes=settings.num_evaluation_episodes,
        ),
        held_out_share=settings.held_out_share,
        num_seeds=settings.num_seeds,
        seed=config.seed,
    )


def _learned(table: ScoreTable, plan: LearningPlan, clock: "_Stages") -> Learned:
    with (
        clock.stage(f"Training {plan.num_seeds} agents"),
        console.counting("training: epochs") as on_progress,
    ):
        try:
            return learned(table, plan, on_progress=on_progress)
        except ValueError as error:
            msg = f"the score table cannot be learned from: {error}"
            raise TableError(msg) from error


def _same_experts(config: Config, model: Path | None, table: ScoreTable) -> bool:
    """Tell whether fresh rows can stand beside those of a table: same experts, fields, models and judge."""
    known = {(row.expert, row.expert_field, row.model) for row in table.rows}
    name = embedded_name(model)
    wanted = {
        (expert.name, expert.field, name if expert.model == EMBEDDED else "") for expert in config.experts
    }
    return wanted <= known and {judge_name(config, name)} == {row.judge for row in table.rows}


def _example(
    config: Config,
    table: ScoreTable,
    found: Learned,
    plan: LearningPlan,
    ledger: Ledger,
    model: Path | None,
    *,
    with_models: bool,
) -> Example:
    chosen = placed(table, found, plan)
    if not with_models:
        return _as_example(
            chosen, joined([row.text for row in chosen.rows]), None, "the table was given; no judge was asked"
        )
    return asyncio.run(_fused_example(config, chosen, ledger, model))


async def _fused_example(config: Config, chosen: Placed, ledger: Ledger, model: Path | None) -> Example:
    prompt = Prompt(id=chosen.rows[0].prompt_id, text=chosen.rows[0].prompt)
    kind = kind_of(prompt.text)
    passages = [
        Passage(
            subtask_index=row.subtask_index,
            expert=row.expert,
            model=row.model,
            text=row.text,
            words=count_words(row.text),
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            seconds=row.seconds,
            price_usd=row.price_usd,
        )
        for row in chosen.rows
    ]
    async with running_mixture(config, ledger, model=model) as mixture:
        with console.counting("fusing and scoring the example") as on_progress:
            on_progress(0, 2)
            story = await mixture.gate.fuse(prompt, kind, passages, seed=config.seed)
            on_progress(1, 2)
            score = await score_one(mixture.judge, story.text, about=prompt.text, kind=kind)
            on_progress(2, 2)
    return _as_example(chosen, story.text, score.value, score.unscored_reason)


def _as_example(chosen: Placed, story: str, score: float | None, reason: str) -> Example:
    return Example(
        policy_label=chosen.policy_label,
        prompt=chosen.rows[0].prompt,
        subtasks=chosen.subtasks,
        story=story,
        score=score,
        unscored_reason=reason,
    )


def _fingerprint(
    config: Config, prompts: tuple[Prompt, ...], given: ScoreTable | None, *, quick: bool, model: Path | None
) -> str:
    """Name the study: two commands that would find the same have the same name."""
    settings = replace(config, max_cost_usd=float("inf"))
    content = (settings, prompts, given.digest() if given else "", quick, embedded_name(model))
    return hashlib.sha256(repr(content).encode("utf-8", "replace")).hexdigest()


class _Stages:
    """How long each part took."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    @contextmanager
    def stage(self, name: str) -> Generator[None]:
        start_s = time.monotonic()
        yield
        self.stages.append(Stage(name=name, seconds=time.monotonic() - start_s))
