"""Real servers on loopback: a scripted model server, and a gateway's doors for devices."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

__all__ = ["ModelServer", "served"]


class _Server(uvicorn.Server):
    """Leaves signals alone and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_listening.set()

    async def main_loop(self) -> None:
        while not self.should_exit:
            await asyncio.sleep(0.005)

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


@contextlib.asynccontextmanager
async def served(app: Any, port: int = 0) -> AsyncGenerator[str]:
    """Serve an application; yields its address."""
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", port))
        listening.listen(64)
        config = uvicorn.Config(
            app, log_config=None, lifespan="off", ws="none", proxy_headers=False, timeout_graceful_shutdown=1
        )
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await server.is_listening.wait()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@dataclass
class ModelServer:
    """A model server that does as it is told and counts who leaves."""

    words: tuple[str, ...] = ("once", "upon", "a", "time")
    status: int = 200
    content_type: str = "application/json"
    answer: bytes = b""
    waits: bool = False
    breaks: bool = False
    calls: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    num_running: int = 0
    num_cancelled: int = 0
    began: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> FastAPI:
        """Make its application."""
        made = FastAPI()
        for path in ("chat/completions", "completions", "embeddings"):
            made.add_route(f"/v1/{path}", self._call, methods=["POST"])
        made.add_route("/v1/models", self._models, methods=["GET"])
        return made

    async def _models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [{"id": "tiny"}, {"id": "large"}]})

    async def _call(self, request: Request) -> Response:
        body = json.loads(await request.body())
        self.calls.append(body)
        self.keys.append(request.headers.get("authorization"))
        if self.status != 200:
            return Response(self.answer, self.status, media_type=self.content_type)
        if body.get("stream"):
            return StreamingResponse(self._stream(), media_type="text/event-stream")
        gone = asyncio.create_task(_until_gone(request))
        wait = asyncio.create_task(self._wait())
        self.num_running += 1
        self.began.set()
        await asyncio.wait((gone, wait), return_when=asyncio.FIRST_COMPLETED)
        self.num_running -= 1
        if gone.done():
            self._count()
        gone.cancel()
        wait.cancel()
        text = " ".join(self.words)
        choices = [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]
        usage = {"prompt_tokens": 40, "completion_tokens": 20}
        timings = {
            "prompt_n": 40,
            "prompt_per_second": 400.0,
            "predicted_n": 20,
            "predicted_per_second": 50.0,
        }
        return JSONResponse({"id": "x", "choices": choices, "usage": usage, "timings": timings})

    async def _stream(self) -> AsyncGenerator[bytes]:
        self.num_running += 1
        try:
            for word in self.words:
                yield b"data: " + json.dumps({"choices": [{"delta": {"content": word}}]}).encode() + b"\n\n"
                self.began.set()
                if self.breaks:
                    msg = "broken on purpose"
                    raise ConnectionError(msg)
                await self._wait()
            yield b"data: [DONE]\n\n"
        except asyncio.CancelledError:
            self._count()
            raise
        finally:
            self.num_running -= 1

    async def _wait(self) -> None:
        if self.waits:
            await self.go_on.wait()

    def _count(self) -> None:
        self.num_cancelled += 1
        self.cancelled.set()


async def _until_gone(request: Request) -> None:
    while not await request.is_disconnected():
        await asyncio.sleep(0.005)
