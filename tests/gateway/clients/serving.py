"""A gateway in a process of its own event loop, for clients that block."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from tests.gateway.front_rig import Rig, ScriptedMixture, Upstream, rig, running


@contextmanager
def served(
    upstream: Upstream | None = None, mixture: ScriptedMixture | None = None, **changes: Any
) -> Iterator[Rig]:
    """Run a gateway in another thread while the block lasts."""
    ready: list[Rig] = []
    listening, ended = threading.Event(), threading.Event()

    async def scene() -> None:
        async with running(upstream or Upstream()) as one, rig(one, mixture=mixture, **changes) as gateway:
            ready.append(gateway)
            listening.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=_run, args=(scene, listening))
    thread.start()
    listening.wait(10)
    try:
        yield ready[0]
    finally:
        ended.set()
        thread.join(10)


def _run(scene: Callable[[], Coroutine[Any, Any, None]], listening: threading.Event) -> None:
    try:
        asyncio.run(scene())
    finally:
        listening.set()
