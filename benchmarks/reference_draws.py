"""What is drawn, held to the laws it is drawn from, with fixed seeds; printed by `reference_values.py`.

Means may miss what is expected by three standard errors, laws by Kolmogorov and Smirnov's distance at 1 %.
"""

import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from reference_rows import ERRORS, Row, laws, means
from scipy import special, stats

from net4moe import network
from net4moe.network import theory
from net4moe.network.device_state import next_backlog_s
from net4moe.network.hardware import HardwareConfig, compile_hardware
from net4moe.network.mobility import compile_motion, draw_itinerary, positions_m, speeds_m_s
from net4moe.network.motion import GaussMarkov, RandomWaypoint
from net4moe.network.radio import adaptation, fading, waves
from net4moe.network.radio.line_of_sight import los_probability
from net4moe.network.radio.shadowing import shadowing_step
from net4moe.network.recordings import available, draw_churn

MANY = 100_000


def products(one: Any, two: Any) -> Any:
    """Multiply what is correlated; the real part of complex numbers."""
    return np.real(one * np.conj(two))


def repeated(record: Any, count: int) -> Any:
    """Repeat the one device that a record of arrays holds."""
    return type(record)(*(np.repeat(part, count, axis=-1) for part in record))


def shadowing() -> Iterator[Row]:
    """Read fields of shadowing, and move shadowing by two steps of 5 m, which are one of 10 m in law."""
    field = waves.shadowing_waves(np.random.default_rng(12), (MANY,))
    here = waves.read(field, 3.0, 7.0)
    start, *normals = np.random.default_rng(7).standard_normal((3, MANY))
    value_db = 7.82 * start
    for normal in normals:
        value_db = shadowing_step(value_db, normal, distance_moved_m=5.0, decorrelation_m=13.0, std_db=7.82)
    yield laws("shadowing: normal", "field and steps", ("norm", here), (stats.norm(0, 7.82).cdf, value_db))
    there = [(math.exp(-d), here * waves.read(field, 3.0 + d, 7.0)) for d in (0.01, 0.1, 0.5, 1.0, 2.0, 4.0)]
    steps = (0.463369, start * value_db / 7.82), (7.82**2, value_db**2)
    yield means("shadowing: correlation, spread", "Gudmundson 1991; TR 38.901 eq. 7.4-5", *there, *steps)


def small_scale() -> Iterator[Row]:
    """Read fields of scattering, walk chains and draw gains."""
    clarke = "Clarke 1968: J0"
    field = waves.scattering_waves(np.random.default_rng(4), (MANY,))

    def channel(x: float, t: float) -> Any:
        real, imaginary = waves.read_complex(field, 2.0 + x, 5.0, 1.0 + t)
        return real + 1j * imaginary

    start = channel(0.0, 0.0)
    yield laws("scattering field: power", "exponential law", ("expon", np.abs(start) ** 2))
    lags = (0.05, 0.1, 0.3827, 0.5, 1.0)
    moved = [(special.j0(2 * math.pi * x), products(channel(x, 0.0), start)) for x in lags]
    waited = [(special.j0(2 * math.pi * t), products(channel(0.0, t), start)) for t in lags]
    yield means("scattering field: correlation over distance, time", clarke, *moved, *waited)
    metres = 30 / 3.6 / (299_792_458.0 / 3.5e9)
    path = {1e-3: 0.908741, 5e-3: -0.278589, 10e-3: 0.180569, 20e-3: 0.096040}
    yield means(
        "Doppler by motion, 3.5 GHz, 30 km/h",
        clarke,
        *((e, products(channel(lag_s * metres, 0.0), start)) for lag_s, e in path.items()),
    )
    yield crossings()
    coefficient, rng = float(fading.ar1_coefficient(50.0, 1e-3)), np.random.default_rng(3)
    noise = rng.standard_normal((13, MANY))
    chain = fading.ar1_path(noise[0], coefficient, noise[1:])
    lagged = {1: 0.97548, 2: 0.95156, 3: 0.92822, 5: 0.88326, 8: 0.81986, 10: 0.78014}
    yield means(
        "AR(1) chain: correlation", "a^k", *((e, chain[11] * chain[11 - k]) for k, e in lagged.items())
    )
    ricians = [(k, fading.rician_block_power(rng, k, (MANY,))) for k in (0.0, 1.0, 10**0.9, 30.0)]
    nakagamis = [(m, fading.nakagami_power(rng, m, (MANY,))) for m in (0.5, 1.0, 2.0, 7.5)]
    yield laws(
        "Rician and Nakagami draws",
        "Marcum's Q1, incomplete gamma",
        *((lambda x, k=k: theory.rician_outage(x, k), power) for k, power in ricians),
        *((lambda x, m=m: theory.nakagami_outage(x, m), power) for m, power in nakagamis),
    )
    amounts = [(theory.rician_amount_of_fading(k), (power - 1.0) ** 2) for k, power in ricians]
    amounts += [(theory.nakagami_amount_of_fading(m), (power - 1.0) ** 2) for m, power in nakagamis]
    yield means("Rician and Nakagami draws: amount of fading", "(1 + 2 K) / (1 + K)^2, 1 / m", *amounts)
    rayleigh = fading.nakagami_power(rng, 1.0, (4, MANY))
    wrong = np.sqrt(rayleigh[:2].sum(axis=0)) + rng.standard_normal(MANY) * math.sqrt(0.5) < 0
    yield means(
        "drawn gains: capacity, outage, bit errors",
        "closed forms",
        (2.906515, np.log2(1 + 10 * rayleigh[0])),
        (4.058558, np.log2(1 + 10 * fading.maximum_ratio(rayleigh[:2]))),
        (5.181077, np.log2(1 + 10 * fading.maximum_ratio(rayleigh))),
        (4.678840e-3, fading.maximum_ratio(rayleigh[:2]) < 0.1),
        (9.055917e-3, fading.selection(rayleigh[:2]) < 0.1),
        (5.805826e-2, wrong),
    )


def crossings() -> Row:
    """Count fades along 3000 paths of 4 wavelengths; one in 250 falls between two samples."""
    num_paths, length, missed = 3000, 4.0, 0.004
    field = waves.scattering_waves(jax.random.key(8), (num_paths,))
    along = jnp.arange(0.0, length, 0.004)[:, None]
    real, imaginary = jax.jit(waves.read_complex)(field, 0.6 * along, 0.8 * along)
    envelope, misses = np.sqrt(np.asarray(real**2 + imaginary**2)), []
    for level, expected_hz in ((math.sqrt(0.1), 0.717233), (1.0, 0.922137)):
        below = envelope < level
        rate_hz = (below[1:] & ~below[:-1]).sum(axis=0) / length
        beyond = max(abs(rate_hz.mean() - expected_hz) - missed * expected_hz, 0.0)
        misses.append(beyond / (rate_hz.std() / math.sqrt(num_paths)))
    return Row("level crossings along paths", 2, float(np.max(misses)), 3.0, ERRORS, "Jakes eq. 1.3-35")


def movement() -> Iterator[Row]:
    """Draw walks, comings and goings."""
    config = RandomWaypoint(width_m=1.0, height_m=1e-9, least_speed_m_s=0.01, greatest_speed_m_s=0.03)
    motion = compile_motion((config,), np.zeros((1, 3)))
    motion = motion._replace(waypoints=repeated(motion.waypoints, MANY), order=np.arange(MANY))
    walk = draw_itinerary(motion, np.random.default_rng(1), 4)
    places = [(lambda x: 3 * x**2 - 2 * x**3, positions_m(walk, t)[0]) for t in (0.0, 1234.0)]
    speeds = [(lambda v: np.log(v / 0.01) / math.log(3), speeds_m_s(walk, t)) for t in (0.0, 1234.0)]
    yield laws("random waypoint: place on a line, speed", "Navidi, Camp 2004", *places, *speeds)
    fast = RandomWaypoint(least_speed_m_s=1.0, greatest_speed_m_s=20.0)
    walks = draw_itinerary(compile_motion((fast,) * 2000, np.zeros((2000, 3))), np.random.default_rng(5))
    yield means("random waypoint: mean speed", "Yoon, Liu, Noble 2003", (6.342356, speeds_m_s(walks, 900.0)))
    drift = GaussMarkov(std_m_s=2.0, memory=0.8, step_s=0.5)
    motion = compile_motion((drift,), np.zeros((1, 3)))
    motion = motion._replace(
        drifts=repeated(motion.drifts, MANY)._replace(start_m=np.zeros((3, MANY))), order=np.arange(MANY)
    )
    walk = draw_itinerary(motion, np.random.default_rng(1), 12)
    velocity = [np.diff([positions_m(walk, t + k / 2)[0] for t in (0.0, 0.5)], axis=0)[0] for k in range(11)]
    yield means(
        "Gauss-Markov: correlation of velocities",
        "memory^k; Liang, Haas 1999",
        *((0.8**k, velocity[0] * velocity[k]) for k in (0, 1, 2, 5, 10)),
    )
    host = HardwareConfig(
        tokens_per_s=1.0, prompt_tokens_per_s=1.0, tokens_per_j=1.0, mean_up_s=30.0, mean_down_s=10.0
    )
    churn = draw_churn(repeated(compile_hardware([host]), MANY), np.random.default_rng(3))
    there = {time_s: available(churn, time_s) for time_s in (0.0, 500.0, 1e5, 1e5 + 5.0)}
    after = 0.75 + 0.25 * math.exp(-5 * (1 / 30 + 1 / 10))
    yield means(
        "churn: share there, and 5 s later",
        "two-state Markov chain",
        *((0.75, there[t]) for t in (0.0, 500.0, 1e5)),
        (after, there[1e5 + 5.0][there[1e5]]),
    )


def waiting() -> Iterator[Row]:
    """Run Lindley's recursion, and send blocks again."""
    rng, shape = np.random.default_rng(7), (1000, 4000)
    waits = []
    for expected_s, service_s in ((4.0, rng.exponential(1.0, shape)), (2.0, np.ones(shape))):
        gaps_s, wait_s, seen = rng.exponential(1 / 0.8, shape), np.zeros(shape[1]), []
        for arrival in range(shape[0]):
            seen.append(wait_s)
            wait_s = next_backlog_s(wait_s, service_s[arrival], gaps_s[arrival])
        waits.append((expected_s, np.mean(seen[-100:], axis=0)))
    yield means("backlog of M/M/1 and M/D/1 at load 0.8", "Pollaczek, Khinchine", *waits)
    fails = rng.uniform(size=(MANY, 4)) < 0.4
    sent = 1 + np.cumprod(fails[:, :-1], axis=1).sum(axis=1)
    yield means(
        "retransmission: blocks sent and lost",
        "geometric sum",
        (float(adaptation.expected_transmissions(0.4, 4)), sent),
        (float(adaptation.residual_error(0.4, 4)), fails.all(axis=1)),
    )


def whole_links() -> Iterator[Row]:
    """Draw 1e5 worlds of one street canyon of three lamps and read their links at a moment."""
    user = network.DeviceConfig(name="user", expert="a", local=True)

    def lamp(metres: float) -> network.DeviceConfig:
        return network.DeviceConfig(
            name=f"{metres} m",
            expert="a",
            link=network.LINK_CLASSES["NR"],
            scenario="umi",
            position_m=(metres, 0.0, 10.0),
        )

    fleet = network.fleet_arrays((user, lamp(30.0), lamp(100.0), lamp(200.0)))
    read = jax.jit(jax.vmap(lambda key: network.links_at(fleet, key, 7.0)))
    now = jax.tree.map(np.asarray, read(jax.random.split(jax.random.key(0), MANY)))
    distances_m = (30.0, 100.0, 200.0)
    shares = [(float(los_probability("umi", d)), now.los[:, n]) for n, d in enumerate(distances_m, 1)]
    yield means("whole link, umi: share in sight", "TR 38.901 Table 7.4.2-1", *shares)
    spreads = [
        (stats.norm(0, std_db).cdf, now.shadowing_db[:, n][now.los[:, n] == los])
        for n in (1, 2, 3)
        for los, std_db in ((True, 4.0), (False, 7.82))
    ]
    yield laws("whole link, umi: shadowing", "TR 38.901 Table 7.4.1-1", *spreads)
    blocked = [10 ** (now.fading_db[:, n][~now.los[:, n]] / 10) for n in (1, 2, 3)]
    yield laws(
        "whole link, umi: two branches out of sight",
        "gamma law",
        *((lambda x: theory.nakagami_outage(2.0 * x, branches=2), gain) for gain in blocked),
    )


def rows() -> Iterator[Row]:
    """Give all of them."""
    for part in (shadowing, small_scale, movement, waiting, whole_links):
        yield from part()
