"""The rules by hand, and what they earn in order."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe import policy
from net4moe.environment.decisions import Decisions
from net4moe.environment.episodes import returns
from net4moe.environment.selection import ExpertSelection
from net4moe.policy import BASELINES, LEGEND
from net4moe.policy.baselines import best_among
from tests.choices import choices, drawn_choices

ALL, NOT_SECOND = [True, True, True], [True, False, True]


def test_round_robin_goes_on_over_episodes_and_skips() -> None:
    """Turns 2, 3, 4, 4 of three devices are 2, 0, 1, and 2 where 1 is forbidden."""
    decisions = choices([ALL, ALL, ALL, NOT_SECOND], turn=[2, 3, 4, 4])
    np.testing.assert_array_equal([2, 0, 1, 2], policy.round_robin(decisions))


def test_fixed_device_takes_the_next_when_it_must() -> None:
    """Device 1, and device 2 where 1 is forbidden."""
    np.testing.assert_array_equal([1, 2], policy.fixed_device(1)(choices([ALL, NOT_SECOND])))


def test_strongest_link_prefers_any_link_to_none() -> None:
    """A link below 0 dB beats the local device, which is taken where nothing else may be."""
    only_local = [True, False, False]
    decisions = choices([ALL, only_local], snr=[0.0, -0.5, -0.1], local=[1.0, 0.0, 0.0])
    np.testing.assert_array_equal([2, 0], policy.strongest_link(decisions))


def test_best_expert_and_lowest_cost_read_their_columns() -> None:
    """The highest score is device 1; writing, sending and waiting together cost least on device 2."""
    decisions = choices(
        ALL,
        expected_score=[0.0, 2.0, 1.0],
        expected_compute_cost=[0.1, 0.5, 0.3],
        expected_transfer_cost=[0.9, 0.1, 0.3],
        expected_delay_cost=[0.0, 0.5, 0.3],
    )
    assert policy.best_expert(decisions) == 1
    assert policy.lowest_cost(decisions) == 2


def test_highest_expectation_weighs_score_against_cost() -> None:
    """One standard unit of the column is 2 points: 4 points for 3.5 pay at weight 1, not at 0.5."""
    decisions = choices([True, True], expected_score=[0.0, 2.0], expected_delay_cost=[0.5, 4.0])
    assert policy.highest_expectation()(decisions) == 1
    assert policy.highest_expectation(0.5)(decisions) == 0


def test_highest_expectation_weighs_importance_and_loss() -> None:
    """9 points for 3 units pay at weight 1 and 4, not at 1/2; with a loss of 0.5 they pay at no weight."""
    devices = {"expected_score": [0.0, 2.0], "expected_compute_cost": [0.0, 3.0]}
    weights = {"importance": [0.125, 0.25, 1.0]}
    lossless = choices([[True, True]] * 3, context=weights, **devices)
    lossy = choices([[True, True]] * 3, context=weights, loss=[0.0, 0.5], **devices)
    np.testing.assert_array_equal([0, 1, 1], policy.highest_expectation()(lossless))
    np.testing.assert_array_equal([0, 0, 0], policy.highest_expectation()(lossy))


def test_best_among_prefers_and_falls_back() -> None:
    """The preferred device of greatest value; any allowed one where no preferred one is allowed."""
    mask = np.array([ALL, NOT_SECOND, NOT_SECOND])
    preferred = np.array([[True, True, False], [True, True, False], [False, True, False]])
    np.testing.assert_array_equal([1, 0, 2], best_among(np.array([1.0, 2.0, 3.0]), preferred, mask))


def test_random_selection_covers_the_allowed_devices_evenly() -> None:
    """The interval (0, 1) is cut into equal parts, one per allowed device; its ends are safe."""
    decisions = choices([NOT_SECOND] * 4, uniform=[1e-7, 0.499, 0.501, 1.0])
    np.testing.assert_array_equal([0, 0, 2, 2], policy.random_selection(decisions))


def test_the_rules_earn_in_the_expected_order(
    selections: tuple[ExpertSelection, ExpertSelection],
) -> None:
    """No rule beats the bounds, channel-blind ones tie with chance, informed ones beat it."""
    environment = selections[1]
    tapes = environment.tapes(jax.random.key(5), 2_000)

    @jax.jit
    @jax.vmap
    def by_rule(index: Any) -> Any:
        """Play one of the rules; all of them in one compilation."""

        def choose(decisions: Decisions) -> Any:
            return jnp.stack([rule(decisions) for rule in BASELINES.values()])[index]

        return returns(environment, choose, tapes)

    earned = dict(zip(BASELINES, np.asarray(by_rule(jnp.arange(len(BASELINES)))), strict=True))
    for rewards in earned.values():
        assert np.all(np.isfinite(rewards))
        assert np.all(earned["upper_bound"] >= rewards - 1e-5)
    mean = {name: rewards.mean() for name, rewards in earned.items()}
    assert max(mean, key=lambda name: mean[name]) == "upper_bound"
    assert mean["best_given_observation"] > max(mean["best_expert"], mean["lowest_cost"])
    assert mean["highest_expectation"] > 0.99 * mean["best_given_observation"]
    assert mean["best_expert"] > mean["random_selection"]
    assert mean["strongest_link"] > mean["random_selection"]
    difference = earned["round_robin"] - earned["random_selection"]
    assert abs(difference.mean()) < 0.1 * (mean["upper_bound"] - mean["random_selection"])


@pytest.mark.parametrize("name", BASELINES)
def test_jax_and_numpy_choose_alike(name: str) -> None:
    """The same rule traced by JAX takes the same devices."""
    decisions = drawn_choices(np.random.default_rng(6), (40, 7))
    np.testing.assert_array_equal(BASELINES[name](decisions), jax.jit(BASELINES[name])(decisions))


@pytest.mark.parametrize("name", [*BASELINES, "sac", "fixed_device", "highest_expectation"])
def test_every_rule_has_a_name_in_the_legend(name: str) -> None:
    """A figure can label each of them."""
    assert LEGEND[name]
