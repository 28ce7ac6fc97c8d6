"""The processes of the gateway benchmark: the mock, our gateway, the peer's; pinned and measured."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from gateway_load import Target

__all__ = ["MOCK", "Gateway", "Process", "gateways", "started"]

HERE = Path(__file__).parent
KEY = "nk-benchmark-key"
MOCK = (sys.executable, str(HERE / "gateway_mock.py"))


@dataclass(frozen=True, slots=True)
class Gateway:
    """A gateway that can be started: its name, its command and what the command needs."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str]
    model: str
    health: str

    def target(self, port: int) -> Target:
        """Tell the load whom to ask."""
        return Target(self.name, port, self.model, KEY)


class Process:
    """A process that is pinned to a core and measured."""

    def __init__(
        self, command: tuple[str, ...], core: int | None, environment: dict[str, str] | None = None
    ) -> None:
        """Start it."""
        pinned = ("taskset", "--cpu-list", str(core), *command) if core is not None else command
        self.start_s = time.perf_counter()
        self.popen = subprocess.Popen(
            pinned,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | (environment or {}),
        )

    @property
    def megabytes(self) -> float:
        """Resident memory, its children's too."""
        process = psutil.Process(self.popen.pid)
        return sum(one.memory_info().rss for one in (process, *process.children(recursive=True))) / 1e6

    def stop(self) -> None:
        """End it."""
        self.popen.terminate()
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        if self.popen.stdout is not None:
            self.popen.stdout.close()


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def started(gateway: Gateway, upstream: str, core: int | None) -> tuple[Process, Target, float]:
    """Start a gateway and wait for its first answer; seconds until then."""
    port = free_port()
    command = tuple(part.format(port=port, upstream=upstream) for part in gateway.command)
    process = Process(command, core, {**gateway.environment, "MOCK_URL": upstream})
    target = gateway.target(port)
    request = target.request()
    while process.popen.poll() is None and time.perf_counter() - process.start_s < 120:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(request)
                if b" 200 " in connection.recv(4_096).partition(b"\r\n")[0]:
                    return process, target, time.perf_counter() - process.start_s
        except OSError:
            pass
        time.sleep(0.01)
    sys.exit(f"{gateway.name} did not answer: {' '.join(command)}")


def gateways(peer_python: Path | None) -> tuple[list[Gateway], str]:
    """List ours and, where it is there, the peer; and its version."""
    ours = Gateway(
        "net4moe",
        (
            sys.executable,
            str(HERE / "gateway_served.py"),
            "--port",
            "{port}",
            "--upstream",
            "{upstream}",
            "--key",
            KEY,
        ),
        {},
        "device/mock/mock",
        "/healthz",
    )
    found = peer_python.parent / "litellm" if peer_python else shutil.which("litellm")
    if found is None or not Path(found).exists():
        print("no `litellm` on the path and no --peer-python: the peer's rows are left out", file=sys.stderr)
        return [ours], ""
    python = Path(found).parent / "python"
    code = "from importlib.metadata import version; print(version('litellm'))"
    version = subprocess.run(
        [str(python), "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    options = (
        "--config",
        str(HERE / "peers" / "litellm_proxy.yaml"),
        "--host",
        "127.0.0.1",
        "--num_workers",
        "1",
    )
    quiet = {
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_MASTER_KEY": KEY,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
    }
    peer = Gateway("LiteLLM", (str(found), *options, "--port", "{port}"), quiet, "mock", "/health/liveliness")
    return [ours, peer], version
