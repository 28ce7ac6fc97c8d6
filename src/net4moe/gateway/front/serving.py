"""Serve the gateway: bind with care, stop without losing what is under way."""

import asyncio
import contextlib
import gc
import signal
import socket
import threading
from collections.abc import Callable, Generator

import uvicorn
from fastapi import FastAPI

from net4moe.errors import ConfigError
from net4moe.gateway.front.door import is_loopback
from net4moe.gateway.front.keys import Keys
from net4moe.gateway.front.protocol import Patience, protocol

__all__ = ["refuse_open_door", "serve"]


def refuse_open_door(host: str, keys: Keys) -> None:
    """Refuse to listen to a network without a key.

    Raises:
      ConfigError: other computers could ask, and no key is asked for.
    """
    if is_loopback(host) or keys.insecure or keys.any:
        return
    msg = (
        f"`{host}` is open to the network and no client has a key. Make one, or say `--insecure`: "
        "whoever reaches the port may then use every device."
    )
    raise ConfigError(msg)


async def serve(
    app: FastAPI,
    *,
    keys: Keys,
    host: str = "127.0.0.1",
    port: int = 8000,
    patience: Patience | None = None,
    drain_s: float = 30.0,
    on_listening: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
    alone: bool = True,
) -> None:
    """Serve until SIGTERM or SIGINT (or `stop`), then end what is under way.

    Once told to stop it accepts nothing new, `/readyz` says 503, and what is under way may take `drain_s` more;
    then it is cancelled. A second SIGINT ends at once. Run it in uvloop where that is installed.

    Args:
      app: the gateway.
      keys: the keys of clients.
      host: address to listen at.
      port: port to listen at; 0 for any.
      patience: deadlines and bounds of connections.
      drain_s: the most seconds from the signal to the end.
      on_listening: called with the port once connections are accepted.
      stop: another way to end it.
      alone: whether the process is there for nothing else, so that its memory may be tuned for serving.

    Raises:
      ConfigError: the host is open to the network and no client has a key, or the port is taken.
    """
    refuse_open_door(host, keys)
    patience = patience or Patience()
    if alone:
        # What is there now stays: a collection that walks over all of it holds every request up.
        gc.collect()
        gc.freeze()
    listening = _bound(host, port)
    config = uvicorn.Config(
        app,
        http=protocol(patience),
        ws="none",
        lifespan="on",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        log_level="warning",
        log_config=None,
        timeout_keep_alive=int(patience.idle_s),
        timeout_graceful_shutdown=max(1, int(drain_s)),
    )
    server = _Server(config, app, on_listening)
    waiting = asyncio.create_task(_stop_when(stop, server)) if stop is not None else None
    try:
        await server.serve(sockets=[listening])
    finally:
        listening.close()
        if waiting is not None:
            waiting.cancel()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=2_048)
    except OSError as error:
        msg = f"The gateway cannot listen at {host}:{port}: {error.strerror or error}."
        raise ConfigError(msg) from error


async def _stop_when(stop: asyncio.Event, server: uvicorn.Server) -> None:
    await stop.wait()
    server.should_exit = True


class _Server(uvicorn.Server):
    """Uvicorn's server that returns after a signal instead of dying of it, so that the caller can close files."""

    def __init__(
        self, config: uvicorn.Config, app: FastAPI, on_listening: Callable[[int], None] | None
    ) -> None:
        super().__init__(config)
        self._front = app
        self._on_listening = on_listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets and self._on_listening is not None:
            self._on_listening(sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._front.state.draining = True
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        handlers = {
            number: signal.signal(number, self.handle_exit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
