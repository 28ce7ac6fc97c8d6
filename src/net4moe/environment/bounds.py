"""The most that any policy, and that any policy without hindsight, can earn.

A choice does not influence what comes next, so the sum over an episode is greatest when each term is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from net4moe.environment.observation import best_allowed

if TYPE_CHECKING:
    from jaxtyping import Int

    from net4moe.environment.decisions import Decisions

__all__ = ["best_given_observation", "upper_bound"]


def upper_bound(decisions: Decisions) -> Int[Any, "*batch"]:
    """Choose as if score and words were known before: the paper's "Upper bound".

    No policy earns more on any episode; none that must choose before it reads the passages can reach it.
    """
    return best_allowed(decisions.rewards, decisions.observation.device_mask)


def best_given_observation(decisions: Decisions) -> Int[Any, "*batch"]:
    """Choose by the mean reward of each device, as the played prompts themselves have it.

        argmax_n E[reward_n | what is known]

    The mean is taken over the rows of the same field and device; words are the gate's assessment times their
    mean ratio. Where a choice changes nothing this is the fair 100 %: a policy can pass it only by chance or by
    remembering single prompts. It is told the environment's own prices and means, so that it is a yardstick and
    no rule for use.
    """
    return best_allowed(decisions.mean_rewards, decisions.observation.device_mask)
