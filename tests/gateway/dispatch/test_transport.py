import asyncio
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr

from net4moe.edge.certificate import made
from net4moe.edge.signing import Verifier
from net4moe.gateway.dispatch.transport import AiohttpTransport, CallBroken
from tests.gateway.device_server import DeviceServer, answers, closed_url, drops, hangs, json_of, says
from tests.gateway.scripted_fleet import device_of

BODY = b'{"model": "tiny"}'


@asynccontextmanager
async def transport() -> AsyncIterator[AiohttpTransport]:
    """Make one, and close it."""
    made = AiohttpTransport()
    try:
        yield made
    finally:
        await made.close()


def run(course: Coroutine[Any, Any, None]) -> None:
    """Run a test."""
    asyncio.run(course)


async def whole(carrier: AiohttpTransport, base_url: str, **fields: Any) -> bytes:
    """Send a call and read the answer."""
    device = device_of("a", base_url=base_url)
    for name, value in fields.items():
        setattr(device, name, value)
    answer = await carrier.post(device, "/chat/completions", BODY)
    content = b""
    while piece := await answer.read():
        content += piece
    answer.close()
    return content


def test_a_device_is_spoken_to_behind_its_own_certificate_only() -> None:
    """One that shows another is refused; connections are used again."""
    mine, other = made("a"), made("b")

    async def course() -> None:
        async with DeviceServer(says("A fox"), context=mine.context) as server, transport() as carrier:
            for _ in range(3):
                assert json_of("A fox") == await whole(carrier, server.base_url, fingerprint=mine.fingerprint)
            assert 1 == server.num_connections
            with pytest.raises(CallBroken, match="another certificate than the one that it joined with"):
                await whole(carrier, server.base_url, fingerprint=other.fingerprint)
            with pytest.raises(CallBroken):
                await whole(carrier, server.base_url)
            assert 3 == len(server.requests)

    run(course())


def test_a_signed_call_passes_the_devices_check_once() -> None:
    """The signature is over what really came."""
    key = SecretStr("k" * 32)

    async def course() -> None:
        async with DeviceServer(says("A fox")) as server, transport() as carrier:
            await whole(carrier, server.base_url, kind="agent", key=key)
            await whole(carrier, server.base_url, kind="agent", key=key)
            verifier = Verifier(lambda device: key if device == "a" else None)
            for request in server.requests:
                verified = verifier.verify(
                    request.headers,
                    method="POST",
                    path=request.target,
                    body=request.body,
                    now_unix_s=time.time(),
                )
                assert "a" == verified
            assert BODY == server.requests[0].body

    run(course())


@pytest.mark.parametrize(
    ("more", "wait_s"),
    [
        ("retry-after: 2.5\r\n", 2.5),
        ("retry-after: 999999\r\n", 300.0),
        ("retry-after: nan\r\n", None),
        ("", None),
    ],
)
def test_how_long_to_wait_is_read_with_care(more: str, wait_s: float | None) -> None:
    """A device cannot ask for years, nor for nonsense."""

    async def course() -> None:
        async with (
            DeviceServer(answers(b"{}", status="429 Full", more=more)) as server,
            transport() as carrier,
        ):
            answer = await carrier.post(device_of("a", base_url=server.base_url), "/chat/completions", BODY)
            assert (429, wait_s) == (answer.status, answer.retry_after_s)
            answer.close()

    run(course())


def test_what_breaks_is_told_apart() -> None:
    """Refused, reset, garbage; never with an address or a key."""

    async def raw(request: Any) -> bool:
        await request.send(b"220 fox ready\r\n")
        return False

    async def huge(request: Any) -> bool:
        await request.send(b"HTTP/1.1 200 OK\r\n" + b"x-fox: " + b"y" * 100_000 + b"\r\n\r\n")
        return False

    async def course() -> None:
        async with (
            DeviceServer(drops()) as resets,
            DeviceServer(raw) as talks,
            DeviceServer(huge) as shouts,
            transport() as carrier,
        ):
            for url, outcome in (
                (closed_url(), "refused"),
                ("http://nowhere.invalid/v1", "refused"),
                (resets.base_url, "reset"),
                (talks.base_url, "garbage"),
                (shouts.base_url, "garbage"),
            ):
                with pytest.raises(CallBroken, match="device 'a'") as caught:
                    await whole(carrier, url, key=SecretStr("secret-key"))
                assert outcome == caught.value.outcome
                assert "secret-key" not in str(caught.value)
                assert "127.0.0.1" not in str(caught.value)

    run(course())


def test_closing_an_answer_wakes_who_reads_it() -> None:
    """A watcher ends a stall without a task of its own."""

    async def course() -> None:
        async with DeviceServer(hangs(b": hello\n\n")) as server, transport() as carrier:
            answer = await carrier.post(device_of("a", base_url=server.base_url), "/chat/completions", BODY)
            assert b": hello\n\n" == await answer.read()
            asyncio.get_running_loop().call_later(0.02, answer.close)
            with pytest.raises(CallBroken):
                await answer.read()
            async with asyncio.timeout(0.1):
                await server.requests[0].gone.wait()

    run(course())
