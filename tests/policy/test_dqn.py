"""Deep Q-learning: one update, and the fixed point of value iteration."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import Observation
from net4moe.policy import dqn
from net4moe.policy.dqn import initial_learner, update
from net4moe.policy.dqn_config import DQNConfig
from net4moe.policy.replay import Transition
from net4moe.policy.scales import Moments, Scales
from tests import probes
from tests.policy.probing import DISCOUNT, q_values, run_of

UNIT = Scales(
    reward=Moments(*jnp.array([1e6, 0.0, 1.0])),
    return_square=jnp.ones(()),
    devices=Moments(jnp.ones(()), jnp.zeros(5), jnp.ones(5)),
    context=Moments(jnp.ones(()), jnp.zeros(2), jnp.ones(2)),
)


def test_the_target_follows_slowly() -> None:
    """After one update it moved by the Polyak share, and the greatest change is the step size."""
    config = DQNConfig(num_hidden=8, polyak=0.25, learning_rate=0.01)
    seen = Observation(jnp.ones((8, 3, 5)), jnp.ones((8, 2)), jnp.array([[True, True, False]] * 8))
    batch = Transition(seen, jnp.zeros(8, jnp.int32), jnp.ones(8), jnp.full(8, 0.5), seen)
    learner = initial_learner(config, seen, jax.random.key(0))
    stepped, (loss, value) = jax.jit(lambda learner: update(config, learner, batch, UNIT, 0.0))(learner)
    change = stepped.network - learner.network
    np.testing.assert_allclose(learner.network + 0.25 * change, stepped.target, atol=1e-6)
    assert pytest.approx(0.01, rel=0.05) == float(jnp.abs(change).max())
    assert float(loss) > 0
    assert np.isfinite(value)


def test_q_values_are_those_of_value_iteration() -> None:
    """Patience: 1 at once against 3 discounted."""
    probe = probes.reward_of_patience()
    run, _ = run_of("dqn", probe)
    wanted = probe.soft_values(DISCOUNT, 0.0)[0, :2]
    np.testing.assert_allclose(wanted, q_values("dqn", run, probe)[0, :2], atol=0.1)


def test_fewer_and_fewer_choices_are_by_lot() -> None:
    """From all of them at first to one in twenty from the middle on."""
    _, metrics = run_of("dqn", probes.constant_reward())
    assert pytest.approx(0.05) == float(metrics.random_share)
    assert dqn.train == dqn.AGENT.train
