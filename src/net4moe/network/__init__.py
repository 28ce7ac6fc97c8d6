"""The devices, their links, and what writing and sending a passage costs."""

from net4moe.network.costs import compute_cost, load_bits, sending_time_s, transfer_cost, transfer_time_s
from net4moe.network.fleet import DeviceConfig, Fleet, fleet_arrays
from net4moe.network.rates import shannon_rate_bps
from net4moe.network.snr import SnrConfig, snr_db_from_uniform

__all__ = [
    "DeviceConfig",
    "Fleet",
    "SnrConfig",
    "compute_cost",
    "fleet_arrays",
    "load_bits",
    "sending_time_s",
    "shannon_rate_bps",
    "snr_db_from_uniform",
    "transfer_cost",
    "transfer_time_s",
]
