"""Walks have the laws that their models have, from the first moment on."""

import math

import numpy as np
import pytest
from scipy import stats

from net4moe.network.motion import EARTH_M, GaussMarkov, Orbit, RandomWaypoint
from net4moe.network.walks import (
    Walk,
    compile_drifts,
    compile_paths,
    compile_waypoints,
    drift_walk,
    mean_leg_m,
    path_walk,
    waypoint_walk,
)

NUMBER = 100_000
CRITICAL = 1.628 / math.sqrt(NUMBER)  # of Kolmogorov and Smirnov, one sample, at 1 %


def waypoints(config: RandomWaypoint, number: int, num_legs: int, seed: int = 0) -> Walk:
    """Draw random waypoints of many devices."""
    one = compile_waypoints((config,), np.zeros((1, 3)))
    many = type(one)(*(np.repeat(part, number, axis=-1) for part in one))
    return waypoint_walk(many, np.random.default_rng(seed), num_legs)


def drift(config: GaussMarkov, start_m: np.ndarray, rng: np.random.Generator, num_legs: int) -> Walk:
    """Draw Gauss-Markov walks of many devices."""
    one = compile_drifts((config,), start_m[:1])
    many = type(one)(*(np.repeat(part, len(start_m), axis=-1) for part in one))
    return drift_walk(many._replace(start_m=start_m.T), rng, num_legs)


def orbit(config: Orbit) -> Walk:
    """Draw the pass of one satellite."""
    return path_walk(compile_paths((config,), np.zeros((1, 3))), np.random.default_rng(0))


def lengths_m(walk: Walk) -> np.ndarray:
    """Measure each leg."""
    return np.linalg.norm(walk.move_m, axis=0)


def rectangle_leg_m(width_m: float, height_m: float) -> float:
    """Compute the mean distance in a rectangle by its closed form (Ghosh 1951)."""
    diagonal = math.hypot(width_m, height_m)
    squares = width_m**3 / height_m**2 + height_m**3 / width_m**2
    mixed = diagonal * (3 - (width_m / height_m) ** 2 - (height_m / width_m) ** 2)
    logs = height_m**2 / width_m * math.log((width_m + diagonal) / height_m)
    logs += width_m**2 / height_m * math.log((height_m + diagonal) / width_m)
    return (squares + mixed + 2.5 * logs) / 15


def test_the_mean_leg_of_a_rectangle() -> None:
    """0.521405 in the unit square, a third of a line, and the closed form in between."""
    assert 0.521405433 == pytest.approx(mean_leg_m(1.0, 1.0), abs=1e-8)
    assert 1000 / 3 == pytest.approx(mean_leg_m(1000.0, 1e-6), rel=1e-9)
    for width_m, height_m in ((2.0, 1.0), (30.0, 500.0), (1000.0, 8.0)):
        assert rectangle_leg_m(width_m, height_m) == pytest.approx(mean_leg_m(width_m, height_m), rel=1e-6)


def test_drawn_legs_are_as_long_as_they_should() -> None:
    """Legs in the unit square that share no end with the one on which the cycle is entered."""
    legs_m = lengths_m(waypoints(RandomWaypoint(width_m=1, height_m=1), NUMBER, 4))[2]
    assert 0.521405 == pytest.approx(legs_m.mean(), abs=3 * legs_m.std() / math.sqrt(NUMBER))


def test_time_average_speed_is_not_the_mean_of_the_drawn_speeds() -> None:
    """(20 - 1) / ln 20 = 6.342356 m/s over one long walk, not 10.5."""
    config = RandomWaypoint(least_speed_m_s=1.0, greatest_speed_m_s=20.0)
    walk = waypoints(config, 100, 1000)
    speeds_m_s = lengths_m(walk).sum(axis=0) / walk.duration_s.sum(axis=0)
    error = 3 * speeds_m_s.std() / math.sqrt(speeds_m_s.size)
    assert 6.342356 == pytest.approx(speeds_m_s.mean(), abs=error)
    drawn_m_s = lengths_m(walk)[1:] / walk.duration_s[1:]
    assert 10.5 == pytest.approx(drawn_m_s.mean(), abs=3 * drawn_m_s.std() / math.sqrt(drawn_m_s.size))


def test_the_first_leg_is_that_of_the_stationary_law() -> None:
    """Length-biased distance, speed of density 1/v, and the share of pauses, against closed forms."""
    config = RandomWaypoint(
        width_m=1.0, height_m=1e-9, least_speed_m_s=0.01, greatest_speed_m_s=0.05, pause_s=10.0
    )
    walk = waypoints(config, NUMBER, 2)
    leg_s = math.log(5.0) / 0.04 / 3.0
    moving = walk.loop.offset_s < walk.duration_s[0]
    share = leg_s / (leg_s + 10.0)
    assert share == pytest.approx(moving.mean(), abs=3 * math.sqrt(share * (1 - share) / NUMBER))
    critical = 1.628 / math.sqrt(moving.sum())
    first_m, first_s = lengths_m(walk)[0][moving], walk.duration_s[0][moving]
    biased = stats.kstest(first_m, lambda d: 3 * d**2 - 2 * d**3)  # of density 6 d (1 - d) on a line
    assert biased.statistic < critical
    by_speed = stats.kstest(first_m / first_s, lambda v: np.log(v / 0.01) / math.log(5.0))
    assert by_speed.statistic < critical
    place = stats.kstest(walk.loop.offset_s[moving] / first_s, "uniform")
    assert place.statistic < critical


def test_one_speed_is_a_law_too() -> None:
    """Where the least speed is the greatest, every leg has it."""
    walk = waypoints(RandomWaypoint(least_speed_m_s=2.0, greatest_speed_m_s=2.0), 100, 3)
    np.testing.assert_allclose(2.0, lengths_m(walk) / walk.duration_s)


def test_a_cycle_closes_and_legs_follow_each_other() -> None:
    """Each leg begins where the last one ended, after its pause, and the last leads to the first."""
    walk = waypoints(RandomWaypoint(pause_s=3.0, origin_m=(50.0, -20.0)), 50, 5)
    ends_m = walk.start_m + walk.move_m
    np.testing.assert_allclose(np.roll(walk.start_m, -1, axis=1), ends_m, atol=1e-9)
    np.testing.assert_allclose(walk.knot_s[1:], walk.knot_s[:-1] + walk.duration_s[:-1] + 3.0)
    np.testing.assert_allclose(walk.loop.period_s, walk.knot_s[-1] + walk.duration_s[-1] + 3.0)
    assert 50.0 <= walk.start_m[0].min() < 60.0 < 140.0 < walk.start_m[0].max() <= 150.0
    assert -20.0 <= walk.start_m[1].min() < -10.0 < 70.0 < walk.start_m[1].max() <= 80.0


def test_velocities_forget_as_they_should() -> None:
    """The correlation k steps apart is memory^k, mean and deviation are those asked for."""
    config = GaussMarkov(mean_velocity_m_s=(3.0, -1.0), std_m_s=2.0, memory=0.8, step_s=0.5)
    walk = drift(config, np.zeros((NUMBER, 3)), np.random.default_rng(1), 12)
    velocity_m_s = walk.move_m / walk.duration_s
    error = 3 * 2.0 / math.sqrt(NUMBER)
    for step in (0, 11):
        assert 3.0 == pytest.approx(velocity_m_s[0, step].mean(), abs=error)
        assert -1.0 == pytest.approx(velocity_m_s[1, step].mean(), abs=error)
        assert 2.0 == pytest.approx(velocity_m_s[0, step].std(), rel=3 / math.sqrt(2 * NUMBER))
    for lag in (1, 2, 5, 10):
        expected = 0.8**lag
        got = np.corrcoef(velocity_m_s[1, 1], velocity_m_s[1, 1 + lag])[0, 1]
        assert expected == pytest.approx(got, abs=3 * (1 - expected**2) / math.sqrt(NUMBER))
    assert 0.0 == pytest.approx(np.corrcoef(velocity_m_s[0, 3], velocity_m_s[1, 3])[0, 1], abs=0.01)


def test_mirrors_keep_walks_inside_and_places_uniform() -> None:
    """Who starts anywhere in the area is anywhere in it after sixteen steps, too, and never outside."""
    config = GaussMarkov(std_m_s=4.0, width_m=30.0, height_m=50.0, origin_m=(-10.0, 5.0))
    rng = np.random.default_rng(2)
    start_m = np.stack(
        [rng.uniform(-10, 20, NUMBER), rng.uniform(5, 55, NUMBER), np.full(NUMBER, 1.5)], axis=1
    )
    walk = drift(config, start_m, rng, 16)
    ends_m = walk.start_m + walk.move_m
    np.testing.assert_allclose(start_m.T, walk.start_m[:, 0], atol=1e-12)
    np.testing.assert_allclose(walk.start_m[:, 1:], ends_m[:, :-1], atol=1e-9)
    assert -10.0 <= ends_m[0].min() <= ends_m[0].max() <= 20.0
    assert stats.kstest(ends_m[0, -1], stats.uniform(-10, 30).cdf).statistic < CRITICAL
    assert stats.kstest(ends_m[1, -1], stats.uniform(5, 50).cdf).statistic < CRITICAL
    np.testing.assert_array_equal(1.5, ends_m[2])


@pytest.mark.parametrize("track_offset_m", [0.0, 400_000.0, -900_000.0])
def test_an_orbit_is_a_circle_around_the_earth(track_offset_m: float) -> None:
    """Knots lie on the circle, rise and set at the least elevation, at Kepler's speed."""
    config = Orbit(altitude_m=550e3, heading_deg=53.0, track_offset_m=track_offset_m)
    walk = orbit(config)
    place_m = walk.start_m[:, :, 0]
    radius_m = EARTH_M + 550e3
    np.testing.assert_allclose(radius_m, np.linalg.norm(place_m + np.array([[0], [0], [EARTH_M]]), axis=0))
    rising = place_m[:, 0]
    assert 10.0 == pytest.approx(math.degrees(math.asin(rising[2] / np.linalg.norm(rising))), abs=1e-9)
    speed_m_s = np.linalg.norm(walk.move_m[:, 0], axis=0) / walk.duration_s[0]
    assert math.sqrt(3.986004418e14 / radius_m) == pytest.approx(speed_m_s[0], rel=2e-4)
    highest = place_m[:, 8]
    right = highest[0] * math.cos(math.radians(53)) - highest[1] * math.sin(math.radians(53))
    lean = track_offset_m / EARTH_M
    np.testing.assert_allclose(
        (radius_m * math.sin(lean), radius_m * math.cos(lean) - EARTH_M), (right, highest[2]), atol=1e-6
    )


def test_a_pass_of_600_km_by_hand() -> None:
    """15.84 degrees of the Earth on both sides at 921.9 s per radian: 509.8 s above 10 degrees."""
    walk = orbit(Orbit())
    half = math.acos(6371 / 6971 * math.cos(math.radians(10))) - math.radians(10)
    assert 15.84 == pytest.approx(math.degrees(half), abs=0.005)
    assert 2 * half * math.sqrt(6.971e6**3 / 3.986004418e14) == pytest.approx(walk.loop.period_s[0])
    assert 0.0 <= walk.loop.offset_s[0] <= walk.loop.period_s[0]
