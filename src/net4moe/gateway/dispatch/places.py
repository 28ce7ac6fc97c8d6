"""Places: how many calls each device has at once, and who waits for one.

Rules. A device has as many places as slots, fewer while it starts slowly. Whoever finds none free waits for any
of the devices that would do, in the order of coming; at most twice as many wait for a device as it has slots.
Who could not get a place before the deadline is sent away at once, and told when to come back. A place that is
given back goes to the first who waits for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from net4moe.errors import DeviceBusy
from net4moe.gateway.fleet.roster import Device

__all__ = ["Places"]

_QUEUE_PER_SLOT = 2
_USUAL_S = 1.0  # a call on a device that was not measured


class _Waiter:
    __slots__ = ("devices", "future")

    def __init__(self, devices: Sequence[Device]) -> None:
        self.devices = devices
        self.future: asyncio.Future[Device] = asyncio.get_running_loop().create_future()


class Places:
    """The places of all devices.

    Args:
      clock: monotonic seconds.
      touched: gets the names of devices whose places or queue have changed.
    """

    def __init__(self, clock: Callable[[], float], touched: set[str] | None = None) -> None:
        self._clock = clock
        self._touched = set[str]() if touched is None else touched
        self._queues: dict[str, deque[_Waiter]] = {}

    def take(self, device: Device, now_s: float) -> bool:
        """Take a place where one is free and nobody waits for it."""
        if device.num_waiting or device.num_in_flight >= device.num_places(now_s):
            return False
        device.num_in_flight += 1
        self._touched.add(device.name)
        return True

    def give_back(self, device: Device) -> None:
        """Give a place back; whoever waits first gets it."""
        device.num_in_flight -= 1
        self._touched.add(device.name)
        queue = self._queues.get(device.name)
        while queue and device.num_in_flight < device.num_places(self._clock()):
            waiter = queue.popleft()
            if not waiter.future.done():  # else it is just leaving
                self._forget(waiter)
                device.num_in_flight += 1
                waiter.future.set_result(device)

    async def wait(self, devices: Sequence[Device], deadline_s: float) -> Device:
        """Wait for a place on any of some devices.

        Raises:
          DeviceBusy: there is no hope of one before the deadline, or the queues are full.
        """
        now_s = self._clock()
        wait_s = min((_expected_wait_s(device) for device in devices), default=_USUAL_S)
        open_ones = [device for device in devices if device.num_waiting < _QUEUE_PER_SLOT * device.num_slots]
        if not open_ones or now_s + wait_s > deadline_s:
            raise _busy(devices, wait_s)
        waiter = _Waiter(open_ones)
        for device in open_ones:
            device.num_waiting += 1
            self._touched.add(device.name)
            self._queues.setdefault(device.name, deque()).append(waiter)
        timer = asyncio.get_running_loop().call_later(deadline_s - now_s, _time_is_over, waiter.future)
        granted = False
        try:
            device = await waiter.future
            granted = True
            return device
        except TimeoutError:
            raise _busy(devices, wait_s) from None
        finally:
            timer.cancel()
            if not granted:
                self._leave(waiter)

    def _leave(self, waiter: _Waiter) -> None:
        """Let a waiter go without a place, though it was perhaps given one at the last moment."""
        future = waiter.future
        if future.done() and not future.cancelled() and future.exception() is None:
            self.give_back(future.result())
            return
        self._forget(waiter)

    def _forget(self, waiter: _Waiter) -> None:
        for device in waiter.devices:
            device.num_waiting -= 1
            self._touched.add(device.name)
            queue = self._queues[device.name]
            if waiter in queue:
                queue.remove(waiter)


def _time_is_over(future: asyncio.Future[Device]) -> None:
    if not future.done():
        future.set_exception(TimeoutError())


def _expected_wait_s(device: Device) -> float:
    usual_s = device.meter.total_quantile_s(0.5) or _USUAL_S
    return usual_s * (device.num_waiting + 1) / device.num_slots


def _busy(devices: Sequence[Device], wait_s: float) -> DeviceBusy:
    names = ", ".join(f"'{device.name}'" for device in devices[:3])
    more = f" and {len(devices) - 3} more" if len(devices) > 3 else ""
    device_id = devices[0].name if len(devices) == 1 else None
    msg = f"all places of device {names}{more} are taken; try again in {max(1.0, wait_s):.0f} s."
    return DeviceBusy(msg, device_id=device_id, retry_after_s=max(1.0, wait_s))
