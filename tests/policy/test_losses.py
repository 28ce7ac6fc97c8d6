"""The losses on batches small enough for a pencil."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.policy.losses import (
    actor_loss,
    advantages,
    clipped_loss,
    critic_loss,
    double_q_loss,
    policy_entropy,
    soft_value,
    temperature_loss,
)
from net4moe.policy.networks import masked_log_softmax

# Two states, three devices; the third is forbidden in the second state.
POLICY = np.array([[0.5, 0.25, 0.25], [0.5, 0.5, 0.0]])
MASK = jnp.array([[True, True, True], [True, True, False]])
LOG_POLICY = masked_log_softmax(jnp.log(jnp.asarray(POLICY) + 1e-30), MASK)
ENTROPY = np.array([1.5 * np.log(2), np.log(2)])
Q = jnp.array([[[1.0, 2.0, 4.0], [3.0, 5.0, 99.0]], [[2.0, 2.0, 2.0], [3.0, 1.0, 99.0]]])
LESSER_MEAN = np.array([0.5 * 1 + 0.25 * 2 + 0.25 * 2, 0.5 * 3 + 0.5 * 1])
TEMPERATURE = jnp.asarray(0.1)


def test_soft_value_and_entropy_sum_over_devices() -> None:
    """A sum weighted with the policy, not a mean over devices; forbidden ones count nothing."""
    np.testing.assert_allclose(ENTROPY, policy_entropy(LOG_POLICY), rtol=1e-6)
    np.testing.assert_allclose(
        LESSER_MEAN + 0.1 * ENTROPY, soft_value(jnp.min(Q, axis=0), LOG_POLICY, TEMPERATURE), rtol=1e-6
    )


def test_actor_loss_by_hand() -> None:
    """The negative mean soft value."""
    value = LESSER_MEAN + 0.1 * ENTROPY
    assert pytest.approx(float(actor_loss(LOG_POLICY, Q, TEMPERATURE))) == -value.mean()


def test_critic_loss_by_hand() -> None:
    """Rewards 1 and 2; the first transition goes on with discount 0.9, the second ends its episode."""
    loss = critic_loss(
        Q, jnp.array([1, 0]), jnp.array([1.0, 2.0]), jnp.array([0.9, 0.0]), Q, LOG_POLICY, TEMPERATURE
    )
    target = np.array([1 + 0.9 * (LESSER_MEAN[0] + 0.1 * ENTROPY[0]), 2.0])
    first, second = np.array([2.0, 3.0]), np.array([2.0, 3.0])
    expected = 0.5 * (np.mean((first - target) ** 2) + np.mean((second - target) ** 2))
    assert pytest.approx(float(loss), rel=1e-5) == expected


def test_temperature_falls_when_the_entropy_is_above_its_target() -> None:
    """The target counts the allowed devices of each state: half of log 3 and half of log 2."""
    log_temperature = jnp.log(TEMPERATURE)
    surplus = np.mean(ENTROPY - 0.5 * np.log([3, 2]))
    loss, gradient = jax.value_and_grad(temperature_loss)(log_temperature, LOG_POLICY, MASK, 0.5)
    assert pytest.approx(float(loss), rel=1e-5) == 0.1 * surplus
    assert pytest.approx(float(gradient), rel=1e-5) == 0.1 * surplus
    assert gradient > 0


def test_one_allowed_device_asks_for_no_entropy() -> None:
    """Its target is log 1 = 0, so that it leaves the temperature alone."""
    mask = jnp.array([[False, True, False]])
    log_policy = masked_log_softmax(jnp.array([[3.0, 1.0, 2.0]]), mask)
    assert pytest.approx(0.0, abs=1e-7) == float(temperature_loss(jnp.zeros(()), log_policy, mask, 0.9))


def test_double_q_by_hand() -> None:
    """The network picks device 1 (99 is forbidden), the target values it 7: 1 + 0.5 x 7 = 4.5, and 2 at an end."""
    q_tm1 = jnp.array([[1.0, 2.0, 4.0], [3.0, 5.0, 6.0]])
    online = jnp.array([[1.0, 3.0, 99.0], [0.0, 0.0, 0.0]])
    target = jnp.array([[9.0, 7.0, 50.0], [1.0, 1.0, 1.0]])
    mask = jnp.array([[True, True, False], [True, True, True]])
    loss = double_q_loss(
        q_tm1, jnp.array([2, 0]), jnp.array([1.0, 2.0]), jnp.array([0.5, 0.0]), target, online, mask
    )
    assert pytest.approx(0.5 * np.mean([(4.0 - 4.5) ** 2, (3.0 - 2.0) ** 2])) == float(loss)


def test_clipped_loss_by_hand() -> None:
    """Ratios 2, 0.5, 2 and 1.1 at epsilon 0.2.

    Advantage 1 at ratio 2 counts as 1.2, -1 at 0.5 as -0.8, -1 at 2 in full as -2, 3 at 1.1 as 3.3.
    """
    log_policy = jnp.log(jnp.array([[0.5, 0.5], [0.25, 0.75], [0.5, 0.5], [0.55, 0.45]]))
    old = jnp.log(jnp.array([0.25, 0.5, 0.25, 0.5]))
    advantage = jnp.array([1.0, -1.0, -1.0, 3.0])

    def loss(log_policy: jax.Array) -> jax.Array:
        return clipped_loss(log_policy, jnp.zeros(4, jnp.int32), old, advantage, 0.2)

    value, gradient = jax.value_and_grad(loss)(log_policy)
    assert pytest.approx(-(1.2 - 0.8 - 2.0 + 3.3) / 4) == float(value)
    # Where the clip holds nothing pulls; else -ratio x advantage / 4.
    np.testing.assert_allclose([0.0, 0.0, 2 / 4, -3.3 / 4], gradient[:, 0], rtol=1e-6)
    assert not np.any(gradient[:, 1])


def test_advantages_by_hand() -> None:
    """Discount 0.5, lambda 0.5; values 1 before and 2 after each choice; rewards 1, 2, 3, 4.

    The second choice terminates: its error is 2 - 1 = 1. The third is cut short: 3 + 1 - 1 = 3. The others have
    1 + 1 - 1 = 1 and 4 + 1 - 1 = 4. Only the first goes on: 1 + 0.25 x 1 = 1.25.
    """
    rewards = jnp.array([[1.0], [2.0], [3.0], [4.0]])
    discount = jnp.array([[0.5], [0.0], [0.5], [0.5]])
    ended = jnp.array([[False], [True], [True], [False]])
    got = advantages(rewards, discount, jnp.ones((4, 1)), jnp.full((4, 1), 2.0), ended, 0.5)
    np.testing.assert_allclose([[1.25], [1.0], [3.0], [4.0]], got)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1_000), trace_decay=st.sampled_from([0.0, 0.5, 1.0]))
def test_advantages_are_sums_of_errors(seed: int, trace_decay: float) -> None:
    """A double loop over steps, in 64-bit floats, gives the same."""
    rng = np.random.default_rng(seed)
    rewards, before, after = rng.normal(size=(3, 6, 2))
    terminated = rng.random((6, 2)) < 0.2
    ended = terminated | (rng.random((6, 2)) < 0.2)
    discount = np.where(terminated, 0.0, 0.9)
    expected = np.zeros((6, 2))
    for env in range(2):
        for begin in range(6):
            weight = 1.0
            for step in range(begin, 6):
                error = rewards[step, env] + discount[step, env] * after[step, env] - before[step, env]
                expected[begin, env] += weight * error
                if ended[step, env]:
                    break
                weight *= 0.9 * trace_decay
    r_t, discount_t, value_tm1, value_t, ended_t = map(jnp.asarray, (rewards, discount, before, after, ended))
    got = advantages(r_t, discount_t, value_tm1, value_t, ended_t, trace_decay)
    np.testing.assert_allclose(expected, got, rtol=1e-4, atol=1e-5)


def test_no_gradient_leaks_into_targets() -> None:
    """The actor's loss leaves the critics alone; the critics' loss leaves target and policy alone."""
    gradient = jax.grad(actor_loss, argnums=1)(LOG_POLICY, Q, TEMPERATURE)
    np.testing.assert_array_equal(np.zeros(Q.shape), gradient)
    steps = (jnp.array([1, 0]), jnp.ones(2), jnp.ones(2))
    q_gradient, policy_gradient = jax.grad(critic_loss, argnums=(4, 5))(Q, *steps, Q, LOG_POLICY, TEMPERATURE)
    assert not np.any(q_gradient)
    assert not np.any(policy_gradient)
    leaks = jax.grad(double_q_loss, argnums=(4, 5))(Q[0], *steps, Q[0], Q[1], MASK)
    assert not np.any(leaks[0])
    assert not np.any(leaks[1])


def test_what_follows_an_end_is_not_looked_at() -> None:
    """NaN after the end of an episode reaches neither loss nor gradient."""
    nothing = jnp.full((2, 2, 3), jnp.nan)
    steps = (jnp.array([1, 0]), jnp.ones(2), jnp.zeros(2))
    value, gradient = jax.value_and_grad(critic_loss)(Q, *steps, nothing, nothing[0], TEMPERATURE)
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))
    value = double_q_loss(Q[0], *steps, nothing[0], nothing[0], jnp.zeros((2, 3), jnp.bool_))
    assert np.isfinite(value)
    errors = advantages(
        jnp.ones((1, 2)), jnp.zeros((1, 2)), jnp.ones((1, 2)), nothing[0, :1, :2], jnp.ones((1, 2), bool), 0.9
    )
    np.testing.assert_array_equal([[0.0, 0.0]], errors)


def test_padding_with_every_device_forbidden_stays_a_number() -> None:
    """All-forbidden padding gives finite losses and gradients."""
    mask = jnp.zeros((2, 3), jnp.bool_)

    def loss(logits: jax.Array) -> jax.Array:
        return actor_loss(masked_log_softmax(logits, mask), Q, TEMPERATURE)

    value, gradient = jax.value_and_grad(loss)(jnp.ones((2, 3)))
    assert np.isfinite(value)
    assert np.all(np.isfinite(gradient))
