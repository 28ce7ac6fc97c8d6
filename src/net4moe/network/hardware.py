"""What devices can compute, what it costs them, and ready descriptions of common ones.

Speeds and sizes of the descriptions come from published measurements where a source is named; powers, heat
and storage are typical values, ours. They stand for a language model that writes for one user at a time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from net4moe.network.arrays import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Float

__all__ = [
    "CAR",
    "DESKTOP_GPU",
    "EDGE_SERVER",
    "HARDWARE",
    "LAPTOP",
    "PHONE",
    "SATELLITE",
    "SENSOR_GATEWAY",
    "TELEVISION",
    "Hardware",
    "HardwareConfig",
    "compile_hardware",
    "cpu_energy_j",
]


def cpu_energy_j(
    cycles: Float[Any, "*N"], clock_hz: Float[Any, "*N"], kappa: float = 1e-27
) -> Float[Any, "*N"]:
    """Compute what a processor spends on cycles.

        E = kappa f^2 cycles

    The energy model of mobile edge computing (Burd and Brodersen 1996; kappa 1e-27 as in Mao et al. 2017,
    IEEE Commun. Surveys Tuts. 19(4)): 1e9 cycles at 1 GHz take 1 J.

    Args:
      cycles: cycles to compute.
      clock_hz: clock frequency, Hz.
      kappa: effective switched capacitance, W s^3.

    Returns:
      Energy, J.
    """
    return kappa * clock_hz * clock_hz * cycles


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareConfig:
    """What a device computes with, on what power, in what heat.

    Energy is either measured, by `tokens_per_j`, or follows from `clock_hz`, `cycles_per_token` and `kappa`.

    Attributes:
      tokens_per_s: tokens written per second, greater than 0.
      prompt_tokens_per_s: tokens of a prompt read per second, greater than 0.
      tokens_per_j: tokens written per joule, greater than 0.
      clock_hz: clock frequency, Hz, greater than 0.
      cycles_per_token: cycles per token written, greater than 0.
      kappa: effective switched capacitance, W s^3, greater than 0.
      idle_w: power that is drawn all the time, W, at least 0.
      battery_j: energy of the full battery, J, greater than 0; infinite on mains.
      harvest_w: power harvested at best, W, at least 0.
      ambient_c: temperature at rest, degrees Celsius.
      heat_resistance_k_per_w: rise of the temperature per watt of work that lasts, K/W, at least 0.
      heat_time_constant_s: time in which 63 % of that rise comes about, seconds, greater than 0.
      throttle_c: temperature from which it slows down, degrees Celsius.
      shutdown_c: temperature from which it refuses work, degrees Celsius, greater than `throttle_c`.
      least_speed_share: share of its speed that is left at `shutdown_c`, from above 0 to 1.
      model_bytes: size of an expert's weights, bytes, at least 0.
      storage_bytes_per_s: speed at which they are loaded, bytes/s, greater than 0.
      mean_up_s: mean time for which it is there, seconds, greater than 0; infinite where it is never away.
      mean_down_s: mean time for which it is away, seconds; 0 where it is never away.
    """

    tokens_per_s: float
    prompt_tokens_per_s: float
    tokens_per_j: float | None = None
    clock_hz: float | None = None
    cycles_per_token: float | None = None
    kappa: float = 1e-27
    idle_w: float = 0.0
    battery_j: float = math.inf
    harvest_w: float = 0.0
    ambient_c: float = 25.0
    heat_resistance_k_per_w: float = 0.0
    heat_time_constant_s: float = 300.0
    throttle_c: float = 80.0
    shutdown_c: float = 100.0
    least_speed_share: float = 0.3
    model_bytes: float = 0.0
    storage_bytes_per_s: float = math.inf
    mean_up_s: float = math.inf
    mean_down_s: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what no device can be."""
        for name in ("tokens_per_s", "prompt_tokens_per_s", "kappa", "heat_time_constant_s"):
            check(name, getattr(self, name), above=0.0)
        for name in ("battery_j", "storage_bytes_per_s", "mean_up_s"):
            check(name, getattr(self, name), above=0.0, infinite=True)
        for name in ("idle_w", "harvest_w", "heat_resistance_k_per_w", "model_bytes", "mean_down_s"):
            check(name, getattr(self, name), least=0.0)
        for name in ("ambient_c", "throttle_c", "shutdown_c"):
            check(name, getattr(self, name))
        energy = ("tokens_per_j", "clock_hz", "cycles_per_token")
        given = tuple(name for name in energy if getattr(self, name) is not None)
        if given not in (energy[:1], energy[1:]):
            message = "Energy must be given as `tokens_per_j`, or as `clock_hz` and `cycles_per_token`."
            raise ValueError(message)
        for name in given:
            check(name, getattr(self, name), above=0.0)
        if self.shutdown_c <= self.throttle_c:
            temperatures = f"{self.shutdown_c} and {self.throttle_c}"
            message = f"`shutdown_c` must be greater than `throttle_c`, got {temperatures}."
            raise ValueError(message)
        if not 0.0 < self.least_speed_share <= 1.0:
            message = (
                f"`least_speed_share` must be greater than 0 and at most 1, got {self.least_speed_share}."
            )
            raise ValueError(message)

    @property
    def joules_per_token(self) -> float:
        """Energy of one token written, J."""
        if self.tokens_per_j is not None:
            return 1.0 / self.tokens_per_j
        return cpu_energy_j(self.cycles_per_token, self.clock_hz, self.kappa)

    @property
    def busy_w(self) -> float:
        """Power of writing, and of reading a prompt, on top of `idle_w`, W."""
        return self.joules_per_token * self.tokens_per_s


class Hardware(NamedTuple):
    """The devices of a fleet as arrays; what is not said here is said at `HardwareConfig`.

    Attributes:
      tokens_per_s: tokens written per second.
      prompt_tokens_per_s: tokens of a prompt read per second.
      joules_per_token: energy of a token written, J.
      joules_per_prompt_token: energy of a token read, J.
      idle_w: power drawn all the time, W.
      battery_j: energy of the full battery, J.
      harvest_w: power harvested at best, W.
      ambient_c: temperature at rest, degrees Celsius.
      heat_resistance_k_per_w: rise of the temperature per watt, K/W.
      heat_time_constant_s: time constant of that rise, seconds.
      throttle_c: temperature from which a device slows down, degrees Celsius.
      shutdown_c: temperature from which it refuses work, degrees Celsius.
      least_speed_share: share of its speed at `shutdown_c`.
      load_s: time to load an expert, seconds.
      mean_up_s: mean time there, seconds.
      mean_down_s: mean time away, seconds.
    """

    tokens_per_s: Float[Any, " N"]
    prompt_tokens_per_s: Float[Any, " N"]
    joules_per_token: Float[Any, " N"]
    joules_per_prompt_token: Float[Any, " N"]
    idle_w: Float[Any, " N"]
    battery_j: Float[Any, " N"]
    harvest_w: Float[Any, " N"]
    ambient_c: Float[Any, " N"]
    heat_resistance_k_per_w: Float[Any, " N"]
    heat_time_constant_s: Float[Any, " N"]
    throttle_c: Float[Any, " N"]
    shutdown_c: Float[Any, " N"]
    least_speed_share: Float[Any, " N"]
    load_s: Float[Any, " N"]
    mean_up_s: Float[Any, " N"]
    mean_down_s: Float[Any, " N"]


def compile_hardware(configs: Sequence[HardwareConfig]) -> Hardware:
    """Lay devices out as NumPy arrays.

    A prompt is read with the power of writing, so a token read costs less as it is read faster.

    Raises:
      ValueError: there is no device.
    """
    if not configs:
        message = "`configs` must hold at least 1 device, got 0."
        raise ValueError(message)
    derived = {
        "joules_per_token": [config.joules_per_token for config in configs],
        "joules_per_prompt_token": [config.busy_w / config.prompt_tokens_per_s for config in configs],
        "load_s": [config.model_bytes / config.storage_bytes_per_s for config in configs],
    }
    return Hardware(
        *(
            np.array(derived.get(name) or [getattr(config, name) for config in configs], np.float64)
            for name in Hardware._fields
        )
    )


PHONE = HardwareConfig(
    tokens_per_s=50.2,
    prompt_tokens_per_s=260.5,
    tokens_per_j=8.4,
    idle_w=0.5,
    battery_j=70_000.0,
    heat_resistance_k_per_w=5.0,
    heat_time_constant_s=300.0,
    throttle_c=40.0,
    shutdown_c=55.0,
    least_speed_share=0.4,
    model_bytes=1.083 * 2**30,
    storage_bytes_per_s=1.5e9,
    mean_up_s=1800.0,
    mean_down_s=120.0,
)
"""A phone with a 4-bit model of 1.2 billion parameters.

Speeds and size: Llama 3.2 1B SpinQuant on a OnePlus 12, ExecuTorch's table (pytorch/executorch,
examples/models/llama/README.md). 6 W while writing, a battery of 19 Wh and the rest are typical, ours.
"""

LAPTOP = HardwareConfig(
    tokens_per_s=20.9,
    prompt_tokens_per_s=225.0,
    tokens_per_j=1.0,
    idle_w=4.0,
    battery_j=200_000.0,
    heat_resistance_k_per_w=2.2,
    heat_time_constant_s=200.0,
    throttle_c=85.0,
    shutdown_c=105.0,
    least_speed_share=0.5,
    model_bytes=4.9e9,
    storage_bytes_per_s=3e9,
    mean_up_s=3600.0,
    mean_down_s=600.0,
)
"""A laptop with an integrated graphics unit and a 4-bit model of 8 billion parameters.

Speeds: Llama 3.1 8B Q4_K_M on an Apple M4 of 10 cores by llama.cpp (brand-o/normiebench, issue 3). The rest
is typical, ours.
"""

DESKTOP_GPU = HardwareConfig(
    tokens_per_s=127.4,
    prompt_tokens_per_s=4035.0,
    tokens_per_j=0.36,
    idle_w=60.0,
    heat_resistance_k_per_w=0.13,
    heat_time_constant_s=120.0,
    throttle_c=83.0,
    shutdown_c=95.0,
    least_speed_share=0.6,
    model_bytes=3.56 * 2**30,
    storage_bytes_per_s=5e9,
)
"""A desktop computer with a large graphics card and a 4-bit model of 7 billion parameters.

Speeds and size: Llama 7B Q4_0 on an NVIDIA RTX 3090 Ti by llama.cpp (ggml-org/llama.cpp, pull request 4812).
350 W while writing and the rest are typical, ours.
"""

TELEVISION = HardwareConfig(
    tokens_per_s=8.0,
    prompt_tokens_per_s=40.0,
    tokens_per_j=1.6,
    idle_w=0.5,
    heat_resistance_k_per_w=8.0,
    heat_time_constant_s=400.0,
    throttle_c=75.0,
    shutdown_c=95.0,
    model_bytes=1e9,
    storage_bytes_per_s=0.3e9,
    mean_up_s=7200.0,
    mean_down_s=3600.0,
)
"""A television on mains, with the processor of a small computer and a 4-bit model of 1 billion parameters.

Typical, ours.
"""

CAR = HardwareConfig(
    tokens_per_s=30.0,
    prompt_tokens_per_s=800.0,
    tokens_per_j=0.75,
    idle_w=10.0,
    ambient_c=40.0,
    heat_resistance_k_per_w=1.0,
    heat_time_constant_s=300.0,
    throttle_c=85.0,
    shutdown_c=105.0,
    model_bytes=4.9e9,
    storage_bytes_per_s=2e9,
)
"""A car with an embedded graphics module of 40 W, fed by the vehicle, and a 4-bit model of 8 billion parameters.

Typical, ours.
"""

EDGE_SERVER = HardwareConfig(
    tokens_per_s=140.0,
    prompt_tokens_per_s=10_000.0,
    tokens_per_j=0.28,
    idle_w=250.0,
    heat_resistance_k_per_w=0.08,
    heat_time_constant_s=90.0,
    throttle_c=83.0,
    shutdown_c=92.0,
    least_speed_share=0.6,
    model_bytes=16e9,
    storage_bytes_per_s=6e9,
)
"""A server beside the base station with one data-centre card and a 16-bit model of 8 billion parameters.

Typical, ours.
"""

SATELLITE = HardwareConfig(
    tokens_per_s=10.0,
    prompt_tokens_per_s=200.0,
    tokens_per_j=0.8,
    idle_w=5.0,
    battery_j=300_000.0,
    harvest_w=40.0,
    ambient_c=20.0,
    heat_resistance_k_per_w=3.0,
    heat_time_constant_s=900.0,
    throttle_c=50.0,
    shutdown_c=65.0,
    model_bytes=1e9,
    storage_bytes_per_s=0.5e9,
)
"""A small satellite with an embedded graphics module, solar cells and a 4-bit model of 1 billion parameters.

It sheds heat by radiation alone, and slowly. Typical, ours.
"""

SENSOR_GATEWAY = HardwareConfig(
    tokens_per_s=5.0,
    prompt_tokens_per_s=15.0,
    clock_hz=1.5e9,
    cycles_per_token=3e8,
    idle_w=0.3,
    battery_j=40_000.0,
    harvest_w=2.0,
    heat_resistance_k_per_w=12.0,
    heat_time_constant_s=250.0,
    throttle_c=70.0,
    shutdown_c=85.0,
    model_bytes=0.4e9,
    storage_bytes_per_s=0.05e9,
    mean_up_s=3600.0,
    mean_down_s=300.0,
)
"""A gateway of sensors on solar cells, with a model of half a billion parameters on one core.

Its energy follows from clock and cycles: 0.675 J per token. Typical, ours.
"""

HARDWARE: Mapping[str, HardwareConfig] = MappingProxyType(
    {
        "phone": PHONE,
        "laptop": LAPTOP,
        "desktop_gpu": DESKTOP_GPU,
        "television": TELEVISION,
        "car": CAR,
        "edge_server": EDGE_SERVER,
        "satellite": SATELLITE,
        "sensor_gateway": SENSOR_GATEWAY,
    }
)
"""The descriptions by name."""
