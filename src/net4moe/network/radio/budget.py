"""Noise, received power and interference."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from net4moe.network.arrays import check, namespace

if TYPE_CHECKING:
    from jaxtyping import Bool, Float

__all__ = ["noise_power_dbm", "received_power_dbm", "sinr", "snr_db", "thermal_density_dbm_hz"]

_BOLTZMANN_J_K = 1.380649e-23


def thermal_density_dbm_hz(temperature_k: float = 290.0) -> float:
    """Compute the density of thermal noise.

        N0 = 10 log10(1000 k T)

    Args:
      temperature_k: temperature of the receiver, K, greater than 0.

    Returns:
      Density, dBm/Hz: -173.9752 at 290 K.
    """
    check("temperature_k", temperature_k, above=0.0)
    return 10.0 * math.log10(1000.0 * _BOLTZMANN_J_K * temperature_k)


def noise_power_dbm(
    bandwidth_hz: Float[Any, "*shape"],
    noise_figure_db: float | Float[Any, "*shape"] = 0.0,
    density_dbm_hz: float = -174.0,
) -> Float[Any, "*shape"]:
    """Compute the noise power in a band.

        N = N0 + 10 log10(B) + F

    Args:
      bandwidth_hz: bandwidth, Hz, greater than 0.
      noise_figure_db: noise figure of the receiver, dB, at least 0.
      density_dbm_hz: density of thermal noise, dBm/Hz. The default is the rounded value of the 3GPP and
        ITU-R evaluations (TR 36.942, M.2412); `thermal_density_dbm_hz` has the exact one, 0.025 dB above.

    Returns:
      Noise power, dBm.
    """
    check("bandwidth_hz", bandwidth_hz, above=0.0)
    check("noise_figure_db", noise_figure_db, least=0.0)
    return density_dbm_hz + 10.0 * namespace(bandwidth_hz).log10(bandwidth_hz) + noise_figure_db


def received_power_dbm(
    transmit_power_dbm: Float[Any, "*shape"],
    antenna_gain_db: Float[Any, "*shape"],
    loss_db: Float[Any, "*shape"],
    shadowing_db: float | Float[Any, "*shape"] = 0.0,
) -> Float[Any, "*shape"]:
    """Compute the mean power that arrives.

        P_r = P_t + G - L + S

    Args:
      transmit_power_dbm: power of the sender, dBm.
      antenna_gain_db: gains of both antennas together, less losses of cables and bodies, dB.
      loss_db: path loss, with that of walls, dB.
      shadowing_db: shadowing, dB; positive values strengthen the link.

    Returns:
      Received power, dBm.
    """
    return transmit_power_dbm + antenna_gain_db - loss_db + shadowing_db


def snr_db(received_dbm: Float[Any, "*shape"], noise_dbm: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute the signal-to-noise ratio of a link, dB.

        SNR = P_r - N

    Args:
      received_dbm: received power, dBm.
      noise_dbm: noise power, dBm.
    """
    return received_dbm - noise_dbm


def sinr(
    received_w: Float[Any, " N"],
    noise_w: Float[Any, " N"],
    same_band: Bool[Any, "N N"],
    active: Bool[Any, " N"],
) -> Float[Any, " N"]:
    """Compute signal over noise and interference where devices share bands.

        SINR_n = P_n / (W_n + sum over m != n of P_m, where m is active and in the band of n)

    All powers are those at the one receiver. A device that is not active gets what it would have if it sent.

    Args:
      received_w: power that arrives from each device, W, at least 0.
      noise_w: noise power in the band of each device, W, greater than 0.
      same_band: True where two devices share a band, symmetric; the diagonal is not read.
      active: True for the devices that send.

    Returns:
      Ratio for each device, linear.
    """
    check("received_w", received_w, least=0.0)
    check("noise_w", noise_w, above=0.0)
    xp = namespace(received_w, noise_w, same_band, active)
    disturbs = same_band & ~np.eye(received_w.shape[0], dtype=bool)
    sent_w = xp.where(active, received_w, 0.0)
    return received_w / (noise_w + xp.matmul(xp.astype(disturbs, sent_w.dtype), sent_w))
