"""`net4moe gateway`: one OpenAI-compatible address in front of devices, and who may join and ask it."""

from pathlib import Path
from typing import Annotated

import typer

from net4moe.cli.live import ready_to_serve, run_live
from net4moe.cli.options import ConfigOption, ModelOption
from net4moe.cli.route import GatewayOption, KeyEnvOption

__all__ = ["app"]

app = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=False,
    help="Serve one OpenAI-compatible address in front of devices.",
)

InsecureOption = Annotated[
    bool,
    typer.Option("--insecure", help="Ask clients for no key: whoever reaches the port may use every device."),
]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", help="Folder for keys, devices and receipts (default: yours).", metavar="FOLDER"),
]


@app.callback(invoke_without_command=True)
def gateway(
    context: typer.Context,
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.", metavar="ADDRESS")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 for any.", min=0, max=65_535)] = None,
    policy: Annotated[
        str | None,
        typer.Option(help="Who places subtasks: `trained`, FILE.safetensors or a rule.", metavar="NAME|FILE"),
    ] = None,
    shadow: Annotated[
        str | None, typer.Option(help="A second policy, asked and not followed.", metavar="NAME|FILE")
    ] = None,
    insecure: InsecureOption = False,
    discover: Annotated[
        bool, typer.Option("--discover", help="Let devices of this network find the gateway (zeroconf).")
    ] = False,
    state: StateOption = None,
    model: ModelOption = None,
) -> None:
    """Serve one OpenAI-compatible address in front of devices.

    Devices join with the code that is shown; endpoints of the settings file are devices too. Ctrl-C ends it when
    what is under way has ended.

    Example: net4moe gateway --host 0.0.0.0 --port 8400
    """
    if context.invoked_subcommand is not None:
        return
    ready_to_serve()
    from net4moe.cli.config import load
    from net4moe.cli.gateway_running import Options, serve_gateway

    settings = load(config)
    options = Options(
        host=host or settings.gateway.host,
        port=settings.gateway.port if port is None else port,
        policy=policy or settings.gateway.policy,
        shadow=settings.gateway.shadow if shadow is None else shadow,
        insecure=insecure,
        discover=discover,
        state=state,
        model=model,
    )
    run_live(serve_gateway(settings, options))


@app.command()
def code(
    devices: Annotated[int, typer.Option(help="How many devices may join with it.", min=1, max=10_000)] = 1,
    gateway: GatewayOption = None,
    key_env: KeyEnvOption = "NET4MOE_KEY",
) -> None:
    """Print a code with which devices may join within ten minutes."""
    from net4moe.cli.at_gateway import found

    print(found(gateway, key_env).post("/v1/codes", {"devices": devices})["code"])


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="Whose key it is.")],
    revoke: Annotated[bool, typer.Option("--revoke", help="Take the key of that name away.")] = False,
    state: StateOption = None,
) -> None:
    """Make a key for a client and print it, once; or take one away."""
    from net4moe.cli.at_gateway import state_folder
    from net4moe.errors import ConfigError
    from net4moe.gateway.front.keys import Keys

    keys = Keys((state or state_folder()) / "keys.json")
    try:
        if revoke:
            keys.revoke(name)
        else:
            print(keys.create(name).get_secret_value())
    except ValueError as error:
        raise ConfigError(str(error)) from error
