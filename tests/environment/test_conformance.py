"""Good environments pass, and each broken promise is caught and named."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import pytest

from net4moe.environment.conformance import EnvironmentConformance, check_environment
from net4moe.environment.decisions import Decisions
from net4moe.environment.episodes import Step
from net4moe.environment.observation import Observation
from net4moe.environment.scenarios import scenario

NUM_STEPS = 4


class Count(NamedTuple):
    """How far it is, and the prize of the second device."""

    step_index: Any
    prize: Any


@dataclass(frozen=True)
class Prizes:
    """Four choices among three devices: 1, the prize, or what may not be chosen; each part can be broken."""

    version: ClassVar[int] = 1

    see: Callable[[Any, Any], Any] = lambda state, seen: seen
    earn: Callable[[Any, Any, Any], Any] = lambda state, action, reward: reward
    go_on: Callable[[Any], Any] = lambda state: state
    end: Callable[[Any, Any], Any] = lambda state, over: over
    lay_out: Callable[[Any], Any] = lambda rewards: rewards
    draw: Callable[[Any], Any] = lambda key: jax.random.uniform(key, (), jnp.float32)

    @property
    def num_steps(self) -> int:
        """Four."""
        return NUM_STEPS

    def tape(self, key: Any, episode: Any = 0) -> Any:
        """Draw the prize."""
        return self.draw(key)

    def start(self, tape: Any) -> tuple[Count, Observation]:
        """Begin."""
        state = Count(jnp.zeros((), jnp.int32), tape)
        return state, self.seen(state)

    def seen(self, state: Count) -> Observation:
        """Show the prize."""
        shown = Observation(
            devices=jnp.stack([jnp.ones(()), state.prize, jnp.zeros(())])[:, None],
            context=jnp.zeros(1),
            device_mask=jnp.array([True, True, False]),
        )
        return self.see(state, shown)

    def rewards(self, state: Count) -> Any:
        """Earn 1 or the prize; the third device may not be chosen."""
        return jnp.stack([jnp.ones(()), state.prize, jnp.array(jnp.nan)])

    def unfinished(self, state: Count) -> Any:
        """Count to four."""
        return ~self.end(state, state.step_index >= NUM_STEPS)

    def step(self, state: Count, action: Any) -> Step:
        """Count on."""
        reward = self.earn(state, action, self.rewards(state)[action])
        following = self.go_on(state._replace(step_index=state.step_index + 1))
        live = state.step_index < NUM_STEPS
        return Step(
            state=following,
            observation=self.seen(following),
            reward=jnp.where(live, reward, self.earn(state, action, jnp.zeros(()))),
            terminated=~self.unfinished(following),
            truncated=jnp.zeros((), jnp.bool_),
        )

    def decision(self, state: Count) -> Decisions:
        """Lay everything out."""
        rewards = self.lay_out(self.rewards(state))
        return Decisions(
            self.seen(state), state.step_index, jnp.ones(()) / 2, self.unfinished(state), rewards, rewards
        )


TURNS = iter(range(1_000_000))


def moody(_: Any = None) -> float:
    """Be another number each time."""
    return float(next(TURNS))


BROKEN = {
    "`observation.devices` is not finite at choice 0.": replace(
        Prizes(), see=lambda state, seen: seen._replace(devices=seen.devices / 0.0)
    ),
    "`observation.context` must be float32, got int32.": replace(
        Prizes(), see=lambda state, seen: seen._replace(context=jnp.zeros(1, jnp.int32))
    ),
    "`step` was traced 2 times: the shapes or types of its state change.": replace(
        Prizes(), go_on=lambda state: state._replace(step_index=state.step_index * 1.0)
    ),
    "No device may be chosen at choice 2, and the episode is not over.": replace(
        Prizes(),
        see=lambda state, seen: seen._replace(device_mask=seen.device_mask & (state.step_index != 2)),
    ),
    "The episode is not over after `num_steps` choices, which are 4.": replace(
        Prizes(), end=lambda state, over: jnp.zeros_like(over)
    ),
    "A choice after the end earned 5.0, which must be 0.": replace(
        Prizes(), earn=lambda state, action, reward: jnp.where(state.step_index < NUM_STEPS, reward, 5.0)
    ),
    "`rewards` is 0.0 for the forbidden device 2 at choice 0.": replace(Prizes(), lay_out=jnp.nan_to_num),
    "The forbidden device 2 earned 0.0, which must be NaN.": replace(
        Prizes(), earn=lambda state, action, reward: jnp.nan_to_num(reward)
    ),
    "`step` and `rewards` disagree about device ": replace(
        Prizes(), earn=lambda state, action, reward: jnp.where(reward > 0, reward + 1.0, reward)
    ),
    "Reading `decision` twice gave two answers, in `observation.context`.": replace(
        Prizes(), see=lambda state, seen: seen._replace(context=seen.context + moody())
    ),
    "The same key gave two tapes, in `value`.": replace(Prizes(), draw=lambda key: jnp.zeros(()) + moody()),
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_promise_is_named(text: str) -> None:
    """One sentence says which."""
    with pytest.raises(AssertionError, match=f"^{re.escape(text)}"):
        check_environment(BROKEN[text], jax.random.key(0))


def test_a_good_environment_passes() -> None:
    """Nothing is said."""
    check_environment(Prizes(), jax.random.key(0))


class TestPrizes(EnvironmentConformance):
    """The tests that others inherit, on the same environment."""

    def environment(self) -> Prizes:
        """Break nothing."""
        return Prizes()


class TestCaseStudy(EnvironmentConformance):
    """And on a scenario."""

    def environment(self) -> Any:
        """Take the small one."""
        return scenario("case-study").small


def test_an_environment_must_be_given() -> None:
    """The class alone tests nothing."""
    with pytest.raises(NotImplementedError):
        EnvironmentConformance().environment()
