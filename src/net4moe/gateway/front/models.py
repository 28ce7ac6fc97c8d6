"""What a model's name in a request means, and which names there are."""

import difflib
from dataclasses import dataclass
from typing import Literal

from net4moe.errors import NoDevice
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.front.errors import Refusal, Refused
from net4moe.gateway.records import Candidate

__all__ = ["MIXTURE", "ModelKind", "Names", "Target", "names", "resolved"]

MIXTURE = "net4moe"
"""The model that is all experts together."""

_MOST_KNOWN = 10_000  # an endpoint that lists no models takes any name

ModelKind = Literal["mixture", "expert", "device", "model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a model's name stands for.

    Attributes:
      kind: the mixture, one expert wherever it is, one model on one device, or a model wherever it is.
      expert: the expert meant.
      model: the model meant.
      device: the device meant.
    """

    kind: ModelKind
    expert: str = ""
    model: str = ""
    device: str = ""

    def candidates(self, roster: Roster, now_s: float) -> list[Candidate]:
        """List who could take a call now, the best first.

        Raises:
          NoDevice: those that could are lost, draining or ejected.
        """
        found = roster.candidates(now_s=now_s, expert=self.expert, model=self.model, device=self.device)
        if not found and self.device and (device := _device(roster, self.device)) and not device.models:
            found = _unlisted(device, self.model, now_s)
        if not found:
            msg = f"{self._what()} is known, but no device that has it can be reached now."
            raise NoDevice(msg)
        return found

    def _what(self) -> str:
        if self.expert:
            return f"the expert '{self.expert}'"
        return f"the model '{self.model}'" + (f" on the device '{self.device}'" if self.device else "")


class Names:
    """Remembers what names mean, until the roster changes.

    Args:
      roster: the devices.
    """

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._version = roster.version
        self._known: dict[str, Target] = {}

    def target(self, model: object) -> Target:
        """Find out what a request's `model` means; see `resolved`."""
        if self._version != self._roster.version or len(self._known) > _MOST_KNOWN:
            self._version = self._roster.version
            self._known.clear()
        found = self._known.get(model) if isinstance(model, str) else None
        if found is None:
            found = resolved(self._roster, model)
            self._known[str(model)] = found
        return found


def resolved(roster: Roster, model: object) -> Target:
    """Find out what a request's `model` means.

    Raises:
      Refused: 400 where it is no name, 404 with near names where it is unknown.
    """
    if not isinstance(model, str) or not model:
        message = "`model` must be a model's name; GET /v1/models lists them."
        raise Refused(Refusal(status=400, message=message, param="model"))
    if model == MIXTURE:
        return Target(kind="mixture")
    target = _target(roster, model)
    if target is None:
        raise Refused(_unknown(roster, model))
    return target


def _target(roster: Roster, model: str) -> Target | None:
    first, _, rest = model.partition("/")
    if first == MIXTURE and any(offer.name == rest for device in roster.devices for offer in device.experts):
        return Target(kind="expert", expert=rest)
    if first == "device":
        name, _, wanted = rest.partition("/")
        device = _device(roster, name)
        if device is not None and wanted and (wanted in device.models or not device.models):
            return Target(kind="device", device=name, model=wanted)
        return None
    if any(model in device.models for device in roster.devices):
        return Target(kind="model", model=model)
    return None


def names(roster: Roster) -> list[tuple[str, str]]:
    """List all names that a request may use, and what serves them: the mixture, experts, models of devices."""
    devices = roster.devices
    experts = {offer.name: offer.field for device in devices for offer in device.experts}
    listed = [(MIXTURE, MIXTURE)] + [(f"{MIXTURE}/{name}", field) for name, field in sorted(experts.items())]
    return listed + [(f"device/{one.name}/{model}", one.name) for one in devices for model in one.models]


def _device(roster: Roster, name: str) -> Device | None:
    try:
        return roster.device(name)
    except NoDevice:
        return None


def _unlisted(device: Device, model: str, now_s: float) -> list[Candidate]:
    """Take a model's name as it is, where an endpoint does not say what it has."""
    there = device.state(now_s) == "up" and device.breaker.admits(now_s)
    return [Candidate(device=device.name, model=model)] if there else []


def _unknown(roster: Roster, model: str) -> Refusal:
    known = [name for name, _ in names(roster)]
    near = difflib.get_close_matches(model[:200], known, n=3, cutoff=0.4) or known[:3]
    listed = ", ".join(f"`{name}`" for name in near)
    message = f"The model `{model[:200]}` does not exist. Near names: {listed}."
    return Refusal(status=404, message=message, param="model", code="model_not_found")
