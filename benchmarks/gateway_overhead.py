"""What the gateway adds to a call that goes through it, beside LiteLLM's proxy in the same run.

    python benchmarks/gateway_overhead.py --peer-python PATH

One mock server; direct, through ours and through the peer's; everything in turn, so that a busy moment hits all
alike; authentication, JSON and metrics on, one worker each.

- Added milliseconds of one call at a time: paired differences to the direct call beside it, at two lengths.
- Highest constant rate, sent by the clock, at which the p99 from the intended moment is at most 20 ms above
  direct's and no request fails.
- Added milliseconds to the first token of a stream, one at a time, paired.
- 64 streams side by side, 64 deltas at 20 ms: how many had a pause more than 60 ms longer than direct's longest.
- Resident memory before and after load, and its slope; `--requests 100000` for the long run.
- Seconds from the start of the process to the first answer.

The gateways run on one core, mock and load on another, where the system lets them be pinned. `--peer-python` is
a Python with `litellm[proxy]`; without it `litellm` is looked for on the path, and without that the rows are left
out.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
import uvloop
from gateway_load import Connection, Target, at_rate, closed_loop, streams
from gateway_processes import MOCK, Process, gateways, started

ADDED_MS = 20.0
PAUSE_S = 0.06


Pairs = dict[str, tuple[np.ndarray, np.ndarray]]
"""By gateway: milliseconds direct, and through it right before or after."""


async def paired(
    targets: list[Target], *, num_pairs: int, block: int, length: int = 100, stream: bool = False
) -> Pairs:
    """Ask directly and through a gateway, one call at a time, in either order.

    Gateways take turns by blocks, so that each is met in use and not as the other left the caches; the first two
    pairs of a block do not count. Of a stream, the time to its first piece is taken.
    """
    direct, *others = targets
    connections = {target.name: await Connection.to(target.port) for target in targets}
    taken: dict[str, list[tuple[float, float]]] = {target.name: [] for target in others}
    order = np.random.default_rng(0)

    async def one(target: Target) -> float:
        if connections[target.name].closed:
            connections[target.name] = await Connection.to(target.port)
        request = target.request(length=length, stream=stream, max_tokens=1)
        begin_s = time.perf_counter()
        said = await connections[target.name].ask(request)
        if said.status != 200:
            sys.exit(f"{target.name} answered {said.status}")
        return 1e3 * ((said.pieces_s[0] if stream else said.end_s) - begin_s)

    while any(len(pairs) < num_pairs for pairs in taken.values()):
        for index in order.permutation(len(others)):
            gateway = others[index]
            for number in range(block + 2):
                if order.random() < 0.5:
                    direct_ms, through_ms = await one(direct), await one(gateway)
                else:
                    through_ms, direct_ms = await one(gateway), await one(direct)
                if number >= 2:
                    taken[gateway.name].append((direct_ms, through_ms))
    for connection in connections.values():
        connection.close()
    return {name: (np.array(pairs)[:, 0], np.array(pairs)[:, 1]) for name, pairs in taken.items()}


async def p99_at(target: Target, rate: float, seconds: float) -> tuple[float, int]:
    """Measure the p99 at a constant rate, milliseconds, and count failures."""
    latencies, failures = await at_rate(target, target.request(), rate=rate, seconds=seconds)
    return (1e3 * float(np.quantile(latencies, 0.99)) if latencies else float("inf")), failures


async def highest_rate(target: Target, direct: Target, seconds: float, known: dict[int, float]) -> float:
    """Find the highest rate without failure with a p99 at most `ADDED_MS` above direct's; one of two tries."""

    async def holds(rate: float) -> bool:
        return await held(rate) or await held(rate)

    async def held(rate: float) -> bool:
        if round(rate) not in known:
            known[round(rate)] = (await p99_at(direct, rate, min(seconds, 2.0)))[0]
        p99_ms, failures = await p99_at(target, rate, seconds)
        await asyncio.sleep(0.3)
        return failures == 0 and p99_ms - min(known[round(rate)], 5.0) <= ADDED_MS

    low, high = 0.0, 50.0
    while high > 3 and not await holds(high):
        high /= 2
    while high < 20_000 and await holds(2 * high):
        high *= 2
    low, high = high, 2 * high
    while high - low > 0.06 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if await holds(middle) else (low, middle)
    return low


async def pauses(target: Target, num_streams: int) -> tuple[list[float], int]:
    """Read streams side by side; the longest pause in each, seconds, and how many failed."""
    said = await streams(target, target.request(stream=True), num_streams=num_streams)
    whole = [one for one in said if one is not None]
    longest = [max(np.diff(one.pieces_s), default=0.0) for one in whole]
    return [float(value) for value in longest], num_streams - len(whole)


async def memory(process: Process, target: Target, num_requests: int) -> tuple[float, float, float, float]:
    """Load a gateway; megabytes before and after, added per 10,000 requests at the end, requests a second."""
    request = target.request()
    before, rates, points = process.megabytes, [], []
    step = max(1, num_requests // 20)
    for number in range(20):
        rate, failures = await closed_loop(target, request, num_requests=step, num_clients=32)
        if failures:
            print(f"{target.name}: {failures} failures under load", file=sys.stderr)
        rates.append(rate)
        points.append(((number + 1) * step, process.megabytes))
    half = np.array(points[10:])
    slope = float(np.polyfit(half[:, 0], half[:, 1], 1)[0]) * 1e4
    return before, process.megabytes, slope, statistics.median(rates)


def interval(values: np.ndarray, share: float) -> tuple[float, float, float]:
    """Compute a quantile and its 95 % bootstrap interval."""
    draws = np.random.default_rng(2).choice(values, (1_000, len(values)))
    low, high = np.quantile(np.quantile(draws, share, axis=1), (0.025, 0.975))
    return float(np.quantile(values, share)), float(low), float(high)


def head(name: str, *columns: str) -> None:
    """Print the head of a table."""
    print(f"\n{name:58}" + "".join(f"{column:>22}" for column in columns), flush=True)


def row(name: str, *cells: str) -> None:
    """Print a row."""
    print(f"{name:58}" + "".join(f"{cell:>22}" for cell in cells), flush=True)


def added(name: str, pairs: Pairs) -> dict[str, list[float]]:
    """Print what each gateway adds to direct, paired, with intervals; give the quantiles."""
    head(name, "p50", "p95", "p99", "p99 minus p99")
    direct = np.concatenate([one for one, _ in pairs.values()])
    row("direct", *(f"{np.quantile(direct, share):.2f}" for share in (0.5, 0.95, 0.99)), "")
    kept: dict[str, list[float]] = {}
    for gateway, (beside, through) in pairs.items():
        found = [interval(through - beside, share) for share in (0.5, 0.95, 0.99)]
        apart = np.quantile(through, 0.99) - np.quantile(beside, 0.99)
        row(
            f"{gateway} adds",
            *(f"{value:.2f} [{low:.2f}, {high:.2f}]" for value, low, high in found),
            f"{apart:.2f}",
        )
        kept[gateway] = [value for value, _, _ in found]
    return kept


def spread(values: list[float], digits: int = 0) -> str:
    """Write a median with its least and most."""
    return f"{statistics.median(values):,.{digits}f} [{min(values):,.{digits}f}, {max(values):,.{digits}f}]"


@contextlib.contextmanager
def everything(arguments: argparse.Namespace) -> Iterator[tuple[Target, list[tuple[Process, Target]], str]]:
    """Start mock and gateways, print what runs where, and how long each took to its first answer."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    pinned = len(cores) > 1 and shutil.which("taskset") is not None
    gateway_core = cores[1] if pinned else None
    if pinned:
        os.sched_setaffinity(0, {cores[0]})
    kinds, peer_version = gateways(arguments.peer_python)
    mock = Process(MOCK, cores[0] if pinned else None)
    assert mock.popen.stdout is not None
    port = int(mock.popen.stdout.readline())
    upstream = f"http://127.0.0.1:{port}/v1"
    running: list[tuple[Process, Target]] = []
    try:
        versions = f"net4moe {metadata.version('net4moe')}" + (
            f", LiteLLM {peer_version}" if peer_version else ""
        )
        where = (
            f"load and mock on core {cores[0]}, gateways on core {cores[1]}" if pinned else "cores not pinned"
        )
        print(f"Python {platform.python_version()}, {versions}, {platform.release()}; {where}")
        print(f"load of the machine at the beginning: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores")
        head("seconds to the first answer", "median [least, most]")
        for kind in kinds:
            starts = []
            for _ in range(arguments.rounds):
                if starts:
                    running.pop()[0].stop()
                process, target, seconds = started(kind, upstream, gateway_core)
                running.append((process, target))
                starts.append(seconds)
            row(kind.name, spread(starts, 2))
        yield Target("direct", port, "mock", "sk-mock"), running, peer_version
    finally:
        for process, _ in running:
            process.stop()
        mock.stop()


async def measure(
    direct: Target, running: list[tuple[Process, Target]], arguments: argparse.Namespace
) -> dict[str, object]:
    """Measure everything; print tables and give the numbers for a machine."""
    quick = arguments.quick
    targets = [direct, *(target for _, target in running)]
    kept: dict[str, object] = {}
    for length in (100, 10_000):
        pairs = await paired(targets, num_pairs=300 if quick else 2_000, block=50, length=length)
        kept[f"added_ms_{length}"] = added(f"ms added, one call at a time, {length:,} characters", pairs)
    pairs = await paired(targets, num_pairs=60 if quick else 400, block=20, stream=True)
    kept["added_first_token_ms"] = added("ms added to the first token, one stream at a time", pairs)
    rates: dict[str, list[float]] = {target.name: [] for _, target in running}
    longest: dict[str, list[list[float]]] = {target.name: [] for target in targets}
    failed: dict[str, int] = dict.fromkeys(longest, 0)
    known: dict[int, float] = {}
    for _ in range(1 if quick else arguments.rounds):
        for _, target in running:
            rates[target.name].append(await highest_rate(target, direct, 2.0 if quick else 5.0, known))
        for target in targets:
            found, num_failed = await pauses(target, arguments.streams)
            longest[target.name].append(found)
            failed[target.name] += num_failed
    kept["rates"] = rates
    tell_rates(rates)
    tell_streams(longest, failed, arguments.streams)
    head("megabytes resident", "idle", "after load", "per 10,000 requests", "requests a second")
    for process, target in running:
        num_requests = arguments.requests if target.name == "net4moe" else min(arguments.requests, 20_000)
        before, after, slope, rate = await memory(process, target, num_requests)
        row(
            f"{target.name}, {num_requests:,} requests, 32 clients",
            f"{before:.0f}",
            f"{after:.0f}",
            f"{slope:+.2f}",
            f"{rate:,.0f}",
        )
        kept[f"memory_{target.name}"] = [before, after, slope, rate]
    return kept


def tell_rates(rates: dict[str, list[float]]) -> None:
    """Print the highest rates and their ratio."""
    head(
        f"requests a second, p99 at most {ADDED_MS:.0f} ms added",
        "median [least, most]",
        "net4moe is",
    )
    ours = statistics.median(rates["net4moe"])
    for name, values in rates.items():
        times = "" if name == "net4moe" else f"{ours / statistics.median(values):.1f} x"
        row(name, spread(values), times)


def tell_streams(longest: dict[str, list[list[float]]], failed: dict[str, int], num_streams: int) -> None:
    """Print how many of the streams had a pause."""
    head(
        f"{num_streams} streams, 64 deltas at 20 ms",
        "with a pause",
        "failed",
        "longest pause, ms",
        "median pause, ms",
    )
    limit_s = max(max(values, default=0.0) for values in longest["direct"]) + PAUSE_S
    for name, repeats in longest.items():
        pauses_s = [value for values in repeats for value in values]
        paused = sum(value > limit_s for value in pauses_s)
        most = max(pauses_s, default=float("nan"))
        middle = statistics.median(pauses_s) if pauses_s else float("nan")
        row(
            name,
            f"{paused} of {len(pauses_s)}",
            str(failed[name]),
            f"{1e3 * most:.0f}",
            f"{1e3 * middle:.0f}",
        )


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peer-python", type=Path, help="a Python with litellm[proxy] installed")
    parser.add_argument("--quick", action="store_true", help="a look in about two minutes instead of twenty")
    parser.add_argument(
        "--rounds", type=int, default=3, help="how often starts, rates and streams are measured"
    )
    parser.add_argument("--requests", type=int, default=20_000, help="requests of the measurement of memory")
    parser.add_argument("--streams", type=int, default=64, help="streams side by side")
    parser.add_argument("--json", type=Path, help="where to write the numbers for a machine")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.requests = 1, min(arguments.requests, 4_000)
    with everything(arguments) as (direct, running, _):
        kept = uvloop.run(measure(direct, running, arguments))
    if arguments.json:
        arguments.json.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
