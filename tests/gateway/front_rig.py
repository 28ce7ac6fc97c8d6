"""A whole gateway on loopback for tests: real sockets, real uvicorn, the real dispatcher, scripted devices."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from net4moe.chat.model import OnText
from net4moe.edge import Telemetry
from net4moe.errors import Net4MoEError
from net4moe.gateway.dispatch.admission import Admission
from net4moe.gateway.dispatch.dispatching import DispatchConfig, Dispatcher
from net4moe.gateway.dispatch.transport import AiohttpTransport
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.front.app import Services, app, serve
from net4moe.gateway.front.keys import Keys
from net4moe.gateway.front.metrics import Metrics
from net4moe.gateway.front.protocol import Patience
from net4moe.gateway.records import Asked, Limits, Mixed
from tests.gateway.live_fleet import offer, telemetry

KEY = "nk-a-key-for-tests"


@dataclass(eq=False)
class Upstream:
    """A scripted OpenAI-compatible server.

    Attributes:
      words: what it writes, a word a piece.
      first_s: seconds to the first word.
      gap_s: seconds between words.
      fault: `` for none, else what it does wrong.
    """

    words: tuple[str, ...] = ("A ", "fox ", "sails ", "home.")
    first_s: float = 0.0
    gap_s: float = 0.0
    fault: str = ""
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    num_cancelled: int = 0
    num_done: int = 0
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer any path as a model's server would."""
        body = await request.json()
        self.bodies.append(body)
        try:
            response = await self._answer(request, body)
        except (asyncio.CancelledError, ConnectionResetError):
            self.num_cancelled += 1
            self.cancelled.set()
            raise
        self.num_done += 1
        return response

    async def _answer(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        await asyncio.sleep(self.first_s)
        if self.fault == "500":
            return web.json_response({"error": {"message": "broken"}}, status=500)
        if self.fault == "400":
            return web.json_response({"error": {"message": "bad top_k", "param": "top_k"}}, status=400)
        if self.fault == "401":
            return web.json_response({"error": {"message": "bad key"}}, status=401)
        if request.path.endswith("/embeddings"):
            vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
            usage = {"prompt_tokens": 2, "total_tokens": 2}
            return web.json_response(
                {"object": "list", "data": [vector], "model": body["model"], "usage": usage}
            )
        if body.get("stream"):
            return await self._stream(request, body)
        usage = {
            "prompt_tokens": 5,
            "completion_tokens": len(self.words),
            "total_tokens": 5 + len(self.words),
        }
        message = {"role": "assistant", "content": "".join(self.words)}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        whole = {"id": "up-1", "object": "chat.completion", "created": 1, "model": body["model"]}
        return web.json_response({**whole, "choices": [choice], "usage": usage})

    async def _stream(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        deltas = [{"role": "assistant", "content": ""}] + [{"content": word} for word in self.words]
        for number, delta in enumerate(deltas):
            if number > 1:
                await asyncio.sleep(self.gap_s)
            if self.fault == "cut" and number == 3:
                assert request.transport is not None
                request.transport.abort()
                raise ConnectionResetError
            await response.write(event(body["model"], delta, None))
        await response.write(event(body["model"], {}, "stop"))
        await response.write(b"data: [DONE]\n\n")
        return response


def event(model: str, delta: dict[str, Any], reason: str | None) -> bytes:
    """Write a chunk as a model's server would."""
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    chunk = {
        "id": "up-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": model,
        "choices": [choice],
    }
    return f"data: {json.dumps(chunk)}\n\n".encode()


@dataclass(eq=False)
class ScriptedMixture:
    """A mixture that says what it was told to.

    Attributes:
      pieces: what is said, piece by piece.
      pause_s: seconds before each piece.
      error: raised after the pieces.
      told: whether the pieces are told as they come.
    """

    pieces: tuple[str, ...] = ("Once ", "a fox ", "learned ", "to sail.")
    pause_s: float = 0.0
    error: BaseException | None = None
    told: bool = True
    finish_reason: Any = "stop"
    missing: tuple[str, ...] = ()
    asked: list[Asked] = field(default_factory=list)
    num_cancelled: int = 0
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, asked: Asked, *, on_text: OnText | None = None) -> Mixed:
        """Say it."""
        self.asked.append(asked)
        try:
            for piece in self.pieces:
                if self.pause_s:
                    await asyncio.sleep(self.pause_s)
                if on_text is not None and self.told:
                    on_text(piece)
        except asyncio.CancelledError:
            self.num_cancelled += 1
            self.cancelled.set()
            raise
        if self.error is not None:
            raise self.error
        return Mixed(
            text="".join(self.pieces),
            finish_reason=self.finish_reason,
            prompt_tokens=11,
            completion_tokens=7,
            missing=self.missing,
        )

    async def explain(self, prompt: str) -> dict[str, Any]:
        """Tell a plan."""
        return {"policy": "scripted", "num_characters": len(prompt)}


class ScriptedReceipts:
    """Receipts by id."""

    def __init__(self, **kept: Mapping[str, Any]) -> None:
        self.kept = kept

    def get(self, request_id: str, /) -> Mapping[str, Any] | None:
        """Find one."""
        return self.kept.get(request_id)

    def latest(self, limit: int, /) -> Sequence[Mapping[str, Any]]:
        """List the newest."""
        return list(self.kept.values())[-limit:]


@dataclass(eq=False)
class Rig:
    """A gateway that runs.

    Attributes:
      port: where it listens.
      services: what it consists of.
      http: a client with the key.
      stop: ends it.
    """

    port: int
    services: Services
    http: aiohttp.ClientSession
    stop: asyncio.Event
    mixture: ScriptedMixture
    answers: list[aiohttp.ClientResponse] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def chat(self, model: str = "net4moe", **fields: Any) -> aiohttp.ClientResponse:
        """Ask it."""
        body = {"model": model, "messages": [{"role": "user", "content": "a fox"}], **fields}
        return await self.post("/v1/chat/completions", body)

    async def post(self, path: str, body: Any) -> aiohttp.ClientResponse:
        """Send JSON; the answer is closed with the gateway where nobody reads it."""
        self.answers.append(await self.http.post(self.url + path, json=body))
        return self.answers[-1]

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        """Fetch."""
        self.answers.append(await self.http.get(self.url + path, headers=headers))
        return self.answers[-1]


def services(
    *,
    devices: Sequence[Device] = (),
    transport: Any,
    mixture: ScriptedMixture | None = None,
    insecure: bool = False,
    **changes: Any,
) -> Services:
    """Put a gateway together."""
    roster = Roster()
    loop = asyncio.get_running_loop()
    for device in devices:
        roster.add(device, now_s=loop.time())
    keys = Keys(insecure=insecure, clock=loop.time)
    if not insecure:
        keys.give("tester", SecretStr(KEY))
    quick = DispatchConfig(first_text_s=2.0, cold_first_text_s=2.0, stall_s=2.0, whole_s=2.0, backoff_s=0.01)
    made: dict[str, Any] = {
        "roster": roster,
        "dispatcher": Dispatcher(roster, transport, clock=loop.time, config=quick),
        "mixture": mixture or ScriptedMixture(),
        "receipts": ScriptedReceipts(),
        "keys": keys,
        "admission": Admission(64, clock=loop.time),
        "metrics": Metrics(roster, clock=loop.time),
        "limits": Limits(deadline_s=20.0),
        "clock": loop.time,
    }
    return Services(**(made | changes))


def endpoint(name: str, upstream: Upstream, *, expert: str = "rose", model: str = "small") -> Device:
    """List a scripted server as a device."""
    told: Telemetry = telemetry(name, experts=(offer(expert, "romance", model=model),), num_slots=64)
    return Device(name=name, base_url=upstream.url, kind="endpoint", telemetry=told)


@asynccontextmanager
async def running(upstream: Upstream) -> AsyncIterator[Upstream]:
    """Serve a scripted server."""
    site_app = web.Application()
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings"):
        site_app.router.add_post(path, upstream.answer)
    runner = web.AppRunner(site_app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    upstream.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    try:
        yield upstream
    finally:
        await runner.cleanup()


@asynccontextmanager
async def rig(
    *upstreams: Upstream,
    mixture: ScriptedMixture | None = None,
    insecure: bool = False,
    patience: Patience | None = None,
    routers: Sequence[Any] = (),
    drain_s: float = 1.0,
    **changes: Any,
) -> AsyncIterator[Rig]:
    """Run a gateway in front of scripted servers, called `one`, `two` and so on."""
    names = ("one", "two", "three")
    devices = [endpoint(name, upstream) for name, upstream in zip(names, upstreams, strict=False)]
    transport = AiohttpTransport()
    mixture = mixture or ScriptedMixture()
    made = services(devices=devices, transport=transport, mixture=mixture, insecure=insecure, **changes)
    listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()
    serving = asyncio.create_task(
        serve(
            app(made, routers=routers),
            keys=made.keys,
            port=0,
            patience=patience,
            drain_s=drain_s,
            on_listening=listening.set_result,
            stop=stop,
            alone=False,
        )
    )
    await asyncio.wait([serving, listening], return_when=asyncio.FIRST_COMPLETED)
    headers = {} if insecure else {"authorization": f"Bearer {KEY}"}
    try:
        async with aiohttp.ClientSession(headers=headers) as http:
            gateway = Rig(port=listening.result(), services=made, http=http, stop=stop, mixture=mixture)
            yield gateway
            for answer in gateway.answers:
                answer.close()
    finally:
        stop.set()
        await serving
        await transport.close()


def chunks_of(text: str) -> list[dict[str, Any]]:
    """Read the chunks of a stream; refuse one that has not the form of one."""
    events = [part for part in text.split("\n\n") if part and not part.startswith(":")]
    assert all(one.startswith("data: ") for one in events)
    assert events[-1] == "data: [DONE]"
    return [json.loads(one.removeprefix("data: ")) for one in events[:-1]]


class Gone(Net4MoEError):
    """A fault that no table knows."""
