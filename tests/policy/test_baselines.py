"""The rules by hand, and what they earn in order."""

import jax
import numpy as np
import pytest

from net4moe import policy
from net4moe.environment import DEVICE_FEATURES, Decisions, Observation, evaluate
from net4moe.environment.selection import ExpertSelection
from net4moe.policy import BASELINES, LEGEND


def decisions_of(mask: list[list[bool]], turn: list[int], **columns: list[list[float]]) -> Decisions:
    """Lay out one episode with the given device columns."""
    device_mask = np.array([mask])
    devices = np.zeros((*device_mask.shape, len(DEVICE_FEATURES)), np.float32)
    for name, values in columns.items():
        devices[..., DEVICE_FEATURES.index(name)] = values
    steps = device_mask.shape[:2]
    return Decisions(
        observation=Observation(devices, np.zeros((*steps, 2), np.float32), device_mask),
        turn=np.array([turn]),
        uniform=np.full(steps, 0.5),
        valid=np.ones(steps, np.bool_),
        rewards=np.zeros(device_mask.shape),
        mean_rewards=np.zeros(device_mask.shape),
    )


ALL, NOT_SECOND = [True, True, True], [True, False, True]


def test_round_robin_goes_on_over_episodes_and_skips() -> None:
    """Turns 2, 3, 4, 4 of three devices are 2, 0, 1, and 2 where 1 is forbidden."""
    decisions = decisions_of([ALL, ALL, ALL, NOT_SECOND], [2, 3, 4, 4])
    np.testing.assert_array_equal([[2, 0, 1, 2]], policy.round_robin(decisions))


def test_fixed_device_takes_the_next_when_it_must() -> None:
    """Device 1, and device 2 where 1 is forbidden."""
    np.testing.assert_array_equal([[1, 2]], policy.fixed_device(1)(decisions_of([ALL, NOT_SECOND], [0, 1])))


def test_strongest_link_prefers_any_link_to_none() -> None:
    """A link below 0 dB beats the local device, which is taken where nothing else may be."""
    only_local = [True, False, False]
    decisions = decisions_of(
        [ALL, only_local], [0, 1], snr=[[0.0, -0.5, -0.1]] * 2, local=[[1.0, 0.0, 0.0]] * 2
    )
    np.testing.assert_array_equal([[2, 0]], policy.strongest_link(decisions))


def test_best_expert_and_lowest_cost_read_their_columns() -> None:
    """The highest score is device 1; compute and transfer together are least on device 2."""
    decisions = decisions_of(
        [ALL],
        [0],
        expected_score=[[0.0, 2.0, 1.0]],
        expected_compute_cost=[[0.1, 0.5, 0.3]],
        expected_transfer_cost=[[0.9, 0.6, 0.3]],
    )
    np.testing.assert_array_equal([[1]], policy.best_expert(decisions))
    np.testing.assert_array_equal([[2]], policy.lowest_cost(decisions))


def test_highest_expectation_weighs_score_against_cost() -> None:
    """One standard unit of the column is 2 points: 4 points for 3.5 pay at weight 1, not at 0.5."""
    decisions = decisions_of(
        [[True, True]], [0], expected_score=[[0.0, 2.0]], expected_compute_cost=[[0.5, 4.0]]
    )
    np.testing.assert_array_equal([[1]], policy.highest_expectation()(decisions))
    np.testing.assert_array_equal([[0]], policy.highest_expectation(0.5)(decisions))


def test_random_selection_covers_the_allowed_devices_evenly() -> None:
    """The interval (0, 1) is cut into equal parts, one per allowed device; its ends are safe."""
    decisions = decisions_of([NOT_SECOND] * 4, [0, 1, 2, 3])
    decisions = decisions._replace(uniform=np.array([[1e-7, 0.499, 0.501, 1.0]], np.float32))
    np.testing.assert_array_equal([[0, 0, 2, 2]], policy.random_selection(decisions))


def test_the_rules_earn_in_the_expected_order(
    selections: tuple[ExpertSelection, ExpertSelection],
) -> None:
    """No rule beats the bounds, channel-blind ones tie with chance, informed ones beat it."""
    decisions = jax.device_get(selections[1].draw_decisions(jax.random.key(5), 2_000))
    earned = {name: evaluate(rule, decisions) for name, rule in BASELINES.items()}
    for rewards in earned.values():
        assert np.all(np.isfinite(rewards))
        assert np.all(earned["upper_bound"] >= rewards - 1e-5)
    mean = {name: rewards.mean() for name, rewards in earned.items()}
    assert max(mean, key=lambda name: mean[name]) == "upper_bound"
    assert mean["best_given_observation"] > max(mean["best_expert"], mean["lowest_cost"])
    assert evaluate(policy.highest_expectation(), decisions).mean() > 0.99 * mean["best_given_observation"]
    assert mean["best_expert"] > mean["random_selection"]
    assert mean["strongest_link"] > mean["random_selection"]
    difference = earned["round_robin"] - earned["random_selection"]
    assert abs(difference.mean()) < 0.1 * (mean["upper_bound"] - mean["random_selection"])


def test_jax_and_numpy_choose_alike(selections: tuple[ExpertSelection, ExpertSelection]) -> None:
    """The same rule traced by JAX takes the same devices."""
    decisions = selections[1].draw_decisions(jax.random.key(6), 64)
    for name, rule in BASELINES.items():
        by_numpy = rule(jax.device_get(decisions))
        np.testing.assert_array_equal(by_numpy, jax.jit(rule)(decisions), err_msg=name)


@pytest.mark.parametrize("name", [*BASELINES, "sac", "fixed_device", "highest_expectation"])
def test_every_rule_has_a_name_in_the_legend(name: str) -> None:
    """A figure can label each of them."""
    assert LEGEND[name]
