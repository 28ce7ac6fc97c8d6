"""Lines of sight are as likely as the standards, ns-3 and Sionna say, alone and in a fleet."""

import math
import re
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.network.arrays import RangeWarning
from net4moe.network.radio.line_of_sight import (
    compile_line_of_sight,
    link_los_probability,
    los_probability,
    satellite_los_probability,
    uma_environment_height_m,
)
from net4moe.network.radio.satellite import elevation_deg
from net4moe.network.radio.scenarios import Scenario, ScenarioName

NAMES: tuple[ScenarioName, ...] = get_args(ScenarioName)

# Sionna 2.2.0, *Scenario.los_probability: name, base height, distances, probabilities; user at 1.5 m.
SIONNA: tuple[tuple[ScenarioName, float, tuple[float, ...], tuple[float, ...]], ...] = (
    (
        "umi", 10.0, (10, 50, 100, 200, 500, 1000, 3000),
        (1.0, 0.51958541, 0.23098475, 0.09351799, 0.0360009, 0.018, 0.006),
    ),
    (
        "uma", 25.0, (10, 50, 100, 200, 500, 1000, 3000),
        (1.0, 0.64940219, 0.34767084, 0.12804773, 0.03634458, 0.01800013, 0.006),
    ),
    (
        "rma", 35.0, (10, 50, 100, 200, 500, 1000, 3000),
        (1.0, 0.96078944, 0.91393119, 0.82695913, 0.61262639, 0.37157669, 0.05028744),
    ),
    ("inh_mixed", 3.0, (1, 3, 5, 10, 40, 100), (1.0, 0.68182741, 0.44552111, 0.28742416, 0.11451589, 0.0181782)),
    ("inh_open", 3.0, (1, 3, 5, 10, 40, 100), (1.0, 1.0, 1.0, 0.93181455, 0.60996708, 0.42439397)),
    ("inf_sl", 1.5, (1, 10, 50, 200, 500), (0.97793277, 0.8, 0.32768, 0.01152922, 1.427e-05)),
    ("inf_dl", 1.5, (1, 10, 50, 200, 500), (0.63245553, 0.01024, 0.0, 0.0, 0.0)),
    ("inf_sh", 8.0, (1, 10, 50, 200, 500), (0.99828498, 0.98298159, 0.91775534, 0.70942693, 0.42390563)),
    ("inf_dh", 8.0, (1, 10, 50, 200, 500), (0.72820144, 0.04192908, 1.3e-07, 0.0, 0.0)),
)  # fmt: skip


def standard(scenario: Scenario, d: float) -> float:
    """Compute the probability straight from the printed formulas, case by case."""
    h_bs, h_ut = scenario.base_m, scenario.user_height_m
    density, size_m, h_c = scenario.clutter
    match scenario.name:
        case "umi":
            return 1.0 if d <= 18 else 18 / d + math.exp(-d / 36) * (1 - 18 / d)
        case "uma":
            c = ((h_ut - 13) / 10) ** 1.5 if h_ut > 13 else 0.0
            tall = 1 + c * 5 / 4 * (d / 100) ** 3 * math.exp(-d / 150)
            return 1.0 if d <= 18 else min(1.0, (18 / d + math.exp(-d / 63) * (1 - 18 / d)) * tall)
        case "rma":
            return 1.0 if d <= 10 else math.exp(-(d - 10) / 1000)
        case "inh_mixed":
            near, far = math.exp(-(d - 1.2) / 4.7), 0.32 * math.exp(-(d - 6.5) / 32.6)
            return 1.0 if d <= 1.2 else near if d < 6.5 else far
        case "inh_open":
            near, far = math.exp(-(d - 5) / 70.8), 0.54 * math.exp(-(d - 49) / 211.7)
            return 1.0 if d <= 5 else near if d <= 49 else far
        case "inf_sl" | "inf_dl":
            return math.exp(d * math.log(1 - density) / size_m)
        case "inf_sh" | "inf_dh":
            return math.exp(-d / (-size_m / math.log(1 - density) * (h_bs - h_ut) / (h_c - h_ut)))
        case "v2v_urban":
            return min(1.0, 1.05 * math.exp(-0.0114 * d))
        case "v2v_highway":
            near = min(1.0, 2.1013e-6 * d * d - 0.002 * d + 1.0193)
            return near if d <= 475 else max(0.0, 0.54 - 0.001 * (d - 475))
        case "residential":
            return float(math.hypot(d, h_bs - h_ut) <= 5 and not scenario.num_walls + scenario.num_floors)
        case "free_space":
            return 1.0
        case name:
            return float(satellite_los_probability(name, elevation_deg(d, h_bs - h_ut)))


@pytest.mark.parametrize(
    ("name", "base_m", "distances", "expected"), SIONNA, ids=lambda value: str(value)[:9]
)
def test_the_probabilities_of_sionna(
    name: ScenarioName, base_m: float, distances: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    """To the printed digits."""
    got = los_probability(name, np.array(distances, float), base_height_m=base_m)
    np.testing.assert_allclose(expected, got, atol=1e-8)


def test_the_table_of_probabilities() -> None:
    """At 10, 20, 30, 50, 100 and 200 m, recomputed from TR 38.901 Table 7.4.2-1."""
    distance_m = np.array([10.0, 20.0, 30.0, 50.0, 100.0, 200.0])
    np.testing.assert_allclose(
        [1, 0.957375, 0.773839, 0.519585, 0.230985, 0.093518], los_probability("umi", distance_m), atol=1e-6
    )
    np.testing.assert_allclose(
        [1, 0.972800, 0.848458, 0.649402, 0.347671, 0.128048], los_probability("uma", distance_m), atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "distance_m", "user_m", "expected"),
    [
        (
            "uma",
            50.0,
            15.0,
            (0.36 + math.exp(-50 / 63) * 0.64) * (1 + 0.2**1.5 * 1.25 * 0.5**3 * math.exp(-1 / 3)),
        ),
        ("uma", 100.0, 15.0, (0.18 + math.exp(-100 / 63) * 0.82) * (1 + 0.2**1.5 * 1.25 * math.exp(-2 / 3))),
        ("v2v_urban", 10.0, 1.6, 1.05 * math.exp(-0.114)),
        ("v2v_urban", 100.0, 1.6, 1.05 * math.exp(-1.14)),
        ("v2v_urban", 1000.0, 1.6, 1.05 * math.exp(-11.4)),
        ("v2v_highway", 10.0, 1.6, 0.00021013 - 0.02 + 1.0193),
        ("v2v_highway", 100.0, 1.6, 0.021013 - 0.2 + 1.0193),
        ("v2v_highway", 1000.0, 1.6, 0.54 - 0.525),
    ],
)
def test_the_expected_values_of_ns3(
    name: ScenarioName, distance_m: float, user_m: float, expected: float
) -> None:
    """The channel-condition suites of ns-3 for tall users and for vehicles; it allows 2.5e-3 and 5e-3."""
    assert expected == pytest.approx(float(los_probability(name, distance_m, user_height_m=user_m)), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "edge_m", "at", "beyond"),
    [
        ("inh_mixed", 1.2, 1.0, 1.0),
        ("inh_mixed", 6.5, 0.32, 0.32),
        ("inh_open", 49.0, math.exp(-44 / 70.8), 0.54),
        ("v2v_highway", 475.0, 2.1013e-6 * 475**2 - 0.95 + 1.0193, 0.54),
        ("residential", 5.0, 1.0, 0.0),
    ],
)
def test_edges_belong_to_the_side_the_standard_says(
    name: ScenarioName, edge_m: float, at: float, beyond: float
) -> None:
    """At the edge itself, and a little beyond it."""
    got = los_probability(name, np.array([edge_m, edge_m + 1e-5]))
    np.testing.assert_allclose([at, beyond], got, atol=1e-5)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([name for name in NAMES if not name.startswith("ntn")]),
    st.floats(0.0, 1.0),
    st.floats(0.01, 0.99),
    st.floats(0.5, 20.0),
    st.integers(0, 1),
)
def test_every_model_is_its_printed_formula(
    name: ScenarioName, where: float, density: float, size_m: float, num_walls: int
) -> None:
    """Any place, against the formula itself; and a probability is one."""
    user_m = {"uma": 1.5 + 21 * where, "inf_sh": 1.9 * where + 0.05}.get(name, 1.5)
    scenario = Scenario(
        name=name,
        frequency_hz=3.5e9,
        user_height_m=user_m,
        clutter_density=density,
        clutter_size_m=size_m,
        num_walls=num_walls,
    )
    distance_m = 1e-3 * 1e7 ** math.sqrt(where)
    got = float(los_probability(scenario, distance_m))
    assert standard(scenario, distance_m) == pytest.approx(got, abs=1e-9)
    assert 0.0 <= got <= 1.0


def test_satellites_by_hand() -> None:
    """TR 38.811 Table 6.6.1-1: 24.6 % of a city sees 10 degrees, 99.2 % the zenith, none below the horizon."""
    elevation = np.array([10.0, 44.0, 90.0])
    np.testing.assert_array_equal([0.246, 0.613, 0.992], satellite_los_probability("ntn_urban", elevation))
    np.testing.assert_array_equal([0.782, 0.929, 0.998], satellite_los_probability("ntn_rural", elevation))
    assert 0.726 == los_probability("ntn_urban", 600e3, base_height_m=600e3 * math.tan(math.radians(50)))


def test_low_satellites_give_a_warning() -> None:
    """Below the tables the first entry counts down to the horizon."""
    text = "`elevation_deg` of 3.0 is outside the range of TR 38.811, 10 to 90: the value is extrapolated."
    with pytest.warns(RangeWarning, match=f"^{re.escape(text)}$"):
        low = satellite_los_probability("ntn_urban", np.array([3.0, -1.0]))
    np.testing.assert_array_equal([0.246, 0.0], low)
    with pytest.warns(RangeWarning, match="`elevation_deg` of 5.7"):
        assert 0.246 == los_probability("ntn_urban", 6e6)


def test_clutter_above_and_below_the_antennas() -> None:
    """A user above the clutter sees a high base for sure; a base that is no higher than the user gains nothing."""
    with pytest.warns(RangeWarning, match="`user_height_m` of 7.0"):
        above = Scenario(name="inf_dh", frequency_hz=3.5e9, user_height_m=7.0)
    assert los_probability(above, 50.0) == 1.0
    with pytest.warns(RangeWarning, match="`base_height_m` of 1.0"):
        low = Scenario(name="inf_dh", frequency_hz=3.5e9, base_height_m=1.0)
    assert los_probability(low, 5.0) == pytest.approx(0.4**2.5)


def fleet() -> tuple[list[Scenario], np.ndarray, np.ndarray]:
    """Make a fleet of every model, each link at 60 places."""
    scenarios = [Scenario(name=name, frequency_hz=3.5e9) for name in NAMES]
    scenarios.append(Scenario(name="uma", frequency_hz=3.5e9, user_height_m=22.0))
    distance_m = np.random.default_rng(7).uniform(0.0, 600.0, (60, len(scenarios)))
    distance_m *= np.array([2e3 if one.name.startswith("ntn") else 1.0 for one in scenarios])
    rise_m = np.array([one.base_m - one.user_height_m for one in scenarios])
    return scenarios, distance_m, elevation_deg(distance_m, rise_m)


def test_a_mixed_fleet_is_one_model_at_a_time() -> None:
    """A fleet of all the models gives each link what its model alone gives it."""
    scenarios, distance_m, elevation = fleet()
    got = link_los_probability(compile_line_of_sight(scenarios), distance_m, elevation)
    for index, scenario in enumerate(scenarios):
        np.testing.assert_allclose(los_probability(scenario, distance_m[:, index]), got[:, index], atol=1e-12)


def test_jax_agrees_with_numpy() -> None:
    """Compiled and over many worlds, in 64-bit and in 32-bit floats."""
    scenarios, distance_m, elevation = fleet()
    compiled_fleet = compile_line_of_sight(scenarios)
    expected = link_los_probability(compiled_fleet, distance_m, elevation)
    for wide, tolerance in ((True, 1e-12), (False, 2e-6)):
        with jax.enable_x64(wide):
            compiled = jax.jit(jax.vmap(link_los_probability, (None, 0, 0)))
            got = compiled(compiled_fleet, jnp.asarray(distance_m), jnp.asarray(elevation))
            one = jax.jit(lambda distance: los_probability("umi", distance))(jnp.asarray(distance_m))
        np.testing.assert_allclose(expected, got, atol=tolerance)
        np.testing.assert_allclose(los_probability("umi", distance_m), one, atol=tolerance)


def test_fleets_without_satellites_highways_and_towers_pay_nothing_for_them() -> None:
    """Their terms are not compiled."""
    plain = compile_line_of_sight(
        [Scenario(name=name, frequency_hz=3.5e9) for name in ("umi", "uma", "inf_sl")]
    )
    assert (plain.tall, plain.highway, plain.satellite, plain.sky_probability) == (None,) * 4
    np.testing.assert_allclose([1.0, 1.0, 1.0], link_los_probability(plain, np.zeros(3)))


def test_environment_heights_of_uma_follow_their_law() -> None:
    """A user at 22 m, 200 m away: 1 m with probability 1/(1 + C), else 12, 15 or 18 m, all alike."""
    excess = 0.9**1.5 * 1.25 * 8 * math.exp(-200 / 150)
    uniform = (np.arange(120_000) + 0.5) / 120_000
    heights_m, counts = np.unique(uma_environment_height_m(200.0, 22.0, uniform), return_counts=True)
    rest = excess / (1 + excess) / 3
    np.testing.assert_array_equal([1.0, 12.0, 15.0, 18.0], heights_m)
    np.testing.assert_allclose([1 / (1 + excess), rest, rest, rest], counts / uniform.size, atol=2e-5)


def test_environment_heights_of_low_or_near_users_are_one_metre() -> None:
    """C is 0 up to 13 m and up to 18 m away; just above 13 m the only other height is 12 m."""
    uniform = np.array([0.0, 0.5, 0.999999])
    np.testing.assert_array_equal([1, 1, 1], uma_environment_height_m(200.0, 13.0, uniform))
    np.testing.assert_array_equal([1, 1, 1], uma_environment_height_m(18.0, 22.5, uniform))
    np.testing.assert_array_equal([1, 1, 12], uma_environment_height_m(200.0, 13.2, uniform))
    assert float(uma_environment_height_m(200.0, 22.5, np.array(0.9999999))) == 21.0
    with jax.enable_x64(True):
        compiled = jax.jit(uma_environment_height_m)(200.0, 22.0, jnp.linspace(0.0, 0.999, 50))
    np.testing.assert_array_equal(
        uma_environment_height_m(200.0, 22.0, np.linspace(0.0, 0.999, 50)), compiled
    )


def test_texts() -> None:
    """One sentence with the offending value."""
    cases: tuple[tuple[Any, str], ...] = (
        (-1.0, "`distance_2d_m` must be finite and at least 0, got -1.0."),
        (math.nan, "`distance_2d_m` must be finite and at least 0, got nan."),
    )
    for distance_m, text in cases:
        with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
            los_probability("umi", distance_m)
    text = "`scenarios` must hold at least 1 scenario, got 0."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        compile_line_of_sight([])
    text = "`name` must be one of ntn_rural, ntn_suburban, ntn_urban, got 'umi'."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        satellite_los_probability("umi", 30.0)
    with pytest.raises(ValueError, match=r"^`elevation_deg` must be finite, got inf\.$"):
        satellite_los_probability("ntn_urban", math.inf)
    sky = compile_line_of_sight([Scenario(name="ntn_urban", frequency_hz=2e9)])
    text = "`elevation_deg` must be given for a fleet with links to satellites, got None."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        link_los_probability(sky, np.array([1e6]))
