"""The command line: results on standard output, progress on standard error.

Exit codes: 0 done; 1 a defect of this program; 2 something the user can mend, said in one sentence;
130 interrupted.
"""

import os
import sys

import typer

import net4moe
from net4moe.cli import (
    answer,
    collect,
    compare,
    device,
    doctor,
    gateway,
    judge,
    network,
    route,
    scenarios,
    study,
    table,
    train,
    up,
)
from net4moe.errors import Net4MoEError

__all__ = ["app", "main"]

_INTERRUPTED = 130
"""What Typer ends with when Ctrl-C is pressed."""

app = typer.Typer(
    name="net4moe",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Mixtures of expert language models across mobile edge devices (arXiv:2402.06942).",
    epilog=(
        "Exit codes: 0 done, 2 something to mend (said in one sentence), 130 interrupted. "
        "`net4moe --install-completion` completes commands in your shell."
    ),
)
app.command("answer")(answer.answer)
app.add_typer(study.app, name="study")
app.command("collect")(collect.collect)
app.add_typer(judge.app, name="judge")
app.add_typer(table.app, name="table")
app.add_typer(network.app, name="network")
app.command("scenarios")(scenarios.scenarios)
app.command("train")(train.train)
app.command("compare")(compare.compare)
app.command("up")(up.up)
app.command("device")(device.device)
app.add_typer(gateway.app, name="gateway")
app.command("route")(route.route)
app.command("config")(doctor.config)
app.command("doctor")(doctor.doctor)


def _version(show: bool) -> None:
    if show:
        print(net4moe.__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Take what stands before the command."""


def main() -> None:
    """Run the command line."""
    try:
        app()
    except Net4MoEError as error:
        _say(str(error))
        sys.exit(2)
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            _say("interrupted; the same command goes on where it was.")
        raise
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        _say(f"{error.filename or 'a file'}: {error.strerror or error}.")
        sys.exit(2)


def _say(sentence: str) -> None:
    print(f"net4moe: {sentence}", file=sys.stderr)
