"""What the gateway adds to a mixture of three experts, with a model server that answers at once.

    python benchmarks/gateway_mixture.py [--requests 300]

`net4moe gateway` with a capable gate and three experts on three devices, all of them one mock server. A request is
split (two calls), three passages are written side by side, and the gate fuses them. The same six calls are made
straight to the mock on the same clock, in the same order: that is the critical path. They take turns, and what the
gateway adds is the difference of a pair: placing, dispatch, receipts, HTTP and JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import numpy as np
import uvloop
from gateway_load import Connection, Target
from gateway_mock import Mock, event
from gateway_processes import free_port

KEY = "nk-benchmark-key"
EXPERTS = ("romance", "mystery", "history")
SETTINGS = """
[models.mock]
endpoint = "http://127.0.0.1:{port}/v1"
name = "mock"
places = 64
[gate]
model = "mock"
[judge]
model = "mock"
[gateway]
policy = "highest_expectation"
"""
EXPERT = """
[[experts]]
name = "{field} writer"
field = "{field}"
model = "mock"
device = "{field} device"
"""


class MixtureMock(Mock):
    """Splits, assesses, writes and fuses at once."""

    def on_message_complete(self) -> None:
        """Answer by what is asked."""
        body = b"".join(self._body)
        self._body.clear()
        if b"json_schema" not in body:
            self._stream("mock", 40)
            return
        asked = json.loads(body)
        fields = re.findall("|".join(EXPERTS), body.decode())
        if "subtasks" in asked["response_format"]["json_schema"]["schema"]["properties"]:
            text = json.dumps({"kind": "story", "subtasks": [f"a part of {field}" for field in EXPERTS]})
        else:
            needs = [
                {"words": 25, "relevance": {field: float(field == own) for field in dict.fromkeys(fields)}}
                for own in EXPERTS
            ]
            text = json.dumps({"assessments": needs})
        events = event("mock", {"role": "assistant", "content": text}, None) + event("mock", {}, "stop")
        content = events + b"data: [DONE]\n\n"
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(head % len(content) + content)


async def mock() -> None:
    """Serve for ever."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: MixtureMock(0.0, 0.0), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def asked_directly(target: Target, schema: str = "") -> bytes:
    """Write a call as the gateway would make it."""
    form: dict[str, object] = {"type": "json_schema", "json_schema": {"schema": {"properties": {schema: {}}}}}
    content: dict[str, object] = {
        "model": "mock",
        "stream": True,
        "messages": [{"role": "user", "content": "x" * 400}],
        **({"response_format": form} if schema else {}),
    }
    body = json.dumps(content).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:{target.port}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def measured(gateway: Target, direct: Target, number: int) -> tuple[list[float], list[float]]:
    """Take turns; seconds of the mixture and of its critical path."""
    client = await Connection.to(gateway.port)
    lines = [await Connection.to(direct.port) for _ in EXPERTS]
    through: list[float] = []
    path: list[float] = []
    for _ in range(number + 20):
        begin_s = time.perf_counter()
        said = await client.ask(gateway.request(length=40))
        through.append(time.perf_counter() - begin_s)
        assert said.status == 200, said
        begin_s = time.perf_counter()
        await lines[0].ask(asked_directly(direct, "subtasks"))
        await lines[0].ask(asked_directly(direct, "assessments"))
        await asyncio.gather(*(line.ask(asked_directly(direct)) for line in lines))
        await lines[0].ask(asked_directly(direct))
        path.append(time.perf_counter() - begin_s)
    return through[20:], path[20:]


async def run(number: int) -> None:
    """Start everything, measure and print."""
    servers: list[subprocess.Popen[str]] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            servers.append(
                subprocess.Popen([sys.executable, __file__, "--mock"], stdout=subprocess.PIPE, text=True)
            )
            assert servers[0].stdout is not None
            port = int(servers[0].stdout.readline())
            settings = Path(folder) / "settings.toml"
            experts = "".join(EXPERT.format(field=field) for field in EXPERTS)
            settings.write_text(SETTINGS.format(port=port) + experts, "utf-8")
            own = free_port()
            options = ("--config", str(settings), "--port", str(own), "--state", folder)
            servers.append(
                subprocess.Popen(
                    [sys.executable, "-m", "net4moe", "gateway", *options],
                    env={**os.environ, "NET4MOE_KEY": KEY},
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            gateway = Target("net4moe", own, "net4moe", KEY)
            await until_there(own)
            through, path = await measured(gateway, Target("mock", port, "mock", ""), number)
        finally:
            for server in servers:
                server.terminate()
                server.wait()
                if server.stdout is not None:
                    server.stdout.close()
    added = 1e3 * (np.array(through) - np.array(path))
    packages = ("net4moe", "aiohttp", "fastapi", "uvicorn", "uvloop", "numpy")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores; {number} pairs")
    for name, values in (
        ("mixture", 1e3 * np.array(through)),
        ("path", 1e3 * np.array(path)),
        ("added", added),
    ):
        shown = "   ".join(f"{label} {np.quantile(values, q):6.2f}" for label, q in QUANTILES)
        print(f"{name:>8} ms   {shown}")


QUANTILES = (("p5", 0.05), ("p50", 0.5), ("p95", 0.95), ("p99", 0.99))


async def until_there(port: int) -> None:
    """Wait until something listens."""
    while True:
        try:
            (await Connection.to(port)).close()
        except OSError:
            await asyncio.sleep(0.05)
        else:
            return


def main() -> None:
    """Read the options and measure."""
    if "--mock" in sys.argv:
        uvloop.run(mock())
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=300)
    uvloop.run(run(parser.parse_args().requests))


if __name__ == "__main__":
    main()
