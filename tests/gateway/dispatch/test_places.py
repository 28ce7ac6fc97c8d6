import asyncio
import random

import pytest

from net4moe.errors import DeviceBusy
from net4moe.gateway.dispatch.places import Places
from tests.gateway.scripted_fleet import device_of
from tests.gateway.virtual_time import now_s, run_virtually


def test_a_device_that_starts_slowly_has_one_place_first() -> None:
    """All of them after thirty seconds."""
    device = device_of("a", slots=4)
    for _ in range(5):
        device.breaker.failed(0.0)
    begin_s = device.breaker.opens_again_s
    device.breaker.succeeded(begin_s, device.breaker.begin(begin_s))
    assert [1, 1, 2, 4] == [device.num_places(begin_s + seconds) for seconds in (0.0, 10.0, 15.0, 30.0)]


def test_nobody_overtakes_who_waits() -> None:
    """A place that is free for a moment is already somebody's."""

    async def course() -> None:
        places, device = Places(now_s), device_of("a", slots=1)
        assert places.take(device, now_s())
        waiting = asyncio.create_task(places.wait([device], 9.0))
        await asyncio.sleep(0)
        places.give_back(device)
        assert not places.take(device, now_s())
        assert device is await waiting
        places.give_back(device)
        assert (0, 0) == (device.num_in_flight, device.num_waiting)

    run_virtually(course())


def test_no_more_than_twice_the_slots_wait() -> None:
    """And nobody who has no hope."""

    async def course() -> None:
        places, device = Places(now_s), device_of("a", slots=1)
        assert places.take(device, now_s())
        waiting = [asyncio.create_task(places.wait([device], 9.0)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(
            DeviceBusy, match="all places of device 'a' are taken; try again in 3 s"
        ) as caught:
            await places.wait([device], 9.0)
        assert ("a", 3.0) == (caught.value.device_id, caught.value.retry_after_s)
        with pytest.raises(DeviceBusy):
            await asyncio.gather(*waiting)
        assert 9.0 == now_s()
        assert (1, 0) == (device.num_in_flight, device.num_waiting)

    run_virtually(course())


def test_a_place_that_is_given_to_somebody_who_is_just_leaving_goes_on() -> None:
    """To the next who waits, or back to the device."""

    async def course() -> None:
        places, device = Places(now_s), device_of("a", slots=1)
        assert places.take(device, now_s())
        leaving, next_one = (asyncio.create_task(places.wait([device], 9.0)) for _ in range(2))
        await asyncio.sleep(0)
        places.give_back(device)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        assert device is await next_one
        places.give_back(device)
        assert (0, 0) == (device.num_in_flight, device.num_waiting)

    run_virtually(course())


@pytest.mark.parametrize("seed", range(40))
def test_whoever_leaves_whenever_no_place_is_lost(seed: int) -> None:
    """Never more than there are, and all are free at the end."""
    chance = random.Random(seed)

    async def course() -> None:
        places, devices = Places(now_s), [device_of(name, slots=2) for name in "abc"]

        async def call() -> None:
            await asyncio.sleep(chance.choice([0.0, 0.5, 1.0]))
            wanted = chance.sample(devices, chance.randint(1, 3))
            device = next((one for one in wanted if places.take(one, now_s())), None)
            if device is None:
                device = await places.wait(wanted, now_s() + chance.choice([1.0, 2.0, 9.0]))
                assert device in wanted
            try:
                assert device.num_in_flight <= 2
                await asyncio.sleep(chance.choice([0.0, 0.5, 1.0]))
            finally:
                places.give_back(device)

        tasks = [asyncio.create_task(call()) for _ in range(30)]
        for task in tasks:
            if chance.random() < 0.3:
                asyncio.get_running_loop().call_later(chance.choice([0.0, 0.5, 1.0, 1.5]), task.cancel)
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(one, DeviceBusy | asyncio.CancelledError | None) for one in results)
        assert [(0, 0)] * 3 == [(device.num_in_flight, device.num_waiting) for device in devices]

    run_virtually(course())
