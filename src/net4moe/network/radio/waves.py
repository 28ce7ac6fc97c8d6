"""Random fields that are drawn once and then read at any place and time.

A field is a sum of plane waves with random directions, amplitudes and phases. Reading it draws nothing: the
same place and time give the same value, neighbours agree as far as the field is correlated, and a walk that
returns finds what it left. Arrays lead with the axis M of the waves, which every reader unrolls.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import namespace
from net4moe.network.chance import uniform
from net4moe.network.normal import cos_turns

if TYPE_CHECKING:
    from jaxtyping import Float

    from net4moe.network.chance import Chance

__all__ = ["Waves", "read", "read_complex", "scattering_waves", "shadowing_waves"]

_LEAST_SHARE = 1e-5
_SCATTER_STRIDE = 3


class Waves(NamedTuple):
    """The waves whose sum is a field; the caller scales places and times to the field's own units.

    Attributes:
      amplitude: amplitude of each wave.
      turns_per_m_x: turns of each wave per unit of length along x.
      turns_per_m_y: turns of each wave per unit of length along y.
      turns_per_s: turns of each wave per unit of time; None where the field stands still.
      phase_turns: phase of each wave at the origin, turns.
    """

    amplitude: Float[Any, " M *shape"]
    turns_per_m_x: Float[Any, " M *shape"]
    turns_per_m_y: Float[Any, " M *shape"]
    turns_per_s: Float[Any, " M *shape"] | None
    phase_turns: Float[Any, " M *shape"]


def shadowing_waves(key: Chance, shape: tuple[int, ...], num_waves: int = 8) -> Waves:
    """Draw a standard normal field whose correlation falls by e over one unit of length.

        S(r) = sum_m a_m cos(k_m . r + phi_m),   E[S(r) S(r + d)] = exp(-|d|)

    Divide places by the decorrelation distance before reading. The correlation is Gudmundson's (Electronics
    Letters 27 (1991) 2145-2146; TR 38.901 section 7.4.4). Its spectrum in the plane makes
    P(|k| < kappa) = 1 - 1 / sqrt(1 + kappa^2); wave m takes its |k| from the m-th of M equally likely parts
    and any direction. Amplitudes are Rayleigh, a_m^2 = -2 ln(u) / M, and phases uniform, so that the sum is
    normal for every M, and the correlation over many draws exact. The one wave in 1e5 with |k| above 1e5
    is held there: 32-bit floats could not tell its phase.

    Args:
      key: a JAX key or a NumPy generator.
      shape: shape of what is drawn, one independent field for each; () for one that all readers share.
      num_waves: waves in each field, at least 1.

    Returns:
      Waves that stand still, amplitudes and phases [M, *shape].

    Raises:
      ValueError: `num_waves` is too small.
    """
    _check_num_waves(num_waves, 1)
    size, spread, direction, phase = uniform(key, (4, num_waves, *shape))
    xp = namespace(size)
    passed = (_wave_index(num_waves, shape) + spread) / num_waves
    share = xp.maximum(1.0 - passed, _LEAST_SHARE)
    turns_per_m = xp.sqrt(passed * (1.0 + share)) / (share * (2.0 * math.pi))
    return Waves(
        amplitude=xp.sqrt(xp.log(size) * (-2.0 / num_waves)),
        turns_per_m_x=turns_per_m * cos_turns(direction),
        turns_per_m_y=turns_per_m * cos_turns(direction - 0.25),
        turns_per_s=None,
        phase_turns=phase,
    )


def scattering_waves(key: Chance, shape: tuple[int, ...], num_waves: int = 8) -> Waves:
    """Draw Clarke's field: many paths of equal mean power from all around, of mean power 1 together.

        h(r, t) = sum_m a_m exp(j (2 pi r . (cos theta_m, sin theta_m) + 2 pi t cos psi_m + phi_m))
        E[h(r, t) h*(r + d, t + tau)] = J0(2 pi |d|) J0(2 pi tau)

    Divide places by the wavelength before reading: Doppler then follows from motion. Multiply times by the
    greatest Doppler frequency of moving scatterers, Hz, or drop their motion by
    `waves._replace(turns_per_s=None)`. See Clarke, Bell System Technical Journal 47 (1968) 957-1000.

    The directions theta_m are spread evenly from a random first one, so that the mean of their squared
    cosines is 1/2 in every single draw and with it the rate of level crossings; amplitudes are Rayleigh, so
    that h is complex normal for every M. The power of one draw, averaged over all places, therefore varies
    by a standard deviation of 1 / sqrt(M) around 1; averages over draws are exact. The angles psi_m are
    spread likewise, three steps for each of theta's, which leaves both motions uncorrelated within a draw
    of 5 waves, or 7 and more.

    Args:
      key: a JAX key or a NumPy generator.
      shape: shape of what is drawn, one independent field for each.
      num_waves: waves in each field, at least 3.

    Returns:
      Waves [M, *shape], to be read by `read_complex`.

    Raises:
      ValueError: `num_waves` is too small.
    """
    _check_num_waves(num_waves, 3)
    draws = uniform(key, (2 * num_waves + 2, *shape))
    xp = namespace(draws)
    index = _wave_index(num_waves, shape)
    direction = (index + draws[-2]) / num_waves
    scatter = index * (_SCATTER_STRIDE / num_waves) + draws[-1]
    return Waves(
        amplitude=xp.sqrt(xp.log(draws[:num_waves]) * (-1.0 / num_waves)),
        turns_per_m_x=cos_turns(direction),
        turns_per_m_y=cos_turns(direction - 0.25),
        turns_per_s=cos_turns(scatter),
        phase_turns=draws[num_waves:-2],
    )


def read(
    waves: Waves, x: Float[Any, "*shape"], y: Float[Any, "*shape"], t: float | Float[Any, "*shape"] = 0.0
) -> Float[Any, "*shape"]:
    """Read a real field.

        sum_m a_m cos(2 pi (x kx_m + y ky_m + t f_m) + phi_m)

    Args:
      waves: the field.
      x: place along x, in the field's unit of length.
      y: place along y, in the field's unit of length.
      t: time, in the field's unit of time; not read where the field stands still.
    """
    value: Any = 0.0
    for m in range(waves.amplitude.shape[0]):
        value = value + waves.amplitude[m] * cos_turns(_turns(waves, m, x, y, t))
    return value


def read_complex(
    waves: Waves, x: Float[Any, "*shape"], y: Float[Any, "*shape"], t: float | Float[Any, "*shape"] = 0.0
) -> tuple[Float[Any, "*shape"], Float[Any, "*shape"]]:
    """Read a complex field, real part and imaginary part.

        sum_m a_m exp(j (2 pi (x kx_m + y ky_m + t f_m) + phi_m))

    Args:
      waves: the field.
      x: place along x, in the field's unit of length.
      y: place along y, in the field's unit of length.
      t: time, in the field's unit of time; not read where the field stands still.
    """
    real: Any = 0.0
    imaginary: Any = 0.0
    for m in range(waves.amplitude.shape[0]):
        turns = _turns(waves, m, x, y, t)
        real = real + waves.amplitude[m] * cos_turns(turns)
        imaginary = imaginary + waves.amplitude[m] * cos_turns(turns - 0.25)
    return real, imaginary


def _turns(waves: Waves, m: int, x: Any, y: Any, t: Any) -> Any:
    """Compute the phase of one wave, turns."""
    turns = waves.phase_turns[m] + waves.turns_per_m_x[m] * x + waves.turns_per_m_y[m] * y
    if waves.turns_per_s is None:
        return turns
    return turns + waves.turns_per_s[m] * t


def _wave_index(num_waves: int, shape: tuple[int, ...]) -> Any:
    """Number the waves along the leading axis."""
    return np.arange(num_waves).reshape((num_waves,) + (1,) * len(shape))


def _check_num_waves(num_waves: int, least: int) -> None:
    """Refuse too few waves."""
    if num_waves < least:
        message = f"`num_waves` must be at least {least}, got {num_waves}."
        raise ValueError(message)
