"""What a model's name means."""

import pytest

from net4moe.errors import NoDevice
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.front.errors import Refused
from net4moe.gateway.front.models import Names, names, resolved
from tests.gateway.live_fleet import device, offer, roster


def fleet() -> Roster:
    """Two devices with two experts and a model of two parts."""
    return roster(
        device("desk", experts=(offer("rose", "romance", model="org/small"),)),
        device("phone", experts=(offer("holmes", "mystery"),), models=("tiny",)),
    )


def test_names_lead_to_devices() -> None:
    """The mixture, an expert, a device's model, a model wherever it is."""
    devices = fleet()
    assert resolved(devices, "net4moe").kind == "mixture"
    expert = resolved(devices, "net4moe/holmes")
    assert ("expert", "holmes") == (expert.kind, expert.expert)
    assert [("phone", "small")] == [(c.device, c.model) for c in expert.candidates(devices, 0.0)]
    exact = resolved(devices, "device/desk/org/small")
    assert [("desk", "org/small")] == [(c.device, c.model) for c in exact.candidates(devices, 0.0)]
    anywhere = resolved(devices, "tiny")
    assert ["phone"] == [c.device for c in anywhere.candidates(devices, 0.0)]


def test_all_names_are_listed_and_lead_somewhere() -> None:
    """What /v1/models says can be asked for."""
    devices = fleet()
    listed = [name for name, _ in names(devices)]
    assert listed == [
        "net4moe",
        "net4moe/holmes",
        "net4moe/rose",
        "device/desk/org/small",
        "device/phone/tiny",
        "device/phone/small",
    ]
    assert all(resolved(devices, name) for name in listed)


@pytest.mark.parametrize(
    ("model", "near"),
    [
        ("net4moe/holms", "`net4moe/holmes`"),
        ("device/desk/small", "`device/desk/org/small`"),
        ("device/desks/org/small", "`device/desk/org/small`"),
        ("device/desk/", "device/"),
        ("gpt-5", "`net4moe`"),
    ],
)
def test_an_unknown_name_is_404_with_near_ones(model: str, near: str) -> None:
    """So that a typing error is seen."""
    with pytest.raises(Refused) as refused:
        resolved(fleet(), model)
    assert (404, "model_not_found") == (refused.value.refusal.status, refused.value.refusal.code)
    assert near in refused.value.refusal.message


@pytest.mark.parametrize("model", [None, "", 3, ["net4moe"]])
def test_what_is_no_name_is_400(model: object) -> None:
    """And names the field."""
    with pytest.raises(Refused) as refused:
        resolved(fleet(), model)
    assert (400, "model") == (refused.value.refusal.status, refused.value.refusal.param)


def test_a_known_device_that_drains_is_no_typing_error() -> None:
    """It is 503, to be tried again."""
    devices = fleet()
    devices.drain("phone")
    for model in ("net4moe/holmes", "device/phone/tiny", "tiny"):
        with pytest.raises(NoDevice, match="can be reached now"):
            resolved(devices, model).candidates(devices, 0.0)


def test_an_endpoint_that_does_not_list_its_models_takes_any() -> None:
    """Its server says whether it has them."""
    devices = roster(Device(name="box", base_url="http://box.test/v1", kind="endpoint"))
    found = resolved(devices, "device/box/whatever").candidates(devices, 0.0)
    assert [("box", "whatever")] == [(c.device, c.model) for c in found]


def test_what_was_found_is_remembered_until_the_devices_change() -> None:
    """A device that goes takes its names with it."""
    devices = fleet()
    known = Names(devices)
    assert known.target("net4moe/holmes") is known.target("net4moe/holmes")
    devices.remove("phone")
    for unknown in ("net4moe/holmes", ["net4moe"], None):
        with pytest.raises(Refused):
            known.target(unknown)
