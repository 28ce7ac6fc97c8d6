"""Draw outcomes with a known structure, for examples and benchmarks that need no language model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from net4moe.environment.outcomes import Outcomes
from net4moe.network.fleet import DeviceConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

__all__ = ["draw_devices", "draw_outcomes", "plain_outcomes"]


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
    by_field: bool = False,
    device_mean: Sequence[float] | None = None,
) -> Outcomes:
    """Draw a score table in which score = mean + effect of (field, device) + noise, cut to 0 to 10.

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
      device_mean: mean score of each device; 7 where it is not given.
      by_field: whether all subtasks of a prompt are of one field, with as many prompts of each, sorted.
    """
    rng = np.random.default_rng(seed)
    shape = (num_prompts, num_subtasks, num_devices)
    effect = rng.normal(0.0, field_std, (num_fields, num_devices))
    field_index = rng.integers(0, num_fields, shape[:2])
    if by_field:
        of_prompt = np.repeat(np.arange(num_fields), -(-num_prompts // num_fields))[:num_prompts]
        field_index = np.broadcast_to(of_prompt[:, None], shape[:2])
    assessed = np.broadcast_to(rng.uniform(30.0, 80.0, shape[:2])[..., None], shape)
    words = np.rint(assessed * np.clip(rng.normal(1.0, 0.1, shape), 0.5, 1.5))
    mean = np.full(num_devices, 7.0) if device_mean is None else np.asarray(device_mean, np.float64)
    score = np.clip(mean + effect[field_index] + rng.normal(0.0, noise_std, shape), 0.0, 10.0)
    return Outcomes(
        score=score.astype(np.float32),
        words=words.astype(np.float32),
        expected_words=assessed.astype(np.float32),
        units=(assessed / 10.0).astype(np.float32),
        scored=np.ones(shape, np.bool_),
        field_index=field_index.astype(np.int32),
        subtask_mask=np.ones(shape[:2], np.bool_),
    )


def plain_outcomes(
    score: Float[np.ndarray, "F N"], words: float, fields: Sequence[Sequence[int]]
) -> Outcomes:
    """Make prompts in which every device gives what is expected of it.

    Args:
      score: explicit score of each device for each field, 0 to 10.
      words: words that each device writes for each subtask.
      fields: the field of each subtask of each prompt; all prompts are equally long.
    """
    field_index = np.array(fields, np.int32)
    shape = (*field_index.shape, score.shape[1])
    every = np.full(shape, words, np.float32)
    return Outcomes(
        score=score[field_index].astype(np.float32),
        words=every,
        expected_words=every,
        units=every / 10.0,
        scored=np.ones(shape, np.bool_),
        field_index=field_index,
        subtask_mask=np.ones(shape[:2], np.bool_),
    )
