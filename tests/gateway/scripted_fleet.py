"""Devices of a roster for tests of the gateway."""

from typing import Any, Literal

from net4moe.edge.wire import ExpertOffer, LinkReport, SpeedReport, Telemetry
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.records import Candidate

__all__ = ["candidate", "device_of", "roster_of", "telemetry"]


def telemetry(name: str = "a", *, epoch: int = 0, sequence: int = 0, **fields: Any) -> Telemetry:
    """Make a heartbeat."""
    expert = ExpertOffer(name="plot", field="plot", model="tiny")
    given = {"link": LinkReport(kind="local"), "models": ("tiny", "large"), "experts": (expert,)} | fields
    return Telemetry(device=name, epoch=epoch, sequence=sequence, time_unix_s=1.0, **given)


def device_of(
    name: str = "a",
    *,
    base_url: str = "http://127.0.0.1:1/v1",
    kind: Literal["agent", "endpoint"] = "endpoint",
    slots: int = 4,
    tokens_per_s: float | None = None,
    local: bool = False,
    **fields: Any,
) -> Device:
    """Make a device."""
    speed = SpeedReport(decode_tokens_per_s=tokens_per_s)
    told = telemetry(name, num_slots=slots, speed=speed, **fields)
    return Device(name=name, base_url=base_url, kind=kind, telemetry=told, local=local)


def roster_of(*devices: Device, now_s: float = 0.0, seed: int = 0) -> Roster:
    """Make a roster."""
    roster = Roster(seed=seed)
    for device in devices:
        roster.add(device, now_s=now_s)
    return roster


def candidate(name: str = "a", model: str = "tiny", expert: str = "plot") -> Candidate:
    """Make a candidate."""
    return Candidate(device=name, model=model, expert=expert)
