"""Write what training measures: scalars for TensorBoard, and the same numbers as CSV."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

__all__ = ["CSV_NAME", "TAGS", "TrainingLog"]

CSV_NAME = "metrics.csv"
"""The CSV file in the log's folder: one row per seed and chunk."""

TAGS = {
    "evaluation_reward": "eval/mean_reward",
    "training_reward": "charts/episodic_return",
    "random_share": "charts/epsilon",
    "critic_loss": "losses/qf_loss",
    "actor_loss": "losses/actor_loss",
    "temperature": "losses/alpha",
    "loss": "losses/td_loss",
    "policy_loss": "losses/policy_loss",
    "value_loss": "losses/value_loss",
    "entropy": "losses/entropy",
    "divergence": "losses/approx_kl",
    "clipped_share": "losses/clipfrac",
    "mean_value": "losses/q_values",
}
"""Names of the metrics in TensorBoard: those that CleanRL and Stable-Baselines3 gave them."""

_SPEED = "charts/SPS"


class TrainingLog:
    """A log of a training over seeds: give it to `on_progress`, and close it.

    One folder of events per seed, `seed-S`, so that TensorBoard draws each as a run; the step is the number of
    choices made. `charts/SPS` is the choices per second of all seeds together since the log was begun. What is
    not a number, as the mean reward of no episodes, is left out.
    """

    def __init__(
        self, folder: Path, seeds: Sequence[int], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin a log; the folder is made, and a log of an earlier training in it is replaced.

        Args:
          folder: where to write.
          seeds: a name for each of the training's keys.
          clock: tells the time, seconds.
        """
        from tensorboardX import SummaryWriter  # here, since a training without a log needs no TensorBoard

        folder.mkdir(parents=True, exist_ok=True)
        for stale in folder.glob("seed-*/events.out.tfevents.*"):
            stale.unlink()
        self._seeds = tuple(seeds)
        self._clock = clock
        self._begun_s = clock()
        self._writers = [SummaryWriter(str(folder / f"seed-{seed}")) for seed in self._seeds]
        self._file = (folder / CSV_NAME).open("w", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        self._has_head = False

    def __call__(self, metrics: Any) -> None:
        """Add one chunk: a NamedTuple of metrics, one row per seed."""
        columns = {name: np.asarray(column) for name, column in metrics._asdict().items()}
        if not self._has_head:
            self._rows.writerow(["seed", *columns])
            self._has_head = True
        speed = float(np.sum(columns["num_steps"])) / max(self._clock() - self._begun_s, 1e-9)
        for index, (seed, writer) in enumerate(zip(self._seeds, self._writers, strict=True)):
            row = {name: column[index].item() for name, column in columns.items()}
            self._rows.writerow([seed, *row.values()])
            scalars = {TAGS[name]: value for name, value in row.items() if name in TAGS}
            for tag, value in {**scalars, _SPEED: speed}.items():
                if np.isfinite(value):
                    writer.add_scalar(tag, value, row["num_steps"])
            writer.flush()
        self._file.flush()

    def close(self) -> None:
        """Write what is left and close the files."""
        for writer in self._writers:
            writer.close()
        self._file.close()

    def __enter__(self) -> TrainingLog:
        """Give the log itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the log."""
        self.close()
