"""One update: what moves and how far."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import Observation
from net4moe.policy import SACConfig
from net4moe.policy.inference import forward
from net4moe.policy.learner import Learner, Losses, initial_learner, update
from net4moe.policy.replay import Transition


def batch_of(rewards: jax.Array, discount: float) -> Transition:
    """Make transitions in which every device looks alike and device 0 was taken."""
    count = rewards.shape[0]
    observation = Observation(
        jnp.ones((count, 3, 8)), jnp.ones((count, 2)), jnp.array([[True, True, False]] * count)
    )
    return Transition(
        observation,
        jnp.zeros(count, jnp.int32),
        rewards,
        jnp.full(count, discount),
        observation,
        jnp.ones(count),
    )


CONFIG = SACConfig(
    polyak=0.25, temperature_learning_rate=100.0, initial_temperature=0.5, least_temperature=0.2, num_hidden=8
)
BATCH = batch_of(jnp.ones(8), 0.5)


@pytest.fixture(scope="module")
def step() -> Callable[[Learner], tuple[Learner, Losses]]:
    """Compile one update that wants no entropy."""
    return jax.jit(lambda learner: update(CONFIG, learner, BATCH, 0.0))


def test_target_critics_follow_slowly_and_the_temperature_is_clamped(
    step: Callable[[Learner], tuple[Learner, Losses]],
) -> None:
    """After one update the targets moved by the Polyak share; a great step ends at the bound."""
    learner = initial_learner(CONFIG, jax.random.key(0))
    stepped, losses = step(learner)
    before, after = learner.trainable.critics.mix_mean, stepped.trainable.critics.mix_mean
    np.testing.assert_allclose(before + 0.25 * (after - before), stepped.target_critics.mix_mean, atol=1e-6)
    assert not np.array_equal(before[0], before[1])
    assert pytest.approx(0.2) == float(jnp.exp(stepped.trainable.log_temperature))
    assert pytest.approx(np.log(2), rel=1e-4) == float(losses.entropy)


def test_the_value_of_a_loop_is_the_soft_fixed_point(
    step: Callable[[Learner], tuple[Learner, Losses]],
) -> None:
    """Two equal devices, reward 1 for ever: Q = 1 + 0.5 (Q + alpha log 2), so Q = 2 + alpha log 2."""
    learner = initial_learner(CONFIG, jax.random.key(1))
    for _ in range(600):
        learner, _ = step(learner)
    q = jax.jit(jax.vmap(forward, in_axes=(0, None)))(learner.trainable.critics, BATCH.observation_tm1)
    np.testing.assert_allclose(2 + 0.2 * np.log(2), q[:, 0, 0], rtol=0.01)
