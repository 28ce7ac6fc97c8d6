"""What a policy sees, by hand."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment import CONTEXT_FEATURES, DEVICE_FEATURES, Observation, RewardConfig, encode
from net4moe.environment.observation import best_allowed, device_feature
from net4moe.network import DeviceConfig, Fleet, fleet_arrays

FLEET = fleet_arrays(
    (
        DeviceConfig(
            name="phone",
            expert="a",
            compute_cost_per_word=0.02,
            bandwidth_hz=5.0,
            units_limit=4.0,
            local=True,
        ),
        DeviceConfig(name="tv", expert="b"),
        DeviceConfig(name="car", expert="c", bandwidth_hz=100_000.0, units_limit=20.0),
    )
)


def see(fleet: Fleet = FLEET, **changes: np.ndarray) -> Observation:
    """Encode a plain situation with changes."""
    situation = {
        "expected_score": np.array([5.0, 9.0, 7.0], np.float32),
        "expected_words": np.array([50.0, 100.0, 30.0], np.float32),
        "units": np.array([5.0, 10.0, 3.0], np.float32),
        "snr_db": np.array([3.0, 0.0, 20.0], np.float32),
        "available": np.array([True, True, True]),
        "prompt_share_left": np.array(0.5, np.float32),
    }
    return encode(fleet, RewardConfig(), **(situation | changes))


def test_each_feature_by_hand() -> None:
    """Scores, words, prices and links land in their columns; the local device shows no link."""
    observation = see()
    seconds = np.array([0.0, 100 * 48 / 1e4, 30 * 48 / (1e5 * math.log2(101))])
    expected = {
        "expected_score": [0.0, 2.0, 1.0],
        "expected_words": [0.5, 1.0, 0.3],
        "expected_compute_cost": [1.0, 1.0, 0.3],
        "snr": [0.0, 0.0, 2.0],
        "bandwidth": [0.0, 0.0, 1.0],
        "expected_transfer_cost": 5.0 * seconds,
        "local": [1.0, 0.0, 0.0],
        "units_share": [1.25, 0.0, 0.15],
    }
    assert tuple(expected) == DEVICE_FEATURES
    for name, values in expected.items():
        np.testing.assert_allclose(values, device_feature(observation, name), rtol=1e-5, err_msg=name)
    assert CONTEXT_FEATURES == ("load", "prompt_share_left")
    np.testing.assert_allclose([0.6, 0.5], observation.context, rtol=1e-6)


def test_the_mask_wants_availability_and_enough_units() -> None:
    """The phone takes at most 4 units; a device that is away cannot be chosen."""
    np.testing.assert_array_equal([False, True, True], see().device_mask)
    fits = see(units=np.array([4.0, 99.0, 21.0], np.float32), available=np.array([True, False, True]))
    np.testing.assert_array_equal([True, False, False], fits.device_mask)


def test_extremes_stay_finite() -> None:
    """A dead link and a device without units are clipped, not infinite."""
    fleet = FLEET._replace(units_limit=np.array([0.0, 1.0, 1.0], np.float32))
    observation = see(fleet, snr_db=np.array([0.0, -2000.0, -60.0], np.float32))
    assert np.all(np.isfinite(observation.devices))
    np.testing.assert_allclose([0, 10, 10], device_feature(observation, "expected_transfer_cost"))
    np.testing.assert_allclose([2, 2, 2], device_feature(observation, "units_share"))


def test_jax_and_numpy_agree_also_in_a_batch() -> None:
    """Training and the gateway see the same numbers."""
    rng = np.random.default_rng(0)
    batch = {
        "expected_score": rng.uniform(0, 10, (4, 3)).astype(np.float32),
        "expected_words": rng.uniform(10, 100, (4, 3)).astype(np.float32),
        "units": rng.uniform(1, 10, (4, 3)).astype(np.float32),
        "snr_db": rng.uniform(0, 20, (4, 3)).astype(np.float32),
        "available": rng.random((4, 3)) < 0.5,
        "prompt_share_left": rng.random(4).astype(np.float32),
    }
    by_numpy = encode(FLEET, RewardConfig(), **batch)
    fleet = jax.tree.map(jnp.asarray, FLEET)
    encode_all = jax.jit(jax.vmap(lambda situation: encode(fleet, RewardConfig(), **situation)))
    by_jax = encode_all({name: jnp.asarray(values) for name, values in batch.items()})
    for wanted, got in zip(by_numpy, by_jax, strict=True):
        np.testing.assert_allclose(wanted, np.asarray(got), rtol=1e-5, atol=1e-6)


def test_best_allowed_skips_forbidden_devices_and_takes_the_first_of_equals() -> None:
    """Device 1 is forbidden, 0 and 2 are equal."""
    assert best_allowed(np.array([1.0, 9.0, 1.0]), np.array([True, False, True])) == 0
