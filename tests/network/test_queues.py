"""Queues have the values of the textbooks, and agree with one another where one is a case of the other."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from net4moe.network import queues

LOADS = st.floats(0.0, 0.99)


def test_numbers_of_the_textbooks() -> None:
    """Load 0.8 on one server of rate 1; 8 erlang on 10 servers."""
    assert queues.wait_mm1_s(0.8, 1.0) == pytest.approx(4.0, rel=1e-12)
    assert queues.wait_md1_s(0.8, 1.0) == pytest.approx(2.0, rel=1e-12)
    assert queues.blocking_mm1k(0.8, 1.0, 5) == pytest.approx(0.088819, abs=5e-7)
    assert queues.blocking_erlang_b(8.0, 10) == pytest.approx(0.121661, abs=5e-7)
    assert queues.waiting_erlang_c(8.0, 10) == pytest.approx(0.409180, abs=5e-7)
    assert queues.wait_mmc_s(8.0, 1.0, 10) == pytest.approx(0.204590, abs=5e-7)


@given(LOADS)
def test_the_general_queue_holds_the_others(load: float) -> None:
    """An exponential service has a mean square of 2; the stay in M/M/1 is 1 / (mu - lambda)."""
    assert queues.wait_mm1_s(load, 1.0) == pytest.approx(queues.wait_mg1_s(load, 1.0, 2.0), rel=1e-9)
    assert queues.wait_mm1_s(load, 1.0) + 1.0 == pytest.approx(1.0 / (1.0 - load), rel=1e-9)
    assert queues.waiting_erlang_c(load, 1) == pytest.approx(load, rel=1e-9)


@given(st.floats(0.0, 30.0), st.integers(1, 40))
def test_erlang_b_is_a_poisson_share(load: float, num_servers: int) -> None:
    """Blocking is the weight of the last state of a truncated Poisson law."""
    expected = stats.poisson.pmf(num_servers, load) / stats.poisson.cdf(num_servers, load)
    assert queues.blocking_erlang_b(load, num_servers) == pytest.approx(expected, rel=1e-9, abs=1e-300)


def test_a_full_load_blocks_evenly() -> None:
    """At load 1 all K + 1 states are alike; nothing is turned away where nothing comes."""
    assert queues.blocking_mm1k(1.0, 1.0, 5) == pytest.approx(1 / 6, rel=1e-12)
    assert queues.blocking_mm1k(0.0, 1.0, 5) == 0.0
    assert queues.blocking_erlang_b(0.0, 3) == 0.0


def test_the_wait_is_that_of_a_simulated_queue() -> None:
    """Lindley's recursion over 2000 queues of 500 arrivals, after they have settled."""
    draws = np.random.default_rng(5)
    wait = np.zeros(2000)
    seen = []
    for arrival in range(500):
        wait = np.maximum(0.0, wait + 1.0 - draws.exponential(1 / 0.6, 2000))
        if arrival >= 200 and arrival % 20 == 0:
            seen.append(wait)
    means = np.mean(seen, axis=0)
    error = means.std() / np.sqrt(means.size)
    assert abs(means.mean() - queues.wait_md1_s(0.6, 1.0)) < 3 * error


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda: queues.wait_mm1_s(1.0, 1.0),
            "The load of a queue that is to settle must be less than 1, got 1.",
        ),
        (
            lambda: queues.wait_mg1_s(3.0, 0.5, 1.0),
            "The load of a queue that is to settle must be less than 1, got 1.5.",
        ),
        (lambda: queues.wait_mm1_s(0.5, 0.0), "`service_hz` must be finite and greater than 0, got 0.0."),
        (lambda: queues.wait_mmc_s(-0.5, 1.0, 2), "`arrival_hz` must be finite and at least 0, got -0.5."),
        (lambda: queues.blocking_mm1k(0.5, 1.0, 0), "`places` must be at least 1, got 0."),
        (lambda: queues.blocking_erlang_b(0.5, 0), "`num_servers` must be at least 1, got 0."),
    ],
)
def test_a_queue_that_cannot_be_is_refused(call: Any, text: str) -> None:
    """The sentence names what is wrong and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        call()
