"""The fleets that are ready to use are what they say, and their links work most of the time."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from net4moe.network import PRESETS, Preset, Scenario, draw_world, fleet_arrays, links, send, whereabouts_m

NAMES = ("campus", "factory", "home", "leo", "street canyon", "vehicle convoy")
EXPERTS = ("pocket", "rose", "holmes", "nova", "scout", "jester", "chronicler", "tutor")

LINKS = {
    "campus": "NR small cell, NR small cell, NR macro cell, WIFI, SIDELINK, LORA, NB_IOT",
    "factory": "NR factory cell, NR factory cell, NR factory device, NR factory device, NR factory device, WIFI, "
    "LTE_M",
    "home": "WIFI, WIFI, WIFI, WIFI, WIFI, WIFI, NR small cell, indoors",
    "leo": "LEO, LEO, LEO, LEO 1200 km, NR 700 MHz, LTE_M, LORA",
    "street canyon": "NR small cell, NR small cell, NR 28 GHz, SIDELINK, WIFI, NR macro cell, LTE_M",
    "vehicle convoy": "SIDELINK, SIDELINK, SIDELINK, SIDELINK, SIDELINK, SIDELINK, NR 700 MHz",
}
SCENARIOS = {
    "campus": "umi umi uma inh_open v2v_urban uma umi",
    "factory": "inf_dh inf_dh inf_dl inf_dl inf_sl inh_mixed inf_dl",
    "home": "residential residential residential residential residential residential umi",
    "leo": "ntn_rural ntn_rural ntn_rural ntn_rural rma rma rma",
    "street canyon": "umi umi umi v2v_urban residential uma umi",
    "vehicle convoy": "v2v_highway v2v_highway v2v_highway v2v_highway v2v_highway v2v_highway rma",
}

# Wi-Fi that the user walks out of reach of: the hall of a campus, the office beside a factory, a shop in a street.
LEFT_BEHIND = {("campus", "lecture hall"): 0.4, ("factory", "office"): 0.3, ("street canyon", "shop"): 0.3}


@cache
def watched(name: str) -> dict[str, np.ndarray]:
    """Read 10 worlds of a preset at 20 moments each, [moments, devices]."""
    preset = PRESETS[name]
    fleet = fleet_arrays(preset.devices)
    rows: list[Any] = []
    for seed in range(10):
        world = draw_world(fleet, np.random.default_rng(seed))
        rows += [links(fleet, world, time) for time in np.linspace(0.0, preset.seconds, 20)]
    return {part: np.array([getattr(row, part) for row in rows]) for part in rows[0]._fields}


def test_the_six_presets() -> None:
    """Their names, in order, are the keys."""
    assert NAMES == tuple(PRESETS)
    assert NAMES == tuple(preset.name for preset in PRESETS.values())


@pytest.mark.parametrize("preset", PRESETS.values(), ids=NAMES)
def test_eight_devices_and_the_users_first(preset: Preset) -> None:
    """Eight experts, one local device that is first, different names, a sentence and a time."""
    assert EXPERTS == tuple(device.expert for device in preset.devices)
    assert [True] + [False] * 7 == [device.local for device in preset.devices]
    assert 8 == len({device.name for device in preset.devices})
    assert preset.summary.endswith(".")
    assert preset.seconds > 0


@pytest.mark.parametrize("preset", PRESETS.values(), ids=NAMES)
def test_what_carries_the_bits_and_where(preset: Preset) -> None:
    """Link classes and scenarios of the seven links; every sort of both stands in some preset."""
    others = preset.devices[1:]
    assert LINKS[preset.name] == ", ".join(device.link.name for device in others)
    names = [
        device.scenario.name if isinstance(device.scenario, Scenario) else device.scenario
        for device in others
    ]
    assert SCENARIOS[preset.name] == " ".join(names)
    for device in others:
        if isinstance(device.scenario, Scenario):
            assert device.scenario.frequency_hz == device.link.frequency_hz


@pytest.mark.parametrize("name", NAMES)
def test_distances_stay_in_the_models_ranges(name: str) -> None:
    """At least nine of ten moments of every link lie where its path-loss model was made for."""
    share = watched(name)["in_range"][:, 1:].mean(axis=0)
    assert share.min() > 0.9, share


@pytest.mark.parametrize("name", NAMES)
def test_links_carry_something_most_of_the_time(name: str) -> None:
    """While a device is there, its rate is positive in half of the moments or more, if not left behind."""
    seen = watched(name)
    for n, device in enumerate(PRESETS[name].devices[1:], start=1):
        there = seen["available"][:, n]
        share = (seen["rate_bps"][there, n] > 0).mean()
        assert share > LEFT_BEHIND.get((name, device.name), 0.5), device.name
        assert np.all(seen["rate_bps"][~there, n] == 0.0)
        assert seen["snr_db"][:, n].std() > 1.0


@pytest.mark.parametrize("name", NAMES)
def test_presets_are_worth_watching(name: str) -> None:
    """No two links are alike, none is a number that is not one, and the user moves."""
    preset = PRESETS[name]
    fleet = fleet_arrays(preset.devices)
    world = draw_world(fleet, np.random.default_rng(1))
    places = [whereabouts_m(world, time) for time in np.linspace(0.0, preset.seconds, 20)]
    assert np.ptp([place[0][0] for place in places]) > 1.0
    now = links(fleet, world, 1.0)
    assert len(set(now.snr_db.tolist())) == 8
    sent = send(fleet, now, 48_000.0)
    assert not any(np.isnan(part).any() for part in (*now, *sent))
    assert 0.0 == sent.seconds[0]


def test_satellites_stand_where_they_should() -> None:
    """From their altitude to the slant range at 10 degrees: 1932 km at 600 km, 3131 km at 1200 km (TR 38.821)."""
    distance_m = watched("leo")["distance_m"]
    for n, (least_km, greatest_km) in enumerate([(600, 1932)] * 3 + [(1200, 3131)], start=1):
        assert distance_m[:, n].min() > 0.999e3 * least_km
        assert distance_m[:, n].max() < 1.002e3 * greatest_km
    assert watched("leo")["propagation_s"][:, 1].max() == pytest.approx(6.4e-3, rel=0.02)
