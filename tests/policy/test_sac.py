"""Soft actor-critic: its update, its fixed point, and what it earns."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import Observation, Policy
from net4moe.environment.episodes import returns
from net4moe.environment.selection import ExpertSelection
from net4moe.policy import BASELINES, sac
from net4moe.policy.replay import Transition
from net4moe.policy.sac import SACConfig, Trained, initial_learner, update
from net4moe.policy.scales import Moments, Scales, reward_size
from tests import probes
from tests.policy.probing import AGENTS, DISCOUNT, probabilities, q_values, run_of

CONFIG = SACConfig(
    polyak=0.25, temperature_learning_rate=100.0, initial_temperature=0.5, least_temperature=0.2, num_hidden=8
)
UNIT = Scales(
    reward=Moments(*jnp.array([1e6, 0.0, 1.0])),
    return_square=jnp.ones(()),
    devices=Moments(jnp.ones(()), jnp.zeros(5), jnp.ones(5)),
    context=Moments(jnp.ones(()), jnp.zeros(2), jnp.ones(2)),
)
SEEN = Observation(jnp.ones((8, 3, 5)), jnp.ones((8, 2)), jnp.array([[True, True, False]] * 8))
BATCH = Transition(SEEN, jnp.zeros(8, jnp.int32), jnp.ones(8), jnp.full(8, 0.5), SEEN)


def test_target_critics_follow_slowly_and_the_temperature_is_clamped() -> None:
    """After one update the targets moved by the Polyak share; a great step ends at the bound."""
    learner = initial_learner(CONFIG, SEEN, jax.random.key(0))
    stepped, losses = jax.jit(lambda learner: update(CONFIG, learner, BATCH, UNIT, 0.0))(learner)
    before, after = learner.trainable.networks[1:], stepped.trainable.networks[1:]
    np.testing.assert_allclose(before + 0.25 * (after - before), stepped.target_critics, atol=1e-6)
    assert not np.array_equal(before[0], before[1])
    assert pytest.approx(0.2) == float(jnp.exp(stepped.trainable.log_temperature))
    assert pytest.approx(np.log(2), rel=1e-4) == float(losses.entropy)


def test_steps_have_sizes_of_their_own_and_shrink() -> None:
    """Adam's first step is the step size: of actor, of critics; at the end a share of it."""
    config = SACConfig(
        num_hidden=8, actor_learning_rate=0.01, critic_learning_rate=0.02, last_learning_rate_ratio=0.5
    )
    unlike = SEEN._replace(devices=jax.random.normal(jax.random.key(1), SEEN.devices.shape))
    batch = BATCH._replace(observation_tm1=unlike)
    learner = initial_learner(config, SEEN, jax.random.key(0))
    moved = jax.jit(lambda learner, progress: update(config, learner, batch, UNIT, progress))
    for progress, share in ((0.0, 1.0), (1.0, 0.5)):
        stepped, _ = moved(learner, progress)
        steps = np.abs(stepped.trainable.networks - learner.trainable.networks).max(axis=1)
        np.testing.assert_allclose(np.array([0.01, 0.02, 0.02]) * share, steps, rtol=0.05)


@pytest.fixture(scope="module")
def fixed() -> SACConfig:
    """Keep the temperature at the size of rewards."""
    return dataclasses.replace(
        AGENTS["sac"][1],
        initial_temperature=1.0,
        least_temperature=1.0,
        greatest_temperature=1.0,
        num_epochs=2_400,
        num_kept_epochs=200,
    )


@pytest.mark.parametrize(
    "probe",
    [probes.reward_of_patience(), probes.reward_by_action(), probes.constant_reward()],
    ids=["patience", "action", "constant"],
)
def test_a_fixed_temperature_leads_to_the_soft_fixed_point(probe: probes.Probe, fixed: SACConfig) -> None:
    """Q-values of soft value iteration, and the policy exp(Q / alpha); uniform where all rewards are equal."""
    run, _ = run_of("sac", probe, fixed)
    size = float(reward_size(run.scales))
    known = np.asarray(probe.mask) & (np.arange(3)[:, None] < {1: 1, 2: 2}.get(int(probe.num_begins), 1))
    soft = probe.soft_values(DISCOUNT, size)
    np.testing.assert_allclose(soft[known], q_values("sac", run, probe)[known], atol=0.1)
    row = np.where(np.isnan(soft[0]), -np.inf, soft[0])
    wanted = np.exp((row - row.max()) / size)
    np.testing.assert_allclose(wanted / wanted.sum(), probabilities("sac", run, probe)[0], atol=0.05)


def test_little_temperature_leads_to_the_greedy_optimum() -> None:
    """As the temperature falls the Q-values are those of value iteration, and the best choice is taken."""
    probe = probes.reward_of_patience()
    run, metrics = run_of("sac", probe)
    np.testing.assert_allclose(
        probe.soft_values(DISCOUNT, 0.0)[0, :2], q_values("sac", run, probe)[0, :2], atol=0.1
    )
    assert probabilities("sac", run, probe)[0, 1] > 0.9
    assert float(metrics.evaluation_reward) == 3.0


@pytest.mark.slow
def test_attention_learns_too() -> None:
    """The same probe with two heads."""
    config = dataclasses.replace(AGENTS["sac"][1], num_heads=2)
    _, metrics = run_of("sac", probes.reward_by_action(), config)
    assert float(metrics.evaluation_reward) == 2.0


@pytest.mark.slow
def test_it_reaches_the_best_rule_without_hindsight(
    selections: tuple[ExpertSelection, ExpertSelection], trained: tuple[Trained, ...]
) -> None:
    """On held-out prompts, after a short training, each seed earns 99 % of it, and nobody beats the prophet.

    It has gone 90 % of the way from chance to the rule that is told the weights of the reward.
    """
    tapes = selections[1].tapes(jax.random.key(77), 2_000)

    def earned(policy: Policy) -> np.ndarray:
        return np.asarray(jax.jit(lambda tapes: returns(selections[1], policy, tapes))(tapes))

    rules = ("best_given_observation", "highest_expectation", "random_selection", "upper_bound")
    best, told, chance, upper = (earned(BASELINES[name]) for name in rules)
    for run in trained:
        rewards = earned(run.policy)
        assert np.all(rewards <= upper + 1e-4)
        assert rewards.mean() > 0.99 * best.mean()
        assert (rewards.mean() - chance.mean()) / (told.mean() - chance.mean()) > 0.9


def test_metrics_tell_the_story(trained: tuple[Trained, ...]) -> None:
    """One row per chunk; the reward rises, the entropy falls, all numbers are finite."""
    for run in trained:
        np.testing.assert_array_equal(np.arange(20, 601, 20), run.metrics.epoch)
        np.testing.assert_array_equal(64 * np.arange(20, 601, 20), run.metrics.num_steps)
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


def test_the_module_offers_the_loop() -> None:
    """Training by its own names."""
    assert sac.train == sac.AGENT.train
    assert sac.train_seeds == sac.AGENT.train_seeds
