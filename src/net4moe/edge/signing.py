"""Signed calls between a gateway and its devices, in both directions.

Four headers go with a call:

    net4moe-device       whose key signs
    net4moe-time         the gateway's clock, seconds since 1970
    net4moe-nonce        random, never used twice
    net4moe-signature    HMAC-SHA-256 over method, path, SHA-256 of the body, time, nonce, device

A call is good within a window of +-60 s around the reader's clock, once. The reader remembers nonces for as
long as their time is inside the window; where it would have to remember too many it forgets the oldest and
refuses everything as old as them. An answer to a device carries the signature alone, over the nonce of the call,
the status and the body, so that nobody else can tell a device what time it is. Nothing here reads a clock.
"""

import hashlib
import heapq
import hmac
import re
import secrets
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from net4moe.errors import JoinRefused

__all__ = [
    "DEVICE_HEADER",
    "NONCE_HEADER",
    "SIGNATURE_HEADER",
    "TIME_HEADER",
    "ClockRefused",
    "Verifier",
    "answer_signature",
    "is_answer_genuine",
    "signed_headers",
]

DEVICE_HEADER = "net4moe-device"
TIME_HEADER = "net4moe-time"
NONCE_HEADER = "net4moe-nonce"
SIGNATURE_HEADER = "net4moe-signature"

_TIME = re.compile(r"\d{1,12}(\.\d{1,6})?", re.ASCII)
_NONCE = re.compile(r"[0-9a-f]{16,64}", re.ASCII)
_NOT_SIGNED = "the call is not signed by a device that is known here"


class ClockRefused(JoinRefused):
    """The signature is right, but the signer's clock is not; it may be told the right time.

    Attributes:
      offset_s: what the signer's clock shows too much, seconds.
    """

    def __init__(self, message: str, *, device_id: str, offset_s: float) -> None:
        """Keep how far the clock is off."""
        self.offset_s = offset_s
        super().__init__(message, device_id=device_id)


def signed_headers(
    key: SecretStr,
    *,
    device: str,
    method: str,
    path: str,
    body: bytes,
    now_unix_s: float,
    nonce: str | None = None,
) -> dict[str, str]:
    """Sign a call.

    Args:
      key: the device's key, which only it and the gateway have.
      device: the device's name, whichever of the two calls.
      method: `POST` and the like.
      path: the target as it is sent, with its query where it has one.
      body: the bytes that are sent.
      now_unix_s: the gateway's clock, seconds since 1970.
      nonce: for tests; random otherwise.
    """
    nonce = nonce or secrets.token_hex(16)
    time = f"{now_unix_s:.3f}"
    return {
        DEVICE_HEADER: device,
        TIME_HEADER: time,
        NONCE_HEADER: nonce,
        SIGNATURE_HEADER: _signature(key, method, path, body, time, nonce, device),
    }


def answer_signature(key: SecretStr, *, nonce: str, status: int, body: bytes) -> str:
    """Sign the answer to a call with this nonce."""
    return _mac(key, f"answer\n{nonce}\n{status}\n{hashlib.sha256(body).hexdigest()}")


def is_answer_genuine(key: SecretStr, signature: str, *, nonce: str, status: int, body: bytes) -> bool:
    """Tell whether an answer comes from who has the key and answers this very call."""
    return _same(answer_signature(key, nonce=nonce, status=status, body=body), signature)


class Verifier:
    """Checks signed calls and remembers them, so that none counts twice.

    Args:
      key_of: finds the key of a device; None for one that is not known.
      window_s: how far the signer's clock may be off, seconds.
      since_unix_s: nothing that was signed before is accepted; a process that has just started remembers
        no nonce, and gives its starting time.
      max_nonces: nonces that are remembered at most.
    """

    def __init__(
        self,
        key_of: Callable[[str], SecretStr | None],
        window_s: float = 60.0,
        *,
        since_unix_s: float = 0.0,
        max_nonces: int = 1 << 18,
    ) -> None:
        self._key_of = key_of
        self._window_s = window_s
        self._since_s = since_unix_s
        self._max_nonces = max_nonces
        self._seen: set[str] = set()
        self._by_time: list[tuple[float, str]] = []

    def verify(
        self, headers: Mapping[str, str], method: str, path: str, body: bytes, now_unix_s: float
    ) -> str:
        """Check a call.

        Args:
          headers: of the call, their names in lower case or in a mapping that does not care.
          method: of the call.
          path: the target as it came, with its query where it has one.
          body: the bytes that came.
          now_unix_s: the gateway's clock, seconds since 1970.

        Returns:
          The device whose key signed it.

        Raises:
          ClockRefused: the signature is right, the time is outside the window.
          JoinRefused: there is no signature, it is wrong, or the call came before.
        """
        device, time = headers.get(DEVICE_HEADER, ""), headers.get(TIME_HEADER, "")
        nonce, signature = headers.get(NONCE_HEADER, ""), headers.get(SIGNATURE_HEADER, "")
        if not signature:
            msg = "the call is not signed; only the gateway and its devices may call here."
            raise JoinRefused(msg)
        key = self._key_of(device)
        expected = _signature(key or _NO_KEY, method, path, body, time, nonce, device)
        well_formed = _TIME.fullmatch(time) and _NONCE.fullmatch(nonce)
        if not _same(expected, signature) or key is None or not well_formed:
            msg = f"{_NOT_SIGNED}."
            raise JoinRefused(msg)
        self._check_time(float(time), device, now_unix_s)
        self._remember(float(time), f"{nonce} {device}", device, now_unix_s)
        return device

    def _check_time(self, time_s: float, device: str, now_unix_s: float) -> None:
        offset_s = time_s - now_unix_s
        if abs(offset_s) > self._window_s:
            way = "ahead" if offset_s > 0 else "behind"
            msg = (
                f"the signer's clock is off by {abs(offset_s):.0f} s ({way}); "
                f"{self._window_s:.0f} s are allowed."
            )
            raise ClockRefused(msg, device_id=device, offset_s=offset_s)
        if time_s < self._since_s:
            msg = "the call was signed before this program can tell whether it came before; sign it anew."
            raise ClockRefused(msg, device_id=device, offset_s=offset_s)

    def _remember(self, time_s: float, call: str, device: str, now_unix_s: float) -> None:
        if call in self._seen:
            msg = "the call came before (its nonce is used); sign every call anew."
            raise JoinRefused(msg, device_id=device)
        while self._by_time and self._by_time[0][0] < now_unix_s - 2 * self._window_s:
            self._seen.discard(heapq.heappop(self._by_time)[1])
        while len(self._by_time) >= self._max_nonces:
            oldest_s, oldest = heapq.heappop(self._by_time)
            self._seen.discard(oldest)
            self._since_s = max(self._since_s, oldest_s + 0.001)  # times have three digits
        self._seen.add(call)
        heapq.heappush(self._by_time, (time_s, call))


_NO_KEY = SecretStr(secrets.token_hex(32))
"""Takes the place of a key that is not there, so that both cases take the same time."""


def _signature(
    key: SecretStr, method: str, path: str, body: bytes, time: str, nonce: str, device: str
) -> str:
    digest = hashlib.sha256(body).hexdigest()
    return _mac(key, f"{method}\n{path}\n{digest}\n{time}\n{nonce}\n{device}")


def _mac(key: SecretStr, text: str) -> str:
    secret, message = key.get_secret_value().encode(), text.encode("utf-8", "surrogateescape")
    return hmac.digest(secret, message, "sha256").hex()


def _same(expected: str, given: str) -> bool:
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "surrogateescape"))
