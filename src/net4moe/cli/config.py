"""The settings of every command: one TOML file over the defaults."""

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from net4moe.cli.settings import (
    EMBEDDED,
    DeviceSettings,
    ExpertSettings,
    GateSettings,
    GatewaySettings,
    JudgeSettings,
    ModelSettings,
    StudySettings,
)
from net4moe.cli.toml_records import Source, parsed, record
from net4moe.environment import RewardConfig
from net4moe.errors import ConfigError
from net4moe.network import DeviceConfig, SnrConfig

__all__ = [
    "EMBEDDED",
    "Config",
    "DeviceSettings",
    "ExpertSettings",
    "GateSettings",
    "GatewaySettings",
    "JudgeSettings",
    "ModelSettings",
    "StudySettings",
    "default_text",
    "devices_of",
    "key_of",
    "load",
    "with_changes",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings.

    Attributes:
      seed: the root of all randomness.
      max_cost_usd: limit on the price of all calls of a run, USD.
      models: endpoints by name; `embedded` is always there.
      gate: who decomposes and fuses.
      judge: who scores.
      held_out_judge: scores the study of quality once more, and is used for nothing else; None for none.
      experts: the writers.
      devices: what hosts them.
      snr: how links are drawn.
      reward: what quality is worth and what the air costs.
      study: how much is collected and trained.
      gateway: what is served, and what a request may spend.
    """

    seed: int = 0
    max_cost_usd: float = float("inf")
    models: dict[str, ModelSettings] = field(default_factory=dict[str, ModelSettings])
    gate: GateSettings = field(default_factory=GateSettings)
    judge: JudgeSettings = field(default_factory=JudgeSettings)
    held_out_judge: JudgeSettings | None = None
    experts: tuple[ExpertSettings, ...]
    devices: tuple[DeviceSettings, ...] = ()
    snr: SnrConfig = field(default_factory=SnrConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    study: StudySettings = field(default_factory=StudySettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)


def default_text() -> str:
    """Read the default settings, as TOML with comments."""
    return resources.files("net4moe.cli").joinpath("default.toml").read_text("utf-8")


def load(path: Path | None = None) -> Config:
    """Read the settings: the defaults, and over them a file.

    A table of the file changes the keys it names; a list of experts or devices replaces the default one.
    Devices that experts name and nobody describes get the default costs.

    Raises:
      ConfigError: the file cannot be read, or something in it is unknown, of the wrong type or out of range.
    """
    default = Source(path=None, text=default_text())
    tables: dict[str, Any] = parsed(default)
    source = default
    if path is not None:
        try:
            source = Source(path=path, text=path.read_text("utf-8-sig"))
        except OSError as error:
            msg = f"{path} cannot be read ({error.strerror})."
            raise ConfigError(msg) from error
        except UnicodeDecodeError as error:
            msg = "the file is not UTF-8 text."
            raise ConfigError(msg, path=path) from error
        for name, value in parsed(source).items():
            known = tables.get(name)
            if isinstance(value, dict) and isinstance(known, dict):
                tables[name] = {**known, **value}
            else:
                tables[name] = value
        if "experts" in parsed(source) and "devices" not in parsed(source):
            tables.pop("devices")
    config = record(Config, tables, source)
    _check(config, source)
    return config


def devices_of(config: Config) -> tuple[DeviceConfig, ...]:
    """List the fleet: one device for each expert, the user's own first."""
    described = {device.name: device for device in config.devices}
    hosts = [
        described.get(
            expert.device or expert.name, DeviceSettings(name=expert.device or expert.name)
        ).hosting(expert.name)
        for expert in config.experts
    ]
    return tuple(sorted(hosts, key=lambda device: not device.local))


def with_changes(config: Config, **changes: object) -> Config:
    """Apply what the command line says over the file; None changes nothing."""
    return replace(config, **{name: value for name, value in changes.items() if value is not None})


def key_of(model: ModelSettings, environment: Mapping[str, str] = os.environ) -> str | None:
    """Read the key of a model from the environment.

    Raises:
      ConfigError: the variable is not set.
    """
    if not model.api_key_env:
        return None
    key = environment.get(model.api_key_env, "").strip()
    if not key:
        msg = (
            f"model '{model.name}' at {model.endpoint} needs a key; set the environment variable "
            f"{model.api_key_env}."
        )
        raise ConfigError(msg)
    return key


def _check(config: Config, source: Source) -> None:
    if not config.experts:
        msg = "a mixture needs at least one expert; add an [[experts]] table."
        raise source.error(msg, ("experts",))
    _check_unique([expert.name for expert in config.experts], "experts", source)
    _check_unique([device.name for device in config.devices], "devices", source)
    hosts = [expert.device or expert.name for expert in config.experts]
    for index, host in enumerate(hosts):
        if host in hosts[:index]:
            message = f"device '{host}' hosts two experts; give each its own device."
            raise source.error(message, ("experts", index, "device"))
    users = [
        (("gate", "model"), config.gate.model),
        *(
            (("judge", "model" if index == 0 else "panel"), name)
            for index, name in enumerate(config.judge.models)
        ),
        *((("held_out_judge", "model"), name) for name in (config.held_out_judge or config.judge).models),
        *(
            (("experts", index, "model"), expert.model)
            for index, expert in enumerate(config.experts)
            if not expert.endpoint
        ),
    ]
    for place, name in users:
        if name != EMBEDDED and name not in config.models:
            known = ", ".join([EMBEDDED, *config.models])
            msg = f"model '{name}' is not in [models]; known are {known}."
            raise source.error(msg, place)
    gate = config.models.get(config.gate.model)
    if gate and not gate.structured and not (gate.continues_text and gate.logprobs):
        msg = (
            f"model '{config.gate.model}' cannot be the gate: it needs `structured`, or `continues_text` and "
            "`logprobs`."
        )
        raise source.error(msg, ("gate", "model"))
    local = [index for index, device in enumerate(config.devices) if device.local]
    if len(local) > 1:
        msg = "only one device can be the user's own (`local = true`)."
        raise source.error(msg, ("devices", local[1], "local"))
    for index, device in enumerate(config.devices):
        if device.name not in hosts:
            near = difflib.get_close_matches(device.name, hosts, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else "name it as the `device` of one."
            message = f"device '{device.name}' hosts no expert; {hint}"
            raise source.error(message, ("devices", index, "name"))
    if config.seed < 0:
        msg = f"`seed` must be at least 0, got {config.seed}."
        raise source.error(msg, ("seed",))
    if not config.max_cost_usd >= 0:
        msg = f"`max_cost_usd` must be at least 0, got {config.max_cost_usd}."
        raise source.error(msg, ("max_cost_usd",))


def _check_unique(names: Sequence[str], section: str, source: Source) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            message = f"two {section} have the name '{name}'; names must be unique."
            raise source.error(message, (section, index, "name"))
