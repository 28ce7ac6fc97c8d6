"""Say where a link runs: in which model's surroundings, at which frequency and heights.

Sources: 3GPP TR 38.901 v16.1 (`umi`, `uma`, `rma`, `inh_*`, `inf_*`; the same entries in v19.2), TR 37.885
v15.3 (`v2v_*`), TR 38.811 v15.4 (`ntn_*`, S band), IEEE 802.11-14/0980r16 (`residential`, of TGax).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, get_args

from net4moe.network.arrays import check, warn_outside

__all__ = ["LIMITS", "Limits", "Scenario", "ScenarioName", "scenario_of", "vehicle_blockage_db"]

ScenarioName = Literal[
    "free_space",
    "inf_dh",
    "inf_dl",
    "inf_sh",
    "inf_sl",
    "inh_mixed",
    "inh_open",
    "ntn_rural",
    "ntn_suburban",
    "ntn_urban",
    "residential",
    "rma",
    "uma",
    "umi",
    "v2v_highway",
    "v2v_urban",
]

_ANY = (0.0, math.inf)
_VEHICLE_HEIGHT_M = 1.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a model was made for. Outside it a value is an extrapolation.

    Attributes:
      source: document and table.
      base_m: height of the base antenna where none is given, m.
      frequency_hz: least and greatest frequency, Hz.
      base_height_m: least and greatest height of the base antenna, m.
      user_height_m: least and greatest height of the user's antenna, m.
      distance_m: least and greatest distance, m; a link nearer than the least is held there. Where the
        standard states none, the least is 1 m and there is no greatest.
      nlos_distance_m: greatest distance out of sight, m.
      in_space: whether the distances are in space; else they are along the ground.
    """

    source: str
    base_m: float
    frequency_hz: tuple[float, float] = (0.5e9, 100e9)
    base_height_m: tuple[float, float] = _ANY
    user_height_m: tuple[float, float] = _ANY
    distance_m: tuple[float, float] = (1.0, math.inf)
    nlos_distance_m: float = math.inf
    in_space: bool = True


_TR_38_901 = "TR 38.901 Table 7.4.1-1"
_TR_38_811 = "TR 38.811 clause 6.6, S band"
_INH = Limits(source=_TR_38_901, base_m=3.0, distance_m=(1.0, 150.0), nlos_distance_m=150.0)
_INF_LOW = Limits(source=_TR_38_901, base_m=1.5, distance_m=(1.0, 600.0), nlos_distance_m=600.0)
_INF_HIGH = Limits(source=_TR_38_901, base_m=8.0, distance_m=(1.0, 600.0), nlos_distance_m=600.0)
_NTN = Limits(source=_TR_38_811, base_m=600e3, frequency_hz=(2e9, 4e9))
_V2V = Limits(source="TR 37.885 Table 6.2.1-1", base_m=_VEHICLE_HEIGHT_M)

LIMITS: Mapping[ScenarioName, Limits] = MappingProxyType(
    {
        "free_space": Limits(source="Friis", base_m=1.5, frequency_hz=_ANY),
        "inf_dh": _INF_HIGH,
        "inf_dl": _INF_LOW,
        "inf_sh": _INF_HIGH,
        "inf_sl": _INF_LOW,
        "inh_mixed": _INH,
        "inh_open": _INH,
        "ntn_rural": _NTN,
        "ntn_suburban": _NTN,
        "ntn_urban": _NTN,
        "residential": Limits(source="IEEE 802.11-14/0980r16", base_m=1.5, frequency_hz=(2.4e9, 7.125e9)),
        "rma": Limits(
            source=_TR_38_901,
            base_m=35.0,
            frequency_hz=(0.5e9, 30e9),
            base_height_m=(10.0, 150.0),
            user_height_m=(1.0, 10.0),
            distance_m=(10.0, 10e3),
            nlos_distance_m=5e3,
            in_space=False,
        ),
        "uma": Limits(
            source=_TR_38_901,
            base_m=25.0,
            base_height_m=(25.0, 25.0),
            user_height_m=(1.5, 22.5),
            distance_m=(10.0, 5e3),
            nlos_distance_m=5e3,
            in_space=False,
        ),
        "umi": Limits(
            source=_TR_38_901,
            base_m=10.0,
            base_height_m=(10.0, 10.0),
            user_height_m=(1.5, 22.5),
            distance_m=(10.0, 5e3),
            nlos_distance_m=5e3,
            in_space=False,
        ),
        "v2v_highway": _V2V,
        "v2v_urban": _V2V,
    }
)

# Density, size and height of the clutter: TR 38.901 Table 7.8-7 and its defaults in Sionna 2.2.0.
_CLUTTER: Mapping[ScenarioName, tuple[float, float, float]] = {
    "inf_dh": (0.6, 2.0, 6.0),
    "inf_dl": (0.6, 2.0, 6.0),
    "inf_sh": (0.2, 10.0, 2.0),
    "inf_sl": (0.2, 10.0, 2.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Where a link runs. What lies outside the model's limits gives a `RangeWarning`.

    Attributes:
      name: the model. `umi` street canyon, `uma` urban macrocell, `rma` rural macrocell, `inh_*` office,
        mixed or open, `inf_*` factory with sparse or dense clutter and a low or high base antenna, `v2v_*`
        between vehicles, `ntn_*` from a satellite, `residential` between rooms, `free_space`.
      frequency_hz: carrier frequency, Hz, greater than 0.
      base_height_m: height of the higher antenna above the ground, m, greater than 0; the standard's default
        where None. Of a satellite, its altitude.
      user_height_m: height of the lower antenna, m, greater than 0.
      environment_height_m: effective height of the surroundings, m, less than both heights (`umi`, `uma`).
      street_width_m: mean width of the streets, m (`rma`).
      building_height_m: mean height of the buildings, m (`rma`).
      clutter_density: share of the ground that clutter covers, at least 0, less than 1 (`inf_*`); as the
        next two, the standard's calibration where None.
      clutter_size_m: typical size of the clutter, m (`inf_*`).
      clutter_height_m: effective height of the clutter, m (`inf_*`).
      num_walls: walls that the link passes, at least 0 (`residential`).
      num_floors: floors that the link passes, at least 0 (`residential`).
      blocked_by: what stands in the way where the line of sight is blocked: `building`, the standard's NLOS
        state, or `vehicle`, its NLOSv state, as between vehicles in one street (`v2v_*`).
      scintillates: whether to add ionospheric scintillation, within 20 degrees of the equator (`ntn_*`).
      shadowing_std_db: standard deviations of shadowing in sight and out of sight, dB, at least 0; the
        standard's where None.
    """

    name: ScenarioName
    frequency_hz: float
    base_height_m: float | None = None
    user_height_m: float = 1.5
    environment_height_m: float = 1.0
    street_width_m: float = 20.0
    building_height_m: float = 5.0
    clutter_density: float | None = None
    clutter_size_m: float | None = None
    clutter_height_m: float | None = None
    num_walls: int = 0
    num_floors: int = 0
    blocked_by: Literal["building", "vehicle"] = "building"
    scintillates: bool = False
    shadowing_std_db: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse what means nothing; warn of what the model was not made for."""
        for label, got, known in (
            ("name", self.name, get_args(ScenarioName)),
            ("blocked_by", self.blocked_by, ("building", "vehicle")),
        ):
            if got not in known:
                message = f"`{label}` must be one of {', '.join(known)}, got '{got}'."
                raise ValueError(message)
        check("frequency_hz", self.frequency_hz, above=0)
        floor_m = self.environment_height_m if self.name in ("uma", "umi") else 0.0
        check("environment_height_m", self.environment_height_m, least=0)
        check("base_height_m", self.base_m, above=floor_m)
        check("user_height_m", self.user_height_m, above=floor_m)
        check("street_width_m", self.street_width_m, above=0)
        check("building_height_m", self.building_height_m, above=0)
        density, size_m, height_m = self.clutter
        check("clutter_density", density, least=0)
        if density >= 1:
            message = f"`clutter_density` must be less than 1, got {density}."
            raise ValueError(message)
        check("clutter_size_m", size_m, above=0)
        check("clutter_height_m", height_m, least=0)
        check("num_walls", self.num_walls, least=0)
        check("num_floors", self.num_floors, least=0)
        for std_db in self.shadowing_std_db or ():
            check("shadowing_std_db", std_db, least=0)
        self._warn()

    def _warn(self) -> None:
        """Warn of what the model was not made for."""
        limits = LIMITS[self.name]
        ranges = [
            ("frequency_hz", self.frequency_hz, limits.frequency_hz),
            ("base_height_m", self.base_m, limits.base_height_m),
            ("user_height_m", self.user_height_m, limits.user_height_m),
        ]
        if self.name == "rma":
            ranges += [
                ("street_width_m", self.street_width_m, (5.0, 50.0)),
                ("building_height_m", self.building_height_m, (5.0, 50.0)),
            ]
        if self.name in ("inf_dh", "inf_sh"):
            ranges += [
                ("base_height_m", self.base_m, (self.clutter[2], 25.0)),
                ("user_height_m", self.user_height_m, (0.0, self.clutter[2])),
            ]
        for label, value, (least, greatest) in ranges:
            warn_outside(
                label, value, least=least, greatest=greatest, model=f"`{self.name}` ({limits.source})"
            )

    @property
    def base_m(self) -> float:
        """Height of the base antenna, m: what was given, or the standard's default."""
        return LIMITS[self.name].base_m if self.base_height_m is None else self.base_height_m

    @property
    def clutter(self) -> tuple[float, float, float]:
        """Density, size in m and height in m of the clutter: what was given, or the standard's."""
        density, size_m, height_m = _CLUTTER.get(self.name, (0.0, 1.0, 0.0))
        return (
            density if self.clutter_density is None else self.clutter_density,
            size_m if self.clutter_size_m is None else self.clutter_size_m,
            height_m if self.clutter_height_m is None else self.clutter_height_m,
        )


def scenario_of(
    scenario: Scenario | ScenarioName,
    *,
    frequency_hz: float | None = None,
    base_height_m: float | None = None,
    user_height_m: float | None = None,
) -> Scenario:
    """Take a scenario, or the name of one, with what was given besides in place of its own.

    Args:
      scenario: where the link runs, or the name of it; then `frequency_hz` is needed.
      frequency_hz: carrier frequency, Hz.
      base_height_m: height of the higher antenna, m.
      user_height_m: height of the lower antenna, m.

    Raises:
      ValueError: the name comes without a frequency, or a number means nothing.
    """
    given: dict[str, Any] = {
        "frequency_hz": frequency_hz,
        "base_height_m": base_height_m,
        "user_height_m": user_height_m,
    }
    given = {label: value for label, value in given.items() if value is not None}
    if isinstance(scenario, Scenario):
        return replace(scenario, **given) if given else scenario
    if frequency_hz is None:
        message = f"`frequency_hz` must be given with the name of a scenario, got '{scenario}' alone."
        raise ValueError(message)
    return Scenario(name=scenario, **given)


def vehicle_blockage_db(scenario: Scenario) -> tuple[float, float]:
    """Find mean and standard deviation of what a vehicle in the way adds to the loss.

    TR 37.885 clause 6.2.1, NLOSv, for a car 1.6 m high: nothing where both antennas are above it, 9 and
    4.5 dB where both are below, else 5 and 4 dB. The mean grows by max(0, 15 log10(d) - 41) besides. The
    standard draws the loss from a log-normal law; here its mean joins the path loss and its spread the
    shadowing, so that the law is normal in dB.

    Args:
      scenario: heights of the antennas.
    """
    if min(scenario.base_m, scenario.user_height_m) > _VEHICLE_HEIGHT_M:
        return 0.0, 0.0
    if max(scenario.base_m, scenario.user_height_m) < _VEHICLE_HEIGHT_M:
        return 9.0, 4.5
    return 5.0, 4.0
