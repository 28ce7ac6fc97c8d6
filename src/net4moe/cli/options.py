"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["ConfigOption", "MaxCostOption", "ModelOption", "ReplayOption", "SeedOption"]

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", "-c", help="Settings (TOML); `net4moe config` prints the default ones.", metavar="FILE"
    ),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(
        "--model", envvar="NET4MOE_MODEL", help="Weights (GGUF) for the embedded engine.", metavar="FILE"
    ),
]
ReplayOption = Annotated[
    bool, typer.Option("--replay", help="Make no call: take every reply from the ledger.")
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="The root of all randomness.", metavar="N")]
MaxCostOption = Annotated[
    float | None,
    typer.Option(
        "--max-cost", help="Limit on the price of all calls, USD; never crossed.", metavar="USD", min=0
    ),
]
