"""Codes for devices that join, for whoever holds a client's key."""

import time
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from net4moe.edge.pairing import CodeBook
from net4moe.gateway.front_door import Door
from net4moe.gateway.keys import Keys

__all__ = ["router"]


def router(keys: Keys, codes: CodeBook, *, clock: Callable[[], float] = time.monotonic) -> APIRouter:
    """Make the route that issues a code: POST /v1/codes."""
    routes = APIRouter()
    door = Door(keys)

    @routes.post("/v1/codes", summary="A code with which one device may join")
    async def issue(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        door.opened(request.scope)
        return JSONResponse({"code": codes.issue(now_s=clock())})

    return routes
