"""Devices are checked once and laid out in order."""

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from net4moe.network import DeviceConfig, GaussMarkov, Scenario, Traced, draw_world, fleet_arrays, links
from net4moe.network.arrays import RangeWarning
from net4moe.network.hardware import LAPTOP, PHONE
from net4moe.network.links import lossless_snr_db
from net4moe.network.radio.link_classes import LEO, NB_IOT, NR, PAPER, WIFI


def test_fleet_arrays_keep_the_order_and_the_numbers() -> None:
    """Each column holds the devices' numbers in their order, as 32-bit floats."""
    fleet = fleet_arrays(
        (
            DeviceConfig(
                name="phone", expert="plot", compute_cost_per_word=0.02, units_limit=5.0, local=True
            ),
            DeviceConfig(name="tv", expert="setting", bandwidth_hz=20_000.0),
        )
    )
    expected = {
        "compute_cost_per_word": np.array([0.02, 0.01], np.float32),
        "bandwidth_hz": np.array([10_000, 20_000], np.float32),
        "units_limit": np.array([5.0, math.inf], np.float32),
        "local": np.array([True, False]),
    }
    for name, wanted in expected.items():
        assert wanted.dtype == getattr(fleet, name).dtype
        np.testing.assert_array_equal(wanted, getattr(fleet, name))


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"name": " "}, "`name` of a device must not be empty."),
        ({"expert": ""}, "`expert` of a device must not be empty."),
        (
            {"compute_cost_per_word": -0.1},
            "`compute_cost_per_word` of device 'tv' must be finite and at least 0, got -0.1.",
        ),
        (
            {"compute_cost_per_word": math.nan},
            "`compute_cost_per_word` of device 'tv' must be finite and at least 0, got nan.",
        ),
        (
            {"bandwidth_hz": -1.0},
            "`bandwidth_hz` of device 'tv' must be finite and greater than 0, got -1.0.",
        ),
        ({"bandwidth_hz": 0.0}, "`bandwidth_hz` of device 'tv' must be finite and greater than 0, got 0.0."),
        (
            {"bandwidth_hz": math.inf},
            "`bandwidth_hz` of device 'tv' must be finite and greater than 0, got inf.",
        ),
        ({"units_limit": -2.0}, "`units_limit` of device 'tv' must be at least 0, got -2.0."),
        ({"units_limit": math.nan}, "`units_limit` of device 'tv' must be at least 0, got nan."),
        (
            {"position_m": (math.nan, 0.0, 1.5)},
            "`position_m` of device 'tv' must be three finite numbers, above the ground, got (nan, 0.0, 1.5).",
        ),
        (
            {"position_m": (0.0, -math.inf, 1.5)},
            "`position_m` of device 'tv' must be three finite numbers, above the ground, got (0.0, -inf, 1.5).",
        ),
        (
            {"position_m": (0.0, 0.0, 0.0)},
            "`position_m` of device 'tv' must be three finite numbers, above the ground, got (0.0, 0.0, 0.0).",
        ),
        (
            {"position_m": (0.0, 0.0, math.inf)},
            "`position_m` of device 'tv' must be three finite numbers, above the ground, got (0.0, 0.0, inf).",
        ),
        (
            {"scatterer_doppler_hz": -0.5},
            "`scatterer_doppler_hz` of device 'tv' must be finite and at least 0, got -0.5.",
        ),
        (
            {"scatterer_doppler_hz": math.nan},
            "`scatterer_doppler_hz` of device 'tv' must be finite and at least 0, got nan.",
        ),
    ],
)
def test_a_device_that_cannot_be_is_refused(setting: dict[str, Any], text: str) -> None:
    """The sentence names the device, the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        DeviceConfig(**{"name": "tv", "expert": "plot", **setting})


@pytest.mark.parametrize(
    ("names", "local", "text"),
    [
        ("", "", "`devices` must hold at least 1 device, got 0."),
        ("aba", "", "`devices` must have different names, got 'a' 2 times."),
        ("abc", "ac", "`devices` must hold at most 1 local device, got a, c."),
        ("abc", "b", "The local device must come first in `devices`, got 'b' after 'a'."),
    ],
)
def test_a_fleet_that_cannot_be_is_refused(names: str, local: str, text: str) -> None:
    """No devices, equal names, two local ones and a local one in the middle are refused."""
    devices = [DeviceConfig(name=name, expert="plot", local=name in local) for name in names]
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        fleet_arrays(devices)


USER = DeviceConfig(name="phone", expert="pocket", local=True, hardware=PHONE)
CELL = DeviceConfig(name="cell", expert="rose", link=NR, scenario="umi", position_m=(100.0, 0.0, 10.0))
SATELLITE = DeviceConfig(
    name="satellite", expert="nova", link=LEO, scenario="ntn_rural", position_m=(0.0, 0.0, 600e3)
)


def test_the_budget_of_each_link_by_hand() -> None:
    """Power and antennas less walls and noise, as in a table of a link budget."""
    sensor = DeviceConfig(
        name="sensor", expert="scout", link=NB_IOT, scenario="umi", position_m=(0.0, 9.0, 10.0)
    )
    fleet = fleet_arrays((USER, CELL, sensor, SATELLITE))
    expected = [
        23.0 + 0.0 - 0.0 + 127.0,  # 10 kHz: -174 + 40 + 7 dBm of noise
        23.0 + 8.0 + 3.0103 - 0.0 + 95.9897,  # 20 MHz: -174 + 73.0103 + 5; two antennas
        23.0 + 11.0 - 20.0 + 118.4473,  # 180 kHz: -174 + 52.5527 + 3
        40.9897 + 30.0 - 0.0 + 100.0103,  # 5 MHz: -174 + 66.9897 + 7
    ]
    assert expected == pytest.approx(lossless_snr_db(fleet), abs=1e-4)
    assert [0.149896, 0.085655, 0.333103, 0.149896] == pytest.approx(fleet.wavelength_m, abs=1e-6)
    np.testing.assert_array_equal([1.0, 1.0, 1.0, 0.0], fleet.field_share)
    np.testing.assert_array_equal([[True] * 4, [False, True, False, False]], fleet.branches)
    bands = np.eye(4, dtype=bool)
    bands[0, 3] = bands[3, 0] = True  # both at 2 GHz
    np.testing.assert_array_equal(bands, fleet.same_band)
    assert [50.2, 20.9, 20.9, 20.9] == fleet.hardware.tokens_per_s.tolist()
    assert (PHONE.tokens_per_s, LAPTOP.tokens_per_s) == (50.2, 20.9)


def test_a_bandwidth_of_its_own() -> None:
    """Half the band has half the noise; None is that of the class."""
    fleet = fleet_arrays((USER, CELL, DeviceConfig(name="half", expert="nova", link=NR, bandwidth_hz=10e6)))
    np.testing.assert_array_equal(np.array([10e3, 20e6, 10e6], np.float32), fleet.bandwidth_hz)
    assert lossless_snr_db(fleet)[1] + 10.0 * math.log10(2.0) == pytest.approx(lossless_snr_db(fleet)[2])
    np.testing.assert_array_equal(fleet.bandwidth_hz, fleet.link.bandwidth_hz)


def test_the_name_of_a_scenario_takes_heights_and_carrier_from_the_devices() -> None:
    """As if it had been written out: the higher antenna is the base, whichever end it is."""
    written = Scenario(name="umi", frequency_hz=3.5e9, base_height_m=10.0, user_height_m=1.5)
    low = DeviceConfig(name="low", expert="nova", link=NR, scenario="umi", position_m=(100.0, 0.0, 1.5))
    high_user = DeviceConfig(name="window", expert="pocket", local=True, position_m=(0.0, 0.0, 10.0))
    for devices in (
        (USER, CELL),
        (USER, DeviceConfig(name="cell", expert="rose", link=NR, scenario=written)),
        (high_user, low),
    ):
        fleet = fleet_arrays(devices)
        assert 210.0 == pytest.approx(fleet.path_loss.breakpoint_m[1])
        assert 32.4 + 20.0 * math.log10(3.5) == pytest.approx(fleet.path_loss.near_db[1])


def test_heights_that_a_model_was_not_made_for_are_warned_of() -> None:
    """A street cell at 12 m is an extrapolation."""
    high = DeviceConfig(name="high", expert="rose", link=NR, scenario="umi", position_m=(9.0, 0.0, 12.0))
    text = (
        "`base_height_m` of 12.0 is outside the range of `umi` (TR 38.901 Table 7.4.1-1), 10 to 10: "
        "the value is extrapolated."
    )
    with pytest.warns(RangeWarning, match=f"^{re.escape(text)}$"):
        fleet_arrays((USER, high))


def test_fleets_without_satellites_do_not_pay_for_them() -> None:
    """Tables of the sky are there only where a device needs them."""
    assert fleet_arrays((USER, CELL)).path_loss.sky is None
    assert fleet_arrays((USER, SATELLITE)).path_loss.sky is not None
    assert 1 == fleet_arrays((USER, CELL)).large_scale.k_mean_db.shape[0]
    assert 9 == fleet_arrays((USER, SATELLITE)).large_scale.k_mean_db.shape[0]


def test_a_start_outside_its_area_is_refused() -> None:
    """The sentence says where it starts."""
    stray = DeviceConfig(
        name="stray", expert="rose", mobility=GaussMarkov(width_m=5.0), position_m=(9.0, 0.0, 1.0)
    )
    text = "`start_m` of device 1 must lie in its area, got [9.0, 0.0]."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        fleet_arrays((USER, stray))


def test_one_device_is_a_fleet() -> None:
    """A user alone, or a link class without steps, has links, too."""
    for device in (USER, DeviceConfig(name="lone", expert="rose", link=WIFI)):
        fleet = fleet_arrays((device,))
        assert (1,) == links(fleet, draw_world(fleet, np.random.default_rng(0)), 1.0).snr_db.shape
    assert PAPER == USER.link


def test_a_trace_decides_the_height_of_a_link() -> None:
    """The start of a traced device does not count, also not for its path loss."""
    trace = Traced(time_s=(0.0, 10.0), x_m=(300.0, 300.0), y_m=(0.0, 0.0), z_m=(10.0, 10.0))
    still = replace(CELL, name="still", position_m=(300.0, 0.0, 10.0))
    fleet = fleet_arrays((USER, replace(CELL, name="traced", mobility=trace), still))
    np.testing.assert_array_equal(fleet.path_loss.near_db[1], fleet.path_loss.near_db[2])
    np.testing.assert_array_equal(fleet.path_loss.breakpoint_m[1], fleet.path_loss.breakpoint_m[2])


def test_a_device_of_which_nothing_is_said_is_always_there() -> None:
    """Nobody who compares links by hand is surprised by absences."""
    fleet = fleet_arrays((USER, DeviceConfig(name="x", expert="rose")))
    assert math.isinf(fleet.hardware.mean_up_s[1])
