"""Listening with care, stopping without losing what is under way."""

import asyncio
import os
import signal
import socket

import aiohttp
import pytest
from pydantic import SecretStr

from net4moe.errors import ConfigError
from net4moe.gateway.dispatch.transport import AiohttpTransport
from net4moe.gateway.front.app import app, serve
from net4moe.gateway.front.keys import Keys
from net4moe.gateway.front.serving import refuse_open_door
from tests.gateway.front_rig import ScriptedMixture, Upstream, chunks_of, rig, running, services


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "gateway.lan", "8.8.8.8"])
def test_a_door_to_the_network_needs_a_key(host: str) -> None:
    """Or a plain word that it does not."""
    keys = Keys()
    with pytest.raises(ConfigError, match="--insecure"):
        refuse_open_door(host, keys)
    refuse_open_door(host, Keys(insecure=True))
    keys.give("ann", SecretStr("long-enough"))
    refuse_open_door(host, keys)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost"])
def test_this_computer_may_always_ask(host: str) -> None:
    """Though without a key it is told that it needs one."""
    refuse_open_door(host, Keys())


def test_a_taken_port_is_told() -> None:
    """As a setting that cannot be, not as a traceback."""

    async def scene() -> None:
        transport = AiohttpTransport()
        made = services(transport=transport)
        try:
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
                with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1:{port}"):
                    await serve(app(made), keys=made.keys, port=port)
        finally:
            await transport.close()

    asyncio.run(scene())


@pytest.mark.parametrize("by_signal", [True, False], ids=["SIGTERM", "event"])
def test_what_is_under_way_ends_and_nothing_new_begins(by_signal: bool) -> None:
    """A stream is whole, the port is closed, and the caller goes on after it."""

    async def scene() -> str:
        mixture = ScriptedMixture(pause_s=0.1)
        async with rig(mixture=mixture, drain_s=5.0) as gateway:
            answer = await gateway.chat(stream=True)
            if by_signal:
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                gateway.stop.set()
            await asyncio.sleep(0.25)
            async with aiohttp.ClientSession() as other:
                with pytest.raises(aiohttp.ClientConnectorError):
                    await other.get(gateway.url + "/healthz")
            return await answer.text()

    text = "".join(one["choices"][0]["delta"].get("content", "") for one in chunks_of(asyncio.run(scene())))
    assert "Once a fox learned to sail." == text


def test_what_does_not_end_is_cancelled() -> None:
    """When its time is over, and the device stops too."""

    async def scene() -> tuple[int, int]:
        mixture = ScriptedMixture(pause_s=30.0)
        async with running(Upstream(first_s=1.5)) as one, rig(one, mixture=mixture, drain_s=1.0) as gateway:
            asking = [
                asyncio.create_task(gateway.chat(stream=True)),
                asyncio.create_task(gateway.chat("device/one/small")),
            ]
            while not (one.bodies and mixture.asked):
                await asyncio.sleep(0.01)
            gateway.stop.set()
            await asyncio.wait(asking)
            for task in asking:
                assert task.exception() is not None or task.result().status == 500
            await asyncio.sleep(0.05)
            return mixture.num_cancelled, one.num_cancelled

    assert (1, 1) == asyncio.run(scene())
