"""How bytes get to a device and back: one pool of connections for the whole gateway.

Rules. Nothing is compressed, nothing is redirected, no proxy and no cookie is used. A connection is made
within a second or not at all. Calls to an agent are signed, calls to an endpoint carry its token. A device with
a fingerprint is spoken to only behind that very certificate. A connection that the server closed while it lay
idle is no fault of the device: the call is sent once more on a fresh one.

All that can go wrong below HTTP becomes `CallBroken` here and nowhere else.
"""

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Protocol

import aiohttp
from yarl import URL

from net4moe.edge.signing import signed_headers
from net4moe.errors import DeviceUnreachable
from net4moe.gateway.fleet.roster import Device
from net4moe.gateway.records import Outcome

__all__ = ["AiohttpTransport", "Answer", "CallBroken", "Transport"]

_CONNECT_S = 1.0
_KEEP_ALIVE_S = 4.0  # below the 5 s after which the usual servers close
_LARGEST_RETRY_AFTER_S = 300.0
_PLAIN = {"content-type": "application/json", "accept-encoding": "identity"}


class CallBroken(DeviceUnreachable):
    """A call broke off below HTTP.

    Attributes:
      outcome: how an attempt ends by it.
    """

    def __init__(self, message: str, *, outcome: Outcome, device_id: str) -> None:
        """Keep how it ends."""
        self.outcome: Outcome = outcome
        super().__init__(message, device_id=device_id)


class Answer(Protocol):
    """The head of an answer, and its body as it comes.

    Attributes:
      status: of HTTP.
      content_type: its media type without parameters, in lower case; empty where it has none.
      retry_after_s: how long it asks to wait, seconds; None where it does not.
    """

    status: int
    content_type: str
    retry_after_s: float | None

    async def read(self) -> bytes:
        """Wait for the next bytes; none at the end.

        Raises:
          CallBroken: the connection broke, or `close` was called meanwhile.
        """
        ...

    def close(self) -> None:
        """End the answer: a connection that is not read to its end is closed, and the device sees it."""
        ...


class Transport(Protocol):
    """Sends calls to devices."""

    async def post(self, device: Device, path: str, body: bytes) -> Answer:
        """Send a call and wait for the head of the answer.

        Args:
          device: where to.
          path: below the device's base URL, as `/chat/completions`.
          body: JSON.

        Raises:
          CallBroken: there is no answer.
        """
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class AiohttpTransport:
    """The transport of a real gateway; made inside a running event loop.

    Args:
      wall_clock: the gateway's clock for signatures, seconds since 1970.
      connect_s: time to make a connection, seconds.
    """

    def __init__(self, *, wall_clock: Callable[[], float] = time.time, connect_s: float = _CONNECT_S) -> None:
        self._wall_clock = wall_clock
        self._targets: dict[tuple[str, str], URL] = {}
        self._pins: dict[str, aiohttp.Fingerprint] = {}
        reused = aiohttp.TraceConfig()
        reused.on_connection_reuseconn.append(_note_reuse)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_s),
            auto_decompress=False,
            trust_env=False,
            trace_configs=[reused],
            skip_auto_headers=("user-agent", "accept"),
        )

    async def post(self, device: Device, path: str, body: bytes) -> Answer:
        """Send a call and wait for the head of the answer; see `Transport`."""
        target = self._target(device, path)
        pinned = self._pin(device.fingerprint) if device.fingerprint else True
        while True:
            connection = SimpleNamespace(reused=False)
            try:
                response = await self._session.post(
                    target,
                    data=body,
                    headers=self._headers(device, target, body),
                    allow_redirects=False,
                    ssl=pinned,
                    trace_request_ctx=connection,
                )
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if connection.reused and isinstance(error, (aiohttp.ServerDisconnectedError, OSError)):
                    continue
                raise _broken(error, device.name) from error
            answer = _AiohttpAnswer(response, device.name)
            if response.headers.get("content-encoding", "identity") != "identity":
                answer.close()
                msg = f"device '{device.name}' sent a compressed answer that was not asked for."
                raise CallBroken(msg, outcome="garbage", device_id=device.name)
            return answer

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    def _target(self, device: Device, path: str) -> URL:
        target = self._targets.get((device.base_url, path))
        if target is None:
            if len(self._targets) > 10_000:  # addresses come and go
                self._targets.clear()
            target = self._targets[device.base_url, path] = URL(device.base_url.rstrip("/") + path)
        return target

    def _pin(self, fingerprint: str) -> aiohttp.Fingerprint:
        """Give the pin of a certificate: always the same one, since connections are pooled by it."""
        pin = self._pins.get(fingerprint)
        if pin is None:
            if len(self._pins) > 10_000:  # devices come and go
                self._pins.clear()
            pin = self._pins[fingerprint] = aiohttp.Fingerprint(bytes.fromhex(fingerprint))
        return pin

    def _headers(self, device: Device, target: URL, body: bytes) -> dict[str, str]:
        if device.key is None:
            return _PLAIN
        if device.kind == "endpoint":
            return {**_PLAIN, "authorization": f"Bearer {device.key.get_secret_value()}"}
        signed = signed_headers(
            device.key,
            device=device.name,
            method="POST",
            path=target.raw_path_qs,
            body=body,
            now_unix_s=self._wall_clock(),
        )
        return {**_PLAIN, **signed}


class _AiohttpAnswer:
    """An answer of aiohttp."""

    __slots__ = ("_content", "_device", "_response", "content_type", "retry_after_s", "status")

    def __init__(self, response: aiohttp.ClientResponse, device: str) -> None:
        self._response = response
        self._content = response.content
        self._device = device
        self.status = response.status
        headers = response.headers
        self.content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        self.retry_after_s = _retry_after_s(headers.get("retry-after"))

    async def read(self) -> bytes:
        try:
            return await self._content.readany()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _broken(error, self._device, begun=True) from error

    def close(self) -> None:
        if self._content.at_eof():
            self._response.release()
        else:
            self._response.close()


async def _note_reuse(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceConnectionReuseconnParams
) -> None:
    context.trace_request_ctx.reused = True


def _broken(error: Exception, device: str, *, begun: bool = False) -> CallBroken:
    """Say how a call ended, most specific first."""
    kind = type(error).__name__
    if isinstance(error, aiohttp.ServerFingerprintMismatch):
        return CallBroken(
            f"device '{device}' shows another certificate than the one that it joined with.",
            outcome="refused",
            device_id=device,
        )
    if isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)):
        return CallBroken(
            f"device '{device}' cannot be reached ({kind}).", outcome="refused", device_id=device
        )
    if isinstance(error, (aiohttp.ClientResponseError, aiohttp.InvalidURL)):
        return CallBroken(
            f"device '{device}' does not speak HTTP ({kind}).", outcome="garbage", device_id=device
        )
    what = "its answer" if begun else "the call"
    return CallBroken(f"device '{device}' broke off {what} ({kind}).", outcome="reset", device_id=device)


def _retry_after_s(value: str | None) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return min(seconds, _LARGEST_RETRY_AFTER_S) if seconds >= 0 else None
