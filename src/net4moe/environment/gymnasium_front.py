"""The environment as Gymnasium knows it. Importing this module registers its ids.

    gymnasium.make("net4moe.environment.gymnasium_front:net4moe/battery-v0")

Each scenario has two ids, `net4moe/<scenario>-v0` and `net4moe/<scenario>-small-v0`; `gymnasium_vector` has the
batch of each. The number after the `v` changes with what an id gives, not with its speed.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

import gymnasium
import jax
import jax.numpy as jnp
import numpy as np
from gymnasium import spaces

from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES
from net4moe.environment.packing import (
    BLOCK,
    GREATEST_FEATURE,
    Packing,
    Sight,
    pack,
    packed_scenario,
    unflattened,
)
from net4moe.environment.refusals import refusal
from net4moe.environment.scenario_names import ABOUT

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float

    from net4moe.environment.selection import ExpertSelection, State
    from net4moe.environment.tapes import Tape

__all__ = [
    "DeviceChoice",
    "ObservationForm",
    "SelectionEnv",
    "observation_space",
    "packed",
    "shaped",
    "tape_block",
]

ObservationForm: TypeAlias = Literal["flat", "dict"]
"""`flat` is one `Box`: device rows, context, mask. `dict` has `devices`, `context` and `action_mask`."""


class DeviceChoice(spaces.Discrete):
    """Devices, of which the mask of the last observation allows some; `sample` draws among those."""

    def __init__(self, num_devices: int) -> None:
        super().__init__(num_devices)
        self.device_mask = np.ones(num_devices, np.int8)

    def sample(self, mask: Any = None, probability: Any = None) -> np.int64:
        """Draw a device that may be chosen now; with a mask or probabilities of one's own, as `Discrete` does."""
        if mask is None and probability is None and self.device_mask.any():
            mask = self.device_mask
        return super().sample(mask=mask, probability=probability)


class SelectionEnv(gymnasium.Env[Any, Any]):
    """Place one subtask after the other on a device.

    Observation:
      float32, finite. `flat`: N rows of `DEVICE_FEATURES`, then `CONTEXT_FEATURES`, then the mask as 0 and 1.
      `dict`: `devices` [N, F], `context` [C], `action_mask` [N].

    Action:
      Index of the device, among those that the mask allows: `info["action_mask"]`, or `action_masks()`.
      `action_space.sample()` keeps to it. A device that it forbids is refused with a `ValueError`.

    Reward:
      That of `ExpertSelection`.

    Start:
      `reset(seed=s)` plays episode 0 of seed s, each further `reset()` the next one. Episode e of seed s has the
      tape `selection.tape(jax.random.fold_in(jax.random.key(s % 2**32), e), e)`. Without any seed one is drawn
      from the system. `options={"tape": tape}` plays that tape, and does not count.

    End:
      Terminated after the last subtask or choice; never truncated but by a `TimeLimit`. What follows earns 0.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[override]
        "render_modes": ["rgb_array"],
        "render_fps": 2,
    }

    def __init__(
        self,
        selection: ExpertSelection | str,
        *,
        observation: ObservationForm = "flat",
        render_mode: str | None = None,
    ) -> None:
        """Pack an environment.

        Args:
          selection: the environment, or the name of a scenario, with `-small` for its small version.
          observation: form of the observation.
          render_mode: `rgb_array` for `render`.

        Raises:
          ValueError: there is no such scenario, form or mode.
        """
        if render_mode not in (None, *self.metadata["render_modes"]):
            message = f"`render_mode` must be 'rgb_array' or None, got '{render_mode}'."
            raise ValueError(message)
        self._packing = packed(selection)
        self.selection = self._packing.selection
        self.render_mode = render_mode
        self.observation_space = observation_space(self.selection.num_devices, observation)
        self._choice = DeviceChoice(self.selection.num_devices)
        self.action_space = self._choice
        self._form: ObservationForm = observation
        self._seed, self._episode = None, 0
        self._sight: Sight | None = None

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode; see Start.

        Raises:
          ValueError: the tape is not one of this environment.
        """
        super().reset(seed=seed)
        if options and "tape" in options:
            self._tapes, self._place = tape_block(self._packing, options["tape"]), 0
            self._rows = self._packing.begin(self._tapes)
        else:
            self._begin_next(seed)
        self._last_action: int | None = None
        self._earned = 0.0
        return self._seen()

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Place the subtask at hand.

        Raises:
          ValueError: there is no such device, it may not be chosen, or no episode has begun.
        """
        device = operator.index(action)
        if self._sight is None:
            message = "`reset` must be called before `step`."
            raise ValueError(message)
        if not 0 <= device < self.selection.num_devices:
            message = f"`action` must be from 0 to {self.selection.num_devices - 1}, got {device}."
            raise ValueError(message)
        if not (self._sight.device_mask[0, device] or self._sight.terminated[0]):
            raise ValueError(refusal(self.selection, self.state, device))
        actions = np.zeros(BLOCK, np.int32)
        actions[self._place] = device
        self._rows = self._packing.step(self._tapes, self._rows, actions)
        observation, info = self._seen()
        reward = float(self._sight.reward[0])
        self._last_action = device
        self._earned += reward
        return observation, reward, bool(self._sight.terminated[0]), False, info

    def action_masks(self) -> Bool[np.ndarray, " N"]:
        """Tell which devices may be chosen; the name is the one that `sb3_contrib` looks for."""
        return self._choice.device_mask.astype(np.bool_)

    @property
    def state(self) -> State:
        """Where the episode stands, all that its player does not see included."""
        return self._packing.state_of(self._tapes[self._place], self._rows[self._place])

    def render(self) -> Any:
        """Draw the map as an RGB image; nothing without a `render_mode`."""
        if self.render_mode is None or self._sight is None:
            return None
        from net4moe.environment.rendering import map_image  # here, since only a picture needs Pillow

        return map_image(self.selection, self.state, action=self._last_action, earned=self._earned)

    def _begin_next(self, seed: int | None) -> None:
        """Begin the episode that comes next; they are drawn in blocks."""
        if seed is not None or self._seed is None:
            drawn = self.np_random.integers(2**32) if seed is None else seed
            self._seed, self._episode = int(drawn) % 2**32, 0
        else:
            self._episode += 1
        place = self._episode % BLOCK
        if place == 0:
            episodes = np.arange(self._episode, self._episode + BLOCK, dtype=np.int32)
            tapes = self._packing.draw(np.full(BLOCK, self._seed, np.uint32), episodes)
            self._block = tapes, self._packing.begin(tapes)
        (self._tapes, self._rows), self._place = self._block, place

    def _seen(self) -> tuple[Any, dict[str, Any]]:
        """Read what the player sees."""
        self._sight = self._packing.sight(self._rows, slice(self._place, self._place + 1))
        mask = self._sight.device_mask[0].astype(np.int8)
        self._choice.device_mask = mask
        observation = shaped(self._sight.observation[0], self.selection.num_devices, self._form)
        return observation, {"action_mask": mask.copy()}


def packed(selection: ExpertSelection | str) -> Packing:
    """Pack an environment, or the scenario of a name."""
    return packed_scenario(selection) if isinstance(selection, str) else pack(selection)


def observation_space(num_devices: int, form: ObservationForm) -> spaces.Space[Any]:
    """Describe what is seen of a number of devices.

    Raises:
      ValueError: there is no such form.
    """
    num_features, num_context = len(DEVICE_FEATURES), len(CONTEXT_FEATURES)
    if form == "flat":
        features = num_devices * num_features + num_context
        high = np.array([GREATEST_FEATURE] * features + [1.0] * num_devices, np.float32)
        low = np.array([-GREATEST_FEATURE] * features + [0.0] * num_devices, np.float32)
        return spaces.Box(low, high, dtype=np.float32)
    if form != "dict":
        message = f"`observation` must be 'flat' or 'dict', got '{form}'."
        raise ValueError(message)
    least, greatest = -GREATEST_FEATURE, GREATEST_FEATURE
    return spaces.Dict(
        {
            "devices": spaces.Box(least, greatest, (num_devices, num_features), np.float32),
            "context": spaces.Box(least, greatest, (num_context,), np.float32),
            "action_mask": spaces.Box(0, 1, (num_devices,), np.int8),
        }
    )


def shaped(flat: Float[np.ndarray, "*batch D"], num_devices: int, form: ObservationForm) -> Any:
    """Bring flat observations into their form; the arrays are new or `flat` itself."""
    if form == "flat":
        return flat
    seen = unflattened(flat, num_devices)
    return {
        "devices": seen.devices,
        "context": seen.context,
        "action_mask": seen.device_mask.astype(np.int8),
    }


def tape_block(packing: Packing, tape: Tape) -> Float[Array, "R K"]:
    """Turn a tape that was given into a block of nothing else.

    Raises:
      ValueError: it is not one of this environment.
    """
    wanted = jax.eval_shape(lambda: packing.selection.tape(jax.random.key(0)))
    same = jax.tree.structure(tape) == jax.tree.structure(wanted) and all(
        np.shape(got) == like.shape
        for got, like in zip(jax.tree.leaves(tape), jax.tree.leaves(wanted), strict=True)
    )
    if not same:
        message = "`options['tape']` must be a tape of this environment, as `selection.tape` draws it."
        raise ValueError(message)
    return jnp.broadcast_to(packing.tape_of(tape), (BLOCK, packing.tape_length))


def _register() -> None:
    """Register the ids of all scenarios, once."""
    for name in ABOUT:
        for version in (name, f"{name}-small"):
            if (registered := f"net4moe/{version}-v0") not in gymnasium.registry:
                gymnasium.register(
                    id=registered,
                    entry_point="net4moe.environment.gymnasium_front:SelectionEnv",
                    vector_entry_point="net4moe.environment.gymnasium_vector:SelectionVectorEnv",
                    kwargs={"selection": version},
                )


_register()
