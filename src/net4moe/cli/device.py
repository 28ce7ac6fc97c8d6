"""`net4moe device`: this computer as a device of a gateway."""

from pathlib import Path
from typing import Annotated

import typer

from net4moe.cli.live import ready_to_serve, run_live
from net4moe.cli.options import ConfigOption, ModelOption

__all__ = ["device"]

GatewayUrlOption = Annotated[
    str | None,
    typer.Option(help="The gateway, as http://10.0.0.2:8400.", metavar="URL", envvar="NET4MOE_GATEWAY"),
]
CodeOption = Annotated[
    str | None,
    typer.Option(
        help="The code that the gateway shows; not needed where this device has joined before.",
        metavar="CODE",
        envvar="NET4MOE_CODE",
    ),
]
UpstreamOption = Annotated[
    str | None,
    typer.Option(
        help="An OpenAI-compatible model server, as http://127.0.0.1:11434/v1 (default: the embedded model).",
        metavar="URL",
    ),
]


def device(
    gateway: GatewayUrlOption = None,
    code: CodeOption = None,
    discover: Annotated[
        bool, typer.Option("--discover", help="Look for the gateway on the local network.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="What the device is called (default: as the computer).", metavar="NAME")
    ] = None,
    host: Annotated[
        str, typer.Option(help="Address to listen on (default: where the gateway can reach it).")
    ] = "",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 for any.", min=0, max=65_535)] = 0,
    upstream: UpstreamOption = None,
    upstream_key_env: Annotated[
        str | None,
        typer.Option(help="The environment variable that holds the model server's key.", metavar="VARIABLE"),
    ] = None,
    upstream_model: Annotated[
        str | None,
        typer.Option(help="The server's model that the experts use (default: its first).", metavar="NAME"),
    ] = None,
    expert: Annotated[
        list[str] | None,
        typer.Option(help="An expert and its field; may be given more than once.", metavar="NAME=FIELD"),
    ] = None,
    config: ConfigOption = None,
    model: ModelOption = None,
    slots: Annotated[
        int | None,
        typer.Option(
            help="Texts that it writes at the same time (default: 2, of a server 4).", min=1, max=1_024
        ),
    ] = None,
    tls: Annotated[
        bool, typer.Option("--tls", help="Encrypt calls, with a certificate that the gateway pins.")
    ] = False,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Let everybody who reaches the port use the device, unsigned.")
    ] = False,
    state: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps who this device is (default: yours).", metavar="FOLDER"),
    ] = None,
) -> None:
    """Turn this computer into a device of a gateway.

    It serves the embedded model or any OpenAI-compatible server. Ctrl-C ends what it has and leaves.

    Example: net4moe device --gateway http://10.0.0.2:8400 --code K7QP-2MXR --expert holmes=mystery
    """
    ready_to_serve()
    from net4moe.cli.device_running import Options, run_device

    options = Options(
        gateway=gateway,
        code=code,
        discover=discover,
        name=name,
        host=host,
        port=port,
        upstream=upstream,
        upstream_key_env=upstream_key_env,
        upstream_model=upstream_model,
        experts=tuple(expert or ()),
        config=config,
        model=model,
        num_slots=slots,
        tls=tls,
        insecure=insecure,
        state=state,
    )
    run_live(run_device(options))
