"""Limits of a request: a client may lower them."""

from typing import Any

import pytest

from net4moe.gateway.front.errors import Refused
from net4moe.gateway.front.limits import limits_of, shared_out
from net4moe.gateway.records import Limits

MOST = Limits(deadline_s=60.0, calls=32, price_usd=1.0)


def test_nothing_asked_is_the_gateways_own() -> None:
    """Other headers do not matter."""
    assert limits_of([(b"host", b"x"), (b"net4moe-other", b"1")], {}, MOST) == (MOST, False)


def test_headers_lower_limits() -> None:
    """Each has its own."""
    headers = [
        (b"net4moe-deadline", b"2.5"),
        (b"net4moe-max-calls", b"3"),
        (b"net4moe-max-tokens", b"1e3"),
        (b"net4moe-max-usd", b"0"),
        (b"net4moe-max-joules", b"4.5"),
        (b"net4moe-max-air-bytes", b"1000"),
        (b"net4moe-judged", b"true"),
    ]
    expected = Limits(deadline_s=2.5, calls=3, tokens=1000, price_usd=0.0, joules=4.5, air_bytes=1000)
    assert limits_of(headers, {}, MOST) == (expected, True)


def test_the_body_lowers_limits_and_wins() -> None:
    """It is what the SDK's `extra_body` sends."""
    body = {"net4moe": {"deadline_s": 3, "calls": 2, "judged": True}}
    limits, judged = limits_of([(b"net4moe-deadline", b"9")], body, MOST)
    assert (3, 2, True) == (limits.deadline_s, limits.calls, judged)


@pytest.mark.parametrize(
    ("header", "asked", "place"),
    [
        ((b"net4moe-deadline", b"soon"), {}, "net4moe-deadline"),
        ((b"net4moe-deadline", b"nan"), {}, "net4moe-deadline"),
        ((b"net4moe-deadline", b"inf"), {}, "net4moe-deadline"),
        ((b"net4moe-deadline", b"0"), {}, "net4moe-deadline"),
        ((b"net4moe-deadline", b"61"), {}, "net4moe-deadline"),
        ((b"net4moe-max-calls", b"1.5"), {}, "net4moe-max-calls"),
        ((b"", b""), {"price_usd": 2}, "net4moe.price_usd"),
        ((b"", b""), {"joules": -1}, "net4moe.joules"),
        ((b"", b""), {"calls": True}, "net4moe.calls"),
        ((b"", b""), {"calls": "3"}, "net4moe.calls"),
        ((b"", b""), {"speed": 3}, "net4moe.speed"),
        ((b"", b""), {"judged": 1}, "net4moe.judged"),
        ((b"", b""), "all", "net4moe"),
    ],
)
def test_what_is_no_limit_is_named(header: tuple[bytes, bytes], asked: Any, place: str) -> None:
    """And so is one above the gateway's."""
    with pytest.raises(Refused) as refused:
        limits_of([header], {"net4moe": asked} if asked else {}, MOST)
    assert (400, place) == (refused.value.refusal.status, refused.value.refusal.param)


def test_several_answers_share() -> None:
    """Together they keep the limits."""
    parts = shared_out(Limits(calls=5, tokens=3, price_usd=1.0), 4)
    assert (1, 1, 0.25, 60.0) == (parts.calls, parts.tokens, parts.price_usd, parts.deadline_s)
    assert shared_out(MOST, 1) is MOST
