"""How long a decision takes: one subtask, a fleet of N live devices, telemetry changing all the time.

    python benchmarks/placement_speed.py [--devices 1000] [--decisions 2000]

Prints medians and quantiles of single decisions with the trained policy, after 1 % of the fleet sent a heartbeat
before each. NumPy, one process.
"""

import argparse
import platform
import random
import time

import numpy as np

from net4moe.cli.policies import policy_of
from net4moe.edge import ExpertOffer, LinkReport, SpeedReport, Telemetry
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.placing import LivePlacement
from net4moe.mixture import Subtask

EXPERTS = ("rose", "holmes", "nova", "scout", "jester", "chronicler", "tutor", "pocket")
FIELDS = ("romance", "mystery", "science fiction", "adventure", "comedy", "history", "explanation", "general")


def telemetry(index: int, sequence: int, chance: random.Random) -> Telemetry:
    """Say what a device says of itself."""
    expert = index % len(EXPERTS)
    return Telemetry(
        device=f"device {index}",
        epoch=1,
        sequence=sequence,
        time_unix_s=1e9,
        experts=(ExpertOffer(name=EXPERTS[expert], field=FIELDS[expert], model="small"),),
        num_slots=4,
        link=LinkReport(kind="radio", snr_db=chance.uniform(0.0, 20.0)),
        bandwidth_hz=1e4,
        speed=SpeedReport(prefill_tokens_per_s=500.0, decode_tokens_per_s=chance.uniform(10.0, 80.0)),
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=1_000)
    parser.add_argument("--decisions", type=int, default=2_000)
    asked = parser.parse_args()
    chance = random.Random(0)
    roster = Roster()
    for index in range(asked.devices):
        name = f"device {index}"
        roster.add(Device(name=name, base_url="http://x/v1", kind="agent", epoch=1), now_s=0.0)
        roster.heard(telemetry(index, 0, chance), now_s=0.0)
    policy, history = policy_of("trained")
    placement = LivePlacement(roster, policy, policy_name="trained", history=history)
    relevance = tuple((field, 1 / 7) for field in FIELDS[:-1])
    seconds: list[float] = []
    for turn in range(asked.decisions):
        now_s = 0.001 * turn
        for index in chance.sample(range(asked.devices), max(1, asked.devices // 100)):
            roster.heard(telemetry(index, turn + 1, chance), now_s=now_s)
        subtask = Subtask(
            index=0, text="a part", kind="story", field=FIELDS[turn % 7], relevance=relevance, words=60.0
        )
        begin_s = time.perf_counter()
        placement.place([subtask], now_s=now_s)
        seconds.append(time.perf_counter() - begin_s)
    kept = np.array(seconds[100:]) * 1e3
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {asked.devices:,} devices")
    for name, share in (("median", 0.5), ("p90", 0.9), ("p99", 0.99), ("greatest", 1.0)):
        print(f"{name:>9} {np.quantile(kept, share):6.3f} ms")


if __name__ == "__main__":
    main()
