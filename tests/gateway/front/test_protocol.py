"""Connections that are held open for nothing are closed; all others are left alone."""

import asyncio
import json
import socket
import time

import pytest

from net4moe.gateway.front.protocol import Patience
from tests.gateway.front_rig import KEY, Rig, ScriptedMixture, rig

QUICK = Patience(header_s=0.3, body_s=0.4, idle_s=1.0, reading_s=0.4, send_buffer_bytes=4_096)
HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n".encode()


async def closed_after_s(
    gateway: Rig, first: bytes, then: bytes = b"", every_s: float = 0.05
) -> tuple[float, bytes]:
    """Send bytes, then others again and again; tell when the connection was closed and what was said."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    start_s = time.monotonic()
    writer.write(first)

    async def drip() -> None:
        while then:
            await asyncio.sleep(every_s)
            writer.write(then)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(5):
            said = await reader.read()
    except ConnectionResetError:
        said = b""
    dripping.cancel()
    writer.close()
    return time.monotonic() - start_s, said


def test_slow_requests_are_cut() -> None:
    """Bytes that drip in gain no time."""
    cases = [
        (b"", b"", 0.25, b""),
        (b"POST /v1/chat", b"", 0.25, b"408"),
        (b"GET /healthz HTTP/1.1\r\n", b"a: b\r\n", 0.25, b"408"),
        (HEAD + b"content-length: 1000\r\n\r\n", b"x", 0.35, b"408"),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n", 0.35, b"408"),
        (b"\r\n", b"\r\n", 0.25, b"408"),
    ]

    async def scene() -> None:
        async with rig(patience=QUICK) as gateway:
            ends = await asyncio.gather(*(closed_after_s(gateway, case[0], case[1]) for case in cases))
            for (first, _, least_s, status), (took_s, said) in zip(cases, ends, strict=True):
                assert least_s <= took_s < 1.5, first
                assert status == said[9:12], first
                if status:
                    error = json.loads(said.partition(b"\r\n\r\n")[2])["error"]
                    assert "request_timeout" == error["code"]

    asyncio.run(scene())


def test_an_idle_connection_is_kept_and_then_closed() -> None:
    """Longer than a header may take, and empty lines gain no time."""

    async def scene() -> tuple[float, float]:
        async with rig(patience=QUICK) as gateway:
            idle_s, said = await closed_after_s(gateway, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert b"200" == said[9:12]
            dripping_s, _ = await closed_after_s(
                gateway, b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n", b"\r\n"
            )
            return idle_s, dripping_s

    idle_s, dripping_s = asyncio.run(scene())
    assert 0.9 <= idle_s < 2.0
    assert dripping_s < 1.0


def test_huge_headers_are_431_and_what_is_no_http_is_400() -> None:
    """At once."""
    cases = [
        (b"GET /healthz HTTP/1.1\r\nx: " + b"a" * 100_000, b"431"),
        (b"GET /healthz HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(200)) + b"\r\n", b"431"),
        (b"GET /" + b"a" * 100_000, b"431"),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"400"),
    ]

    async def scene() -> None:
        async with rig(patience=QUICK) as gateway:
            for first, status in cases:
                assert status == (await closed_after_s(gateway, first))[1][9:12], first[:30]

    asyncio.run(scene())


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "chunked"])
def test_a_huge_body_is_413_at_once_and_read_to_its_deadline(announced: bool) -> None:
    """So that a client that sends first and reads later gets its answer."""

    async def scene() -> tuple[bytes, float]:
        async with rig(patience=QUICK, body_bytes=100_000) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
            start_s = time.monotonic()
            length = b"content-length: 4000000000\r\n" if announced else b"transfer-encoding: chunked\r\n"
            writer.write(HEAD + length + b"\r\n")
            part = b" " * 65_536
            for _ in range(4):
                writer.write(part if announced else b"10000\r\n" + part + b"\r\n")
                await writer.drain()
            said = await reader.readuntil(b"}}")
            told_s = time.monotonic() - start_s
            await reader.read()
            assert time.monotonic() - start_s < 2.0
            writer.close()
            return said, told_s

    said, told_s = asyncio.run(scene())
    assert b"413" == said[9:12]
    assert told_s < 0.4


def test_a_client_that_reads_nothing_is_cut_and_its_work_cancelled() -> None:
    """Its answer is not kept for it."""

    async def scene() -> tuple[float, int]:
        mixture = ScriptedMixture(pieces=("x" * 20_000,) * 2_000, pause_s=0.001)
        async with rig(mixture=mixture, patience=QUICK) as gateway:
            body = json.dumps(
                {"model": "net4moe", "messages": [{"role": "user", "content": "x"}], "stream": True}
            )
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
                client.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_connect(client, ("127.0.0.1", gateway.port))
                start_s = time.monotonic()
                await loop.sock_sendall(client, HEAD + f"content-length: {len(body)}\r\n\r\n{body}".encode())
                await asyncio.wait_for(mixture.cancelled.wait(), 4)
                return time.monotonic() - start_s, mixture.num_cancelled

    took_s, num_cancelled = asyncio.run(scene())
    assert 0.4 <= took_s < 3.0
    assert 1 == num_cancelled


def test_a_client_that_reads_slowly_is_served() -> None:
    """It takes longer than `reading_s` to empty what was sent, and gets all of it."""

    async def scene() -> int:
        mixture = ScriptedMixture(pieces=("x" * 20_000,) * 20)
        async with rig(mixture=mixture, patience=QUICK) as gateway:
            reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=8_192)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
            body = json.dumps(
                {"model": "net4moe", "messages": [{"role": "user", "content": "x"}], "stream": True}
            )
            writer.write(HEAD + f"content-length: {len(body)}\r\n\r\n{body}".encode())
            num_bytes = 0
            ended = False
            while not ended:
                piece = await reader.read(8_192)
                num_bytes += len(piece)
                ended = b"[DONE]" in piece or not piece
                await asyncio.sleep(0.02)
            writer.close()
            return num_bytes

    assert asyncio.run(scene()) > 400_000


def test_too_many_connections_are_told_so() -> None:
    """503 and a time to try again; the ones that are there go on, and a closed one makes room."""

    async def scene() -> None:
        bounds = Patience(connections=8, connections_per_address=4, header_s=5.0)
        async with rig(patience=bounds) as gateway:
            held = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(4)]
            request = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            _, said = await closed_after_s(gateway, request)
            assert b"503" == said[9:12]
            assert b"retry-after: 1" in said.lower()
            held.pop()[1].close()
            await asyncio.sleep(0.05)
            assert b"200" == (await closed_after_s(gateway, request))[1][9:12]
            for _, writer in held:
                writer.close()

    asyncio.run(scene())


def test_two_requests_at_once_on_one_connection_are_answered_in_order() -> None:
    """Pipelining breaks nothing."""

    async def scene() -> bytes:
        async with rig(patience=QUICK) as gateway:
            ask = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
            return (await closed_after_s(gateway, ask + b"GET /nope HTTP/1.1\r\nhost: x\r\n\r\n"))[1]

    said = asyncio.run(scene())
    assert said.index(b"200 OK") < said.index(b"404 Not Found")


def test_honest_clients_do_not_feel_slow_ones() -> None:
    """Hundreds of connections that never say a thing."""

    async def scene() -> float:
        async with rig(patience=Patience(header_s=2.0)) as gateway:
            held = [await asyncio.open_connection("127.0.0.1", gateway.port) for _ in range(300)]
            start_s = time.monotonic()
            for _ in range(20):
                assert 200 == (await gateway.chat()).status
            took_s = time.monotonic() - start_s
            for _, writer in held:
                writer.close()
            return took_s

    assert asyncio.run(scene()) < 1.0
