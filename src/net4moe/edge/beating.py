"""The device's side of its talks with the gateway: join, rejoin, heartbeats, goodbye.

Every answer must be signed as well. Where the gateway says that the clock is off, the device takes the gateway's
time from that very answer and asks once more.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
from pydantic import SecretStr, ValidationError

from net4moe.edge import pairing, signing
from net4moe.edge.clock import GatewayClock
from net4moe.edge.identity import Identity
from net4moe.edge.link import LinkMeter
from net4moe.edge.wire import Heard, Join, Joined, Leave, Telemetry
from net4moe.errors import DeviceUnreachable, JoinRefused

__all__ = ["Conversation", "Listening", "NotKnown", "Superseded"]

_TRY_S = 3.0
_PROBE_BYTES = 64 * 1024
_LONGEST_ANSWER = 65_536


class NotKnown(JoinRefused):
    """The gateway does not know the device's key; only a new code helps."""


class Superseded(JoinRefused):
    """Another program has joined with this identity since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """Where a device can be called.

    Attributes:
      port: its port.
      secure: whether with TLS.
      fingerprint: SHA-256 of its certificate, hexadecimal; empty without TLS.
    """

    port: int
    secure: bool = False
    fingerprint: str = ""


class Conversation:
    """Talks with one gateway.

    Args:
      session: for connections to the gateway; the caller closes it.
      gateway: the gateway's address, as `http://10.0.0.2:8080`.
      clock: the gateway's clock, which this sets.
      monotonic: seconds from some start.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        gateway: str,
        clock: GatewayClock,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.link = LinkMeter()
        self.heartbeat_s = 2.0
        self._session = session
        self._gateway = gateway.rstrip("/")
        self._clock = clock
        self._monotonic = monotonic

    async def join(self, name: str, code: str, listening: Listening) -> tuple[Identity, Joined]:
        """Join with a code.

        Raises:
          JoinRefused: the code does not fit.
          DeviceUnreachable: the gateway cannot be reached.
          ConfigError: the code is none.
        """
        secret = await asyncio.to_thread(pairing.stretched, code)  # takes a while on purpose
        join = _join(name, listening, secret)
        status, content, _, sent_s, came_s = await self._post("/edge/join", _body(join), {})
        if status != 200:
            raise JoinRefused(_told(content) or f"the gateway answered {status}.")
        joined = self._joined(content, secret, join, sent_s, came_s)
        key = pairing.device_key(secret, join.nonce, joined.nonce)
        identity = Identity(gateway=self._gateway, device=joined.device, epoch=joined.epoch, key=key)
        return identity, joined

    async def rejoin(self, identity: Identity, listening: Listening) -> tuple[Identity, Joined]:
        """Come back with the key of an earlier joining, from whatever address.

        Raises:
          NotKnown: the gateway has forgotten the device.
          JoinRefused: it refuses.
          DeviceUnreachable: it cannot be reached.
        """
        join = _join(identity.device, listening, identity.key)
        content, sent_s, came_s = await self._signed(identity, "/edge/join", _body(join))
        joined = self._joined(content, identity.key, join, sent_s, came_s)
        renewed = Identity(gateway=self._gateway, device=joined.device, epoch=joined.epoch, key=identity.key)
        return renewed, joined

    async def beat(self, identity: Identity, telemetry: Telemetry) -> Heard:
        """Send a heartbeat.

        Raises:
          Superseded: another program goes by this identity.
          NotKnown: the gateway has forgotten the device.
          DeviceUnreachable: the gateway cannot be reached; the beat counts as lost.
        """
        try:
            content, sent_s, came_s = await self._signed(identity, "/edge/heartbeat", _body(telemetry))
        except DeviceUnreachable:
            self.link.lost()
            raise
        try:
            heard = Heard.model_validate_json(content)
        except ValidationError as error:
            msg = "the gateway's answer to a heartbeat is of another version."
            raise DeviceUnreachable(msg) from error
        self.link.came_back(came_s - sent_s)
        self._clock.heard(heard.time_unix_s, sent_s=sent_s, came_s=came_s)
        return heard

    async def probe(self, identity: Identity) -> None:
        """Send a long message, to learn the rate of the link.

        Raises:
          JoinRefused: the gateway refuses.
          DeviceUnreachable: it cannot be reached.
        """
        _, sent_s, came_s = await self._signed(identity, "/edge/probe", secrets.token_bytes(_PROBE_BYTES))
        self.link.carried(_PROBE_BYTES, came_s - sent_s)

    async def leave(self, identity: Identity) -> None:
        """Say goodbye.

        Raises:
          JoinRefused: the gateway refuses.
          DeviceUnreachable: it cannot be reached.
        """
        await self._signed(
            identity, "/edge/leave", _body(Leave(device=identity.device, epoch=identity.epoch))
        )

    def _joined(self, content: bytes, secret: SecretStr, join: Join, sent_s: float, came_s: float) -> Joined:
        try:
            joined = Joined.model_validate_json(content)
        except ValidationError as error:
            msg = "what answers there is no gateway, or one of another version."
            raise JoinRefused(msg) from error
        if pairing.joined_proof(secret, joined, join.nonce) != joined.proof:
            msg = "what answers there does not know the code: it is not the gateway that gave it out."
            raise JoinRefused(msg)
        self._clock.heard(joined.time_unix_s, sent_s=sent_s, came_s=came_s)
        self.heartbeat_s = joined.heartbeat_s
        return joined

    async def _signed(self, identity: Identity, path: str, body: bytes) -> tuple[bytes, float, float]:
        """Send a signed call and take its signed answer, with the times of both."""
        clock_was_told = False
        while True:
            headers = signing.signed_headers(
                identity.key, device=identity.device, method="POST", path=path, body=body,
                now_unix_s=self._clock.unix_s(),
            )  # fmt: skip
            status, content, signature, sent_s, came_s = await self._post(path, body, headers)
            nonce = headers[signing.NONCE_HEADER]
            if not signing.is_answer_genuine(
                identity.key, signature, nonce=nonce, status=status, body=content
            ):
                if status == 401:
                    msg = f"the gateway at {self._gateway} does not know this device (any more)."
                    raise NotKnown(msg, device_id=identity.device)
                msg = f"what answers at {self._gateway} did not sign its answer ({status})."
                raise DeviceUnreachable(msg, device_id=identity.device)
            if status == 200:
                return content, sent_s, came_s
            refusal = cast("dict[str, Any]", json.loads(content))
            self._clock.heard(float(refusal["time_unix_s"]), sent_s=sent_s, came_s=came_s)
            code = refusal["error"]["code"]
            if code == "clock" and not clock_was_told:
                clock_was_told = True
                continue
            kind = Superseded if code == "superseded" else JoinRefused
            raise kind(_told(content), device_id=identity.device)

    async def _post(
        self, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, bytes, str, float, float]:
        """Post and read the answer: status, content, signature, when it was sent and when it came."""
        timeout = aiohttp.ClientTimeout(total=_TRY_S)
        sent_s = self._monotonic()
        try:
            async with self._session.post(
                f"{self._gateway}{path}",
                data=body,
                headers={"content-type": "application/json", **headers},
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                content = await _bounded(response)
                signature = response.headers.get(signing.SIGNATURE_HEADER, "")
                return response.status, content, signature, sent_s, self._monotonic()
        except (aiohttp.ClientError, OSError) as error:
            msg = f"the gateway at {self._gateway} cannot be reached ({type(error).__name__})."
            raise DeviceUnreachable(msg) from error


def _join(name: str, listening: Listening, secret: SecretStr) -> Join:
    unproved = Join(
        device=name,
        port=listening.port,
        secure=listening.secure,
        fingerprint=listening.fingerprint,
        nonce=secrets.token_hex(16),
        proof="0" * 64,
    )
    return unproved.model_copy(update={"proof": pairing.join_proof(secret, unproved)})


def _body(message: Join | Telemetry | Leave) -> bytes:
    return message.model_dump_json().encode()


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for piece in response.content.iter_any():
        content += piece
        if len(content) > _LONGEST_ANSWER:
            msg = "the gateway's answer is too long."
            raise DeviceUnreachable(msg)
    return bytes(content)


def _told(content: bytes) -> str:
    """Read the sentence of an error; empty where there is none."""
    try:
        return str(json.loads(content)["error"]["message"])[:300]
    except (ValueError, KeyError, TypeError):
        return ""
