"""What `net4moe collect` and `net4moe study` do to fill a score table."""

import asyncio
from importlib import resources
from pathlib import Path

from net4moe.chat import Ledger
from net4moe.cli import console
from net4moe.cli.config import Config, devices_of, load, with_changes
from net4moe.cli.runtime import running_judge, running_mixture
from net4moe.errors import ConfigError
from net4moe.mixture import Prompt, load_prompts, parse_prompts, score_table
from net4moe.mixture.collecting import judged_again
from net4moe.mixture.judge_check import what_is_known_of
from net4moe.study import shipped
from net4moe.table import ScoreTable, parquet, workbook

__all__ = ["chosen_prompts", "collected", "judge_again", "judge_notes", "keep"]


def chosen_prompts(path: Path | None, num_prompts: int | None) -> tuple[Prompt, ...]:
    """Read the prompts of a file, else the project's own, and take the first ones."""
    if path is None:
        text = resources.files("net4moe").joinpath("assets/prompts.txt").read_text("utf-8")
        prompts = parse_prompts(text)
    else:
        prompts = load_prompts(path)
    if num_prompts is not None and num_prompts > len(prompts):
        msg = f"{num_prompts} prompts were asked for, {path or 'the project'} has {len(prompts)}."
        raise ConfigError(msg)
    return prompts[:num_prompts]


async def collected(
    config: Config, prompts: tuple[Prompt, ...], ledger: Ledger, model: Path | None
) -> ScoreTable:
    """Run the models over the prompts and fill the table."""
    devices = {device.expert: device.name for device in devices_of(config)}
    async with running_mixture(config, ledger, model=model) as mixture:
        with console.counting(
            f"{len(prompts)} prompts, {len(devices)} experts: passages written and scored"
        ) as on_progress:
            return await score_table(
                mixture, prompts, devices=devices, seed=config.seed, on_progress=on_progress
            )


def keep(table: ScoreTable, folder: Path) -> None:
    """Write the table as parquet and as a workbook."""
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write(table, folder / "scores.parquet")
    workbook.write(table, folder / "scores.xlsx", notes=judge_notes(table))


def judge_notes(table: ScoreTable) -> list[str]:
    """Say of each judge of a table what may be believed of its scores."""
    judges = dict.fromkeys(row.judge for row in table.rows)
    return [f"Judge: {judge}. {what_is_known_of(judge)}" for judge in judges]


def judge_again(
    table_file: Path, out: Path, *, config_file: Path | None, model: Path | None, max_cost_usd: float | None
) -> None:
    """Score the texts of a table anew and keep the result; `shipped` is the project's own table."""
    config = with_changes(load(config_file), max_cost_usd=max_cost_usd)
    table = shipped.table() if str(table_file) == "shipped" else parquet.read(table_file)
    with Ledger(out / "ledger.sqlite", max_cost_usd=config.max_cost_usd) as ledger:
        keep(asyncio.run(_judged_again(config, table, ledger, model)), out)
    for name in ("scores.parquet", "scores.xlsx"):
        console.out.print(str(out / name), soft_wrap=True, markup=False)


async def _judged_again(config: Config, table: ScoreTable, ledger: Ledger, model: Path | None) -> ScoreTable:
    async with running_judge(config, ledger, model=model) as (judge, _):
        with console.counting(f"{judge.name}: passages") as on_progress:
            return await judged_again(table, judge, on_progress=on_progress)
