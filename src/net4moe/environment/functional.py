"""The environment as pure functions in the form of gymnax 1.0: keys go in, six values come out.

    observation, state = front.reset(key, params)
    observation, state, reward, terminated, truncated, info = front.step(key, state, action, params)

As there, `step` begins the next episode where one ends, and `step_env` and `reset_env` are the parts it is
made of; the signatures are those of `gymnax.environments.environment.Environment`, version 1.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax
import jax.numpy as jnp

from net4moe.environment.packing import flat_observation
from net4moe.environment.selection import ExpertSelection, State

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, Key

__all__ = ["FunctionalSelection"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionalSelection:
    """Place one subtask after the other on a device, for agents written for gymnax.

    The parameters are the environment itself, a pytree: `jax.vmap` over `params` varies its arrays, such as
    those of the fleet. The observation is `flat_observation`, whose last N numbers are the mask. A device that
    the mask forbids earns NaN, as compiled code cannot raise.

    Attributes:
      selection: the environment that is played where no parameters are given.
    """

    selection: ExpertSelection

    @property
    def default_params(self) -> ExpertSelection:
        """The environment."""
        return self.selection

    @property
    def name(self) -> str:
        """Name of the environment."""
        return type(self.selection).__name__

    @property
    def num_actions(self) -> int:
        """Number of devices, N."""
        return self.selection.num_devices

    @property
    def observation_size(self) -> int:
        """Numbers of an observation."""
        return jax.eval_shape(self.reset_env, jax.random.key(0), self.selection)[0].shape[0]

    def reset(
        self, key: Key[Array, ""], params: ExpertSelection | None = None
    ) -> tuple[Float[Array, " D"], State]:
        """Begin an episode."""
        return _reset(key, self.selection if params is None else params)

    def step(
        self,
        key: Key[Array, ""],
        state: State,
        action: Int[Array, ""] | int,
        params: ExpertSelection | None = None,
    ) -> tuple[
        Float[Array, " D"], State, Float[Array, ""], Bool[Array, ""], Bool[Array, ""], dict[str, Array]
    ]:
        """Place the subtask at hand; where the episode ends, begin the next one.

        `info` holds `terminated`, `truncated`, `discount` (0 at the end, else 1), `action_mask` of the
        observation that is given, and `final_observation`, which is the one before a new episode began.
        """
        return _step(key, state, jnp.asarray(action, jnp.int32), self.selection if params is None else params)

    def reset_env(self, key: Key[Array, ""], params: ExpertSelection) -> tuple[Float[Array, " D"], State]:
        """Begin an episode."""
        return _reset(key, params)

    def step_env(
        self, key: Key[Array, ""], state: State, action: Int[Array, ""] | int, params: ExpertSelection
    ) -> tuple[Float[Array, " D"], State, Float[Array, ""], Bool[Array, ""], dict[str, Array]]:
        """Place the subtask at hand, and stay at the end; the key is not used, since chance is on the tape."""
        return _step_env(state, jnp.asarray(action, jnp.int32), params)


@eqx.filter_jit
def _reset(key: Any, params: ExpertSelection) -> tuple[Any, State]:
    state, observation = params.reset(key)
    return flat_observation(observation), state


@eqx.filter_jit
def _step_env(
    state: State, action: Any, params: ExpertSelection
) -> tuple[Any, State, Any, Any, dict[str, Any]]:
    following = params.step(state, action)
    discount = jnp.where(following.terminated, 0.0, 1.0)
    mask = following.observation.device_mask
    return (
        flat_observation(following.observation),
        following.state,
        following.reward,
        following.terminated,
        {"action_mask": mask, "discount": discount},
    )


@eqx.filter_jit
def _step(
    key: Any, state: State, action: Any, params: ExpertSelection
) -> tuple[Any, State, Any, Any, Any, dict[str, Any]]:
    final, ended, reward, terminated, info = _step_env(state, action, params)
    truncated = jnp.zeros_like(terminated)

    def begun(_: Any) -> tuple[Any, State]:
        return _reset(key, params)

    # A branch, and not a choice between two results: one episode alone draws a tape only where one is needed.
    observation, following = jax.lax.cond(terminated, begun, lambda _: (final, ended), None)
    info = info | {
        "action_mask": observation[-params.num_devices :] > 0.5,
        "terminated": terminated,
        "truncated": truncated,
        "final_observation": final,
    }
    return observation, following, reward, terminated, truncated, info
