"""A device from its start to its end: it serves, joins, beats, comes back, and says goodbye.

    starting -> joined -> (lost <-> regained)* -> draining -> left

It ends by `stop` (ends what it has, says goodbye) or by cancellation (at once).
"""

import asyncio
import contextlib
import functools
import ipaddress
import random
import socket
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import aiohttp
import uvicorn

from net4moe.edge import agent, certificate, identity, sensing
from net4moe.edge.beating import Conversation, Listening, NotKnown, Superseded
from net4moe.edge.clock import GatewayClock
from net4moe.edge.config import AgentConfig
from net4moe.edge.identity import Identity
from net4moe.edge.link import SimulatedLink
from net4moe.edge.signing import Verifier
from net4moe.edge.upstream import UpstreamFailed
from net4moe.edge.wire import Heard, Joined, LinkReport, Telemetry
from net4moe.errors import DeviceUnreachable, JoinRefused

__all__ = ["Agent", "Event"]

_BEATS_PER_PROBE = 30
_LOOK_S = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened to a device, for people.

    Attributes:
      kind: what.
      text: in one sentence.
    """

    kind: Literal["listening", "joined", "lost", "regained", "refused", "draining", "upstream", "left"]
    text: str


class Agent:
    """A device.

    Args:
      config: what it is.
      on_event: is told what happens.
      monotonic: seconds from some start.
      date: seconds since 1970, which may be wrong.

    Attributes:
      name: the name that the gateway gave; the wanted one before it has joined.
      port: where it listens; 0 before it does.
    """

    def __init__(
        self,
        config: AgentConfig,
        *,
        on_event: Callable[[Event], None] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        date: Callable[[], float] = time.time,
    ) -> None:
        self.name = config.name
        self.port = config.port
        self._config = config
        self._tell: Callable[[Event], object] = on_event or _hush
        self._clock = GatewayClock(monotonic, date)
        self._monotonic = monotonic
        self._stopping = asyncio.Event()
        self._identity: Identity | None = None
        self._verifier: Verifier | None = None
        self._sequence = 0
        self._wanted_drain = False
        self._has_contact = True
        self._is_local = False
        self._own_address = ""
        self.joined = asyncio.Event()

    @functools.cached_property
    def _link(self) -> SimulatedLink | None:
        rows = self._config.link_rows
        return SimulatedLink(rows, start_s=self._monotonic()) if rows else None

    def stop(self) -> None:
        """Let it end what it has, say goodbye and return from `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Serve and beat until `stop`.

        Raises:
          UpstreamFailed: the model server cannot be reached at the start.
          JoinRefused: the gateway does not take it in.
          OSError: the port is taken.
        """
        config = self._config
        made = certificate.made(config.name) if config.secure else None
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            relay = agent.Relay(session, config.upstream, num_slots=config.num_slots, link=self._link)
            await relay.look_for_models()
            with _bound(config) as listening_socket:
                self.port = listening_socket.getsockname()[1]
                server = _Server(_web(agent.app(relay, self._check), made))
                serving = asyncio.create_task(server.serve(sockets=[listening_socket]))
                try:
                    await server.is_listening.wait()
                    self._tell(Event(kind="listening", text=self._where(made is not None)))
                    fingerprint = "" if made is None else made.fingerprint
                    listening = Listening(port=self.port, secure=made is not None, fingerprint=fingerprint)
                    await self._live(session, relay, listening)
                finally:
                    server.should_exit = True
                    await serving

    async def _live(self, session: aiohttp.ClientSession, relay: agent.Relay, listening: Listening) -> None:
        gateway = Conversation(session, self._config.gateway, self._clock, monotonic=self._monotonic)
        await self._learn_own_address()
        if not await self._join(gateway, listening):
            return
        await self._beat_until_stopped(gateway, relay, listening)
        self._tell(Event(kind="draining", text=f"'{self.name}' ends what it has and takes nothing new."))
        relay.is_draining = True
        with contextlib.suppress(DeviceUnreachable, JoinRefused):
            await self._beat(gateway, relay)
        await self._empty(relay)
        with contextlib.suppress(DeviceUnreachable, JoinRefused):
            assert self._identity is not None
            await gateway.leave(self._identity)
        self._tell(Event(kind="left", text=f"'{self.name}' has left."))

    async def _empty(self, relay: agent.Relay) -> None:
        """Wait until no call is left, for as long as the settings say."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._config.drain_s):
                while relay.places.num_busy:
                    await asyncio.sleep(_LOOK_S)

    async def _join(self, gateway: Conversation, listening: Listening) -> bool:
        """Join, trying again while the gateway cannot be reached; False where `stop` came first."""
        config = self._config
        known = None if config.identity_file is None else identity.read(config.identity_file)
        while not self._stopping.is_set():
            try:
                if known is not None:
                    try:
                        self._take(*await gateway.rejoin(known, listening))
                        return True
                    except NotKnown:
                        if config.code is None:
                            raise
                        known = None
                if config.code is None:
                    msg = "this device has not joined before; give a code (`--code`) that the gateway shows."
                    raise JoinRefused(msg)
                code = config.code.get_secret_value()
                self._take(*await gateway.join(config.name, code, listening))
                return True
            except DeviceUnreachable as error:
                self._lost(str(error))
            await self._pause(gateway.heartbeat_s)
        return False

    def _take(self, known: Identity, joined: Joined) -> None:
        """Be who the gateway says, from now on."""
        self._identity = known
        self.name = known.device
        self._sequence = 0
        since_s = int(joined.time_unix_s * 1_000) / 1_000 - 0.001  # signed times have three digits
        self._verifier = Verifier(
            lambda name: known.key if name == known.device else None, since_unix_s=since_s
        )
        if self._config.identity_file is not None:
            identity.write(self._config.identity_file, known)
        self._has_contact = True
        self.joined.set()
        error_s = self._clock.date_error_s
        off = (
            f" This computer's date is off by {error_s:+.0f} s; that does no harm."
            if abs(error_s) > 60
            else ""
        )
        self._tell(Event(kind="joined", text=f"joined {self._config.gateway} as '{self.name}'.{off}"))

    async def _beat_until_stopped(
        self, gateway: Conversation, relay: agent.Relay, listening: Listening
    ) -> None:
        num_beats = 0
        while not self._stopping.is_set():
            try:
                heard = await self._beat(gateway, relay)
                if heard.wanted == "rejoin":
                    await self._rejoin(gateway, listening)
                    continue
                self._wanted_drain = heard.wanted == "drain"
                relay.is_draining = self._wanted_drain
                self._regained()
                if num_beats % _BEATS_PER_PROBE == 0:
                    await self._measure(gateway, relay)
                num_beats += 1
            except Superseded:
                raise
            except (DeviceUnreachable, JoinRefused) as error:
                self._lost(str(error))
            await self._pause(gateway.heartbeat_s)

    async def _beat(self, gateway: Conversation, relay: agent.Relay) -> Heard:
        assert self._identity is not None
        self._sequence += 1
        return await gateway.beat(self._identity, self._telemetry(gateway, relay))

    async def _rejoin(self, gateway: Conversation, listening: Listening) -> None:
        assert self._identity is not None
        await self._learn_own_address()
        self._take(*await gateway.rejoin(self._identity, listening))

    async def _measure(self, gateway: Conversation, relay: agent.Relay) -> None:
        """Look at the link's rate and the server's models again; both change slowly."""
        assert self._identity is not None
        if not self._is_local and self._link is None:
            await gateway.probe(self._identity)
        try:
            await relay.look_for_models()
        except UpstreamFailed as error:
            self._tell(Event(kind="upstream", text=str(error)))

    def _telemetry(self, gateway: Conversation, relay: agent.Relay) -> Telemetry:
        assert self._identity is not None
        config = self._config
        return Telemetry(
            device=self.name,
            epoch=self._identity.epoch,
            sequence=self._sequence,
            time_unix_s=self._clock.unix_s(),
            state="draining" if relay.is_draining else "up",
            experts=config.experts,
            models=relay.models,
            num_slots=config.num_slots,
            num_busy=relay.places.num_busy,
            num_waiting=relay.places.num_waiting,
            compute_cost_per_word=config.compute_cost_per_word,
            units_limit=config.units_limit,
            bandwidth_hz=config.bandwidth_hz,
            speed=relay.speed.report,
            link=self._link_report(gateway),
            power=sensing.power(),
        )

    def _link_report(self, gateway: Conversation) -> LinkReport:
        if self._link is not None:
            report = self._link.report(self._monotonic())
            return report.model_copy(update={"round_trip_s": gateway.link.round_trip_s})
        signal = None if self._is_local else sensing.signal_towards(self._own_address)
        return gateway.link.report(is_local=self._is_local, signal=signal)

    async def _learn_own_address(self) -> None:
        """Find which of our addresses faces the gateway; nothing is sent for that."""
        parts = urlsplit(self._config.gateway)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                parts.hostname, parts.port or 80, type=socket.SOCK_DGRAM
            )
            family, kind, _, _, address = found[0]
            with socket.socket(family, kind) as probe:
                probe.connect(address)
                self._own_address = str(probe.getsockname()[0])
            self._is_local = ipaddress.ip_address(address[0]).is_loopback
        except OSError:
            return

    def _check(self, headers: Mapping[str, str], method: str, path: str, body: bytes) -> None:
        """Let in what the gateway signed."""
        if self._config.insecure:
            return
        if self._verifier is None:
            msg = "this device has not joined a gateway yet; nobody may call it."
            raise JoinRefused(msg)
        self._verifier.verify(headers, method, path, body, self._clock.unix_s())

    def _lost(self, why: str) -> None:
        if self._has_contact:
            self._has_contact = False
            self._tell(Event(kind="lost", text=f"no contact: {why} Trying on."))

    def _regained(self) -> None:
        if not self._has_contact:
            self._has_contact = True
            self._tell(Event(kind="regained", text=f"contact with {self._config.gateway} is back."))

    async def _pause(self, seconds: float) -> None:
        """Wait between two heartbeats, a little more or less so that a fleet does not beat as one."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds * random.uniform(0.9, 1.1)):
                await self._stopping.wait()

    def _where(self, is_secure: bool) -> str:
        host = self._config.listens_on
        host = f"[{host}]" if ":" in host else host
        return f"'{self.name}' listens on {'https' if is_secure else 'http'}://{host}:{self.port}"


def _hush(_event: Event) -> None:
    """Tell nobody."""


@contextlib.contextmanager
def _bound(config: AgentConfig) -> Generator[socket.socket]:
    host = config.listens_on
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((host, config.port))
        except OSError as error:
            error.filename = f"port {config.port} of {host}"
            raise
        made.listen(256)
        yield made


def _web(app: object, made: certificate.Certificate | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # pyright: ignore[reportArgumentType] - its types name every ASGI version
        log_config=None,
        log_level="critical",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        ssl_context_factory=None if made is None else lambda config, default: made.context,
    )


class _Server(uvicorn.Server):
    """A web server that leaves signals alone and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        self.is_listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the program around it."""
        yield
