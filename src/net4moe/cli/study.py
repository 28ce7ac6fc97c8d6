"""`net4moe study`: the whole case study, from prompts to the report; `net4moe study quality`: is it worth it?"""

from pathlib import Path
from typing import Annotated

import typer

from net4moe.cli.collect import PromptsOption
from net4moe.cli.options import ConfigOption, MaxCostOption, ModelOption, ReplayOption, SeedOption

__all__ = ["app"]

app = typer.Typer(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def study(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="The run directory.", metavar="DIR")] = Path(
        "runs/study"
    ),
    quick: Annotated[
        bool,
        typer.Option(
            "--quick", help="Two to three minutes: few fresh prompts beside the shipped table, 3 seeds."
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
    replay: ReplayOption = False,
    max_cost: MaxCostOption = None,
) -> None:
    """Do the case study: collect, score, train over seeds, evaluate on held-out prompts, report.

    Leaves run.json, ledger.sqlite, scores.parquet, scores.xlsx, learning.csv, checkpoints, the two figures and
    report.html in the run directory. Killed on the way, the same command goes on where it was.

    Example: net4moe study --quick

    Example: net4moe study --table shipped --out runs/offline
    """
    if context.invoked_subcommand is not None:
        return
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


@app.command()
def quality(
    out: Annotated[Path, typer.Option("--out", "-o", help="The run directory.", metavar="DIR")] = Path(
        "runs/quality"
    ),
    prompts: PromptsOption = None,
    num_prompts: Annotated[
        int | None, typer.Option(help="How many of them, from the first.", min=2, metavar="N")
    ] = None,
    policy: Annotated[
        str, typer.Option("--policy", help="Places for ours: trained, a .safetensors file or a rule.")
    ] = "trained",
    config: ConfigOption = None,
    model: ModelOption = None,
    seed: SeedOption = None,
    replay: ReplayOption = False,
    max_cost: MaxCostOption = None,
) -> None:
    """Find out whether experts at the edge write better texts than the user's own device, and at what cost.

    Every arm answers the same prompts, one judge scores all texts, and ours is held against each arm as it is and
    at equal calls, tokens, joules and air time. Leaves draws.csv, run.json, the frontier and report.html in the
    run directory. Killed on the way, the same command goes on where it was.

    Example: net4moe study quality --num-prompts 8
    """
    from net4moe.cli.qualifying import qualified

    qualified(
        out,
        prompts_file=prompts,
        num_prompts=num_prompts,
        policy_name=policy,
        config_file=config,
        model=model,
        seed=seed,
        replay=replay,
        max_cost_usd=max_cost,
    )
