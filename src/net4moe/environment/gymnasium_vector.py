"""A batch of environments as Gymnasium knows it, stepped by one call.

gymnasium.make_vec("net4moe.environment.gymnasium_front:net4moe/battery-v0", num_envs=64)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import jax.numpy as jnp
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from net4moe.environment.gymnasium_front import (
    DeviceChoice,
    ObservationForm,
    observation_space,
    packed,
    shaped,
)
from net4moe.environment.packing import BLOCK, Sight
from net4moe.environment.refusals import refusal

if TYPE_CHECKING:
    from jaxtyping import Bool, Int

    from net4moe.environment.selection import ExpertSelection

__all__ = ["SelectionVectorEnv"]


class SelectionVectorEnv(VectorEnv[Any, Any, Any]):
    """Play a batch of `SelectionEnv`.

    Environment i plays what a `SelectionEnv` of its seed plays, whatever the number of environments.

    Observation:
      As of `SelectionEnv`, with a leading axis.

    Action:
      A device for each environment. Where an episode has just ended the action is not read. A device that the
      mask (`infos["action_mask"]`, `action_masks()`) forbids is refused with a `ValueError` before any
      environment is stepped; `action_space.sample(mask=tuple(infos["action_mask"]))` keeps to the masks.

    Start:
      `reset(seed=s)` gives environment i the seed s + i; a sequence gives each its own, None in it one drawn
      from the system. `reset()` goes on to the next episode of each.

    End:
      The step after an end begins the environment's next episode and earns 0 (`AutoresetMode.NEXT_STEP`).
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[override]
        "render_modes": [],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self, num_envs: int, selection: ExpertSelection | str, *, observation: ObservationForm = "flat"
    ) -> None:
        """Pack an environment.

        Args:
          num_envs: number of environments, at least 1.
          selection: the environment, or the name of a scenario, with `-small` for its small version.
          observation: form of the observation.

        Raises:
          ValueError: there are no environments, or no such scenario or form.
        """
        if num_envs < 1:
            message = f"`num_envs` must be at least 1, got {num_envs}."
            raise ValueError(message)
        self.num_envs = num_envs
        self._num_rows = -(-num_envs // BLOCK) * BLOCK
        self._packing = packed(selection)
        self.selection = self._packing.selection
        num_devices = self.selection.num_devices
        self.single_observation_space = observation_space(num_devices, observation)
        self.single_action_space = DeviceChoice(num_devices)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._form: ObservationForm = observation
        self._seeds = np.zeros(num_envs, np.uint32)
        self._episodes = np.full(num_envs, -1, np.int32)
        self._sight: Sight | None = None

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in every environment; see Start.

        Raises:
          ValueError: the number of seeds is not that of the environments.
        """
        if seed is not None or self._sight is None:
            self._seeds = self._drawn_seeds(seed)
            self._episodes[:] = -1
        self._tapes = jnp.zeros((self._num_rows, self._packing.tape_length))
        self._rows = jnp.zeros((self._num_rows, self._packing.row_length))
        self._begin(np.arange(self.num_envs))
        return self._seen()

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Make one choice in every environment.

        Raises:
          ValueError: there is not one device for each environment, a device may not be chosen, or no episode
            has begun.
        """
        if self._sight is None:
            message = "`reset` must be called before `step`."
            raise ValueError(message)
        ended = self._sight.terminated
        devices = np.zeros(self._num_rows, np.int32)
        devices[: self.num_envs] = self._checked(np.asarray(actions), ended)
        self._rows = self._packing.step(self._tapes, self._rows, devices)
        if ended.any():
            self._begin(np.flatnonzero(ended))
        observation, infos = self._seen()
        truncated = np.zeros(self.num_envs, np.bool_)
        return observation, self._sight.reward, self._sight.terminated.copy(), truncated, infos

    def action_masks(self) -> Bool[np.ndarray, "B N"]:
        """Tell which devices may be chosen."""
        if self._sight is None:
            return np.ones((self.num_envs, self.selection.num_devices), np.bool_)
        return self._sight.device_mask.copy()

    def _drawn_seeds(self, seed: int | Sequence[int | None] | None) -> Any:
        """Give each environment a seed."""
        single = seed if isinstance(seed, int | np.integer) else None
        super().reset(seed=None if single is None else int(single))
        if seed is None:
            return self.np_random.integers(2**32, size=self.num_envs, dtype=np.uint32)
        if single is not None:
            return np.array([(int(single) + i) % 2**32 for i in range(self.num_envs)], np.uint32)
        given: Sequence[int | None] = seed  # type: ignore[assignment]
        if len(given) != self.num_envs:
            message = f"`seed` must hold {self.num_envs} seeds, got {len(given)}."
            raise ValueError(message)
        drawn = [self.np_random.integers(2**32) if one is None else one for one in given]
        return np.array([int(one) % 2**32 for one in drawn], np.uint32)

    def _begin(self, indices: Int[np.ndarray, " k"]) -> None:
        """Begin the next episode of some environments, a block of them at a time."""
        self._episodes[indices] += 1
        for start in range(0, len(indices), BLOCK):
            members = indices[start : start + BLOCK]
            places = np.full(BLOCK, self._num_rows, np.int32)
            places[: len(members)] = members
            filled = np.resize(members, BLOCK)
            tapes = self._packing.draw(self._seeds[filled], self._episodes[filled])
            self._tapes, self._rows = self._packing.put(
                self._tapes, self._rows, places, tapes, self._packing.begin(tapes)
            )

    def _checked(self, actions: Any, ended: Any) -> Any:
        """Refuse actions that cannot be played."""
        if actions.shape != (self.num_envs,) or actions.dtype.kind not in "iu":
            message = (
                f"`actions` must be {self.num_envs} whole numbers, "
                f"got {actions.dtype} of the shape {actions.shape}."
            )
            raise ValueError(message)
        num_devices = self.selection.num_devices
        outside = np.flatnonzero(~ended & ((actions < 0) | (actions >= num_devices)))
        if outside.size:
            message = (
                f"`actions` must be from 0 to {num_devices - 1}, "
                f"got {actions[outside[0]]} for environment {outside[0]}."
            )
            raise ValueError(message)
        chosen = np.where(ended, 0, actions)
        masks = self._sight.device_mask if self._sight is not None else ended
        forbidden = np.flatnonzero(~ended & ~masks[np.arange(self.num_envs), chosen])
        if forbidden.size:
            index = int(forbidden[0])
            state = self._packing.state_of(self._tapes[index], self._rows[index])
            message = f"Environment {index}: {refusal(self.selection, state, int(chosen[index]))}"
            raise ValueError(message)
        return chosen

    def _seen(self) -> tuple[Any, dict[str, Any]]:
        """Read what the players see."""
        self._sight = self._packing.sight(self._rows, slice(self.num_envs))
        observation = shaped(self._sight.observation, self.selection.num_devices, self._form)
        return observation, {
            "action_mask": self._sight.device_mask.astype(np.int8),
            "_action_mask": np.ones(self.num_envs, np.bool_),
        }
