"""How far radio and device models are from published values: python benchmarks/reference_values.py.

One table, computed anew in a quarter of a minute: values that others published or computed, then what is drawn.
Ends with 1 where a tolerance is exceeded.
"""

import math
import sys
import warnings
from collections.abc import Iterator

import numpy as np
import reference_data as data
import reference_draws
import reference_radio
from reference_rows import Row, row
from rich.console import Console
from rich.table import Table
from scipy import special, stats

from net4moe.network import queues, theory
from net4moe.network.arrays import RangeWarning
from net4moe.network.hardware import cpu_energy_j
from net4moe.network.normal import cos_turns, normal_quantile, normal_tail
from net4moe.network.radio import fading
from net4moe.network.walks import mean_leg_m


def fades() -> Iterator[Row]:
    """Compare closed forms of fading."""
    slow_hz, fast_hz = (fading.max_doppler_hz(v / 3.6, 3.5e9) for v in (3.0, 30.0))
    yield row(
        "Doppler and coherence time at 3.5 GHz", 1e-3, "relative", "Rappaport eq. 5.40.c",
        ((9.729, 97.29), (slow_hz, fast_hz)),
        ((0.0435, 4.35e-3), (fading.coherence_time_s(slow_hz), fading.coherence_time_s(fast_hz))),
    )  # fmt: skip
    lags_s = np.array([1e-3, 5e-3, 10e-3, 20e-3])
    yield row(
        "Clarke's correlation", 2e-6, "", "J0",
        ((0.999066, 0.976781, 0.908741, 0.659819), theory.clarke_correlation(slow_hz, lags_s)),
        ((0.908741, -0.278589, 0.180569, 0.096040), theory.clarke_correlation(fast_hz, lags_s)),
        (0.0, theory.clarke_correlation(1.0, 0.382740)),
    )  # fmt: skip
    chain = (0.97548, 0.95156, 0.92822, 0.88326, 0.81986, 0.78014)
    powers = fading.ar1_coefficient(50.0, 1e-3) ** np.array([1, 2, 3, 5, 8, 10])
    yield row("AR(1) lags, f_D T = 0.05", 6e-6, "", "J0(2 pi f_D T)^k", (chain, powers))
    levels = np.array([0.1, math.sqrt(0.1), 1.0])
    yield row(
        "level crossings, fade durations", 5e-7, "", "Jakes eq. 1.3-35, 1.3-44",
        ((0.248169, 0.717233, 0.922137), theory.level_crossing_hz(levels, 1.0)),
        ((0.040094, 0.132680, 0.685495), theory.average_fade_duration_s(levels, 1.0)),
    )  # fmt: skip
    yield row(
        "outage: Rayleigh, Nakagami, ratio, selection", 3e-5, "relative", "Simon and Alouini, ch. 9",
        (0.0951626, theory.nakagami_outage(0.1)), (0.017523, theory.nakagami_outage(0.1, 2.0)),
        (4.678840e-3, theory.nakagami_outage(0.1, branches=2)),
        (3.846834e-6, theory.nakagami_outage(0.1, branches=4)),
        (9.055917e-3, theory.selection_outage(0.1, 2)), (8.200963e-5, theory.selection_outage(0.1, 4)),
    )  # fmt: skip
    terms, ratios = np.arange(200)[:, None], np.array([1e-6, 0.01, 0.1, 1.0])
    series = [
        ((stats.poisson.pmf(terms, k) * special.gammainc(terms + 1, (1 + k) * ratios)).sum(axis=0), k)
        for k in (0.1, 1.0, 10**0.9, 10.0)
    ]
    ricians = ((e, theory.rician_outage(ratios, k)) for e, k in series)
    yield row("outage: Rician", 1e-10, "relative", "Marcum's Q1 as a series", *ricians)
    snrs = {snr_db: 10 ** (snr_db / 10) for snr_db in data.CAPACITIES}
    capacities = [(e[0], theory.awgn_capacity(snrs[d])) for d, e in data.CAPACITIES.items()]
    for n, place in ((1, 1), (2, 2), (4, 3), (8, 4)):
        capacities += [
            (e[place], theory.nakagami_capacity(snrs[d], branches=n)) for d, e in data.CAPACITIES.items()
        ]
    yield row(
        "capacity: no fading, Rayleigh, L = 1 to 8", 6e-7, "bit", "Alouini, Goldsmith eq. 23", *capacities
    )
    bit_errors = [
        (e, [theory.rayleigh_bit_error(10 ** (d / 10), n) for n in (1, 2, 4)])
        for d, e in data.BIT_ERRORS.items()
    ]
    others = ((3.872108e-6, theory.awgn_bit_error(10.0)), (5.528247e-3, theory.alamouti_bit_error(10.0)))
    yield row(
        "bit errors: BPSK, L = 1, 2, 4, Alouini",
        1e-6,
        "relative",
        "Proakis eq. 14.4-15",
        *bit_errors,
        *others,
    )
    amounts = (
        (0.211129, theory.rician_amount_of_fading(10**0.9)),
        (0.25, theory.nakagami_amount_of_fading(4.0)),
    )
    yield row("amount of fading", 5e-7, "", "(1 + 2 K) / (1 + K)^2, 1 / m", *amounts)
    filling = theory.water_filling([1.0, 0.5, 0.1], 3.0)
    filled = ((3.0, filling.level_w), ((2.0, 1.0, 0.0), filling.power_w), (2.169925, filling.rate))
    yield row("water-filling", 5e-7, "", "Cover and Thomas 9.4, by hand", *filled)


def devices() -> Iterator[Row]:
    """Compare queues, walks, energy and the normal law."""
    yield row(
        "queues M/M/1, M/D/1, M/M/1/K, Erlang B and C", 5e-7, "", "textbooks",
        (4.0, queues.wait_mm1_s(0.8, 1.0)), (2.0, queues.wait_md1_s(0.8, 1.0)),
        (0.088819, queues.blocking_mm1k(0.8, 1.0, 5)), (0.121661, queues.blocking_erlang_b(8.0, 10)),
        (0.409180, queues.waiting_erlang_c(8.0, 10)), (0.204590, queues.wait_mmc_s(8.0, 1.0, 10)),
    )  # fmt: skip
    yield row(
        "CPU energy, 1e9 cycles at 1 GHz", 1e-12, "J", "kappa f^2 cycles", (1.0, cpu_energy_j(1e9, 1e9))
    )
    yield row(
        "mean speed of random waypoints, 1 to 20 m/s", 5e-7, "m/s", "Yoon, Liu, Noble 2003",
        (6.342356, theory.waypoint_mean_speed_m_s(1.0, 20.0)),
    )  # fmt: skip
    yield row("mean leg in the unit square", 1e-8, "", "Ghosh 1951", (0.521405433, mean_leg_m(1.0, 1.0)))
    x, share = np.linspace(-12.0, 37.0, 490_001), np.geomspace(1e-12, 0.5, 10_001)
    turns = np.linspace(-3.0, 3.0, 60_001)
    yield row("normal tail", 2.3e-8, "relative", "SciPy", (special.ndtr(-x), normal_tail(x)))
    yield row("normal quantile", 1e-7, "", "SciPy", (stats.norm.ppf(share), normal_quantile(share)))
    yield row("cosine of turns", 1.3e-10, "", "NumPy", (np.cos(2 * np.pi * turns), cos_turns(turns)))


def main() -> int:
    """Compute all rows, print them and count the failures."""
    warnings.simplefilter("error", RangeWarning)
    table = Table("quantity", "values", "greatest error", "tolerance", "unit", "source", "")
    failures = 0
    for part in (reference_radio.rows, fades, devices, reference_draws.rows):
        for found in part():
            good = found.error <= found.tolerance
            failures += not good
            numbers = (f"{found.error:.2g}", f"{found.tolerance:.3g}")
            table.add_row(
                found.quantity,
                str(found.num_values),
                *numbers,
                found.unit,
                found.source,
                "ok" if good else "FAIL",
            )
        table.add_section()
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    console.print(f"{table.row_count} rows, {failures} beyond their tolerance")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
