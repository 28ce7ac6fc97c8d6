"""How good trained agents are where the best is known, and with other numbers of devices than they knew.

    python benchmarks/learning_quality.py

- `case-study`, large: soft actor-critic with its defaults over 20 seeds, each on tapes of its own; the share of
  the best policy given the observation, and the share of the way from chance to it that is closed.
- Zero-shot: one set of weights, trained on 10 devices drawn by lot, plays with 3, 30, 100 and 1,000 others,
  beside one that was trained on just those (up to 100), and the best policy given the observation.
"""

from __future__ import annotations

import argparse
import math
import platform
import sys
import time
from importlib import metadata
from typing import Any

import jax
import numpy as np

from net4moe.environment import RewardConfig, best_given_observation, synthetic
from net4moe.environment.episodes import returns
from net4moe.environment.outcomes import estimate
from net4moe.environment.scenarios import scenario
from net4moe.environment.selection import ExpertSelection
from net4moe.network import fleet_arrays
from net4moe.policy import SACConfig, random_selection, sac

TRAINED_ON = 10
PLAYED_ON = (3, 10, 30, 100, 1_000)
RETRAINED = 100


def crowd(num_devices: int) -> ExpertSelection:
    """Make the paper's setting for any number of devices; the same seed draws other devices for each number."""
    outcomes = synthetic.draw_outcomes(48, 3, num_devices, 4, seed=num_devices)
    devices = synthetic.draw_devices(num_devices, seed=num_devices, local_units_limit=math.inf)
    return ExpertSelection(
        outcomes,
        estimate(outcomes, num_fields=4, prior_rows=0.0),
        fleet_arrays(devices),
        reward_config=RewardConfig(),
    )


def means(selection: ExpertSelection, policy: Any, tapes: Any) -> float:
    """Play a policy on tapes."""
    return float(np.mean(jax.jit(lambda tapes: returns(selection, policy, tapes))(tapes)))


def case_study(num_seeds: int) -> None:
    """Train many seeds and print how close each comes."""
    selection = scenario("case-study").large
    keys = tuple(jax.random.key(10_000 + seed) for seed in range(num_seeds))
    trained = sac.train_seeds(selection, SACConfig(), keys)
    shares, closed = [], []
    for seed, one in enumerate(trained):
        tapes = selection.tapes(jax.random.key(20_000 + seed), 2_000)
        best, chance = (means(selection, rule, tapes) for rule in (best_given_observation, random_selection))
        earned = means(selection, one.policy, tapes)
        shares.append(earned / best)
        closed.append((earned - chance) / (best - chance))
    print(f"\ncase-study, large, {num_seeds} seeds    {'median':>10}{'least':>10}{'most':>10}")
    for name, values in (("share of the best", shares), ("of chance to the best", closed)):
        print(f"{name:32}{np.median(values):10.2%}{min(values):10.2%}{max(values):10.2%}")


def zero_shot(num_seeds: int) -> None:
    """Train on ten devices, play on others."""
    keys = tuple(jax.random.key(30_000 + seed) for seed in range(num_seeds))
    config = SACConfig(num_heads=4)  # attention: it tells a crowd from a few better than pooling does
    wanderers = sac.train_seeds(crowd(TRAINED_ON), config, keys)
    print(f"\ntrained on {TRAINED_ON} devices, {num_seeds} seeds")
    print(
        f"{'devices':>8}{'zero-shot':>12}{'re-trained':>12}{'best':>10}{'of re-trained':>24}{'of the best':>24}"
    )
    for num_devices in PLAYED_ON:
        selection = crowd(num_devices)
        start_s = time.perf_counter()
        residents = sac.train_seeds(selection, config, keys) if num_devices <= RETRAINED else []
        seconds = time.perf_counter() - start_s
        tapes = selection.tapes(
            jax.random.key(40_000 + num_devices), 500 if num_devices <= RETRAINED else 100
        )
        best = means(selection, best_given_observation, tapes)
        there = [means(selection, one.policy, tapes) for one in wanderers]
        here = [means(selection, one.policy, tapes) for one in residents]
        reference = float(np.median(here)) if here else best  # trained anew it would take hours
        ratios, of_best = [value / reference for value in there], [value / best for value in there]
        spread = [
            f"{np.median(values):9.2%} [{min(values):.2%}, {max(values):.2%}]" for values in (ratios, of_best)
        ]
        print(
            f"{num_devices:8,}{np.median(there):12.3f}{reference:12.3f}{best:10.3f}{spread[0]:>28}{spread[1]:>28}"
        )
        print(f"    {num_devices:,} devices: re-trained in {seconds:.0f} s", file=sys.stderr)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="trainings on `case-study`")
    parser.add_argument("--zero-shot-seeds", type=int, default=5, help="trainings on ten devices")
    arguments = parser.parse_args()
    print(f"Python {platform.python_version()}, net4moe {metadata.version('net4moe')}, jax {jax.__version__}")
    case_study(arguments.seeds)
    zero_shot(arguments.zero_shot_seeds)


if __name__ == "__main__":
    main()
