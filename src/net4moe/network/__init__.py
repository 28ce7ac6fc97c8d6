"""The devices, their links, and what writing and sending a passage takes.

    fleet --draw_world(key)--> world --links(time)--> links --send(payload)--> seconds, joules, outage

The formulas behind it are in `net4moe.network.radio`, the closed forms that simulations are held against in
`net4moe.network.theory` and `net4moe.network.queues`, recorded traces as files in `net4moe.network.traces`.
"""

from net4moe.network.costs import compute_cost, sending_time_s, transfer_cost, transfer_time_s
from net4moe.network.delivery import Delivery, deliver
from net4moe.network.device_state import DeviceState, Work, initial_state, rested, worked
from net4moe.network.fleet import DeviceConfig, Fleet, Terms, fleet_arrays
from net4moe.network.hardware import HARDWARE, HardwareConfig
from net4moe.network.links import Links, adapted, interfered, links, links_at, send, whereabouts_m
from net4moe.network.motion import (
    GaussMarkov,
    MobilityConfig,
    Orbit,
    RandomWaypoint,
    Still,
    Straight,
    Traced,
)
from net4moe.network.payloads import embedding_bits, hidden_state_bits, image_bits, load_bits
from net4moe.network.presets import PRESETS, Preset
from net4moe.network.radio.link_classes import LINK_CLASSES, LinkClass
from net4moe.network.radio.rates import shannon_rate_bps
from net4moe.network.radio.scenarios import Scenario
from net4moe.network.recordings import Recorded, Recording
from net4moe.network.snr import SnrConfig, snr_db_from_uniform
from net4moe.network.world import World, WorldConfig, draw_world

__all__ = [
    "HARDWARE",
    "LINK_CLASSES",
    "PRESETS",
    "Delivery",
    "DeviceConfig",
    "DeviceState",
    "Fleet",
    "GaussMarkov",
    "HardwareConfig",
    "LinkClass",
    "Links",
    "MobilityConfig",
    "Orbit",
    "Preset",
    "RandomWaypoint",
    "Recorded",
    "Recording",
    "Scenario",
    "SnrConfig",
    "Still",
    "Straight",
    "Terms",
    "Traced",
    "Work",
    "World",
    "WorldConfig",
    "adapted",
    "compute_cost",
    "deliver",
    "draw_world",
    "embedding_bits",
    "fleet_arrays",
    "hidden_state_bits",
    "image_bits",
    "initial_state",
    "interfered",
    "links",
    "links_at",
    "load_bits",
    "rested",
    "send",
    "sending_time_s",
    "shannon_rate_bps",
    "snr_db_from_uniform",
    "transfer_cost",
    "transfer_time_s",
    "whereabouts_m",
    "worked",
]
