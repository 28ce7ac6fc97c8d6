"""The presets against the numbers that their technologies are known by; what no class can be."""

import math
import re
import subprocess
import sys

import numpy as np
import pytest

from net4moe.network.radio.adaptation import RateStep
from net4moe.network.radio.link_classes import (
    LEO,
    LINK_CLASSES,
    LORA,
    LTE_M,
    NB_IOT,
    NR,
    PAPER,
    SIDELINK,
    WIFI,
    LinkClass,
)
from net4moe.network.radio.rates import SHANNON


def rates_bps(link: LinkClass) -> list[float]:
    """List the rates of a class of steps, bit/s."""
    assert isinstance(link.curve, tuple)
    return [step.efficiency * link.bandwidth_hz for step in link.curve]


def link_class(**changes: object) -> LinkClass:
    """Make a class that is right but for the changes."""
    usual = {"name": "radio", "frequency_hz": 1e9, "bandwidth_hz": 1e6, "transmit_power_dbm": 20.0}
    return LinkClass(**(usual | changes))  # type: ignore[arg-type]


def test_the_case_study_is_shannon_at_10_khz() -> None:
    """The paper's link."""
    assert PAPER.curve is SHANNON
    assert 10e3 == PAPER.bandwidth_hz


def test_lora() -> None:
    """Rates of SF12 to SF7 as in the data sheet; sensitivities; one hundredth of the time."""
    np.testing.assert_allclose([292.97, 537.11, 976.56, 1757.81, 3125.0, 5468.75], rates_bps(LORA), rtol=2e-5)
    assert isinstance(LORA.curve, tuple)
    assert [-20.0, -17.5, -15.0, -12.5, -10.0, -7.5] == [step.threshold_db for step in LORA.curve]
    assert -137.0 == pytest.approx(LORA.sensitivity_dbm, abs=0.1)
    assert 0.01 == LORA.duty_cycle


def test_narrowband_iot() -> None:
    """250 kbit/s on the air, 62.5 kbit/s in half duplex, 164 dB of coupling loss at 160 bit/s or more."""
    assert 250e3 == pytest.approx(rates_bps(NB_IOT)[-1])
    assert 62.5e3 == pytest.approx(rates_bps(NB_IOT)[-1] * NB_IOT.duty_cycle)
    assert 164.0 == pytest.approx(NB_IOT.coupling_loss_db, abs=0.5)
    assert 160.0 <= rates_bps(NB_IOT)[0] * NB_IOT.duty_cycle <= 320.0
    assert 0.545 == pytest.approx(NB_IOT.sender_w, abs=0.01)


def test_narrowband_iot_meets_the_single_tone_budget() -> None:
    """TR 45.820 asks for -11.8 dB in a tone of 15 kHz: the same signal over 180 kHz, to half a decibel."""
    assert isinstance(NB_IOT.curve, tuple)
    assert -11.8 - 10 * math.log10(12) == pytest.approx(NB_IOT.curve[0].threshold_db, abs=0.5)


def test_lte_m() -> None:
    """1 Mbit/s on the air, 375 kbit/s in half duplex, 155.7 dB of coupling loss."""
    assert 1e6 == pytest.approx(rates_bps(LTE_M)[-1])
    assert 375e3 == pytest.approx(rates_bps(LTE_M)[-1] * LTE_M.duty_cycle)
    assert 155.7 == pytest.approx(LTE_M.coupling_loss_db, abs=0.5)


def test_wifi() -> None:
    """MCS 0 to 11 of 802.11ax at 20 MHz and a guard interval of 0.8 us, and its minimum sensitivities."""
    mbit_per_s = [8.6, 17.2, 25.8, 34.4, 51.6, 68.8, 77.4, 86.0, 103.2, 114.7, 129.0, 143.4]
    np.testing.assert_allclose(mbit_per_s, np.array(rates_bps(WIFI)) / 1e6, atol=0.051)
    assert -82.0 == pytest.approx(WIFI.sensitivity_dbm)
    assert isinstance(WIFI.curve, tuple)
    assert 30.0 == pytest.approx(WIFI.curve[-1].threshold_db - WIFI.curve[0].threshold_db)


def test_new_radio() -> None:
    """The greatest rate is that of TS 38.306, clause 4.1.2: one layer, 64QAM, 51 blocks of 30 kHz."""
    expected = 6 * 948 / 1024 * 51 * 12 / (1e-3 / (14 * 2)) * (1 - 0.08)
    assert expected == pytest.approx(rates_bps(NR)[-1])
    assert 87.6e6 == pytest.approx(expected, rel=1e-3)
    assert rates_bps(SIDELINK)[-1] < rates_bps(NR)[-1]


def test_a_satellite_at_30_degrees() -> None:
    """TR 38.821, case 9, downlink to a handset from 600 km: 6.6 dB after 164.4 dB of losses and margins."""
    received_dbm = LEO.transmit_power_dbm + LEO.antenna_gain_db - (159.1 + 0.1 + 3.0 + 2.2)
    noise_dbm = -174.0 + 10 * math.log10(LEO.bandwidth_hz) + LEO.noise_figure_db
    assert 6.6 == pytest.approx(received_dbm - noise_dbm, abs=0.1)
    assert isinstance(LEO.curve, tuple)
    assert LEO.curve[0].threshold_db < 6.6 < LEO.curve[-1].threshold_db


def test_presets_by_name() -> None:
    """All eight, each under its own name."""
    assert {"LEO", "LORA", "LTE_M", "NB_IOT", "NR", "PAPER", "SIDELINK", "WIFI"} == set(LINK_CLASSES)
    assert all(name == link.name for name, link in LINK_CLASSES.items())


def test_power_drawn_by_hand() -> None:
    """1 W through an amplifier of one half and 0.5 W of circuits are 2.5 W."""
    link = link_class(transmit_power_dbm=30.0, amplifier_efficiency=0.5, sender_circuit_w=0.5)
    assert 2.5 == pytest.approx(link.sender_w)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": " "}, "`name` of a link class must not be empty."),
        ({"frequency_hz": 0.0}, "`frequency_hz` must be finite and greater than 0, got 0.0."),
        ({"bandwidth_hz": math.inf}, "`bandwidth_hz` must be finite and greater than 0, got inf."),
        ({"transmit_power_dbm": math.nan}, "`transmit_power_dbm` must be finite, got nan."),
        ({"num_antennas": 0}, "`num_antennas` must be finite and at least 1, got 0."),
        ({"block_bits": 8}, "`block_bits` must be finite and at least 16, got 8."),
        ({"noise_figure_db": -1.0}, "`noise_figure_db` must be finite and at least 0, got -1.0."),
        ({"duty_cycle": 0.0}, "`duty_cycle` must be finite and greater than 0, got 0.0."),
        ({"duty_cycle": 1.1}, "`duty_cycle` must be at most 1, got 1.1."),
        ({"error_target": 1.0}, "`error_target` must be less than 1, got 1.0."),
        ({"amplifier_efficiency": 2.0}, "`amplifier_efficiency` must be at most 1, got 2.0."),
        ({"latency_s": -0.1}, "`latency_s` must be finite and at least 0, got -0.1."),
        ({"curve": ()}, "`curve` of link class 'radio' must have at least 1 step, got 0."),
        (
            {
                "curve": (
                    RateStep(threshold_db=5.0, efficiency=1.0),
                    RateStep(threshold_db=9.0, efficiency=0.5),
                )
            },
            "Steps of link class 'radio' must rise in threshold and rate, "
            "got 9 dB, 0.5 bit/s/Hz after 5 dB, 1 bit/s/Hz.",
        ),
    ],
)
def test_refused_classes(changes: dict[str, object], message: str) -> None:
    """Each sentence names what is wrong."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        link_class(**changes)


def test_no_import_loads_jax() -> None:
    """Rates, adaptation, classes, payloads, costs and delivery are what a gateway calls with NumPy alone."""
    modules = (
        "net4moe.network.costs, net4moe.network.delivery, net4moe.network.payloads, "
        "net4moe.network.radio.adaptation, net4moe.network.radio.link_arrays, "
        "net4moe.network.radio.link_classes, net4moe.network.radio.rates"
    )
    script = (
        f"import sys, {modules}\n"
        "from net4moe.network.radio import link_arrays, link_classes\n"
        "links = link_arrays.compile_links(list(link_classes.LINK_CLASSES.values()))\n"
        "snr_db = links.noise_figure_db\n"
        "link_arrays.link_block_error(links, snr_db, link_arrays.link_rate_bps(links, snr_db))\n"
        "assert 'jax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
