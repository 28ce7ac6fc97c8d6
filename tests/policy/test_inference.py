"""The forward pass: a slow reference, any set of devices, NumPy as JAX."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import CONTEXT_FEATURES, DEVICE_FEATURES, Observation
from net4moe.policy import SelectionPolicy
from net4moe.policy.attention import AttentionWeights
from net4moe.policy.inference import NetworkWeights, Outputs, Weights, forward, outputs
from net4moe.policy.layouts import layout

F, C = len(DEVICE_FEATURES), len(CONTEXT_FEATURES)


def weights_of(num_heads: int = 0, seed: int = 0) -> NetworkWeights:
    """Draw weights, biases too, of 16 hidden units."""
    rng = np.random.default_rng(seed)
    record, shapes = layout(F, C, 16, num_heads)
    return record(
        *(np.asarray(rng.normal(0, 0.3, shape), np.float32) for shape in shapes)  # pyright: ignore[reportArgumentType]
    )


def observe(num_devices: int, *batch: int, seed: int = 0) -> Observation:
    """Draw a batch of observations; the first device may always be chosen."""
    rng = np.random.default_rng(seed)
    mask = rng.random((*batch, num_devices)) < 0.6
    mask[..., 0] = True
    return Observation(
        devices=rng.normal(size=(*batch, num_devices, F)).astype(np.float32),
        context=rng.normal(size=(*batch, C)).astype(np.float32),
        device_mask=mask,
    )


def slow_pooled(weights: Weights, observation: Observation) -> tuple[np.ndarray, float]:
    """Compute one set in float64, device by device, from the formula."""
    double = Weights(*(np.asarray(array, np.float64) for array in weights))
    rows = observation.devices.astype(np.float64)
    codes = []
    for row in rows:
        hidden = np.maximum(row @ double.encode_device + double.encode_device_bias, 0)
        codes.append(np.maximum(hidden @ double.encode_hidden + double.encode_hidden_bias, 0))
    allowed = [code for code, may in zip(codes, observation.device_mask, strict=True) if may]
    shared = np.mean(allowed, axis=0) @ double.mix_mean + np.max(allowed, axis=0) @ double.mix_greatest
    shared = shared + observation.context @ double.mix_context + double.mix_bias
    devices = [
        np.maximum(code @ double.mix_device + shared, 0) @ double.value
        + double.value_bias
        + row @ double.skip
        for code, row in zip(codes, rows, strict=True)
    ]
    return np.array(devices), float(np.maximum(shared, 0) @ double.pooled + double.pooled_bias)


def softmax(numbers: np.ndarray) -> np.ndarray:
    """Turn numbers into weights that add up to 1."""
    return np.exp(numbers) / np.exp(numbers).sum()


def slow_attention(weights: AttentionWeights, observation: Observation) -> tuple[np.ndarray, float]:
    """Compute one set in float64, head by head, point by point, device by device, from the formula."""
    w = AttentionWeights(*(np.asarray(array, np.float64) for array in weights))
    rows, may = observation.devices.astype(np.float64), observation.device_mask
    codes = np.maximum(rows @ w.encode_device + observation.context @ w.encode_context + w.encode_bias, 0)
    num_heads, num_points, num_units = w.points.shape
    heard = np.zeros_like(codes)
    for k in range(num_heads):
        keys, values = codes[may] @ w.point_keys[k], codes[may] @ w.point_values[k]
        told = np.array(
            [softmax(keys @ w.points[k, i] / np.sqrt(num_units)) @ values for i in range(num_points)]
        )
        for n, code in enumerate(codes):
            heard[n] += softmax(told @ (code @ w.queries[k]) / np.sqrt(num_units)) @ told @ w.merge[k]
    codes = codes + heard
    codes = codes + np.maximum(codes @ w.expand + w.expand_bias, 0) @ w.contract
    pooled = np.maximum(codes[may].mean(axis=0) @ w.pool + w.pool_bias, 0) @ w.pooled + w.pooled_bias
    return codes @ w.value + w.value_bias + rows @ w.skip, float(pooled)


@pytest.mark.parametrize("num_heads", [0, 1, 2])
@pytest.mark.parametrize("num_devices", [1, 3, 17])
def test_outputs_are_the_formula(num_heads: int, num_devices: int) -> None:
    """The batched 32-bit pass equals the slow 64-bit one, for devices and for the set."""
    weights, observation = weights_of(num_heads), observe(num_devices, seed=num_devices)
    slow = slow_attention if isinstance(weights, AttentionWeights) else slow_pooled
    devices, pooled = slow(weights, observation)  # pyright: ignore[reportArgumentType]
    numbers = outputs(weights, observation)
    np.testing.assert_allclose(devices, numbers.devices, rtol=1e-4, atol=1e-4)
    assert pytest.approx(pooled, rel=1e-4, abs=1e-4) == float(numbers.pooled)


@pytest.mark.parametrize("num_heads", [0, 2])
def test_numpy_and_jax_agree(num_heads: int) -> None:
    """The gateway's pass equals the jitted one of the training to 1e-5."""
    weights, observation = weights_of(num_heads), observe(6, 32)
    by_jax: Outputs = jax.jit(outputs)(*jax.tree.map(jnp.asarray, (weights, observation)))
    for wanted, got in zip(outputs(weights, observation), by_jax, strict=True):
        np.testing.assert_allclose(wanted, got, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("num_heads", [0, 2])
def test_the_order_of_the_devices_does_not_matter(num_heads: int) -> None:
    """Shuffled devices get the same numbers, shuffled; the set gets the same one."""
    weights, observation = weights_of(num_heads), observe(7)
    order = np.random.default_rng(1).permutation(7)
    shuffled = Observation(observation.devices[order], observation.context, observation.device_mask[order])
    wanted, got = outputs(weights, observation), outputs(weights, shuffled)
    np.testing.assert_allclose(wanted.devices[order], got.devices, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(wanted.pooled, got.pooled, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("num_heads", [0, 2])
def test_forbidden_devices_do_not_speak(num_heads: int) -> None:
    """What a forbidden device looks like changes nothing for the others, and it is never chosen."""
    weights, observation = weights_of(num_heads), observe(5, 64)
    mask = observation.device_mask
    loud = observation._replace(devices=np.where(mask[..., None], observation.devices, np.float32(1e3)))
    wanted, got = outputs(weights, observation), outputs(weights, loud)
    np.testing.assert_allclose(wanted.devices[mask], got.devices[mask], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(wanted.pooled, got.pooled, rtol=1e-5, atol=1e-5)
    chosen = SelectionPolicy(weights=weights).choose(loud)
    assert np.take_along_axis(mask, chosen[:, None], axis=-1).all()


@pytest.mark.parametrize("num_heads", [0, 2])
def test_padding_stays_a_number(num_heads: int) -> None:
    """Where every device is forbidden, numbers and their gradients are finite."""
    observation = jax.tree.map(jnp.asarray, observe(3))._replace(device_mask=jnp.zeros(3, jnp.bool_))
    gradient = jax.grad(lambda weights: sum(map(jnp.sum, outputs(weights, observation))))(
        jax.tree.map(jnp.asarray, weights_of(num_heads))
    )
    assert all(np.all(np.isfinite(array)) for array in gradient)


@pytest.mark.parametrize("num_heads", [0, 2])
def test_a_thousand_devices_take_memory_for_each_and_not_for_each_pair(num_heads: int) -> None:
    """A batch of 64 sets of a thousand devices: numbers of one kind for each pair would take 500 megabytes."""
    weights, observation = jax.tree.map(jnp.asarray, (weights_of(num_heads), observe(1_000, 64)))
    memory: Any = jax.jit(forward).lower(weights, observation).compile().memory_analysis()
    assert memory.temp_size_in_bytes < 100e6
    assert forward(weights, observation).shape == (64, 1_000)
