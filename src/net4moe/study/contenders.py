"""The agents that can be trained by name, and how long each learns."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from net4moe.policy import dqn, ppo, sac
from net4moe.policy.training import Trained

__all__ = ["AGENTS", "Contender", "contender"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """An agent and how it learns.

    Attributes:
      name: its short name.
      config: how it learns.
      train_seeds: trains one policy per key; see `policy.training.Agent.train_seeds`.
    """

    name: str
    config: Any
    train_seeds: Callable[..., tuple[Trained, ...]]

    @property
    def num_steps(self) -> int:
        """Choices made in training one policy."""
        return self.config.num_epochs * self.config.num_envs * self.config.num_rollout_steps

    @property
    def num_chunks(self) -> int:
        """Evaluations while it learns."""
        return self.config.num_epochs // self.config.evaluation_interval


AGENTS = {
    "sac": Contender(name="sac", config=sac.SACConfig(), train_seeds=sac.train_seeds),
    "ppo": Contender(name="ppo", config=ppo.PPOConfig(), train_seeds=ppo.train_seeds),
    "dqn": Contender(name="dqn", config=dqn.DQNConfig(), train_seeds=dqn.train_seeds),
}
"""The agents with their usual settings, by name."""


def contender(name: str, *, num_steps: int | None = None, num_epochs: int | None = None) -> Contender:
    """Pick an agent and set how long it learns.

    Args:
      name: one of `AGENTS`.
      num_steps: choices to make in training, at least; None leaves the agent's own number. Agents that are given
        the same number see as much of the environment.
      num_epochs: epochs instead, at least; rounded up to whole evaluations, as steps are.

    Raises:
      ValueError: there is no such agent, both numbers are given, or one is below 1.
    """
    if name not in AGENTS:
        message = f"There is no agent '{name}'; choose one of {', '.join(AGENTS)}."
        raise ValueError(message)
    if num_steps is not None and num_epochs is not None:
        message = "Give `num_steps` or `num_epochs`, not both."
        raise ValueError(message)
    for label, number in (("num_steps", num_steps), ("num_epochs", num_epochs)):
        if number is not None and number < 1:
            message = f"`{label}` must be at least 1, got {number}."
            raise ValueError(message)
    agent = AGENTS[name]
    config = agent.config
    if num_steps is not None:
        num_epochs = math.ceil(num_steps / (config.num_envs * config.num_rollout_steps))
    if num_epochs is None:
        return agent
    interval = min(config.evaluation_interval, num_epochs)
    num_epochs = math.ceil(num_epochs / interval) * interval
    return replace(agent, config=replace(config, num_epochs=num_epochs, evaluation_interval=interval))
