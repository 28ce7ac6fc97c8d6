"""The directory of one run: everything a study leaves behind, each file there as a whole or not at all.

`run.json` names the study from the start, so that the same command goes on where it was and another one is
refused. At the end it holds all that the report shows:

    format     version of this file, 1
    study      fingerprint of what was asked for
    finished   whether the study came to its end
    result     the fields of `StudyResult`; null until then
"""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from net4moe.errors import RunError
from net4moe.study.records import PolicyRewards
from net4moe.table import atomic

__all__ = ["LEARNING_COLUMNS", "RunDirectory", "learning_csv"]

LEARNING_COLUMNS = {
    "policy": "Short name of the policy.",
    "label": "Its words in the legend.",
    "seed": "The training seed; the same seed has the same prompts and links for every policy.",
    "epoch": "After how many epochs of training the policy was evaluated.",
    "reward": "Reward per prompt, averaged over the evaluation.",
}
"""What the columns of `learning.csv` mean: one row for each policy, seed and epoch."""

_FORMAT = 1
_RUN_FILE = "run.json"
_DIFFERING = "prompts, table, model or settings"
_WAY_OUT = "Give another directory, or move this one away."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDirectory:
    """A directory that belongs to one study. `RunDirectory.opened` makes or resumes it.

    Attributes:
      path: where it lies.
      study: fingerprint of the study it belongs to.
      differing: what is different where a directory belongs to another one, in words.
    """

    path: Path
    study: str
    differing: str = _DIFFERING

    @classmethod
    def opened(cls, path: Path, study: str, *, differing: str = _DIFFERING) -> "RunDirectory":
        """Create the directory of a study, or go on with the one that is there.

        Args:
          path: the directory; it and its parents are made where they are missing.
          study: fingerprint of what was asked for; the same for two commands that would find the same.
          differing: what is different where the directory holds another one, in words.

        Raises:
          RunError: the directory holds another study or other files, or cannot be written.
        """
        run = cls(path=path, study=study, differing=differing)
        try:
            path.mkdir(parents=True, exist_ok=True)
            names = {entry.name for entry in path.iterdir()}
        except (FileExistsError, NotADirectoryError) as error:
            msg = f"`{path}` cannot be a run directory: a file stands in the way. Give another directory."
            raise RunError(msg) from error
        except OSError as error:
            msg = f"`{path}` cannot be made or read: {_reason(error)}. Give another directory."
            raise RunError(msg) from error
        if _RUN_FILE in names:
            run._check_same_study()
        elif all(name.startswith(".") for name in names):
            run._write_run_file(finished=False, result=None)
        else:
            msg = f"`{path}` holds files but no run: it has no `{_RUN_FILE}`. {_WAY_OUT}"
            raise RunError(msg)
        return run

    def folder(self, name: str) -> Path:
        """Make a folder inside the directory, where it is missing, and return it.

        Raises:
          RunError: it cannot be made.
        """
        folder = self.path / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            msg = f"`{folder}` cannot be made: {_reason(error)}."
            raise RunError(msg) from error
        return folder

    def write(self, name: str, content: bytes) -> Path:
        """Write a file atomically and return its path.

        Args:
          name: its name inside the directory; a folder in it is made.
          content: the whole file.

        Raises:
          RunError: it cannot be written.
        """
        path = self.path / name
        self.folder(str(Path(name).parent))
        try:
            atomic.write_bytes(path, content)
        except OSError as error:
            msg = f"`{path}` cannot be written: {_reason(error)}."
            raise RunError(msg) from error
        return path

    def finish(self, result: object) -> None:
        """Write what the study found into `run.json`; the last thing a study does.

        Args:
          result: the fields of `StudyResult`, as `dataclasses.asdict` gives them.

        Raises:
          RunError: the file cannot be written.
          ValueError: a number in it is not finite.
        """
        self._write_run_file(finished=True, result=result)

    def _write_run_file(self, *, finished: bool, result: object) -> None:
        content = {"format": _FORMAT, "study": self.study, "finished": finished, "result": result}
        self.write(_RUN_FILE, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode("ascii"))

    def _check_same_study(self) -> None:
        run_file = self.path / _RUN_FILE
        try:
            content = json.loads(run_file.read_bytes())
        except OSError as error:
            msg = f"`{run_file}` cannot be read: {_reason(error)}."
            raise RunError(msg) from error
        except ValueError as error:
            msg = f"`{run_file}` is damaged: it is not JSON. {_WAY_OUT}"
            raise RunError(msg) from error
        if not isinstance(content, dict) or content.get("format") != _FORMAT:
            msg = f"`{run_file}` is not of format {_FORMAT}, the one this version writes. {_WAY_OUT}"
            raise RunError(msg)
        if content.get("study") != self.study:
            msg = f"`{self.path}` holds another study: its {self.differing} differ. {_WAY_OUT}"
            raise RunError(msg)


def learning_csv(rewards: Sequence[PolicyRewards]) -> bytes:
    """Write every evaluation of every policy as CSV, UTF-8: one row for each policy, seed and epoch.

    `LEARNING_COLUMNS` says what the columns mean. The numbers read back exactly.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(LEARNING_COLUMNS)
    for one in rewards:
        for seed, row in zip(one.seeds, one.rewards.tolist(), strict=True):
            writer.writerows(
                (one.policy, one.label, seed, epoch, reward)
                for epoch, reward in zip(one.epochs, row, strict=True)
            )
    return text.getvalue().encode("utf-8")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
