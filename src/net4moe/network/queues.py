"""Closed forms of queues: what a simulation of waiting work is held against.

Arrivals are Poisson; the time of service is exponential (M), fixed (D) or any (G). By Little's law the mean
number that waits is the arrival rate times the mean wait.
"""

import math

from net4moe.network.arrays import check

__all__ = [
    "blocking_erlang_b",
    "blocking_mm1k",
    "wait_md1_s",
    "wait_mg1_s",
    "wait_mm1_s",
    "wait_mmc_s",
    "waiting_erlang_c",
]


def wait_mm1_s(arrival_hz: float, service_hz: float) -> float:
    """Compute the mean wait before service of a queue M/M/1: `rho / (mu - lambda)`, seconds."""
    return wait_mmc_s(arrival_hz, service_hz, num_servers=1)


def wait_md1_s(arrival_hz: float, service_s: float) -> float:
    """Compute the mean wait before service of a queue M/D/1: `rho s / (2 (1 - rho))`, seconds."""
    return wait_mg1_s(arrival_hz, service_s, service_s * service_s)


def wait_mg1_s(arrival_hz: float, mean_service_s: float, mean_square_service_s2: float) -> float:
    """Compute the mean wait before service of a queue M/G/1, by Pollaczek and Khinchine.

        W_q = lambda E[S^2] / (2 (1 - rho)),   rho = lambda E[S]

    Args:
      arrival_hz: arrivals per second, at least 0.
      mean_service_s: mean time of service, seconds.
      mean_square_service_s2: mean of its square, seconds squared.

    Returns:
      Seconds before service begins; add `mean_service_s` for the whole stay.

    Raises:
      ValueError: the queue grows without end.
    """
    check("arrival_hz", arrival_hz, least=0.0)
    check("mean_service_s", mean_service_s, above=0.0)
    check("mean_square_service_s2", mean_square_service_s2, least=0.0)
    rho = arrival_hz * mean_service_s
    _check_stable(rho)
    return arrival_hz * mean_square_service_s2 / (2.0 * (1.0 - rho))


def blocking_mm1k(arrival_hz: float, service_hz: float, places: int) -> float:
    """Compute the share of arrivals that a queue M/M/1/K turns away.

        (1 - rho) rho^K / (1 - rho^(K + 1)),   1 / (K + 1) where rho is 1

    Args:
      arrival_hz: arrivals per second, at least 0.
      service_hz: services per second, greater than 0.
      places: places K, that in service included.
    """
    check("arrival_hz", arrival_hz, least=0.0)
    check("service_hz", service_hz, above=0.0)
    _check_count("places", places)
    rho = arrival_hz / service_hz
    return rho**places / math.fsum(rho**k for k in range(places + 1))


def blocking_erlang_b(load_erlang: float, num_servers: int) -> float:
    """Compute the share of arrivals that find all servers taken and leave.

        B_0 = 1,   B_c = a B_{c-1} / (c + a B_{c-1})

    Args:
      load_erlang: arrivals in a mean time of service, at least 0.
      num_servers: servers, at least 1.
    """
    check("load_erlang", load_erlang, least=0.0)
    _check_count("num_servers", num_servers)
    blocked = 1.0
    for server in range(1, num_servers + 1):
        blocked = load_erlang * blocked / (server + load_erlang * blocked)
    return blocked


def waiting_erlang_c(load_erlang: float, num_servers: int) -> float:
    """Compute the share of arrivals that find all servers taken and wait.

        C = B / (1 - rho (1 - B)),   rho = a / c

    Args:
      load_erlang: arrivals in a mean time of service, at least 0, less than `num_servers`.
      num_servers: servers, at least 1.

    Raises:
      ValueError: the queue grows without end.
    """
    blocked = blocking_erlang_b(load_erlang, num_servers)
    rho = load_erlang / num_servers
    _check_stable(rho)
    return blocked / (1.0 - rho * (1.0 - blocked))


def wait_mmc_s(arrival_hz: float, service_hz: float, num_servers: int) -> float:
    """Compute the mean wait before service of a queue M/M/c: `C / (c mu - lambda)`, seconds.

    Args:
      arrival_hz: arrivals per second, at least 0.
      service_hz: services per second of one server, greater than 0.
      num_servers: servers, at least 1.

    Raises:
      ValueError: the queue grows without end.
    """
    check("arrival_hz", arrival_hz, least=0.0)
    check("service_hz", service_hz, above=0.0)
    waits = waiting_erlang_c(arrival_hz / service_hz, num_servers)
    return waits / (num_servers * service_hz - arrival_hz)


def _check_count(label: str, count: int) -> None:
    """Refuse a count below 1."""
    if count < 1:
        message = f"`{label}` must be at least 1, got {count}."
        raise ValueError(message)


def _check_stable(rho: float) -> None:
    """Refuse a queue that never empties."""
    if not rho < 1.0:
        message = f"The load of a queue that is to settle must be less than 1, got {rho:g}."
        raise ValueError(message)
