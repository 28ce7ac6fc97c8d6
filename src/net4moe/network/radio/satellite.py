"""Where a satellite stands in the sky, and what air and obstacles take from its signal there.

3GPP TR 38.811 v15.4, S band (2 to 4 GHz). Its tables list nine elevations, 10 to 90 degrees; the nearest one
counts, as the report says, and 10 degrees below that. Below the horizon there is no link.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import namespace, warn_outside
from net4moe.network.motion import EARTH_M

if TYPE_CHECKING:
    from jaxtyping import Float

    from net4moe.network.radio.scenarios import ScenarioName

__all__ = [
    "SKIES",
    "SkyTable",
    "by_elevation",
    "elevation_deg",
    "gas_loss_db",
    "scintillation_db",
    "slant_range_m",
    "warn_low",
    "zenith_loss_db",
]

_LEAST_ELEVATION_DEG = 10.0


class SkyTable(NamedTuple):
    """What changes with the elevation of a satellite, at 10, 20, ..., 90 degrees.

    Attributes:
      los_probability: probability of a free line of sight; Table 6.6.1-1.
      shadowing_los_db: standard deviation of shadowing in sight, dB; Tables 6.6.2-1 to 6.6.2-3.
      shadowing_nlos_db: the same out of sight, dB.
      clutter_db: loss by clutter out of sight, dB; the same tables.
      k_mean_db: mean of the Rician K factor in sight, dB; Tables 6.7.2-3a, 6.7.2-5a and 6.7.2-7a.
      k_std_db: its standard deviation, dB.
    """

    los_probability: tuple[float, ...]
    shadowing_los_db: tuple[float, ...]
    shadowing_nlos_db: tuple[float, ...]
    clutter_db: tuple[float, ...]
    k_mean_db: tuple[float, ...]
    k_std_db: tuple[float, ...]


_OPEN = SkyTable(
    los_probability=(0.782, 0.869, 0.919, 0.929, 0.935, 0.940, 0.949, 0.952, 0.998),
    shadowing_los_db=(1.79, 1.14, 1.14, 0.92, 1.42, 1.56, 0.85, 0.72, 0.72),
    shadowing_nlos_db=(8.93, 9.08, 8.78, 10.25, 10.56, 10.74, 10.17, 11.52, 11.52),
    clutter_db=(19.52, 18.17, 18.42, 18.28, 18.63, 17.68, 16.5, 16.3, 16.3),
    k_mean_db=(11.40, 19.45, 20.8, 21.2, 21.6, 19.75, 12.0, 12.85, 12.85),
    k_std_db=(6.26, 10.32, 16.34, 15.63, 14.22, 14.19, 5.7, 9.91, 9.91),
)

SKIES: Mapping[ScenarioName, SkyTable] = MappingProxyType(
    {
        "ntn_rural": _OPEN._replace(
            k_mean_db=(24.72, 12.31, 8.05, 6.21, 5.04, 4.42, 3.92, 3.65, 3.59),
            k_std_db=(5.07, 5.75, 5.46, 5.23, 3.95, 3.75, 2.56, 1.77, 1.77),
        ),
        "ntn_suburban": _OPEN,
        "ntn_urban": SkyTable(
            los_probability=(0.246, 0.386, 0.493, 0.613, 0.726, 0.805, 0.919, 0.968, 0.992),
            shadowing_los_db=(4.0,) * 9,
            shadowing_nlos_db=(6.0,) * 9,
            clutter_db=(34.3, 30.9, 29.0, 27.7, 26.8, 26.2, 25.8, 25.5, 25.5),
            k_mean_db=(31.83, 18.78, 10.49, 7.46, 6.52, 5.47, 4.54, 4.03, 3.68),
            k_std_db=(13.84, 13.78, 10.42, 8.01, 8.27, 7.26, 5.53, 4.49, 3.14),
        ),
    }
)


def elevation_deg(distance_2d_m: Float[Any, "*shape"], rise_m: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute how high above the horizon a point stands.

        atan(rise / distance along the ground)

    Args:
      distance_2d_m: distance along the tangent plane of the ground, m, at least 0.
      rise_m: height above that plane, m; below it if negative.

    Returns:
      Elevation, degrees, -90 to 90.
    """
    xp = namespace(distance_2d_m, rise_m)
    return xp.arctan2(rise_m, distance_2d_m) * (180.0 / math.pi)


def slant_range_m(elevation_deg: Float[Any, "*shape"], altitude_m: float) -> Float[Any, "*shape"]:
    """Compute the distance to a satellite over the round Earth.

        sqrt(R^2 sin(e)^2 + h^2 + 2 h R) - R sin(e),   R = 6371 km

    See TR 38.811, equation 6.6-3.

    Args:
      elevation_deg: elevation of the satellite, degrees, at least 0.
      altitude_m: its altitude h, m.

    Returns:
      Distance in space, m.
    """
    xp = namespace(elevation_deg)
    climb_m = EARTH_M * xp.sin(elevation_deg * (math.pi / 180.0))
    return xp.sqrt(climb_m * climb_m + altitude_m * (altitude_m + 2.0 * EARTH_M)) - climb_m


def by_elevation(table: Float[Any, " E *N"], elevation_deg: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Look up the entry of the nearest of the nine elevations.

    Args:
      table: values at 10, 20, ..., 90 degrees, along the leading axis.
      elevation_deg: elevation, degrees; an elevation half-way counts as the higher one.
    """
    xp = namespace(elevation_deg, table)
    value = table[0]
    for index in range(1, 9):
        value = xp.where(elevation_deg >= 10.0 * index + 5.0, table[index], value)
    return value


def warn_low(elevation_deg: Float[Any, "*shape"]) -> None:
    """Warn of elevations below those of the tables.

    Args:
      elevation_deg: elevation, degrees.
    """
    warn_outside("elevation_deg", elevation_deg, least=_LEAST_ELEVATION_DEG, greatest=90.0, model="TR 38.811")


def zenith_loss_db(frequency_hz: float) -> float:
    """Read the loss by air and water vapour straight upwards, between 1 and 5 GHz.

    ITU-R P.676, attenuation at the zenith, read at whole GHz as ns-3 does.

    Args:
      frequency_hz: frequency, Hz.
    """
    return float(np.interp(frequency_hz / 1e9, (1, 2, 3, 4, 5), (0.030, 0.035, 0.038, 0.039, 0.041)))


def gas_loss_db(zenith_db: Float[Any, " *N"], elevation_deg: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute the loss by air and water vapour along the slanted path.

        zenith / sin(e) below 10 degrees, else 0

    See TR 38.811 clause 6.6.4: below 10 GHz only low satellites notice.

    Args:
      zenith_db: loss straight upwards, dB.
      elevation_deg: elevation, degrees.
    """
    xp = namespace(elevation_deg, zenith_db)
    risen_deg = xp.maximum(elevation_deg, 1e-3)
    slanted_db = zenith_db / xp.sin(risen_deg * (math.pi / 180.0))
    return xp.where(elevation_deg < _LEAST_ELEVATION_DEG, slanted_db, 0.0)


def scintillation_db(frequency_hz: float) -> float:
    """Compute what ionospheric scintillation takes near the equator.

        1.1 / sqrt(2) (f / 4 GHz)^-1.5

    See TR 38.811 clause 6.6.6.1: half of the peak-to-peak fluctuation exceeded for 1 % of the time at 4 GHz,
    scaled to the frequency. It is nil at middle latitudes.

    Args:
      frequency_hz: frequency, Hz, greater than 0.
    """
    return 1.1 / math.sqrt(2.0) * (frequency_hz / 4e9) ** -1.5
