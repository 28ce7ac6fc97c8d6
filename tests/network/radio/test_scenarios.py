"""A scenario refuses what means nothing and warns of what its model was not made for."""

import math
import re
import warnings
from typing import Any, get_args

import pytest

from net4moe.network.arrays import RangeWarning
from net4moe.network.radio.scenarios import (
    LIMITS,
    Scenario,
    ScenarioName,
    scenario_of,
    vehicle_blockage_db,
)


def test_every_name_has_limits_and_a_default_that_lies_in_them() -> None:
    """A scenario of which only name and frequency are given is the standard's own, so it warns of nothing."""
    assert sorted(get_args(ScenarioName)) == list(get_args(ScenarioName)) == list(LIMITS)
    for name in get_args(ScenarioName):
        assert Scenario(name=name, frequency_hz=3.5e9).base_m == LIMITS[name].base_m


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"name": "umii"},
            "`name` must be one of free_space, inf_dh, inf_dl, inf_sh, inf_sl, inh_mixed, inh_open, ntn_rural, "
            "ntn_suburban, ntn_urban, residential, rma, uma, umi, v2v_highway, v2v_urban, got 'umii'.",
        ),
        ({"blocked_by": "fog"}, "`blocked_by` must be one of building, vehicle, got 'fog'."),
        ({"frequency_hz": 0.0}, "`frequency_hz` must be finite and greater than 0, got 0.0."),
        ({"frequency_hz": -1e9}, "`frequency_hz` must be finite and greater than 0, got -1000000000.0."),
        ({"frequency_hz": math.nan}, "`frequency_hz` must be finite and greater than 0, got nan."),
        ({"frequency_hz": math.inf}, "`frequency_hz` must be finite and greater than 0, got inf."),
        ({"base_height_m": 0.0}, "`base_height_m` must be finite and greater than 1, got 0.0."),
        ({"user_height_m": 1.0}, "`user_height_m` must be finite and greater than 1, got 1.0."),
        (
            {"name": "rma", "user_height_m": -2.0},
            "`user_height_m` must be finite and greater than 0, got -2.0.",
        ),
        ({"environment_height_m": -1.0}, "`environment_height_m` must be finite and at least 0, got -1.0."),
        ({"street_width_m": 0.0}, "`street_width_m` must be finite and greater than 0, got 0.0."),
        ({"building_height_m": 0.0}, "`building_height_m` must be finite and greater than 0, got 0.0."),
        ({"clutter_density": -0.1}, "`clutter_density` must be finite and at least 0, got -0.1."),
        ({"clutter_density": 1.0}, "`clutter_density` must be less than 1, got 1.0."),
        ({"clutter_size_m": 0.0}, "`clutter_size_m` must be finite and greater than 0, got 0.0."),
        ({"clutter_height_m": math.nan}, "`clutter_height_m` must be finite and at least 0, got nan."),
        ({"num_walls": -1}, "`num_walls` must be finite and at least 0, got -1."),
        ({"num_floors": -1}, "`num_floors` must be finite and at least 0, got -1."),
        ({"shadowing_std_db": (4.0, -7.0)}, "`shadowing_std_db` must be finite and at least 0, got -7.0."),
    ],
)
def test_numbers_that_mean_nothing_are_refused(given: dict[str, Any], text: str) -> None:
    """The text names the field and the number."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Scenario(**{"name": "umi", "frequency_hz": 3.5e9} | given)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"frequency_hz": 0.4e9},
            "`frequency_hz` of 400000000.0 is outside the range of `umi` (TR 38.901 Table 7.4.1-1), "
            "5e+08 to 1e+11: the value is extrapolated.",
        ),
        (
            {"base_height_m": 12.0},
            "`base_height_m` of 12.0 is outside the range of `umi` (TR 38.901 Table 7.4.1-1), "
            "10 to 10: the value is extrapolated.",
        ),
        (
            {"user_height_m": 23.0},
            "`user_height_m` of 23.0 is outside the range of `umi` (TR 38.901 Table 7.4.1-1), "
            "1.5 to 22.5: the value is extrapolated.",
        ),
        (
            {"name": "rma", "frequency_hz": 39e9},
            "`frequency_hz` of 39000000000.0 is outside the range of `rma` (TR 38.901 Table 7.4.1-1), "
            "5e+08 to 3e+10: the value is extrapolated.",
        ),
        (
            {"name": "rma", "street_width_m": 60.0},
            "`street_width_m` of 60.0 is outside the range of `rma` (TR 38.901 Table 7.4.1-1), "
            "5 to 50: the value is extrapolated.",
        ),
        (
            {"name": "rma", "building_height_m": 3.0},
            "`building_height_m` of 3.0 is outside the range of `rma` (TR 38.901 Table 7.4.1-1), "
            "5 to 50: the value is extrapolated.",
        ),
        (
            {"name": "inf_dh", "user_height_m": 7.0},
            "`user_height_m` of 7.0 is outside the range of `inf_dh` (TR 38.901 Table 7.4.1-1), "
            "0 to 6: the value is extrapolated.",
        ),
        (
            {"name": "inf_dh", "base_height_m": 5.0},
            "`base_height_m` of 5.0 is outside the range of `inf_dh` (TR 38.901 Table 7.4.1-1), "
            "6 to 25: the value is extrapolated.",
        ),
        (
            {"name": "ntn_urban", "frequency_hz": 20e9},
            "`frequency_hz` of 20000000000.0 is outside the range of `ntn_urban` (TR 38.811 clause 6.6, S band), "
            "2e+09 to 4e+09: the value is extrapolated.",
        ),
        (
            {"name": "residential", "frequency_hz": 0.9e9},
            "`frequency_hz` of 900000000.0 is outside the range of `residential` (IEEE 802.11-14/0980r16), "
            "2.4e+09 to 7.125e+09: the value is extrapolated.",
        ),
    ],
)
def test_what_the_model_was_not_made_for_gives_a_warning(given: dict[str, Any], text: str) -> None:
    """The warning names the value, the model and the range."""
    with pytest.warns(RangeWarning, match=f"^{re.escape(text)}$"):
        Scenario(**{"name": "umi", "frequency_hz": 3.5e9} | given)


def test_the_ends_of_a_range_belong_to_it() -> None:
    """22.5 m and 100 GHz are still the standard's."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Scenario(name="umi", frequency_hz=100e9, user_height_m=22.5)
        Scenario(name="rma", frequency_hz=0.5e9, base_height_m=150.0, user_height_m=1.0)


def test_clutter_is_the_standards_unless_given() -> None:
    """TR 38.901 Table 7.8-7: sparse clutter covers 20 %, in pieces of 10 m; dense 60 %, in pieces of 2 m."""
    assert Scenario(name="inf_sl", frequency_hz=3.5e9).clutter == (0.2, 10.0, 2.0)
    assert Scenario(name="inf_dh", frequency_hz=3.5e9).clutter == (0.6, 2.0, 6.0)
    assert Scenario(name="inf_dh", frequency_hz=3.5e9, clutter_size_m=3.0).clutter == (0.6, 3.0, 6.0)


def test_a_name_or_a_scenario_with_changes() -> None:
    """What is given besides replaces what the scenario had; a name alone is not enough."""
    scenario = Scenario(name="rma", frequency_hz=0.7e9)
    assert scenario_of(scenario) is scenario
    assert scenario_of(scenario, base_height_m=30.0).base_m == 30.0
    assert scenario_of("rma", frequency_hz=0.7e9) == scenario
    text = "`frequency_hz` must be given with the name of a scenario, got 'rma' alone."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        scenario_of("rma")


@pytest.mark.parametrize(
    ("base_m", "user_m", "expected"),
    [(1.6, 1.6, (5.0, 4.0)), (0.75, 0.75, (9.0, 4.5)), (3.0, 3.0, (0.0, 0.0)), (3.0, 1.5, (5.0, 4.0))],
)
def test_blockage_by_a_vehicle_depends_on_the_antennas(
    base_m: float, user_m: float, expected: tuple[float, float]
) -> None:
    """TR 37.885 clause 6.2.1: above the blocker, below it, or neither."""
    scenario = Scenario(name="v2v_urban", frequency_hz=5.9e9, base_height_m=base_m, user_height_m=user_m)
    assert vehicle_blockage_db(scenario) == expected
