"""How the live commands run: on uvloop where it is installed, with one thread for small matrices."""

import asyncio
import importlib.util
import os
from collections.abc import Coroutine
from typing import Any

__all__ = ["ready_to_serve", "run_live"]

_NEEDED = ("aiohttp", "cryptography", "fastapi", "prometheus_client", "psutil", "uvicorn", "zeroconf")


def run_live(main: Coroutine[Any, Any, None]) -> None:
    """Run a server until it ends."""
    if importlib.util.find_spec("uvloop") is None:
        asyncio.run(main)
        return
    import uvloop

    uvloop.run(main)


def ready_to_serve() -> None:
    """Check that what serves is installed, and tell NumPy to use one thread, before either is loaded.

    A decision's matrices are small: threads would wait for each other.

    Raises:
      ConfigError: a package is missing.
    """
    from net4moe.errors import ConfigError

    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        msg = f"this command needs {', '.join(missing)}; run `pip install 'net4moe[serve]'`."
        raise ConfigError(msg)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
