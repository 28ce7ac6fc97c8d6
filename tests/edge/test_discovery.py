"""Finding a gateway on loopback, where that lets messages to many through."""

import asyncio
import contextlib
import time

import pytest

from net4moe.edge.discovery import Found, advertised, gateways
from net4moe.errors import DeviceUnreachable

LOOPBACK = "127.0.0.1"
NOWHERE = "192.0.2.1"  # reserved for examples; no computer has it


def test_a_gateway_is_found_while_it_is_there() -> None:
    """Name, address and version; nothing about keys or codes."""

    async def test() -> tuple[Found, ...]:
        async with advertised("living room.1", address=LOOPBACK, port=8_123):
            return await gateways(interface=LOOPBACK, seconds=5.0, enough=1)

    try:
        found = asyncio.run(test())
    except DeviceUnreachable as error:
        pytest.skip(f"no messages to many on loopback here: {error}")
    if not found:
        pytest.skip("no messages to many on loopback here: nothing came back")
    assert found == (Found(name="living room-1", url="http://127.0.0.1:8123", version=1),)


def test_nothing_hangs_where_nobody_answers() -> None:
    """An interface without gateways gives none in time; one that is not there is said to be so."""

    async def test() -> None:
        start_s = time.monotonic()
        with contextlib.suppress(DeviceUnreachable):  # where loopback does not carry it
            assert await gateways(interface=LOOPBACK, seconds=0.01) == ()
        assert time.monotonic() - start_s < 5
        with pytest.raises(
            DeviceUnreachable, match=r"nothing can be sent to the local network on 192\.0\.2\.1"
        ):
            await gateways(interface=NOWHERE, seconds=0.01)
        with pytest.raises(
            DeviceUnreachable, match=r"nothing can be sent to the local network on 192\.0\.2\.1"
        ):
            async with advertised("x", address=NOWHERE, port=1):
                pass

    asyncio.run(test())
