import asyncio
import random

import pytest

from net4moe.errors import Overloaded
from net4moe.gateway.dispatch.admission import Admission
from tests.gateway.virtual_time import now_s, run_virtually


def test_a_place_is_there_at_once() -> None:
    """And given back at the end."""

    async def course() -> None:
        admission = Admission(1, clock=now_s)
        for _ in range(3):
            async with admission.place(deadline_s=1.0):
                assert 1 == admission.num_taken
        assert 0 == admission.num_taken

    run_virtually(course())


def test_who_waits_comes_in_the_order_of_coming() -> None:
    """One after another."""

    async def course() -> None:
        admission, order = Admission(1, clock=now_s), list[int]()

        async def request(number: int) -> None:
            async with admission.place(deadline_s=100.0):
                order.append(number)
                await asyncio.sleep(1.0)

        tasks = [asyncio.create_task(request(number)) for number in range(3)]
        await asyncio.gather(*tasks)
        assert [0, 1, 2] == order
        assert 3.0 == now_s()

    run_virtually(course())


def test_a_full_queue_sends_away_at_once() -> None:
    """With a time to come back."""

    async def course() -> None:
        admission = Admission(1, num_waiting=1, clock=now_s)
        await admission.take(100.0)
        waiting = asyncio.create_task(admission.take(100.0))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="the gateway's 1 places are taken; try again in 2 s") as caught:
            await admission.take(100.0)
        assert 2.0 == caught.value.retry_after_s
        assert 0.0 == now_s()
        admission.give_back()
        await waiting
        admission.give_back()

    run_virtually(course())


def test_who_has_no_hope_before_the_deadline_is_sent_away_at_once() -> None:
    """Waiting in vain helps nobody."""

    async def course() -> None:
        admission = Admission(1, clock=now_s)
        await admission.take(100.0)
        admission.usual_s = 5.0
        with pytest.raises(Overloaded):
            await admission.take(4.0)
        with pytest.raises(Overloaded):
            await admission.take(6.0)  # there was hope, but the place never came
        assert 6.0 == now_s()
        assert (1, 0) == (admission.num_taken, admission.num_waiting)

    run_virtually(course())


def test_the_waiting_time_follows_how_long_requests_take() -> None:
    """A moving average."""
    admission = Admission(2)
    admission.num_taken = 2
    for _ in range(60):
        admission.num_taken += 1
        admission.give_back(10.0)
    assert 10.0 == pytest.approx(admission.usual_s, rel=0.01)
    assert 5.0 == pytest.approx(admission.expected_wait_s(), rel=0.01)


def test_no_places_are_refused() -> None:
    """A gateway without places is none."""
    with pytest.raises(ValueError, match="`num_places` must be at least 1, got 0"):
        Admission(0)


def test_a_place_that_is_given_to_somebody_who_is_just_leaving_goes_on() -> None:
    """To the next who waits."""

    async def course() -> None:
        admission = Admission(1, clock=now_s)
        await admission.take(9.0)
        leaving, next_one = (asyncio.create_task(admission.take(9.0)) for _ in range(2))
        await asyncio.sleep(0)
        admission.give_back()
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        await next_one
        admission.give_back()
        assert (0, 0) == (admission.num_taken, admission.num_waiting)

    run_virtually(course())


@pytest.mark.parametrize("seed", range(30))
def test_whoever_leaves_whenever_no_place_is_lost(seed: int) -> None:
    """Never more than there are, and all are free at the end."""
    chance = random.Random(seed)

    async def course() -> None:
        admission = Admission(2, num_waiting=5, clock=now_s)

        async def request() -> None:
            await asyncio.sleep(chance.choice([0.0, 0.5, 1.0]))
            async with admission.place(deadline_s=now_s() + chance.choice([0.5, 2.0, 9.0])):
                assert admission.num_taken <= 2
                await asyncio.sleep(chance.choice([0.0, 0.5, 1.0]))

        tasks = [asyncio.create_task(request()) for _ in range(20)]
        for task in tasks:
            if chance.random() < 0.4:
                asyncio.get_running_loop().call_later(chance.choice([0.0, 0.5, 1.0, 1.5]), task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (0, 0) == (admission.num_taken, admission.num_waiting)

    run_virtually(course())
