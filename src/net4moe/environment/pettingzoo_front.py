"""Several users who share devices, as PettingZoo knows them; `users` has the model."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv

from net4moe.environment.gymnasium_front import DeviceChoice, observation_space
from net4moe.environment.packing import flat_observation, scenario_named
from net4moe.environment.refusals import refusal
from net4moe.environment.users import Users, start_users, step_users

if TYPE_CHECKING:
    from net4moe.environment.selection import ExpertSelection

__all__ = ["SelectionParallelEnv"]


@eqx.filter_jit
def _start(selection: ExpertSelection, key: Any, num_users: int) -> tuple[Users, Any]:
    users, observations = start_users(selection, key, num_users)
    return users, flat_observation(observations)


@eqx.filter_jit
def _step(selection: ExpertSelection, users: Users, actions: Any) -> tuple[Users, Any, Any, Any]:
    step = step_users(selection, users, actions)
    return step.state, flat_observation(step.observation), step.reward, step.terminated


class SelectionParallelEnv(ParallelEnv[str, dict[str, Any], int]):
    """Users `user_0`, `user_1` ... place their subtasks on devices that they share.

    Observation:
      `observation`: the flat one of `SelectionEnv`, the user's own device first. `action_mask`: int8, 1 where
      the device may be chosen; also in `infos[user]["action_mask"]`.

    Action:
      Index of the device, 0 for the user's own. One that the mask forbids is refused with a `ValueError`.

    Reward:
      Each user's own, that of `ExpertSelection`.

    Start:
      `reset(seed=s)` plays episode 0 of seed s, each further `reset()` the next one.

    End:
      A user whose last subtask is placed leaves `agents`; never truncated.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[override]
        "name": "net4moe_v0",
        "render_modes": [],
    }

    def __init__(self, selection: ExpertSelection | str, *, num_users: int = 3) -> None:
        """Gather users.

        Args:
          selection: the environment of one user, or the name of a scenario, with `-small` for its small version.
          num_users: number of users, at least 1.

        Raises:
          ValueError: there are no users, or no such scenario.
        """
        if num_users < 1:
            message = f"`num_users` must be at least 1, got {num_users}."
            raise ValueError(message)
        self.selection = scenario_named(selection) if isinstance(selection, str) else selection
        self.render_mode = None
        self.possible_agents = [f"user_{n}" for n in range(num_users)]
        self.agents: list[str] = []
        num_devices = self.selection.num_devices
        seen = spaces.Dict(
            {
                "observation": observation_space(num_devices, "flat"),
                "action_mask": spaces.Box(0, 1, (num_devices,), np.int8),
            }
        )
        self._seen_space = seen
        self._choices = {user: DeviceChoice(num_devices) for user in self.possible_agents}
        self._seed, self._episode = None, 0

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """Describe what a user sees."""
        return self._seen_space

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Describe what a user may do."""
        return self._choices[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode; see Start."""
        if seed is not None or self._seed is None:
            drawn = np.random.default_rng().integers(2**32) if seed is None else seed
            self._seed, self._episode = int(drawn) % 2**32, 0
        else:
            self._episode += 1
        key = jax.random.fold_in(jax.random.key(self._seed), self._episode)
        self._users, flat = _start(self.selection, key, len(self.possible_agents))
        self.agents = list(self.possible_agents)
        return self._seen(flat)

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, Any], dict[str, float], dict[str, bool], dict[str, bool], dict[str, Any]]:
        """Place the subtasks that the users have at hand.

        Raises:
          ValueError: a user has no action, or one that is no device or may not be chosen.
        """
        devices = np.zeros(len(self.possible_agents), np.int32)
        for n, user in enumerate(self.possible_agents):
            if user in self.agents:
                devices[n] = self._checked(n, user, actions)
        self._users, flat, *outcome = _step(self.selection, self._users, devices)
        rewards, terminated = map(np.asarray, outcome)
        present = [(n, user) for n, user in enumerate(self.possible_agents) if user in self.agents]
        observations, infos = self._seen(flat)
        self.agents = [user for n, user in present if not terminated[n]]
        return (
            observations,
            {user: float(rewards[n]) for n, user in present},
            {user: bool(terminated[n]) for n, user in present},
            {user: False for _, user in present},
            infos,
        )

    def _checked(self, n: int, user: str, actions: dict[str, int]) -> int:
        """Refuse an action that cannot be played."""
        if user not in actions:
            message = f"`actions` must hold a device for {user}."
            raise ValueError(message)
        device = operator.index(actions[user])
        if not 0 <= device < self.selection.num_devices:
            last = self.selection.num_devices - 1
            message = f"`actions` must be from 0 to {last}, got {device} for {user}."
            raise ValueError(message)
        if not self._choices[user].device_mask[device]:
            state = jax.tree.map(lambda leaf: leaf[n], self._users.states)
            message = f"{user}: {refusal(self.selection, state, device)}"
            raise ValueError(message)
        return device

    def _seen(self, observations: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Read what the users see who are there."""
        flat = np.asarray(observations)
        masks = (flat[:, -self.selection.num_devices :] > 0.5).astype(np.int8)
        seen: dict[str, Any] = {}
        infos: dict[str, Any] = {}
        for n, user in enumerate(self.possible_agents):
            if user in self.agents:
                self._choices[user].device_mask = masks[n].copy()
                seen[user] = {"observation": flat[n].copy(), "action_mask": masks[n].copy()}
                infos[user] = {"action_mask": masks[n].copy()}
        return seen, infos
