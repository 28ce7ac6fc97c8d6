"""Seconds from the start of training, compilation included, against the share of the best policy on `case-study`.

    python benchmarks/learning_time.py SEED

Prints one JSON line; `decision_speed.py` reads it. The best policy given the observation is 100 %; evaluation is
on tapes of its own, the same for it and for the agent.
"""

import json
import sys
import time

import jax
import numpy as np

from net4moe.environment import best_given_observation
from net4moe.environment.episodes import returns
from net4moe.environment.scenarios import scenario
from net4moe.policy import SACConfig, sac


def main(seed: int) -> None:
    """Train one agent with the defaults."""
    selection, config, key = scenario("case-study").large, SACConfig(), jax.random.key(1_000 + seed)
    tapes = sac.evaluation_tapes(selection, config, key)
    best = float(np.mean(jax.jit(lambda tapes: returns(selection, best_given_observation, tapes))(tapes)))
    curve: list[tuple[float, float]] = []
    start_s = time.perf_counter()
    sac.train_seeds(
        selection,
        config,
        (key,),
        on_progress=lambda metrics: curve.append(
            (time.perf_counter() - start_s, float(metrics.evaluation_reward[0]) / best)
        ),
    )
    print(json.dumps({"curve": curve, "final": curve[-1][1], "best": best}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
