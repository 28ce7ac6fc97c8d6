"""Two hundred devices on loopback, and ten times more work than they can do.

    python benchmarks/gateway_scale.py [--devices 200] [--service-s 2] [--seconds 20]

A gateway (`net4moe gateway`), a mock model server that takes `--service-s` for an answer, and a process with
`--devices` agents of one place each: real sockets, real joining, signed heartbeats and calls. Requests come by the
clock, first at half of what the fleet can do, then at ten times of it. Printed: how many were admitted, what the
others were told, latencies from the intended moments, times of refusals, the gateway's memory.
"""

import argparse
import asyncio
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from importlib import metadata
from pathlib import Path

import aiohttp
import numpy as np
from pydantic import SecretStr

from net4moe.edge import ExpertOffer
from net4moe.edge.config import AgentConfig
from net4moe.edge.running import Agent
from net4moe.edge.upstream import Upstream

HERE = Path(__file__).parent
KEY = "nk-benchmark-of-scale"
SETTINGS = """
[models.mock]
endpoint = "http://127.0.0.1:{mock}/v1"
name = "mock"
[gate]
model = "mock"
[judge]
model = "mock"
[[experts]]
name = "editor"
field = "general"
model = "mock"
[gateway]
max_in_flight = 512
"""


def free_port() -> int:
    """Find a port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def agents(gateway: str, mock: int, code: str, number: int) -> None:
    """Be a fleet, until told to end."""
    running = [
        Agent(
            AgentConfig(
                gateway=gateway,
                name=f"device {index}",
                upstream=Upstream(url=f"http://127.0.0.1:{mock}/v1", models=("mock",)),
                experts=(ExpertOffer(name="writer", field="general", model="mock"),),
                code=SecretStr(code),
                num_slots=1,
            )
        )
        for index in range(number)
    ]
    tasks = [asyncio.create_task(agent.run()) for agent in running]
    for agent in running:
        await agent.joined.wait()
    print("joined", flush=True)
    await asyncio.gather(*tasks)


async def load(
    session: aiohttp.ClientSession, url: str, rate: float, seconds: float
) -> tuple[list[float], list[float], Counter[str]]:
    """Ask by the clock; latencies of the admitted, of the refused, and what was said."""
    admitted: list[float] = []
    refused: list[float] = []
    said: Counter[str] = Counter()
    body = json.dumps(
        {
            "model": "net4moe/writer",
            "stream": True,
            "max_tokens": 1,
            "messages": [{"role": "user", "content": "x"}],
        }
    )
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}

    async def one(meant_s: float) -> None:
        try:
            async with session.post(f"{url}/v1/chat/completions", data=body, headers=headers) as answer:
                text = await answer.read()
                took_s = time.perf_counter() - meant_s
                whole = answer.status == 200 and text.rstrip().endswith(b"[DONE]")
                hint = " with Retry-After" if "retry-after" in answer.headers else ""
                said["200" if whole else f"{answer.status}{hint}"] += 1
                (admitted if whole else refused).append(took_s)
        except (aiohttp.ClientError, TimeoutError) as error:
            said[type(error).__name__] += 1

    tasks: set[asyncio.Task[None]] = set()
    begin_s = time.perf_counter()
    for number in range(int(rate * seconds)):
        meant_s = begin_s + number / rate
        await asyncio.sleep(max(0.0, meant_s - time.perf_counter()))
        task = asyncio.create_task(one(meant_s))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return admitted, refused, said


def memory_mb(pid: int) -> float:
    """Read the resident memory of a process."""
    fields = Path(f"/proc/{pid}/statm").read_text("ascii").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def shown(name: str, values: list[float]) -> str:
    """Print quantiles of seconds."""
    if not values:
        return f"  {name:<10} none"
    quantiles = np.quantile(values, [0.5, 0.95, 0.99])
    shares = zip(("p50", "p95", "p99"), quantiles, strict=True)
    return f"  {name:<10} {len(values):>6}   " + "   ".join(
        f"{share} {value:7.3f} s" for share, value in shares
    )


async def measured(asked: argparse.Namespace, folder: Path) -> None:
    """Start everything, measure, and end everything."""
    mock, port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    settings = folder / "settings.toml"
    settings.write_text(SETTINGS.format(mock=mock), "utf-8")
    environment = {**os.environ, "NET4MOE_KEY": KEY}
    python = sys.executable
    quiet = subprocess.DEVNULL
    gateway_command = ("-m", "net4moe", "gateway", "--config", str(settings), "--state", str(folder))
    mock_command = (str(HERE / "gateway_mock.py"), "--port", str(mock), "--first-s", str(asked.service_s))
    processes = [
        subprocess.Popen([python, *mock_command], stdout=quiet),
        subprocess.Popen([python, *gateway_command, "--port", str(port)], env=environment, stderr=quiet),
    ]
    try:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await until(session, f"{url}/healthz")
            headers = {"authorization": f"Bearer {KEY}"}
            async with session.post(
                f"{url}/v1/codes", json={"devices": asked.devices}, headers=headers
            ) as answer:
                code = (await answer.json())["code"]
            begin_s = time.perf_counter()
            fleet = subprocess.Popen(
                [python, __file__, "--fleet", url, str(mock), code, str(asked.devices)],
                stdout=subprocess.PIPE,
            )
            processes.append(fleet)
            assert fleet.stdout is not None
            await asyncio.to_thread(fleet.stdout.readline)
            print(f"{asked.devices} devices joined in {time.perf_counter() - begin_s:.1f} s")
            gateway = processes[1].pid
            print(f"gateway {memory_mb(gateway):.0f} MB")
            capacity = asked.devices / asked.service_s
            for name, factor in (("half", 0.5), ("ten times", 10.0), ("half again", 0.5)):
                rate = factor * capacity
                admitted, refused, said = await load(session, url, rate, asked.seconds)
                print(
                    f"{name} of {capacity:.0f}/s: {rate:.0f} requests/s for {asked.seconds:g} s; {dict(said)}"
                )
                print(shown("admitted", admitted))
                print(shown("refused", refused))
                print(f"  goodput {len(admitted) / asked.seconds:.1f}/s; gateway {memory_mb(gateway):.0f} MB")
    finally:
        for process in reversed(processes):
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


async def until(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until something answers."""
    while True:
        try:
            async with session.get(url) as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientError:
            pass
        await asyncio.sleep(0.1)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--fleet"]:
        gateway, mock, code, number = sys.argv[2:]
        asyncio.run(agents(gateway, int(mock), code, int(number)))
        return
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--service-s", type=float, default=2.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    asked = parser.parse_args()
    versions = ", ".join(
        f"{name} {metadata.version(name)}" for name in ("net4moe", "aiohttp", "fastapi", "uvicorn")
    )
    print(f"Python {platform.python_version()}, {versions}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measured(asked, Path(folder)))


if __name__ == "__main__":
    main()
