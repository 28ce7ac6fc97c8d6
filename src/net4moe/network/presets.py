"""Fleets that are ready to use: where devices stand, how they move, what carries their bits.

Each has eight devices, the user's own first, with the experts of the default settings. Positions are metres
east, north and up; links run from each device to the user. The maps are ours; the formulas behind the links
are the standards' (see `net4moe.network.radio`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from net4moe.network.fleet import DeviceConfig
from net4moe.network.hardware import (
    CAR,
    DESKTOP_GPU,
    EDGE_SERVER,
    LAPTOP,
    PHONE,
    SATELLITE,
    SENSOR_GATEWAY,
    TELEVISION,
    HardwareConfig,
)
from net4moe.network.motion import MobilityConfig, Orbit, RandomWaypoint, Still, Straight
from net4moe.network.radio.link_classes import LEO, LORA, LTE_M, NB_IOT, NR, SIDELINK, WIFI, LinkClass
from net4moe.network.radio.scenarios import Scenario, ScenarioName

__all__ = ["PRESETS", "Preset"]

_EXPERTS = ("pocket", "rose", "holmes", "nova", "scout", "jester", "chronicler", "tutor")

_SMALL_CELL = replace(NR, name="NR small cell", transmit_power_dbm=30.0, noise_figure_db=9.0)
_MACRO_CELL = replace(
    _SMALL_CELL,
    name="NR macro cell",
    frequency_hz=2.1e9,
    transmit_power_dbm=43.0,
    antenna_gain_db=15.0,
)
_RURAL_CELL = replace(_MACRO_CELL, name="NR 700 MHz", frequency_hz=700e6, bandwidth_hz=10e6)
_MILLIMETRE_CELL = replace(
    _SMALL_CELL, name="NR 28 GHz", frequency_hz=28e9, bandwidth_hz=100e6, antenna_gain_db=25.0
)
_FACTORY_CELL = replace(_SMALL_CELL, name="NR factory cell", frequency_hz=3.7e9, transmit_power_dbm=24.0)
_FACTORY_DEVICE = replace(_FACTORY_CELL, name="NR factory device", antenna_gain_db=0.0)
_THROUGH_A_WALL = replace(_SMALL_CELL, name="NR small cell, indoors", penetration_loss_db=15.0)
_BEHIND_A_VEHICLE = Scenario(
    name="v2v_urban",
    frequency_hz=SIDELINK.frequency_hz,
    base_height_m=1.6,
    user_height_m=1.5,
    blocked_by="vehicle",
)
_HIGHER_LEO = replace(LEO, name="LEO 1200 km", transmit_power_dbm=LEO.transmit_power_dbm + 6.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A fleet that is ready to use.

    Attributes:
      name: its name.
      summary: one sentence on where and what it is.
      seconds: a time over which it is worth watching.
      devices: its devices, the user's own first.
    """

    name: str
    summary: str
    seconds: float
    devices: tuple[DeviceConfig, ...]


def _user(name: str, position_m: tuple[float, float, float], mobility: MobilityConfig) -> DeviceConfig:
    """Describe the user's own device: no link, dear computing, and only small subtasks fit."""
    return DeviceConfig(
        name=name,
        expert=_EXPERTS[0],
        local=True,
        compute_cost_per_word=0.03,
        units_limit=3.5,
        position_m=position_m,
        mobility=mobility,
        hardware=PHONE,
    )


def _device(
    name: str,
    position_m: tuple[float, float, float],
    link: LinkClass,
    scenario: ScenarioName | Scenario,
    hardware: HardwareConfig,
    mobility: MobilityConfig | None = None,
) -> DeviceConfig:
    """Describe another device. A word costs more where it takes longer to write."""
    return DeviceConfig(
        name=name,
        expert=name,
        compute_cost_per_word=round(0.3 / hardware.tokens_per_s, 4),
        position_m=position_m,
        link=link,
        scenario=scenario,
        hardware=hardware,
        mobility=mobility or Still(),
    )


def _preset(name: str, summary: str, seconds: float, *devices: DeviceConfig) -> Preset:
    """Give each device the expert of its place."""
    hosts = tuple(replace(device, expert=_EXPERTS[n]) for n, device in enumerate(devices))
    return Preset(name=name, summary=summary, seconds=seconds, devices=hosts)


def _home() -> Preset:
    def rooms(num_walls: int, num_floors: int = 0) -> Scenario:
        return Scenario(
            name="residential",
            frequency_hz=WIFI.frequency_hz,
            num_walls=num_walls,
            num_floors=num_floors,
        )

    walk = RandomWaypoint(
        width_m=11.0, height_m=8.0, least_speed_m_s=0.3, greatest_speed_m_s=1.2, pause_s=20.0
    )
    return _preset(
        "home",
        "A flat with Wi-Fi, a car before the door and a small cell down the street.",
        300.0,
        _user("phone", (5.0, 4.0, 1.5), walk),
        _device("laptop", (7.0, 6.5, 0.8), WIFI, rooms(0), LAPTOP),
        _device("tablet", (2.0, 6.0, 0.9), WIFI, rooms(1), PHONE, walk),
        _device("desktop", (10.0, 7.0, 0.7), WIFI, rooms(1), DESKTOP_GPU),
        _device("car", (17.0, 1.0, 1.0), WIFI, rooms(2), CAR),
        _device("television", (0.5, 3.0, 1.0), WIFI, rooms(0), TELEVISION),
        _device("home server", (10.5, 0.5, 0.4), WIFI, rooms(2, 1), EDGE_SERVER),
        _device("base station", (90.0, 60.0, 10.0), _THROUGH_A_WALL, "umi", EDGE_SERVER),
    )


def _campus() -> Preset:
    walk = RandomWaypoint(
        width_m=300.0, height_m=200.0, least_speed_m_s=0.8, greatest_speed_m_s=1.6, pause_s=30.0
    )
    drive = RandomWaypoint(
        width_m=300.0, height_m=200.0, least_speed_m_s=3.0, greatest_speed_m_s=8.0, pause_s=15.0
    )
    return _preset(
        "campus",
        "A walk between buildings: cells, a lecture hall's Wi-Fi, a shuttle, and sensors on narrow bands.",
        600.0,
        _user("phone", (150.0, 100.0, 1.5), walk),
        _device("library", (70.0, 60.0, 10.0), _SMALL_CELL, "umi", EDGE_SERVER),
        _device("cafeteria", (230.0, 140.0, 10.0), _SMALL_CELL, "umi", DESKTOP_GPU),
        _device("rooftop", (150.0, 330.0, 25.0), _MACRO_CELL, "uma", EDGE_SERVER),
        _device("lecture hall", (150.0, 90.0, 3.0), WIFI, "inh_open", LAPTOP),
        _device("shuttle", (100.0, 20.0, 1.6), SIDELINK, _BEHIND_A_VEHICLE, CAR, drive),
        _device("weather mast", (280.0, 190.0, 25.0), LORA, "uma", SENSOR_GATEWAY),
        _device("car park", (20.0, 180.0, 10.0), NB_IOT, "umi", SENSOR_GATEWAY),
    )


def _street_canyon() -> Preset:
    pavement = RandomWaypoint(
        width_m=300.0,
        height_m=4.0,
        least_speed_m_s=0.8,
        greatest_speed_m_s=1.6,
        pause_s=5.0,
        origin_m=(0.0, -10.0),
    )
    lane = RandomWaypoint(
        width_m=300.0,
        height_m=6.0,
        least_speed_m_s=4.0,
        greatest_speed_m_s=12.0,
        pause_s=8.0,
        origin_m=(0.0, -3.0),
    )
    shop = Scenario(name="residential", frequency_hz=WIFI.frequency_hz, num_walls=1)
    return _preset(
        "street canyon",
        "A pavement between houses: lamp posts at 3.5 and 28 GHz, vehicles, a shop and a roof behind.",
        600.0,
        _user("phone", (150.0, -8.0, 1.5), pavement),
        _device("west lamp", (60.0, 9.0, 10.0), _SMALL_CELL, "umi", EDGE_SERVER),
        _device("east lamp", (240.0, -11.0, 10.0), _SMALL_CELL, "umi", EDGE_SERVER),
        _device("28 GHz lamp", (150.0, 9.0, 10.0), _MILLIMETRE_CELL, "umi", DESKTOP_GPU),
        _device("taxi", (40.0, 0.0, 1.6), SIDELINK, _BEHIND_A_VEHICLE, CAR, lane),
        _device("shop", (110.0, -16.0, 2.0), WIFI, shop, DESKTOP_GPU),
        _device("roof", (180.0, 380.0, 25.0), _MACRO_CELL, "uma", EDGE_SERVER),
        _device("kiosk", (280.0, 10.0, 10.0), LTE_M, "umi", TELEVISION),
    )


def _factory() -> Preset:
    hall = RandomWaypoint(
        width_m=100.0, height_m=50.0, least_speed_m_s=0.5, greatest_speed_m_s=1.5, pause_s=20.0
    )
    aisle = RandomWaypoint(
        width_m=100.0, height_m=50.0, least_speed_m_s=0.5, greatest_speed_m_s=2.0, pause_s=30.0
    )
    return _preset(
        "factory",
        "A hall full of machines: cells under the roof, controllers among the clutter, a carrier on its round.",
        600.0,
        _user("handheld", (50.0, 25.0, 1.5), hall),
        _device("west cell", (25.0, 25.0, 8.0), _FACTORY_CELL, "inf_dh", EDGE_SERVER),
        _device("east cell", (75.0, 25.0, 8.0), _FACTORY_CELL, "inf_dh", EDGE_SERVER),
        _device("controller", (40.0, 10.0, 1.5), _FACTORY_DEVICE, "inf_dl", LAPTOP),
        _device("robot", (60.0, 38.0, 1.5), _FACTORY_DEVICE, "inf_dl", DESKTOP_GPU),
        _device("carrier", (10.0, 40.0, 1.5), _FACTORY_DEVICE, "inf_sl", LAPTOP, aisle),
        _device("office", (108.0, 25.0, 3.0), WIFI, "inh_mixed", DESKTOP_GPU),
        _device("press sensor", (90.0, 10.0, 1.5), LTE_M, "inf_dl", SENSOR_GATEWAY),
    )


def _vehicle_convoy() -> Preset:
    def ahead(metres: float, speed_m_s: float = 25.0) -> tuple[tuple[float, float, float], Straight]:
        return (metres, 0.0, 1.6), Straight(velocity_m_s=(speed_m_s, 0.0))

    hidden = Scenario(
        name="v2v_highway",
        frequency_hz=SIDELINK.frequency_hz,
        base_height_m=1.6,
        user_height_m=1.6,
        blocked_by="vehicle",
    )
    unit = replace(hidden, base_height_m=5.0)
    own_m, own = ahead(0.0)
    truck_m, truck = ahead(60.0, 24.6)
    leader_m, leader = ahead(140.0)
    follower_m, follower = ahead(-45.0, 25.3)
    tail_m, tail = ahead(-110.0)
    return _preset(
        "vehicle convoy",
        "Five vehicles at 90 km/h past two roadside units, a rural macrocell beside the road.",
        60.0,
        _user("own car", own_m, own),
        _device("truck", truck_m, SIDELINK, hidden, CAR, truck),
        _device("leader", leader_m, SIDELINK, hidden, CAR, leader),
        _device("follower", follower_m, SIDELINK, hidden, CAR, follower),
        _device("tail", tail_m, SIDELINK, hidden, LAPTOP, tail),
        _device("first unit", (400.0, 12.0, 5.0), SIDELINK, unit, EDGE_SERVER),
        _device("second unit", (1100.0, -12.0, 5.0), SIDELINK, unit, EDGE_SERVER),
        _device("mast", (800.0, 700.0, 35.0), _RURAL_CELL, "rma", EDGE_SERVER),
    )


def _leo() -> Preset:
    walk = RandomWaypoint(
        width_m=1000.0, height_m=1000.0, least_speed_m_s=0.5, greatest_speed_m_s=1.5, pause_s=60.0
    )
    above_m = (0.0, 0.0, 600e3)
    return _preset(
        "leo",
        "Far out in the country: satellites pass overhead, a mast and a farm stand on the horizon.",
        600.0,
        _user("phone", (500.0, 500.0, 1.5), walk),
        _device("north satellite", above_m, LEO, "ntn_rural", SATELLITE, Orbit(heading_deg=10.0)),
        _device(
            "east satellite",
            above_m,
            LEO,
            "ntn_rural",
            SATELLITE,
            Orbit(heading_deg=80.0, track_offset_m=300e3),
        ),
        _device(
            "south satellite",
            above_m,
            LEO,
            "ntn_rural",
            SATELLITE,
            Orbit(heading_deg=190.0, track_offset_m=-600e3),
        ),
        _device(
            "high satellite",
            (0.0, 0.0, 1200e3),
            _HIGHER_LEO,
            "ntn_rural",
            SATELLITE,
            Orbit(altitude_m=1200e3, heading_deg=45.0),
        ),
        _device("mast", (2600.0, 1900.0, 35.0), _RURAL_CELL, "rma", EDGE_SERVER),
        _device("farm", (1900.0, -300.0, 10.0), LTE_M, "rma", DESKTOP_GPU),
        _device("rain gauge", (-300.0, 900.0, 10.0), LORA, "rma", SENSOR_GATEWAY),
    )


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        preset.name: preset
        for preset in (_campus(), _factory(), _home(), _leo(), _street_canyon(), _vehicle_convoy())
    }
)
"""The presets by name."""
