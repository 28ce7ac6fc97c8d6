"""Codes for devices that join, for whoever holds a client's key."""

import time
from collections.abc import Callable

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from net4moe.edge.pairing import CodeBook, new_code, new_token
from net4moe.gateway.front.door import Door
from net4moe.gateway.front.keys import Keys

__all__ = ["router"]


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="forbid")
    devices: int = Field(default=1, ge=1, le=10_000)
    life_s: float = Field(default=600.0, gt=0, le=86_400.0)


def router(keys: Keys, codes: CodeBook, *, clock: Callable[[], float] = time.monotonic) -> APIRouter:
    """Make the route that issues a code: POST /v1/codes."""
    routes = APIRouter()
    door = Door(keys)

    @routes.post("/v1/codes", summary="A code with which devices may join")
    async def issue(request: Request, wanted: _Wanted) -> Response:  # pyright: ignore[reportUnusedFunction]
        door.opened(request.scope)
        code = new_code() if wanted.devices == 1 else new_token()
        codes.accept(code, now_s=clock(), num_devices=wanted.devices, life_s=wanted.life_s)
        return JSONResponse({"code": code, "devices": wanted.devices, "life_s": wanted.life_s})

    return routes
