"""The gateway's numbers."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from net4moe.gateway.front.metrics import Metrics
from net4moe.gateway.records import Attempt, Spent
from tests.gateway.live_fleet import device, roster


def sample(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Read one number, as a Prometheus server would."""
    for family in text_string_to_metric_families(metrics.text().decode()):
        for one in family.samples:
            if one.name == name and one.labels == labels:
                return one.value
    return None


def attempt(device_name: str, kind: Any = "first", outcome: Any = "done") -> Attempt:
    """Make a call to a device."""
    return Attempt(
        device=device_name,
        expert="rose",
        kind=kind,
        start_s=0.0,
        first_text_s=None,
        end_s=1.0,
        outcome=outcome,
    )


def test_requests_and_their_times() -> None:
    """By kind and status; those under way apart."""
    metrics = Metrics(roster(), clock=lambda: 0.0)
    metrics.begun()
    metrics.begun()
    metrics.ended("mixture", 200, 0.3, 0.2)
    metrics.ended("none", 401, 0.001, None)
    assert 0.0 == sample(metrics, "net4moe_requests_in_flight")
    assert 1.0 == sample(metrics, "net4moe_requests_total", kind="mixture", status="200")
    assert 1.0 == sample(metrics, "net4moe_requests_total", kind="none", status="401")
    assert 0.3 == sample(metrics, "net4moe_request_seconds_sum", kind="mixture")
    assert 1.0 == sample(metrics, "net4moe_first_text_seconds_bucket", kind="mixture", le="0.25")
    assert None is sample(metrics, "net4moe_first_text_seconds_count", kind="none")


def test_attempts_and_what_was_spent() -> None:
    """Hedges, retries and hand-overs by their own names."""
    metrics = Metrics(roster(), clock=lambda: 0.0)
    metrics.attempted(
        [attempt("desk", outcome="failed"), attempt("phone", "retry"), attempt("phone", "hedge")]
    )
    metrics.spent("mixture", Spent(calls=3, tokens=50, price_usd=0.25, joules=1.5, air_bytes=900))
    assert 1.0 == sample(metrics, "net4moe_attempts_total", device="desk", outcome="failed")
    assert 2.0 == sample(metrics, "net4moe_attempts_total", device="phone", outcome="done")
    assert 1.0 == sample(metrics, "net4moe_attempts_by_kind_total", attempt="hedge", outcome="done")
    for name, value in (
        ("calls", 3),
        ("tokens", 50),
        ("price_usd", 0.25),
        ("joules", 1.5),
        ("air_bytes", 900),
    ):
        assert value == sample(metrics, f"net4moe_{name}_total", kind="mixture")


def test_devices_as_they_are_now() -> None:
    """Places, calls, breakers and states."""
    devices = roster(device("desk"), device("phone"))
    devices.device("desk").num_in_flight = 1
    devices.device("phone").num_waiting = 2
    devices.drain("phone")
    metrics = Metrics(devices, clock=lambda: 0.0)
    assert 1.0 == sample(metrics, "net4moe_device_in_flight", device="desk")
    assert 2.0 == sample(metrics, "net4moe_device_waiting", device="phone")
    assert 0.0 == sample(metrics, "net4moe_breaker_open", device="desk")
    assert 1.0 == sample(metrics, "net4moe_devices", state="up")
    assert 1.0 == sample(metrics, "net4moe_devices", state="draining")
    devices.remove("phone")
    assert None is sample(metrics, "net4moe_device_waiting", device="phone")


def test_labels_are_bounded() -> None:
    """Devices that come and go do not grow it for ever."""
    metrics = Metrics(roster(), clock=lambda: 0.0)
    for number in range(300):
        metrics.attempted([attempt(f"d{number}")])
    assert 1.0 == sample(metrics, "net4moe_attempts_total", device="d255", outcome="done")
    assert None is sample(metrics, "net4moe_attempts_total", device="d256", outcome="done")
    assert 44.0 == sample(metrics, "net4moe_attempts_total", device="other", outcome="done")
