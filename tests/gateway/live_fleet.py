"""Devices for tests: telemetry as a device would send it, without a device."""

from typing import Any

from net4moe.edge import ExpertOffer, LinkReport, PowerReport, SpeedReport, Telemetry
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.mixture import Subtask

FIELDS = ("romance", "mystery", "history")


def telemetry(name: str, **changes: Any) -> Telemetry:
    """Say what a device that hosts one expert says of itself."""
    told: dict[str, Any] = {
        "device": name,
        "epoch": 0,
        "sequence": 0,
        "time_unix_s": 1e9,
        "experts": (offer("rose", "romance"),),
        "link": LinkReport(kind="radio", snr_db=20.0),
        "speed": SpeedReport(prefill_tokens_per_s=500.0, decode_tokens_per_s=50.0, num_calls=9),
        "power": PowerReport(),
    }
    return Telemetry(**(told | changes))


def offer(name: str, field: str, **changes: Any) -> ExpertOffer:
    """Offer an expert."""
    told: dict[str, Any] = {
        "name": name,
        "field": field,
        "model": "small",
        "capabilities": ("continues_reply",),
    }
    return ExpertOffer(**(told | changes))


def device(name: str, *, local: bool = False, **changes: Any) -> Device:
    """Make a line of the roster."""
    return Device(
        name=name,
        base_url=f"http://{name.replace(' ', '-')}.test/v1",
        kind="endpoint",
        local=local,
        telemetry=telemetry(name, **changes),
    )


def roster(*devices: Device) -> Roster:
    """Put devices into a roster at time 0."""
    found = Roster()
    for one in devices:
        found.add(one, now_s=0.0)
    return found


def subtask(index: int = 0, *, field: str = "romance", words: float = 60.0, sure: float = 0.8) -> Subtask:
    """Make a subtask that mostly belongs to one field."""
    rest = (1.0 - sure) / (len(FIELDS) - 1)
    return Subtask(
        index=index,
        text="a kiss in the rain",
        kind="story",
        field=field,
        relevance=tuple((name, sure if name == field else rest) for name in FIELDS),
        words=words,
    )
