"""Finding a gateway on the local network, where both sides ask for it. A name on the network grants no trust.

A gateway tells `_net4moe._tcp` where it is, on one interface. A device that looks takes the address and still
needs the code; whoever answers without knowing it is refused by the device.
"""

import asyncio
import contextlib
import ipaddress
import re
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from zeroconf import ServiceInfo, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from net4moe.edge.wire import VERSION
from net4moe.errors import DeviceUnreachable

__all__ = ["SERVICE", "Found", "advertised", "gateways"]

SERVICE = "_net4moe._tcp.local."
"""The kind of service that a gateway is on the local network."""

_ANSWER_MS = 1_000
_CLOSE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A gateway that answered on the local network.

    Attributes:
      name: what it calls itself; anybody can call himself so.
      url: where it is, as `http://10.0.0.2:8080`.
      version: of the messages that it understands; 0 where it does not say.
    """

    name: str
    url: str
    version: int


@contextlib.asynccontextmanager
async def advertised(name: str, *, address: str, port: int) -> AsyncGenerator[None]:
    """Tell the local network of a gateway for as long as the context lasts.

    Args:
      name: what it is called.
      address: its address, which is also the one interface that it tells.
      port: its port.

    Raises:
      DeviceUnreachable: nothing can be told to many at once on this interface.
    """
    label = re.sub(r"[^A-Za-z0-9 _-]", "-", name)[:50] or "gateway"
    service = ServiceInfo(
        SERVICE,
        f"{label}.{SERVICE}",
        addresses=[ipaddress.ip_address(address).packed],
        port=port,
        properties={"version": str(VERSION)},
        server=f"net4moe-{socket.gethostname().partition('.')[0]}-{port}.local.",
    )
    async with _on(address) as zeroconf:
        try:
            async with asyncio.timeout(10.0):
                tell: Callable[..., Awaitable[Awaitable[object]]] = zeroconf.async_register_service  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
                await (await tell(service, allow_name_change=True))
        except (OSError, TimeoutError) as error:
            msg = f"this gateway cannot be told to the local network on {address}."
            raise DeviceUnreachable(msg) from error
        yield


async def gateways(*, interface: str = "0.0.0.0", seconds: float = 3.0, enough: int = 0) -> tuple[Found, ...]:
    """Look for gateways on the local network.

    Args:
      interface: the address of the one interface that is asked; the default takes the system's choice.
      seconds: how long to wait for answers.
      enough: stop at so many; 0 to wait until the time is over.

    Returns:
      Those that answered; none where the network lets nothing through to many at once.

    Raises:
      DeviceUnreachable: nothing can be asked on this interface.
    """
    names: asyncio.Queue[str] = asyncio.Queue()

    def changed(zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange) -> None:
        if state_change is ServiceStateChange.Added:
            names.put_nowait(name)

    found: dict[str, Found] = {}
    async with _on(interface) as zeroconf:
        browser = AsyncServiceBrowser(zeroconf.zeroconf, SERVICE, handlers=[changed])
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not enough or len(found) < enough:
                    name = await names.get()
                    service = AsyncServiceInfo(SERVICE, name)
                    if await service.async_request(zeroconf.zeroconf, _ANSWER_MS):
                        found |= _read(service, name)
        await browser.async_cancel()
    return tuple(found.values())


def _read(service: ServiceInfo, name: str) -> dict[str, Found]:
    addresses = service.parsed_addresses()
    if not addresses or not service.port:
        return {}
    host = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
    said = service.properties.get(b"version") or b""
    version = int(said) if said.isdigit() and len(said) < 4 else 0
    label = name.removesuffix(f".{SERVICE}")
    return {name: Found(name=label, url=f"http://{host}:{service.port}", version=version)}


@contextlib.asynccontextmanager
async def _on(interface: str) -> AsyncGenerator[AsyncZeroconf]:
    """Open one interface; closing it may not hang where the network has gone."""
    try:
        with socket.socket(
            socket.AF_INET6 if ":" in interface else socket.AF_INET, socket.SOCK_DGRAM
        ) as probe:
            probe.bind((interface, 0))  # an address that is not ours fails here, with nothing left open
        zeroconf = AsyncZeroconf(interfaces=[interface])
    except OSError as error:
        msg = f"nothing can be sent to the local network on {interface} ({error.strerror or error})."
        raise DeviceUnreachable(msg) from error
    try:
        yield zeroconf
    finally:
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(_CLOSE_S):
                await zeroconf.async_close()
