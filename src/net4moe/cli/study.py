"""`net4moe study`: the whole case study, from prompts to the report."""

from pathlib import Path
from typing import Annotated

import typer

from net4moe.cli.collect import PromptsOption
from net4moe.cli.options import ConfigOption, MaxCostOption, ModelOption, SeedOption

__all__ = ["study"]


def study(
    out: Annotated[Path, typer.Option("--out", "-o", help="The run directory.", metavar="DIR")] = Path(
        "runs/study"
    ),
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Within two minutes: few fresh prompts beside the shipped table, 3 seeds."
        ),
    ] = False,
    table: Annotated[
        Path | None,
        typer.Option(
            help="Use this score table (.parquet or .xlsx) instead of collecting one; `shipped` for ours.",
            metavar="FILE",
        ),
    ] = None,
    prompts: PromptsOption = None,
    config: ConfigOption = None,
    model: ModelOption = None,
    seed: SeedOption = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Make no call: take every reply from the ledger.")
    ] = False,
    max_cost: MaxCostOption = None,
) -> None:
    """Do the case study: collect, score, train over seeds, evaluate on held-out prompts, report.

    Leaves run.json, ledger.sqlite, scores.parquet, scores.xlsx, learning.csv, checkpoints, the two figures and
    report.html in the run directory. Killed on the way, the same command goes on where it was.

    Example: net4moe study --quick

    Example: net4moe study --table shipped --out runs/offline
    """
    from net4moe.cli.studying import studied

    studied(
        out,
        quick=quick,
        table_file=table,
        prompts_file=prompts,
        config_file=config,
        model=model,
        seed=seed,
        replay=replay,
        max_cost_usd=max_cost,
    )
