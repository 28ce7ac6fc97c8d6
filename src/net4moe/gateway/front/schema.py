"""What /openapi.json says of the paths that the framework does not handle."""

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from net4moe.gateway.front.limits import HEADERS

__all__ = ["described"]

_PATHS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "/v1/chat/completions": (
        "Answer a chat: the mixture, one expert or one device's model",
        ("model", "messages"),
    ),
    "/v1/completions": ("Continue a text, by an expert's or a device's model", ("model", "prompt")),
    "/v1/embeddings": ("Embed texts, by an expert's or a device's model", ("model", "input")),
    "/v1/route": ("Say how the mixture would split and place a prompt, and write nothing", ("prompt",)),
}
_STATUSES: Final = {
    "200": "The answer, or a stream of events where `stream` is true.",
    "400": "The request is wrong; `param` names the field.",
    "401": "No key, or a wrong one.",
    "404": "There is no such model.",
    "413": "The body is too large.",
    "429": "The devices are busy; see `retry-after`.",
    "502": "The devices failed.",
    "503": "No device can be reached, or the gateway is full; see `retry-after`.",
    "504": "The deadline passed.",
}


def described(app: FastAPI) -> dict[str, Any]:
    """Write the description of all paths."""
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for path, (summary, required) in _PATHS.items():
        schema["paths"][path] = {"post": _operation(summary, required)}
    schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes["key"] = {"type": "http", "scheme": "bearer"}
    schema["security"] = [{"key": []}]
    return schema


def _operation(summary: str, required: tuple[str, ...]) -> dict[str, Any]:
    limit: dict[str, Any] = {"in": "header", "required": False, "schema": {"type": "number"}}
    body = {"type": "object", "required": list(required), "additionalProperties": True}
    return {
        "summary": summary,
        "parameters": [{"name": name.decode(), **limit} for name in HEADERS],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {status: {"description": text} for status, text in _STATUSES.items()},
    }
