"""The roster: which devices there are, what they offer, and which of them a call should go to.

States of a device, derived and never stored:

    up        it takes calls
    draining  it ends what it has; the operator or the device itself wants that
    lost      no heartbeat within its lease; after that it takes two heartbeats to be up again
    ejected   its breaker is open

Where more than half of those that could take a call are ejected, health is no longer believed (a fault of the
gateway's own looks like that): the ejected ones get a probe each, one at a time, after all others. A device
that is unknown, lost or draining never gets one.

What a device claims is a hint: the longer the gateway has measured it, the less its claims count, and claims
that turned out to be more than twice the truth are divided by how much they overstate.
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from pydantic import SecretStr

from net4moe.chat import Price
from net4moe.edge.wire import ExpertOffer, Telemetry
from net4moe.errors import JoinRefused, NoDevice
from net4moe.gateway.fleet.breaker import Breaker
from net4moe.gateway.fleet.meter import Meter
from net4moe.gateway.records import Candidate

__all__ = ["Device", "DeviceState", "Roster", "RosterConfig", "claims_weight"]

DeviceState = Literal["up", "draining", "lost", "ejected"]

_ENDPOINT_SLOTS = 64
_BYTES_PER_TOKEN = 200  # a streamed token with its frame
_MOST_RANKED = 48
_NEVER = float("-inf")


@dataclass(slots=True, kw_only=True, eq=False)
class Device:
    """One line of the roster, with all that the gateway knows of the device; it changes as calls go by.

    Attributes:
      name: its name, unique.
      base_url: where it listens, with the version, as `http://10.0.0.7:8100/v1`.
      kind: `agent`, whose calls are signed, or `endpoint`, a plain OpenAI-compatible one with a bearer token.
      key: the secret of either; None for an endpoint without one.
      fingerprint: SHA-256 of its certificate, hexadecimal; empty where none is pinned.
      local: whether it runs on the gateway's own computer, without radio.
      telemetry: what it said last; for an endpoint, what the settings say of it.
      heard_s: when it was heard last, monotonic seconds; an endpoint is never lost.
      breaker: keeps calls away while it fails.
      meter: what was measured.
      price: of its tokens.
      lease_s: how long it is believed to be there after a heartbeat, seconds.
      num_in_flight: calls that it has now.
      num_waiting: calls that wait for one of its places.
      epoch: number of its joining.
      wanted: what the operator wants of it.
      resident: the model that it wrote with last; empty before the first call.
      busy_until_s: until when it said that it is full, monotonic seconds.
      beats_to_go: heartbeats that a lost device still needs to be up again.
    """

    name: str
    base_url: str
    kind: Literal["agent", "endpoint"]
    key: SecretStr | None = None
    fingerprint: str = ""
    local: bool = False
    telemetry: Telemetry | None = None
    heard_s: float = 0.0
    breaker: Breaker = field(default_factory=Breaker)
    meter: Meter = field(default_factory=Meter)
    price: Price = field(default_factory=Price)
    lease_s: float = 12.0
    num_in_flight: int = 0
    num_waiting: int = 0
    epoch: int = 0
    wanted: Literal["stay", "drain"] = "stay"
    resident: str = ""
    busy_until_s: float = _NEVER
    beats_to_go: int = 0

    @property
    def experts(self) -> tuple[ExpertOffer, ...]:
        """Experts that it hosts."""
        return () if self.telemetry is None else self.telemetry.experts

    @property
    def models(self) -> tuple[str, ...]:
        """All models of its server, those of its experts among them."""
        if self.telemetry is None:
            return ()
        return tuple(dict.fromkeys((*self.telemetry.models, *(offer.model for offer in self.experts))))

    @property
    def num_slots(self) -> int:
        """Calls that it takes at the same time."""
        return _ENDPOINT_SLOTS if self.telemetry is None else self.telemetry.num_slots

    def num_places(self, now_s: float) -> int:
        """Count the calls that it may have now: its slots, fewer while it starts slowly, at least one."""
        return max(1, int(self.breaker.share(now_s) * self.num_slots))

    def state(self, now_s: float) -> DeviceState:
        """Say in which state it is."""
        if self.kind == "agent" and (now_s - self.heard_s > self.lease_s or self.beats_to_go > 0):
            return "lost"
        if self.wanted == "drain" or (self.telemetry is not None and self.telemetry.state == "draining"):
            return "draining"
        return "ejected" if self.breaker.state(now_s) == "open" else "up"

    def model_for(self, *, expert: str = "", model: str = "") -> str | None:
        """Name the model that it would use for an expert or a named model; None where it has neither."""
        if self.telemetry is None:
            return None
        for offer in self.telemetry.experts if expert else ():
            if offer.name == expert and model in ("", offer.model):
                return offer.model
        if expert:
            return None
        if model:
            return model if model in self.models else None
        return next(iter(self.models), None)

    def claimed_s(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """Expect how long a call takes by what the device claims, link and all, seconds; None without claims."""
        if self.telemetry is None or self.telemetry.speed.decode_tokens_per_s is None:
            return None
        speed, link = self.telemetry.speed, self.telemetry.link
        seconds = completion_tokens / self.telemetry.speed.decode_tokens_per_s
        if speed.prefill_tokens_per_s is not None:
            seconds += prompt_tokens / speed.prefill_tokens_per_s
        if link.round_trip_s is not None:
            seconds += link.round_trip_s
        if link.rate_bps is not None:
            seconds += 8 * _BYTES_PER_TOKEN * completion_tokens / link.rate_bps
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterConfig:
    """How devices are ranked.

    Attributes:
      prompt_tokens: tokens read by a usual call.
      completion_tokens: tokens written by a usual call.
      unknown_s: time of a call on a device of which nothing is known, seconds.
      swap_s: time that a device needs to load another model, seconds.
      tie: devices whose times differ by no more than this share take turns, at random.
    """

    prompt_tokens: int = 200
    completion_tokens: int = 150
    unknown_s: float = 2.0
    swap_s: float = 3.0
    tie: float = 0.1


class Roster:
    """All devices of a gateway.

    Args:
      config: how they are ranked.
      seed: of the turns that equal devices take.

    Attributes:
      version: grows whenever the set of devices or what they offer changes.
      touched: names of devices that were heard or called since somebody last looked and cleared it.
    """

    def __init__(self, config: RosterConfig | None = None, *, seed: int = 0) -> None:
        self.version = 0
        self.touched: set[str] = set()
        self._config = config or RosterConfig()
        self._chance = random.Random(seed)
        self._devices: dict[str, Device] = {}
        self._offers: dict[tuple[str, str], list[tuple[Device, str]]] = {}

    def add(self, device: Device, *, now_s: float) -> None:
        """Take a device in; one of the same name is replaced."""
        device.heard_s = now_s
        self._devices[device.name] = device
        self._changed()

    def remove(self, name: str) -> None:
        """Strike a device off.

        Raises:
          NoDevice: there is none of that name.
        """
        del self._devices[self.device(name).name]
        self._changed()

    def device(self, name: str) -> Device:
        """Find a device.

        Raises:
          NoDevice: there is none of that name.
        """
        try:
            return self._devices[name]
        except KeyError:
            msg = f"there is no device '{name}'."
            raise NoDevice(msg, device_id=name) from None

    def find(self, name: str) -> Device | None:
        """Find a device; None where there is none of that name."""
        return self._devices.get(name)

    def heard(self, telemetry: Telemetry, *, now_s: float) -> Device:
        """Take in a heartbeat.

        Raises:
          NoDevice: the device is unknown and has to join again.
          JoinRefused: the message is of another joining, or older than one that came before.
        """
        device = self.device(telemetry.device)
        before = device.telemetry
        if telemetry.epoch != device.epoch:
            msg = (
                f"device '{device.name}' speaks of its joining {telemetry.epoch}; the last is {device.epoch}."
            )
            raise JoinRefused(msg, device_id=device.name)
        if before is not None and before.epoch == telemetry.epoch and telemetry.sequence <= before.sequence:
            msg = f"device '{device.name}' sent message {telemetry.sequence} after {before.sequence}."
            raise JoinRefused(msg, device_id=device.name)
        if now_s - device.heard_s > device.lease_s:
            device.beats_to_go = 2
        device.beats_to_go = max(0, device.beats_to_go - 1)
        device.heard_s = now_s
        device.telemetry = telemetry
        device.local = device.local and telemetry.link.kind != "simulated"  # it plays one far away
        self.touched.add(device.name)
        if before is None or _offer(before) != _offer(telemetry):
            self._changed()
        return device

    def drain(self, name: str) -> None:
        """Give a device nothing new.

        Raises:
          NoDevice: there is none of that name.
        """
        self.device(name).wanted = "drain"
        self._changed()

    @property
    def devices(self) -> tuple[Device, ...]:
        """All devices: those on the gateway's own computer first, then by name."""
        return tuple(sorted(self._devices.values(), key=lambda device: (not device.local, device.name)))

    def usable(self, *, now_s: float, expert: str | None = None, model: str | None = None) -> list[Device]:
        """List the devices that may be called now, for an expert, a model or anything."""
        if expert or model:
            offering: Iterable[Device] = (device for device, _ in self._offering(expert or "", model or ""))
        else:
            offering = self.devices
        return _admitted(offering, now_s)

    def candidates(
        self, *, now_s: float, expert: str = "", model: str = "", device: str = ""
    ) -> list[Candidate]:
        """Rank the devices that could take a call now, the best first.

        Free slots come first, then slots beside a call of another model, then slots of a device whose last
        call failed a moment ago, then queues, then what is ejected; within each by the seconds that a usual
        call would take, a swap of models among them.

        Args:
          now_s: monotonic time.
          expert: the expert that must be there; empty for any.
          model: the model that must be there; empty for any.
          device: the only device that may be meant; empty for any.
        """
        offers = self._offering(expert, model)
        if len(offers) > _MOST_RANKED and not device:
            offers = self._chance.sample(offers, _MOST_RANKED)
        usable = {id(found) for found in _admitted((offering for offering, _ in offers), now_s)}
        ranked: list[tuple[int, float, Device, str]] = []
        for offering, name in offers:
            if id(offering) in usable and device in ("", offering.name):
                ranked.append((*self._rank(offering, name, now_s), offering, name))
        ranked.sort(key=lambda entry: entry[:2])
        return [Candidate(device=offering.name, model=name, expert=expert) for _, _, offering, name in ranked]

    def expected_s(
        self, device: Device, *, now_s: float, prompt_tokens: int = 0, completion_tokens: int = 0
    ) -> float:
        """Expect how long a call takes on an idle device, by measurements and claims, seconds."""
        config = self._config
        tokens = (prompt_tokens or config.prompt_tokens, completion_tokens or config.completion_tokens)
        claimed_s = device.claimed_s(*tokens)
        claimed_s = config.unknown_s if claimed_s is None else claimed_s / claims_weight(device)
        observed_s = device.meter.expected_s(*tokens)
        if observed_s is None:
            return claimed_s
        trust = device.meter.trust(now_s)
        return trust * observed_s + (1 - trust) * claimed_s

    def retry_after_s(self, now_s: float, *, expert: str = "", model: str = "") -> float:
        """Say when a device may be usable again, seconds from now, at least 1."""
        waits_s = [
            max(device.busy_until_s, device.breaker.opens_again_s) - now_s
            for device, _ in self._offering(expert, model)
            if device.state(now_s) in ("up", "ejected")
        ]
        return max(1.0, min(waits_s, default=1.0))

    def _rank(self, device: Device, model: str, now_s: float) -> tuple[int, float]:
        seconds = self.expected_s(device, now_s=now_s)
        num_places = device.num_places(now_s)
        seconds *= 1 + (device.num_in_flight + device.num_waiting) / num_places
        swaps = device.kind == "agent" and device.resident not in ("", model)
        if device.breaker.state(now_s) == "open":
            tier = 4
        elif device.num_in_flight >= num_places or now_s < device.busy_until_s:
            tier = 3
        elif device.breaker.suspects(now_s):
            tier = 2
        elif swaps:
            tier = 1 if device.num_in_flight else 0
            seconds += self._config.swap_s
        else:
            tier = 0
        return tier, seconds * (1 + self._config.tie * self._chance.random())

    def _offering(self, expert: str, model: str) -> list[tuple[Device, str]]:
        found = self._offers.get((expert, model))
        if found is None:
            if len(self._offers) > 1_000:  # names come from callers
                self._offers.clear()
            offers = ((device, device.model_for(expert=expert, model=model)) for device in self.devices)
            found = self._offers[expert, model] = [(device, name) for device, name in offers if name]
        return found

    def _changed(self) -> None:
        self.version += 1
        self._offers.clear()


def claims_weight(device: Device) -> float:
    """Say how far a device's claims are believed, between 0.01 and 1.

    1 where it is at least half as fast as it claims, or has not been measured over enough calls; else how
    fast it is over what it claims.
    """
    honesty = device.meter.honesty
    return 1.0 if honesty is None or honesty >= 0.5 else max(0.01, honesty)


def _offer(telemetry: Telemetry) -> tuple[object, ...]:
    return telemetry.experts, telemetry.models, telemetry.num_slots, telemetry.state


def _admitted(devices: Iterable[Device], now_s: float) -> list[Device]:
    there = [device for device in devices if device.state(now_s) in ("up", "ejected")]
    admitted = [device for device in there if device.breaker.admits(now_s)]
    if 2 * len(admitted) < len(there):
        return [device for device in there if device.breaker.admits_anyway(now_s)]
    return admitted
