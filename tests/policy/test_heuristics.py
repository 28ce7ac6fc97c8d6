"""Each rule by hand, the same with NumPy and JAX, and never a device that is not allowed."""

import functools

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.environment.decisions import Decisions, Policy
from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, best_allowed
from net4moe.policy.baselines import BASELINES, LEGEND, expected_reward, highest_expectation
from net4moe.policy.heuristics import (
    HEURISTICS,
    cool,
    drift_plus_penalty,
    keep_resident,
    least_backlog,
    myopic,
    recent_form,
    reserve,
    shortest_expected_delay,
    stick,
    weight_to_latency,
)
from tests.choices import choices, drawn_choices

ALL, NOT_FIRST = [True, True, True], [False, True, True]


def test_myopic_reads_what_the_environment_tells() -> None:
    """The greatest mean reward is device 0's, and device 2's where device 0 is forbidden."""
    decisions = choices([ALL, NOT_FIRST], mean_rewards=[9.0, 1.0, 3.0])
    np.testing.assert_array_equal([0, 2], myopic(decisions))


def test_queues_by_seconds_until_done_or_by_seconds_that_wait() -> None:
    """The longest queue stands at the fastest device, which is done first all the same."""
    decisions = choices([ALL, NOT_FIRST], backlog=[0.2, 0.1, 0.0], delay=[0.3, 0.5, 0.9])
    np.testing.assert_array_equal([0, 1], shortest_expected_delay(decisions))
    np.testing.assert_array_equal([2, 2], least_backlog(decisions))


def test_drift_plus_penalty_by_hand() -> None:
    """Rewards 7, 6 and 5.5; drifts 0.4 * 0.2 = 0.08, 0.5 * 0.04 = 0.02 and 0.

    With V = 0.1 the values are 0.62, 0.58 and 0.55; with V = 0.05 they are 0.27, 0.28 and 0.275; with V = 0.01
    they are -0.01, 0.04 and 0.055.
    """
    decisions = choices(
        ALL,
        expected_score=[1.0, 0.5, 0.25],
        backlog=[0.4, 0.0, 0.0],
        delay=[0.6, 0.0, 0.0],
        charge=[1.0, 0.5, 0.5],
        charge_needed=[0.0, 0.04, 0.0],
    )
    assert drift_plus_penalty(0.1)(decisions) == 0
    assert drift_plus_penalty(0.05)(decisions) == 1
    assert drift_plus_penalty(0.01)(decisions) == 2


def test_drift_plus_penalty_counts_heat_by_the_work_to_come() -> None:
    """A hot device that has nothing to do but send is as good as a cool one; hot and busy it is not."""
    hot = {"expected_score": [1.1, 1.0], "temperature": [0.8, 0.0]}
    assert drift_plus_penalty(0.1)(choices([True, True], delay=[0.0, 0.0], **hot)) == 0
    assert drift_plus_penalty(0.1)(choices([True, True], delay=[0.5, 0.5], **hot)) == 1


def test_reserve_keeps_charge_until_it_matters_or_time_runs_out() -> None:
    """The better device has 0.4 of its battery, and half is to be kept at the start.

    It is asked for what is important (weight 4), and at the end, when 0.5 * 0.5 = 0.25 is to be kept.
    """
    decisions = choices(
        [[True, True]] * 3,
        context={"importance": [0.25, 1.0, 0.25], "episode_share_left": [1.0, 1.0, 0.5]},
        expected_score=[0.0, 1.0],
        charge=[1.0, 0.4],
        charge_needed=[0.0, 0.1],
    )
    np.testing.assert_array_equal([0, 1, 1], reserve(0.5)(decisions))


def test_reserve_takes_the_best_where_every_battery_is_low() -> None:
    """Nobody is open, so that the better of the two is asked."""
    decisions = choices([True, True], expected_score=[0.0, 1.0], charge=0.1, charge_needed=0.05)
    assert reserve(0.5)(decisions) == 1


def test_keep_resident_loads_where_it_was_used_longest_ago() -> None:
    """Device 0 has the expert. Device 1 is the better one of those that do not, device 2 the one at rest."""
    devices = {
        "resident": [1.0, 0.0, 0.0],
        "age": [0.1, 0.2, 0.6],
        "expected_score": [0.5, 3.0, 1.5],  # rewards 6, 11 and 8
    }
    assert keep_resident(margin=2.5)(choices(ALL, **devices)) == 0
    assert keep_resident(margin=1.5)(choices(ALL, **devices)) == 2
    assert keep_resident(margin=9.0)(choices(NOT_FIRST, **devices)) == 2


def test_keep_resident_takes_the_best_of_those_that_rest_equally() -> None:
    """Nobody has the expert and nobody was ever asked: the better one loads it."""
    assert keep_resident()(choices(ALL, resident=0.0, expected_score=[0.0, 1.0, 0.5])) == 1


def test_stick_moves_for_more_than_the_margin() -> None:
    """Another device is better by 1 point: enough for a margin of 0.9, not for one of 1.1."""
    decisions = choices([True, True], expected_score=[1.0, 1.5], serving=[1.0, 0.0])
    assert stick(0.9)(decisions) == 1
    assert stick(1.1)(decisions) == 0


def test_cool_lets_the_hot_one_rest_unless_all_are_hot() -> None:
    """The best device is at 0.6 of the way to its shutdown."""
    decisions = choices([ALL, NOT_FIRST], expected_score=[0.0, 1.0, 2.0], temperature=[0.1, 0.7, 0.6])
    np.testing.assert_array_equal([0, 2], cool(0.5)(decisions))


def test_recent_form_fades_with_the_choices_since() -> None:
    """Device 1 was 2 points above its promise of 1 point less: good at once, and forgotten after 64 choices."""
    now = choices([True, True], expected_score=[1.0, 0.5], surprise=[0.0, 1.0], age=0.0)
    long_ago = choices([True, True], expected_score=[1.0, 0.5], surprise=[0.0, 1.0], age=1.0)
    assert recent_form(0.9)(now) == 1
    assert recent_form(0.9)(long_ago) == 0
    assert recent_form(1.0)(long_ago) == 1


def test_weight_to_latency_trades_weight_for_speed() -> None:
    """Weights in the ratio 1 : 1/e : 1/e^4, delays 8, 1 and 0.01: ratios 1 : 2.9 : 14.7 times 1/8.

    Any is quick enough at threshold 0, the second at 0.1 to 0.2, the third alone above.
    """
    decisions = choices(ALL, expected_score=[2.0, 1.5, 0.0], delay=[0.8, 0.1, 0.001])
    assert weight_to_latency(0.0)(decisions) == 0
    assert weight_to_latency(0.1)(decisions) == 1
    assert weight_to_latency(0.5)(decisions) == 2
    assert weight_to_latency(0.5)(choices(ALL, expected_score=[1.0, 2.0, 0.0])) == 1


def test_a_device_at_rest_makes_all_rules_of_reward_alike() -> None:
    """Where nothing has happened yet, what looks at consequences has none to look at."""
    random = np.random.default_rng(3)
    decisions = choices(
        np.ones((50, 5), np.bool_),
        expected_score=random.normal(1.0, 0.5, (50, 5)),
        expected_transfer_cost=random.random((50, 5)),
    )
    expected = highest_expectation()(decisions)
    for rule in (drift_plus_penalty(), reserve(), keep_resident(), stick(), cool(), recent_form()):
        np.testing.assert_array_equal(expected, rule(decisions))


RULES = {
    **{name: BASELINES[name] for name in BASELINES if name != "upper_bound"},
    **HEURISTICS,
    "myopic": myopic,
}


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), num_devices=st.integers(1, 9))
def test_no_rule_takes_a_device_that_is_not_allowed(name: str, seed: int, num_devices: int) -> None:
    """Whatever the features are; a batch gives what its rows give alone."""
    decisions = drawn_choices(np.random.default_rng(seed), (6, num_devices))
    chosen = np.asarray(RULES[name](decisions))
    assert chosen.shape == (6,)
    assert np.all(decisions.observation.device_mask[np.arange(6), chosen])
    alone = RULES[name](jax.tree.map(lambda leaf: leaf[3], decisions))
    assert chosen[3] == alone


@pytest.mark.parametrize("name", RULES)
def test_jax_and_numpy_choose_alike(name: str) -> None:
    """The same rule, traced by JAX, takes the same devices."""
    decisions = drawn_choices(np.random.default_rng(5), (40, 7))
    np.testing.assert_array_equal(RULES[name](decisions), jax.jit(RULES[name])(decisions))


def oracle_reward(decisions: Decisions, row: int, device: int) -> float:
    """Compute the expected reward of one device in plain numbers, at 2 reward units a point."""
    observation = decisions.observation
    of = dict(zip(DEVICE_FEATURES, observation.devices[row, device].tolist(), strict=True))
    shared = dict(zip(CONTEXT_FEATURES, observation.context[row].tolist(), strict=True))
    late = shared["slack"] > 0.0 and of["delay"] > shared["slack"]
    quality = 0.0 if late else 2.0 * (4.0 * shared["importance"]) * (5.0 + 2.0 * of["expected_score"])
    cost = of["expected_compute_cost"] + of["expected_transfer_cost"] + of["expected_delay_cost"]
    return quality * (1.0 - of["loss"]) - cost


def test_expected_reward_is_the_sum_of_its_parts() -> None:
    """Importance, loss, deadline and the three prices, in float64 by loops."""
    decisions = drawn_choices(np.random.default_rng(7), (12, 4))
    expected = [[oracle_reward(decisions, row, device) for device in range(4)] for row in range(12)]
    np.testing.assert_allclose(expected, expected_reward(decisions.observation, 2.0), rtol=2e-5, atol=2e-5)
    np.testing.assert_array_equal(
        best_allowed(np.array(expected), decisions.observation.device_mask),
        highest_expectation(2.0)(decisions),
    )


def test_a_passage_that_comes_too_late_is_worth_nothing() -> None:
    """The best device needs 3 s where 2 s are left; with no deadline it is taken."""
    devices = {"expected_score": [0.0, 2.0], "delay": [0.1, 0.3]}
    assert highest_expectation()(choices([True, True], context={"slack": 0.2}, **devices)) == 0
    assert highest_expectation()(choices([True, True], **devices)) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            functools.partial(drift_plus_penalty, 0.0),
            "`trade_off` must be finite and greater than 0, got 0.0.",
        ),
        (functools.partial(reserve, 1.5), "`share` must be from 0 to 1, got 1.5."),
        (functools.partial(reserve, 0.5, -1.0), "`important` must be finite and at least 0, got -1.0."),
        (functools.partial(keep_resident, float("nan")), "`margin` must be finite and at least 0, got nan."),
        (functools.partial(stick, -0.5), "`margin` must be finite and at least 0, got -0.5."),
        (functools.partial(cool, 2.0), "`threshold` must be from 0 to 1, got 2.0."),
        (functools.partial(recent_form, -0.1), "`memory` must be from 0 to 1, got -0.1."),
        (functools.partial(weight_to_latency, 1.1), "`threshold` must be from 0 to 1, got 1.1."),
    ],
)
def test_a_parameter_out_of_range_is_refused(make: functools.partial[Policy], message: str) -> None:
    """One sentence says what must hold and what came."""
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        make()
    assert message == str(refusal.value)


@pytest.mark.parametrize("name", [*HEURISTICS, "myopic"])
def test_every_rule_has_a_name_in_the_legend(name: str) -> None:
    """A figure can label each of them."""
    assert LEGEND[name]
