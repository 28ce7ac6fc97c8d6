"""Conversions between the units of radio, written once for every array library."""

import math
from typing import Any

__all__ = ["BITS_PER_BYTE", "db_to_linear", "linear_to_db"]

BITS_PER_BYTE = 8


def db_to_linear(ratio_db: Any) -> Any:
    """Convert a power ratio from decibels: `10 ** (ratio_db / 10)`."""
    return 10.0 ** (ratio_db / 10.0)


def linear_to_db(ratio: Any) -> Any:
    """Convert a linear power ratio, greater than zero, to decibels: `10 log10(ratio)`."""
    if isinstance(ratio, int | float):
        return 10.0 * math.log10(ratio)
    return 10.0 * ratio.__array_namespace__().log10(ratio)
