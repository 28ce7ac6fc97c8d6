"""First weights, probabilities, draws and Q-values."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import Observation
from net4moe.policy.inference import Outputs, outputs
from net4moe.policy.layouts import layout
from net4moe.policy.networks import (
    as_weights,
    draw,
    dueling,
    initial_vectors,
    masked_log_softmax,
    unstandardised,
)
from net4moe.policy.scales import extend_scales, initial_scales, standardised


@pytest.mark.parametrize("num_heads", [0, 2])
def test_first_weights_have_the_variance_of_he(num_heads: int) -> None:
    """Variance 2 / inputs, biases 0, the last layers ten times smaller; no two networks alike."""
    laid_out = layout(8, 2, 128, num_heads)
    weights = as_weights(laid_out, initial_vectors(jax.random.key(0), laid_out, 2))
    assert weights.encode_device.shape == (2, 8, 128)
    np.testing.assert_allclose(np.sqrt(2 / 8), weights.encode_device.std(), rtol=0.05)
    np.testing.assert_allclose(0.1 * np.sqrt(2 / 128), weights.value.std(), rtol=0.2)
    assert not np.any(weights.value_bias)
    assert not np.array_equal(weights.pooled[0], weights.pooled[1])
    if num_heads:
        np.testing.assert_allclose(np.sqrt(2 / 128), weights.queries.std(), rtol=0.05)  # type: ignore[union-attr]
    else:
        np.testing.assert_allclose(np.sqrt(2 / 128), weights.mix_mean.std(), rtol=0.05)  # type: ignore[union-attr]


def test_a_vector_is_cut_in_the_order_of_the_record() -> None:
    """The numbers of all arrays in a row are the vector."""
    laid_out = layout(3, 2, 4)
    vector = jnp.arange(109.0)
    weights = as_weights(laid_out, vector)
    np.testing.assert_array_equal(vector, np.concatenate([np.ravel(array) for array in weights]))


@pytest.mark.parametrize("num_heads", [0, 2])
def test_what_was_standardised_can_be_undone(num_heads: int) -> None:
    """Changed weights on features as they are give the numbers of the weights on standardised features."""
    rng = np.random.default_rng(0)
    devices, context = rng.normal(2.0, 5.0, (50, 3, 8)), rng.normal(-1.0, 0.1, (50, 2))
    seen = Observation(
        jnp.asarray(devices, jnp.float32), jnp.asarray(context, jnp.float32), jnp.ones((50, 3), jnp.bool_)
    )
    scales = extend_scales(initial_scales(seen), seen, jnp.ones(50), jnp.ones(50))
    laid_out = layout(8, 2, 16, num_heads)
    vector = initial_vectors(jax.random.key(0), laid_out, 1)[0]
    weights = as_weights(laid_out, vector + 0.1)
    wanted = outputs(weights, standardised(scales, seen))
    got = outputs(unstandardised(weights, scales), seen)
    np.testing.assert_allclose(wanted.devices, got.devices, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(wanted.pooled, got.pooled, rtol=1e-3, atol=1e-3)


def test_forbidden_devices_get_no_probability() -> None:
    """The rest share it; where all are forbidden the numbers stay finite."""
    mask = jnp.array([[True, False, True], [False, False, False]])
    log_policy = masked_log_softmax(jnp.array([[1.0, 50.0, 1.0], [1.0, 2.0, 3.0]]), mask)
    np.testing.assert_allclose([0.5, 0.0, 0.5], np.exp(log_policy[0]), rtol=1e-6)
    assert np.all(np.isfinite(log_policy))


def test_draws_follow_the_probabilities() -> None:
    """Shares of 100,000 draws are within three standard errors of 1/6, 0, 2/6 and 3/6."""
    shares = np.array([1 / 6, 0.0, 2 / 6, 3 / 6])
    logits = jnp.log(jnp.array([1.0, 100.0, 2.0, 3.0])) + 7.0
    mask = jnp.array([True, False, True, True])
    uniform = jax.random.uniform(jax.random.key(3), (100_000, 5))
    drawn = np.asarray(draw(logits, mask, uniform))
    errors = np.abs(np.bincount(drawn, minlength=4) / 100_000 - shares)
    assert np.all(errors <= 3 * np.sqrt(shares * (1 - shares) / 100_000))


def test_draws_survive_the_ends_of_the_interval() -> None:
    """Random numbers of 0 and nearly 1 give noise that is finite."""
    ends = jnp.array([0.0, np.nextafter(np.float32(1), np.float32(0))])
    assert int(draw(jnp.zeros(2), jnp.ones(2, jnp.bool_), ends)) == 1


def test_dueling_by_hand() -> None:
    """Value 2 at scale 10, advantages 1 and 3 with mean 2 over the allowed: 19 and 21; 5 is not counted."""
    numbers = Outputs(devices=jnp.array([1.0, 5.0, 3.0]), pooled=jnp.array(2.0))
    q = dueling(numbers, jnp.array([True, False, True]), 10.0)
    np.testing.assert_allclose([19.0, 23.0, 21.0], q)


def test_dueling_where_all_are_forbidden_is_finite() -> None:
    """Padding has a value and no mean."""
    numbers = Outputs(devices=jnp.array([1.0, 5.0]), pooled=jnp.array(2.0))
    np.testing.assert_allclose([3.0, 7.0], dueling(numbers, jnp.zeros(2, jnp.bool_), 1.0))
