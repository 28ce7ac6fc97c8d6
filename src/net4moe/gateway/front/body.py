"""The body of a request: read up to a limit, parsed once, renamed without being written anew where possible."""

import json
import re
from collections.abc import Mapping
from typing import cast

from pydantic_core import from_json
from starlette.types import Receive, Scope

from net4moe.gateway.front.errors import Refusal, Refused, bad_request

__all__ = ["ClientLeft", "parsed", "read_body", "with_model"]

_MODEL_FIELD = re.compile(rb'"model"\s*:\s*"(?:[^"\\]|\\.)*"')


class ClientLeft(Exception):
    """The client disconnected before its request was whole."""


async def read_body(scope: Scope, receive: Receive, *, limit: int) -> bytes:
    """Read a request's body.

    Args:
      scope: of the request.
      receive: of the request.
      limit: the most bytes.

    Returns:
      The whole body.

    Raises:
      Refused: 413, as soon as it is known that the body is larger.
      ClientLeft: the client disconnected.
    """
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value) > limit:
            raise _too_large(limit)
    event = await receive()
    if event["type"] == "http.request" and not event.get("more_body", False):
        return _within(event.get("body", b""), limit)
    parts: list[bytes] = []
    num_bytes = 0
    while event["type"] == "http.request":
        parts.append(event.get("body", b""))
        num_bytes += len(parts[-1])
        if num_bytes > limit:
            raise _too_large(limit)
        if not event.get("more_body", False):
            return b"".join(parts)
        event = await receive()
    raise ClientLeft


def parsed(body: bytes) -> Mapping[str, object]:
    """Parse a body that must be a JSON object.

    Not UTF-8, half characters, `NaN`, hundreds of levels and numbers of thousands of digits are refused.

    Raises:
      Refused: 400, saying what is wrong with it.
    """
    try:
        value: object = from_json(body, allow_inf_nan=False)
    except ValueError as error:
        message = f"The body must be JSON in UTF-8: {error}."
        raise bad_request(message, code="invalid_json") from error
    if not isinstance(value, dict):
        msg = "The body must be a JSON object."
        raise bad_request(msg, code="invalid_json")
    return cast("Mapping[str, object]", value)


def with_model(body: bytes, fields: Mapping[str, object], model: str) -> bytes:
    """Put another model's name into a body.

    Where `"model"` stands in it once, only that place is changed, so that all else stays byte for byte and a long
    body is not written anew. `net4moe`, the object with the gateway's limits, is taken out.

    Args:
      body: as it came.
      fields: the same, parsed.
      model: the name that the device's server knows.

    Raises:
      Refused: 400, for a number that JSON cannot hold.
    """
    written_plainly = body.count(b'"model"') == 1 and b"\\u006" not in body
    if "net4moe" not in fields and written_plainly:
        renamed, num_places = _MODEL_FIELD.subn(lambda _: b'"model":' + _text(model), body, count=1)
        if num_places == 1:
            return renamed
    kept = {name: value for name, value in fields.items() if name != "net4moe"} | {"model": model}
    try:
        return json.dumps(kept, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as error:
        msg = "The body holds a number that is too large."
        raise bad_request(msg, code="invalid_json") from error


def _text(text: str) -> bytes:
    return json.dumps(text, ensure_ascii=False).encode()


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> Refused:
    message = f"The body may hold at most {limit:,} bytes."
    return Refused(Refusal(status=413, message=message, code="request_too_large"))
