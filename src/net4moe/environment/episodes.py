"""Play episodes: what an environment must offer, and a policy's way through one tape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol

import jax
import jax.numpy as jnp

if TYPE_CHECKING:
    from jaxtyping import Array, Bool, Float, Int, Key

    from net4moe.environment.decisions import AdaptivePolicy, Decisions, Policy
    from net4moe.environment.observation import Observation

__all__ = ["Environment", "Episode", "Step", "play", "returns"]


class Step(NamedTuple):
    """What one choice brings.

    Attributes:
      state: where the episode stands now.
      observation: what is known before the next choice.
      reward: reward units; 0 after the end.
      terminated: whether the episode is over, so that nothing follows.
      truncated: whether it is cut short here, though more would follow.
    """

    state: Any
    observation: Observation
    reward: Float[Array, ""]
    terminated: Bool[Array, ""]
    truncated: Bool[Array, ""]


class Environment(Protocol):
    """One episode at a time, pure functions of arrays: `jax.vmap` makes a batch, `jax.jit` compiles.

    Attributes:
      version: number that is raised when the same choices bring something else than before.
    """

    version: ClassVar[int]

    @property
    def num_steps(self) -> int:
        """Greatest number of choices in an episode."""
        ...

    def tape(self, key: Key[Array, ""], episode: Int[Array, ""] | int = 0) -> Any:
        """Draw all that chance decides in one episode."""
        ...

    def start(self, tape: Any) -> tuple[Any, Observation]:
        """Begin an episode with a given tape."""
        ...

    def step(self, state: Any, action: Int[Array, ""]) -> Step:
        """Make one choice."""
        ...

    def unfinished(self, state: Any) -> Bool[Array, ""]:
        """Tell whether a choice is left to make."""
        ...

    def decision(self, state: Any) -> Decisions:
        """Lay out the choice at hand: what a policy may read, and what bounds need besides."""
        ...


class Episode(NamedTuple):
    """A policy's way through one tape.

    Attributes:
      actions: the chosen devices.
      rewards: what each choice earned, reward units; NaN for a device that the mask forbids.
      valid: False after the end.
    """

    actions: Int[Array, " S"]
    rewards: Float[Array, " S"]
    valid: Bool[Array, " S"]


def play(environment: Environment, policy: Policy | AdaptivePolicy, tape: Any) -> Episode:
    """Play one tape to its end.

    Args:
      environment: where.
      policy: how to choose. One that learns while it plays (`AdaptivePolicy`) starts knowing nothing.
      tape: what chance decides.
    """
    adaptive: Any = policy if hasattr(policy, "learn") else None
    state, observation = environment.start(tape)
    memory = () if adaptive is None else adaptive.initial(observation.device_mask.shape[-1])

    def choose(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], Episode]:
        state, memory = carry
        decision = environment.decision(state)
        chosen: Any = policy(decision) if adaptive is None else adaptive.choose(memory, decision)  # type: ignore[operator]
        action = jnp.asarray(chosen, jnp.int32)
        step = environment.step(state, action)
        if adaptive is not None:
            memory = adaptive.learn(memory, decision, action, step.reward)
        return (step.state, memory), Episode(action, step.reward, decision.valid)

    return jax.lax.scan(choose, (state, memory), length=environment.num_steps)[1]


def returns(environment: Environment, policy: Policy | AdaptivePolicy, tapes: Any) -> Float[Array, " B"]:
    """Add up what a policy earns on each of a batch of tapes.

    Policies that play the same tapes are compared in pairs: episode b has the same chance for all of them.

    Returns:
      Reward units. NaN where the policy chose a device that may not be chosen.
    """
    episodes = jax.vmap(lambda tape: play(environment, policy, tape))(tapes)
    return jnp.sum(jnp.where(episodes.valid, episodes.rewards, 0.0), axis=-1)
