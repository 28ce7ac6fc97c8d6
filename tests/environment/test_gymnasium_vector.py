"""A batch of environments through Gymnasium: each plays what it would play alone."""

import re
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from net4moe.environment.gymnasium_front import SelectionEnv
from net4moe.environment.gymnasium_vector import SelectionVectorEnv

SMALL = "thermal-small"
CHOICES = 36


def allowed(mask: Any, choice: int) -> int:
    """Take the allowed devices in turn."""
    devices = np.flatnonzero(mask)
    return int(devices[choice % len(devices)])


def played(num_envs: int, seed: Any, index: int) -> list[tuple[Any, ...]]:
    """Play over an end and give what one of the environments saw."""
    envs = SelectionVectorEnv(num_envs, SMALL)
    observation, infos = envs.reset(seed=seed)
    seen: list[tuple[Any, ...]] = [(observation[index],)]
    for choice in range(CHOICES):
        actions = np.array([allowed(mask, choice) for mask in infos["action_mask"]])
        observation, reward, terminated, _, infos = envs.step(actions)
        seen.append((observation[index], reward[index], terminated[index]))
    return seen


def played_alone(seed: int) -> list[tuple[Any, ...]]:
    """Play the same with a single environment; the choice after an end begins the next episode."""
    env = SelectionEnv(SMALL)
    observation, info = env.reset(seed=seed)
    seen: list[tuple[Any, ...]] = [(observation,)]
    ended = False
    for choice in range(CHOICES):
        reward = 0.0
        if ended:
            (observation, info), ended = env.reset(), False
        else:
            observation, reward, ended, _, info = env.step(allowed(info["action_mask"], choice))
        seen.append((observation, reward, ended))
    return seen


def alike(first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]) -> bool:
    """Tell whether two plays are the same bit for bit."""
    return all(
        np.array_equal(one, other)
        for left, right in zip(first, second, strict=True)
        for one, other in zip(left, right, strict=True)
    )


def test_a_seed_plays_the_same_in_every_batch_and_alone() -> None:
    """Seed 5 as the only one of 1, the third of 3, and one of 20 with a list of seeds."""
    expected = played_alone(5)
    assert any(row[2] for row in expected[1:])
    assert alike(expected, played(1, 5, 0))
    assert alike(expected, played(3, 3, 2))
    seeds = [100 + n for n in range(20)]
    seeds[17] = 5
    assert alike(expected, played(20, seeds, 17))
    assert not alike(expected, played(3, 3, 1))


def test_the_choice_after_an_end_begins_anew() -> None:
    """It earns nothing and is not read, not even where the mask forbids it."""
    envs = SelectionVectorEnv(2, SMALL)
    assert envs.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    _, infos = envs.reset(seed=0)
    for choice in range(32):
        _, _, terminated, truncated, infos = envs.step(
            np.array([allowed(mask, choice) for mask in infos["action_mask"]])
        )
        assert np.array_equal([choice == 31] * 2, terminated)
        assert not truncated.any()
    observation, reward, terminated, _, infos = envs.step(np.array([99, -1]))
    assert np.array_equal([0.0, 0.0], reward)
    assert not terminated.any()
    assert np.array_equal([True, True], infos["_action_mask"])
    alone = SelectionEnv(SMALL)
    alone.reset(seed=0)
    assert np.array_equal(alone.reset()[0], observation[0])


def test_gymnasium_makes_it() -> None:
    """By the id, and its spaces hold what it gives."""
    envs: Any = gymnasium.make_vec(
        f"net4moe.environment.gymnasium_front:net4moe/{SMALL}-v0", num_envs=3, observation="dict"
    )
    assert isinstance(envs, SelectionVectorEnv)
    observation, infos = envs.reset(seed=[1, None, 3])
    assert observation in envs.observation_space
    assert np.array_equal(infos["action_mask"].astype(bool), envs.action_masks())
    actions = envs.action_space.sample(mask=tuple(infos["action_mask"]))
    observation, reward, *_ = envs.step(actions)
    assert observation in envs.observation_space
    assert np.isfinite(reward).all()


def test_mistakes_are_named() -> None:
    """Numbers of environments, of seeds and of actions, and devices that cannot be chosen."""
    with pytest.raises(ValueError, match=r"^`num_envs` must be at least 1, got 0\.$"):
        SelectionVectorEnv(0, SMALL)
    envs = SelectionVectorEnv(2, SMALL)
    assert envs.action_masks().all()
    with pytest.raises(ValueError, match=r"^`reset` must be called before `step`\.$"):
        envs.step(np.array([0, 0]))
    with pytest.raises(ValueError, match=r"^`seed` must hold 2 seeds, got 3\.$"):
        envs.reset(seed=[1, 2, 3])
    envs.reset(seed=0)
    text = "`actions` must be 2 whole numbers, got float64 of the shape (2,)."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        envs.step(np.array([0.0, 1.0]))
    with pytest.raises(ValueError, match=r"^`actions` must be from 0 to 2, got 3 for environment 1\.$"):
        envs.step(np.array([0, 3]))


def test_a_forbidden_device_is_refused() -> None:
    """The sentence says in which environment, and none of them is stepped."""
    envs = SelectionVectorEnv(2, "battery-small")
    _, infos = envs.reset(seed=0)
    while infos["action_mask"][1].all():
        *_, infos = envs.step(np.array([0, 2]))
    device = int(np.flatnonzero(infos["action_mask"][1] == 0)[0])
    with pytest.raises(
        ValueError, match=rf"^Environment 1: Device {device} may not be chosen: it is too hot"
    ):
        envs.step(np.array([0, device]))
    envs.step(np.array([0, 0]))
