"""Devices are checked once and laid out in order."""

import math
import re
from typing import Any

import numpy as np
import pytest

from net4moe.network import DeviceConfig, fleet_arrays


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
