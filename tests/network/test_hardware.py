"""What devices are, and what refuses to be one."""

import math
import re
from typing import Any

import numpy as np
import pytest

from net4moe.network.hardware import (
    HARDWARE,
    PHONE,
    SENSOR_GATEWAY,
    HardwareConfig,
    compile_hardware,
    cpu_energy_j,
)

PLAIN: dict[str, Any] = {"tokens_per_s": 10.0, "prompt_tokens_per_s": 100.0, "tokens_per_j": 2.0}


def test_a_billion_cycles_at_one_gigahertz_cost_one_joule() -> None:
    """The law is kappa f^2 cycles with kappa 1e-27, and not the power of one that a known simulator computes."""
    assert 1.0 == cpu_energy_j(1e9, 1e9)
    assert 4.0 == cpu_energy_j(1e9, 2e9)
    np.testing.assert_array_equal([1.0, 4.0], cpu_energy_j(np.array([1e9, 1e9]), np.array([1e9, 2e9])))


def test_energy_by_hand() -> None:
    """Measured: half a joule per token; by cycles: 1e-27 (1.5e9)^2 3e8 = 0.675 J, 3.375 W at 5 tokens/s."""
    assert 0.5 == HardwareConfig(**PLAIN).joules_per_token
    assert 5.0 == HardwareConfig(**PLAIN).busy_w
    assert 0.675 == pytest.approx(SENSOR_GATEWAY.joules_per_token)
    assert 3.375 == pytest.approx(SENSOR_GATEWAY.busy_w)


def test_arrays_by_hand() -> None:
    """Each field becomes an array in the order of the devices."""
    stored = HardwareConfig(**PLAIN, model_bytes=3e9, storage_bytes_per_s=1.5e9)
    hardware = compile_hardware([PHONE, stored])
    np.testing.assert_array_equal([50.2, 10.0], hardware.tokens_per_s)
    np.testing.assert_allclose([PHONE.model_bytes / 1.5e9, 2.0], hardware.load_s)
    np.testing.assert_allclose(0.05, hardware.joules_per_prompt_token[1])
    np.testing.assert_array_equal([70_000.0, math.inf], hardware.battery_j)
    assert all(field.dtype == np.float64 and field.shape == (2,) for field in hardware)


def test_ready_descriptions_are_plausible() -> None:
    """Each can write for a while, heats above rest, and loads its expert in less than a minute."""
    hardware = compile_hardware(list(HARDWARE.values()))
    busy_w = hardware.joules_per_token * hardware.tokens_per_s
    assert ((busy_w > 1.0) & (busy_w < 1000.0)).all()
    assert (hardware.load_s < 60.0).all()
    assert (hardware.battery_j / busy_w > 1800.0).all()
    end_c = hardware.ambient_c + hardware.heat_resistance_k_per_w * busy_w
    assert ((end_c > hardware.ambient_c) & (end_c < hardware.shutdown_c)).all()
    assert 6.0 == pytest.approx(PHONE.busy_w, abs=0.05)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"tokens_per_s": 0.0}, "`tokens_per_s` must be finite and greater than 0, got 0.0."),
        (
            {"prompt_tokens_per_s": math.nan},
            "`prompt_tokens_per_s` must be finite and greater than 0, got nan.",
        ),
        ({"tokens_per_j": -1.0}, "`tokens_per_j` must be finite and greater than 0, got -1.0."),
        ({"battery_j": 0.0}, "`battery_j` must be a number and greater than 0, got 0.0."),
        ({"mean_up_s": 0.0}, "`mean_up_s` must be a number and greater than 0, got 0.0."),
        ({"idle_w": -1.0}, "`idle_w` must be finite and at least 0, got -1.0."),
        ({"harvest_w": math.inf}, "`harvest_w` must be finite and at least 0, got inf."),
        ({"ambient_c": math.nan}, "`ambient_c` must be finite, got nan."),
        ({"shutdown_c": 80.0}, "`shutdown_c` must be greater than `throttle_c`, got 80.0 and 80.0."),
        ({"least_speed_share": 0.0}, "`least_speed_share` must be greater than 0 and at most 1, got 0.0."),
        (
            {"tokens_per_j": None},
            "Energy must be given as `tokens_per_j`, or as `clock_hz` and `cycles_per_token`.",
        ),
        (
            {"clock_hz": 1e9},
            "Energy must be given as `tokens_per_j`, or as `clock_hz` and `cycles_per_token`.",
        ),
        (
            {"tokens_per_j": None, "clock_hz": 1e9},
            "Energy must be given as `tokens_per_j`, or as `clock_hz` and `cycles_per_token`.",
        ),
    ],
)
def test_a_device_that_cannot_be_is_refused(change: dict[str, Any], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        HardwareConfig(**(PLAIN | change))


def test_no_device_is_refused() -> None:
    """A fleet has at least one."""
    with pytest.raises(ValueError, match=r"^`configs` must hold at least 1 device, got 0\.$"):
        compile_hardware([])
