"""Where devices join, beat and leave.

    POST /edge/join       with a code, or signed with the key of an earlier joining
    POST /edge/heartbeat  signed; Telemetry in, Heard out
    POST /edge/probe      signed; so many bytes in, an empty answer: the device measures its link
    POST /edge/leave      signed

A device's address is where its message came from, with the port that it names: no URL is ever taken from the
wire. All answers to signed messages are signed, with the gateway's time in them.
"""

import asyncio
import json
import math
import secrets
import time
from collections.abc import Callable
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from net4moe.edge import pairing, signing
from net4moe.edge.clock import steady_unix_s
from net4moe.edge.pairing import CodeBook
from net4moe.edge.signing import ClockRefused, Verifier
from net4moe.edge.wire import Heard, Join, Joined, Leave, Telemetry
from net4moe.errors import JoinRefused, NoDevice
from net4moe.gateway.fleet.device_store import DeviceStore, Known
from net4moe.gateway.fleet.roster import Device, Roster

__all__ = ["Reception", "router"]

_LARGEST_BODY = 512 * 1024
_BODY_S = 10.0
_LONGEST_NAME = 63
_LEASES_PER_HEARTBEAT = 6


def router(
    roster: Roster,
    codes: CodeBook,
    *,
    store: DeviceStore | None = None,
    heartbeat_s: float = 2.0,
    clock: Callable[[], float] = time.monotonic,
    wall_clock: Callable[[], float] = steady_unix_s,
) -> APIRouter:
    """Make the routes under /edge.

    Args:
      roster: gets the devices.
      codes: the codes that are open.
      store: remembers devices over a restart; None to remember them as long as this process lives.
      heartbeat_s: what devices are told, seconds between heartbeats.
      clock: monotonic seconds, those of the roster.
      wall_clock: seconds since 1970; all devices go by it, and calls to them are signed with it.
    """
    reception = Reception(
        roster, codes, store or DeviceStore(None), heartbeat_s=heartbeat_s, clock=clock, wall_clock=wall_clock
    )
    made = APIRouter()
    for name in ("join", "heartbeat", "probe", "leave"):
        made.add_api_route(
            f"/edge/{name}", _endpoint(reception, name), methods=["POST"], include_in_schema=False
        )
    return made


Message = Literal["join", "heartbeat", "probe", "leave"]


class _Refused(JoinRefused):
    """A signed message that is refused, with a word that the device's program understands."""

    def __init__(self, message: str, *, code: str, device_id: str) -> None:
        self.code = code
        super().__init__(message, device_id=device_id)


class Reception:
    """Takes devices in and hears them; bytes in, status and bytes out.

    Args:
      roster: gets the devices.
      codes: the codes that are open.
      store: remembers devices.
      heartbeat_s: seconds between heartbeats.
      clock: monotonic seconds.
      wall_clock: seconds since 1970.
    """

    def __init__(
        self,
        roster: Roster,
        codes: CodeBook,
        store: DeviceStore,
        *,
        heartbeat_s: float = 2.0,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = steady_unix_s,
    ) -> None:
        self._roster = roster
        self._codes = codes
        self._store = store
        self._heartbeat_s = heartbeat_s
        self._clock = clock
        self._wall_clock = wall_clock
        self._verifier = Verifier(store.key_of, since_unix_s=wall_clock())

    def join_with_code(self, body: bytes, address: str) -> tuple[int, bytes]:
        """Take in a device that proves a code."""
        try:
            join = Join.model_validate_json(body)
            secret = self._codes.redeem(join, address, now_s=self._clock())
        except ValidationError:
            return 400, _error("this is not a request to join that is understood here.", "malformed")
        except JoinRefused as error:
            return 401, _error(str(error), "refused")
        nonce = secrets.token_hex(16)
        known = Known(
            name=self._free_name(join.device),
            key=pairing.device_key(secret, join.nonce, nonce),
            epoch=1,
            address=address,
            port=join.port,
            secure=join.secure,
            fingerprint=join.fingerprint,
        )
        self._store.keep(known)
        self._enlist(known)
        return 200, self._joined(known, secret, join, nonce)

    def signed(self, message: Message, headers: Any, body: bytes, address: str) -> tuple[int, bytes, str]:
        """Take a signed message.

        Returns:
          Status, content and signature of the answer; the signature is empty where the caller is not known.
        """
        device = ""
        try:
            device = self._verifier.verify(headers, "POST", f"/edge/{message}", body, self._wall_clock())
            status, content = 200, self._answer(message, device, body, address)
        except ClockRefused as error:
            device = error.device_id or ""
            status, content = 401, self._refusal(str(error), "clock")
        except _Refused as error:
            status, content = 409, self._refusal(str(error), error.code)
        except JoinRefused as error:
            device = error.device_id or ""
            status, content = 401, self._refusal(str(error), "refused")
        except ValidationError as error:
            msg = f"the message is not understood here: {error.errors()[0]['msg']}."
            status, content = 400, self._refusal(msg, "malformed")
        key = self._store.key_of(device)
        if key is None:
            return status, content, ""
        nonce = headers.get(signing.NONCE_HEADER, "")
        return status, content, signing.answer_signature(key, nonce=nonce, status=status, body=content)

    def _answer(self, message: Message, device: str, body: bytes, address: str) -> bytes:
        known = self._store.known(device)
        assert known is not None, "its key was found a moment ago"
        match message:
            case "join":
                return self._rejoin(known, Join.model_validate_json(body), address)
            case "heartbeat":
                return self._heard(known, Telemetry.model_validate_json(body), address)
            case "leave":
                leaving = Leave.model_validate_json(body)
                if (leaving.device, leaving.epoch) == (known.name, known.epoch):
                    self._strike_off(known.name)
                return b"{}"
            case "probe":
                return b"{}"

    def _rejoin(self, known: Known, join: Join, address: str) -> bytes:
        if join.device != known.name or join.proof != pairing.join_proof(known.key, join):
            msg = "the message is not of the device that signed it."
            raise _Refused(msg, code="refused", device_id=known.name)
        renewed = known.joined_again(
            address=address, port=join.port, secure=join.secure, fingerprint=join.fingerprint
        )
        self._store.keep(renewed)
        self._enlist(renewed)
        return self._joined(renewed, known.key, join, secrets.token_hex(16))

    def _heard(self, known: Known, telemetry: Telemetry, address: str) -> bytes:
        if telemetry.device != known.name or telemetry.epoch < known.epoch:
            msg = f"another program has joined as '{known.name}' since; give this one a name of its own."
            raise _Refused(msg, code="superseded", device_id=known.name)
        wanted: Literal["stay", "drain", "rejoin"] = "rejoin"
        if telemetry.epoch == known.epoch and address == known.address:
            wanted = self._beat(known, telemetry)
        heard = Heard(sequence=telemetry.sequence, time_unix_s=self._wall_clock(), wanted=wanted)
        return heard.model_dump_json().encode()

    def _beat(self, known: Known, telemetry: Telemetry) -> Literal["stay", "drain"]:
        try:
            return self._roster.heard(telemetry, now_s=self._clock()).wanted
        except NoDevice:  # the gateway was started anew
            self._enlist(known)
            return self._roster.heard(telemetry, now_s=self._clock()).wanted

    def _enlist(self, known: Known) -> None:
        """Put a device on the roster; what was measured of it before stays with it."""
        fresh = Device(
            name=known.name,
            base_url=known.base_url,
            kind="agent",
            key=known.key,
            fingerprint=known.fingerprint,
            local=known.is_local,
            lease_s=self._heartbeat_s * _LEASES_PER_HEARTBEAT,
            epoch=known.epoch,
        )
        try:
            before = self._roster.device(known.name)
        except NoDevice:
            pass
        else:
            fresh.breaker, fresh.meter, fresh.wanted = before.breaker, before.meter, before.wanted
        self._roster.add(fresh, now_s=self._clock())

    def _strike_off(self, name: str) -> None:
        try:
            self._roster.remove(name)
        except NoDevice:
            return

    def _free_name(self, wanted: str) -> str:
        """Give the name that is wanted, with a number where another device has it."""
        taken = {*self._store.names, *(device.name for device in self._roster.devices)}
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted[: _LONGEST_NAME - 1 - len(str(number))]}-{number}"
        return name

    def _joined(self, known: Known, secret: Any, join: Join, nonce: str) -> bytes:
        unproved = Joined(
            device=known.name,
            epoch=known.epoch,
            nonce=nonce,
            time_unix_s=self._wall_clock(),
            heartbeat_s=self._heartbeat_s,
            proof="0" * 64,
        )
        proof = pairing.joined_proof(secret, unproved, join.nonce)
        return unproved.model_copy(update={"proof": proof}).model_dump_json().encode()

    def _refusal(self, message: str, code: str) -> bytes:
        return _error(message, code, time_unix_s=self._wall_clock())


def _endpoint(reception: Reception, message: Message) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        address = request.client.host if request.client else ""
        try:
            body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return _response(408, _error(f"the body took over {_BODY_S:g} s.", "late"))
        if body is None:
            return _response(413, _error(f"the body is larger than {_LARGEST_BODY} bytes.", "too_large"))
        if message == "join" and signing.SIGNATURE_HEADER not in request.headers:
            return _response(*reception.join_with_code(body, address))
        return _response(*reception.signed(message, request.headers, body, address))

    return endpoint


def _response(status: int, content: bytes, signature: str = "") -> Response:
    headers = {signing.SIGNATURE_HEADER: signature} if signature else None
    return Response(content, status, headers=headers, media_type="application/json")


def _error(message: str, code: str, *, time_unix_s: float = math.nan) -> bytes:
    kind = "authentication_error" if code in ("refused", "clock", "superseded") else "invalid_request_error"
    told: dict[str, Any] = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    if math.isfinite(time_unix_s):
        told["time_unix_s"] = time_unix_s
    return json.dumps(told).encode()


async def _body(request: Request) -> bytes | None:
    """Read the body; None where it is too large."""
    body = bytearray()
    async with asyncio.timeout(_BODY_S):
        async for piece in request.stream():
            body += piece
            if len(body) > _LARGEST_BODY:
                return None
    return bytes(body)
