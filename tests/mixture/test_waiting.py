"""Several calls at once: all of them, or the first error as itself."""

import asyncio

import pytest

from net4moe.mixture.waiting import all_or_first_error


def test_results_stand_in_the_order_of_the_calls() -> None:
    """Whatever the order of completion."""

    async def late(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert [3, 0, 2] == asyncio.run(all_or_first_error([late(3), late(0), late(2)]))
    assert [] == asyncio.run(all_or_first_error([]))


def test_the_first_error_cancels_the_others() -> None:
    """It is raised as itself; nothing is left running."""
    ended: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def failing() -> None:
        await asyncio.sleep(0)
        raise ValueError("the first")

    async def run() -> int:
        with pytest.raises(ValueError, match=r"^the first$"):
            await all_or_first_error([waiting(), failing(), waiting()])
        return len(asyncio.all_tasks())

    assert 1 == asyncio.run(run())
    assert ["cancelled", "cancelled"] == ended


def test_a_cancelled_wait_cancels_its_calls() -> None:
    """Who stops waiting stops the calls."""
    ended: list[str] = []

    async def waiting() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("ended")

    async def run() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await all_or_first_error([waiting(), waiting()])

    asyncio.run(run())
    assert ["ended", "ended"] == ended
