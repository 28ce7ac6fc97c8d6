"""How many worlds of eight devices are drawn, moved and read in a second, beside two peers in the same run.

    python benchmarks/network_speed.py

A world is eight devices, the user's own among them, at one moment: mobility, path loss, sight, shadowing,
fading with Doppler, rates, block errors, time and energy of a payload. Worlds are drawn anew for every 100
moments, and drawing counts. Eight devices fill one vector register of the processor; nine take nearly the time
of sixteen. The peers do less or more, so the ratios say what an inner loop of learning can expect, not who is
better:

- mobile-env, small scenario: 3 base stations and 5 users, Okumura-Hata and Shannon, no shadowing or fading;
- Sionna's UMi: 8 base stations and one user, large-scale parameters, and with them impulse responses.

They are installed from the package index into an environment of their own on first use (about 2 GB with
PyTorch); `--peers PYTHON` takes one that exists. Runs alternate, so that a busy moment hits all alike.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import jax
import jax.numpy as jnp

from net4moe.network import PRESETS, DeviceConfig, Links, draw_world, fleet_arrays, links, send
from net4moe.network.radio.link_classes import NR

HERE = Path(__file__).parent
PEERS = HERE / ".peers"
PACKAGES = ("sionna-no-rt==2.2.0", "mobile-env==2.1.0")
PAYLOAD_BITS = 48e3
NUM_MOMENTS = 100


def street(num_cells: int) -> tuple[DeviceConfig, ...]:
    """Put cells along a street in which the user walks: one link class, one scenario, and the user besides."""
    user = PRESETS["street canyon"].devices[0]
    cells = [
        DeviceConfig(
            name=f"cell {n}",
            expert=f"expert {n}",
            link=NR,
            scenario="umi",
            position_m=(300.0 * n / num_cells, 9.0, 10.0),
        )
        for n in range(num_cells)
    ]
    return user, *cells


def worlds_per_second(devices: tuple[DeviceConfig, ...], batch: int, repeats: int) -> list[float]:
    """Time batches of worlds read at 100 moments each; compilation is not counted."""
    fleet = jax.tree.map(jnp.asarray, fleet_arrays(devices))

    def moment(world: object, time_s: object) -> tuple[Links, object]:
        now = links(fleet, world, time_s)
        return now.snr_db, send(fleet, now, PAYLOAD_BITS)

    @jax.jit
    def run(key: object) -> object:
        worlds = jax.vmap(lambda one: draw_world(fleet, one))(jax.random.split(key, batch))
        read = jax.vmap(moment, (0, None))

        def step(sums: object, time_s: object) -> tuple[object, None]:
            return jax.tree.map(jnp.add, sums, read(worlds, time_s)), None

        return jax.lax.scan(step, read(worlds, 0.0), 0.1 * jnp.arange(1, NUM_MOMENTS))[0]

    jax.block_until_ready(run(jax.random.key(0)))
    rates = []
    for repeat in range(repeats):
        start_s = time.perf_counter()
        jax.block_until_ready(run(jax.random.key(repeat)))
        rates.append(batch * NUM_MOMENTS / (time.perf_counter() - start_s))
    return rates


def peer(python: Path, script: str, *arguments: int) -> dict[str, object]:
    """Run a peer's script in the peers' environment."""
    command = [str(python), str(HERE / "peers" / script), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(run.stdout.strip().splitlines()[-1])


def peers_python(given: Path | None) -> Path:
    """Find the peers' environment, or make it."""
    if given is not None:
        return given
    python = PEERS / "bin" / "python"
    if not python.exists():
        print(f"installing {', '.join(PACKAGES)} into {PEERS}, once ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def main() -> None:
    """Print a table of medians, spreads and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="a Python with sionna-no-rt and mobile-env installed")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured, in turn")
    arguments = parser.parse_args()
    python = peers_python(arguments.peers)
    fleets = {
        "8 devices, street of NR cells": street(7),
        "8 devices, campus of five link classes": PRESETS["campus"].devices,
        "8 devices, four of them satellites": PRESETS["leo"].devices,
        "9 devices, street of NR cells": street(8),
        "16 devices, street of NR cells": street(15),
    }
    ours: dict[str, list[float]] = {}
    theirs: dict[str, list[float]] = {}
    versions = {"net4moe": metadata.version("net4moe"), "jax": jax.__version__}
    for _ in range(arguments.rounds):
        for name, devices in fleets.items():
            ours.setdefault(f"net4moe, {name}", []).extend(worlds_per_second(devices, 1024, 3))
        small = peer(python, "mobile_env_small.py", 300, 3)
        theirs.setdefault("mobile-env small, 15 links", []).extend(small["whole"])
        versions["mobile-env"] = small["version"]
        for batch in (1, 64):
            umi = peer(python, "sionna_umi.py", batch, 3)
            theirs.setdefault(f"Sionna UMi, 8 links, batch {batch}", []).extend(umi["whole"])
            theirs.setdefault(f"Sionna UMi, large scale, batch {batch}", []).extend(umi["large_scale"])
            versions["sionna"] = umi["version"]
    print(f"Python {platform.python_version()}, " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    reference = statistics.median(next(iter(ours.values())))
    print(f"{'worlds or steps a second':44}{'median':>12}{'least':>12}{'most':>12}{'first is':>12}")
    for name, rates in (*ours.items(), *theirs.items()):
        middle = statistics.median(rates)
        times = f"{reference / middle:,.1f} x" if name in theirs else ""
        print(f"{name:44}{middle:12,.0f}{min(rates):12,.0f}{max(rates):12,.0f}{times:>12}")


if __name__ == "__main__":
    main()
