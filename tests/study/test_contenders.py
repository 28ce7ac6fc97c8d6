"""Agents by name, and budgets."""

import re
from typing import Any

import pytest

from net4moe.study.contenders import AGENTS, contender


@pytest.mark.parametrize("name", AGENTS)
def test_a_budget_of_choices_is_rounded_up_to_whole_evaluations(name: str) -> None:
    """No agent learns from fewer choices than it was given, and none has a last chunk that is cut."""
    agent = contender(name, num_steps=10_000)
    per_epoch = agent.config.num_envs * agent.config.num_rollout_steps
    assert agent.num_steps >= 10_000
    assert agent.num_steps - agent.config.evaluation_interval * per_epoch < 10_000
    assert agent.config.num_epochs == agent.num_chunks * agent.config.evaluation_interval
    assert AGENTS[name].config.num_hidden == agent.config.num_hidden


def test_a_tiny_budget_is_one_chunk() -> None:
    """One choice is one epoch, and it is evaluated."""
    assert (1, 1) == (
        contender("sac", num_steps=1).config.num_epochs,
        contender("sac", num_steps=1).num_chunks,
    )
    assert 7 == contender("sac", num_epochs=7).config.num_epochs
    assert 40 == contender("sac", num_epochs=33).config.num_epochs
    assert AGENTS["ppo"] == contender("ppo")


@pytest.mark.parametrize(
    ("name", "budget", "text"),
    [
        ("td3", {}, "There is no agent 'td3'; choose one of sac, ppo, dqn."),
        ("sac", {"num_steps": 0}, "`num_steps` must be at least 1, got 0."),
        ("sac", {"num_epochs": -1}, "`num_epochs` must be at least 1, got -1."),
        ("sac", {"num_steps": 1, "num_epochs": 1}, "Give `num_steps` or `num_epochs`, not both."),
    ],
)
def test_bad_budgets_are_refused(name: str, budget: dict[str, Any], text: str) -> None:
    """The sentence names what must hold."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        contender(name, **budget)
