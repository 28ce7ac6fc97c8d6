"""Bodies: bounded, parsed once, renamed in place."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.gateway.front.body import ClientLeft, parsed, read_body, with_model
from net4moe.gateway.front.errors import Refused


def read(parts: list[bytes], *, limit: int = 10, length: bytes = b"", leaves: bool = False) -> bytes:
    """Read a body that comes in parts."""
    events: list[dict[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": number < len(parts) - 1 or leaves}
        for number, part in enumerate(parts)
    ]
    if leaves:
        events.append({"type": "http.disconnect"})
    coming = iter(events)

    async def receive() -> dict[str, Any]:
        return next(coming)

    headers = [(b"content-length", length)] if length else []
    return asyncio.run(read_body({"type": "http", "headers": headers}, receive, limit=limit))


def test_parts_are_joined() -> None:
    """One part or several."""
    assert read([b"abc"]) == b"abc"
    assert read([b"abc", b"", b"def"]) == b"abcdef"


@pytest.mark.parametrize(
    ("parts", "length"),
    [([b"0123456789x"], b""), ([b"01234", b"567890"], b""), ([b"x"], b"11"), ([b"0123456789x"], b"1")],
    ids=["whole", "chunked", "announced", "announced less"],
)
def test_too_large_is_413(parts: list[bytes], length: bytes) -> None:
    """Whatever was announced."""
    with pytest.raises(Refused) as refused:
        read(parts, length=length)
    assert refused.value.refusal.status == 413


def test_the_client_may_leave() -> None:
    """Before the body is whole."""
    with pytest.raises(ClientLeft):
        read([b"abc"], leaves=True)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b'{"a": "\xff"}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 5_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b"[]",
        b'"text"',
        b'{"a": 1} more',
    ],
    ids=lambda body: str(body[:20]),
)
def test_what_is_no_object_is_400(body: bytes) -> None:
    """And never a fault."""
    with pytest.raises(Refused) as refused:
        parsed(body)
    assert refused.value.refusal.status == 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text() | st.just("model"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("model"), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text() | st.sampled_from(["net4moe", "messages"]), json_values, max_size=4),
    st.text(min_size=1),
    st.booleans(),
    st.booleans(),
)
def test_only_the_model_changes(fields: dict[str, Any], model: str, ascii_only: bool, first: bool) -> None:
    """However the body is written, and whatever else is called `model` in it."""
    whole = ({"model": ""} if first else {}) | fields | {"model": "old"}
    body = json.dumps(whole, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    try:
        read_fields = parsed(body)
    except Refused:
        return
    renamed = parsed(with_model(body, read_fields, model))
    expected = {name: value for name, value in read_fields.items() if name != "net4moe"} | {"model": model}
    assert expected == renamed


def test_a_key_in_disguise_is_found() -> None:
    """`model` written with an escape is still the one that counts."""
    body = b'{"mod\\u0065l": "old", "inner": {"model": "kept"}}'
    assert parsed(with_model(body, parsed(body), "new")) == {"inner": {"model": "kept"}, "model": "new"}


def test_all_else_stays_byte_for_byte() -> None:
    """Blanks, order and numbers too."""
    body = b'{ "temperature":1.0,  "model" : "a/b", "x": 1e2 }'
    assert with_model(body, parsed(body), "b") == b'{ "temperature":1.0,  "model":"b", "x": 1e2 }'


def test_a_number_that_json_cannot_hold_is_400() -> None:
    """Where the body has to be written anew."""
    body = b'{"model": "a", "net4moe": {}, "x": 1e999}'
    with pytest.raises(Refused):
        with_model(body, parsed(body), "b")
