"""What `net4moe network` prints and draws."""

import difflib
from pathlib import Path

import numpy as np
from rich.table import Table

from net4moe.cli import console
from net4moe.errors import ConfigError, RunError
from net4moe.network import (
    PRESETS,
    Delivery,
    Links,
    Preset,
    draw_world,
    fleet_arrays,
    links,
    send,
    whereabouts_m,
)
from net4moe.network.payloads import PAYLOADS_BITS
from net4moe.network.recordings import Recorded, Recording
from net4moe.network.traces import Trace, read_trace, write_trace

__all__ = ["record", "replay", "show"]

_NARROW = ("distance", "in sight", "SNR (dB)", "rate", "100 words", "lost", "away")
_WIDE = ("link", *_NARROW[:4], *PAYLOADS_BITS, "energy", "lost", "away")
_WIDE_FROM = 132
_MOST_INSTANTS = 1_000_000


def show(name: str, *, out: Path | None, seed: int, num_worlds: int) -> None:
    """Print the table of a fleet and draw its picture."""
    from net4moe.study import figures, network_figures
    from net4moe.study.network_survey import survey
    from net4moe.table.atomic import write_bytes

    preset = _preset(name)
    path = out or Path(f"network-{preset.name.replace(' ', '-')}.png")
    if path.suffix not in (".png", ".svg"):
        message = f"{path}: a picture ends in .png or .svg."
        raise RunError(message)
    _check_folder(path)
    with console.waiting(f"drawing {num_worlds} worlds of {preset.name}"):
        read = survey(preset, seed=seed, num_worlds=num_worlds)
        figure = network_figures.draw_fleet(read)
        write_bytes(path, figures.to_png(figure) if path.suffix == ".png" else figures.to_svg(figure))
    console.out.print(f"{preset.name}: {preset.summary}", markup=False)
    _print(preset, read.links, read.deliveries)
    console.out.print(str(path), soft_wrap=True, markup=False)


def record(name: str, out: Path, *, seconds: float, every_s: float, seed: int) -> None:
    """Record one world of a fleet as a trace."""
    preset = _preset(name)
    if not seconds / every_s < _MOST_INSTANTS:
        message = f"a trace holds at most {_MOST_INSTANTS:,} instants, got {seconds:g} s every {every_s:g} s."
        raise RunError(message)
    num_instants = round(seconds / every_s) + 1
    if num_instants < 2:
        message = f"`--every` must be at most `--seconds`, got {every_s:g} and {seconds:g}."
        raise RunError(message)
    _check_folder(out)
    fleet = fleet_arrays(preset.devices)
    world = draw_world(fleet, np.random.default_rng(seed))
    time_s = np.arange(num_instants) * every_s
    now = _stacked([links(fleet, world, instant_s) for instant_s in time_s])
    places = np.array([whereabouts_m(world, instant_s) for instant_s in time_s])

    def recording(values: np.ndarray, *, hold: bool = False) -> Recording:
        return Recording(time_s=time_s, values=values, hold=hold)

    trace = Trace(
        devices=tuple(device.name for device in preset.devices),
        time_s=time_s,
        recorded=Recorded(
            x_m=recording(places[:, 0]),
            y_m=recording(places[:, 1]),
            z_m=recording(places[:, 2]),
            los=recording(now.los, hold=True),
            shadowing_db=recording(now.shadowing_db),
            fading_db=recording(now.fading_db),
            snr_db=recording(now.snr_db),
            available=recording(now.available, hold=True),
        ),
    )
    write_trace(trace, out)
    console.note(f"{num_instants} instants of {len(trace.devices)} devices, {', '.join(trace.columns)}")
    console.out.print(str(out), soft_wrap=True, markup=False)


def replay(path: Path, name: str, *, seed: int, allow_gaps: bool) -> None:
    """Read the links of a fleet with a trace in the place of what it recorded."""
    preset = _preset(name)
    trace = read_trace(path, devices=[device.name for device in preset.devices], allow_gaps=allow_gaps)
    fleet = fleet_arrays(preset.devices)
    world = draw_world(fleet, np.random.default_rng(seed))
    world = world._replace(recorded=trace.recorded)
    now = _stacked([links(fleet, world, instant_s) for instant_s in trace.time_s - trace.time_s[0]])
    deliveries = tuple(send(fleet, now, bits) for bits in PAYLOADS_BITS.values())
    drawn = [column for column in Recorded._fields if column not in trace.columns]
    console.out.print(
        f"{path}: {len(trace.time_s)} instants over {trace.time_s[-1] - trace.time_s[0]:g} s; "
        f"recorded {', '.join(trace.columns)}; drawn {', '.join(drawn) or 'nothing'}",
        markup=False,
        soft_wrap=True,
    )
    _print(preset, now, deliveries)


def _preset(name: str) -> Preset:
    """Find a preset by its name; blanks, dashes and underscores are alike."""
    wanted = name.strip().lower().replace("-", " ").replace("_", " ")
    if wanted in PRESETS:
        return PRESETS[wanted]
    near = difflib.get_close_matches(wanted, PRESETS, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(PRESETS)}."
    message = f"there is no fleet '{name}'; {hint}"
    raise ConfigError(message)


def _check_folder(path: Path) -> None:
    """Refuse a file in a folder that is not there, before the work is done."""
    if not path.parent.is_dir():
        message = f"{path}: there is no folder {path.parent}."
        raise RunError(message)


def _stacked(moments: list[Links]) -> Links:
    return Links(*(np.stack(column) for column in zip(*moments, strict=True)))


def _table(preset: Preset, now: Links, deliveries: tuple[Delivery, ...]) -> Table:
    """Lay out medians over the samples in which a device is there; the essentials on a narrow terminal."""
    columns = _WIDE if console.out.width >= _WIDE_FROM else _NARROW
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("device", no_wrap=True)
    for column in columns:
        table.add_column(column, justify="left" if column == "link" else "right", no_wrap=True)
    for n, device in enumerate(preset.devices):
        there = now.available[:, n]
        if device.local or not there.any():
            continue

        def median(values: np.ndarray, n: int = n, there: np.ndarray = there) -> float:
            return float(np.median(values[there, n]))

        signal = np.quantile(now.snr_db[there, n], [0.05, 0.5, 0.95])
        cells = {
            "link": device.link.name,
            "distance": _scaled(median(now.distance_m), "m"),
            "in sight": f"{np.mean(now.los[there, n]):.0%}",
            "SNR (dB)": " ".join(f"{value:.0f}" for value in signal),
            "rate": _scaled(median(now.rate_bps), "bit/s"),
            "energy": _scaled(median(deliveries[0].joules), "J"),
            "lost": f"{np.mean(deliveries[0].outage[there, n]):.1%}",
            "away": f"{1 - np.mean(there):.0%}",
        }
        for name, delivery in zip(PAYLOADS_BITS, deliveries, strict=True):
            cells[name] = _duration(median(delivery.seconds))
        table.add_row(device.name, *(cells[column] for column in columns))
    return table


def _print(preset: Preset, now: Links, deliveries: tuple[Delivery, ...]) -> None:
    """Print the table and how to read it."""
    console.out.print(_table(preset, now, deliveries))
    console.note(
        f"to {preset.devices[0].name}, the user's own device; medians while a device is there, {len(now.snr_db)} "
        "samples; SNR: 5, 50 and 95 % of them; energy of both ends for 100 words; lost: blocks after all tries"
    )


def _duration(seconds: float) -> str:
    """Write a time in the unit that people would use."""
    for unit_s, unit in ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min")):
        if 2.0 * unit_s <= seconds < np.inf:
            return f"{seconds / unit_s:.3g} {unit}"
    return _scaled(seconds, "s")


def _scaled(value: float, unit: str) -> str:
    """Write a quantity with the prefix that leaves few digits before the point."""
    if not np.isfinite(value):
        return "never"
    if value == 0:
        return f"0 {unit}"
    for factor, prefix in ((1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ")):
        if abs(value) >= factor and (prefix, unit) != ("M", "m"):
            number = f"{value / factor:.3g}" if abs(value) < 1e3 * factor else f"{value / factor:.0f}"
            return f"{number} {prefix}{unit}"
    return f"{value:.1e} {unit}"
