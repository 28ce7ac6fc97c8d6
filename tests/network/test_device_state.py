"""Backlog, charge, heat and memory: by hand, exact for any step, balanced, and as queueing theory says."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.network.device_state import (
    DeviceState,
    Work,
    generation_energy_j,
    generation_time_s,
    initial_state,
    load_time_s,
    next_backlog_s,
    next_charge,
    next_temperature_c,
    rested,
    speed_share,
    up_probability,
    worked,
)
from net4moe.network.hardware import HARDWARE, Hardware, HardwareConfig, compile_hardware

DEVICE = HardwareConfig(
    tokens_per_s=10.0,
    prompt_tokens_per_s=100.0,
    tokens_per_j=2.0,
    idle_w=1.0,
    battery_j=1000.0,
    harvest_w=3.0,
    ambient_c=20.0,
    heat_resistance_k_per_w=10.0,
    heat_time_constant_s=100.0,
    throttle_c=40.0,
    shutdown_c=60.0,
    least_speed_share=0.5,
    model_bytes=4e9,
    storage_bytes_per_s=2e9,
)
PAIR = compile_hardware([DEVICE, DEVICE])
FIRST = np.array([True, False])
SECONDS = st.floats(0.0, 1e4)
SHARES = st.floats(0.0, 1.0)


def state_of(charge_j: float = 500.0, temperature_c: float = 20.0, backlog_s: float = 0.0) -> DeviceState:
    """Make a pair of devices in the same state, with expert 0 in memory; the backlog takes 5 W."""
    both = np.ones(2)
    return DeviceState(
        backlog_s=backlog_s * both,
        backlog_j=5.0 * backlog_s * both,
        charge_j=charge_j * both,
        temperature_c=temperature_c * both,
        resident=np.zeros(2, np.int32),
    )


def test_times_and_energies_by_hand() -> None:
    """50 tokens at 10/s after a prompt of 200 at 100/s: 7 s; at 0.5 J and 0.05 J each: 35 J."""
    assert 7.0 == generation_time_s(50.0, 200.0, 10.0, 100.0)
    assert 35.0 == generation_energy_j(50.0, 200.0, 0.5, 0.05)
    np.testing.assert_array_equal([0.0, 2.0, 2.0], load_time_s(np.array([3, 1, -1]), 3, np.full(3, 2.0)))


def test_throttling_by_hand() -> None:
    """Full speed up to 40 degrees, half at 60, a straight line between, no less beyond."""
    shares = speed_share(np.array([-10.0, 40.0, 45.0, 50.0, 60.0, 90.0]), 40.0, 60.0, 0.5)
    np.testing.assert_allclose([1.0, 1.0, 0.875, 0.75, 0.5, 0.5], shares)


def test_heat_by_hand() -> None:
    """5 W on 10 K/W end at 70 degrees; after one time constant 63.2 % of the way is gone."""
    assert 20.0 + 50.0 * (1 - math.exp(-1)) == pytest.approx(
        next_temperature_c(20.0, 5.0, 100.0, 20.0, 10.0, 100.0)
    )
    assert 70.0 == pytest.approx(next_temperature_c(20.0, 5.0, 1e5, 20.0, 10.0, 100.0))
    assert 33.0 == next_temperature_c(33.0, 5.0, 0.0, 20.0, 10.0, 100.0)


def test_charge_by_hand() -> None:
    """It fills to the brim and spills, and runs empty and leaves wants unmet; mains do neither."""
    assert (98.0, 7.0, 0.0) == next_charge(100.0, 5.0, 7.0, 200.0)
    assert (200.0, 7.0, 13.0) == next_charge(195.0, 25.0, 7.0, 200.0)
    assert (0.0, 6.0, 0.0) == next_charge(4.0, 2.0, 7.0, 200.0)
    charge = next_charge(np.array([math.inf]), np.array([0.0]), np.array([7.0]), np.array([math.inf]))
    assert (math.inf, 7.0, 0.0) == tuple(field[0] for field in charge)


@given(SHARES, st.floats(0, 1e3), st.floats(0, 1e3), st.floats(1, 1e3))
def test_the_energy_balance_closes(
    share: float, harvested_j: float, wanted_j: float, battery_j: float
) -> None:
    """Before + harvested = after + used + spilled, and the charge stays between empty and full."""
    after = next_charge(share * battery_j, harvested_j, wanted_j, battery_j)
    balance = share * battery_j + harvested_j - after.charge_j - after.used_j - after.spilled_j
    assert balance == pytest.approx(0.0, abs=1e-9)
    assert 0.0 <= after.charge_j <= battery_j
    assert after.spilled_j >= 0.0
    assert -1e-9 <= after.used_j <= wanted_j


@given(
    seconds=SECONDS,
    share=SHARES,
    charge_j=st.floats(0, 1000),
    temperature_c=st.floats(0, 80),
    backlog_s=SECONDS,
    harvest_share=SHARES,
)
def test_two_part_steps_are_one_step(
    seconds: float,
    share: float,
    charge_j: float,
    temperature_c: float,
    backlog_s: float,
    harvest_share: float,
) -> None:
    """However a rest is cut in two, the state after it is the same."""
    before = state_of(charge_j, temperature_c, backlog_s)
    whole = rested(PAIR, before, seconds, harvest_share)
    part = rested(PAIR, before, share * seconds, harvest_share)
    parts = rested(PAIR, part, seconds - share * seconds, harvest_share)
    for one, two in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-9, atol=1e-6)


def test_work_by_hand() -> None:
    """50 tokens and a prompt of 200 on the first device: 7 s, 35 J; a stranger loads for 2 s first."""
    after, work = worked(PAIR, state_of(), FIRST, 50.0, 200.0, 0)
    np.testing.assert_allclose([7.0, 0.0], work.seconds)
    np.testing.assert_allclose([35.0, 0.0], work.joules)
    np.testing.assert_array_equal(FIRST, work.completed)
    np.testing.assert_allclose([465.0, 500.0], after.charge_j)
    after, work = worked(PAIR, after, FIRST, 50.0, 200.0, 4)
    np.testing.assert_allclose([7.0 + 2.0 + 7.0, 0.0], work.seconds)
    np.testing.assert_array_equal([4, 0], after.resident)
    np.testing.assert_allclose([16.0, 0.0], after.backlog_s)
    np.testing.assert_allclose([70.0, 0.0], after.backlog_j)


def test_heat_of_work_by_hand() -> None:
    """35 J over 7 s are 5 W: the device heats for 7 s towards 70 degrees and cools for 3 s."""
    after, _ = worked(PAIR, state_of(), FIRST, 50.0, 200.0, 0)
    later = rested(PAIR, after, 10.0)
    hot_c = 70.0 - 50.0 * math.exp(-0.07)
    np.testing.assert_allclose([20.0 + (hot_c - 20.0) * math.exp(-0.03), 20.0], later.temperature_c)
    np.testing.assert_allclose([0.0, 0.0], later.backlog_s)
    np.testing.assert_allclose([465.0 + 20.0, 520.0], later.charge_j)


def test_hot_devices_work_slowly_and_then_not_at_all() -> None:
    """At 50 degrees three quarters of the speed are left; a backlog of 5 W that ends above 60 is too hot."""
    _, work = worked(PAIR, state_of(temperature_c=50.0), FIRST, 50.0, 200.0, 0)
    np.testing.assert_allclose([7.0 / 0.75, 0.0], work.seconds)
    np.testing.assert_allclose([35.0, 0.0], work.joules)
    for state in (state_of(temperature_c=60.0), state_of(backlog_s=300.0)):
        after, work = worked(PAIR, state, FIRST, 50.0, 200.0, 4)
        assert not work.completed.any()
        np.testing.assert_array_equal(0.0, work.seconds)
        for one, two in zip(state, after, strict=True):
            np.testing.assert_array_equal(one, two)


def test_an_empty_battery_refuses_work() -> None:
    """35 J are needed: 34 do not suffice, 35 do, and are gone then."""
    _, work = worked(PAIR, state_of(charge_j=34.0), FIRST, 50.0, 200.0, 0)
    assert not work.completed.any()
    after, work = worked(PAIR, state_of(charge_j=35.0), FIRST, 50.0, 200.0, 0)
    assert work.completed[0]
    assert 0.0 == pytest.approx(after.charge_j[0])


def test_lasting_work_ends_at_the_steady_temperature() -> None:
    """Work of 2 W that never ends settles at 20 + 10 * 2 degrees, where nothing is throttled yet."""
    state = state_of(charge_j=1000.0)
    for _ in range(400):
        state, work = worked(PAIR, state, FIRST, 20.0, 0.0, 0)  # 2 s and 10 J in each 5 s
        assert work.completed[0]
        state = rested(PAIR, state, 5.0)
    lowest, highest = state.temperature_c[0], rested(PAIR, worked(PAIR, state, FIRST, 20.0, 0.0, 0)[0], 2.0)
    assert lowest < 40.0 < highest.temperature_c[0]
    assert 40.0 == pytest.approx(lowest, abs=1.0)


def test_mains_and_batteries_side_by_side() -> None:
    """The ready devices start full and cold, and work on any of them completes."""
    hardware = compile_hardware(list(HARDWARE.values()))
    state = initial_state(hardware, np.arange(8))
    after, work = worked(hardware, state, np.ones(8, np.bool_), 100.0, 50.0, np.arange(8))
    assert work.completed.all()
    expected = [
        (100 / config.tokens_per_s + 50 / config.prompt_tokens_per_s) * config.busy_w
        for config in HARDWARE.values()
    ]
    np.testing.assert_allclose(expected, work.joules)
    later = rested(hardware, after, 1e4)
    assert (later.charge_j <= hardware.battery_j).all()
    np.testing.assert_array_equal(0.0, later.backlog_s)


def waits(service_s: np.ndarray, gaps_s: np.ndarray) -> np.ndarray:
    """Run Lindley's recursion over arrivals, one queue in each column, and average the last 100 waits."""
    wait_s, total_s = np.zeros(service_s.shape[1]), np.zeros(service_s.shape[1])
    for arrival in range(service_s.shape[0]):
        if arrival >= service_s.shape[0] - 100:
            total_s += wait_s / 100
        wait_s = next_backlog_s(wait_s, service_s[arrival], gaps_s[arrival])
    return total_s


@pytest.mark.parametrize(("law", "expected_s"), [("M/M/1", 4.0), ("M/D/1", 2.0)])
def test_waiting_times_are_those_of_queueing_theory(law: str, expected_s: float) -> None:
    """At load 0.8 and mean service 1: Wq 4 for exponential service, 2 for constant service."""
    rng = np.random.default_rng(7)
    shape = (1000, 4000)
    service_s = rng.exponential(1.0, shape) if law == "M/M/1" else np.ones(shape)
    means_s = waits(service_s, rng.exponential(1 / 0.8, shape))
    assert expected_s == pytest.approx(means_s.mean(), abs=3 * means_s.std() / math.sqrt(shape[1]))


def test_the_two_state_chain_by_hand() -> None:
    """There 30 s, away 10 s on average: 3/4 in the end, and e^-2 of the difference is left after 15 s."""
    after = up_probability(np.array([True, False]), 15.0, 30.0, 10.0)
    np.testing.assert_allclose([0.75 + 0.25 * math.exp(-2), 0.75 - 0.75 * math.exp(-2)], after)
    np.testing.assert_allclose([1.0, 0.0], up_probability(np.array([True, False]), 0.0, 30.0, 10.0))
    assert 1.0 == up_probability(np.True_, 15.0, math.inf, 10.0)
    assert 1.0 == up_probability(np.True_, 15.0, 30.0, 0.0)


@given(st.floats(0.01, 1e4), st.floats(0.01, 1e4), SECONDS, SECONDS)
def test_the_two_state_chain_is_exact_for_any_step(
    mean_up_s: float, mean_down_s: float, first_s: float, second_s: float
) -> None:
    """Two steps are one, and the stationary law stays as it is."""

    def matrix(seconds: float) -> np.ndarray:
        stay = up_probability(np.array([True, False]), seconds, mean_up_s, mean_down_s)
        return np.stack([stay, 1 - stay], axis=1)

    whole = matrix(first_s + second_s)
    np.testing.assert_allclose(whole, matrix(first_s) @ matrix(second_s), atol=1e-9)
    stationary = np.array([mean_up_s, mean_down_s]) / (mean_up_s + mean_down_s)
    np.testing.assert_allclose(stationary, stationary @ whole, atol=1e-9)


def step(
    hardware: Hardware, state: DeviceState, seconds: float, chosen: Any, tokens: float, expert: int
) -> tuple[DeviceState, Work]:
    """Place work, then rest."""
    state, work = worked(hardware, state, chosen, tokens, 20.0, expert)
    return rested(hardware, state, seconds, 0.5), work


def test_jax_and_numpy_agree_and_energy_is_conserved() -> None:
    """20 steps on the ready devices, compiled and batched, against NumPy; no joule appears or is lost."""
    rng = np.random.default_rng(5)
    hardware = compile_hardware(list(HARDWARE.values()))
    state = initial_state(hardware, np.arange(8))
    with jax.enable_x64(True):
        twice = jax.tree.map(lambda leaf: jnp.stack([jnp.asarray(leaf)] * 2), (hardware, state))
        compiled = jax.jit(jax.vmap(step, (0, 0, None, None, None, None)))
        by_jax, balance_j = twice[1], np.zeros(8)
        for _ in range(20):
            seconds, chosen = rng.uniform(0, 60), np.arange(8) == rng.integers(8)
            inputs = (seconds, chosen, rng.uniform(10, 2000), int(rng.integers(8)))
            by_jax, work_by_jax = compiled(twice[0], by_jax, *inputs)
            before, (state, work) = state, step(hardware, state, *inputs)
            for one, two in zip((*state, *work), (*by_jax, *work_by_jax), strict=True):
                np.testing.assert_allclose(one, np.asarray(two)[0], rtol=1e-6, atol=1e-9)
                np.testing.assert_array_equal(np.asarray(two)[0], np.asarray(two)[1])
            harvested_j, wanted_j = hardware.harvest_w * 0.5 * seconds, hardware.idle_w * seconds
            flow = next_charge(before.charge_j - work.joules, harvested_j, wanted_j, hardware.battery_j)
            balance_j += harvested_j - flow.used_j - flow.spilled_j - work.joules
    battery = np.isfinite(hardware.battery_j)
    np.testing.assert_allclose((hardware.battery_j + balance_j)[battery], state.charge_j[battery], rtol=1e-9)
