"""How many bits a link carries in a second."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxtyping import Float

__all__ = ["shannon_rate_bps"]


def shannon_rate_bps(snr: Float[Any, "*shape"], bandwidth_hz: Float[Any, "*shape"]) -> Float[Any, "*shape"]:
    """Compute Shannon's capacity of each link.

        r_n = b_n log2(1 + snr_n)

    See Wang et al. (2024), arXiv:2402.06942, step 6 of the case study.

    Args:
      snr: signal-to-noise ratio of each link, linear (not dB), at least 0.
      bandwidth_hz: bandwidth of each link, Hz.

    Returns:
      Rate of each link, bit/s.
    """
    return bandwidth_hz * (snr.__array_namespace__().log1p(snr) / math.log(2.0))
