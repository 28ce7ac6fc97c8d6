"""Whether the client is still there: its leaving cancels all work for it, at once."""

import asyncio
from types import TracebackType
from typing import Self

from starlette.types import Receive

__all__ = ["Presence"]


class Presence:
    """Cancels what runs within it when the client disconnects.

    Used around everything that is done for one request, once its body is read. Where the client left, the
    cancellation ends here and `left` is true; a cancellation from elsewhere goes on.

    Args:
      receive: the request's ASGI `receive`.
    """

    def __init__(self, receive: Receive) -> None:
        self.left = False
        self._receive = receive
        self._task: asyncio.Task[object] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.current_task()
        self._watch = asyncio.create_task(self._until_gone())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._watch is not None:
            self._watch.cancel()
        if not self.left or self._task is None:
            return False
        if kind is None:
            await self._take_late_cancellation()
        cancelled_elsewhere = self._task.uncancel() > 0
        return kind is asyncio.CancelledError and not cancelled_elsewhere

    async def _take_late_cancellation(self) -> None:
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left = True
        if self._task is not None:
            self._task.cancel()
