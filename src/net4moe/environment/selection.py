"""The environment in JAX: choose a device for each subtask."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.chances import Chances, Moment, Subtask, Tape
from net4moe.environment.decisions import Decisions
from net4moe.environment.dynamics import (
    Game,
    Situation,
    allowed,
    arrived,
    circumstances,
    first_situation,
    outlook,
    placed,
)
from net4moe.environment.episodes import Step
from net4moe.environment.observation import Observation, encode
from net4moe.environment.outcomes import Expectations, Outcomes, estimate
from net4moe.environment.reward import RewardConfig
from net4moe.environment.rules import Rules
from net4moe.environment.tapes import Library, draw_tape, library
from net4moe.network.fleet import Fleet
from net4moe.network.world import WorldConfig

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, Key

__all__ = ["ExpertSelection", "State"]


class State(NamedTuple):
    """Where an episode stands.

    Attributes:
      tape: what chance decided.
      step_index: choices made.
      subtask_index: the subtask to be placed next, on the tape.
      situation: what the choices have brought about.
    """

    tape: Tape
    step_index: Int[Array, ""]
    subtask_index: Int[Array, ""]
    situation: Situation


class ExpertSelection(eqx.Module):
    """Place each subtask of a prompt, or of many prompts one after the other, on a device.

    Written for one episode; `jax.vmap` makes a batch. With `Rules()` a choice does not influence what comes
    next, as in the paper: a contextual bandit. With other rules it does, through what work leaves behind in
    devices, where passages lie, who shares the band, and what is known of hidden quality.

    Observation:
      `environment.observation.Observation`: one row per device (what its history promises for the subtask's field
      and for the rest of the prompt, words, costs, link, backlog, charge, heat, memory) and a context (load, share
      of the prompt left, importance, deadline, choices left). The score and the words that a device will really
      give are hidden.

    Action:
      Index of the device, among those that the mask allows (`dynamics.allowed`).

    Reward:
      Weighted explicit score of a passage that arrives, minus compute, transfer, delay, energy, switching and
      failure cost (`RewardConfig`). NaN for a device that the mask forbids, so that the mistake shows.

    Start:
      Idle, charged, cool devices; a tape of subtasks, links, harvests and lots.

    End:
      After the prompt's last subtask, or after `Rules.num_steps` choices: terminated, since the observation
      counts them down. An episode is never cut short.

    Version:
      3
    """

    version: ClassVar[int] = 3

    outcomes: Outcomes
    expectations: Expectations
    population: Expectations
    shelf: Library
    fleet: Fleet
    num_fields: int = eqx.field(static=True)
    rules: Rules = eqx.field(static=True)
    chances: Chances = eqx.field(static=True)
    reward_config: RewardConfig = eqx.field(static=True)

    def __init__(
        self,
        outcomes: Outcomes,
        expectations: Expectations,
        fleet: Fleet,
        *,
        rules: Rules | None = None,
        chances: Chances | None = None,
        reward_config: RewardConfig | None = None,
    ) -> None:
        """Check that the parts fit and that every subtask can be placed.

        Args:
          outcomes: the prompts to play.
          expectations: the devices' histories, estimated from the training prompts only.
          fleet: the devices.
          rules: which consequences a choice has.
          chances: what is left to chance.
          reward_config: prices of the reward.

        Raises:
          ValueError: the parts speak of different numbers of devices or fields; a subtask fits no device, or not
            the user's own where others may be away or refuse; or prompts do not come by field where their fields
            are to stay.
        """
        self.rules = rules or Rules()
        self.chances = chances or Chances()
        self.reward_config = reward_config or RewardConfig()
        outcomes = Outcomes(*map(np.asarray, outcomes))
        expectations = Expectations(*map(np.asarray, expectations))
        _check(outcomes, expectations, fleet)
        if _may_shrink(self.rules, self.chances):
            _check_fallback(outcomes, fleet)
        if self.chances.field_stay is not None:
            _check_by_field(outcomes)
        self.num_fields = int(np.max(outcomes.field_index)) + 1
        population = estimate(outcomes, num_fields=expectations.score.shape[0], prior_rows=0.0)
        self.outcomes = Outcomes(*map(jnp.asarray, outcomes))
        self.expectations = Expectations(*map(jnp.asarray, expectations))
        self.population = Expectations(*map(jnp.asarray, population))
        self.shelf = Library(*map(jnp.asarray, library(outcomes, expectations, population)))
        self.fleet = jax.tree.map(jnp.asarray, fleet)

    @property
    def num_devices(self) -> int:
        """Number of devices, N."""
        return self.outcomes.score.shape[-1]

    @property
    def num_steps(self) -> int:
        """Greatest number of choices in an episode."""
        return self.rules.num_steps or self.outcomes.score.shape[-2]

    @property
    def game(self) -> Game:
        """What does not change."""
        return Game(self.fleet, self.rules, self.reward_config)

    def tape(self, key: Key[Array, ""], episode: Int[Array, ""] | int = 0) -> Tape:
        """Draw all that chance decides in one episode."""
        return draw_tape(self.shelf, self.num_fields, self.fleet, self.rules, self.chances, key, episode)

    @eqx.filter_jit
    def tapes(self, key: Key[Array, ""], num_episodes: int) -> Tape:
        """Draw a batch of tapes."""
        return jax.vmap(self.tape)(jax.random.split(key, num_episodes), jnp.arange(num_episodes))

    def reset(self, key: Key[Array, ""]) -> tuple[State, Observation]:
        """Begin an episode with a tape drawn from the key."""
        return self.start(self.tape(key))

    def start(self, tape: Tape) -> tuple[State, Observation]:
        """Begin an episode with a given tape."""
        nothing = jnp.zeros((), jnp.int32)
        state = State(tape, nothing, nothing, first_situation(self.game))
        return state, self.observe(state)

    def step(self, state: State, action: Int[Array, ""]) -> Step:
        """Place the subtask at hand on the device `action`.

        After its end an episode gives 0 for ever.
        """
        subtask, moment = self.at_hand(state)
        live = self.unfinished(state)
        situation, reward, done = placed(self.game, state.situation, subtask, moment, action)
        following = State(
            tape=state.tape,
            step_index=state.step_index + 1,
            subtask_index=state.subtask_index + done,
            situation=situation,
        )
        following = following._replace(situation=arrived(self.game, situation, self.at_hand(following)[1]))
        return Step(
            state=following,
            observation=self.observe(following),
            reward=jnp.where(live, reward, 0.0),
            terminated=~self.unfinished(following),
            truncated=jnp.zeros((), jnp.bool_),
        )

    def unfinished(self, state: State) -> Bool[Array, ""]:
        """Tell whether a choice is left to make."""
        return state.step_index < state.tape.num_choices

    def at_hand(self, state: State) -> tuple[Subtask, Moment]:
        """Find the subtask to be placed next and the world as it is."""
        end = self.num_steps - 1
        tape = state.tape
        subtask_index, step_index = jnp.minimum(state.subtask_index, end), jnp.minimum(state.step_index, end)
        subtask = jax.tree.map(lambda leaf: leaf[subtask_index], tape.subtasks)
        return subtask, jax.tree.map(lambda leaf: leaf[step_index], tape.moments)

    def observe(self, state: State) -> Observation:
        """Encode what is known of the subtask at hand; pure, and the same each time it is read."""
        left = (state.tape.num_choices - state.step_index) / state.tape.num_choices
        return self.observed(state.situation, *self.at_hand(state), left)

    def observed(
        self,
        situation: Situation,
        subtask: Subtask,
        moment: Moment,
        episode_share_left: Float[Array, ""],
    ) -> Observation:
        """Encode what is known of a subtask, a moment and what choices have brought about."""
        game = self.game
        expected = outlook(game, situation, subtask, moment, told="expected")
        return encode(
            self.fleet,
            self.reward_config,
            expected_score=subtask.expected_score,
            later=subtask.later if _looks_ahead(self.rules, self.reward_config) else None,
            expected_words=subtask.expected_words,
            units=subtask.units,
            snr_db=moment.known_snr_db,
            available=allowed(game, situation, subtask, moment, expected),
            prompt_share_left=subtask.prompt_share_left,
            circumstances=circumstances(game, situation, subtask, moment, expected, episode_share_left),
        )

    def rewards(self, state: State) -> Float[Array, " N"]:
        """Compute what each device would earn with the subtask at hand; NaN where the mask forbids it."""
        subtask, moment = self.at_hand(state)
        expected = outlook(self.game, state.situation, subtask, moment, told="expected")
        real = outlook(self.game, state.situation, subtask, moment, told="real")
        may = allowed(self.game, state.situation, subtask, moment, expected)
        return jnp.where(may, real.reward, jnp.nan)

    def mean_rewards(self, state: State) -> Float[Array, " N"]:
        """Compute the mean reward of each device, given the field, the assessed words and the links.

        The means are those of the prompts that this environment plays.
        """
        return outlook(self.game, state.situation, *self.at_hand(state), told="mean").mean_reward

    def decision(self, state: State) -> Decisions:
        """Lay out the choice at hand."""
        return Decisions(
            observation=self.observe(state),
            turn=state.tape.episode * self.num_steps + state.step_index,
            uniform=self.at_hand(state)[1].uniform,
            valid=self.unfinished(state),
            rewards=self.rewards(state),
            mean_rewards=self.mean_rewards(state),
        )


def _check(outcomes: Outcomes, expectations: Expectations, fleet: Fleet) -> None:
    """Refuse parts that do not fit and subtasks that no device can take."""
    num_devices = outcomes.score.shape[-1]
    if 0 in outcomes.score.shape:
        message = f"`outcomes` must be of at least 1 prompt, subtask and device, got {outcomes.score.shape}."
        raise ValueError(message)
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
    fits = np.asarray(outcomes.scored) & (np.asarray(outcomes.units) <= np.asarray(fleet.units_limit))
    stuck = np.argwhere(np.asarray(outcomes.subtask_mask) & ~fits.any(axis=-1))
    if stuck.size:
        prompt_index, subtask_index = stuck[0]
        message = f"Subtask {subtask_index} of prompt {prompt_index} fits no device: raise a `units_limit`."
        raise ValueError(message)


def _looks_ahead(rules: Rules, prices: RewardConfig) -> bool:
    """Tell whether a choice changes what the prompt's later subtasks find; if not, they are not told of."""
    return rules.devices_change or rules.chained or rules.shares_band or prices.switching_cost > 0


def _may_shrink(rules: Rules, chances: Chances) -> bool:
    """Tell whether a device that a subtask fits may be away, out of reach, or unable all the same."""
    out_of_reach = isinstance(chances.radio, WorldConfig) or math.isfinite(rules.give_up_s)
    return out_of_reach or rules.devices_change or rules.shares_band


def _check_fallback(outcomes: Outcomes, fleet: Fleet) -> None:
    """Refuse subtasks that do not fit the user's own device, the only one that may always be asked."""
    fits = np.asarray(outcomes.scored) & (np.asarray(outcomes.units) <= np.asarray(fleet.units_limit))
    own = (fits & np.asarray(fleet.local)).any(axis=-1)
    stuck = np.argwhere(np.asarray(outcomes.subtask_mask) & ~own)
    if stuck.size:
        prompt_index, subtask_index = stuck[0]
        message = (
            f"Subtask {subtask_index} of prompt {prompt_index} does not fit the user's own device, and others may "
            "be away or refuse: raise its `units_limit`."
        )
        raise ValueError(message)


def _check_by_field(outcomes: Outcomes) -> None:
    """Refuse prompts that are not sorted by field, as many of each, where fields are to stay."""
    first = np.asarray(outcomes.field_index)[:, 0]
    num_fields = int(first.max()) + 1
    if len(first) % num_fields or not np.array_equal(
        first, np.repeat(np.arange(num_fields), len(first) // num_fields)
    ):
        message = "`outcomes` must hold as many prompts of each field, sorted by field, for `field_stay`."
        raise ValueError(message)
