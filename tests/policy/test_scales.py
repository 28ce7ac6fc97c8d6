"""The size of rewards, returns and features."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.environment import Observation
from net4moe.policy.scales import (
    Scales,
    column_scale,
    extend_scales,
    initial_scales,
    return_size,
    reward_size,
    standardised,
)


def observe(devices: np.ndarray, context: np.ndarray) -> Observation:
    """Make observations of which every device may be chosen."""
    mask = np.ones(devices.shape[:-1], np.bool_)
    return Observation(
        jnp.asarray(devices, jnp.float32), jnp.asarray(context, jnp.float32), jnp.asarray(mask)
    )


def measured(*batches: np.ndarray) -> Scales:
    """Add rewards one batch after the other; the discounted sums are twice the rewards, nothing is seen."""
    scales: Any = None
    for batch in batches:
        seen = observe(np.zeros((*batch.shape, 2, 3)), np.zeros((*batch.shape, 1)))
        scales = initial_scales(seen) if scales is None else scales
        rewards = jnp.asarray(batch, jnp.float32)
        scales = extend_scales(scales, seen, rewards, 2 * rewards)
    return scales


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000), unit=st.sampled_from([1e-3, 1.0, 300.0]), shift=st.sampled_from([0.0, 5.0])
)
def test_batches_one_by_one_are_as_all_at_once(seed: int, unit: float, shift: float) -> None:
    """The running moments are those of all rewards together, in 64-bit floats."""
    rng = np.random.default_rng(seed)
    batches = [unit * (shift + rng.normal(size=shape)) for shape in ((4, 2), (1, 2), (3, 2))]
    together = np.concatenate(batches)
    scales = measured(*batches)
    assert float(scales.reward.number) == 16
    np.testing.assert_allclose(together.mean(), scales.reward.mean, rtol=1e-4, atol=1e-6 * unit)
    np.testing.assert_allclose(together.std(), reward_size(scales), rtol=1e-4)
    np.testing.assert_allclose(2 * np.sqrt(np.mean(together**2)), return_size(scales), rtol=1e-4)


def test_rewards_that_are_all_alike_have_a_size() -> None:
    """1 % of what they are; a return is what it is."""
    scales = measured(np.full((2, 2), 7.0))
    assert pytest.approx(0.07, rel=1e-4) == float(reward_size(scales))
    assert pytest.approx(14.0, rel=1e-4) == float(return_size(scales))


def test_nothing_has_a_size_to_divide_by() -> None:
    """Before any reward and where all are 0 the sizes are greater than 0."""
    for scales in (initial_scales(observe(np.zeros((2, 3)), np.zeros(1))), measured(np.zeros(3))):
        assert float(reward_size(scales)) > 0
        assert float(return_size(scales)) > 0


def test_features_get_mean_0_and_deviation_1() -> None:
    """Over steps and devices alike; one that hardly differs is scaled by 50 at most, one that never does by 1."""
    rng = np.random.default_rng(0)
    devices = rng.normal([3.0, -1.0, 0.5], [10.0, 0.001, 0.0], (200, 4, 3))
    seen = observe(devices, rng.normal(7.0, 0.1, (200, 1)))
    scales = extend_scales(initial_scales(seen), seen, jnp.ones(200), jnp.ones(200))
    shown = standardised(scales, seen)
    np.testing.assert_allclose([0.0, 0.0, 0.0], shown.devices.mean(axis=(0, 1)), atol=1e-3)
    np.testing.assert_allclose([1.0, 0.05, 0.0], shown.devices.std(axis=(0, 1)), atol=0.01)
    np.testing.assert_allclose(1.0, shown.context.std(), rtol=1e-3)
    np.testing.assert_allclose([0.02, 1.0], column_scale(scales.devices)[1:])
    np.testing.assert_array_equal(seen.device_mask, shown.device_mask)


def test_who_has_met_nothing_looks_at_features_as_they_are() -> None:
    """Mean 0 and scale 1."""
    seen = observe(np.ones((2, 3)), np.ones(1))
    np.testing.assert_array_equal(seen.devices, standardised(initial_scales(seen), seen).devices)
