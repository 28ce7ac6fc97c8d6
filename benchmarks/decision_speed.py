"""How fast decisions are made and learned, beside peers in the same run.

    python benchmarks/decision_speed.py

- Steps per second of the flagship `edge`, large: eight devices, tapes drawn from a 3GPP street, every observation
  read; beside mobile-env's small scenario (3 base stations, 5 users; it models radio alone).
- How the time of a step grows with the number of devices, to 10,000.
- Steps per second of one environment through Gymnasium, in a process of one core and of all: a step is too short
  to be shared, and waking another core takes longer than the step.
- Seconds, compilation included, until an agent is within 1 % of the best policy given the observation on
  `case-study`, beside Stable-Baselines3's PPO, MaskablePPO and DQN on the same environment through Gymnasium,
  with the defaults of both, judged on the same tapes; each as often as there are rounds. Ours twice: compiled
  anew, and with the programs that JAX kept from an earlier process (JAX_COMPILATION_CACHE_DIR).

The peers are installed from the package index into an environment of their own on first use (about 1 GB with
PyTorch); `--peers PYTHON` takes one that exists. Runs alternate, so that a busy moment hits all alike.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import gymnasium
import jax
import jax.numpy as jnp

from net4moe.environment import RewardConfig, synthetic
from net4moe.environment.chances import Chances
from net4moe.environment.outcomes import estimate
from net4moe.environment.rules import Rules
from net4moe.environment.scenarios import scenario
from net4moe.environment.selection import ExpertSelection
from net4moe.network import fleet_arrays

HERE = Path(__file__).parent
SOURCE = HERE.parent / "src"
PEERS = HERE / ".decision-peers"
PACKAGES = (
    "mobile-env==2.1.0",
    "stable-baselines3==2.9.2",
    "sb3-contrib==2.9.2",
    "gymnasium>=1.1",
    *("jax", "equinox", "optax", "jaxtyping", "scipy", "safetensors", "platformdirs", "pydantic", "pillow"),
)
ALGORITHMS = ("PPO", "MaskablePPO", "DQN")


def steps_per_second(selection: ExpertSelection, batch: int, repeats: int) -> list[float]:
    """Time whole episodes, tapes drawn anew; a rule that reads the whole observation chooses."""

    def played(key: Any) -> Any:
        state, observation = selection.reset(key)

        def choose(carry: tuple[Any, Any, Any], _: None) -> tuple[tuple[Any, Any, Any], None]:
            state, observation, total = carry
            liking = 1.0 + jnp.abs(jnp.sum(observation.devices, axis=-1))
            step = selection.step(state, jnp.argmax(observation.device_mask * liking))
            total = total + step.reward + jnp.sum(observation.context)
            return (step.state, step.observation, total), None

        carry = (state, observation, jnp.zeros(()))
        return jax.lax.scan(choose, carry, length=selection.num_steps)[0][2]

    run = jax.jit(lambda key: jnp.sum(jax.vmap(played)(jax.random.split(key, batch))))
    jax.block_until_ready(run(jax.random.key(0)))
    rates = []
    for repeat in range(repeats):
        start_s = time.perf_counter()
        jax.block_until_ready(run(jax.random.key(repeat)))
        rates.append(batch * selection.num_steps / (time.perf_counter() - start_s))
    return rates


def crowd(num_devices: int) -> ExpertSelection:
    """Make the paper's setting, in sessions with queues, for any number of devices."""
    outcomes = synthetic.draw_outcomes(16, 1, num_devices, 4, seed=0)
    return ExpertSelection(
        outcomes,
        estimate(outcomes, num_fields=4, prior_rows=0.0),
        fleet_arrays(synthetic.draw_devices(num_devices, seed=0, local_units_limit=math.inf)),
        rules=Rules(num_steps=16, devices_change=True),
        chances=Chances(),
        reward_config=RewardConfig(delay_cost_per_s=0.1),
    )


def gymnasium_steps_per_second(num_steps: int) -> float:
    """Time one environment through Gymnasium, with a rule that reads the mask."""
    environment = gymnasium.make("net4moe.environment.gymnasium_front:net4moe/edge-v0")
    _, info = environment.reset(seed=0)
    begun_s = 0.0
    for step in range(-500, num_steps):
        if step == 0:
            begun_s = time.perf_counter()
        _, _, over, _, info = environment.step(int(info["action_mask"].argmax()))
        if over:
            _, info = environment.reset()
    return num_steps / (time.perf_counter() - begun_s)


def gymnasium_process(num_steps: int, one_core: bool) -> float:
    """Time it in a process of its own, which may use every core or one."""
    command = [sys.executable, __file__, "--gymnasium-steps", str(num_steps)]
    if one_core:
        command = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0))), *command]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def learning(seed: int, kept: str = "") -> dict[str, Any]:
    """Train in a process of its own, so that compilation counts; seconds and share of the best.

    Args:
      seed: the seed.
      kept: folder in which JAX keeps compiled programs from one process to the next; none where empty.
    """
    command = [sys.executable, str(HERE / "learning_time.py"), str(seed)]
    keeps = {"JAX_COMPILATION_CACHE_DIR": kept, "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    run = subprocess.run(
        command, capture_output=True, text=True, check=True, env=os.environ | (keeps if kept else {})
    )
    return json.loads(run.stdout.splitlines()[-1])


def peer(python: Path, script: str, *arguments: object) -> dict[str, Any]:
    """Run a peer's script in the peers' environment."""
    command = [str(python), str(HERE / "peers" / script), *map(str, arguments)]
    paths = {"PYTHONPATH": str(SOURCE)} if script == "stable_baselines.py" else {}
    run = subprocess.run(command, capture_output=True, text=True, env=os.environ | paths)
    if run.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{run.stderr[-2000:]}")
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


def head(name: str, ratio: str) -> None:
    """Print the head of a table."""
    print(f"\n{name:46}{'median':>14}{'least':>14}{'most':>14}{ratio:>12}")


def row(name: str, values: list[float], ratio: str = "") -> None:
    """Print a median with its spread."""
    middle = statistics.median(values)
    digits = 0 if middle > 100 else 2
    print(f"{name:46}{middle:14,.{digits}f}{min(values):14,.{digits}f}{max(values):14,.{digits}f}{ratio:>12}")


def to_target(curve: list[list[float]]) -> float:
    """Find the seconds at which a curve first reached 99 %, infinite where it never did."""
    return next((point[0] for point in curve if point[-1] >= 0.99), float("inf"))


def main() -> None:
    """Print tables of medians, spreads and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="a Python with mobile-env and sb3-contrib installed")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured, in turn")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds after which a peer is stopped")
    parser.add_argument(
        "--gymnasium-steps", type=int, help="time nothing but so many steps through Gymnasium"
    )
    arguments = parser.parse_args()
    if arguments.gymnasium_steps:
        print(gymnasium_steps_per_second(arguments.gymnasium_steps))
        return
    python = peers_python(arguments.peers)
    versions = {"net4moe": metadata.version("net4moe"), "jax": jax.__version__}
    edge = scenario("edge").large
    speed: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    kept = tempfile.TemporaryDirectory()
    learning(0, kept.name)
    for seed in range(arguments.rounds):
        speed.setdefault("edge, 8 devices", []).extend(steps_per_second(edge, 512, 3))
        small = peer(python, "mobile_env_small.py", 300, 3)
        speed.setdefault("mobile-env small", []).extend(small["whole"])
        versions["mobile-env"] = small["version"]
        for cores, one_core in (("one core", True), ("every core", False)):
            rate = gymnasium_process(5_000, one_core)
            speed.setdefault(f"edge through Gymnasium, {cores}", []).append(rate)
        seconds.setdefault("net4moe SAC", []).append(to_target(learning(seed)["curve"]))
        again = to_target(learning(seed, kept.name)["curve"])
        seconds.setdefault("net4moe SAC, compiled before", []).append(again)
        for algorithm in ALGORITHMS:
            taught = peer(python, "stable_baselines.py", "case-study", algorithm, arguments.patience, seed)
            seconds.setdefault(f"Stable-Baselines3 {algorithm}", []).append(to_target(taught["curve"]))
            last = taught["curve"][-1]
            print(
                f"{algorithm}, seed {seed}: {last[2]:.2%} of the best after {last[0]:.0f} s", file=sys.stderr
            )
            versions["stable-baselines3"] = taught["version"]
    print(f"Python {platform.python_version()}, " + ", ".join(f"{k} {v}" for k, v in versions.items()))
    head("steps a second", "edge is")
    ours = statistics.median(speed["edge, 8 devices"])
    for name, rates in speed.items():
        row(name, rates, "" if name.startswith("edge,") else f"{ours / statistics.median(rates):,.0f} x")
    head("microseconds a step, queues, N devices", "per device")
    for num_devices in (10, 100, 1_000, 10_000):
        rates = steps_per_second(crowd(num_devices), max(1, 10_240 // num_devices), 3)
        times = [1e6 / rate for rate in rates]
        row(f"N = {num_devices:,}", times, f"{statistics.median(times) / num_devices:.4f}")
    kept.cleanup()
    head("seconds to 99 % of the best, with compiling", "net4moe is")
    quick = statistics.median(seconds["net4moe SAC"])
    for name, values in seconds.items():
        row(name, values, "" if name.startswith("net4moe") else f"{statistics.median(values) / quick:,.1f} x")
    print("infinite: not reached within the patience of " + f"{arguments.patience:g} s")


if __name__ == "__main__":
    main()
