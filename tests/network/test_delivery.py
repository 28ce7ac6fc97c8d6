"""Seconds, joules and outage of a delivery, by hand, in general, and in every array library."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.network.delivery import Delivery, deliver

LINK = {
    "rate_bps": np.array([1000.0, 1000.0, 0.0]),
    "block_error": np.array([0.5, 0.5, 1.0]),
    "max_transmissions": np.full(3, 3.0),
    "latency_s": np.full(3, 0.5),
    "duty_cycle": np.full(3, 0.25),
    "sender_w": np.full(3, 2.0),
    "receiver_w": np.full(3, 0.5),
    "local": np.array([True, False, False]),
}
SIZE = st.floats(0, 1e12, allow_subnormal=True)
RATE = st.floats(0, exclude_min=True, max_value=1e12, allow_subnormal=True)


def delivery(payload_bits: Any, **changes: Any) -> Delivery:
    """Deliver over the usual link but for the changes."""
    return deliver(payload_bits, **(LINK | changes))


def test_a_delivery_by_hand() -> None:
    """4 kbit at 1 kbit/s, 1.75 transmissions: 7 s on the air, 28 s in a quarter of the time, and latency."""
    sent = delivery(np.full(3, 4000.0))
    np.testing.assert_allclose([0.0, 28.5, math.inf], sent.seconds)
    np.testing.assert_allclose([0.0, 14.0, 0.0], sent.sender_joules)
    np.testing.assert_allclose([0.0, 3.5, 0.0], sent.receiver_joules)
    np.testing.assert_allclose([0.0, 17.5, 0.0], sent.joules)
    np.testing.assert_allclose([0.0, 0.125, 1.0], sent.outage)


def test_the_users_own_device_takes_nothing_even_on_a_dead_link() -> None:
    """Local writing needs no radio."""
    sent = delivery(np.full(3, 4000.0), rate_bps=np.zeros(3))
    assert [0.0] * 5 == [float(entry[0]) for entry in sent]


def test_plain_numbers() -> None:
    """A gateway may ask about one link."""
    sent = deliver(
        100.0,
        rate_bps=50.0,
        block_error=0.0,
        max_transmissions=4,
        latency_s=0.1,
        duty_cycle=1.0,
        sender_w=1.0,
        receiver_w=0.0,
        local=False,
    )
    np.testing.assert_allclose([2.1, 2.0, 2.0, 0.0, 0.0], [float(entry) for entry in sent])


def test_an_outdated_channel_costs_transmissions_and_arrives_nowhere() -> None:
    """All four transmissions fail: four times the energy, all lost, and the numbers stay finite."""
    sent = delivery(np.full(3, 1000.0), block_error=np.ones(3), max_transmissions=np.full(3, 4.0))
    np.testing.assert_allclose(16.5, sent.seconds[1])
    np.testing.assert_allclose(10.0, sent.joules[1])
    np.testing.assert_allclose(1.0, sent.outage[1])


@given(SIZE, SIZE, RATE, st.floats(1, 100), st.floats(0, 1))
def test_over_the_whole_domain(
    payload_bits: float, extra_bits: float, rate_bps: float, factor: float, error: float
) -> None:
    """From 5e-324 bits over 5e-324 bit/s on: finite, not negative, monotone in payload, antitone in rate."""
    payload = np.array([payload_bits, payload_bits + extra_bits, payload_bits])
    rate = np.array([rate_bps, rate_bps, rate_bps * factor])
    for dtype in (np.float64, np.float32):
        if dtype(rate_bps) == 0:
            continue
        sent = delivery(
            payload.astype(dtype),
            rate_bps=rate.astype(dtype),
            block_error=np.full(3, error, dtype),
            local=False,
        )
        for entry in sent:
            assert np.all(np.isfinite(entry))
            assert np.all(entry >= 0)
        for entry in (sent.seconds, sent.joules):
            assert entry[1] >= entry[0]
            assert entry[2] <= entry[0]


def test_jax_agrees_with_numpy() -> None:
    """Compiled and batched, to 1e-6; infinities and zeros in the same places."""
    payload_bits = np.random.default_rng(0).uniform(0, 1e6, (7, 3))
    expected = delivery(payload_bits)
    with jax.enable_x64(True):
        link = {name: jnp.asarray(value) for name, value in LINK.items()}

        def sent(payload_bits: Any) -> Delivery:
            return deliver(payload_bits, **link)

        for compiled in (jax.jit(sent), jax.vmap(sent)):
            for wanted, got in zip(expected, compiled(jnp.asarray(payload_bits)), strict=True):
                np.testing.assert_allclose(
                    np.broadcast_to(wanted, (7, 3)), jnp.broadcast_to(got, (7, 3)), rtol=1e-6
                )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rate_bps": -1.0}, r"^`rate_bps` must be finite and at least 0, got -1.0\.$"),
        ({"block_error": math.nan}, r"^`block_error` must be finite and at least 0, got nan\.$"),
        ({"max_transmissions": 0}, r"^`max_transmissions` must be a number and at least 1, got 0\.$"),
        ({"latency_s": -0.5}, r"^`latency_s` must be finite and at least 0, got -0.5\.$"),
        ({"duty_cycle": 0.0}, r"^`duty_cycle` must be finite and greater than 0, got 0.0\.$"),
        ({"sender_w": math.inf}, r"^`sender_w` must be finite and at least 0, got inf\.$"),
        ({"receiver_w": -2.0}, r"^`receiver_w` must be finite and at least 0, got -2.0\.$"),
    ],
)
def test_refused_links(changes: dict[str, Any], message: str) -> None:
    """Each sentence names what is wrong."""
    with pytest.raises(ValueError, match=message):
        delivery(np.ones(3), **changes)


def test_refused_payload() -> None:
    """A payload below nothing."""
    with pytest.raises(ValueError, match=r"^`load_bits` must be finite and at least 0, got -3.0\.$"):
        delivery(np.array([1.0, -3.0, 1.0]))
