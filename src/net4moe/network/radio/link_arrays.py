"""Links of any classes side by side as arrays: which rate each one chooses and how often it loses a block."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import check, namespace
from net4moe.network.radio.adaptation import block_error, required_snr_db, stair_efficiency
from net4moe.network.radio.rates import TruncatedShannon, rate_bps, truncated_shannon_efficiency

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

    from net4moe.network.radio.link_classes import LinkClass

__all__ = ["LinkArrays", "compile_links", "link_block_error", "link_rate_bps"]

_ROUNDING = 1e-5  # what 32-bit floats may make of a rate on its way


class LinkArrays(NamedTuple):
    """Link classes as arrays, one entry per link; steps lead, and are padded with infinite thresholds.

    Attributes:
      frequency_hz: carrier frequency, Hz.
      bandwidth_hz: bandwidth, Hz.
      transmit_power_dbm: power at the sender's antenna, dBm.
      antenna_gain_db: gains of both antennas less cables, dB.
      num_antennas: receiving branches.
      noise_figure_db: noise figure of the receiver, dB.
      penetration_loss_db: loss through walls, dB.
      attenuation: of the ideal curve; 0 for links of steps.
      least_snr: of the ideal curve, linear.
      greatest_efficiency: cap of the ideal curve, bit/s/Hz.
      threshold_db: thresholds of the steps, dB.
      efficiency: rates of the steps, bit/s/Hz.
      gap_db: what the steps need above the normal approximation, dB.
      block_bits: information bits in one block.
      back_off_db: margin to the known signal, dB.
      max_transmissions: greatest number of transmissions of a block.
      latency_s: time before the first bit, seconds.
      duty_cycle: share of the time on the air.
      sender_w: power that the sender draws on the air, W.
      receiver_w: power that the receiver draws meanwhile, W.
    """

    frequency_hz: Float[Any, " N"]
    bandwidth_hz: Float[Any, " N"]
    transmit_power_dbm: Float[Any, " N"]
    antenna_gain_db: Float[Any, " N"]
    num_antennas: Float[Any, " N"]
    noise_figure_db: Float[Any, " N"]
    penetration_loss_db: Float[Any, " N"]
    attenuation: Float[Any, " N"]
    least_snr: Float[Any, " N"]
    greatest_efficiency: Float[Any, " N"]
    threshold_db: Float[Any, "K N"]
    efficiency: Float[Any, "K N"]
    gap_db: Float[Any, "K N"]
    block_bits: Float[Any, " N"]
    back_off_db: Float[Any, " N"]
    max_transmissions: Float[Any, " N"]
    latency_s: Float[Any, " N"]
    duty_cycle: Float[Any, " N"]
    sender_w: Float[Any, " N"]
    receiver_w: Float[Any, " N"]


def compile_links(
    classes: Sequence[LinkClass], bandwidth_hz: Sequence[float | None] | None = None
) -> LinkArrays:
    """Lay link classes out as NumPy arrays of 64-bit floats.

    Args:
      classes: the class of each link.
      bandwidth_hz: bandwidth of each link where it is not that of its class, Hz, greater than 0.

    Raises:
      ValueError: there is no link, or a bandwidth is not as above.
    """
    if not classes:
        message = "`classes` must hold at least 1 link class, got 0."
        raise ValueError(message)
    widths = [link.bandwidth_hz for link in classes]
    if bandwidth_hz is not None:
        pairs = zip(widths, bandwidth_hz, strict=True)
        widths = [width if override is None else override for width, override in pairs]
        check("bandwidth_hz", np.array(widths), above=0.0)
    curves = [link.curve if isinstance(link.curve, TruncatedShannon) else None for link in classes]
    threshold_db, efficiency, gap_db = _step_arrays(classes)

    def column(name: str) -> Float[Any, " N"]:
        return np.array([getattr(link, name) for link in classes], np.float64)

    return LinkArrays(
        frequency_hz=column("frequency_hz"),
        bandwidth_hz=np.array(widths, np.float64),
        transmit_power_dbm=column("transmit_power_dbm"),
        antenna_gain_db=column("antenna_gain_db"),
        num_antennas=column("num_antennas"),
        noise_figure_db=column("noise_figure_db"),
        penetration_loss_db=column("penetration_loss_db"),
        attenuation=np.array([curve.attenuation if curve else 0.0 for curve in curves]),
        least_snr=np.array([10.0 ** (curve.least_snr_db / 10.0) if curve else 0.0 for curve in curves]),
        greatest_efficiency=np.array([curve.greatest_efficiency if curve else 0.0 for curve in curves]),
        threshold_db=threshold_db,
        efficiency=efficiency,
        gap_db=gap_db,
        block_bits=column("block_bits"),
        back_off_db=column("back_off_db"),
        max_transmissions=column("max_transmissions"),
        latency_s=column("latency_s"),
        duty_cycle=column("duty_cycle"),
        sender_w=column("sender_w"),
        receiver_w=column("receiver_circuit_w"),
    )


def _step_arrays(
    classes: Sequence[LinkClass],
) -> tuple[Float[Any, "K N"], Float[Any, "K N"], Float[Any, "K N"]]:
    """Lay the steps of all classes out, and find the gap that puts each step's error target at its threshold."""
    steps = [() if isinstance(link.curve, TruncatedShannon) else link.curve for link in classes]
    shape = (max(map(len, steps)), len(classes))
    threshold_db, efficiency, gap_db = np.full(shape, math.inf), np.zeros(shape), np.zeros(shape)
    for n, link in enumerate(classes):
        count = len(steps[n])
        threshold_db[:count, n] = [step.threshold_db for step in steps[n]]
        efficiency[:count, n] = [step.efficiency for step in steps[n]]
        needed_db = required_snr_db(efficiency[:count, n], link.block_bits, link.error_target)
        gap_db[:count, n] = threshold_db[:count, n] - needed_db
        if count:  # a padded step is the last one, out of reach
            efficiency[count:, n], gap_db[count:, n] = efficiency[count - 1, n], gap_db[count - 1, n]
    return threshold_db, efficiency, gap_db


def link_rate_bps(links: LinkArrays, known_snr_db: Float[Any, "*T N"]) -> Float[Any, "*T N"]:
    """Choose the rate of each link by the signal that its sender knows of.

    Args:
      links: the links.
      known_snr_db: signal-to-noise ratio as the sender knows it, perhaps outdated, dB.

    Returns:
      Rate of each link, bit/s; 0 where nothing gets through.
    """
    safe_db = known_snr_db - links.back_off_db
    efficiency = _ideal_efficiency(links, safe_db) + stair_efficiency(
        links.threshold_db, links.efficiency, safe_db
    )
    return rate_bps(efficiency, links.bandwidth_hz)


def link_block_error(
    links: LinkArrays, snr_db: Float[Any, "*T N"], rate_bps: Float[Any, "*T N"]
) -> Float[Any, "*T N"]:
    """Compute how often a block is lost at the rate that was chosen and the signal that is there.

    Links of steps follow the normal approximation, so that a step's error at its threshold is the target.
    Ideal curves lose nothing up to the rate that the signal carries and everything above it.

    Args:
      links: the links.
      snr_db: signal-to-noise ratio that is there, dB.
      rate_bps: rate that the sender chose, bit/s.

    Returns:
      Probability that one transmission of a block fails; 1 where the rate is 0.
    """
    xp = namespace(snr_db, rate_bps)
    chosen = rate_bps / links.bandwidth_hz
    gap_db = xp.zeros_like(chosen)
    for k in range(links.efficiency.shape[0]):
        gap_db = xp.where(chosen >= links.efficiency[k] * (1.0 - _ROUNDING), links.gap_db[k], gap_db)
    sent = chosen > 0
    coded = block_error(snr_db, xp.where(sent, chosen, 1.0), links.block_bits, gap_db)
    beyond = chosen > _ideal_efficiency(links, snr_db) * (1.0 + _ROUNDING)
    lost = xp.where(links.attenuation > 0, xp.where(beyond, 1.0, 0.0), coded)
    return xp.where(sent, lost, 1.0)


def _ideal_efficiency(links: LinkArrays, snr_db: Float[Any, "*T N"]) -> Float[Any, "*T N"]:
    """Read the ideal curves; 0 for links of steps."""
    snr = 10.0 ** (snr_db * 0.1)
    return truncated_shannon_efficiency(snr, links.attenuation, links.least_snr, links.greatest_efficiency)
