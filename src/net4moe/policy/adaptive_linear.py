"""Bandits that learn while they play, with a linear model of the reward."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from net4moe.environment.observation import best_allowed, context_feature, device_feature

if TYPE_CHECKING:
    from jaxtyping import Array, Float, Int

    from net4moe.environment.decisions import Decisions
    from net4moe.environment.observation import Observation

__all__ = ["BANDIT_FEATURES", "LinUCB", "LinearMemory", "LinearThompson", "bandit_features"]

BANDIT_FEATURES = (
    "one",
    "importance",  # weight of the subtask's quality
    "importance x expected_score",
    "importance x surprise",
    "importance x loss",
    "expected_compute_cost",
    "expected_transfer_cost",
    "expected_delay_cost",
    "delay",
    "local",
    "resident",
    "serving",
)
"""What the linear bandits regress the reward on; the rest of the observation is hidden from them."""


def bandit_features(observation: Observation) -> Float[Array, "N D"]:
    """Gather one row of `BANDIT_FEATURES` per device, of order 1."""
    importance = 4.0 * context_feature(observation, "importance")
    columns: list[Any] = [1.0, importance]
    for name in BANDIT_FEATURES[2:]:
        product = name.removeprefix("importance x ")
        feature = device_feature(observation, product)
        columns.append(feature if product == name else importance * feature)
    shape = observation.device_mask.shape
    return jnp.stack([jnp.broadcast_to(column, shape) for column in columns], axis=-1)


class LinearMemory(NamedTuple):
    """A ridge regression of the reward on shared coefficients and an offset of each device.

    The inverse of the shared design matrix is kept as `root root^T`, so that rounding cannot make a variance
    negative: Potter's square-root form of the Sherman-Morrison formula (Bierman 1977, Factorization Methods for
    Discrete Sequential Estimation).

    Attributes:
      coefficients: reward units per unit of each feature.
      root: square root of the covariance of the coefficients, over that of the noise.
      weight: times that each device was chosen, plus the ridge.
      features: mean features of what each device did, shrunk by the ridge.
      reward: its mean reward, likewise, reward units.
    """

    coefficients: Float[Array, " D"]
    root: Float[Array, "D D"]
    weight: Float[Array, " N"]
    features: Float[Array, "N D"]
    reward: Float[Array, " N"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinUCB:
    """Choose by the upper confidence bound of a linear model of the reward.

        argmax_n  x_n' beta + theta_n + alpha sqrt(s_n)

    The hybrid model of Li et al. (2010), arXiv:1003.0146, algorithm 2: coefficients beta that all devices share,
    and for each device a part of its own, here a single offset theta_n. With m_n and y_n the means of what
    device n did (`LinearMemory`) and a_n how often, ridge included:

        theta_n = y_n - m_n' beta        s_n = (x_n - m_n)' A^-1 (x_n - m_n) + 1 / a_n

    Attributes:
      alpha: width of the bound, reward units, at least 0.
      ridge: strength of the belief that coefficients and offsets are 0, greater than 0.
    """

    alpha: float = 1.0
    ridge: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a bound that is none."""
        _refuse_negative("alpha", self.alpha)
        _refuse_nothing("ridge", self.ridge)

    def initial(self, num_devices: int) -> LinearMemory:
        """Make the memory of one that knows nothing."""
        return _nothing_known(num_devices, self.ridge)

    def choose(self, memory: LinearMemory, decisions: Decisions) -> Int[Array, ""]:
        """Choose the device of the greatest bound."""
        apart = bandit_features(decisions.observation) - memory.features
        mean = apart @ memory.coefficients + memory.reward
        variance = jnp.sum((apart @ memory.root) ** 2, axis=-1) + 1.0 / memory.weight
        return best_allowed(mean + self.alpha * jnp.sqrt(variance), decisions.observation.device_mask)

    def learn(
        self, memory: LinearMemory, decisions: Decisions, action: Int[Array, ""], reward: Float[Array, ""]
    ) -> LinearMemory:
        """Remember what a choice earned."""
        return _regressed(memory, decisions, action, reward)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearThompson:
    """Choose by one draw from what is believed of a linear model of the reward.

        beta ~ N(mean, scale^2 A^-1)        theta_n | beta ~ N(y_n - m_n' beta, scale^2 / a_n)
        argmax_n  x_n' beta + theta_n

    Thompson sampling of Agrawal and Goyal (2013), arXiv:1209.3352, for the model of `LinUCB`. Lots are drawn
    from the decision's own random number, so that the same tape gives the same choices.

    Attributes:
      scale: standard deviation of the reward's noise, reward units, at least 0; more of it tries more.
      ridge: as of `LinUCB`, greater than 0.
      seed: another one draws other lots.
    """

    scale: float = 0.5
    ridge: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse noise that is none."""
        _refuse_negative("scale", self.scale)
        _refuse_nothing("ridge", self.ridge)

    def initial(self, num_devices: int) -> LinearMemory:
        """Make the memory of one that knows nothing."""
        return _nothing_known(num_devices, self.ridge)

    def choose(self, memory: LinearMemory, decisions: Decisions) -> Int[Array, ""]:
        """Draw a model and choose its best device."""
        lot = jax.lax.bitcast_convert_type(jnp.asarray(decisions.uniform, jnp.float32), jnp.uint32)
        key = jax.random.fold_in(jax.random.fold_in(jax.random.key(self.seed), decisions.turn), lot)
        key_shared, key_offset = jax.random.split(key)
        drawn = memory.root @ jax.random.normal(key_shared, memory.coefficients.shape)
        noise = jax.random.normal(key_offset, memory.weight.shape) / jnp.sqrt(memory.weight)
        apart = bandit_features(decisions.observation) - memory.features
        mean = apart @ (memory.coefficients + self.scale * drawn) + memory.reward
        return best_allowed(mean + self.scale * noise, decisions.observation.device_mask)

    def learn(
        self, memory: LinearMemory, decisions: Decisions, action: Int[Array, ""], reward: Float[Array, ""]
    ) -> LinearMemory:
        """Remember what a choice earned."""
        return _regressed(memory, decisions, action, reward)


def _nothing_known(num_devices: int, ridge: float) -> LinearMemory:
    num_features = len(BANDIT_FEATURES)
    return LinearMemory(
        coefficients=jnp.zeros(num_features),
        root=jnp.eye(num_features) / math.sqrt(ridge),
        weight=jnp.full(num_devices, ridge),
        features=jnp.zeros((num_devices, num_features)),
        reward=jnp.zeros(num_devices),
    )


def _regressed(
    memory: LinearMemory, decisions: Decisions, action: Int[Array, ""], reward: Float[Array, ""]
) -> LinearMemory:
    """Take one more choice into the regression.

    With the device's offset eliminated, it is one observation of weight a / (a + 1) of the shared coefficients,
    apart from the device's means as they were; then the means move.
    """
    chosen = jnp.where(jnp.arange(memory.weight.shape[0]) == action, 1.0, 0.0)
    weight = chosen @ memory.weight
    share = weight / (weight + 1.0)
    apart = chosen @ (bandit_features(decisions.observation) - memory.features)
    beyond = reward - chosen @ memory.reward
    direction = memory.root.T @ apart * jnp.sqrt(share)
    spread = 1.0 + direction @ direction
    gain = memory.root @ direction / spread
    error = jnp.sqrt(share) * (beyond - apart @ memory.coefficients)
    shrink = 1.0 / (1.0 + jnp.sqrt(1.0 / spread))
    after = LinearMemory(
        coefficients=memory.coefficients + gain * error,
        root=memory.root - shrink * jnp.outer(gain, direction),
        weight=memory.weight + chosen,
        features=memory.features + jnp.outer(chosen, apart / (weight + 1.0)),
        reward=memory.reward + chosen * beyond / (weight + 1.0),
    )
    return jax.tree.map(lambda new, old: jnp.where(decisions.valid, new, old), after, memory)


def _refuse_negative(label: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0):
        message = f"`{label}` must be finite and at least 0, got {value}."
        raise ValueError(message)


def _refuse_nothing(label: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        message = f"`{label}` must be finite and greater than 0, got {value}."
        raise ValueError(message)
