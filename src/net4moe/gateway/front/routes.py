"""The paths that tell about the gateway: models, devices, receipts, health, numbers."""

import time
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from net4moe.gateway.fleet.roster import Device
from net4moe.gateway.front.door import Door
from net4moe.gateway.front.errors import Refusal, Refused
from net4moe.gateway.front.metrics import CONTENT_TYPE
from net4moe.gateway.front.models import MIXTURE, names, resolved
from net4moe.gateway.front.services import Services

__all__ = ["router"]


def router(services: Services) -> APIRouter:
    """Make the routes of one gateway."""
    routes = APIRouter()
    _add_models(routes, services)
    _add_receipts(routes, services)
    _add_health(routes, services)
    return routes


def _add_models(routes: APIRouter, services: Services) -> None:
    keyed = [Depends(_keyed(services))]
    created = int(time.time())

    def entry(name: str, owner: str) -> dict[str, Any]:
        return {"id": name, "object": "model", "created": created, "owned_by": owner}

    @routes.get("/v1/models", dependencies=keyed, summary="Models that a request may name")
    async def models() -> Response:  # pyright: ignore[reportUnusedFunction]
        listed = [entry(*named) for named in names(services.roster)]
        return JSONResponse({"object": "list", "data": listed})

    @routes.get("/v1/models/{model:path}", dependencies=keyed, summary="One of them")
    async def model(model: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        resolved(services.roster, model)
        owners = dict(names(services.roster))
        return JSONResponse(entry(model, owners.get(model, MIXTURE)))

    @routes.get("/v1/fleet", dependencies=keyed, summary="Devices, their state and what they offer")
    async def fleet() -> Response:  # pyright: ignore[reportUnusedFunction]
        now_s = services.clock()
        return JSONResponse({"devices": [_told(device, now_s) for device in services.roster.devices]})


def _add_receipts(routes: APIRouter, services: Services) -> None:
    keyed = [Depends(_keyed(services))]

    @routes.get("/v1/receipts", dependencies=keyed, summary="The newest receipts")
    async def receipts(limit: Annotated[int, Query(ge=1, le=500)] = 20) -> Response:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"receipts": [dict(one) for one in services.receipts.latest(limit)]})

    @routes.get("/v1/receipts/{request_id}", dependencies=keyed, summary="What became of a request")
    async def receipt(request_id: str) -> Response:  # pyright: ignore[reportUnusedFunction]
        found = services.receipts.get(request_id)
        if found is None:
            message = "There is no receipt of that id; only the mixture's requests have one, and old ones go."
            raise Refused(Refusal(status=404, message=message, code="receipt_not_found"))
        return JSONResponse(dict(found))


def _add_health(routes: APIRouter, services: Services) -> None:
    door = Door(services.keys)

    @routes.get("/healthz", summary="Whether the process answers")
    async def healthz() -> Response:  # pyright: ignore[reportUnusedFunction]
        return JSONResponse({"status": "ok"})

    @routes.get("/readyz", summary="Whether requests can be answered")
    async def readyz(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        if getattr(request.app.state, "draining", False):
            return JSONResponse({"status": "draining"}, status_code=503)
        usable = services.roster.usable(now_s=services.clock())
        if not usable:
            return JSONResponse({"status": "no device"}, status_code=503, headers={"retry-after": "2"})
        return JSONResponse({"status": "ready", "devices": len(usable)})

    @routes.get("/metrics", summary="Numbers for Prometheus")
    async def metrics(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction]
        door.opened_for_metrics(cast("Any", request.scope))
        return Response(services.metrics.text(), media_type=CONTENT_TYPE)


def _keyed(services: Services) -> Any:
    door = Door(services.keys)

    async def keyed(request: Request) -> str:
        return door.opened(request.scope)

    return keyed


def _told(device: Device, now_s: float) -> dict[str, Any]:
    telemetry = device.telemetry
    return {
        "name": device.name,
        "kind": device.kind,
        "local": device.local,
        "state": device.state(now_s),
        "wanted": device.wanted,
        "heard_s_ago": round(now_s - device.heard_s, 3) if device.kind == "agent" else None,
        "slots": device.num_slots,
        "places": device.num_places(now_s),
        "in_flight": device.num_in_flight,
        "waiting": device.num_waiting,
        "breaker": device.breaker.state(now_s),
        "experts": [{"name": one.name, "field": one.field, "model": one.model} for one in device.experts],
        "models": list(device.models),
        "speed": telemetry.speed.model_dump() if telemetry else None,
        "link": telemetry.link.model_dump() if telemetry else None,
        "power": telemetry.power.model_dump() if telemetry else None,
        "first_text_p95_s": device.meter.first_text_quantile_s(0.95),
    }
