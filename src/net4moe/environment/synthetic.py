"""Draw outcomes with a known structure, for examples and benchmarks that need no language model."""

from __future__ import annotations

import numpy as np

from net4moe.environment.outcomes import Outcomes
from net4moe.network.fleet import DeviceConfig

__all__ = ["draw_devices", "draw_outcomes"]


def draw_devices(num_devices: int, *, seed: int, local_units_limit: float = 6.0) -> tuple[DeviceConfig, ...]:
    """Draw a fleet whose first device is the user's own, with one expert per device.

    Prices are uniform in 0.004 to 0.025 per word, links have 10 kHz.
    """
    rng = np.random.default_rng(seed)
    prices = rng.uniform(0.004, 0.025, num_devices)
    return tuple(
        DeviceConfig(
            name=f"device-{n}",
            expert=f"expert-{n}",
            compute_cost_per_word=float(prices[n]),
            local=n == 0,
            units_limit=local_units_limit if n == 0 else float("inf"),
        )
        for n in range(num_devices)
    )


def draw_outcomes(
    num_prompts: int,
    num_subtasks: int,
    num_devices: int,
    num_fields: int,
    *,
    seed: int,
    field_std: float = 0.5,
    noise_std: float = 0.3,
) -> Outcomes:
    """Draw a score table in which score = 7 + effect of (field, device) + noise, cut to 0 to 10.

    The gate assesses 30 to 80 words; what is written deviates from it by a factor with a standard deviation
    of 0.1. A unit is 10 words.

    Args:
      num_prompts: number of prompts, P.
      num_subtasks: subtasks of each prompt, S.
      num_devices: number of devices, N.
      num_fields: number of fields.
      seed: the same seed gives the same outcomes.
      field_std: standard deviation of the effect of (field, device), points of score.
      noise_std: standard deviation of the noise, points of score.
    """
    rng = np.random.default_rng(seed)
    shape = (num_prompts, num_subtasks, num_devices)
    effect = rng.normal(0.0, field_std, (num_fields, num_devices))
    field_index = rng.integers(0, num_fields, shape[:2])
    assessed = np.broadcast_to(rng.uniform(30.0, 80.0, shape[:2])[..., None], shape)
    words = np.rint(assessed * np.clip(rng.normal(1.0, 0.1, shape), 0.5, 1.5))
    score = np.clip(7.0 + effect[field_index] + rng.normal(0.0, noise_std, shape), 0.0, 10.0)
    return Outcomes(
        score=score.astype(np.float32),
        words=words.astype(np.float32),
        expected_words=assessed.astype(np.float32),
        units=(assessed / 10.0).astype(np.float32),
        scored=np.ones(shape, np.bool_),
        field_index=field_index.astype(np.int32),
        subtask_mask=np.ones(shape[:2], np.bool_),
    )
