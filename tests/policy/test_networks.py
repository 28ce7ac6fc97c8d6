"""First weights and masked probabilities."""

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.policy.networks import initial_weights, masked_log_softmax


def test_first_weights_have_the_variance_of_he() -> None:
    """Variance 2 / inputs, biases 0, the last layer ten times smaller."""
    weights = initial_weights(
        jax.random.key(0), num_device_features=8, num_context_features=2, num_hidden=256
    )
    assert weights.encode_device.shape == (8, 256)
    np.testing.assert_allclose(np.sqrt(2 / 8), weights.encode_device.std(), rtol=0.05)
    np.testing.assert_allclose(np.sqrt(2 / 256), weights.mix_mean.std(), rtol=0.05)
    np.testing.assert_allclose(0.1 * np.sqrt(2 / 256), weights.value.std(), rtol=0.2)
    assert not np.any(weights.mix_bias)
    assert not np.array_equal(weights.mix_mean, weights.mix_greatest)


def test_forbidden_devices_get_no_probability() -> None:
    """The rest share it; where all are forbidden the numbers stay finite."""
    mask = jnp.array([[True, False, True], [False, False, False]])
    log_policy = masked_log_softmax(jnp.array([[1.0, 50.0, 1.0], [1.0, 2.0, 3.0]]), mask)
    np.testing.assert_allclose([0.5, 0.0, 0.5], np.exp(log_policy[0]), rtol=1e-6)
    assert np.all(np.isfinite(log_policy))
