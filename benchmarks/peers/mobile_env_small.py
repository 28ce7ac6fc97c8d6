"""Environment steps per second of mobile-env's small scenario: 3 base stations, 5 users.

Run by `network_speed.py`.
"""

import json
import sys
import time
from importlib import metadata

import gymnasium
import mobile_env  # noqa: F401 - registers the environments


def main(num_steps: int, repeats: int) -> None:
    """Print one JSON line: version and steps per second of each repeat, with random actions."""
    environment = gymnasium.make("mobile-small-central-v0")
    environment.reset(seed=0)
    environment.action_space.seed(0)
    rates = []
    for _ in range(repeats):
        actions = [environment.action_space.sample() for _ in range(num_steps)]
        start_s = time.perf_counter()
        for action in actions:
            _, _, terminated, truncated, _ = environment.step(action)
            if terminated or truncated:
                environment.reset()
        rates.append(num_steps / (time.perf_counter() - start_s))
    print(json.dumps({"version": metadata.version("mobile-env"), "whole": rates}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
