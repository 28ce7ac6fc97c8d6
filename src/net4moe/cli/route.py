"""`net4moe route`: where the subtasks of a prompt would go, without writing anything."""

import json
import sys
from typing import Annotated

import typer

__all__ = ["GatewayOption", "KeyEnvOption", "route"]

GatewayOption = Annotated[
    str | None,
    typer.Option("--gateway", help="URL of the gateway (default: the last one started here).", metavar="URL"),
]
KeyEnvOption = Annotated[
    str, typer.Option("--key-env", help="Variable that holds the client's key.", metavar="NAME")
]


def route(
    prompt: Annotated[str, typer.Argument(help="The prompt; - reads it from stdin.")],
    explain: Annotated[
        bool, typer.Option("--explain", help="Show every candidate with what is expected of it.")
    ] = False,
    gateway: GatewayOption = None,
    key_env: KeyEnvOption = "NET4MOE_KEY",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, for programs.")] = False,
) -> None:
    """Split and place a prompt at a running gateway, and write nothing.

    Example: net4moe route --explain "A detective falls in love with a robot on Mars."
    """
    from net4moe.cli.at_gateway import found
    from net4moe.cli.route_view import print_route

    text = sys.stdin.buffer.read().decode("utf-8", "replace") if prompt == "-" else prompt
    plan = found(gateway, key_env).post("/v1/route", {"prompt": text})
    if as_json:
        print(json.dumps(plan, ensure_ascii=False, indent=2))
    else:
        print_route(plan, explain=explain)
