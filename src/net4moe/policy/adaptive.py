"""Policies that learn while they play.

Each begins an episode knowing nothing, unless `after_practice` lets it play before. A bandit estimates the reward
of the choice at hand; what the choice does to later ones is beyond it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax

from net4moe.policy.adaptive_drift import DiscountedUCB, SlidingWindowUCB
from net4moe.policy.adaptive_linear import LinearThompson, LinUCB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jaxtyping import Array, Float, Int

    from net4moe.environment.decisions import AdaptivePolicy, Decisions
    from net4moe.environment.episodes import Environment

__all__ = [
    "ADAPTIVE",
    "DiscountedUCB",
    "LinUCB",
    "LinearThompson",
    "Practised",
    "SlidingWindowUCB",
    "after_practice",
    "bandits",
]


class Practised(eqx.Module):
    """An adaptive policy that remembers what it learned before; see `after_practice`.

    Attributes:
      policy: how it chooses and learns.
      memory: what it knows at the start of each episode.
      num_devices: of how many devices.
    """

    policy: Any = eqx.field(static=True)
    memory: Any
    num_devices: int = eqx.field(static=True)

    def initial(self, num_devices: int) -> Any:
        """Give what it learned before.

        Raises:
          ValueError: it learned about another number of devices.
        """
        if num_devices != self.num_devices:
            message = f"`num_devices` must be {self.num_devices} as in practice, got {num_devices}."
            raise ValueError(message)
        return self.memory

    def choose(self, memory: Any, decisions: Decisions) -> Int[Array, ""]:
        """Choose a device."""
        return self.policy.choose(memory, decisions)

    def learn(
        self, memory: Any, decisions: Decisions, action: Int[Array, ""], reward: Float[Array, ""]
    ) -> Any:
        """Remember what a choice earned."""
        return self.policy.learn(memory, decisions, action, reward)


def after_practice(policy: AdaptivePolicy, environment: Environment, tapes: Any) -> Practised:
    """Let a policy play tapes one after the other, and start every later episode with what it learned.

    Args:
      policy: one that learns while it plays.
      environment: where.
      tapes: what chance decides in the episodes of practice, one leading axis; other ones than it is judged on.
    """

    def play_on(memory: Any, tape: Any) -> tuple[Any, None]:
        def choose(carry: tuple[Any, Any], _: None) -> tuple[tuple[Any, Any], None]:
            state, memory = carry
            decisions = environment.decision(state)
            action = policy.choose(memory, decisions)
            step = environment.step(state, action)
            return (step.state, policy.learn(memory, decisions, action, step.reward)), None

        state, _ = environment.start(tape)
        return jax.lax.scan(choose, (state, memory), length=environment.num_steps)[0][1], None

    first = jax.tree.map(lambda leaf: leaf[0], tapes)
    num_devices = environment.start(first)[1].device_mask.shape[-1]
    memory, _ = jax.lax.scan(play_on, policy.initial(num_devices), tapes)
    return Practised(policy=policy, memory=memory, num_devices=num_devices)


def bandits(quality_weight: float = 1.0) -> dict[str, AdaptivePolicy]:
    """Make the policies that learn while they play, with their usual parameters, by name.

    Args:
      quality_weight: reward units for one point of explicit score, as in `RewardConfig`.
    """
    return {
        "lin_ucb": LinUCB(),
        "linear_thompson": LinearThompson(),
        "discounted_ucb": DiscountedUCB(quality_weight=quality_weight),
        "sliding_window_ucb": SlidingWindowUCB(quality_weight=quality_weight),
    }


ADAPTIVE: Mapping[str, AdaptivePolicy] = bandits()
"""The policies that learn while they play, where a point of explicit score is worth one reward unit, by name."""
