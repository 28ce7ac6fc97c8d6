"""Results on standard output, progress on standard error; `NO_COLOR` and pipes are respected by rich."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

__all__ = ["counting", "download", "note", "out", "progress", "waiting"]

out = Console(file=None, highlight=False, soft_wrap=False)
progress = Console(stderr=True, highlight=False)


def note(text: str) -> None:
    """Say something about the progress."""
    progress.print(text, style="dim", markup=False)


@contextmanager
def waiting(what: str) -> Generator[None]:
    """Show that something short goes on."""
    with progress.status(f"{what} …"):
        yield


@contextmanager
def download(what: str) -> Generator[Callable[[int, int], None]]:
    """Show bytes coming, with the time that remains."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with _shown(what, *columns) as tell:
        yield tell


@contextmanager
def counting(what: str) -> Generator[Callable[[int, int], None]]:
    """Show a count rising, with the time that remains."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with _shown(what, *columns) as tell:
        yield tell


@contextmanager
def _shown(what: str, *columns: ProgressColumn) -> Generator[Callable[[int, int], None]]:
    start_s = time.monotonic()
    with Progress(*columns, console=progress, transient=True, disable=not progress.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        tenths = 0

        def tell(now: int, of: int) -> None:
            nonlocal tenths
            bar.update(task, completed=now, total=of)
            if not progress.is_terminal and 0 < 10 * now // of < 10 and 10 * now // of > tenths:
                tenths = 10 * now // of
                left_s = (time.monotonic() - start_s) * (of - now) / now
                note(f"{what}: {now} of {of}, about {left_s:.0f} s left")

        yield tell
    note(f"{what}: done in {time.monotonic() - start_s:.1f} s")
