"""The gateway as one application: what it says of itself, and who may hear it."""

import asyncio
import io
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiohttp
import pytest
from fastapi import APIRouter, Request

from net4moe.errors import JoinRefused, Overloaded
from tests.gateway.front_rig import KEY, ScriptedReceipts, Upstream, rig, running

PATHS = ["/v1/models", "/v1/models/net4moe", "/v1/fleet", "/v1/receipts", "/v1/receipts/a"]


def test_models_fleet_and_receipts() -> None:
    """As JSON."""

    async def scene() -> None:
        kept = ScriptedReceipts(a={"id": "a", "outcome": "done"})
        async with running(Upstream()) as one, rig(one, receipts=kept) as gateway:
            listed = await (await gateway.get("/v1/models")).json()
            assert ["net4moe", "net4moe/rose", "device/one/small"] == [one["id"] for one in listed["data"]]
            assert {"object", "created", "owned_by", "id"} == set(listed["data"][0])
            model = await (await gateway.get("/v1/models/device/one/small")).json()
            assert ("device/one/small", "one") == (model["id"], model["owned_by"])
            assert 404 == (await gateway.get("/v1/models/gpt-5")).status
            fleet = await (await gateway.get("/v1/fleet")).json()
            assert ("one", "up", 64) == tuple(
                fleet["devices"][0][name] for name in ("name", "state", "slots")
            )
            assert "base_url" not in fleet["devices"][0]
            assert {"id": "a", "outcome": "done"} == await (await gateway.get("/v1/receipts/a")).json()
            assert [{"id": "a", "outcome": "done"}] == (await (await gateway.get("/v1/receipts")).json())[
                "receipts"
            ]
            missing = await gateway.get("/v1/receipts/b")
            assert (404, "receipt_not_found") == (missing.status, (await missing.json())["error"]["code"])
            assert 400 == (await gateway.get("/v1/receipts?limit=0")).status

    asyncio.run(scene())


def test_without_a_key_only_health_and_description_are_told() -> None:
    """In the same words for every path."""

    async def scene() -> None:
        async with rig() as gateway, aiohttp.ClientSession() as stranger:
            for path in PATHS:
                async with stranger.get(gateway.url + path) as answer:
                    assert (401, "missing_api_key") == (answer.status, (await answer.json())["error"]["code"])
                    assert "Bearer" == answer.headers["www-authenticate"]
            for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/route"):
                async with stranger.post(gateway.url + path, json={}) as answer:
                    assert 401 == answer.status
            for path in ("/healthz", "/openapi.json"):
                async with stranger.get(gateway.url + path) as answer:
                    assert 200 == answer.status

    asyncio.run(scene())


def test_readiness_follows_the_devices() -> None:
    """None, one, and stopping."""

    async def scene() -> None:
        async with rig() as gateway:
            answer = await gateway.get("/readyz")
            assert (503, "no device") == (answer.status, (await answer.json())["status"])
        async with running(Upstream()) as one, rig(one) as gateway:
            assert 200 == (await gateway.get("/readyz")).status

    asyncio.run(scene())


def test_every_path_is_described() -> None:
    """Also those that the framework does not see."""

    async def scene() -> dict[str, Any]:
        async with rig() as gateway:
            return await (await gateway.get("/openapi.json")).json()

    described = asyncio.run(scene())
    assert {
        "/healthz",
        "/metrics",
        "/readyz",
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/fleet",
        "/v1/models",
        "/v1/models/{model}",
        "/v1/receipts",
        "/v1/receipts/{request_id}",
        "/v1/route",
    } == set(described["paths"])
    assert ["model", "messages"] == _schema(described)["required"]


def _schema(described: dict[str, Any]) -> dict[str, Any]:
    operation = described["paths"]["/v1/chat/completions"]["post"]
    return operation["requestBody"]["content"]["application/json"]["schema"]


def test_a_dry_run() -> None:
    """The plan of a prompt, and nothing written."""

    async def scene() -> None:
        async with rig() as gateway:
            long = await gateway.post("/v1/route", {"prompt": "x" * 8_001})
            assert (400, "prompt") == (long.status, (await long.json())["error"]["param"])
            answer = await gateway.post("/v1/route", {"prompt": "a fox"})
            assert {"policy": "scripted", "num_characters": 5} == await answer.json()
            assert 400 == (await gateway.post("/v1/route", {"prompt": " "})).status
            assert [] == gateway.mixture.asked

    asyncio.run(scene())


def test_malformed_and_huge_requests() -> None:
    """A clear no in the OpenAI form, never a fault."""
    cases = [
        (b"", 400),
        (b"{", 400),
        (b"[" * 50_000, 400),
        (b'{"model": "net4moe", "messages": [], "temperature": NaN}', 400),
        (b'{"model": "net4moe"}', 400),
        (b'{"model": "nobody"}', 404),
        (b'{"model": 3}', 400),
        (b"\xff\xfe", 400),
        (b"x" * 3_000_000, 413),
    ]

    async def scene() -> None:
        async with rig() as gateway:
            for body, status in cases:
                url = gateway.url + "/v1/chat/completions"
                async with gateway.http.post(url, data=io.BytesIO(body)) as answer:
                    assert status == answer.status, body[:30]
                    assert {"message", "type", "param", "code"} == set((await answer.json())["error"])

    asyncio.run(scene())


def test_methods_and_paths_that_do_not_exist() -> None:
    """In the same form."""

    async def scene() -> None:
        async with rig() as gateway:
            for method, path, status in (
                ("GET", "/v1/chat/completions", 405),
                ("DELETE", "/v1/models", 405),
                ("GET", "/v2", 404),
                ("POST", "/v1/nothing", 404),
            ):
                async with gateway.http.request(method, gateway.url + path) as answer:
                    assert (status, "error") == (answer.status, next(iter(await answer.json())))

    asyncio.run(scene())


def test_other_routers_are_bounded_and_their_errors_told() -> None:
    """As those by which devices join."""
    routes = APIRouter()

    @routes.post("/edge/join")
    async def join(request: Request) -> dict[str, int]:
        body = await request.body()
        if not body:
            text = "the code is wrong."
            raise JoinRefused(text)
        return {"bytes": len(body)}

    async def scene() -> None:
        async with rig(routers=[routes]) as gateway:
            for body, status in ((b"x" * 9, 200), (b"", 401), (b"x" * 300_000, 413)):
                async with gateway.http.post(gateway.url + "/edge/join", data=body) as answer:
                    assert status == answer.status
                    said = await answer.json()
            assert "request_too_large" == said["error"]["code"]

    asyncio.run(scene())


class FullHouse:
    """No place at all."""

    def place(self, *, deadline_s: float) -> AbstractAsyncContextManager[object]:
        """Refuse."""
        return self._refusing()

    @asynccontextmanager
    async def _refusing(self) -> AsyncIterator[None]:
        text = "all places are taken."
        raise Overloaded(text, retry_after_s=7)
        yield


def test_a_full_gateway_says_when_to_come_back() -> None:
    """Before any device is asked."""

    async def scene() -> None:
        async with running(Upstream()) as one, rig(one, admission=FullHouse()) as gateway:
            for model in ("net4moe", "net4moe/rose"):
                answer = await gateway.chat(model)
                assert (503, "7") == (answer.status, answer.headers["retry-after"])
            assert [] == one.bodies

    asyncio.run(scene())


def test_without_keys_everyone_may_ask() -> None:
    """But no web page."""

    async def scene() -> None:
        async with rig(insecure=True) as gateway:
            assert 200 == (await gateway.chat()).status
            assert 403 == (await gateway.get("/v1/models", origin="https://evil.example")).status

    asyncio.run(scene())


def test_nothing_is_logged_of_prompts_and_keys(caplog: pytest.LogCaptureFixture) -> None:
    """Not even where a request is refused or fails."""
    caplog.set_level("DEBUG", logger="net4moe")
    caplog.set_level("DEBUG", logger="uvicorn")

    async def scene() -> None:
        async with running(Upstream(fault="500")) as one, rig(one) as gateway:
            for fields in ({}, {"stream": True}, {"temperature": 9}):
                for model in ("net4moe", "net4moe/rose", "canary-model"):
                    body = {
                        "model": model,
                        "messages": [{"role": "user", "content": "canary-prompt"}],
                        **fields,
                    }
                    await gateway.post("/v1/chat/completions", body)

    asyncio.run(scene())
    assert "canary-prompt" not in caplog.text
    assert KEY not in caplog.text


def test_the_front_starts_without_the_array_library() -> None:
    """A gateway's process holds no JAX."""
    code = "import sys, net4moe.gateway.front.app; print(json.dumps('jax' in sys.modules))"
    run = subprocess.run([sys.executable, "-c", f"import json; {code}"], capture_output=True, check=True)
    assert False is json.loads(run.stdout)
