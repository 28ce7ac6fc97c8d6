"""The losses of discrete SAC on batches small enough for a pencil."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.policy.losses import actor_loss, critic_loss, policy_entropy, soft_value, temperature_loss
from net4moe.policy.networks import masked_log_softmax

# Two states, three devices; the third is forbidden in the second state.
POLICY = np.array([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]])
MASK = jnp.array([[True, True, True], [True, True, False]])
LOG_POLICY = masked_log_softmax(jnp.log(jnp.asarray(POLICY) + 1e-30), MASK)
ENTROPY = np.array([1.5 * np.log(2), np.log(2)])
Q = jnp.array([[[1.0, 2.0, 4.0], [3.0, 5.0, 99.0]], [[2.0, 2.0, 2.0], [3.0, 1.0, 99.0]]])
LESSER_MEAN = np.array([0.5 * 1 + 0.25 * 2 + 0.25 * 2, 0.5 * 3 + 0.5 * 1])
VALID = jnp.ones(2)
TEMPERATURE = jnp.asarray(0.1)


def test_soft_value_and_entropy_sum_over_devices() -> None:
    """A sum weighted with the policy, not a mean over devices; forbidden ones count nothing."""
    np.testing.assert_allclose(ENTROPY, policy_entropy(LOG_POLICY), rtol=1e-6)
    np.testing.assert_allclose(
        LESSER_MEAN + 0.1 * ENTROPY, soft_value(jnp.min(Q, axis=0), LOG_POLICY, TEMPERATURE), rtol=1e-6
    )


def test_actor_loss_by_hand() -> None:
    """The negative mean soft value; with weights 1 and 0 only the first state counts."""
    value = LESSER_MEAN + 0.1 * ENTROPY
    assert pytest.approx(float(actor_loss(LOG_POLICY, Q, TEMPERATURE, VALID))) == -value.mean()
    only_first = actor_loss(LOG_POLICY, Q, TEMPERATURE, jnp.array([1.0, 0.0]))
    assert pytest.approx(float(only_first)) == -value[0]


def test_critic_loss_by_hand() -> None:
    """Rewards 1 and 2; the first transition goes on with discount 0.9, the second ends its episode."""
    loss = critic_loss(
        Q, jnp.array([1, 0]), jnp.array([1.0, 2.0]), jnp.array([0.9, 0.0]), Q, LOG_POLICY, TEMPERATURE, VALID
    )
    target = np.array([1 + 0.9 * (LESSER_MEAN[0] + 0.1 * ENTROPY[0]), 2.0])
    first, second = np.array([2.0, 3.0]), np.array([2.0, 3.0])
    expected = 0.5 * (np.mean((first - target) ** 2) + np.mean((second - target) ** 2))
    assert pytest.approx(float(loss), rel=1e-5) == expected


def test_temperature_falls_when_the_entropy_is_above_its_target() -> None:
    """The target counts the allowed devices of each state: half of log 3 and half of log 2."""
    log_temperature = jnp.log(TEMPERATURE)
    surplus = np.mean(ENTROPY - 0.5 * np.log([3, 2]))
    loss, gradient = jax.value_and_grad(temperature_loss)(log_temperature, LOG_POLICY, MASK, 0.5, VALID)
    assert pytest.approx(float(loss), rel=1e-5) == 0.1 * surplus
    assert pytest.approx(float(gradient), rel=1e-5) == 0.1 * surplus
    assert gradient > 0


def test_no_gradient_leaks_into_targets() -> None:
    """The actor's loss leaves the critics alone; the critics' loss leaves target and policy alone."""
    gradient = jax.grad(actor_loss, argnums=1)(LOG_POLICY, Q, TEMPERATURE, VALID)
    np.testing.assert_array_equal(np.zeros(Q.shape), gradient)
    steps = (jnp.array([1, 0]), jnp.ones(2), jnp.ones(2))
    q_gradient, policy_gradient = jax.grad(critic_loss, argnums=(4, 5))(
        Q, *steps, Q, LOG_POLICY, TEMPERATURE, VALID
    )
    assert not np.any(q_gradient)
    assert not np.any(policy_gradient)


def test_padding_with_every_device_forbidden_stays_a_number() -> None:
    """All-forbidden padding gives finite losses and gradients."""
    mask = jnp.zeros((2, 3), jnp.bool_)

    def loss(logits: jax.Array) -> jax.Array:
        return actor_loss(masked_log_softmax(logits, mask), Q, TEMPERATURE, jnp.zeros(2))

    value, gradient = jax.value_and_grad(loss)(jnp.ones((2, 3)))
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))
