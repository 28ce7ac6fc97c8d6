"""The device's web side, over real sockets."""

import asyncio
import contextlib
import io
import json
import time
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from net4moe.edge import agent, signing
from net4moe.edge.link import SimulatedLink
from net4moe.edge.upstream import Upstream
from net4moe.errors import JoinRefused
from tests.edge.servers import ModelServer, served

KEY = SecretStr("a device's key")
CHAT = "/v1/chat/completions"


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test within ten seconds."""
    asyncio.run(asyncio.wait_for(test, 10))


def let_in(*_call: object) -> None:
    """Let everybody in."""


@contextlib.asynccontextmanager
async def device(
    model: ModelServer, *, check: agent.Check = let_in, **options: Any
) -> AsyncGenerator[tuple[str, agent.Relay, aiohttp.ClientSession]]:
    """Run a device before a model server; yields its address, its relay and a client."""
    async with served(model.app()) as url, aiohttp.ClientSession() as session:
        given: dict[str, Any] = {"num_slots": 1, **options}
        upstream = {"url": f"{url}/v1", "between_s": 5.0, **given.pop("upstream", {})}
        relay = agent.Relay(session, Upstream(**upstream), **given)
        async with served(agent.app(relay, check)) as address, aiohttp.ClientSession() as client:
            yield address, relay, client


def test_an_answer_comes_as_the_server_gives_it() -> None:
    """What the caller asks goes on unchanged, and the answer comes back unchanged."""

    async def test() -> None:
        model = ModelServer()
        async with device(model) as (address, relay, client):
            asked = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "seed": 3}
            async with client.post(address + CHAT, json=asked) as response:
                answer = await response.json()
            assert answer["choices"][0]["message"]["content"] == "once upon a time"
            assert model.calls == [asked]
            assert relay.speed.report.prefill_tokens_per_s == 400.0
            assert relay.speed.report.decode_tokens_per_s == 50.0

    run(test())


def test_a_stream_comes_byte_by_byte() -> None:
    """Every event passes as it is, before the next one is written."""

    async def test() -> None:
        model = ModelServer(waits=True)
        async with device(model) as (address, _, client):
            async with client.post(address + CHAT, json={"stream": True}) as response:
                assert response.headers["content-type"].startswith("text/event-stream")
                first = await response.content.readany()
                assert b"once" in first
                assert b"upon" not in first
                model.go_on.set()
                rest = await response.read()
            assert rest.endswith(b"data: [DONE]\n\n")

    run(test())


@pytest.mark.parametrize("streams", [False, True])
def test_the_caller_leaves_and_the_server_stops(streams: bool) -> None:
    """The model server sees within 100 ms that nobody listens, and the place is free again."""

    async def test() -> None:
        model = ModelServer(waits=True)
        async with device(model) as (address, relay, _):
            async with aiohttp.ClientSession() as leaving:
                call = asyncio.create_task(leaving.post(address + CHAT, json={"stream": streams}))
                await model.began.wait()
                if streams:
                    (await call).close()
                else:
                    call.cancel()
            left_s = time.monotonic()
            await model.cancelled.wait()
            assert time.monotonic() - left_s < 0.1
            assert (1, 0) == (model.num_cancelled, relay.places.num_busy)

    run(test())


def test_a_caller_that_leaves_the_queue_is_never_sent_on() -> None:
    """Its place in the queue goes to the next one."""

    async def test() -> None:
        model = ModelServer(waits=True)
        async with device(model) as (address, relay, client):
            first = asyncio.create_task(client.post(address + CHAT, json={"n": 1}))
            await model.began.wait()
            second = asyncio.create_task(client.post(address + CHAT, json={"n": 2}))
            while relay.places.num_waiting < 1:
                await asyncio.sleep(0.001)
            second.cancel()
            while relay.places.num_waiting:
                await asyncio.sleep(0.001)
            model.go_on.set()
            assert (await first).status == 200
            assert [call["n"] for call in model.calls] == [1]

    run(test())


def test_a_full_queue_sends_callers_away() -> None:
    """One place, two in the queue; the fourth is told when to come again."""

    async def test() -> None:
        model = ModelServer(waits=True)
        async with device(model) as (address, relay, client):
            calls = [asyncio.create_task(client.post(address + CHAT, json={})) for _ in range(3)]
            while relay.places.num_waiting < 2:
                await asyncio.sleep(0.001)
            async with client.post(address + CHAT, json={}) as refused:
                assert refused.status == 429
                assert int(refused.headers["retry-after"]) >= 1
                assert (await refused.json())["error"]["code"] == "device_busy"
            model.go_on.set()
            assert [200, 200, 200] == [(await call).status for call in calls]
            assert len(model.calls) == 3

    run(test())


def test_only_signed_calls_come_in() -> None:
    """An unsigned call is refused before its body is read; a signed one is good once."""

    async def test() -> None:
        verifier = signing.Verifier(lambda name: KEY if name == "pi" else None)

        def check(headers: Any, method: str, path: str, body: bytes) -> None:
            verifier.verify(headers, method, path, body, 1_000.0)

        model = ModelServer()
        async with device(model, check=check) as (address, relay, client):
            relay.models = ("tiny",)
            body = b'{"model": "tiny"}'
            signed = signing.signed_headers(
                KEY, device="pi", method="POST", path=CHAT, body=body, now_unix_s=1_000
            )
            statuses: list[int] = []
            for headers in ({}, signed, signed, {**signed, signing.NONCE_HEADER: "0" * 32}):
                async with client.post(address + CHAT, data=body, headers=headers) as response:
                    statuses.append(response.status)
                    answer = await response.json()
            assert [401, 200, 401, 401] == statuses
            assert answer["error"]["type"] == "authentication_error"
            assert len(model.calls) == 1
            async with client.get(address + "/v1/models") as response:
                assert response.status == 401
            signed = signing.signed_headers(
                KEY, device="pi", method="GET", path="/v1/models", body=b"", now_unix_s=1_000
            )
            async with client.get(address + "/v1/models", headers=signed) as response:
                assert [one["id"] for one in (await response.json())["data"]] == ["tiny"]
            async with client.get(address + "/healthz") as response:
                assert await response.json() == {"status": "ok"}

    run(test())


def test_errors_have_the_openai_form() -> None:
    """A server that refuses, fails, wants another key or breaks off; a body that is too large."""

    async def test() -> None:
        model = ModelServer()
        async with device(model, upstream={"key": SecretStr("hush")}) as (address, _, client):

            async def told(**asked: Any) -> tuple[int, str]:
                async with client.post(address + CHAT, **asked) as response:
                    return response.status, (await response.json())["error"]["message"]

            model.status, model.answer = 400, b'{"error": {"message": "too long", "type": "x"}}'
            assert await told(json={}) == (400, "too long")
            model.status, model.answer, model.content_type = 500, b"<html>oh</html>", "text/html"
            assert await told(json={}) == (500, "the device's model server answered 500.")
            model.status = 401
            status, message = await told(json={})
            assert status == 502
            assert "its owner must look at its address and key" in message
            assert "hush" not in message
            assert model.keys[-1] == "Bearer hush"
            status, message = await told(data=io.BytesIO(b" " * (agent.LARGEST_BODY + 1)))
            assert (413, "the body is larger than 8000000 bytes.") == (status, message)
            model.status, model.breaks = 200, True
            async with client.post(address + CHAT, json={"stream": True}) as response:
                events = (await response.read()).split(b"\n\n")
            assert b"once" in events[0]
            assert json.loads(events[-2].removeprefix(b"data: "))["error"]["code"] == "upstream_failed"

    run(test())


def test_a_server_that_is_not_there_and_one_that_hangs() -> None:
    """502 and 504."""

    async def test() -> None:
        model = ModelServer(waits=True)
        async with device(model, upstream={"first_s": 0.02}) as (address, _, client):
            async with client.post(address + CHAT, json={}) as response:
                assert response.status == 504
                assert (await response.json())["error"]["code"] == "upstream_stalled"
            await model.cancelled.wait()
        async with (
            device(model, upstream={"url": "http://127.0.0.1:9/v1"}) as (address, _, client),
            client.post(address + CHAT, json={}) as response,
        ):
            assert response.status == 502
            assert "cannot be reached" in (await response.json())["error"]["message"]

    run(test())


def test_a_device_knows_its_models_and_refuses_when_it_leaves() -> None:
    """A fixed list of models is kept to; a draining device is busy, not broken."""

    async def test() -> None:
        model = ModelServer()
        async with device(model, upstream={"models": ("tiny",)}) as (address, relay, client):
            async with client.post(address + CHAT, json={"model": "huge"}) as response:
                assert response.status == 404
                assert (await response.json())["error"]["code"] == "model_not_found"
            relay.is_draining = True
            async with client.post(address + CHAT, json={"model": "tiny"}) as response:
                assert response.status == 429
            async with client.get(address + "/nothing") as response:
                assert (await response.json())["error"]["message"] == "Not Found"

    run(test())


def test_texts_to_read_go_where_they_are_read() -> None:
    """`echo` goes to the second address of the server, all else to the first."""

    async def test() -> None:
        model, reader = ModelServer(), ModelServer()
        async with served(reader.app()) as url:
            async with device(model, upstream={"reads_url": f"{url}/v1"}) as (address, _, client):
                for asked in ({"prompt": "x", "echo": True}, {"prompt": "x"}, {"prompt": '"echo"'}):
                    async with client.post(address + "/v1/completions", json=asked) as response:
                        assert response.status == 200
            assert (2, 1) == (len(model.calls), len(reader.calls))

    run(test())


def test_a_simulated_link_holds_bytes_back() -> None:
    """A thousand bits a second: every byte waits for its turn, by the link's own clock."""

    async def test() -> None:
        now_s, slept = 0.0, []

        async def sleep(seconds: float) -> None:
            nonlocal now_s
            now_s += seconds
            slept.append(seconds)

        link = SimulatedLink([(0.0, 3.0, 1_000.0)])
        model = ModelServer()
        async with device(model, link=link, clock=lambda: now_s, sleep=sleep) as (address, _, client):
            body = b'{"stream": true}'
            async with client.post(address + CHAT, data=body) as response:
                answer = await response.read()
            assert now_s == pytest.approx(8 * (len(body) + len(answer)) / 1_000)
            assert len(slept) >= 2

    run(test())


def test_an_unknown_check_is_refused_in_the_same_form() -> None:
    """Whatever the check says is what the caller reads."""

    async def test() -> None:
        def check(*_call: object) -> None:
            raise JoinRefused("not today.")

        async with (
            device(ModelServer(), check=check) as (address, _, client),
            client.post(address + CHAT, json={}) as response,
        ):
            assert (await response.json())["error"]["message"] == "not today."

    run(test())
