"""Radio and its link classes against published values; printed by `reference_values.py`."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import reference_data as data
from reference_rows import Row, row

from net4moe.network.motion import EARTH_M, Orbit
from net4moe.network.radio import adaptation, budget, rates, satellite
from net4moe.network.radio.large_scale import compile_large_scale, link_k_factor_db, link_shadowing_std_db
from net4moe.network.radio.line_of_sight import (
    los_probability,
    satellite_los_probability,
    uma_environment_height_m,
)
from net4moe.network.radio.link_classes import LEO, LORA, LTE_M, NB_IOT, NR, WIFI, LinkClass
from net4moe.network.radio.loss_lines import breakpoint_m
from net4moe.network.radio.path_loss import path_loss_db, satellite_loss_db
from net4moe.network.radio.scenarios import Scenario
from net4moe.network.radio.shadowing import shadowing_correlation
from net4moe.network.walks import compile_paths, path_walk

MCS_TABLES = {1: adaptation.NR_MCS_TABLE_1, 2: adaptation.NR_MCS_TABLE_2, 3: adaptation.NR_MCS_TABLE_3}
TR_38_901_LOSS = "TR 38.901 Table 7.4.1-1"


def losses() -> Iterator[Row]:
    """Compare path loss on the ground."""
    heights_m = {"v2v_urban": 1.6, "v2v_highway": 1.6}
    golden = [
        (
            list(given.values()),
            path_loss_db(
                name,
                np.array(list(given), float),
                los=los,
                frequency_hz=5e9,
                user_height_m=heights_m.get(name, 1.5),
            ),
        )
        for name, los, given in data.NS3_LOSSES_DB
    ]
    yield row("path loss umi, uma, rma, inh, v2v, 5 GHz", 2e-4, "dB", "ns-3 golden values", *golden)
    places_m = np.array([10.0, 50.0, 100.0, 200.0, 500.0, 1000.0])
    table = [
        (e, path_loss_db(name, places_m, los=los, frequency_hz=3.5e9))
        for name, los, e in data.LOSSES_3_5_GHZ_DB
    ]
    yield row("path loss umi, uma, 3.5 GHz", 6e-4, "dB", TR_38_901_LOSS, *table)
    near: list[tuple[Any, Any]] = []
    beyond: list[tuple[Any, Any]] = []
    for name, ghz, base_m, distances, sight, blocked in data.SIONNA_LOSSES_DB:
        scenario, distance_m = (
            Scenario(name=name, frequency_hz=ghz * 1e9, base_height_m=base_m),
            np.array(distances),
        )
        bent = distance_m > breakpoint_m(scenario)
        for los, given in ((True, np.array(sight)), (False, np.array(blocked))):
            got = path_loss_db(scenario, distance_m, los=los)
            near.append((given[~bent], got[~bent]))
            beyond += [(given[bent], got[bent])] if bent.any() else []
    yield row("path loss umi, uma, rma, inh, inf, 0.7 to 28 GHz", 1e-6, "dB", "Sionna 2.2.0", *near)
    yield row("the same beyond the breakpoint", 0.0062, "dB", "Sionna 2.2.0, another c", *beyond)
    mast = Scenario(
        name="rma", frequency_hz=3.5e9, base_height_m=30.0, building_height_m=7.0, street_width_m=25.0
    )
    yield row(
        "path loss rma in sight",
        1e-9,
        "dB",
        "py3gpp 0.6.0",
        (106.32484497918607, path_loss_db(mast, 1000.0, los=True)),
        (85.23481838416033, path_loss_db(mast, 500.0, los=True, frequency_hz=0.7e9)),
    )
    flat = Scenario(name="residential", frequency_hz=2.4e9)
    house = Scenario(name="residential", frequency_hz=2.4e9, num_walls=2, num_floors=1)
    hidden = Scenario(name="v2v_highway", frequency_hz=5e9, user_height_m=1.6, blocked_by="vehicle")
    yield row(
        "path loss residential, free space, behind a vehicle",
        1e-4,
        "dB",
        "IEEE 802.11-14/0980r16, Friis, TR 37.885",
        ((54.0294, 89.0294), path_loss_db(flat, np.array([5.0, 50.0]), los=True)),
        (117.3294, path_loss_db(house, 50.0, los=False)),
        (32.4478, path_loss_db("free_space", 1.0, los=True, frequency_hz=1e9)),
        ((71.3794, 91.3794, 115.3794), path_loss_db(hidden, np.array([10.0, 100.0, 1000.0]), los=False)),
    )
    ends = [breakpoint_m(Scenario(name=name, frequency_hz=3.5e9)) for name in ("umi", "uma", "rma")]
    yield row("breakpoints", 1e-6, "relative", TR_38_901_LOSS, ((210.0, 560.0, 3848.451), ends))


def skies() -> Iterator[Row]:
    """Compare where satellites stand and what they lose."""
    reports = ((600, 1_932), (1_200, 3_131), (35_786, 40_581))
    ranges = [(km, satellite.slant_range_m(10.0, 1e3 * altitude_km) / 1e3) for altitude_km, km in reports]
    yield row("slant range at 10 degrees", 0.5, "km", "TR 38.821 Table 4.2-2", *ranges)
    rural = Scenario(name="ntn_rural", frequency_hz=2e9)
    yield row(
        "path loss at the zenith, 600 km, 2 GHz",
        1e-4,
        "dB",
        "TR 38.811 eq. 6.6-2, by hand",
        (154.0336, satellite_loss_db(rural, 90.0, los=True)),
    )
    ghz = (2.0, 3.0, 4.0)
    given = [(6.22 / f**1.5, satellite.scintillation_db(f * 1e9)) for f in ghz]
    yield row("ionospheric scintillation", 1e-3, "relative", "ns-3", *given)
    sights = (
        ((0.246, 0.613, 0.992), satellite_los_probability("ntn_urban", np.array([10.0, 44.0, 90.0]))),
        ((0.782, 0.929, 0.998), satellite_los_probability("ntn_rural", np.array([10.0, 44.0, 90.0]))),
    )
    yield row("line of sight ntn", 1e-12, "", "TR 38.811 Table 6.6.1-1", *sights)
    walk = path_walk(compile_paths((Orbit(),), np.zeros((1, 3))), np.random.default_rng(0))
    half = math.acos(6371 / 6971 * math.cos(math.radians(10))) - math.radians(10)
    pass_s = 2 * half * math.sqrt(6.971e6**3 / 3.986004418e14)
    yield row("pass of a satellite at 600 km", 1e-9, "relative", "Kepler", (pass_s, walk.loop.period_s[0]))
    speed_m_s = np.linalg.norm(walk.move_m[:, 0], axis=0) / walk.duration_s[0]
    kepler_m_s = math.sqrt(3.986004418e14 / (EARTH_M + 600e3))
    yield row("its speed along 16 straight pieces", 2e-4, "relative", "Kepler", (kepler_m_s, speed_m_s))


def large_scale() -> Iterator[Row]:
    """Compare line of sight, shadowing and K factors."""
    sights = [
        (e, los_probability(name, np.array(distances, float), base_height_m=base_m))
        for name, base_m, distances, e in data.SIONNA_SIGHT
    ]
    yield row("line of sight, 9 models", 1e-8, "", "Sionna 2.2.0", *sights)
    places_m = np.array([10.0, 20.0, 30.0, 50.0, 100.0, 200.0])
    yield row(
        "line of sight umi, uma",
        1e-6,
        "",
        "TR 38.901 Table 7.4.2-1",
        ((1, 0.957375, 0.773839, 0.519585, 0.230985, 0.093518), los_probability("umi", places_m)),
        ((1, 0.972800, 0.848458, 0.649402, 0.347671, 0.128048), los_probability("uma", places_m)),
    )
    yield row("line of sight v2v, tall users of uma", 1e-9, "", "ns-3 condition suites", *_ns3_sights())
    excess = 0.9**1.5 * 1.25 * 8 * math.exp(-200 / 150)
    heights_m = uma_environment_height_m(200.0, 22.0, (np.arange(120_000) + 0.5) / 120_000)
    shares = [np.mean(heights_m == height_m) for height_m in (1.0, 12.0, 15.0, 18.0)]
    law = np.array([1.0, excess / 3, excess / 3, excess / 3]) / (1 + excess)
    yield row("environment heights of uma", 2e-5, "", "TR 38.901 Table 7.4.1-1, note 1", (law, shares))
    tables = [
        (e, _large_scale(Scenario(name=name, frequency_hz=3.5e9))) for name, e in data.LARGE_SCALE.items()
    ]
    yield row("shadowing, K factor, their distances", 1e-12, "", "TR 38.901, TR 37.885, IEEE 802.11", *tables)
    rural = compile_large_scale([Scenario(name="ntn_rural", frequency_hz=2e9)])
    elevation, far_m = np.array([31.0]), np.array([1e6])
    yield row(
        "shadowing and K factor of ntn at 30 degrees",
        1e-12,
        "dB",
        "TR 38.811 Tables 6.6.2-3, 6.7.2-7a",
        ((1.14,), link_shadowing_std_db(rural, far_m, np.array([True]), elevation)),
        ((8.78,), link_shadowing_std_db(rural, far_m, np.array([False]), elevation)),
        (((8.05,), (5.46,)), link_k_factor_db(rural, elevation)),
    )
    steps_m = np.array([1.0, 5.0, 10.0, 20.0])
    correlations = [(e, shadowing_correlation(steps_m, d)) for d, e in data.SHADOWING_CORRELATIONS.items()]
    yield row("correlation of shadowing", 5.1e-7, "", "Gudmundson 1991", *correlations)


def _ns3_sights() -> list[tuple[float, Any]]:
    """Write down the expressions of ns-3's suites: its tolerances are 2.5e-3 and 5e-3."""
    tall = 0.2**1.5 * 1.25
    near = (0.36 + math.exp(-50 / 63) * 0.64) * (1 + tall * 0.5**3 * math.exp(-1 / 3))
    far = (0.18 + math.exp(-100 / 63) * 0.82) * (1 + tall * math.exp(-2 / 3))
    return [
        (near, los_probability("uma", 50.0, user_height_m=15.0)),
        (far, los_probability("uma", 100.0, user_height_m=15.0)),
        *((1.05 * math.exp(-0.0114 * d), los_probability("v2v_urban", d)) for d in (10.0, 100.0, 1000.0)),
        (0.00021013 - 0.02 + 1.0193, los_probability("v2v_highway", 10.0)),
        (0.021013 - 0.2 + 1.0193, los_probability("v2v_highway", 100.0)),
        (0.54 - 0.525, los_probability("v2v_highway", 1000.0)),
    ]


def _large_scale(scenario: Scenario) -> Any:
    """List what the tables say about a scenario, in the order of the data, at 20 m."""
    compiled, at_m = compile_large_scale([scenario]), np.array([20.0])
    spreads = [link_shadowing_std_db(compiled, at_m, np.array([los])) for los in (True, False)]
    k_db = link_k_factor_db(compiled)
    return np.concatenate([*spreads, compiled.los_m, compiled.nlos_m, *k_db, compiled.k_m, compiled.sight_m])


def carrying() -> Iterator[Row]:
    """Compare noise, rates, thresholds and link classes."""
    widths_hz = np.array([180e3, 1e6, 5e6, 10e6, 20e6, 100e6])
    yield row(
        "noise", 5e-4, "dB", "kTB, by hand",
        (-173.9752, budget.thermal_density_dbm_hz()),
        ((-121.447, -114.0, -107.010, -104.0, -100.990, -94.0), budget.noise_power_dbm(widths_hz)),
        (-91.9897, budget.noise_power_dbm(20e6, 9.0)),
    )  # fmt: skip
    snr = 10.0 ** np.array([0.0, 1.0, 2.0, 3.0])
    given = (1.0, 3.459432, 6.658211, 9.967226)
    yield row("Shannon's rate", 1e-6, "relative", "log2(1 + snr)", (given, rates.shannon_rate_bps(snr, 1.0)))
    curves = (
        (rates.TR_36_942_DOWNLINK, (-10, 0, 5, 10, 15), (0.0825, 0.6, 1.23442, 2.07566, 3.01668)),
        (rates.TR_36_942_DOWNLINK, (20, 60), (3.99493, 4.4)),
        (rates.TR_36_942_UPLINK, (0, 60), (0.4, 2.0)),
        (rates.M_2101_DOWNLINK, (30, 60), (5.9803, 5.9803)),
        (rates.M_2101_UPLINK, (22, 60), (2.9269, 2.9269)),
    )  # fmt: skip
    truncated = [
        (e, rates.truncated_shannon_rate_bps(10 ** (np.array(at_db) / 10), 1.0, curve))
        for curve, at_db, e in curves
    ]
    yield row("truncated Shannon", 3e-5, "relative", "TR 36.942 Annex A, M.2101", *truncated)
    symbols, errors = np.array([100, 100, 200, 1000.0]), np.array([1e-3, 1e-5, 1e-5, 1e-5])
    blocks = {
        0: (1.561027, (0.647122, 0.500359, 0.642321, 0.836478)),
        5: (1.961229, (1.657824, 1.493321, 1.654148, 1.873482)),
        10: (2.064168, (3.048671, 2.879905, 3.045265, 3.270647)),
    }
    short = [
        (e, rates.finite_blocklength_rate(10 ** (d / 10), symbols, errors)) for d, (_, e) in blocks.items()
    ]
    spread = [(v, rates.channel_dispersion(10 ** (d / 10))) for d, (v, _) in blocks.items()]
    yield row(
        "finite blocks: rate, dispersion", 1e-6, "bit", "Polyanskiy et al. 2010 eq. 296", *short, *spread
    )
    columns = [(e, [s.efficiency for s in MCS_TABLES[t]]) for t, e in data.NR_EFFICIENCIES.items()]
    yield row("efficiencies of NR's MCS", 5.1e-5, "bit", "TS 38.214 Tables 5.1.3.1-1 to -3", *columns)
    simulated = [
        (snr_db, _threshold_db(t, i, bits, lost)) for t, i, bits, snr_db, lost in data.SIMULATED_BLOCKS
    ]
    yield row("thresholds, 500 to 2000 bits", 0.7, "dB", "Sionna SYS 2.2.0 tables", *simulated)
    fitted = {(t, i): (snr_db, _threshold_db(t, i, 1000, 0.1)) for t, i, snr_db in data.TEN_PERCENT_DB}
    highest = fitted.pop((1, 28))
    yield row("thresholds, 1000 bits at 10 %", 0.3, "dB", "Sionna 2.2.0, simulated", *fitted.values())
    yield row("that of 64QAM at a code rate of 0.93", 0.65, "dB", "Sionna 2.2.0, simulated", highest)
    typical = float(np.mean([abs(e - got) for e, got in [*simulated, *fitted.values(), highest]]))
    yield row("thresholds, mean error", 0.1, "dB", "Sionna 2.2.0, all of these", (0.0, typical))


def _threshold_db(table: int, index: int, bits: int, lost: float) -> float:
    """Compute the signal that a scheme needs."""
    scheme = MCS_TABLES[table][index]
    needed_db = float(adaptation.required_snr_db(scheme.efficiency, bits, lost))
    return needed_db + adaptation.implementation_gap_db(scheme.modulation_order)


def _steps(link: LinkClass) -> tuple[Any, Any]:
    """List thresholds and rates of a class of steps, dB and bit/s."""
    steps = link.curve if isinstance(link.curve, tuple) else ()
    return np.array([s.threshold_db for s in steps]), np.array(
        [s.efficiency for s in steps]
    ) * link.bandwidth_hz


def budgets() -> Iterator[Row]:
    """Compare link classes with the numbers that their technologies are known by."""
    chirps = (292.97, 537.11, 976.56, 1757.81, 3125.0, 5468.75)
    yield row(
        "LoRa: rates SF12 to SF7", 2e-5, "relative", "Semtech SX1276 data sheet", (chirps, _steps(LORA)[1])
    )
    mcs = (8.6, 17.2, 25.8, 34.4, 51.6, 68.8, 77.4, 86.0, 103.2, 114.7, 129.0, 143.4)
    yield row("Wi-Fi 6: rates MCS 0 to 11", 0.051, "Mbit/s", "IEEE 802.11ax", (mcs, _steps(WIFI)[1] / 1e6))
    heard = ((-137.0, LORA.sensitivity_dbm), (-82.0, WIFI.sensitivity_dbm))
    yield row("LoRa, Wi-Fi 6: sensitivity", 0.1, "dB", "SX1276 data sheet, IEEE 802.11ax", *heard)
    narrow, medium = _steps(NB_IOT)[1][-1], _steps(LTE_M)[1][-1]
    on_air = (
        (250e3, narrow),
        (62.5e3, narrow * NB_IOT.duty_cycle),
        (1e6, medium),
        (375e3, medium * LTE_M.duty_cycle),
    )
    yield row("NB-IoT, LTE-M: greatest rates", 1e-6, "relative", "TS 36.213", *on_air)
    tone_db = -11.8 - 10 * math.log10(12)
    reach = (
        (164.0, NB_IOT.coupling_loss_db),
        (tone_db, _steps(NB_IOT)[0][0]),
        (155.7, LTE_M.coupling_loss_db),
    )
    yield row("NB-IoT, LTE-M: coupling loss, threshold", 0.5, "dB", "TR 45.820, TR 36.888", *reach)
    top_bps = 6 * 948 / 1024 * 51 * 12 / (1e-3 / 28) * (1 - 0.08)
    yield row("NR: greatest rate", 1e-9, "relative", "TS 38.306 clause 4.1.2", (top_bps, _steps(NR)[1][-1]))
    noise_dbm = budget.noise_power_dbm(LEO.bandwidth_hz, LEO.noise_figure_db)
    space_db = satellite_loss_db(Scenario(name="ntn_rural", frequency_hz=2e9), 30.0, los=True)
    margins_db = 0.1 + 3.0 + 2.2  # air, shadowing and scintillation of the report
    given_db = LEO.transmit_power_dbm + LEO.antenna_gain_db - space_db - margins_db - noise_dbm
    yield row("LEO: signal to noise, downlink", 0.1, "dB", "TR 38.821, case 9", (6.6, given_db))


def rows() -> Iterator[Row]:
    """Give all of them."""
    for part in (losses, skies, large_scale, carrying, budgets):
        yield from part()
