"""`net4moe network`: fleets and their links, looked at, recorded and replayed."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Fleets and their radio links: look, record, replay.")
trace = typer.Typer(no_args_is_help=True, help="Recorded positions and links, as CSV or Parquet.")
app.add_typer(trace, name="trace")

_NAMES = "campus, factory, home, leo, street canyon, vehicle convoy"
_Preset = Annotated[str, typer.Argument(help=f"One of: {_NAMES}.", metavar="PRESET")]
_Seed = Annotated[
    int, typer.Option("--seed", help="The root of all randomness.", metavar="N", min=0, max=2**32 - 1)
]


@app.command("show")
def show(
    preset: _Preset,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Where the picture goes (.png or .svg); network-PRESET.png where not given."
        ),
    ] = None,
    seed: _Seed = 0,
    worlds: Annotated[int, typer.Option("--worlds", help="Worlds to draw.", metavar="N", min=1)] = 200,
) -> None:
    """Print what the links of a fleet carry, and draw its map, its signals and its rates over distance.

    Example: net4moe network show campus
    """
    from net4moe.cli import network_view

    network_view.show(preset, out=out, seed=seed, num_worlds=worlds)


@trace.command("record")
def record(
    preset: _Preset,
    out: Annotated[Path, typer.Argument(help="Where the trace goes (.csv or .parquet).", metavar="TRACE")],
    seconds: Annotated[
        float, typer.Option("--seconds", help="How long to record.", metavar="S", min=0.001)
    ] = 60.0,
    every: Annotated[
        float, typer.Option("--every", help="Time between instants, seconds.", metavar="S", min=0.0001)
    ] = 0.1,
    seed: _Seed = 0,
) -> None:
    """Record where the devices of one world are and what their links are like.

    Example: net4moe network trace record campus campus.parquet --seconds 60
    """
    from net4moe.cli import network_view

    network_view.record(preset, out, seconds=seconds, every_s=every, seed=seed)


@trace.command("replay")
def replay(
    trace_file: Annotated[Path, typer.Argument(help="A trace (.csv or .parquet).", metavar="TRACE")],
    preset: _Preset,
    seed: _Seed = 0,
    allow_gaps: Annotated[
        bool, typer.Option("--allow-gaps", help="Bridge gaps by straight lines instead of refusing them.")
    ] = False,
) -> None:
    """Put a trace in the place of what chance would draw, and print what the links carry.

    The trace may hold any of x_m, y_m, z_m, los, shadowing_db, fading_db, snr_db and available; what it does
    not hold is drawn by the seed. Its devices are those of the fleet, by their names.

    Example: net4moe network trace replay campus.parquet campus
    """
    from net4moe.cli import network_view

    network_view.replay(trace_file, preset, seed=seed, allow_gaps=allow_gaps)
