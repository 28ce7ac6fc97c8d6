"""The web side of a device: calls in the OpenAI form, let in, queued, sent on and relayed byte by byte.

    signed? -> a place or the queue -> the radio -> the model server -> the radio -> the caller

The caller's leaving ends the model server's work at once, whether the answer streams or not. Nothing of a call
is kept or logged.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, cast

import aiohttp
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from net4moe.edge import signing, upstream
from net4moe.edge.link import SimulatedLink
from net4moe.edge.places import Places
from net4moe.edge.speed import SpeedMeter, Watched
from net4moe.edge.upstream import Answer, Upstream, UpstreamFailed
from net4moe.errors import DeviceBusy, JoinRefused

__all__ = ["LARGEST_BODY", "Check", "Relay", "app", "error_response"]

LARGEST_BODY = 8_000_000
"""Bytes that a call may have."""

Check = Callable[[Mapping[str, str], str, str, bytes], object]
"""Looks at headers, method, path and body of a call; raises JoinRefused where it may not come in."""

_Path = Literal["/chat/completions", "/completions", "/embeddings"]
_PATHS: tuple[_Path, ...] = ("/chat/completions", "/completions", "/embeddings")
_LARGEST_ANSWER = 64_000_000
_BODY_S = 15.0
_SEND_S = 30.0


class Relay:
    """Sends calls on to the model server and measures what comes back.

    Args:
      session: for connections to the model server; the caller closes it.
      server: the model server.
      num_slots: calls that it gets at the same time.
      max_waiting: calls that wait at most; None for two per slot.
      link: plays a radio link between device and gateway; None for the real one.
      clock: monotonic seconds.
      sleep: waits so many seconds.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        server: Upstream,
        *,
        num_slots: int,
        max_waiting: int | None = None,
        link: SimulatedLink | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.session = session
        self.server = server
        self.places = Places(num_slots, max_waiting)
        self.speed = SpeedMeter()
        self.link = link
        self.models: tuple[str, ...] = server.models
        self.is_draining = False
        self._clock = clock
        self._sleep = sleep

    async def look_for_models(self) -> None:
        """Ask the server what it has.

        Raises:
          UpstreamFailed: it cannot be reached or understood.
        """
        self.models = await upstream.models_of(self.session, self.server)

    def watched(self) -> Watched:
        """Begin to measure a call."""
        return Watched(self.speed, sent_s=self._clock())

    def now_s(self) -> float:
        """Read the clock."""
        return self._clock()

    async def carry(self, num_bytes: int) -> None:
        """Wait for as long as the link needs for these bytes."""
        if self.link is not None:
            now_s = self._clock()
            await self._sleep(max(0.0, self.link.carry(num_bytes, now_s) - now_s))

    def lacks(self, body: bytes) -> str | None:
        """Name the model that a call asks for and the device has not; None where that is not known."""
        if not self.server.models:
            return None  # the server knows its own names and aliases
        try:
            asked = json.loads(body)
        except ValueError:
            return None
        name = cast("dict[str, Any]", asked).get("model") if isinstance(asked, dict) else None
        return name if isinstance(name, str) and name not in self.server.models else None


def app(relay: Relay, check: Check) -> FastAPI:
    """Make the device's web application.

    Args:
      relay: sends calls on.
      check: lets callers in.
    """
    made = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def failed(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return error_response(error.status_code, "invalid_request_error", str(error.detail))

    made.add_exception_handler(HTTPException, failed)

    async def healthz(_request: Request) -> Response:
        return JSONResponse({"status": "draining" if relay.is_draining else "ok"})

    async def models(request: Request) -> Response:
        refused, _ = await _let_in(request, check)
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "net4moe"} for name in relay.models
        ]
        return refused or JSONResponse({"object": "list", "data": listed})

    def calling(path: _Path) -> Callable[[Request], Awaitable[Response]]:
        async def call(request: Request) -> Response:
            refused, body = await _let_in(request, check)
            if refused is not None:
                return refused
            if relay.is_draining:
                return error_response(429, "overloaded_error", "the device is leaving.", retry_after_s=1)
            if (name := relay.lacks(body)) is not None:
                msg = f"this device has no model '{name}'."
                return error_response(404, "invalid_request_error", msg, code="model_not_found")
            return _Relayed(relay, path, body)

        return call

    made.add_route("/healthz", healthz, methods=["GET"])
    made.add_route("/v1/models", models, methods=["GET"])
    for path in _PATHS:
        made.add_route(f"/v1{path}", calling(path), methods=["POST"])
    return made


def error_response(
    status: int, kind: str, message: str, *, code: str | None = None, retry_after_s: float | None = None
) -> Response:
    """Make an error in the OpenAI form."""
    headers = None if retry_after_s is None else {"retry-after": str(math.ceil(retry_after_s))}
    return JSONResponse(_error(message, kind, code), status_code=status, headers=headers)


def _error(message: str, kind: str, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


async def _let_in(request: Request, check: Check) -> tuple[Response | None, bytes]:
    """Read and check a call; the answer that refuses it, else its body."""
    path = request.scope["path"] + (f"?{request.url.query}" if request.url.query else "")
    try:
        if signing.SIGNATURE_HEADER not in request.headers:
            check(request.headers, request.method, path, b"")  # before anything is read
        body = await _body(request)
        if body is not None:
            check(request.headers, request.method, path, body)
    except JoinRefused as error:
        return error_response(401, "authentication_error", str(error), code="not_signed"), b""
    except TimeoutError:
        return error_response(408, "invalid_request_error", f"the body took over {_BODY_S:g} s."), b""
    except ClientDisconnect:
        return Response(status_code=499), b""
    if body is None:
        msg = f"the body is larger than {LARGEST_BODY} bytes."
        return error_response(413, "invalid_request_error", msg), b""
    return None, body


async def _body(request: Request) -> bytes | None:
    """Read the body; None where it is too large."""
    length = request.headers.get("content-length", "0")
    if length.isdigit() and int(length) > LARGEST_BODY:
        return None
    body = bytearray()
    async with asyncio.timeout(_BODY_S):
        async for piece in request.stream():
            body += piece
            if len(body) > LARGEST_BODY:
                return None
    return bytes(body)


class _Relayed(Response):
    """An answer that is fetched while it is sent."""

    def __init__(self, relay: Relay, path: _Path, body: bytes) -> None:
        super().__init__()
        self._relay = relay
        self._path: _Path = path
        self._asked = body
        self._started = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Relay until the answer is through or the caller leaves, whichever is first."""
        work = asyncio.create_task(self._work(scope, receive, send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
            await asyncio.wait((work, gone))
        if not work.cancelled():
            work.result()

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with self._relay.places.place():
                await self._relay.carry(len(self._asked))
                watched = self._relay.watched()
                server = self._relay.server
                async with upstream.opened(self._relay.session, server, self._path, self._asked) as answer:
                    if answer.status == 200 and answer.content_type.startswith("text/event-stream"):
                        await self._stream(answer, watched, send)
                        return
                    content = await _whole(answer)
                if answer.status == 200:
                    watched.came(content, self._relay.now_s())
                    watched.ended(self._relay.now_s(), streams=False)
                refused = _refusal(answer, content)
                response = refused or Response(content, answer.status, media_type=answer.content_type)
                await self._relay.carry(len(response.body))
                await response(scope, receive, send)
        except DeviceBusy as error:
            response = error_response(
                429, "overloaded_error", str(error), code="device_busy", retry_after_s=error.retry_after_s
            )
            await response(scope, receive, send)
        except UpstreamFailed as error:
            await self._fail(error, scope, receive, send)

    async def _stream(self, answer: Answer, watched: Watched, send: Send) -> None:
        headers = [(b"content-type", answer.content_type.encode()), (b"cache-control", b"no-cache")]
        async for piece in answer.pieces():
            watched.came(piece, self._relay.now_s())
            await self._relay.carry(len(piece))
            if not self._started:
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                self._started = True
            try:
                async with asyncio.timeout(_SEND_S):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except TimeoutError:
                return  # the caller no longer reads; the web server closes what is not ended
        if not self._started:
            msg = "the model server began to answer and sent nothing."
            raise UpstreamFailed(msg, status=502)
        watched.ended(self._relay.now_s(), streams=True)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _fail(self, error: UpstreamFailed, scope: Scope, receive: Receive, send: Send) -> None:
        code = "upstream_stalled" if error.status == 504 else "upstream_failed"
        if not self._started:
            response = error_response(error.status, "upstream_error", str(error), code=code)
            await response(scope, receive, send)
            return
        told = json.dumps(_error(str(error), "upstream_error", code))
        event = f"\n\ndata: {told}\n\n".encode()  # the blank line ends what the server left half
        await send({"type": "http.response.body", "body": event, "more_body": False})


async def _whole(answer: Answer) -> bytes:
    content = bytearray()
    async for piece in answer.pieces():
        content += piece
        if len(content) > _LARGEST_ANSWER:
            msg = f"the model server's answer is larger than {_LARGEST_ANSWER} bytes."
            raise UpstreamFailed(msg, status=502)
    return bytes(content)


def _refusal(answer: Answer, content: bytes) -> Response | None:
    """Make the answer to a call that the model server did not take; None where it took it."""
    if answer.status == 200:
        return None
    if answer.status in (401, 403) or answer.status < 400:
        msg = (
            f"the device's model server answered {answer.status}; its owner must look at its address and key."
        )
        return error_response(502, "upstream_error", msg, code="upstream_failed")
    wait_s = float(answer.retry_after) if answer.retry_after.isdigit() else None
    try:
        told = json.loads(content)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(cast("dict[str, Any]", told).get("error"), dict):
        headers = {"retry-after": answer.retry_after} if wait_s is not None else None
        return JSONResponse(told, status_code=answer.status, headers=headers)
    kind = "upstream_error" if answer.status >= 500 else "invalid_request_error"
    msg = f"the device's model server answered {answer.status}."
    return error_response(answer.status, kind, msg, retry_after_s=wait_s)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
