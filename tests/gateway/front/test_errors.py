"""Every error of ours has a status and the OpenAI form."""

import json

import pytest

from net4moe import errors
from net4moe.gateway.front.errors import refusal_of

CASES = [
    (errors.BudgetExceeded("x"), 400, "budget_exceeded"),
    (errors.CostLimitReached("x"), 400, "budget_exceeded"),
    (errors.DeadlinePassed("x"), 504, "deadline_passed"),
    (errors.Overloaded("x", retry_after_s=2.2), 503, "overloaded"),
    (errors.DeviceBusy("x", retry_after_s=0.1), 429, "device_busy"),
    (errors.NoDevice("x"), 503, "no_device"),
    (errors.DeviceUnreachable("x"), 502, "device_unreachable"),
    (errors.JoinRefused("x"), 401, "join_refused"),
    (errors.ChatRateLimited("x", retry_after_s=3.0), 429, "model_busy"),
    (errors.ChatTimeout("x"), 504, "model_late"),
    (errors.ChatUnavailable("x"), 502, "model_unavailable"),
    (errors.ChatRejected("x", status=422), 422, "model_rejected"),
    (errors.ChatRejected("x"), 400, "model_rejected"),
    (errors.ChatRejected("x", status=401), 502, "model_rejected"),
    (errors.DecompositionError("x"), 502, "bad_reply"),
    (errors.LedgerError("/secret/path"), 500, "internal_error"),
]


@pytest.mark.parametrize(("error", "status", "code"), CASES, ids=lambda value: str(value)[:30])
def test_each_error_has_its_status(error: errors.Net4MoEError, status: int, code: str) -> None:
    """And says the same in the body."""
    refusal = refusal_of(error)
    assert (status, code) == (refusal.status, refusal.code)
    body = json.loads(refusal.body)["error"]
    assert set(body) == {"message", "type", "param", "code"}


def test_what_happens_inside_stays_inside() -> None:
    """No path of the gateway's own files is told."""
    assert b"secret" not in refusal_of(errors.LedgerError("/secret/path")).body


def test_when_to_try_again_is_told_in_whole_seconds() -> None:
    """And where a second try is in vain, the SDK is told not to make it."""
    assert (b"retry-after", b"3") in refusal_of(errors.Overloaded("x", retry_after_s=2.2)).headers
    assert (b"retry-after", b"1") in refusal_of(errors.DeviceBusy("x", retry_after_s=0.1)).headers
    assert (b"retry-after", b"2") in refusal_of(errors.NoDevice("x")).headers
    assert (b"x-should-retry", b"false") in refusal_of(errors.DeadlinePassed("x")).headers
