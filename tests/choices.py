"""Choices laid out by hand, for tests of rules."""

from typing import Any

import numpy as np

from net4moe.environment.decisions import Decisions
from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, Observation

CALM = {"charge": 1.0, "speed": 1.0, "resident": 1.0, "copies": 1.0, "age": 1.0}
PLAIN = {"importance": 0.25, "slack": 0.0, "prompt_share_left": 1.0, "episode_share_left": 1.0}


def choices(
    mask: Any,
    *,
    uniform: Any = 0.5,
    turn: Any = 0,
    context: Any = None,
    **devices: Any,
) -> Decisions:
    """Lay out choices by the names of features; what is not named is idle, charged, cool and alone.

    Args:
      mask: True where a device may be chosen; leading axes are a batch.
      uniform: random numbers of the policies that draw lots.
      turn: running numbers of the choices.
      context: context features by name.
      devices: device features by name; `mean_rewards` is what the environment tells.
    """
    device_mask = np.array(mask, np.bool_)
    batch = device_mask.shape[:-1]
    mean_rewards = np.broadcast_to(np.asarray(devices.pop("mean_rewards", 0.0)), device_mask.shape)
    rows = np.zeros((*device_mask.shape, len(DEVICE_FEATURES)), np.float32)
    for name, values in {**CALM, **devices}.items():
        rows[..., DEVICE_FEATURES.index(name)] = values
    shared = np.zeros((*batch, len(CONTEXT_FEATURES)), np.float32)
    for name, values in {**PLAIN, **(context or {})}.items():
        shared[..., CONTEXT_FEATURES.index(name)] = values
    return Decisions(
        observation=Observation(rows, shared, device_mask),
        turn=np.broadcast_to(np.asarray(turn), batch),
        uniform=np.broadcast_to(np.asarray(uniform, np.float32), batch),
        valid=np.ones(batch, np.bool_),
        rewards=np.where(device_mask, mean_rewards, np.nan),
        mean_rewards=mean_rewards,
    )


def drawn_choices(random: np.random.Generator, shape: tuple[int, ...]) -> Decisions:
    """Draw features and masks by lot; the first device is always allowed, most others are."""
    device_mask = random.random(shape) < 0.7
    device_mask[..., 0] = True
    flags = {name: random.random(shape) < 0.5 for name in ("resident", "serving", "holds")}
    shares = {
        name: random.random(shape)
        for name in ("charge", "speed", "temperature", "copies", "loss", "age", "backlog", "delay")
    }
    prices = {
        name: random.exponential(0.5, shape)
        for name in ("expected_compute_cost", "expected_transfer_cost", "expected_delay_cost")
    }
    return choices(
        device_mask,
        uniform=random.random(shape[:-1]),
        turn=random.integers(0, 1000, shape[:-1]),
        context={"importance": random.choice([0.25, 1.0], shape[:-1]), "slack": random.random(shape[:-1])},
        expected_score=random.normal(1.0, 0.5, shape),
        surprise=random.normal(0.0, 0.5, shape),
        snr=random.random(shape),
        charge_needed=random.random(shape) * (random.random(shape) < 0.5) / 10,
        mean_rewards=random.normal(5.0, 1.0, shape),
        **flags,
        **shares,
        **prices,
    )
