"""Seconds until Stable-Baselines3 chooses within 1 % of the best in an environment of ours, through Gymnasium.

Run by `decision_speed.py` with PYTHONPATH on this project: PPO, MaskablePPO and DQN, evaluated on the same tapes.
"""

import json
import sys
import time
from importlib import metadata

import gymnasium
import jax
import numpy as np
import sb3_contrib
import stable_baselines3
import torch

from net4moe.environment import best_given_observation
from net4moe.environment.episodes import returns
from net4moe.environment.gymnasium_front import SelectionEnv
from net4moe.environment.scenarios import scenario


def returns_of(model: object, environment: gymnasium.Env, tapes: list[object], masked: bool) -> float:
    """Play tapes with the deterministic policy; the mean return."""
    totals = []
    for tape in tapes:
        observation, _ = environment.reset(options={"tape": tape})
        total, over = 0.0, False
        while not over:
            mask = environment.unwrapped.action_masks()
            more = {"action_masks": mask} if masked else {}
            action = int(model.predict(observation, deterministic=True, **more)[0])
            action = action if mask[action] else int(np.argmax(mask))
            observation, reward, terminated, truncated, _ = environment.step(action)
            total, over = total + reward, terminated or truncated
        totals.append(total)
    return float(np.mean(totals))


class _Instead(gymnasium.ActionWrapper):
    """Take the first allowed device where a forbidden one was chosen, for agents that know no masks."""

    def action(self, action: int) -> int:
        mask = self.unwrapped.action_masks()
        return int(action) if mask[int(action)] else int(np.argmax(mask))


def main(name: str, algorithm: str, most_s: float, seed: int) -> None:
    """Train in slices and print one JSON line: seconds and return after each, the best and the random return."""
    torch.set_num_threads(2)
    selection = scenario(name).large
    batch = selection.tapes(jax.random.key(12345), 256)
    best = float(np.mean(returns(selection, best_given_observation, batch)))
    tapes = [jax.tree.map(lambda leaf, b=b: leaf[b], batch) for b in range(256)]
    environment = gymnasium.make(f"net4moe.environment.gymnasium_front:net4moe/{name}-v0")
    judge = SelectionEnv(name)
    masked = algorithm == "MaskablePPO"
    kind = getattr(sb3_contrib if masked else stable_baselines3, algorithm)
    environment.reset(seed=seed)
    model = kind("MlpPolicy", environment if masked else _Instead(environment), seed=seed, device="cpu")
    trained_s, curve = 0.0, []
    while trained_s < most_s:
        start_s = time.perf_counter()
        model.learn(4096, reset_num_timesteps=False)
        trained_s += time.perf_counter() - start_s
        curve.append((trained_s, model.num_timesteps, returns_of(model, judge, tapes, masked) / best))
        if curve[-1][2] >= 0.99:
            break
    version = f"{metadata.version('stable-baselines3')} (torch {torch.__version__})"
    print(json.dumps({"version": version, "curve": curve, "best": best}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
