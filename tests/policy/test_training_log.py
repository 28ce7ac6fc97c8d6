"""What TensorBoard and a spreadsheet read of a training."""

import csv
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboardX.proto import event_pb2

from net4moe.policy import dqn, ppo, sac
from net4moe.policy.training_log import TAGS, TrainingLog


def events_of(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Read the scalars of an event file: records of length, checksum, bytes, checksum."""
    (file,) = folder.glob("events.out.tfevents.*")
    content, place = file.read_bytes(), 0
    scalars: dict[str, list[tuple[int, float]]] = {}
    while place < len(content):
        (size,) = struct.unpack_from("<Q", content, place)
        event: Any = event_pb2.Event.FromString(content[place + 12 : place + 12 + size])  # pyright: ignore
        for value in event.summary.value:
            scalars.setdefault(value.tag, []).append((event.step, value.simple_value))
        place += 16 + size
    return scalars


def metrics_of(epoch: int, *, training_reward: float = 2.5) -> sac.Metrics:
    """Make the metrics of two seeds after a chunk; the second has doubled numbers."""
    row = (epoch, 100 * epoch, 3.0, training_reward, 0.5, -1.0, 0.125, 0.75, 4.0)
    return sac.Metrics(*(np.array([value, 2 * value]) for value in row))


def clock_of(*times: float) -> object:
    """Tell given times, one after the other."""
    return iter(times).__next__


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Log two chunks; no episode ended in the second."""
    with TrainingLog(tmp_path, (4, 7), clock=clock_of(10.0, 12.0, 15.0)) as log:  # pyright: ignore[reportArgumentType]
        log(metrics_of(1))
        log(metrics_of(2, training_reward=np.nan))
    return tmp_path


def test_scalars_have_the_names_that_others_gave_them(folder: Path) -> None:
    """One run per seed; the step is the number of choices; what is not a number is left out."""
    scalars = events_of(folder / "seed-4")
    assert scalars["eval/mean_reward"] == [(100, 3.0), (200, 3.0)]
    assert scalars["charts/episodic_return"] == [(100, 2.5)]
    assert scalars["losses/qf_loss"] == [(100, 0.5), (200, 0.5)]
    assert scalars["losses/alpha"] == [(100, 0.125), (200, 0.125)]
    assert events_of(folder / "seed-7")["losses/q_values"] == [(200, 8.0), (400, 8.0)]


def test_speed_is_that_of_all_seeds(folder: Path) -> None:
    """100 and 200 choices in 2 seconds, 200 and 400 in 5."""
    assert events_of(folder / "seed-7")["charts/SPS"] == [(200, 150.0), (400, 120.0)]


def test_the_table_holds_the_same_numbers(folder: Path) -> None:
    """One row per seed and chunk, under the names of the metrics."""
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["4", "7", "4", "7"]
    assert list(rows[0]) == ["seed", *sac.Metrics._fields]
    assert [float(row["temperature"]) for row in rows] == [0.125, 0.25] * 2
    assert rows[2]["training_reward"] == "nan"


def test_a_new_log_replaces_the_old(folder: Path) -> None:
    """A training that goes on tells its chunks again; they are there once."""
    with TrainingLog(folder, (4, 7)) as log:
        log(metrics_of(1))
    assert events_of(folder / "seed-4")["eval/mean_reward"] == [(100, 3.0)]
    assert len((folder / "metrics.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("metrics", [sac.Metrics, dqn.Metrics, ppo.Metrics])
def test_every_metric_has_a_name(metrics: type[sac.Metrics]) -> None:
    """All but the two that count."""
    assert set(metrics._fields[2:]) <= set(TAGS)
