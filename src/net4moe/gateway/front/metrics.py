"""What a Prometheus server can ask: counts, times and states, with labels of few values.

Labels are the kind of model that was asked, the status, how an attempt ended, and the device; of devices only the
first 256 have a name of their own, all others are `other`. No prompt, no key and no key's name is in it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar, cast

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.records import Attempt, Spent

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What `Metrics.text` is."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_MOST_DEVICES = 256

_Labelled = TypeVar("_Labelled", Counter, Histogram)


class Metrics:
    """The gateway's numbers.

    Args:
      roster: the devices, read when someone asks.
      clock: the roster's clock.
    """

    def __init__(self, roster: Roster, *, clock: Callable[[], float]) -> None:
        self._registry = registry = CollectorRegistry()
        self._devices: set[str] = set()
        self._children: dict[tuple[object, ...], Any] = {}
        self._requests = Counter(
            "net4moe_requests",
            "Requests answered; 499 where the client left.",
            ("kind", "status"),
            registry=registry,
        )
        self._seconds = Histogram(
            "net4moe_request_seconds",
            "From request to last byte.",
            ("kind",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._first = Histogram(
            "net4moe_first_text_seconds", "From request to first content.", ("kind",), buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._in_flight = Gauge("net4moe_requests_in_flight", "Requests under way.", registry=registry)
        self._attempts = Counter(
            "net4moe_attempts", "Calls to devices.", ("device", "outcome"), registry=registry
        )
        self._kinds = Counter(
            "net4moe_attempts_by_kind", "Calls: first, retry, hedge, handover.", ("attempt", "outcome"),
            registry=registry,
        )  # fmt: skip
        self._tokens = Counter("net4moe_tokens", "Tokens read and written.", ("kind",), registry=registry)
        self._calls = Counter(
            "net4moe_calls", "Calls to devices by what was asked.", ("kind",), registry=registry
        )
        self._price = Counter("net4moe_price_usd", "Price of all calls, USD.", ("kind",), registry=registry)
        self._joules = Counter(
            "net4moe_joules", "Energy on the air and for computing.", ("kind",), registry=registry
        )
        self._air = Counter("net4moe_air_bytes", "Bytes over links.", ("kind",), registry=registry)
        registry.register(_Fleet(roster, clock, self._device_label))
        ProcessCollector(registry=registry)

    def begun(self) -> None:
        """Count a request that came."""
        self._in_flight.inc()

    def ended(self, kind: str, status: int, seconds: float, first_text_s: float | None) -> None:
        """Count a request that was answered.

        Args:
          kind: what kind of model was asked.
          status: what was answered.
          seconds: from its arrival to its last byte.
          first_text_s: from its arrival to its first content; None where none was sent.
        """
        self._in_flight.dec()
        self._of(self._requests, kind, str(status)).inc()
        self._of(self._seconds, kind).observe(seconds)
        if first_text_s is not None:
            self._of(self._first, kind).observe(first_text_s)

    def attempted(self, attempts: Iterable[Attempt]) -> None:
        """Count calls to devices, retries, hedges and hand-overs among them."""
        for attempt in attempts:
            self._of(self._attempts, self._device_label(attempt.device), attempt.outcome).inc()
            self._of(self._kinds, attempt.kind, attempt.outcome).inc()

    def spent(self, kind: str, spent: Spent) -> None:
        """Count what a request took."""
        for counter, amount in (
            (self._calls, spent.calls),
            (self._tokens, spent.tokens),
            (self._price, spent.price_usd),
            (self._joules, spent.joules),
            (self._air, spent.air_bytes),
        ):
            if amount:
                self._of(counter, kind).inc(amount)

    def text(self) -> bytes:
        """Write all numbers in the form that Prometheus reads."""
        return generate_latest(self._registry)

    def _of(self, parent: _Labelled, *labels: str) -> _Labelled:
        """Find the number of some labels; the library's own search is slow."""
        key = (id(parent), *labels)
        if key not in self._children:
            self._children[key] = parent.labels(*labels)
        return cast("_Labelled", self._children[key])

    def _device_label(self, device: str) -> str:
        if device not in self._devices and len(self._devices) < _MOST_DEVICES:
            self._devices.add(device)
        return device if device in self._devices else "other"


class _Fleet(Collector):
    """The devices as they are at the moment of the question."""

    def __init__(self, roster: Roster, clock: Callable[[], float], label: Callable[[str], str]) -> None:
        self._roster = roster
        self._clock = clock
        self._label = label

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        now_s = self._clock()
        devices = self._roster.devices
        counts = dict.fromkeys(("up", "draining", "lost", "ejected"), 0)
        for device in devices:
            counts[device.state(now_s)] += 1
        states = GaugeMetricFamily("net4moe_devices", "Devices by state.", labels=("state",))
        for state, number in counts.items():
            states.add_metric((state,), number)
        yield states
        yield self._each(devices, "net4moe_device_in_flight", "Calls that it has.", lambda d: d.num_in_flight)
        yield self._each(
            devices, "net4moe_device_waiting", "Calls that wait for it.", lambda d: d.num_waiting
        )
        yield self._each(
            devices, "net4moe_device_places", "Calls that it may have.", lambda d: d.num_places(now_s)
        )
        yield self._each(
            devices,
            "net4moe_breaker_open",
            "Whether it is ejected.",
            lambda d: d.breaker.state(now_s) == "open",
        )

    def _each(
        self, devices: Sequence[Device], name: str, text: str, value: Callable[[Device], float]
    ) -> GaugeMetricFamily:
        sums: dict[str, float] = {}
        for device in devices:
            label = self._label(device.name)
            sums[label] = sums.get(label, 0.0) + value(device)
        family = GaugeMetricFamily(name, text, labels=("device",))
        for label, number in sums.items():
            family.add_metric((label,), number)
        return family
