"""What the system tells of battery, heat and radio; None where it tells nothing."""

import ipaddress
import socket
from pathlib import Path

import psutil

from net4moe.edge.link import wireless_signal
from net4moe.edge.wire import PowerReport

__all__ = ["power", "signal_towards"]

_WIRELESS = Path("/proc/net/wireless")
_PROCESSORS = ("coretemp", "k10temp", "cpu_thermal", "soc_thermal", "acpitz")
_COLDEST_C = -40.0
_HOTTEST_C = 150.0


def power() -> PowerReport:
    """Look at battery and temperature."""
    share, on_mains = _battery()
    return PowerReport(charge_share=share, on_mains=on_mains, temperature_c=_temperature_c())


def signal_towards(own_address: str, table: Path = _WIRELESS) -> tuple[float, float | None] | None:
    """Look at the radio that has this address: received power and noise, dBm; None where there is none."""
    try:
        text = table.read_text("ascii", "replace")
    except OSError:
        return None
    interface = _interface_of(own_address)
    return None if interface is None else wireless_signal(text, interface)


def _battery() -> tuple[float | None, bool | None]:
    if not hasattr(psutil, "sensors_battery"):
        return None, None
    try:
        battery = psutil.sensors_battery()
    except (OSError, ValueError, NotImplementedError):
        return None, None
    if battery is None:
        return None, None
    return min(1.0, max(0.0, battery.percent / 100)), battery.power_plugged


def _temperature_c() -> float | None:
    if not hasattr(psutil, "sensors_temperatures"):
        return None
    try:
        sensors = psutil.sensors_temperatures()
    except (OSError, ValueError, NotImplementedError):
        return None
    names = [name for name in _PROCESSORS if name in sensors] or list(sensors)
    shown = [reading.current for name in names[:1] for reading in sensors[name]]
    real = [degrees for degrees in shown if _COLDEST_C < degrees < _HOTTEST_C]
    return max(real, default=None)


def _interface_of(address: str) -> str | None:
    try:
        wanted = ipaddress.ip_address(address)
    except ValueError:
        return None
    for name, addresses in psutil.net_if_addrs().items():
        for known in addresses:
            if known.family in (socket.AF_INET, socket.AF_INET6):
                text = known.address.partition("%")[0]
                if ipaddress.ip_address(text) == wanted:
                    return name
    return None
