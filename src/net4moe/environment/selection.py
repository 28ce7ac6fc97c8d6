"""The environment of the case study, in JAX: choose a device for each subtask of a prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.decisions import Decisions
from net4moe.environment.observation import Observation, encode
from net4moe.environment.outcomes import Expectations, Outcomes, estimate
from net4moe.environment.reward import RewardConfig, weigh
from net4moe.network.costs import compute_cost, sending_time_s, transfer_cost
from net4moe.network.fleet import Fleet
from net4moe.network.snr import SnrConfig, snr_db_from_uniform

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, Key

__all__ = ["ExpertSelection", "State", "Tape"]

_LEAST_UNIFORM = 1e-7


class Tape(NamedTuple):
    """All that chance decides in one episode, drawn before it begins.

    Attributes:
      episode: running number of the episode.
      prompt_index: the prompt.
      snr_db: signal-to-noise ratio of each link at each step, dB.
      uniform: one random number in (0, 1) per step, for policies that draw lots.
    """

    episode: Int[Array, ""]
    prompt_index: Int[Array, ""]
    snr_db: Float[Array, "S N"]
    uniform: Float[Array, " S"]


class State(NamedTuple):
    """Where an episode stands.

    Attributes:
      tape: what chance decided.
      subtask_index: the subtask to be placed next.
    """

    tape: Tape
    subtask_index: Int[Array, ""]


class ExpertSelection(eqx.Module):
    """Place each subtask of a prompt on a device.

    Written for one episode; `jax.vmap` makes a batch. A contextual bandit for each subtask: the choice does
    not influence what comes next, so the best choice for each subtask is the best choice for the prompt.

    Observation:
      `environment.observation.Observation`: one row per device (what its history promises for the subtask's
      field, words, costs, link) and a context (load, share of the prompt left). The score and the words that
      a device will really give are hidden.

    Action:
      Index of the device, among those that the mask allows: the subtask fits its limit of units, and the
      judge scored what its expert wrote (an unscored row has no reward to learn from).

    Reward:
      `environment.reward.weigh`: weighted explicit score minus compute cost minus transfer cost, both of the
      words really written. NaN for a device that the mask forbids, so that the mistake shows.

    Start:
      A prompt by lot; the signal-to-noise ratios of all links at all steps by lot, independent.

    End:
      After the prompt's last subtask, terminated. An episode is never cut short.

    Version:
      1
    """

    version: ClassVar[int] = 1

    outcomes: Outcomes
    expectations: Expectations
    population: Expectations
    fleet: Fleet
    snr_config: SnrConfig = eqx.field(static=True)
    reward_config: RewardConfig = eqx.field(static=True)

    def __init__(
        self,
        outcomes: Outcomes,
        expectations: Expectations,
        fleet: Fleet,
        *,
        snr_config: SnrConfig | None = None,
        reward_config: RewardConfig | None = None,
    ) -> None:
        """Check that the parts fit and that every subtask can be placed.

        Args:
          outcomes: the prompts to play.
          expectations: the devices' histories, estimated from the training prompts only.
          fleet: the devices.
          snr_config: distribution of the links.
          reward_config: weights of the reward.

        Raises:
          ValueError: the parts speak of different numbers of devices or fields, or a subtask fits no device.
        """
        _check(outcomes, expectations, fleet)
        population = estimate(outcomes, num_fields=expectations.score.shape[0], prior_rows=0.0)
        self.outcomes = Outcomes(*map(jnp.asarray, outcomes))
        self.expectations = Expectations(*map(jnp.asarray, expectations))
        self.population = Expectations(*map(jnp.asarray, population))
        self.fleet = jax.tree.map(jnp.asarray, fleet)
        self.snr_config = snr_config or SnrConfig()
        self.reward_config = reward_config or RewardConfig()

    @property
    def num_devices(self) -> int:
        """Number of devices, N."""
        return self.outcomes.score.shape[-1]

    @property
    def num_subtasks(self) -> int:
        """Greatest number of subtasks of a prompt, S."""
        return self.outcomes.score.shape[-2]

    def tape(self, key: Key[Array, ""], episode: Int[Array, ""] | int = 0) -> Tape:
        """Draw all that chance decides in one episode."""
        key_prompt, key_snr, key_uniform = jax.random.split(key, 3)
        shape = (self.num_subtasks, self.num_devices)
        return Tape(
            episode=jnp.asarray(episode, jnp.int32),
            prompt_index=jax.random.randint(key_prompt, (), 0, self.outcomes.score.shape[0]),
            snr_db=snr_db_from_uniform(
                self.snr_config, jax.random.uniform(key_snr, shape, minval=_LEAST_UNIFORM)
            ),
            uniform=jax.random.uniform(key_uniform, shape[:1], minval=_LEAST_UNIFORM),
        )

    def reset(self, key: Key[Array, ""]) -> tuple[State, Observation]:
        """Begin an episode with a tape drawn from the key."""
        return self.start(self.tape(key))

    def start(self, tape: Tape) -> tuple[State, Observation]:
        """Begin an episode with a given tape."""
        state = State(tape=tape, subtask_index=jnp.zeros((), jnp.int32))
        return state, self.observe(state)

    def step(
        self, state: State, action: Int[Array, ""]
    ) -> tuple[State, Observation, Float[Array, ""], Bool[Array, ""]]:
        """Place the subtask at hand on the device `action`.

        Returns:
          The next state, its observation, the reward, and whether the prompt is done. After its end an
          episode gives 0 for ever.
        """
        reward = jnp.where(self.unfinished(state), self.rewards(state)[action], 0.0)
        following = state._replace(subtask_index=state.subtask_index + 1)
        return following, self.observe(following), reward, ~self.unfinished(following)

    def unfinished(self, state: State) -> Bool[Array, ""]:
        """Tell whether a subtask is left to place."""
        inside = state.subtask_index < self.num_subtasks
        return inside & self.outcomes.subtask_mask[self._place(state)]

    def observe(self, state: State) -> Observation:
        """Encode what is known of the subtask at hand; pure, and the same each time it is read."""
        place = self._place(state)
        field_index = self.outcomes.field_index[place]
        num_subtasks = jnp.sum(self.outcomes.subtask_mask[state.tape.prompt_index])
        return encode(
            self.fleet,
            self.reward_config,
            expected_score=self.expectations.score[field_index],
            expected_words=self.expectations.words_ratio[field_index] * self.outcomes.expected_words[place],
            units=self.outcomes.units[place],
            snr_db=state.tape.snr_db[place[1]],
            available=self.outcomes.scored[place],
            prompt_share_left=(num_subtasks - place[1]) / num_subtasks,
        )

    def rewards(self, state: State) -> Float[Array, " N"]:
        """Compute what each device would earn with the subtask at hand; NaN where the mask forbids it."""
        place = self._place(state)
        rewards = self._weigh(state, self.outcomes.score[place], self.outcomes.words[place])
        allowed = self.outcomes.scored[place] & (self.outcomes.units[place] <= self.fleet.units_limit)
        return jnp.where(allowed, rewards, jnp.nan)

    def mean_rewards(self, state: State) -> Float[Array, " N"]:
        """Compute the mean reward of each device, given the field, the assessed words and the links.

        The means are those of the prompts that this environment plays.
        """
        place = self._place(state)
        field_index = self.outcomes.field_index[place]
        words = self.population.words_ratio[field_index] * self.outcomes.expected_words[place]
        return self._weigh(state, self.population.score[field_index], words)

    def decisions(self, tapes: Tape) -> Decisions:
        """Lay out the decisions of a batch of tapes, axes B and S."""
        steps = jnp.arange(self.num_subtasks, dtype=jnp.int32)

        def at(tape: Tape, subtask_index: Int[Array, ""]) -> Decisions:
            state = State(tape=tape, subtask_index=subtask_index)
            return Decisions(
                observation=self.observe(state),
                turn=tape.episode * self.num_subtasks + subtask_index,
                uniform=tape.uniform[subtask_index],
                valid=self.unfinished(state),
                rewards=self.rewards(state),
                mean_rewards=self.mean_rewards(state),
            )

        return jax.vmap(jax.vmap(at, in_axes=(None, 0)), in_axes=(0, None))(tapes, steps)

    @eqx.filter_jit
    def draw_decisions(self, key: Key[Array, ""], num_episodes: int) -> Decisions:
        """Draw a batch of tapes and lay out their decisions."""
        keys = jax.random.split(key, num_episodes)
        return self.decisions(jax.vmap(self.tape)(keys, jnp.arange(num_episodes)))

    def _place(self, state: State) -> tuple[Int[Array, ""], Int[Array, ""]]:
        return state.tape.prompt_index, jnp.minimum(state.subtask_index, self.num_subtasks - 1)

    def _weigh(
        self, state: State, score: Float[Array, " N"], words: Float[Array, " N"]
    ) -> Float[Array, " N"]:
        snr_db = state.tape.snr_db[self._place(state)[1]]
        time_s = sending_time_s(self.fleet, words, snr_db, self.reward_config.bits_per_word)
        return weigh(
            self.reward_config,
            score=score,
            compute_cost=compute_cost(words, self.fleet.compute_cost_per_word),
            transfer_cost=transfer_cost(time_s, self.reward_config.transfer_cost_per_s),
        )


def _check(outcomes: Outcomes, expectations: Expectations, fleet: Fleet) -> None:
    """Refuse parts that do not fit and subtasks that no device can take."""
    num_devices = outcomes.score.shape[-1]
    for label, count in (
        ("expectations", expectations.score.shape[-1]),
        ("fleet", fleet.bandwidth_hz.shape[-1]),
    ):
        if count != num_devices:
            message = f"`{label}` must be of {num_devices} devices as `outcomes`, got {count}."
            raise ValueError(message)
    num_fields = expectations.score.shape[0]
    greatest = int(np.max(outcomes.field_index))
    if greatest >= num_fields:
        message = f"`expectations` must know field {greatest} of `outcomes`, got {num_fields} fields."
        raise ValueError(message)
    for label, values in (("outcomes.score", outcomes.score), ("expectations.score", expectations.score)):
        if not np.all(np.isfinite(values)):
            message = f"`{label}` must be finite."
            raise ValueError(message)
    allowed = np.asarray(outcomes.scored) & (np.asarray(outcomes.units) <= np.asarray(fleet.units_limit))
    stuck = np.argwhere(np.asarray(outcomes.subtask_mask) & ~allowed.any(axis=-1))
    if stuck.size:
        prompt_index, subtask_index = stuck[0]
        message = f"Subtask {subtask_index} of prompt {prompt_index} fits no device: raise a `units_limit`."
        raise ValueError(message)
