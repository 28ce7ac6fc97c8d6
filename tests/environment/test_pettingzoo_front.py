"""Several users through PettingZoo: its own checker, seeds, masks and errors."""

from typing import Any

import numpy as np
import pytest
from pettingzoo.test import parallel_api_test

from net4moe.environment.pettingzoo_front import SelectionParallelEnv

SMALL = "battery-small"


def first_allowed(observations: dict[str, Any]) -> dict[str, int]:
    """Take the last device that each mask allows."""
    return {user: int(np.flatnonzero(seen["action_mask"])[-1]) for user, seen in observations.items()}


def played(env: SelectionParallelEnv, seed: int | None) -> list[float]:
    """Play an episode and give what everybody earned."""
    observations, _ = env.reset(seed=seed)
    earned = []
    while env.agents:
        observations, rewards, *_ = env.step(first_allowed(observations))
        earned += list(rewards.values())
    return earned


def test_the_checker_of_pettingzoo_passes() -> None:
    """With masks, over two episodes."""
    parallel_api_test(SelectionParallelEnv(SMALL, num_users=3), num_cycles=100)


def test_seeds_say_which_episodes_are_played() -> None:
    """The same seed plays the same, the next reset another."""
    env = SelectionParallelEnv(SMALL, num_users=2)
    first, following = played(env, 4), played(env, None)
    assert len(first) == 2 * 32
    assert first == played(SelectionParallelEnv(SMALL, num_users=2), 4)
    assert first != following


def test_users_see_their_spaces() -> None:
    """Observation and mask; infos have the mask, too."""
    env = SelectionParallelEnv(SMALL, num_users=2)
    observations, infos = env.reset(seed=0)
    for user in env.possible_agents:
        assert env.observation_space(user).contains(observations[user])
        assert np.array_equal(observations[user]["action_mask"], infos[user]["action_mask"])
    assert env.agents == ["user_0", "user_1"]


def test_mistakes_are_named() -> None:
    """No users, no action, no such device, one that may not be chosen."""
    with pytest.raises(ValueError, match=r"^`num_users` must be at least 1, got 0\.$"):
        SelectionParallelEnv(SMALL, num_users=0)
    env = SelectionParallelEnv(SMALL, num_users=2)
    _, infos = env.reset(seed=0)
    with pytest.raises(ValueError, match=r"^`actions` must hold a device for user_1\.$"):
        env.step({"user_0": 0})
    with pytest.raises(ValueError, match=r"^`actions` must be from 0 to 2, got 3 for user_1\.$"):
        env.step({"user_0": 0, "user_1": 3})
    while infos["user_1"]["action_mask"].all():
        *_, infos = env.step({"user_0": 0, "user_1": 2})
    device = int(np.flatnonzero(infos["user_1"]["action_mask"] == 0)[0])
    with pytest.raises(ValueError, match=rf"^user_1: Device {device} may not be chosen: it is too hot"):
        env.step({"user_0": 0, "user_1": device})
