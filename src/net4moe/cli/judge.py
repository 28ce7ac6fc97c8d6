"""`net4moe judge`: how far a judge can be trusted."""

from pathlib import Path
from typing import Annotated

import typer

from net4moe.cli.options import ConfigOption, MaxCostOption, ModelOption

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Measure a judge before you believe its scores.")


@app.command()
def check(
    texts: Annotated[
        int | None,
        typer.Option("--texts", help="Good texts to use; all where not given.", metavar="N", min=2),
    ] = None,
    config: ConfigOption = None,
    model: ModelOption = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the damage and the intervals.", metavar="N")] = 0,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the ledger and the result.", metavar="DIR")
    ] = Path("runs/judge"),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    max_cost: MaxCostOption = None,
) -> None:
    """Have the judge of the settings score good texts and what damage makes of them.

    Prints how well it tells each kind of damage, what sways it, what it costs, and a verdict. The result is kept
    and stands beside every score of that judge from then on. Killed on the way, the same command goes on where it
    was.

    Example: net4moe judge check

    Example: net4moe judge check --config gpt.toml --texts 12 --max-cost 1
    """
    from net4moe.cli.judging import check_judge

    check_judge(
        texts=texts,
        config_file=config,
        model=model,
        seed=seed,
        out=out,
        as_json=as_json,
        max_cost_usd=max_cost,
    )


@app.command()
def calibrate(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for the ledger and the calibration.", metavar="DIR")
    ] = Path("runs/judge"),
    model: ModelOption = None,
) -> None:
    """Fit the embedded judge to its model on the texts that are kept for it.

    Example: net4moe judge calibrate --model other.gguf
    """
    from net4moe.cli.judging import calibrate_judge

    calibrate_judge(out=out, model=model)


@app.command()
def show(
    config: ConfigOption = None,
    model: ModelOption = None,
) -> None:
    """Print the last check of the judge of the settings again.

    Example: net4moe judge show
    """
    from net4moe.cli.judging import show_judge

    show_judge(config_file=config, model=model)
