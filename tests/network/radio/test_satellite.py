"""Satellites stand where geometry says and meet what TR 38.811 says."""

import math

import jax
import numpy as np
import pytest

from net4moe.network.radio.satellite import (
    SKIES,
    by_elevation,
    elevation_deg,
    gas_loss_db,
    scintillation_db,
    slant_range_m,
    zenith_loss_db,
)


def test_elevation_by_hand() -> None:
    """45 degrees where height and distance are equal, 90 overhead, negative below the plane."""
    np.testing.assert_allclose(
        [45.0, 90.0, -45.0], elevation_deg(np.array([7.0, 0.0, 3.0]), np.array([7.0, 5.0, -3.0]))
    )


def test_slant_range_by_hand() -> None:
    """Overhead it is the altitude; at the horizon it is sqrt(h (h + 2R)), R = 6371 km."""
    assert slant_range_m(90.0, 600e3) == pytest.approx(600e3)
    assert slant_range_m(0.0, 600e3) == pytest.approx(math.sqrt(600e3 * (600e3 + 2 * 6_371e3)))


@pytest.mark.parametrize(("altitude_km", "distance_km"), [(600, 1_932), (1_200, 3_131), (35_786, 40_581)])
def test_slant_range_of_the_reports_orbits(altitude_km: int, distance_km: int) -> None:
    """TR 38.821 Table 4.2-2: greatest distance of a user that sees the satellite at 10 degrees."""
    assert distance_km == pytest.approx(slant_range_m(10.0, 1e3 * altitude_km) / 1e3, abs=0.5)


def test_the_triangle_with_the_centre_of_the_earth_closes() -> None:
    """The law of cosines, written the other way round."""
    elevation = np.linspace(0.0, 90.0, 91)
    distance_m = slant_range_m(elevation, 1200e3)
    radius_m = 6_371e3
    side_m2 = radius_m**2 + distance_m**2 + 2 * radius_m * distance_m * np.sin(np.radians(elevation))
    np.testing.assert_allclose(radius_m + 1200e3, np.sqrt(side_m2), rtol=1e-12)


def test_the_nearest_of_nine_elevations_counts() -> None:
    """Half-way is rounded up; below 10 degrees the first counts, as in ns-3."""
    table = np.arange(1.0, 10.0)
    np.testing.assert_array_equal(
        [1, 1, 1, 2, 2, 3, 9, 9],
        by_elevation(table, np.array([-5.0, 3.0, 14.9, 15.0, 24.9, 25.0, 85.0, 90.0])),
    )


def test_every_sky_is_clearer_overhead() -> None:
    """A high satellite is in sight more often and loses less behind clutter; each table has nine entries."""
    for sky in SKIES.values():
        assert {9} == {len(column) for column in sky}
        assert list(sky.los_probability) == sorted(sky.los_probability)
        assert sky.clutter_db[0] > sky.clutter_db[-1]


def test_gases_only_count_low_in_the_sky() -> None:
    """0.035 dB at the zenith at 2 GHz; at 5 degrees the path is 1/sin(5) = 11.474 times as long."""
    assert zenith_loss_db(2e9) == pytest.approx(0.035)
    assert zenith_loss_db(2.5e9) == pytest.approx(0.0365)
    np.testing.assert_allclose(
        [0.035 * 11.47371, 0.0, 0.0], gas_loss_db(np.float64(0.035), np.array([5.0, 10.0, 90.0])), rtol=1e-6
    )


def test_scintillation_is_that_of_ns3() -> None:
    """ns-3 (three-gpp-propagation-loss-model.cc): 6.22 / f^1.5 in GHz."""
    for frequency_ghz in (2.0, 3.0, 4.0):
        assert 6.22 / frequency_ghz**1.5 == pytest.approx(scintillation_db(frequency_ghz * 1e9), rel=1e-3)


def test_jax_agrees_with_numpy() -> None:
    """The same numbers compiled."""
    elevation = np.linspace(1.0, 90.0, 60)
    table = np.array(SKIES["ntn_urban"].clutter_db)

    def numbers(elevation: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        return slant_range_m(elevation, 600e3), by_elevation(table, elevation), gas_loss_db(0.035, elevation)

    with jax.enable_x64(True):
        got = jax.jit(numbers)(jax.numpy.asarray(elevation))
    expected = numbers(elevation)  # pyright: ignore[reportArgumentType]
    for one_expected, one_got in zip(expected, got, strict=True):
        np.testing.assert_allclose(one_expected, one_got, rtol=1e-6)
