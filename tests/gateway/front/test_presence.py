"""A client's leaving cancels the work for it, and nothing else does so in silence."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from net4moe.gateway.front.presence import Presence

Receive = Callable[[], Awaitable[dict[str, Any]]]


def leaving(after_s: float) -> Receive:
    """Make a client that leaves."""

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(after_s)
        return {"type": "http.disconnect"}

    return receive


def test_work_ends_when_the_client_leaves() -> None:
    """And what comes after the block goes on."""

    async def scene() -> tuple[bool, bool]:
        cancelled = False
        async with Presence(leaving(0.01)) as presence:
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                cancelled = True
                raise
        await asyncio.sleep(0)
        return cancelled, presence.left

    assert (True, True) == asyncio.run(scene())


def test_work_that_is_done_first_is_done() -> None:
    """The watch ends with it."""

    async def scene() -> tuple[bool, int]:
        async with Presence(leaving(5)) as presence:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        return presence.left, len(asyncio.all_tasks())

    assert (False, 1) == asyncio.run(scene())


def test_leaving_at_the_very_end_cancels_nothing_later() -> None:
    """The late cancellation is taken here."""

    async def scene() -> bool:
        left = asyncio.Event()

        async def receive() -> dict[str, Any]:
            await left.wait()
            return {"type": "http.disconnect"}

        async with Presence(receive) as presence:
            await asyncio.sleep(0)
            left.set()
            while not presence.left:
                with suppress(asyncio.CancelledError):
                    await asyncio.sleep(0)
        await asyncio.sleep(0)
        return presence.left

    assert asyncio.run(scene())


def test_a_cancellation_from_elsewhere_goes_on() -> None:
    """As when the server stops."""

    async def work(begun: asyncio.Event) -> None:
        async with Presence(leaving(5)):
            begun.set()
            await asyncio.sleep(5)

    async def scene() -> None:
        begun = asyncio.Event()
        task = asyncio.create_task(work(begun))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(scene())


def test_an_error_goes_on() -> None:
    """Whether the client is there or not."""

    async def scene() -> None:
        async with Presence(leaving(5)):
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(scene())
