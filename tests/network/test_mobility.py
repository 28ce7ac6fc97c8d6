"""Itineraries of all kinds of motion, read at any time."""

import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from net4moe.network.mobility import (
    GaussMarkov,
    Itinerary,
    Orbit,
    RandomWaypoint,
    Still,
    Straight,
    Traced,
    compile_motion,
    draw_itinerary,
    positions_m,
    speeds_m_s,
)

NUMBER = 100_000
CITY = RandomWaypoint(
    width_m=300.0,
    height_m=200.0,
    least_speed_m_s=1.0,
    greatest_speed_m_s=20.0,
    pause_s=4.0,
    origin_m=(-100.0, 50.0),
)
SHORT = Traced(time_s=(7.0, 8.0, 10.0), x_m=(0.0, 2.0, 2.0), y_m=(1.0, 1.0, 5.0), z_m=(0.0, 0.0, 3.0))
ALL = (
    Still(),
    CITY,
    GaussMarkov(width_m=60.0, height_m=60.0),
    Straight(velocity_m_s=(10.0, -2.0)),
    Orbit(),
    SHORT,
)


def long_trace(num_instants: int) -> Traced:
    """Make a trace too long to be unrolled."""
    rng = np.random.default_rng(9)
    steps = np.cumsum(rng.uniform(0.5, 2.0, num_instants))
    return Traced(
        time_s=tuple(steps.tolist()),
        x_m=tuple(rng.normal(size=num_instants).tolist()),
        y_m=tuple(rng.normal(size=num_instants).tolist()),
        z_m=tuple(rng.normal(size=num_instants).tolist()),
    )


def distance(one: np.ndarray, two: np.ndarray) -> float:
    """Measure the greatest difference of two empirical distribution functions, after Kolmogorov and Smirnov."""
    both = np.concatenate([one, two])
    shares = [np.searchsorted(np.sort(sample), both, side="right") / sample.size for sample in (one, two)]
    return float(np.abs(shares[0] - shares[1]).max())


def drawn(configs: tuple, num_legs: int = 16) -> Itinerary:
    """Draw an itinerary from a fixed seed, starting at (10, 20, 1.5)."""
    start_m = np.tile([10.0, 20.0, 1.5], (len(configs), 1))
    return draw_itinerary(compile_motion(configs, start_m), np.random.default_rng(0), num_legs)


def drawn_alike(config: RandomWaypoint, seed: int, num_legs: int) -> Itinerary:
    """Draw many devices that move alike."""
    motion = compile_motion((config,), np.zeros((1, 3)))
    assert motion.waypoints is not None
    many = type(motion.waypoints)(*(np.repeat(part, NUMBER, axis=-1) for part in motion.waypoints))
    motion = motion._replace(waypoints=many, order=np.arange(NUMBER))
    return draw_itinerary(motion, np.random.default_rng(seed), num_legs)


def test_plain_motions_by_hand() -> None:
    """Who stays stays, who goes straight goes on, who was recorded goes there and back."""
    itinerary = drawn((Still(), Straight(velocity_m_s=(10.0, -2.0)), SHORT))
    for time_s, traced in {
        0.0: (0, 1, 0),
        0.5: (1, 1, 0),
        2.0: (2, 3, 1.5),
        3.0: (2, 5, 3),
        4.0: (2, 3, 1.5),
    }.items():
        place = np.stack(positions_m(itinerary, time_s))
        np.testing.assert_allclose([10.0, 20.0, 1.5], place[:, 0])
        np.testing.assert_allclose([10.0 + 10 * time_s, 20.0 - 2 * time_s, 1.5], place[:, 1])
        np.testing.assert_allclose(traced, place[:, 2], atol=1e-12)
    np.testing.assert_allclose([0.0, math.sqrt(104), 2.0], speeds_m_s(itinerary, 0.5))
    np.testing.assert_allclose([0.0, math.sqrt(104), 2.5], speeds_m_s(itinerary, 2.0))


def test_long_traces_are_lines_between_their_instants() -> None:
    """A hundred instants beside other motions, against NumPy's interpolation, there and back."""
    trace = long_trace(100)
    itinerary = drawn((trace, *ALL))
    alone = drawn(ALL)
    instants_s = np.array(trace.time_s) - trace.time_s[0]
    for time_s in np.linspace(0.0, 2.5 * instants_s[-1], 57):
        moment = instants_s[-1] - abs(time_s % (2 * instants_s[-1]) - instants_s[-1])
        expected = [np.interp(moment, instants_s, part) for part in (trace.x_m, trace.y_m, trace.z_m)]
        place = np.stack(positions_m(itinerary, time_s))
        np.testing.assert_allclose(expected, place[:, 0], atol=1e-9)
        np.testing.assert_allclose(np.stack(positions_m(alone, time_s))[:, 0], place[:, 1])
    assert (itinerary.start_m.shape[1], alone.start_m.shape[1]) == (99, 1)


def test_reading_by_pieces_and_by_index_agree() -> None:
    """Sixteen legs alone, and the same legs beside a long trace drawn from the same key."""
    walks = drawn((CITY,) * 4)
    places_m = np.concatenate([walks.start_m, walks.moves_m[:, :-1]], axis=1).cumsum(axis=1)
    by_index = walks._replace(start_m=places_m)
    for time_s in np.linspace(0.0, 3000.0, 301):
        one, two = positions_m(walks, time_s), positions_m(by_index, time_s)
        np.testing.assert_allclose(np.stack(one), np.stack(two), atol=1e-9)
        np.testing.assert_allclose(speeds_m_s(walks, time_s), speeds_m_s(by_index, time_s))


@pytest.mark.parametrize("num_legs", [2, 8])
def test_random_waypoints_do_not_settle_since_they_are_settled(num_legs: int) -> None:
    """Places, speeds and pauses have one law at 0, 500 and 20,000 s: Kolmogorov and Smirnov at 1 %."""
    itinerary = drawn_alike(CITY, 0, num_legs)
    critical = 1.628 * math.sqrt(2 / NUMBER)
    first = (*positions_m(itinerary, 0.0)[:2], speeds_m_s(itinerary, 0.0))
    for time_s in (500.0, 20_000.0):
        later = (*positions_m(itinerary, time_s)[:2], speeds_m_s(itinerary, time_s))
        for one, two in zip(first, later, strict=True):
            assert distance(one, two) < critical
    under_way = first[2] > 0
    law = stats.kstest(first[2][under_way], lambda v: np.log(v) / math.log(20))
    assert law.statistic < 1.628 / math.sqrt(under_way.sum())


def test_random_waypoints_on_a_line_have_the_parabolic_law() -> None:
    """Density 6 x (1 - x) on a line without pauses, at the start and long after."""
    config = RandomWaypoint(width_m=1.0, height_m=1e-9, least_speed_m_s=0.01, greatest_speed_m_s=0.03)
    itinerary = drawn_alike(config, 1, 4)
    for time_s in (0.0, 1234.0):
        x_m = positions_m(itinerary, time_s)[0]
        assert stats.kstest(x_m, lambda x: 3 * x**2 - 2 * x**3).statistic < 1.628 / math.sqrt(NUMBER)


def test_the_centre_is_as_crowded_as_along_plain_legs() -> None:
    """Share of time in the middle ninth of a square, against legs of uniform ends weighted by their length."""
    rng = np.random.default_rng(2)
    begin, end = rng.uniform(size=(2, 4 * NUMBER)), rng.uniform(size=(2, 4 * NUMBER))
    place = begin + rng.uniform(size=4 * NUMBER) * (end - begin)
    weight = np.linalg.norm(end - begin, axis=0)
    inside = (np.abs(place - 0.5) < 1 / 6).all(axis=0)
    expected = (weight * inside).mean() / weight.mean()
    spread = (weight * (inside - expected)).std() / weight.mean() / math.sqrt(4 * NUMBER)
    config = RandomWaypoint(width_m=1.0, height_m=1.0, least_speed_m_s=0.01, greatest_speed_m_s=0.03)
    itinerary = drawn_alike(config, 3, 4)
    for time_s in (0.0, 777.0):
        x_m, y_m, _ = positions_m(itinerary, time_s)
        share = ((np.abs(x_m - 0.5) < 1 / 6) & (np.abs(y_m - 0.5) < 1 / 6)).mean()
        error = 3 * math.hypot(spread, math.sqrt(share * (1 - share) / NUMBER))
        assert expected == pytest.approx(share, abs=error)
        assert share > 2 / 9  # twice as much as if places were uniform


@settings(max_examples=50)
@given(st.floats(0, 1e5), st.floats(1e-3, 5.0))
def test_nobody_jumps(time_s: float, later_s: float) -> None:
    """No device on the ground moves faster than it can; satellites stay above the horizon."""
    itinerary = drawn(ALL)
    before, after = positions_m(itinerary, time_s), positions_m(itinerary, time_s + later_s)
    moved_m = np.sqrt(sum((b - a) ** 2 for a, b in zip(before, after, strict=True)))
    most_m_s = np.array([0.0, 20.0, 10.0, 10.2, math.inf, 2.5])
    assert (moved_m <= most_m_s * later_s + 1e-6).all()
    assert before[2][4] > 0.0
    assert -100.0 <= before[0][1] <= 200.0
    assert 50.0 <= before[1][1] <= 250.0


def test_the_next_satellite_follows() -> None:
    """One pass later everything is as it was."""
    itinerary = drawn((Orbit(),))
    for time_s in (0.0, 100.0, 400.0):
        later_s = time_s + float(itinerary.loop.period_s[0])
        np.testing.assert_allclose(
            np.stack(positions_m(itinerary, time_s)), np.stack(positions_m(itinerary, later_s)), rtol=1e-6
        )


@pytest.mark.parametrize("configs", [ALL, (long_trace(50), *ALL)], ids=["short", "long"])
def test_jax_and_numpy_agree(configs: tuple) -> None:
    """The same itinerary reads alike, compiled and batched; drawing compiles, and one key is one walk."""
    start_m = np.tile([10.0, 20.0, 1.5], (len(configs), 1))
    times_s = np.linspace(0.0, 5000.0, 41)
    with jax.enable_x64(True):
        draw = jax.jit(lambda key: draw_itinerary(compile_motion(configs, start_m), key))
        itinerary = draw(jax.random.key(4))
        np.testing.assert_array_equal(itinerary.moves_m, draw(jax.random.key(4)).moves_m)
        read = jax.jit(jax.vmap(lambda one, t: (*positions_m(one, t), speeds_m_s(one, t)), (None, 0)))
        got = [np.asarray(part) for part in read(itinerary, jnp.asarray(times_s))]
    by_numpy = jax.tree.map(np.asarray, itinerary)
    for index, time_s in enumerate(times_s):
        expected = (*positions_m(by_numpy, time_s), speeds_m_s(by_numpy, time_s))
        for one, two in zip(expected, got, strict=True):
            np.testing.assert_allclose(one, two[index], rtol=1e-6, atol=1e-6)


def test_32_bits_suffice_for_an_hour() -> None:
    """JAX draws and reads 32-bit floats by default: centimetres on the ground, metres in orbit."""
    start_m = np.tile([10.0, 20.0, 1.5], (6, 1))
    itinerary = jax.jit(draw_itinerary)(compile_motion(ALL, start_m), jax.random.key(0))
    read = jax.jit(positions_m)
    exact = jax.tree.map(lambda part: np.asarray(part, np.float64), itinerary)
    for time_s in (0.0, 61.7, 3601.3):
        got = np.stack(read(itinerary, time_s))
        assert np.float32 == got.dtype
        np.testing.assert_allclose(np.stack(positions_m(exact, time_s)), got, rtol=2e-5, atol=0.05)


@pytest.mark.parametrize(
    ("configs", "start_m", "text"),
    [
        ((), np.zeros((0, 3)), "`configs` must hold at least 1 device, got 0."),
        ((Still(),), np.zeros((1, 2)), "`start_m` must have the shape (1, 3), got (1, 2)."),
        ((Still(),), np.full((1, 3), np.nan), "`start_m` must be finite, got nan."),
        (
            (Still(), GaussMarkov(width_m=5.0)),
            np.array([[9.0, 0.0, 0.0], [9.0, 0.0, 0.0]]),
            "`start_m` of device 1 must lie in its area, got [9.0, 0.0].",
        ),
    ],
)
def test_starts_that_do_not_fit_are_refused(configs: tuple, start_m: np.ndarray, text: str) -> None:
    """The sentence says what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        compile_motion(configs, start_m)


def test_an_itinerary_has_at_least_one_leg() -> None:
    """Zero legs lead nowhere."""
    with pytest.raises(ValueError, match=r"^`num_legs` must be at least 1, got 0\.$"):
        drawn((Still(),), 0)
