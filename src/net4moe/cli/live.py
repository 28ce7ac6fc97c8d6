"""How the live commands run: on uvloop where it is installed, with one thread for small matrices."""

import asyncio
import importlib.util
import os
from collections.abc import Coroutine
from typing import Any

__all__ = ["one_thread_for_matrices", "run_live"]


def run_live(main: Coroutine[Any, Any, None]) -> None:
    """Run a server until it ends."""
    if importlib.util.find_spec("uvloop") is None:
        asyncio.run(main)
        return
    import uvloop

    uvloop.run(main)


def one_thread_for_matrices() -> None:
    """Tell NumPy before it is loaded: a decision's matrices are small, and threads would wait for each other."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
