"""The gateway as a web application: one OpenAI-compatible address in front of all devices.

    app = app(Services(...))                     what it consists of
    await serve(app, keys=keys, port=8000)       see `serving`

Models' work takes the short way (`hot`); everything else is FastAPI.
"""

from collections.abc import Sequence
from importlib import metadata
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.types import Receive, Scope, Send

from net4moe.errors import Net4MoEError
from net4moe.gateway.front.body import ClientLeft, read_body
from net4moe.gateway.front.call import Call
from net4moe.gateway.front.errors import Refusal, Refused, refusal_of
from net4moe.gateway.front.hot import PATHS, HotPath
from net4moe.gateway.front.mixture_answers import MixtureService
from net4moe.gateway.front.routes import router
from net4moe.gateway.front.schema import described
from net4moe.gateway.front.services import Receipts, Services
from net4moe.gateway.front.serving import serve

__all__ = ["Gateway", "MixtureService", "Receipts", "Services", "app", "serve"]

_COLD_BODY_BYTES = 262_144  # a heartbeat with 64 experts
_WITH_BODY = ("POST", "PUT", "PATCH", "DELETE")


class Gateway(FastAPI):
    """The application; made by `app`.

    Args:
      services: what it consists of.
    """

    def __init__(self, services: Services) -> None:
        super().__init__(
            title="Net4MoE gateway",
            version=metadata.version("net4moe"),
            description="A mixture of expert language models on the devices around you, behind one address.",
            docs_url=None,
            redoc_url=None,
            redirect_slashes=False,
        )
        self.state.draining = False
        self.state.services = services
        self._hot = ServerErrorMiddleware(HotPath(services), handler=_on_fault)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
        elif scope["path"] in PATHS:
            await self._hot(scope, receive, send)
        elif scope["method"] in _WITH_BODY:
            await self._bounded(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    async def _bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body before the framework does, which would read any size."""
        try:
            body: bytes | None = await read_body(scope, receive, limit=_COLD_BODY_BYTES)
        except Refused as error:
            await Call(scope=scope, receive=receive, send=send).refuse(error.refusal)
            return
        except ClientLeft:
            return

        async def again() -> Any:
            nonlocal body
            if body is None:
                return await receive()
            event = {"type": "http.request", "body": body, "more_body": False}
            body = None
            return event

        await super().__call__(scope, again, send)

    def openapi(self) -> dict[str, Any]:
        """Describe all paths."""
        if not self.openapi_schema:
            self.openapi_schema = described(self)
        return self.openapi_schema


def app(services: Services, *, routers: Sequence[APIRouter] = ()) -> Gateway:
    """Make the gateway's application.

    Args:
      services: what it consists of.
      routers: more paths, as those by which devices join; they check for themselves who asks.
    """
    gateway = Gateway(services)
    gateway.include_router(router(services))
    for more in routers:
        gateway.include_router(more)
    gateway.add_exception_handler(Refused, _on_refused)
    gateway.add_exception_handler(Net4MoEError, _on_error)
    gateway.add_exception_handler(HTTPException, _on_http)
    gateway.add_exception_handler(RequestValidationError, _on_invalid)
    gateway.add_exception_handler(Exception, _on_fault)
    return gateway


async def _on_refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _answer(error.refusal)


async def _on_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, Net4MoEError)
    return _answer(refusal_of(error))


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    codes = {404: "not_found", 405: "method_not_allowed"}
    code = codes.get(error.status_code)
    return _answer(Refusal(status=error.status_code, message=f"{error.detail}.", code=code))


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: dict[str, Any] = error.errors()[0]
    param = ".".join(str(part) for part in first["loc"][1:]) or None
    return _answer(Refusal(status=400, message=f"`{param}`: {first['msg']}.", param=param))


async def _on_fault(_request: Request, _error: Exception) -> Response:
    return _answer(refusal_of(Net4MoEError("a fault")))


def _answer(refusal: Refusal) -> Response:
    headers = {name.decode(): value.decode() for name, value in refusal.headers}
    return Response(refusal.body, refusal.status, headers, "application/json")
