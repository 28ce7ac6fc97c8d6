"""What one request may spend: the gateway's own limits, which a client may lower and never raise."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Final, cast

from net4moe.gateway.front.errors import bad_request
from net4moe.gateway.records import Limits

__all__ = ["HEADERS", "limits_of", "shared_out"]

HEADERS: Final[dict[bytes, str]] = {
    b"net4moe-deadline": "deadline_s",
    b"net4moe-max-calls": "calls",
    b"net4moe-max-tokens": "tokens",
    b"net4moe-max-usd": "price_usd",
    b"net4moe-max-joules": "joules",
    b"net4moe-max-air-bytes": "air_bytes",
}
"""Headers that lower a limit, and the limit; `net4moe-judged: true` asks for a score."""

_WHOLE: Final = ("calls", "tokens", "air_bytes")
_NAMES: Final = tuple(field.name for field in fields(Limits))


def limits_of(
    headers: Iterable[tuple[bytes, bytes]], body: Mapping[str, object], most: Limits
) -> tuple[Limits, bool]:
    """Read the limits of a request from its headers and from the object `net4moe` in its body.

    Args:
      headers: of the request, names in lower case.
      body: the request.
      most: what any request may spend.

    Returns:
      What this one may spend, and whether its answer is to be scored.

    Raises:
      Refused: 400, naming the limit that is not a number, not above zero or above the gateway's.
    """
    asked: dict[str, tuple[str, object]] = {}
    judged = False
    for header, value in headers:
        if header.startswith(b"net4moe-") and (name := HEADERS.get(header)):
            asked[name] = (header.decode(), _number(value))
        elif header == b"net4moe-judged":
            judged = value.strip().lower() in (b"1", b"true", b"yes")
    if "net4moe" in body:
        judged = _from_body(body["net4moe"], asked, judged)
    if not asked:
        return most, judged
    checked = {name: _checked(place, name, value, most) for name, (place, value) in asked.items()}
    return replace(most, **checked), judged


def shared_out(limits: Limits, num_parts: int) -> Limits:
    """Give each of several parallel answers its share, so that together they keep the limits."""
    if num_parts == 1:
        return limits
    return replace(
        limits,
        calls=max(1, limits.calls // num_parts),
        tokens=max(1, limits.tokens // num_parts),
        price_usd=limits.price_usd / num_parts,
        joules=limits.joules / num_parts,
        air_bytes=max(1, limits.air_bytes // num_parts),
    )


def _from_body(value: object, asked: dict[str, tuple[str, object]], judged: bool) -> bool:
    if not isinstance(value, dict):
        msg = "`net4moe` must be an object of limits."
        raise bad_request(msg, "net4moe")
    for name, limit in cast("Mapping[str, object]", value).items():
        if name == "judged" and isinstance(limit, bool):
            judged = limit
        elif name in _NAMES:
            asked[name] = (f"net4moe.{name}", limit)
        else:
            known = ", ".join(f"`{known}`" for known in (*_NAMES, "judged"))
            msg = f"`net4moe.{name}` is none of {known}, or of the wrong type."
            raise bad_request(msg, f"net4moe.{name}")
    return judged


def _number(text: bytes) -> object:
    try:
        return float(text)
    except ValueError:
        return None


def _checked(place: str, name: str, value: object, most: Limits) -> float:
    least = 0 if name in ("price_usd", "joules") else math.nextafter(0, 1)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
        kind = "at least 0" if least == 0 else "above 0"
        msg = f"`{place}` must be a number {kind}."
        raise bad_request(msg, place)
    if name in _WHOLE and value != int(value):
        msg = f"`{place}` must be a whole number, got {value:g}."
        raise bad_request(msg, place)
    ceiling: float = getattr(most, name)
    if value > ceiling:
        msg = f"`{place}` may be at most {ceiling:g} at this gateway, got {value:g}."
        raise bad_request(msg, place)
    return int(value) if name in _WHOLE else value
