"""Shadowing, K factors and their distances are those of the standards' tables."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.network.radio.large_scale import (
    LARGE_SCALE,
    compile_large_scale,
    link_k_factor_db,
    link_shadowing_std_db,
)
from net4moe.network.radio.satellite import SKIES
from net4moe.network.radio.scenarios import LIMITS, Scenario, ScenarioName

# TR 38.901 Tables 7.4.1-1 and 7.5-6 (v16.1, equal in v19.2), as in Sionna 2.2.0's parameter files, and Table
# 7.6.3.1-2; TR 37.885 as in ns-3 (three-gpp-channel-model.cc): shadowing LOS, NLOS, distances, K, its distance,
# distance of sight.
TABLE: dict[ScenarioName, tuple[float, ...]] = {
    "umi": (4, 7.82, 10, 13, 9, 5, 15, 50),
    "uma": (4, 6, 37, 50, 9, 3.5, 12, 50),
    "rma": (4, 8, 37, 120, 7, 4, 40, 60),
    "inh_open": (3, 8.03, 10, 6, 7, 4, 4, 10),
    "inh_mixed": (3, 8.03, 10, 6, 7, 4, 4, 10),
    "inf_sl": (4.3, 5.7, 10, 10, 7, 8, 10, 5),
    "inf_dl": (4.3, 7.2, 10, 10, 7, 8, 10, 1),
    "inf_sh": (4.3, 5.9, 10, 10, 7, 8, 10, 5),
    "inf_dh": (4.3, 4.0, 10, 10, 7, 8, 10, 1),
    "v2v_urban": (3, 4, 10, 13, 3.48, 2, 15, 50),
    "v2v_highway": (3, 4, 10, 13, 9, 3.5, 15, 50),
    "residential": (5, 5, 10, 6, 0, 0, 4, 10),
    "free_space": (0, 0, 10, 10, 60, 0, 10, 10),
}


def scenario(name: ScenarioName) -> Scenario:
    """Make a scenario in S band, where every model has a table."""
    return Scenario(name=name, frequency_hz=3.5e9)


@pytest.mark.parametrize("name", TABLE)
def test_the_table_of_the_standard(name: ScenarioName) -> None:
    """Each number as the standard prints it, at 20 m."""
    large_scale = compile_large_scale([scenario(name)])
    mean_db, std_db = link_k_factor_db(large_scale)
    got = (
        link_shadowing_std_db(large_scale, np.array([20.0]), np.array([True])),
        link_shadowing_std_db(large_scale, np.array([20.0]), np.array([False])),
        large_scale.los_m,
        large_scale.nlos_m,
        mean_db,
        std_db,
        large_scale.k_m,
        large_scale.sight_m,
    )
    np.testing.assert_allclose(TABLE[name], np.concatenate(got))


def test_every_scenario_has_a_table() -> None:
    """Satellites have theirs by elevation."""
    assert set(LIMITS) == set(LARGE_SCALE) == set(TABLE) | set(SKIES)


def test_shadowing_of_rma_grows_beyond_the_breakpoint() -> None:
    """4 dB before 2 pi 35 1.5 3.5e9 / 3e8 = 3848 m, 6 dB beyond, 8 dB out of sight."""
    large_scale = compile_large_scale([scenario("rma")])
    distance_m = np.array([[100.0], [3848.0], [3849.0], [100.0]])
    los = np.array([[True], [True], [True], [False]])
    np.testing.assert_array_equal([[4], [4], [6], [8]], link_shadowing_std_db(large_scale, distance_m, los))


def test_the_shadowing_of_ns3_below_6_ghz_is_an_option() -> None:
    """ns-3 has 7 dB for `uma` and `umi` below 6 GHz, in sight and out of sight."""
    ns3 = Scenario(name="umi", frequency_hz=3.5e9, shadowing_std_db=(7.0, 7.0))
    large_scale = compile_large_scale(
        [ns3, Scenario(name="rma", frequency_hz=3.5e9, shadowing_std_db=(1, 2))]
    )
    distance_m = np.array([100.0, 9000.0])
    np.testing.assert_array_equal(
        [7, 1], link_shadowing_std_db(large_scale, distance_m, np.array([True, True]))
    )
    np.testing.assert_array_equal(
        [7, 2], link_shadowing_std_db(large_scale, distance_m, np.array([False, False]))
    )


def test_a_vehicle_in_the_way_adds_its_spread() -> None:
    """3 dB of shadowing and 4 dB of blockage are 5 dB together."""
    convoy = Scenario(name="v2v_highway", frequency_hz=5.9e9, user_height_m=1.6, blocked_by="vehicle")
    large_scale = compile_large_scale([convoy])
    np.testing.assert_allclose([5.0], link_shadowing_std_db(large_scale, np.array([50.0]), np.array([False])))


def test_satellites_follow_their_elevation_beside_links_that_do_not() -> None:
    """TR 38.811 Tables 6.6.2-3 and 6.7.2-7a at 30 degrees: 1.14 and 8.78 dB, K 8.05 and 5.46 dB."""
    large_scale = compile_large_scale([scenario("ntn_rural"), scenario("rma"), scenario("umi")])
    distance_m, elevation = np.array([1e6, 5000.0, 30.0]), np.array([31.0, 0.1, 10.0])
    sight, blocked = np.array([True] * 3), np.array([False] * 3)
    np.testing.assert_array_equal(
        [1.14, 6.0, 4.0], link_shadowing_std_db(large_scale, distance_m, sight, elevation)
    )
    np.testing.assert_array_equal(
        [8.78, 8.0, 7.82], link_shadowing_std_db(large_scale, distance_m, blocked, elevation)
    )
    np.testing.assert_array_equal(
        [[8.05, 7.0, 9.0], [5.46, 4.0, 5.0]], link_k_factor_db(large_scale, elevation)
    )


def test_jax_agrees_with_numpy() -> None:
    """Compiled and over many worlds."""
    large_scale = compile_large_scale([scenario("ntn_urban"), scenario("rma"), scenario("umi")])
    generator = np.random.default_rng(3)
    distance_m, elevation = generator.uniform(1, 8000, (40, 3)), generator.uniform(-5, 90, (40, 3))
    los = generator.uniform(size=(40, 3)) < 0.5
    with jax.enable_x64(True):
        compiled = jax.jit(jax.vmap(link_shadowing_std_db, (None, 0, 0, 0)))
        got = compiled(large_scale, jnp.asarray(distance_m), jnp.asarray(los), jnp.asarray(elevation))
    np.testing.assert_allclose(link_shadowing_std_db(large_scale, distance_m, los, elevation), got, rtol=1e-6)


def test_texts() -> None:
    """A fleet is not empty, and one with a satellite needs its elevation."""
    with pytest.raises(ValueError, match=re.escape("`scenarios` must hold at least 1 scenario, got 0.")):
        compile_large_scale([])
    text = "`elevation_deg` must be given for a fleet with links to satellites, got None."
    with pytest.raises(ValueError, match=re.escape(text)):
        link_k_factor_db(compile_large_scale([scenario("ntn_urban")]))
