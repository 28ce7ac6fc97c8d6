"""The forward pass: a slow reference, any set of devices, NumPy as JAX."""

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment import Observation
from net4moe.policy import SelectionPolicy
from net4moe.policy.inference import Weights, forward
from net4moe.policy.networks import initial_weights


def weights_of(seed: int = 0) -> Weights:
    """Draw weights with biases that are not 0."""
    key_weights, key_bias = jax.random.split(jax.random.key(seed))
    weights = initial_weights(key_weights, num_device_features=8, num_context_features=2, num_hidden=16)
    bias = 0.3 * jax.random.normal(key_bias, (16,))
    weights = weights._replace(encode_device_bias=bias, encode_hidden_bias=-bias, mix_bias=2 * bias)
    return Weights(*jax.device_get(weights))


def observe(num_devices: int, *batch: int, seed: int = 0) -> Observation:
    """Draw a batch of observations; the first device may always be chosen."""
    rng = np.random.default_rng(seed)
    mask = rng.random((*batch, num_devices)) < 0.6
    mask[..., 0] = True
    return Observation(
        devices=rng.normal(size=(*batch, num_devices, 8)).astype(np.float32),
        context=rng.normal(size=(*batch, 2)).astype(np.float32),
        device_mask=mask,
    )


def slow(weights: Weights, observation: Observation) -> np.ndarray:
    """Compute one set in float64, device by device, from the formula."""
    double = Weights(*(np.asarray(array, np.float64) for array in weights))
    codes = []
    for row in observation.devices.astype(np.float64):
        hidden = np.maximum(row @ double.encode_device + double.encode_device_bias, 0)
        codes.append(np.maximum(hidden @ double.encode_hidden + double.encode_hidden_bias, 0))
    allowed = [code for code, may in zip(codes, observation.device_mask, strict=True) if may]
    shared = np.mean(allowed, axis=0) @ double.mix_mean + np.max(allowed, axis=0) @ double.mix_greatest
    shared = shared + observation.context @ double.mix_context + double.mix_bias
    return np.array(
        [
            np.maximum(code @ double.mix_device + shared, 0) @ double.value + double.value_bias
            for code in codes
        ]
    )


def test_forward_is_the_formula() -> None:
    """The batched 32-bit pass equals the slow 64-bit one."""
    for num_devices in (1, 3, 17):
        observation = observe(num_devices, seed=num_devices)
        np.testing.assert_allclose(
            slow(weights_of(), observation), forward(weights_of(), observation), rtol=1e-4, atol=1e-5
        )


def test_numpy_and_jax_agree() -> None:
    """The gateway's pass equals the jitted one of the training to 1e-5."""
    observation = observe(6, 32)
    by_jax = jax.jit(forward)(*jax.tree.map(jnp.asarray, (weights_of(), observation)))
    np.testing.assert_allclose(forward(weights_of(), observation), by_jax, rtol=1e-5, atol=1e-5)


def test_the_order_of_the_devices_does_not_matter() -> None:
    """Shuffled devices get the same numbers, shuffled."""
    observation = observe(7)
    order = np.random.default_rng(1).permutation(7)
    shuffled = Observation(observation.devices[order], observation.context, observation.device_mask[order])
    np.testing.assert_allclose(
        forward(weights_of(), observation)[order], forward(weights_of(), shuffled), rtol=1e-5, atol=1e-6
    )


def test_forbidden_devices_do_not_speak() -> None:
    """What a forbidden device looks like changes nothing for the others, and it is never chosen."""
    observation = observe(5, 64)
    loud = observation._replace(
        devices=np.where(observation.device_mask[..., None], observation.devices, np.float32(1e3))
    )
    mask = observation.device_mask
    np.testing.assert_allclose(
        forward(weights_of(), observation)[mask], forward(weights_of(), loud)[mask], rtol=1e-5, atol=1e-6
    )
    chosen = SelectionPolicy(weights=weights_of()).choose(loud)
    assert np.take_along_axis(mask, chosen[:, None], axis=-1).all()
