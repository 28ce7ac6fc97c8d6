"""How the errors of `reference_values.py` are measured."""

import math
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

CRITICAL = 1.628  # of Kolmogorov and Smirnov at 1 %, over the square root of the number of draws
ERRORS, KS = "standard errors", "KS sqrt(n)"


class Row(NamedTuple):
    """One line of the table: the greatest of the errors, in the unit of the tolerance."""

    quantity: str
    num_values: int
    error: float
    tolerance: float
    unit: str
    source: str


def row(quantity: str, tolerance: float, unit: str, source: str, *pairs: tuple[Any, Any]) -> Row:
    """Find the greatest error of what the library gives against what is expected, relative for that unit."""
    errors = [np.abs(np.subtract(got, e)) / (np.abs(e) if unit == "relative" else 1.0) for e, got in pairs]
    count = sum(np.size(error) for error in errors)
    return Row(quantity, count, float(np.max([np.max(e) for e in errors])), tolerance, unit, source)


def means(quantity: str, source: str, *pairs: tuple[float, Any]) -> Row:
    """Count by how many standard errors the means of samples miss what is expected."""
    misses = [abs(np.mean(s) - e) / (np.std(s) / math.sqrt(np.size(s))) for e, s in pairs]
    return Row(quantity, len(misses), float(np.max(misses)), 3.0, ERRORS, source)


def laws(quantity: str, source: str, *pairs: tuple[Any, Any]) -> Row:
    """Measure how far the distributions of samples are from laws, after Kolmogorov and Smirnov."""
    distances = [stats.kstest(sample, law).statistic * math.sqrt(np.size(sample)) for law, sample in pairs]
    return Row(quantity, len(distances), float(np.max(distances)), CRITICAL, KS, source)
