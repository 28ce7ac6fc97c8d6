"""Which rate a sender chooses, how often a block of it is lost, and what sending it again makes of that.

A step of a link is a rate and the signal it needs. The sender takes the highest step that the signal it knows
of allows; the signal that is there decides whether the block arrives. Between the two stands one model of a
coded block, the normal approximation at the block's length, shifted by a gap for what real codes and
constellations lose against it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from net4moe.network.arrays import check, namespace
from net4moe.network.radio.rates import finite_blocklength_error

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jaxtyping import Float

__all__ = [
    "NR_MCS_TABLE_1",
    "NR_MCS_TABLE_2",
    "NR_MCS_TABLE_3",
    "CodingScheme",
    "RateStep",
    "block_error",
    "expected_transmissions",
    "implementation_gap_db",
    "nr_steps",
    "repeated",
    "required_snr_db",
    "residual_error",
    "stair_efficiency",
]

_GAP_DB = {2: 1.03, 4: 1.47, 6: 1.99, 8: 2.29}
_LOWEST_DB, _HIGHEST_DB, _HALVINGS = -80.0, 80.0, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingScheme:
    """A modulation and a code rate: one line of an MCS table.

    Attributes:
      modulation_order: bits on one symbol, 1, 2, 4, 6, 8 or 10.
      code_rate_1024: share of them that is information, times 1024, greater than 0 and less than 1024.
    """

    modulation_order: int
    code_rate_1024: float

    def __post_init__(self) -> None:
        """Refuse what is no coding scheme."""
        if self.modulation_order not in (1, 2, 4, 6, 8, 10):
            message = f"`modulation_order` must be 1, 2, 4, 6, 8 or 10, got {self.modulation_order}."
            raise ValueError(message)
        if not 0.0 < self.code_rate_1024 < 1024.0:
            message = (
                f"`code_rate_1024` must be greater than 0 and less than 1024, got {self.code_rate_1024}."
            )
            raise ValueError(message)

    @property
    def efficiency(self) -> float:
        """Information bits on one symbol."""
        return self.modulation_order * self.code_rate_1024 / 1024.0


def _schemes(*rows: tuple[int, tuple[float, ...]]) -> tuple[CodingScheme, ...]:
    """Unroll rows of a modulation order and its code rates."""
    return tuple(
        CodingScheme(modulation_order=order, code_rate_1024=rate) for order, rates in rows for rate in rates
    )


NR_MCS_TABLE_1 = _schemes(
    (2, (120, 157, 193, 251, 308, 379, 449, 526, 602, 679)),
    (4, (340, 378, 434, 490, 553, 616, 658)),
    (6, (438, 466, 517, 567, 616, 666, 719, 772, 822, 873, 910, 948)),
)
"""Up to 64QAM, index 0 to 28: 3GPP TS 38.214, Table 5.1.3.1-1."""

NR_MCS_TABLE_2 = _schemes(
    (2, (120, 193, 308, 449, 602)),
    (4, (378, 434, 490, 553, 616, 658)),
    (6, (466, 517, 567, 616, 666, 719, 772, 822, 873)),
    (8, (682.5, 711, 754, 797, 841, 885, 916.5, 948)),
)
"""Up to 256QAM, index 0 to 27: 3GPP TS 38.214, Table 5.1.3.1-2."""

NR_MCS_TABLE_3 = _schemes(
    (2, (30, 40, 50, 64, 78, 99, 120, 157, 193, 251, 308, 379, 449, 526, 602)),
    (4, (340, 378, 434, 490, 553, 616)),
    (6, (438, 466, 517, 567, 616, 666, 719, 772)),
)
"""Up to 64QAM with low spectral efficiency, index 0 to 28: 3GPP TS 38.214, Table 5.1.3.1-3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateStep:
    """A rate and the signal it needs.

    Attributes:
      threshold_db: signal-to-noise ratio at which the block error rate meets its target, dB.
      efficiency: rate over bandwidth, bit/s/Hz, greater than 0 and less than Shannon's capacity there.
    """

    threshold_db: float
    efficiency: float

    def __post_init__(self) -> None:
        """Refuse what no code can do."""
        check("threshold_db", self.threshold_db)
        check("efficiency", self.efficiency, above=0.0)
        capacity = math.log2(1.0 + 10.0 ** (self.threshold_db / 10.0))
        if self.efficiency >= capacity:
            message = (
                f"`efficiency` of a step at {self.threshold_db:g} dB must be less than the capacity there, "
                f"{capacity:g} bit/s/Hz, got {self.efficiency:g}."
            )
            raise ValueError(message)


def implementation_gap_db(modulation_order: int) -> float:
    """Give what an NR block needs above the normal approximation, by its modulation.

    Fitted to the block error tables of Sionna SYS 2.2.0 (downlink tables 1 to 3, code blocks of 500 to 2000
    bits, error rates of 3 to 30 %): 1.03, 1.47, 1.99 and 2.29 dB for QPSK, 16QAM, 64QAM and 256QAM. Against
    those tables, and against the same receiver simulated at 10 %, thresholds are right to 0.1 dB on average;
    64QAM at a code rate of 0.93 is 0.6 dB too low, all others are within 0.4 dB. Shorter blocks need more.

    Args:
      modulation_order: bits on one symbol, 2, 4, 6 or 8.

    Returns:
      Gap, dB.

    Raises:
      ValueError: no gap is known for that modulation.
    """
    if modulation_order not in _GAP_DB:
        known = ", ".join(map(str, _GAP_DB))
        message = f"`modulation_order` must be one of {known}, got {modulation_order}."
        raise ValueError(message)
    return _GAP_DB[modulation_order]


def required_snr_db(
    efficiency: float | Float[Any, "*shape"],
    block_bits: float | Float[Any, "*shape"],
    error_target: float | Float[Any, "*shape"],
) -> Float[Any, "*shape"]:
    """Find the signal at which the normal approximation meets an error target, by bisection.

    For construction, with NumPy. The error falls with the signal, so there is one such signal.

    Args:
      efficiency: information bits on one symbol, greater than 0.
      block_bits: information bits in one block.
      error_target: block error rate to meet, greater than 0 and less than 1.

    Returns:
      Signal-to-noise ratio, dB.
    """
    efficiency, block_bits, error_target = np.broadcast_arrays(efficiency, block_bits, error_target)
    low, high = np.full(efficiency.shape, _LOWEST_DB), np.full(efficiency.shape, _HIGHEST_DB)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        lost = block_error(middle, efficiency, block_bits) > error_target
        low, high = np.where(lost, middle, low), np.where(lost, high, middle)
    return high


def nr_steps(
    table: Iterable[CodingScheme], *, block_bits: float, error_target: float, share: float = 1.0
) -> tuple[RateStep, ...]:
    """Turn an MCS table into steps.

    The threshold of a scheme is where the normal approximation at its block length, plus the implementation
    gap of its modulation, meets the error target. A scheme that another one beats in rate at no higher
    threshold is left out, as index 17 of table 1.

    Args:
      table: the schemes, as `NR_MCS_TABLE_1`.
      block_bits: information bits in one block; the gaps are measured for 500 to 2000.
      error_target: block error rate to meet, 0.1 in link adaptation of NR.
      share: share of the bandwidth and time that carries data, greater than 0 and at most 1.

    Returns:
      Steps by rising threshold and rate.
    """
    steps: list[RateStep] = []
    for scheme in sorted(table, key=lambda scheme: scheme.efficiency, reverse=True):
        needed_db = float(required_snr_db(scheme.efficiency, block_bits, error_target))
        threshold_db = needed_db + implementation_gap_db(scheme.modulation_order)
        if not steps or threshold_db < steps[-1].threshold_db:
            steps.append(RateStep(threshold_db=threshold_db, efficiency=share * scheme.efficiency))
    return tuple(reversed(steps))


def repeated(step: RateStep, repetitions: Iterable[int]) -> tuple[RateStep, ...]:
    """Repeat a step: each doubling takes half the rate and 3 dB less signal.

        threshold_R = threshold - 10 log10(R)        efficiency_R = efficiency / R

    Repetitions are combined before decoding, as in NB-IoT and LTE-M (3GPP TS 36.211).

    Args:
      step: what is repeated.
      repetitions: how often, each at least 1.

    Returns:
      Steps by rising threshold and rate.
    """
    return tuple(
        RateStep(
            threshold_db=step.threshold_db - 10.0 * math.log10(count), efficiency=step.efficiency / count
        )
        for count in sorted(repetitions, reverse=True)
    )


def stair_efficiency(
    threshold_db: Float[Any, "K N"], efficiency: Float[Any, "K N"], known_snr_db: Float[Any, "*T N"]
) -> Float[Any, "*T N"]:
    """Choose the highest step that the known signal allows.

    Args:
      threshold_db: thresholds of the steps, dB, rising along the first axis; infinite for no step.
      efficiency: spectral efficiency of the steps, bit/s/Hz, rising likewise.
      known_snr_db: signal-to-noise ratio that the sender knows of, less its back-off, dB.

    Returns:
      Spectral efficiency of each link, bit/s/Hz; 0 below the first step.
    """
    xp = namespace(known_snr_db, threshold_db)
    chosen = xp.zeros_like(xp.asarray(known_snr_db))
    for k in range(threshold_db.shape[0]):
        chosen = xp.where(known_snr_db >= threshold_db[k], efficiency[k], chosen)
    return chosen


def block_error(
    snr_db: Float[Any, "*shape"],
    efficiency: Float[Any, "*shape"],
    block_bits: float | Float[Any, "*shape"],
    gap_db: float | Float[Any, "*shape"] = 0.0,
) -> Float[Any, "*shape"]:
    """Compute how often a block is lost: the normal approximation at a signal that is a gap worse.

        e = Q(sqrt(n / V(g)) (C(g) - r + log2(n) / (2 n))),   n = block_bits / r,   g = snr / gap

    Args:
      snr_db: signal-to-noise ratio that is there, dB.
      efficiency: information bits r on one symbol, greater than 0.
      block_bits: information bits in one block.
      gap_db: what the block needs above the normal approximation, dB.

    Returns:
      Probability that one transmission of the block fails.
    """
    snr = 10.0 ** ((snr_db - gap_db) * 0.1)
    num_symbols = namespace(efficiency, block_bits).maximum(block_bits / efficiency, 1.0)
    return finite_blocklength_error(snr, num_symbols, efficiency)


def residual_error(
    error: Float[Any, "*shape"], max_transmissions: float | Float[Any, "*shape"]
) -> Float[Any, "*shape"]:
    """Compute how often a block is lost although it is sent again.

        e^L

    Every transmission fails on its own: what earlier ones left behind is not combined.

    Args:
      error: probability that one transmission fails.
      max_transmissions: greatest number L of transmissions, at least 1.

    Returns:
      Probability that all of them fail.
    """
    xp = namespace(error, max_transmissions)
    return xp.where(xp.asarray(error) > 0.0, xp.exp(_log_residual(error, max_transmissions)), 0.0)


def expected_transmissions(
    error: Float[Any, "*shape"], max_transmissions: float | Float[Any, "*shape"]
) -> Float[Any, "*shape"]:
    """Compute how often a block is sent on average.

        1 + e + ... + e^(L-1) = (1 - e^L) / (1 - e)

    Args:
      error: probability that one transmission fails.
      max_transmissions: greatest number L of transmissions, at least 1.

    Returns:
      Mean number of transmissions, between 1 and L.
    """
    xp = namespace(error, max_transmissions)
    sure = xp.asarray(error) >= 1.0
    mean = -xp.expm1(_log_residual(error, max_transmissions)) / xp.where(sure, 1.0, 1.0 - error)
    return xp.where(sure, max_transmissions, mean)


def _log_residual(error: Any, max_transmissions: Any) -> Any:
    """Compute ln(e^L), with the least normal number for an error of 0."""
    xp = namespace(error, max_transmissions)
    error = xp.asarray(error)
    return max_transmissions * xp.log(xp.maximum(error, float(xp.finfo(error.dtype).smallest_normal)))
