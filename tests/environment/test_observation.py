"""What a policy sees, by hand."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment import CONTEXT_FEATURES, DEVICE_FEATURES, Observation, RewardConfig, encode
from net4moe.environment.observation import (
    Circumstances,
    Following,
    best_allowed,
    calm,
    context_feature,
    device_feature,
    following,
)
from net4moe.network import DeviceConfig, Fleet, fleet_arrays
from net4moe.network.costs import sending_time_s

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


HAPPENED = Circumstances(
    transfer_s=np.array([0.0, 1.0, 99.0]),
    backlog_s=np.array([0.0, 2.5, 1e6]),
    delay_s=np.array([4.0, 12.0, math.inf]),
    charge_share=np.array([1.0, 0.5, 0.0]),
    charge_needed=np.array([0.0, 0.125, 0.25]),
    temperature_share=np.array([0.0, 0.5, 1.0]),
    speed_share=np.array([1.0, 0.75, 0.25]),
    resident=np.array([True, False, True]),
    copies_share=np.array([2 / 3, 1 / 3, 2 / 3]),
    serving=np.array([False, True, False]),
    holds=np.array([False, False, True]),
    loss=np.array([0.0, 0.1, 1.0]),
    surprise=np.array([0.0, -2.0, 1.0]),
    age=np.array([1.0, 3.0, 64.0]),
    harvest_share=np.array([0.0, 0.5, 1.0]),
    importance=np.array(2.0),
    slack_s=np.array(3.0),
    episode_share_left=np.array(0.25),
    num_sending=np.array(2.0),
    sending_s=np.array(1.5),
)


def check(
    observation: Observation, expected: dict[str, Any], names: tuple[str, ...], column: Callable[..., Any]
) -> None:
    """Compare columns by their names, and that none is left out."""
    assert names == tuple(expected)
    for name, values in expected.items():
        np.testing.assert_allclose(values, column(observation, name), rtol=1e-5, err_msg=name)


def see(fleet: Fleet = FLEET, *, reward_config: RewardConfig | None = None, **changes: Any) -> Observation:
    """Encode a plain situation with changes."""
    situation: dict[str, Any] = {
        "expected_score": np.array([5.0, 9.0, 7.0], np.float32),
        "later": Following(np.array([5.0, 7.0, 9.0]), np.array([6.0, 5.0, 4.0])),
        "expected_words": np.array([50.0, 100.0, 30.0], np.float32),
        "units": np.array([5.0, 10.0, 3.0], np.float32),
        "snr_db": np.array([3.0, 0.0, 20.0], np.float32),
        "available": np.array([True, True, True]),
        "prompt_share_left": np.array(0.5, np.float32),
    }
    return encode(fleet, reward_config or RewardConfig(), **(situation | changes))


def test_each_feature_by_hand() -> None:
    """Scores, words, prices and links land in their columns; the local device shows no link."""
    observation = see()
    seconds = np.array([0.0, 100 * 48 / 1e4, 30 * 48 / (1e5 * math.log2(101))])
    nothing, one = [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]
    expected = {
        "expected_score": [0.0, 2.0, 1.0],
        "next_score": [0.0, 1.0, 2.0],
        "rest_score": [0.5, 0.0, -0.5],
        "expected_words": [0.5, 1.0, 0.3],
        "expected_compute_cost": [1.0, 1.0, 0.3],
        "snr": [0.0, 0.0, 2.0],
        "bandwidth": [0.0, 0.0, 1.0],
        "expected_transfer_cost": 5.0 * seconds,
        "local": [1.0, 0.0, 0.0],
        "units_share": [1.25, 0.0, 0.15],
        "backlog": nothing,
        "delay": seconds / 10,
        "expected_delay_cost": nothing,
        "charge": one,
        "charge_needed": nothing,
        "temperature": nothing,
        "speed": one,
        "resident": one,
        "copies": one,
        "serving": nothing,
        "holds": nothing,
        "loss": nothing,
        "surprise": nothing,
        "age": nothing,
        "harvest": nothing,
    }
    check(observation, expected, DEVICE_FEATURES, device_feature)
    shared = {
        "load": 0.6,
        "prompt_share_left": 0.5,
        "importance": 0.25,
        "slack": 0.0,
        "episode_share_left": 0.5,
        "sending": 0.0,
        "sending_s": 0.0,
    }
    check(observation, shared, CONTEXT_FEATURES, context_feature)


def test_each_circumstance_by_hand() -> None:
    """What has happened to the devices lands in its column, in its unit."""
    observation = see(circumstances=HAPPENED, reward_config=RewardConfig(delay_cost_per_s=0.5))
    expected = {
        "expected_transfer_cost": [0.0, 5.0, 10.0],
        "backlog": [0.0, 0.25, 10.0],
        "delay": [0.4, 1.2, 10.0],
        "expected_delay_cost": [2.0, 6.0, 10.0],
        "charge": [1.0, 0.5, 0.0],
        "charge_needed": [0.0, 0.125, 0.25],
        "temperature": [0.0, 0.5, 1.0],
        "speed": [1.0, 0.75, 0.25],
        "resident": [1.0, 0.0, 1.0],
        "copies": [2 / 3, 1 / 3, 2 / 3],
        "serving": [0.0, 1.0, 0.0],
        "holds": [0.0, 0.0, 1.0],
        "loss": [0.0, 0.1, 1.0],
        "surprise": [0.0, -1.0, 0.5],
        "age": [math.log(2) / math.log(65), math.log(4) / math.log(65), 1.0],
        "harvest": [0.0, 0.5, 1.0],
    }
    check(observation, expected, tuple(expected), device_feature)
    shared = {
        "load": 0.6,
        "prompt_share_left": 0.5,
        "importance": 0.5,
        "slack": 0.3,
        "episode_share_left": 0.25,
        "sending": 0.2,
        "sending_s": 0.15,
    }
    check(observation, shared, CONTEXT_FEATURES, context_feature)
    for name in ("expected_score", "expected_words", "expected_compute_cost", "snr", "bandwidth", "local"):
        np.testing.assert_array_equal(device_feature(see(), name), device_feature(observation, name))


def test_a_deadline_far_away_and_much_on_the_air_are_cut() -> None:
    """At 100 seconds; without a deadline there is no slack to show."""
    far = HAPPENED._replace(slack_s=np.array(1e6), sending_s=np.array(math.inf), num_sending=np.array(7.0))
    observation = see(circumstances=far)
    assert 10.0 == context_feature(observation, "slack") == context_feature(observation, "sending_s")
    never = see(circumstances=HAPPENED._replace(slack_s=np.array(math.inf)))
    assert 0.0 == context_feature(never, "slack")


def test_nothing_happened_where_nothing_is_said() -> None:
    """Calm devices are the same as none described, and the time on the air follows from the link."""
    words, snr_db = np.array([50.0, 100.0, 30.0], np.float32), np.array([3.0, 0.0, 20.0], np.float32)
    seconds = sending_time_s(FLEET, words, snr_db, RewardConfig().bits_per_word)
    described = see(circumstances=calm(snr_db, np.array(0.5, np.float32), seconds))
    for wanted, got in zip(see(), described, strict=True):
        np.testing.assert_array_equal(wanted, got)


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
    batch: dict[str, Any] = {
        "expected_score": rng.uniform(0, 10, (4, 3)).astype(np.float32),
        "later": Following(*rng.uniform(0, 10, (2, 4, 3)).astype(np.float32)),
        "expected_words": rng.uniform(10, 100, (4, 3)).astype(np.float32),
        "units": rng.uniform(1, 10, (4, 3)).astype(np.float32),
        "snr_db": rng.uniform(0, 20, (4, 3)).astype(np.float32),
        "available": rng.random((4, 3)) < 0.5,
        "prompt_share_left": rng.random(4).astype(np.float32),
    }
    happened = Circumstances(*(np.asarray(rng.random((4, 3))) for _ in range(15)), *rng.random((5, 4)))
    happened = happened._replace(
        **{name: rng.random((4, 3)) < 0.5 for name in ("resident", "serving", "holds")}
    )
    fleet = jax.tree.map(jnp.asarray, FLEET)
    encode_all = jax.jit(jax.vmap(lambda situation: encode(fleet, RewardConfig(), **situation)))
    for given in (batch, {**batch, "circumstances": happened}):
        by_numpy = encode(FLEET, RewardConfig(), **given)
        by_jax = encode_all(jax.tree.map(jnp.asarray, given))
        for wanted, got in zip(by_numpy, by_jax, strict=True):
            np.testing.assert_allclose(wanted, np.asarray(got), rtol=1e-5, atol=1e-6)


def test_best_allowed_skips_forbidden_devices_and_takes_the_first_of_equals() -> None:
    """Device 1 is forbidden, 0 and 2 are equal."""
    assert best_allowed(np.array([1.0, 9.0, 1.0]), np.array([True, False, True])) == 0


def test_looking_ahead_over_a_prompt() -> None:
    """The next subtask's score, and the mean of all later ones; padding does not count."""
    score = np.array([[[6.0, 1.0], [8.0, 2.0], [5.0, 6.0], [9.0, 9.0]]] * 2)
    mask = np.array([[True] * 4, [True, True, True, False]])
    later = following(score, mask)
    np.testing.assert_allclose([[8, 2], [5, 6], [9, 9], [5, 5]], later.next_score[0])
    np.testing.assert_allclose([[8, 2], [5, 6], [5, 5], [5, 5]], later.next_score[1])
    np.testing.assert_allclose([[22 / 3, 17 / 3], [7, 7.5], [9, 9], [5, 5]], later.rest_score[0])
    np.testing.assert_allclose([[6.5, 4], [5, 6], [5, 5], [5, 5]], later.rest_score[1])
    np.testing.assert_allclose(later, following(jnp.asarray(score), jnp.asarray(mask)), rtol=1e-6)
