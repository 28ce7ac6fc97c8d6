"""Placements of several subtasks at once: by hand, and against all plans that there are."""

import itertools
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from net4moe.environment.assignment import (
    best_assignment,
    best_shared_assignment,
    charge_assignment,
    makespan_assignment,
)

SEEDS = st.integers(0, 10_000)
NAN = np.nan
NO_PLAN = "No plan places every subtask on a device that has the charge for it."


def matchings(rewards: np.ndarray[Any, Any]) -> Iterator[tuple[int, ...]]:
    """List all plans that place each subtask on an allowed device of its own."""
    num_subtasks, num_devices = rewards.shape
    for plan in itertools.permutations(range(num_devices), num_subtasks):
        if not any(np.isnan(rewards[s, n]) for s, n in enumerate(plan)):
            yield plan


def drawn_rewards(draws: np.random.Generator, shape: tuple[int, int]) -> np.ndarray[Any, Any]:
    """Draw rewards and forbid some; device 0 is always allowed."""
    rewards = draws.normal(3.0, 2.0, shape)
    rewards[:, 1:][draws.random((shape[0], shape[1] - 1)) < 0.2] = NAN
    return rewards


def test_two_subtasks_want_the_same_device() -> None:
    """5 + 3 is more than 4 + 2; where the 5 is forbidden, 4 + 2 is left."""
    placed = best_assignment(np.array([[5.0, 2.0, 0.0], [4.0, 3.0, 0.0]]))
    assert (placed.indices.tolist(), placed.total) == ([0, 1], 8.0)
    placed = best_assignment(np.array([[NAN, 2.0, 0.0], [4.0, 3.0, 0.0]]))
    assert (placed.indices.tolist(), placed.total) == ([1, 0], 6.0)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 4), st.integers(4, 5))
def test_no_matching_earns_more(seed: int, num_subtasks: int, num_devices: int) -> None:
    """Against all of them."""
    rewards = drawn_rewards(np.random.default_rng(seed), (num_subtasks, num_devices))
    sums = [sum(rewards[s, n] for s, n in enumerate(plan)) for plan in matchings(rewards)]
    if not sums:
        with pytest.raises(ValueError, match="do not suffice"):
            best_assignment(rewards)
        return
    placed = best_assignment(rewards)
    assert max(sums) == pytest.approx(placed.total, abs=1e-12)
    assert sum(rewards[s, n] for s, n in enumerate(placed.indices)) == pytest.approx(placed.total)


def test_a_shared_band_keeps_a_subtask_at_home() -> None:
    """Two senders pay double: 4 + 4 - 2 (1 + 1) = 4 is less than 4 + 1 - 1 = 4.5 - 0.5 with 1.5 at home."""
    rewards, air_s = np.array([[1.5, 4.0, 4.0], [1.5, 4.0, 4.0]]), np.array([[0.0, 1.0, 1.0]] * 2)
    placed = best_shared_assignment(rewards, air_s, 1.0)
    assert placed.total == 4.5
    assert (placed.indices == 0).sum() == 1
    assert best_shared_assignment(rewards, air_s, 0.5).total == 6.0
    assert best_shared_assignment(rewards, air_s, 0.0).total == best_assignment(rewards).total


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(1, 4), st.integers(4, 5), st.integers(0, 5), st.floats(0.0, 3.0))
def test_no_plan_on_a_shared_band_earns_more(
    seed: int, num_subtasks: int, num_devices: int, num_silent: int, price: float
) -> None:
    """Against all of them, with any number of devices that need no band."""
    draws = np.random.default_rng(seed)
    rewards = drawn_rewards(draws, (num_subtasks, num_devices))
    air_s = draws.exponential(1.0, rewards.shape) + 1e-3
    air_s[:, :num_silent] = 0.0
    air_s[np.isnan(rewards)] = NAN
    totals = []
    for plan in matchings(rewards):
        seconds = [air_s[s, n] for s, n in enumerate(plan) if air_s[s, n] > 0]
        earned = sum(rewards[s, n] for s, n in enumerate(plan))
        totals.append(earned - price * len(seconds) * sum(seconds))
    if not totals:
        with pytest.raises(ValueError, match="do not suffice"):
            best_shared_assignment(rewards, air_s, price)
        return
    assert max(totals) == pytest.approx(best_shared_assignment(rewards, air_s, price).total, abs=1e-9)


def test_a_makespan_by_hand() -> None:
    """3, 3, 2, 2 and 2 s on two equal devices: 6 s; the bound splits the work evenly."""
    seconds = np.array([[3.0, 3.0], [3.0, 3.0], [2.0, 2.0], [2.0, 2.0], [2.0, 2.0]])
    mains = np.full(2, np.inf)
    placed = makespan_assignment(seconds, np.zeros((5, 2)), mains)
    assert placed.makespan_s == 6.0
    assert placed.bound_s == pytest.approx(6.0, rel=1e-7)
    assert makespan_assignment(seconds[:1], np.zeros((1, 2)), mains).makespan_s == 3.0
    assert makespan_assignment(seconds[:1], np.zeros((1, 2)), mains).bound_s == pytest.approx(1.5, rel=1e-7)
    charged = makespan_assignment(seconds, np.ones((5, 2)), np.array([np.inf, 1.0]))
    assert charged.makespan_s == 9.0
    assert (charged.indices == 1).sum() == 1


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.integers(1, 5), st.floats(1e-3, 1e6))
def test_no_plan_is_done_earlier(seed: int, num_subtasks: int, unit_j: float) -> None:
    """Against all plans that keep within the charge, in joules of any size."""
    draws = np.random.default_rng(seed)
    seconds = drawn_rewards(draws, (num_subtasks, 3)) ** 2
    energy_j, charge_j = unit_j * draws.random((num_subtasks, 3)), unit_j * np.array([1.5, 1.0, np.inf])
    ends = []
    for plan in itertools.product(range(3), repeat=num_subtasks):
        taken = [sum(seconds[j, n] for j, n in enumerate(plan) if n == m) for m in range(3)]
        drained = [sum(energy_j[j, n] for j, n in enumerate(plan) if n == m) for m in range(3)]
        if not np.isnan(sum(taken)) and all(np.array(drained) <= charge_j):
            ends.append(max(taken))
    if not ends:
        with pytest.raises(ValueError, match=re.escape(NO_PLAN)):
            makespan_assignment(seconds, energy_j, charge_j)
        return
    placed = makespan_assignment(seconds, energy_j, charge_j)
    assert min(ends) == pytest.approx(placed.makespan_s, rel=1e-5)
    assert placed.bound_s <= placed.makespan_s * (1 + 1e-6)


def test_a_battery_waits_for_what_matters() -> None:
    """One charge, two steps worth 1 and 4: the second takes it; with a harvest between, both have one."""
    rewards, joules = np.array([[0.0, 1.0], [0.0, 4.0]]), np.array([[0.0, 2.0], [0.0, 2.0]])
    charge_j, battery_j, night = np.array([np.inf, 2.0]), np.array([np.inf, 2.0]), np.zeros((2, 2))
    placed = charge_assignment(rewards, joules, charge_j, night, battery_j)
    assert (placed.indices.tolist(), placed.total) == ([0, 1], 4.0)
    assert (placed.bound, placed.gap) == pytest.approx((4.0, 0.0), abs=1e-7)
    sunny = charge_assignment(rewards, joules, charge_j, night + 2.0, battery_j)
    assert (sunny.indices.tolist(), sunny.total) == ([1, 1], 5.0)
    half = charge_assignment(rewards, joules, charge_j, night + 1.0, battery_j)
    assert (half.total, half.gap) == pytest.approx((4.0, 0.5), abs=1e-7)


def test_what_a_full_battery_cannot_hold_is_lost() -> None:
    """A harvest of 5 J into a battery of 2 J feeds one choice of 2 J, not three."""
    rewards, joules = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 1.0]]), np.full((3, 2), 2.0)
    charge_j, battery_j = np.array([np.inf, 2.0]), np.array([np.inf, 2.0])
    harvest_j = np.array([[0.0, 5.0], [0.0, 0.0], [0.0, 0.0]])
    assert charge_assignment(rewards, joules, charge_j, harvest_j, battery_j).total == 1.0
    wide = charge_assignment(rewards, joules, charge_j, harvest_j, 10.0 * battery_j)
    assert wide.total == 2.0


def charged_total(plan: tuple[int, ...], *parts: np.ndarray[Any, Any]) -> float:
    """Play a plan through its batteries; minus infinity where one is empty or a device forbidden."""
    rewards, joules, charge_j, harvest_j, battery_j = parts
    charges, total = charge_j.copy(), 0.0
    for t, n in enumerate(plan):
        if np.isnan(rewards[t, n]) or joules[t, n] > charges[n]:
            return -np.inf
        total += rewards[t, n]
        charges[n] -= joules[t, n]
        charges = np.minimum(charges + harvest_j[t], battery_j)
    return total


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(1, 5), st.floats(1e-3, 1e6))
def test_no_plan_on_batteries_earns_more(seed: int, num_steps: int, unit_j: float) -> None:
    """Against all plans, played step by step, in joules of any size."""
    draws = np.random.default_rng(seed)
    parts = (
        drawn_rewards(draws, (num_steps, 3)),
        unit_j * draws.random((num_steps, 3)),
        unit_j * np.array([np.inf, 0.8, 0.5]),
        unit_j * draws.random((num_steps, 3)) * draws.integers(0, 2, (num_steps, 3)),
        unit_j * np.array([np.inf, 1.0, 0.6]),
    )
    expected = max(charged_total(plan, *parts) for plan in itertools.product(range(3), repeat=num_steps))
    placed = charge_assignment(*parts)
    assert placed.total == pytest.approx(expected, abs=1e-5)
    assert charged_total(tuple(placed.indices), *parts) == pytest.approx(expected, abs=1e-5)
    assert placed.gap >= -1e-6


def test_no_battery_at_all() -> None:
    """On mains the best device of each step is taken."""
    rewards, mains = np.array([[1.0, 2.0], [4.0, 3.0]]), np.full(2, np.inf)
    placed = charge_assignment(rewards, np.ones((2, 2)), mains, np.zeros((2, 2)), mains)
    assert (placed.indices.tolist(), placed.total) == ([1, 0], 6.0)


ONE = np.ones((1, 1))


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: best_assignment(np.ones((3, 2))),
            "3 subtasks must be placed on different devices, the 2 devices that are allowed do not suffice.",
        ),
        (
            lambda: best_assignment(np.array([[NAN, 1.0], [NAN, 1.0]])),
            "2 subtasks must be placed on different devices, the 2 devices that are allowed do not suffice.",
        ),
        (lambda: best_assignment(np.array([[np.inf]])), "`rewards` must be finite, got inf."),
        (
            lambda: best_shared_assignment(np.ones((2, 1)), np.ones((2, 1)), 1.0),
            "2 subtasks must be placed on different devices, the 1 devices that are allowed do not suffice.",
        ),
        (
            lambda: best_shared_assignment(np.ones((2, 2)), np.array([[0.0, 0.0], [0.0, 1.0]]), 1.0),
            "`air_s` must be 0 for all subtasks of a device or greater than 0 for all, got both for device 1.",
        ),
        (
            lambda: best_shared_assignment(ONE, -ONE, 1.0),
            "`air_s` must be finite and at least 0, got -1.0.",
        ),
        (
            lambda: best_shared_assignment(ONE, np.ones((1, 2)), 1.0),
            "`air_s` must have the shape (1, 1), got (1, 2).",
        ),
        (
            lambda: best_shared_assignment(ONE, ONE, NAN),
            "`price_per_s` must be finite and at least 0, got nan.",
        ),
        (lambda: makespan_assignment(ONE, 2 * ONE, ONE[0]), NO_PLAN),
        (lambda: makespan_assignment(NAN * ONE, ONE, ONE[0]), NO_PLAN),
        (
            lambda: makespan_assignment(-ONE, ONE, ONE[0]),
            "`seconds` must be finite and at least 0, got -1.0.",
        ),
        (lambda: makespan_assignment(ONE, ONE, ONE), "`charge_j` must have the shape (1,), got (1, 1)."),
        (lambda: charge_assignment(ONE, 2 * ONE, ONE[0], ONE, ONE[0]), NO_PLAN),
        (
            lambda: charge_assignment(ONE, ONE, 2 * ONE[0], ONE, ONE[0]),
            "`battery_j` must be at least `charge_j`, got 1.0 and 2.0.",
        ),
        (
            lambda: charge_assignment(ONE, ONE, ONE[0], -ONE, ONE[0]),
            "`harvest_j` must be finite and at least 0, got -1.0.",
        ),
    ],
)
def test_what_cannot_be_placed_is_refused(call: Any, text: str) -> None:
    """The sentence names what is wrong and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()


def test_a_solver_that_gives_up_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plan without a proof is no answer."""
    tired = SimpleNamespace(status=1, message="Time limit reached.")
    monkeypatch.setattr(optimize, "milp", lambda *_, **__: tired)
    with pytest.raises(RuntimeError, match=r"^HiGHS found no optimum: Time limit reached\.$"):
        makespan_assignment(ONE, ONE, ONE[0])
