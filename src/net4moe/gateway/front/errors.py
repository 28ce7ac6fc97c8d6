"""What is answered when a request cannot be: one table from errors to statuses, one OpenAI form."""

import json
import math
from dataclasses import dataclass
from typing import Final

from net4moe.errors import (
    BudgetExceeded,
    ChatError,
    ChatRateLimited,
    ChatRejected,
    ChatTimeout,
    ChatUnavailable,
    CostLimitReached,
    DeadlinePassed,
    DeviceBusy,
    DeviceUnreachable,
    JoinRefused,
    Net4MoEError,
    NoDevice,
    Overloaded,
    ReplyError,
)

__all__ = ["Refusal", "Refused", "bad_request", "refusal_of"]

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a request is not answered, in the OpenAI form.

    Attributes:
      status: HTTP status.
      message: one clear sentence for whoever asked.
      type: the family, as `invalid_request_error`.
      param: the field at fault; None where it is none.
      code: what a program can switch on; None where there is nothing to add.
      retry_after_s: seconds after which another try makes sense; None where none does.
    """

    status: int
    message: str
    type: str = "invalid_request_error"
    param: str | None = None
    code: str | None = None
    retry_after_s: float | None = None

    @property
    def body(self) -> bytes:
        """The JSON that is sent."""
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "replace")

    @property
    def headers(self) -> Headers:
        """What a client needs for its next try.

        The OpenAI SDK repeats 5xx by itself; `x-should-retry` tells it where that would be in vain.
        """
        headers: Headers = []
        if self.retry_after_s is not None:
            headers.append((b"retry-after", str(max(1, math.ceil(self.retry_after_s))).encode()))
        elif self.status >= 500:
            headers.append((b"x-should-retry", b"false"))
        if self.status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        return headers


class Refused(Exception):
    """The front refuses a request; carries what is answered."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.message)


def bad_request(message: str, param: str | None = None, code: str | None = None) -> Refused:
    """Refuse a request that is wrong in itself, naming the field."""
    return Refused(Refusal(status=400, message=message, param=param, code=code))


# The most specific first: the first that fits is taken.
_TABLE: Final[tuple[tuple[type[Net4MoEError], int, str, str], ...]] = (
    (BudgetExceeded, 400, "invalid_request_error", "budget_exceeded"),
    (CostLimitReached, 400, "invalid_request_error", "budget_exceeded"),
    (DeadlinePassed, 504, "timeout_error", "deadline_passed"),
    (Overloaded, 503, "server_error", "overloaded"),
    (DeviceBusy, 429, "rate_limit_error", "device_busy"),
    (NoDevice, 503, "server_error", "no_device"),
    (DeviceUnreachable, 502, "server_error", "device_unreachable"),
    (JoinRefused, 401, "authentication_error", "join_refused"),
    (ChatRateLimited, 429, "rate_limit_error", "model_busy"),
    (ChatTimeout, 504, "timeout_error", "model_late"),
    (ChatUnavailable, 502, "server_error", "model_unavailable"),
    (ChatRejected, 400, "invalid_request_error", "model_rejected"),
    (ReplyError, 502, "server_error", "bad_reply"),
    (ChatError, 502, "server_error", "model_failed"),
)

_TRY_AGAIN_S: Final[dict[str, float]] = {"no_device": 2.0}


def refusal_of(error: Net4MoEError) -> Refusal:
    """Put an error into the OpenAI form; what happened inside the gateway stays there."""
    for kind, status, family, code in _TABLE:
        if isinstance(error, kind):
            retry_after_s: float | None = getattr(error, "retry_after_s", None)
            return Refusal(
                status=_upstream_status(error, status),
                message=str(error),
                type=family,
                code=code,
                retry_after_s=_TRY_AGAIN_S.get(code) if retry_after_s is None else retry_after_s,
            )
    return Refusal(
        status=500,
        message="The gateway failed; its log says why.",
        type="server_error",
        code="internal_error",
    )


def _upstream_status(error: Net4MoEError, status: int) -> int:
    """A model's own 4xx goes through, but its no to the gateway's key is not the client's fault."""
    if not isinstance(error, ChatRejected) or error.status is None or not 400 <= error.status < 500:
        return status
    return 502 if error.status in (401, 403, 407) else error.status
