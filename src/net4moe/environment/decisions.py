"""Decisions laid out in advance, so that every policy meets the same ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from net4moe.environment.observation import Observation

if TYPE_CHECKING:
    from jaxtyping import Bool, Float, Int

__all__ = ["Decisions", "Policy", "evaluate"]


class Decisions(NamedTuple):
    """The decisions of a batch of episodes, one per subtask, and what each device would bring.

    In the paper's case study a choice does not influence what comes next, so all of them can be laid out
    before the first is taken. A policy reads `observation`, `turn` and `uniform`. `rewards` and
    `mean_rewards` are for the bounds and for adding up.

    Attributes:
      observation: what is known before the choice.
      turn: running number of the decision, over all episodes.
      uniform: a random number in (0, 1) for a policy that draws lots.
      valid: False for the padding of an episode with fewer subtasks.
      rewards: the reward of each device; NaN where it may not be chosen.
      mean_rewards: the mean reward of each device given the observation, over the prompts that are played.
    """

    observation: Observation
    turn: Int[Any, "*batch"]
    uniform: Float[Any, "*batch"]
    valid: Bool[Any, "*batch"]
    rewards: Float[Any, "*batch N"]
    mean_rewards: Float[Any, "*batch N"]


Policy: TypeAlias = Callable[[Decisions], Any]
"""Turns decisions into the indices of the chosen devices, one per decision."""


def evaluate(policy: Policy, decisions: Decisions) -> Float[Any, " B"]:
    """Add up what a policy earns in each episode.

    Policies that are evaluated on the same decisions are compared in pairs: episode b is the same prompt
    over the same links for all of them.

    Args:
      policy: the policy.
      decisions: a batch of episodes, axes B and S.

    Returns:
      The reward of each episode. NaN where the policy chose a device that may not be chosen.
    """
    xp = decisions.rewards.__array_namespace__()
    chosen = policy(decisions)[..., None]
    rewards = xp.take_along_axis(decisions.rewards, chosen, axis=-1)[..., 0]
    return xp.sum(xp.where(decisions.valid, rewards, 0.0), axis=-1)
