"""Training learns, repeats itself bit for bit, and compiles once."""

import re

import jax
import numpy as np
import pytest

from net4moe.environment import evaluate
from net4moe.environment.selection import ExpertSelection
from net4moe.policy import BASELINES, SACConfig, sac
from net4moe.policy.sac import Metrics, Trained, train


def test_it_reaches_the_best_rule_without_hindsight(
    selections: tuple[ExpertSelection, ExpertSelection], trained: tuple[Trained, ...]
) -> None:
    """On held-out prompts, after a short training, each seed earns 99 % of it.

    It has gone 90 % of the way from chance to the rule that is told the weights of the reward.
    """
    decisions = jax.device_get(selections[1].draw_decisions(jax.random.key(77), 2_000))
    best = evaluate(BASELINES["best_given_observation"], decisions).mean()
    told = evaluate(BASELINES["highest_expectation"], decisions).mean()
    chance = evaluate(BASELINES["random_selection"], decisions).mean()
    upper = evaluate(BASELINES["upper_bound"], decisions)
    for run in trained:
        rewards = evaluate(run.policy, decisions)
        assert np.all(rewards <= upper + 1e-5)
        assert rewards.mean() > 0.99 * best
        assert (rewards.mean() - chance) / (told - chance) > 0.9


def test_metrics_tell_the_story(trained: tuple[Trained, ...], config: SACConfig) -> None:
    """One row per chunk; the reward rises, the entropy falls, all numbers are finite."""
    for run in trained:
        np.testing.assert_array_equal(np.arange(20, config.num_epochs + 1, 20), run.metrics.epoch)
        assert all(np.all(np.isfinite(column)) for column in run.metrics)
        assert run.metrics.evaluation_reward[-1] > run.metrics.evaluation_reward[0]
        assert run.metrics.training_reward[-1] > run.metrics.training_reward[0]
        assert run.metrics.entropy[-1] < run.metrics.entropy[0]


def test_same_key_same_bits(trained: tuple[Trained, ...]) -> None:
    """The first and the third seed are the same key; the second is another."""
    first, second, third = trained
    assert jax.tree.all(jax.tree.map(np.array_equal, first.policy.weights, third.policy.weights))
    assert jax.tree.all(jax.tree.map(np.array_equal, first.metrics, third.metrics))
    assert not np.array_equal(first.policy.weights.value, second.policy.weights.value)


def num_compiled() -> int:
    """Count the versions of the training loop that JAX has compiled."""
    return sac._play_chunk._cache_size()  # pyright: ignore[reportAttributeAccessIssue]


def test_one_compilation_serves_all_chunks_and_seeds(
    selections: tuple[ExpertSelection, ExpertSelection], trained: tuple[Trained, ...], config: SACConfig
) -> None:
    """Training again with another key traces nothing; progress comes chunk by chunk and may stop it."""
    assert len(trained) == 3
    compiled = num_compiled()
    seen: list[Metrics] = []

    def stop_after_two(metrics: Metrics) -> None:
        seen.append(metrics)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(selections[0], config, jax.random.key(9), evaluate_on=selections[1], on_progress=stop_after_two)
    assert compiled == num_compiled()
    assert [metrics.epoch.tolist() for metrics in seen] == [[20], [40]]


def test_no_key_is_refused(selections: tuple[ExpertSelection, ExpertSelection], config: SACConfig) -> None:
    """There is nothing to train."""
    with pytest.raises(ValueError, match=f"^{re.escape('`keys` must hold at least 1 key, got 0.')}$"):
        sac.train_seeds(selections[0], config, ())
