"""What `net4moe collect` and `net4moe study` do to fill a score table."""

from importlib import resources
from pathlib import Path

from net4moe.chat import Ledger
from net4moe.cli import console
from net4moe.cli.config import Config, devices_of
from net4moe.cli.runtime import running_mixture
from net4moe.errors import ConfigError
from net4moe.mixture import Prompt, load_prompts, parse_prompts, score_table
from net4moe.table import ScoreTable, parquet, workbook

__all__ = ["chosen_prompts", "collected", "keep"]


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
        with console.counting(f"{len(prompts)} prompts, {len(devices)} experts: passages") as on_progress:
            return await score_table(
                mixture, prompts, devices=devices, seed=config.seed, on_progress=on_progress
            )


def keep(table: ScoreTable, folder: Path) -> None:
    """Write the table as parquet and as a workbook."""
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write(table, folder / "scores.parquet")
    workbook.write(table, folder / "scores.xlsx")
