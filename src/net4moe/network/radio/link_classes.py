"""What carries the bits: radio link classes, and those that are ready to use.

A class says what is the same wherever its links run: band, power, noise, the rates it knows and the signal
they need, how it repeats, waits and draws power. Where a link runs is a `Scenario`. The expert's device sends
the passage to the user's device. Numbers marked "ours" are typical values without a standard behind them;
that goes for latencies, powers drawn and shares of time unless a source is named.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from net4moe.network.arrays import check
from net4moe.network.radio.adaptation import (
    NR_MCS_TABLE_1,
    NR_MCS_TABLE_3,
    CodingScheme,
    RateStep,
    nr_steps,
    repeated,
)
from net4moe.network.radio.rates import SHANNON, TruncatedShannon

__all__ = [
    "LEO",
    "LINK_CLASSES",
    "LORA",
    "LTE_M",
    "NB_IOT",
    "NR",
    "PAPER",
    "SIDELINK",
    "WIFI",
    "LinkClass",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkClass:
    """A kind of radio link.

    Attributes:
      name: name of the class.
      frequency_hz: carrier frequency, Hz, greater than 0.
      bandwidth_hz: bandwidth that rates and noise refer to, Hz, greater than 0.
      transmit_power_dbm: power at the sender's antenna, dBm.
      antenna_gain_db: gains of both antennas less cables, dB.
      num_antennas: receiving branches that are combined, at least 1.
      noise_figure_db: noise figure of the receiver, dB, at least 0.
      penetration_loss_db: loss through the walls around the devices, dB, at least 0.
      curve: steps by rising threshold and rate, or an ideal curve that is never in error.
      block_bits: information bits in one block, at least 16; fewer are beyond the normal approximation.
      error_target: block error rate at a step's threshold, greater than 0 and less than 1.
      back_off_db: margin that the sender keeps to the signal it knows of, dB, at least 0.
      max_transmissions: greatest number of transmissions of a block, at least 1.
      latency_s: time before the first bit, seconds, at least 0.
      duty_cycle: share of the time in which the sender may be on the air, greater than 0 and at most 1.
      amplifier_efficiency: power on the air over power drawn for it, greater than 0 and at most 1.
      sender_circuit_w: what else the sender draws on the air, W, at least 0.
      receiver_circuit_w: what the receiver draws meanwhile, W, at least 0.
    """

    name: str
    frequency_hz: float
    bandwidth_hz: float
    transmit_power_dbm: float
    antenna_gain_db: float = 0.0
    num_antennas: int = 1
    noise_figure_db: float = 7.0
    penetration_loss_db: float = 0.0
    curve: TruncatedShannon | tuple[RateStep, ...] = SHANNON
    block_bits: float = 2000.0
    error_target: float = 0.1
    back_off_db: float = 0.0
    max_transmissions: int = 1
    latency_s: float = 0.0
    duty_cycle: float = 1.0
    amplifier_efficiency: float = 0.3
    sender_circuit_w: float = 0.1
    receiver_circuit_w: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what no link can be."""
        if not self.name.strip():
            message = "`name` of a link class must not be empty."
            raise ValueError(message)
        for label in ("transmit_power_dbm", "antenna_gain_db"):
            check(label, getattr(self, label))
        for label in ("frequency_hz", "bandwidth_hz"):
            check(label, getattr(self, label), above=0.0)
        for label in ("num_antennas", "max_transmissions"):
            check(label, getattr(self, label), least=1.0)
        check("block_bits", self.block_bits, least=16.0)
        at_least_0 = (
            "noise_figure_db",
            "penetration_loss_db",
            "back_off_db",
            "latency_s",
            "sender_circuit_w",
            "receiver_circuit_w",
        )
        for label in at_least_0:
            check(label, getattr(self, label), least=0.0)
        for label in ("error_target", "duty_cycle", "amplifier_efficiency"):
            check(label, getattr(self, label), above=0.0)
            if getattr(self, label) > 1.0 or (label == "error_target" and self.error_target == 1.0):
                most = "less than" if label == "error_target" else "at most"
                message = f"`{label}` must be {most} 1, got {getattr(self, label)}."
                raise ValueError(message)
        self._check_steps()

    def _check_steps(self) -> None:
        """Refuse steps that are none or do not rise."""
        steps = self.curve
        if isinstance(steps, TruncatedShannon):
            return
        if not steps:
            message = f"`curve` of link class '{self.name}' must have at least 1 step, got 0."
            raise ValueError(message)
        for lower, upper in pairwise(steps):
            if not (lower.threshold_db < upper.threshold_db and lower.efficiency < upper.efficiency):
                message = (
                    f"Steps of link class '{self.name}' must rise in threshold and rate, "
                    f"got {upper.threshold_db:g} dB, {upper.efficiency:g} bit/s/Hz "
                    f"after {lower.threshold_db:g} dB, {lower.efficiency:g} bit/s/Hz."
                )
                raise ValueError(message)

    @property
    def sender_w(self) -> float:
        """Power that the sender draws on the air, W."""
        power_w = 10.0 ** (self.transmit_power_dbm / 10.0 - 3.0)
        return power_w / self.amplifier_efficiency + self.sender_circuit_w

    @property
    def sensitivity_dbm(self) -> float:
        """Least signal at one receiving antenna that carries anything, dBm: noise plus the lowest threshold.

        -174 + 10 log10(bandwidth) + noise figure + threshold
        """
        noise_dbm = -174.0 + 10.0 * math.log10(self.bandwidth_hz) + self.noise_figure_db
        steps = self.curve
        least_db = steps.least_snr_db if isinstance(steps, TruncatedShannon) else steps[0].threshold_db
        return noise_dbm + least_db

    @property
    def coupling_loss_db(self) -> float:
        """Greatest loss between the antenna ports, dB, as 3GPP TR 45.820 and TR 36.888 count coverage."""
        return self.transmit_power_dbm - self.sensitivity_dbm


PAPER = LinkClass(name="PAPER", frequency_hz=2e9, bandwidth_hz=10e3, transmit_power_dbm=23.0)
"""The case study's link: Shannon's capacity of 10 kHz (arXiv:2402.06942, step 6); the rest is ours."""


def _qpsk(code_rate: float, block_bits: float, share: float) -> RateStep:
    """Make a step of QPSK at any code rate."""
    scheme = CodingScheme(modulation_order=2, code_rate_1024=1024.0 * code_rate)
    (step,) = nr_steps((scheme,), block_bits=block_bits, error_target=0.1, share=share)
    return step


_NB_IOT_SHARE = 12 * 12 * 1e3 / 180e3

NB_IOT = LinkClass(
    name="NB_IOT",
    frequency_hz=900e6,
    bandwidth_hz=180e3,
    transmit_power_dbm=23.0,
    antenna_gain_db=11.0,
    noise_figure_db=3.0,
    penetration_loss_db=20.0,
    curve=(
        *repeated(_qpsk(0.3, 1000.0, _NB_IOT_SHARE), (1, 2, 4, 8, 16, 32, 64, 128)),
        _qpsk(0.5, 1000.0, _NB_IOT_SHARE),
        _qpsk(250e3 / (2 * _NB_IOT_SHARE * 180e3), 1000.0, _NB_IOT_SHARE),
    ),
    block_bits=1000.0,
    max_transmissions=4,
    latency_s=2.0,
    duty_cycle=0.25,
    amplifier_efficiency=0.44,
    sender_circuit_w=0.09,
    receiver_circuit_w=0.09,
)
"""Narrowband IoT, release 13, uplink of 12 tones.

Twelve of fourteen symbols carry data on 12 tones of 15 kHz; blocks of 1000 bits in 4 ms make 250 kbit/s
(3GPP TS 36.213, Table 16.5.1.2-2); half duplex sends 4 ms of every 16 and leaves 62.5 kbit/s. Repetitions of
1 to 128 (TS 36.213, Table 16.5.1.1-3) reach 164 dB of coupling loss. Power, gains (18 - 4 - 3 dB) and noise
figure are of TR 45.820; its 0.5 W on the air at 23 dBm is met by an amplifier of 44 %. Code rates below the
greatest, penetration and latency are ours.
"""

_LTE_M_SHARE = 72 * 12 * 1e3 / 1.08e6

LTE_M = LinkClass(
    name="LTE_M",
    frequency_hz=900e6,
    bandwidth_hz=1.08e6,
    transmit_power_dbm=23.0,
    antenna_gain_db=11.0,
    noise_figure_db=5.0,
    penetration_loss_db=15.0,
    curve=(
        *repeated(_qpsk(0.3, 1000.0, _LTE_M_SHARE), (1, 2, 4, 8, 16, 32, 64, 128, 192)),
        _qpsk(1e6 / (2 * _LTE_M_SHARE * 1.08e6), 1000.0, _LTE_M_SHARE),
    ),
    block_bits=1000.0,
    max_transmissions=4,
    latency_s=0.1,
    duty_cycle=0.375,
    amplifier_efficiency=0.44,
    sender_circuit_w=0.1,
    receiver_circuit_w=0.1,
)
"""LTE-M, category M1, uplink of six resource blocks.

Blocks of 1000 bits in 1 ms make 1 Mbit/s; half duplex sends 3 ms of every 8 and leaves 375 kbit/s.
Repetitions up to 192 (TS 36.213, clause 8.0, coverage enhancement mode B) reach the 155.7 dB of coupling loss
that TR 36.888 asks for; power and noise figure are of its Table 5.2.1.2-2. The rest is ours.
"""


def _lora_step(spreading_factor: int, threshold_db: float) -> RateStep:
    """Make a LoRa step: SF bits on a chirp of 2^SF samples, at code rate 4/5."""
    efficiency = spreading_factor / 2.0**spreading_factor * 4.0 / 5.0
    return RateStep(threshold_db=threshold_db, efficiency=efficiency)


LORA = LinkClass(
    name="LORA",
    frequency_hz=868.1e6,
    bandwidth_hz=125e3,
    transmit_power_dbm=14.0,
    antenna_gain_db=2.0,
    noise_figure_db=6.0,
    penetration_loss_db=10.0,
    curve=tuple(_lora_step(factor, 10.0 - 2.5 * factor) for factor in range(12, 6, -1)),
    block_bits=408.0,
    max_transmissions=8,
    latency_s=1.0,
    duty_cycle=0.01,
    sender_circuit_w=0.03,
    receiver_circuit_w=0.036,
)
"""LoRa in the European 868 MHz band, 125 kHz, code rate 4/5.

Spreading factors 12 to 7 need -20 to -7.5 dB and carry SF bits a chirp: 293 to 5469 bit/s (Semtech SX1276
data sheet); payloads of 51 bytes as at the slowest rate of LoRaWAN; 14 dBm and one hundredth of the time (ETSI
EN 300 220, band M). The preamble and the header of a packet are not counted. The rest is ours.
"""

_NR_SHARE = 51 * 12 * 28e3 / 20e6 * (1.0 - 0.08)

NR = LinkClass(
    name="NR",
    frequency_hz=3.5e9,
    bandwidth_hz=20e6,
    transmit_power_dbm=23.0,
    antenna_gain_db=8.0,
    num_antennas=2,
    noise_figure_db=5.0,
    curve=nr_steps(NR_MCS_TABLE_1, block_bits=2000.0, error_target=0.1, share=_NR_SHARE),
    max_transmissions=4,
    latency_s=0.005,
    duty_cycle=0.5,
    sender_circuit_w=0.3,
    receiver_circuit_w=0.3,
)
"""5G New Radio, handset to base station, one layer.

51 resource blocks of 12 tones of 30 kHz (3GPP TS 38.101-1, Table 5.3.2-1), 28 000 symbols a second, 8 % of
overhead (TS 38.306, clause 4.1.2): 87.6 Mbit/s at most. Steps of TS 38.214, Table 5.1.3.1-1, at 10 % block
errors. An antenna element of 8 dBi (TR 38.901, Table 7.3-1). Half of the slots, latency and powers drawn are
ours.
"""

_WIFI_RATE_BPS = 234 / 13.6e-6  # 234 data tones, symbols of 12.8 us and a guard interval of 0.8 us
_WIFI_BITS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 4.5, 5.0, 6.0, 6.0 * 10 / 9, 7.5, 25 / 3)
_WIFI_SENSITIVITY_DBM = (-82, -79, -77, -74, -70, -66, -65, -64, -59, -57, -54, -52)
_WIFI_NOISE_DBM = -174.0 + 10.0 * math.log10(20e6) + 10.0

WIFI = LinkClass(
    name="WIFI",
    frequency_hz=5.2e9,
    bandwidth_hz=20e6,
    transmit_power_dbm=20.0,
    noise_figure_db=10.0,
    curve=tuple(
        RateStep(threshold_db=sensitivity_dbm - _WIFI_NOISE_DBM, efficiency=bits * _WIFI_RATE_BPS / 20e6)
        for bits, sensitivity_dbm in zip(_WIFI_BITS, _WIFI_SENSITIVITY_DBM, strict=True)
    ),
    block_bits=8.0 * 4096,
    max_transmissions=7,
    latency_s=0.002,
    duty_cycle=0.7,
    sender_circuit_w=0.6,
    receiver_circuit_w=0.5,
)
"""Wi-Fi 6 (IEEE 802.11ax), 20 MHz, one stream, MCS 0 to 11: 8.6 to 143.4 Mbit/s.

Thresholds are the minimum sensitivities of the standard's receiver test, -82 to -52 dBm at 10 % errors of
4096-byte packets, over the noise figure of 10 dB that it assumes; real receivers do better. Seven
transmissions are the default retry limit. That the other senders leave 70 % of the time is ours, as is the
rest.
"""

_SIDELINK_SHARE = 51 * 12 * 2e3 * 9 / 20e6

SIDELINK = LinkClass(
    name="SIDELINK",
    frequency_hz=5.9e9,
    bandwidth_hz=20e6,
    transmit_power_dbm=23.0,
    antenna_gain_db=6.0,
    num_antennas=2,
    noise_figure_db=9.0,
    curve=nr_steps(NR_MCS_TABLE_1, block_bits=2000.0, error_target=0.1, share=_SIDELINK_SHARE),
    back_off_db=3.0,
    max_transmissions=3,
    latency_s=0.02,
    duty_cycle=0.25,
    sender_circuit_w=0.5,
    receiver_circuit_w=0.5,
)
"""NR sidelink between vehicles, 5.9 GHz.

23 dBm, 3 dBi at each end and a noise figure of 9 dB (3GPP TR 37.885, clause 6.1.1); 9 of 14 symbols of a slot
are left for data by gain control, reference symbols, control and guard (ours). A quarter of the slots, 3 dB of
back-off for fast vehicles and the rest are ours.
"""

_LEO_SHARE = 25 * 12 * 14e3 / 5e6 * (1.0 - 0.14)

LEO = LinkClass(
    name="LEO",
    frequency_hz=2e9,
    bandwidth_hz=5e6,
    transmit_power_dbm=34.0 + 30.0 + 10.0 * math.log10(5.0) - 30.0,
    antenna_gain_db=30.0,
    noise_figure_db=7.0,
    curve=nr_steps(NR_MCS_TABLE_3, block_bits=2000.0, error_target=0.1, share=_LEO_SHARE),
    max_transmissions=2,
    latency_s=0.02,
    amplifier_efficiency=0.3,
    sender_circuit_w=5.0,
    receiver_circuit_w=0.3,
)
"""A satellite in low orbit to a handset, S band.

34 dBW/MHz over 5 MHz from an antenna of 30 dBi to one of 0 dBi with a noise figure of 7 dB (3GPP TR 38.821,
Table 6.1.1.1-1, set 1, 600 km, and Table 6.1.1.1-3); 25 resource blocks of 15 kHz (TS 38.101-5) less 14 % of
overhead (TS 38.306); steps of TS 38.214, Table 5.1.3.1-3. The way through space adds its own latency; the
rest is ours.
"""

LINK_CLASSES: Mapping[str, LinkClass] = MappingProxyType(
    {link.name: link for link in (LEO, LORA, LTE_M, NB_IOT, NR, PAPER, SIDELINK, WIFI)}
)
"""The presets by name."""
