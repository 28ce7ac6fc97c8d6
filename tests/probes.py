"""Tiny environments with known best values: an agent that misses one has a fault that the probe names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.decisions import Decisions
from net4moe.environment.episodes import Step
from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, Observation

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, Key

__all__ = [
    "Probe",
    "constant_reward",
    "endless",
    "observe_all",
    "reward_by_action",
    "reward_by_observation",
    "reward_forbidden",
    "reward_later",
    "reward_of_patience",
]


class ProbeTape(NamedTuple):
    """Where an episode begins, and its running number."""

    begin: Int[Array, ""]
    episode: Int[Array, ""]


class ProbeState(NamedTuple):
    """Where an episode stands: its tape, the place, the choices made, and whether it is over."""

    tape: ProbeTape
    place: Int[Array, ""]
    num_made: Int[Array, ""]
    over: Bool[Array, ""]


class Probe(eqx.Module):
    """A few places; each choice has a fixed reward and leads to a fixed place. Implements `Environment`.

    Devices are told apart by their feature `snr`, places by the context feature `load`. A choice that the mask
    forbids earns NaN, and what is seen after the end is NaN: neither may reach a network's weights.

    Attributes:
      rewards: reward of each choice in each place.
      leads_to: the next place; -1 where the episode terminates.
      mask: which choices are allowed in each place.
      num_begins: an episode begins in one of the first so many places, by lot.
      greatest_length: after so many choices, at most 8, an episode is cut short.
    """

    version: ClassVar[int] = 1

    rewards: Float[Array, "P N"]
    leads_to: Int[Array, "P N"]
    mask: Bool[Array, "P N"]
    num_begins: Int[Array, ""]
    greatest_length: Int[Array, ""]

    def __init__(
        self,
        rewards: list[list[float]],
        leads_to: list[list[int]],
        *,
        mask: list[list[bool]] | None = None,
        num_begins: int = 1,
        greatest_length: int = 8,
    ) -> None:
        """Lay out the places, padded with forbidden choices so that all probes share one compilation."""
        shape = (len(rewards), len(rewards[0]))
        padding = [(0, 3 - count) for count in shape]
        allowed = np.ones(shape, np.bool_) if mask is None else np.asarray(mask)
        self.rewards = jnp.asarray(np.pad(np.asarray(rewards, np.float32), padding))
        self.leads_to = jnp.asarray(np.pad(np.asarray(leads_to, np.int32), padding, constant_values=-1))
        self.mask = jnp.asarray(np.pad(allowed, padding))
        self.num_begins = jnp.asarray(num_begins, jnp.int32)
        self.greatest_length = jnp.asarray(greatest_length, jnp.int32)

    @property
    def num_steps(self) -> int:
        """Greatest number of choices in an episode."""
        return 8

    def tape(self, key: Key[Array, ""], episode: Int[Array, ""] | int = 0) -> ProbeTape:
        """Draw where the episode begins."""
        return ProbeTape(jax.random.randint(key, (), 0, self.num_begins), jnp.asarray(episode, jnp.int32))

    def start(self, tape: ProbeTape) -> tuple[ProbeState, Observation]:
        """Begin an episode with a given tape."""
        state = ProbeState(tape, tape.begin, jnp.zeros((), jnp.int32), jnp.zeros((), jnp.bool_))
        return state, self.observe(state)

    def step(self, state: ProbeState, action: Int[Array, ""]) -> Step:
        """Make one choice."""
        allowed = self.mask[state.place, action]
        reward = jnp.where(allowed, self.rewards[state.place, action], jnp.nan)
        following = self.leads_to[state.place, action]
        num_made = state.num_made + 1
        terminated = state.over | (following < 0)
        truncated = ~terminated & (num_made >= self.greatest_length)
        after = ProbeState(state.tape, jnp.maximum(following, 0), num_made, terminated)
        return Step(after, self.observe(after), jnp.where(state.over, 0.0, reward), terminated, truncated)

    def unfinished(self, state: ProbeState) -> Bool[Array, ""]:
        """Tell whether a choice is left to make."""
        return ~state.over & (state.num_made < self.greatest_length)

    def decision(self, state: ProbeState) -> Decisions:
        """Lay out the choice at hand."""
        rewards = jnp.where(self.mask[state.place], self.rewards[state.place], jnp.nan)
        return Decisions(
            observation=self.observe(state),
            turn=state.tape.episode * self.num_steps + state.num_made,
            uniform=jnp.asarray(0.5),
            valid=self.unfinished(state),
            rewards=rewards,
            mean_rewards=rewards,
        )

    def observe(self, state: ProbeState) -> Observation:
        """Show the place and the devices; nothing but NaN once the episode is over."""
        shown = self.look(state.place)
        return Observation(
            jnp.where(state.over, jnp.nan, shown.devices),
            jnp.where(state.over, jnp.nan, shown.context),
            shown.device_mask & ~state.over,
        )

    def look(self, place: Int[Array, ""] | int) -> Observation:
        """Show a place."""
        num_places, num_devices = self.rewards.shape
        devices = jnp.zeros((num_devices, len(DEVICE_FEATURES)))
        context = jnp.zeros(len(CONTEXT_FEATURES))
        name = jnp.linspace(-1.0, 1.0, num_devices)
        return Observation(
            devices.at[:, DEVICE_FEATURES.index("snr")].set(name),
            context.at[CONTEXT_FEATURES.index("load")].set(2.0 * place / max(num_places - 1, 1) - 1.0),
            self.mask[place],
        )

    def soft_values(self, discount: float, temperature: float) -> np.ndarray:
        """Compute the soft Q-values by value iteration in 64-bit floats, without a limit on the steps.

            Q(s, a) = r + discount alpha log sum_a' exp(Q(s', a') / alpha)        over the allowed choices

        A temperature of 0 takes the maximum in place of the sum. NaN for a forbidden choice.
        """
        rewards, leads_to, mask = (np.asarray(table) for table in (self.rewards, self.leads_to, self.mask))
        q = np.zeros(rewards.shape)
        for _ in range(2_000):
            open_q = np.where(mask | ~mask.any(axis=1, keepdims=True), q, -np.inf)  # padding is all forbidden
            best = open_q.max(axis=1)
            if temperature:
                best += temperature * np.log(np.exp((open_q - best[:, None]) / temperature).sum(axis=1))
            q = rewards + discount * np.where(leads_to < 0, 0.0, best[leads_to])
        return np.where(mask, q, np.nan)


def constant_reward() -> Probe:
    """One choice, always worth 1: the value is 1. A fault: the value, or the step size."""
    return Probe([[1.0, 1.0]], [[-1, -1]])


def reward_by_observation() -> Probe:
    """One choice, worth 1 in one place and -1 in the other. A fault: the value does not look."""
    return Probe([[1.0, 1.0], [-1.0, -1.0]], [[-1, -1], [-1, -1]], num_begins=2)


def reward_later() -> Probe:
    """Nothing, then 1: the value is the discount, then 1. A fault: the bootstrap."""
    return Probe([[0.0, 0.0], [1.0, 1.0]], [[1, 1], [-1, -1]])


def reward_by_action() -> Probe:
    """One choice of three; the best is device 0 in one place, 2 in the other. A fault: the policy."""
    return Probe([[2.0, 1.0, 0.0], [0.0, 1.0, 2.0]], [[-1] * 3, [-1] * 3], num_begins=2)


def reward_forbidden() -> Probe:
    """The mask forbids what would be worth 100; 2 is left, and in the second place one choice only."""
    return Probe(
        [[1.0, 100.0, 2.0], [0.0, 0.0, 100.0]],
        [[1, 1, 1], [-1, -1, -1]],
        mask=[[True, False, True], [False, True, False]],
    )


def reward_of_patience() -> Probe:
    """1 at once and nothing more, or nothing now and 3 after: 3 discounted. A fault: it is myopic."""
    return Probe([[1.0, 0.0], [0.0, 0.0], [0.0, 3.0]], [[1, 2], [-1, -1], [-1, -1]])


def endless(greatest_length: int = 8) -> Probe:
    """Give 1 for ever, cut short after some choices: 1 / (1 - discount), however many. A fault: truncation."""
    return Probe([[1.0, 1.0]], [[0, 0]], greatest_length=greatest_length)


def observe_all(probe: Probe) -> Any:
    """Show all places as a batch."""
    return jax.vmap(probe.look)(jnp.arange(probe.rewards.shape[0]))
