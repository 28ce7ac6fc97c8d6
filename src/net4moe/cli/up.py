"""`net4moe up`: a gateway and three unequal devices on this computer, to see it work in a minute."""

from pathlib import Path
from typing import Annotated

import typer

from net4moe.cli.live import ready_to_serve, run_live
from net4moe.cli.options import ModelOption

__all__ = ["up"]


def up(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any.", min=0, max=65_535)] = 8400,
    key: Annotated[
        str | None,
        typer.Option(
            "--key", envvar="NET4MOE_KEY", help="The client's key (default: one is made).", metavar="KEY"
        ),
    ] = None,
    policy: Annotated[
        str,
        typer.Option(help="Who places subtasks: `trained`, FILE.safetensors or a rule.", metavar="NAME|FILE"),
    ] = "trained",
    state: Annotated[
        Path | None,
        typer.Option("--state", help="Folder for keys and receipts (default: yours).", metavar="FOLDER"),
    ] = None,
    model: ModelOption = None,
) -> None:
    """Start a gateway and three unequal devices on this computer, with the embedded model.

    A phone (the own device), a laptop and a home server behind simulated radio links. Ctrl-C ends all of it.

    Example: net4moe up --port 8400
    """
    ready_to_serve()
    from net4moe.cli.up_running import run_up

    run_live(run_up(port=port, key=key, policy=policy, state=state, model=model))
