"""The example of the report adds up."""

import pytest

from net4moe.cli.config import devices_of, load
from net4moe.policy import SACConfig
from net4moe.study import shipped
from net4moe.study.examples import placed
from net4moe.study.learning import LearningPlan, learned


def test_score_minus_costs_is_the_reward_of_each_choice() -> None:
    """The costs come from the radio and device models, the reward from the environment: they agree."""
    config = load()
    plan = LearningPlan(
        devices=devices_of(config),
        snr=config.snr,
        reward=config.reward,
        sac=SACConfig(num_epochs=20, num_evaluation_episodes=8),
        held_out_share=0.33,
        num_seeds=1,
        seed=0,
    )
    example = placed(shipped.table(), learned(shipped.table(), plan), plan)
    assert len(example.subtasks) == 3
    for subtask in example.subtasks:
        assert subtask.score is not None
        weighed = subtask.score - subtask.compute_cost - subtask.transfer_cost
        assert pytest.approx(weighed, abs=1e-4) == subtask.reward
