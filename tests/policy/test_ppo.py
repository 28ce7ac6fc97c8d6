"""Proximal policy optimisation: one update, and what it reports."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import Observation
from net4moe.policy import ppo
from net4moe.policy.inference import forward
from net4moe.policy.networks import as_weights, layout_for, masked_log_softmax
from net4moe.policy.ppo import Batch, initial_learner, update
from net4moe.policy.ppo_config import PPOConfig
from tests import probes
from tests.policy.probing import probabilities, run_of

CONFIG = PPOConfig(num_hidden=8, learning_rate=0.01, entropy_weight=0.0)
SEEN = Observation(
    jax.random.normal(jax.random.key(1), (8, 3, 5)), jnp.ones((8, 2)), jnp.array([[True, True, False]] * 8)
)


def batch_of(advantage: float, target: float) -> Batch:
    """Make choices of device 0 by the first policy."""
    learner = initial_learner(CONFIG, SEEN, jax.random.key(0))
    logits = forward(as_weights(layout_for(CONFIG, SEEN), learner.networks[0]), SEEN)
    old = masked_log_softmax(logits, SEEN.device_mask)[:, 0]
    return Batch(SEEN, jnp.zeros(8, jnp.int32), old, jnp.full(8, advantage), jnp.full(8, target))


def test_the_first_update_moves_towards_the_better_choice() -> None:
    """Before it the ratio is 1 and the loss is minus the advantage; after it the choice is likelier."""
    learner = initial_learner(CONFIG, SEEN, jax.random.key(0))
    batch = batch_of(2.0, 1.0)
    moved = jax.jit(lambda learner: update(CONFIG, learner, batch, 0.0))
    stepped, losses = moved(learner)
    assert pytest.approx(-2.0, rel=1e-5) == float(losses.policy)
    assert pytest.approx(0.0, abs=1e-6) == float(losses.divergence)
    assert float(losses.clipped_share) == 0.0
    logits = forward(as_weights(layout_for(CONFIG, SEEN), stepped.networks[0]), SEEN)
    later = masked_log_softmax(logits, SEEN.device_mask)[:, 0]
    assert later.mean() > batch.old_log_probability.mean()
    assert float(moved(stepped)[1].value) < float(losses.value)


def test_a_long_gradient_is_cut() -> None:
    """A target of a million moves the value's moments no further than the greatest length allows."""
    learner = initial_learner(CONFIG, SEEN, jax.random.key(0))
    far = batch_of(0.0, 1e6)
    stepped, _ = jax.jit(lambda learner: update(CONFIG, learner, far, 0.0))(learner)
    first_moment = np.sqrt(np.sum(np.asarray(stepped.optimiser.mu)[1] ** 2))  # pyright: ignore[reportAttributeAccessIssue]
    assert pytest.approx(0.1 * CONFIG.greatest_gradient, rel=1e-4) == first_moment


def test_it_becomes_sure_of_the_best_choice() -> None:
    """Two places with different best devices."""
    probe = probes.reward_by_action()
    run, metrics = run_of("ppo", probe)
    best = probabilities("ppo", run, probe)[[0, 1], [0, 2]]
    assert np.all(best > 0.9)
    assert float(metrics.entropy) < 0.5
    assert ppo.train == ppo.AGENT.train
