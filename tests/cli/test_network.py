"""Fleets on the command line: shown, recorded, replayed, and what is refused."""

from pathlib import Path

import numpy as np
import polars
import pytest

from net4moe.network import PRESETS, draw_world, fleet_arrays, links
from net4moe.network.traces import read_trace
from tests.cli.conftest import Command

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(("preset", "file"), [("home", "network-home.png"), ("leo", "network-leo.png")])
def test_show_prints_a_row_for_each_device_and_draws(
    net4moe: Command, tmp_path: Path, preset: str, file: str
) -> None:
    """Seven links in the table with their units; a picture beside it, also of a fleet with satellites."""
    ran = net4moe("network", "show", preset, "--worlds", "5")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, file)
    assert ran.err.startswith("to phone, the user's own device; medians while a device is there, 250 samples")
    rows = ran.out.splitlines()[2:-1]
    assert [device.name for device in PRESETS[preset].devices[1:]] == [
        next(device.name for device in PRESETS[preset].devices if row.startswith(device.name)) for row in rows
    ]
    assert all("bit/s" in row and "%" in row for row in rows)
    assert (tmp_path / file).read_bytes().startswith(PNG)


def test_show_takes_any_spelling_and_svg(net4moe: Command, tmp_path: Path) -> None:
    """Dashes stand for blanks; the suffix says which picture; texts stay texts."""
    ran = net4moe("network", "show", "Vehicle-Convoy", "--out", "convoy.svg", "--worlds", "3")
    assert ran.code == 0
    assert "first unit" in (tmp_path / "convoy.svg").read_text("utf-8")


@pytest.mark.parametrize("file", ["walk.csv", "walk.parquet"])
def test_a_recorded_world_replays(net4moe: Command, tmp_path: Path, file: str) -> None:
    """A trace of one world holds its links, and another seed with that trace shows the same table."""
    recorded = net4moe(
        "network", "trace", "record", "campus", file, "--seconds", "2", "--every", "0.5", "--seed", "4"
    )
    assert (recorded.code, recorded.out.strip()) == (0, file)
    trace = read_trace(tmp_path / file)
    assert trace.recorded.snr_db is not None
    assert trace.recorded.los is not None
    fleet = fleet_arrays(PRESETS["campus"].devices)
    world = draw_world(fleet, np.random.default_rng(4))
    for instant, time_s in enumerate(np.arange(5) * 0.5):
        now = links(fleet, world, time_s)
        np.testing.assert_array_equal(now.snr_db, trace.recorded.snr_db.values[instant])
        np.testing.assert_array_equal(now.los, trace.recorded.los.values[instant])
    tables = [
        net4moe("network", "trace", "replay", file, "campus", "--seed", seed).out.splitlines()
        for seed in ("4", "5")
    ]
    assert f"{file}: 5 instants over 2 s; recorded x_m, y_m, z_m, los" in tables[0][0]
    assert tables[0] == tables[1]


def test_what_a_trace_does_not_hold_is_drawn(net4moe: Command, tmp_path: Path) -> None:
    """A trace of signals alone leaves the places to the seed, and says so."""
    rows = [(float(t), device.name, 10.0 + t) for t in range(3) for device in PRESETS["home"].devices]
    polars.DataFrame(rows, schema=["time_s", "device", "snr_db"], orient="row").write_csv(
        tmp_path / "snr.csv"
    )
    ran = net4moe("network", "trace", "replay", "snr.csv", "home")
    assert ran.code == 0
    assert "recorded snr_db; drawn x_m, y_m, z_m, los, shadowing_db, fading_db, available" in ran.out
    assert "10 11 12" in ran.out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("show", "campsu"), "net4moe: there is no fleet 'campsu'; did you mean 'campus'?"),
        (
            ("show", "moon base 7"),
            "net4moe: there is no fleet 'moon base 7'; known are campus, factory, home, leo, street canyon, "
            "vehicle convoy.",
        ),
        (("show", "home", "--out", "home.pdf"), "net4moe: home.pdf: a picture ends in .png or .svg."),
        (("show", "home", "--out", "no/a.png"), "net4moe: no/a.png: there is no folder no."),
        (("trace", "record", "home", "no/a.csv"), "net4moe: no/a.csv: there is no folder no."),
        (
            ("trace", "record", "home", "a.csv", "--seconds", "inf"),
            "net4moe: a trace holds at most 1,000,000 instants, got inf s every 0.1 s.",
        ),
        (
            ("trace", "record", "home", "a.csv", "--seconds", "1", "--every", "3"),
            "net4moe: `--every` must be at most `--seconds`, got 3 and 1.",
        ),
        (
            ("trace", "replay", "none.csv", "home"),
            "net4moe: none.csv: cannot be read: No such file or directory.",
        ),
    ],
)
def test_what_is_refused(net4moe: Command, arguments: tuple[str, ...], sentence: str) -> None:
    """One sentence, exit code 2, no traceback."""
    ran = net4moe("network", *arguments)
    assert (ran.code, ran.err.strip().replace("\n", " ")) == (2, sentence)


def test_a_trace_of_another_fleet_is_refused(net4moe: Command, tmp_path: Path) -> None:
    """The device that the fleet has not is named with its row."""
    (tmp_path / "odd.csv").write_text(
        "time_s,device,snr_db\n0,phone,1\n0,toaster,2\n1,phone,1\n1,toaster,2\n"
    )
    ran = net4moe("network", "trace", "replay", "odd.csv", "home")
    assert ran.code == 2
    assert "toaster" in ran.err
    assert "Traceback" not in ran.err
