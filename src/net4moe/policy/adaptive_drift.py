"""Bandits that learn while they play, for quality that drifts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from net4moe.environment.observation import best_allowed
from net4moe.policy.baselines import expected_reward

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int

    from net4moe.environment.decisions import Decisions

__all__ = ["DiscountedMemory", "DiscountedUCB", "SlidingWindowUCB", "WindowMemory"]


class DiscountedMemory(NamedTuple):
    """What each device gave above its expected reward, the longer ago the less it counts.

    Attributes:
      plays: discounted number of choices of each device.
      total: discounted sum of reward above `expected_reward`, reward units.
    """

    plays: Float[Array, " N"]
    total: Float[Array, " N"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscountedUCB:
    """Choose by an upper confidence bound that forgets by and by.

        argmax_n  r_n + T_n / (1 + N_n) + 2 bound sqrt(exploration log(1 + sum N) / (1 + N_n))

    D-UCB of Garivier and Moulines (2011), arXiv:0805.3415, on what a device gives above its expected reward
    r_n (`expected_reward`), so that links and prices need not be learned. N and T are multiplied by `discount`
    at each choice. Ours: the promise counts as one choice without a surprise, which spares the round through
    all devices at the start.

    Attributes:
      discount: what a choice later is worth, above 0 and at most 1.
      bound: greatest surprise to expect, reward units, at least 0.
      exploration: the paper's xi, at least 0.
      quality_weight: reward units for one point of explicit score.
    """

    discount: float = 0.95
    bound: float = 0.5
    exploration: float = 0.5
    quality_weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what forgets at once or never stops growing."""
        if not 0.0 < self.discount <= 1.0:
            message = f"`discount` must be above 0 and at most 1, got {self.discount}."
            raise ValueError(message)
        _refuse_negative("bound", self.bound)
        _refuse_negative("exploration", self.exploration)

    def initial(self, num_devices: int) -> DiscountedMemory:
        """Make the memory of one that knows nothing."""
        return DiscountedMemory(plays=jnp.zeros(num_devices), total=jnp.zeros(num_devices))

    def choose(self, memory: DiscountedMemory, decisions: Decisions) -> Int[Array, ""]:
        """Choose the device of the greatest bound."""
        logarithm = jnp.log1p(jnp.sum(memory.plays))
        width = 2.0 * self.bound * jnp.sqrt(self.exploration * logarithm)
        return _most_promising(decisions, self.quality_weight, memory.plays, memory.total, width)

    def learn(
        self,
        memory: DiscountedMemory,
        decisions: Decisions,
        action: Int[Array, ""],
        reward: Float[Array, ""],
    ) -> DiscountedMemory:
        """Remember what a choice earned, and forget a little of all others."""
        chosen = jnp.arange(memory.plays.shape[0]) == action
        above = _above(decisions, self.quality_weight, action, reward)
        after = DiscountedMemory(
            plays=self.discount * memory.plays + chosen,
            total=self.discount * memory.total + chosen * above,
        )
        return _when(decisions.valid, after, memory)


class WindowMemory(NamedTuple):
    """The last choices, a ring.

    Attributes:
      devices: who was chosen; -1 where nobody was yet.
      above: what that gave above `expected_reward`, reward units.
      num_choices: choices so far.
    """

    devices: Int[Array, " W"]
    above: Float[Array, " W"]
    num_choices: Int[Array, ""]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidingWindowUCB:
    """Choose by an upper confidence bound over the last choices only.

        argmax_n  r_n + T_n / (1 + N_n) + bound sqrt(exploration log(1 + min(t, window)) / (1 + N_n))

    SW-UCB of Garivier and Moulines (2011), arXiv:0805.3415, as `DiscountedUCB`, with N and T counted over the last
    `window` choices.

    Attributes:
      window: choices that count, at least 1.
      bound: greatest surprise to expect, reward units, at least 0.
      exploration: the paper's xi, at least 0.
      quality_weight: reward units for one point of explicit score.
    """

    window: int = 32
    bound: float = 1.0
    exploration: float = 0.5
    quality_weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a window that shows nothing."""
        if self.window < 1:
            message = f"`window` must be at least 1, got {self.window}."
            raise ValueError(message)
        _refuse_negative("bound", self.bound)
        _refuse_negative("exploration", self.exploration)

    def initial(self, num_devices: int) -> WindowMemory:
        """Make the memory of one that knows nothing, of any number of devices."""
        del num_devices
        nobody = jnp.full(self.window, -1, jnp.int32)
        return WindowMemory(
            devices=nobody, above=jnp.zeros(self.window), num_choices=jnp.zeros((), jnp.int32)
        )

    def choose(self, memory: WindowMemory, decisions: Decisions) -> Int[Array, ""]:
        """Choose the device of the greatest bound."""
        num_devices = decisions.observation.device_mask.shape[-1]
        chosen = jnp.where(memory.devices[:, None] == jnp.arange(num_devices), 1.0, 0.0)
        plays, total = jnp.sum(chosen, axis=0), memory.above @ chosen
        width = self.bound * jnp.sqrt(self.exploration * jnp.log1p(jnp.sum(plays)))
        return _most_promising(decisions, self.quality_weight, plays, total, width)

    def learn(
        self, memory: WindowMemory, decisions: Decisions, action: Int[Array, ""], reward: Float[Array, ""]
    ) -> WindowMemory:
        """Remember what a choice earned in place of the oldest."""
        place = jnp.arange(self.window) == memory.num_choices % self.window
        above = _above(decisions, self.quality_weight, action, reward)
        after = WindowMemory(
            devices=jnp.where(place, jnp.asarray(action, jnp.int32), memory.devices),
            above=jnp.where(place, above, memory.above),
            num_choices=memory.num_choices + 1,
        )
        return _when(decisions.valid, after, memory)


def _most_promising(
    decisions: Decisions,
    quality_weight: float,
    plays: Float[Array, " N"],
    total: Float[Array, " N"],
    width: Float[Array, ""],
) -> Int[Array, ""]:
    expected = expected_reward(decisions.observation, quality_weight)
    index = expected + total / (1.0 + plays) + width / jnp.sqrt(1.0 + plays)
    return best_allowed(index, decisions.observation.device_mask)


def _above(
    decisions: Decisions, quality_weight: float, action: Int[Array, ""], reward: Float[Array, ""]
) -> Float[Array, ""]:
    return reward - expected_reward(decisions.observation, quality_weight)[action]


def _when(valid: Bool[Array, ""], after: Any, before: Any) -> Any:
    return jax.tree.map(lambda new, old: jnp.where(valid, new, old), after, before)


def _refuse_negative(label: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        message = f"`{label}` must be finite and at least 0, got {value}."
        raise ValueError(message)
