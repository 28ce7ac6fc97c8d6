"""`net4moe collect`: prompts x experts into the score table."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from net4moe.cli.options import ConfigOption, MaxCostOption, ModelOption, ReplayOption, SeedOption

__all__ = ["PromptsOption", "collect"]

PromptsOption = Annotated[
    Path | None,
    typer.Option("--prompts", help="Prompts, one a line (default: the project's own).", metavar="FILE"),
]


def collect(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the table and the ledger.", metavar="DIR")
    ] = Path("runs/collect"),
    prompts: PromptsOption = None,
    num_prompts: Annotated[
        int | None, typer.Option(help="How many of them, from the first.", min=1, metavar="N")
    ] = None,
    config: ConfigOption = None,
    model: ModelOption = None,
    seed: SeedOption = None,
    replay: ReplayOption = False,
    max_cost: MaxCostOption = None,
) -> None:
    """Have every expert write every subtask, score each passage, and keep the table.

    Writes scores.parquet, scores.xlsx and ledger.sqlite into the folder. Killed on the way, the same
    command goes on where it was and repeats no call that was answered.

    Example: net4moe collect --prompts prompts.txt --out runs/mine
    """
    from net4moe.chat import Ledger
    from net4moe.cli import console
    from net4moe.cli.collecting import chosen_prompts, collected, keep
    from net4moe.cli.config import load, with_changes

    settings = with_changes(load(config), seed=seed, max_cost_usd=max_cost)
    chosen = chosen_prompts(prompts, num_prompts)
    with Ledger(out / "ledger.sqlite", replay=replay, max_cost_usd=settings.max_cost_usd) as ledger:
        table = asyncio.run(collected(settings, chosen, ledger, model))
        keep(table, out)
        console.note(
            f"{ledger.num_made} calls made, {ledger.num_read} read from the ledger, ${ledger.spent_usd:.4f}"
        )
    for name in ("scores.parquet", "scores.xlsx"):
        console.out.print(str(out / name), soft_wrap=True, markup=False)
