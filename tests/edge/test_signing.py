"""Signed calls."""

import hashlib
import hmac
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from net4moe.edge.signing import (
    NONCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    ClockRefused,
    Verifier,
    answer_signature,
    is_answer_genuine,
    signed_headers,
)
from net4moe.errors import JoinRefused

KEY = SecretStr("k" * 64)
NOW_S = 1_800_000_000.0


def signed(**changes: Any) -> dict[str, str]:
    """Sign a call."""
    call: dict[str, Any] = {"device": "pi", "method": "POST", "path": "/v1/x", "body": b"{}"}
    return signed_headers(KEY, **{**call, "now_unix_s": NOW_S, **changes})


def verifier(**options: Any) -> Verifier:
    """Make a reader that knows one device."""
    return Verifier(lambda name: KEY if name == "pi" else None, **options)


def verified(reader: Verifier, headers: dict[str, str], **changes: Any) -> str:
    """Read a call."""
    call: dict[str, Any] = {"method": "POST", "path": "/v1/x", "body": b"{}", "now_unix_s": NOW_S}
    return reader.verify(headers, **{**call, **changes})


def test_the_signature_by_hand() -> None:
    """HMAC-SHA-256 over six lines."""
    headers = signed(nonce="ab" * 16)
    digest = hashlib.sha256(b"{}").hexdigest()
    text = f"POST\n/v1/x\n{digest}\n1800000000.000\n{'ab' * 16}\npi"
    expected = hmac.new(b"k" * 64, text.encode(), hashlib.sha256).hexdigest()
    assert expected == headers[SIGNATURE_HEADER]
    assert verified(verifier(), headers) == "pi"


@pytest.mark.parametrize(
    "changes", [{"method": "GET"}, {"path": "/v1/y"}, {"path": "/v1/x?a=1"}, {"body": b"{} "}]
)
def test_another_call_is_refused(changes: dict[str, Any]) -> None:
    """A signature is good for its call alone."""
    with pytest.raises(JoinRefused, match="not signed by a device that is known here"):
        verified(verifier(), signed(), **changes)


@given(st.sampled_from(sorted(signed())), st.text(max_size=80))
def test_any_other_header_is_refused(name: str, value: str) -> None:
    """Whatever stands in a header instead, nothing but a refusal comes of it."""
    headers = signed()
    if headers[name] == value:
        return
    with pytest.raises(JoinRefused):
        verified(verifier(), {**headers, name: value})


def test_the_reasons_for_a_refusal() -> None:
    """Unknown and wrong read the same; the clock's error is told only to who has the key."""
    with pytest.raises(JoinRefused, match=r"the call is not signed; only the gateway"):
        verified(verifier(), {})
    stranger = signed_headers(
        SecretStr("x"), device="pi", method="POST", path="/v1/x", body=b"{}", now_unix_s=0
    )
    with pytest.raises(JoinRefused, match="not signed by a device that is known here"):
        verified(verifier(), stranger)
    with pytest.raises(JoinRefused, match="not signed by a device that is known here"):
        verified(verifier(), signed(device="other"))
    with pytest.raises(ClockRefused, match=r"off by 61 s \(ahead\); 60 s are allowed") as refused:
        verified(verifier(), signed(now_unix_s=NOW_S + 61))
    assert refused.value.offset_s == 61
    with pytest.raises(ClockRefused, match=r"off by 3600 s \(behind\)"):
        verified(verifier(), signed(now_unix_s=NOW_S - 3_600))


@pytest.mark.parametrize("later_s", [0.0, 30.0, 59.9])
def test_a_call_counts_once(later_s: float) -> None:
    """Sent again within the window it came before; sent again later it is too old."""
    reader = verifier()
    headers = signed()
    verified(reader, headers)
    with pytest.raises(JoinRefused, match="the call came before"):
        verified(reader, headers, now_unix_s=NOW_S + later_s)
    with pytest.raises(ClockRefused):
        verified(reader, headers, now_unix_s=NOW_S + 90)


def test_a_call_from_the_future_counts_once() -> None:
    """Its nonce is kept until its time has left the window, however long that is."""
    reader = verifier()
    headers = signed(now_unix_s=NOW_S + 60)
    verified(reader, headers)
    for later_s in (60, 119):
        verified(reader, signed(now_unix_s=NOW_S + later_s), now_unix_s=NOW_S + later_s)
        with pytest.raises(JoinRefused, match="the call came before"):
            verified(reader, headers, now_unix_s=NOW_S + later_s)


def test_a_program_that_just_started_takes_nothing_older() -> None:
    """It cannot know what came before."""
    with pytest.raises(ClockRefused, match="sign it anew"):
        verified(verifier(since_unix_s=NOW_S), signed(now_unix_s=NOW_S - 1))
    assert verified(verifier(since_unix_s=NOW_S), signed()) == "pi"


def test_a_full_memory_forgets_time_not_nonces() -> None:
    """Where the oldest nonce is forgotten, everything as old is refused."""
    reader = verifier(max_nonces=2)
    first = signed(now_unix_s=NOW_S)
    verified(reader, first)
    for number in (1, 2):
        verified(reader, signed(now_unix_s=NOW_S + number))
    with pytest.raises(ClockRefused):
        verified(reader, first)
    assert verified(reader, signed(now_unix_s=NOW_S + 3)) == "pi"


def test_answers_are_signed_too() -> None:
    """An answer belongs to one call, one status and one body."""
    answer: dict[str, Any] = {"nonce": "ab", "status": 200, "body": b"{}"}
    signature = answer_signature(KEY, **answer)
    assert is_answer_genuine(KEY, signature, **answer)
    for change in ({"nonce": "cd"}, {"status": 401}, {"body": b"{ }"}):
        assert not is_answer_genuine(KEY, signature, **{**answer, **change})
    assert not is_answer_genuine(SecretStr("x"), signature, **answer)
    assert not is_answer_genuine(KEY, "", **answer)


def test_no_key_is_shown() -> None:
    """Neither by the reader nor by what it says."""
    reader = verifier()
    with pytest.raises(JoinRefused) as refused:
        verified(reader, {**signed(), NONCE_HEADER: "x", TIME_HEADER: "nan"})
    assert "kkk" not in f"{reader!r} {refused.value!r} {signed()}"
