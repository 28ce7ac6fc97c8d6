"""Joining by a short code that is never sent.

Both sides stretch the code with scrypt, which makes trying all codes against a recorded message hopeless. The
device shows with an HMAC over its request that it knows the code; the gateway shows the same over its answer; both
compute the device's key from the code and the two nonces, so that the key is not sent either:

    secret = scrypt(code)        proof = HMAC(secret, message)        key = HMAC(secret, both nonces)

A code is good once, for ten minutes. Where it is refused, the text is the same whatever is wrong.
"""

import hashlib
import hmac
import secrets
from collections import deque
from dataclasses import dataclass

from pydantic import SecretStr

from net4moe.edge.wire import Join, Joined
from net4moe.errors import ConfigError, JoinRefused

__all__ = [
    "REFUSED",
    "CodeBook",
    "device_key",
    "join_proof",
    "joined_proof",
    "new_code",
    "new_token",
    "stretched",
]

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # 32 characters; no 0 or O, no 1 or I
_CODE_LENGTH = 8  # 40 bits
_SALT = b"net4moe join 1"
_ADDRESSES = 4_096

REFUSED = (
    "the code is wrong, used or expired, or there were too many tries; "
    "ask the gateway for a new one and try again in a minute."
)
"""What everybody reads who may not join."""


def new_code() -> str:
    """Make a code that people can read out and type: 40 random bits, as `K7QP-2MXR`."""
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_CODE_LENGTH))
    return f"{drawn[:4]}-{drawn[4:]}"


def new_token() -> str:
    """Make a code that programs hand on: 160 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(32))


def stretched(code: str) -> SecretStr:
    """Turn a code into the secret that proofs and keys are made with; takes some 50 ms on purpose.

    Raises:
      ConfigError: the code has characters that no code has, or too few.
    """
    plain = "".join(character for character in code.upper() if character not in "- \t")
    if len(plain) < _CODE_LENGTH or not set(plain) <= set(_ALPHABET):
        msg = "a code looks like K7QP-2MXR: eight letters and digits, without 0, O, 1 and I."
        raise ConfigError(msg)
    secret = hashlib.scrypt(plain.encode(), salt=_SALT, n=1 << 14, r=8, p=1, dklen=32)
    return SecretStr(secret.hex())


def join_proof(secret: SecretStr, join: Join) -> str:
    """Prove with a device's request that it knows the secret; the `proof` of the request does not count."""
    return _mac(
        secret, "join", join.version, join.device, join.port, join.secure, join.fingerprint, join.nonce
    )


def joined_proof(secret: SecretStr, joined: Joined, nonce_device: str) -> str:
    """Prove with the gateway's answer that it knows the secret; the `proof` of the answer does not count."""
    time, heartbeat = repr(joined.time_unix_s), repr(joined.heartbeat_s)
    return _mac(secret, "joined", joined.device, joined.epoch, joined.nonce, time, heartbeat, nonce_device)


def device_key(secret: SecretStr, nonce_device: str, nonce_gateway: str) -> SecretStr:
    """Compute the key that signs all later calls."""
    return SecretStr(_mac(secret, "key", nonce_device, nonce_gateway))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Code:
    secret: SecretStr
    ends_s: float
    num_left: int


class CodeBook:
    """The codes that a gateway has given out; keeps their stretched secrets, not the codes.

    Args:
      life_s: how long a code is good, seconds.
      max_wrong: wrong tries that an address has a minute.
    """

    def __init__(self, *, life_s: float = 600.0, max_wrong: int = 5) -> None:
        self._life_s = life_s
        self._max_wrong = max_wrong
        self._codes: list[_Code] = []
        self._wrong: dict[str, deque[float]] = {}

    def issue(self, *, now_s: float) -> str:
        """Make a code for one device."""
        code = new_code()
        self.accept(code, now_s=now_s)
        return code

    def accept(self, code: str, *, now_s: float, num_devices: int = 1, life_s: float | None = None) -> None:
        """Take in a code or token that was made elsewhere.

        Args:
          code: the code.
          now_s: the clock, seconds.
          num_devices: how many devices may join with it.
          life_s: how long it is good, seconds; None for as long as any.

        Raises:
          ConfigError: it does not look like a code.
        """
        ends_s = now_s + (self._life_s if life_s is None else life_s)
        self._codes.append(_Code(secret=stretched(code), ends_s=ends_s, num_left=num_devices))

    def num_open(self, *, now_s: float) -> int:
        """Count the codes that can still be used."""
        return sum(code.ends_s > now_s for code in self._codes)

    def redeem(self, join: Join, address: str, *, now_s: float) -> SecretStr:
        """Find the code that a request proves, and use it up.

        Returns:
          The stretched secret of the code.

        Raises:
          JoinRefused: no code that is open fits, or this address tried too often.
        """
        tries = self._wrong.get(address, deque())
        while tries and tries[0] <= now_s - 60.0:
            tries.popleft()
        self._codes = [code for code in self._codes if code.ends_s > now_s]
        fits = [hmac.compare_digest(join_proof(code.secret, join), join.proof) for code in self._codes]
        if len(tries) >= self._max_wrong or not any(fits):
            self._count_wrong(address, tries, now_s)
            raise JoinRefused(REFUSED)
        used = self._codes.pop(fits.index(True))
        if used.num_left > 1:
            left = _Code(secret=used.secret, ends_s=used.ends_s, num_left=used.num_left - 1)
            self._codes.append(left)
        return used.secret

    def _count_wrong(self, address: str, tries: deque[float], now_s: float) -> None:
        if len(tries) < self._max_wrong:
            tries.append(now_s)
        if address not in self._wrong and len(self._wrong) >= _ADDRESSES:
            self._wrong.pop(next(iter(self._wrong)))
        self._wrong[address] = tries


def _mac(secret: SecretStr, *parts: object) -> str:
    """Compute an HMAC over parts that hold no line break: names, numbers and hexadecimal."""
    text = "\n".join(str(part) for part in parts)
    return hmac.digest(secret.get_secret_value().encode(), text.encode(), "sha256").hex()
