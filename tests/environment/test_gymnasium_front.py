"""The environment through Gymnasium: its own checker, seeds, masks and errors."""

import re
from typing import Any

import gymnasium
import jax
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from net4moe.environment.gymnasium_front import DeviceChoice, SelectionEnv
from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES
from net4moe.environment.scenarios import SCENARIOS, scenario

SMALL = "battery-small"


def played(env: Any, num_choices: int, seed: int | None = None) -> list[Any]:
    """Play some choices with the device that the mask allows in turn, and go on after each end."""
    observation, info = env.reset(seed=seed)
    seen: list[Any] = [observation]
    for choice in range(num_choices):
        allowed = np.flatnonzero(info["action_mask"])
        observation, reward, terminated, truncated, info = env.step(int(allowed[choice % len(allowed)]))
        seen += [observation, reward, terminated]
        assert not truncated
        if terminated:
            observation, info = env.reset()
            seen.append(observation)
    return seen


def alike(first: list[Any], second: list[Any]) -> bool:
    """Tell whether two plays are the same bit for bit."""
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


@pytest.mark.parametrize("form", ["flat", "dict"])
def test_the_checker_of_gymnasium_has_nothing_to_say(form: str) -> None:
    """Neither an error nor a warning, rendering included."""
    check_env(gymnasium.make(f"net4moe/{SMALL}-v0", observation=form).unwrapped)


def test_the_checker_of_stable_baselines_has_nothing_to_say() -> None:
    """Neither an error nor a warning."""
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(gymnasium.make(f"net4moe/{SMALL}-v0").unwrapped, skip_render_check=False)


def test_every_scenario_has_two_ids() -> None:
    """Large and small, and the form with the module in front."""
    for name in SCENARIOS:
        assert {f"net4moe/{name}-v0", f"net4moe/{name}-small-v0"} <= set(gymnasium.registry)
    env = gymnasium.make(f"net4moe.environment.gymnasium_front:net4moe/{SMALL}-v0")
    assert isinstance(env.unwrapped, SelectionEnv)


def test_seeds_say_which_episodes_are_played() -> None:
    """The same seed plays the same 40 choices over an end, another seed others, and each reset a new one."""
    env = SelectionEnv(SMALL)
    first, again, other = played(env, 40, seed=7), played(env, 40, seed=7), played(env, 40, seed=8)
    assert alike(first, again)
    assert not alike(first, other)
    elsewhere = played(SelectionEnv(SMALL), 40, seed=7)
    assert alike(first, elsewhere)


def test_every_reset_begins_another_episode() -> None:
    """Past the block in which episodes are drawn, too."""
    env = SelectionEnv("case-study-small")
    lots = []
    for episode in range(40):
        env.reset(seed=3 if episode == 0 else None)
        lots.append(float(env.state.tape.moments.uniform[0]))
    assert len(set(lots)) == 40
    env.reset(seed=3)
    assert lots[0] == float(env.state.tape.moments.uniform[0])


def test_an_episode_is_that_of_the_documented_key() -> None:
    """Episode 2 of seed 5 earns what the environment itself gives on the tape of that key."""
    env = SelectionEnv(SMALL)
    env.reset(seed=5)
    env.reset()
    env.reset()
    selection = scenario("battery").small
    tape = selection.tape(jax.random.fold_in(jax.random.key(5), 2), 2)
    step = jax.jit(lambda state, action: selection.step(state, action))
    state, observation = selection.start(tape)
    for _ in range(5):
        action = int(np.flatnonzero(observation.device_mask)[-1])
        _, reward, *_ = env.step(action)
        state, observation, expected, *_ = step(state, np.int32(action))
        assert float(expected) == pytest.approx(reward, rel=1e-6)


def test_a_tape_can_be_given() -> None:
    """It plays the same each time, and does not count."""
    env = SelectionEnv("case-study-small")
    tape = env.selection.tape(jax.random.key(99))
    expected = env.reset(seed=1)[0], env.reset()[0]
    first = env.reset(seed=1, options={"tape": tape})[0]
    assert np.array_equal(first, env.reset(options={"tape": tape})[0])
    assert np.array_equal(expected[0], env.reset(seed=1)[0])
    env.reset(options={"tape": tape})
    assert np.array_equal(expected[1], env.reset()[0])


def test_the_forms_show_the_same() -> None:
    """Rows, context and mask of the dictionary stand in this order in the flat one."""
    flat, _ = SelectionEnv(SMALL).reset(seed=2)
    parts, info = SelectionEnv(SMALL, observation="dict").reset(seed=2)
    assert parts["devices"].shape == (3, len(DEVICE_FEATURES))
    assert parts["context"].shape == (len(CONTEXT_FEATURES),)
    assert np.array_equal(np.concatenate([parts[name].ravel() for name in parts]), flat)
    assert np.array_equal(parts["action_mask"], info["action_mask"])
    assert (info["action_mask"].dtype, flat.dtype) == (np.int8, np.float32)


def test_an_episode_terminates_and_a_limit_truncates() -> None:
    """32 choices; then nothing is earned. A time limit of Gymnasium is no end of ours."""
    env = SelectionEnv(SMALL)
    env.reset(seed=0)
    ends = [env.step(0)[2] for _ in range(32)]
    assert [False] * 31 + [True] == ends
    assert env.step(0)[1:4] == (0.0, True, False)
    limited = gymnasium.make(f"net4moe/{SMALL}-v0", max_episode_steps=2)
    limited.reset(seed=0)
    limited.step(0)
    assert limited.step(0)[2:4] == (False, True)


def test_a_sample_is_always_allowed() -> None:
    """A random player never meets a mask, which is there in three forms."""
    env = SelectionEnv(SMALL)
    _, info = env.reset(seed=0)
    env.action_space.seed(0)
    forbidden = 0
    for _ in range(100):
        assert np.array_equal(env.action_masks(), info["action_mask"].astype(bool))
        forbidden += int(np.sum(info["action_mask"] == 0))
        *_, terminated, _, info = env.step(env.action_space.sample())
        if terminated:
            _, info = env.reset()
    assert forbidden > 0
    choice = DeviceChoice(3)
    assert choice.sample(mask=np.array([0, 0, 1], np.int8)) == 2


def emptied(env: SelectionEnv) -> int:
    """Play until a device is forbidden, and name it."""
    _, info = env.reset(seed=0)
    while info["action_mask"].all():
        *_, info = env.step(2)
    return int(np.flatnonzero(info["action_mask"] == 0)[0])


def test_a_forbidden_device_is_refused() -> None:
    """The sentence says which and why, and the episode goes on as if nothing had been asked."""
    env = SelectionEnv(SMALL)
    device = emptied(env)
    before = env.state.step_index
    text = (
        f"Device {device} may not be chosen: it is too hot or its charge does not suffice; "
        f"allowed are {', '.join(str(n) for n in range(3) if n != device)}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        env.step(device)
    assert int(before) == int(env.state.step_index)
    env.step(0)


def test_mistakes_are_named() -> None:
    """A device, a form, a mode, a scenario or a tape that there is not, and a step before the start."""
    env = SelectionEnv(SMALL)
    with pytest.raises(ValueError, match=r"^`reset` must be called before `step`\.$"):
        env.step(0)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"^`action` must be from 0 to 2, got 3\.$"):
        env.step(3)
    with pytest.raises(TypeError):
        env.step(0.5)
    with pytest.raises(ValueError, match=r"^`observation` must be 'flat' or 'dict', got 'image'\.$"):
        SelectionEnv(SMALL, observation="image")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^`render_mode` must be 'rgb_array' or None, got 'human'\.$"):
        SelectionEnv(SMALL, render_mode="human")
    with pytest.raises(ValueError, match=r"^There is no scenario 'nowhere'"):
        SelectionEnv("nowhere")
    text = "`options['tape']` must be a tape of this environment, as `selection.tape` draws it."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        env.reset(options={"tape": scenario("case-study").small.tape(jax.random.key(0))})


def test_a_picture_is_drawn_where_it_is_asked_for() -> None:
    """RGB, and none without a mode."""
    env = SelectionEnv(SMALL, render_mode="rgb_array")
    assert env.render() is None
    env.reset(seed=0)
    env.step(0)
    assert env.render().shape == (480, 640, 3)
    assert SelectionEnv(SMALL).render() is None
