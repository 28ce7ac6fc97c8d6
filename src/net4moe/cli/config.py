"""The settings of every command: one TOML file over the defaults."""

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from net4moe.chat import Capabilities, Patience, Price
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
    "JudgeSettings",
    "ModelSettings",
    "StudySettings",
    "default_text",
    "devices_of",
    "key_of",
    "load",
    "with_changes",
]

EMBEDDED = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """A language model behind an OpenAI-compatible endpoint.

    Attributes:
      endpoint: its URL with the version, as `http://127.0.0.1:11434/v1`.
      name: what the endpoint calls the model.
      api_key_env: the environment variable that holds the key; empty where none is needed.
      input_usd_per_mtok: price of a million tokens read, USD.
      output_usd_per_mtok: price of a million tokens written, USD.
      structured: whether it follows a JSON schema with sense.
      logprobs: whether its replies carry log-probabilities.
      continues_text: whether `/v1/completions` continues plain text with log-probabilities.
      continues_reply: whether it continues a last message of the assistant.
      places: calls at the same time; models of one endpoint share the smallest number given.
      try_s: time for one try, seconds.
      total_s: time for all tries of a call, seconds.
    """

    endpoint: str
    name: str
    api_key_env: str = ""
    input_usd_per_mtok: float = 0.0
    output_usd_per_mtok: float = 0.0
    structured: bool = True
    logprobs: bool = False
    continues_text: bool = False
    continues_reply: bool = False
    places: int = 4
    try_s: float = 120.0
    total_s: float = 300.0

    def __post_init__(self) -> None:
        """Refuse what could never be called."""
        if not self.endpoint.startswith(("http://", "https://")):
            msg = f"`endpoint` must start with http:// or https://, got '{self.endpoint}'."
            raise ValueError(msg)
        if self.api_key_env and not self.api_key_env.isidentifier():
            msg = "`api_key_env` must be the name of an environment variable, not the key itself."
            raise ValueError(msg)
        if self.places < 1:
            msg = f"`places` must be at least 1, got {self.places}."
            raise ValueError(msg)
        for name in ("try_s", "total_s"):
            if not 0 < getattr(self, name) < float("inf"):
                msg = f"`{name}` must be a number of seconds above 0, got {getattr(self, name)}."
                raise ValueError(msg)
        _ = self.price

    @property
    def price(self) -> Price:
        """What its tokens cost."""
        return Price(input_usd_per_mtok=self.input_usd_per_mtok, output_usd_per_mtok=self.output_usd_per_mtok)

    @property
    def capabilities(self) -> Capabilities:
        """What it can be asked for."""
        return Capabilities(
            structured=self.structured,
            logprobs=self.logprobs,
            continues_text=self.continues_text,
            continues_reply=self.continues_reply,
        )

    @property
    def patience(self) -> Patience:
        """How long it is waited for."""
        return Patience(try_s=self.try_s, total_s=self.total_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Who decomposes and fuses: a model's name in [models], and how many subtasks at most."""

    model: str = EMBEDDED
    max_subtasks: int = 3

    def __post_init__(self) -> None:
        """Refuse a gate that splits into nothing."""
        if self.max_subtasks < 1:
            msg = f"`max_subtasks` must be at least 1, got {self.max_subtasks}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """Who scores: a model's name in [models]."""

    model: str = EMBEDDED


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertSettings:
    """An expert.

    Attributes:
      name: unique.
      field: what it is good at; `general` for anything.
      persona: how it is told to write.
      model: a model's name in [models], `embedded`, or with `endpoint` the endpoint's own name for it.
      endpoint: the URL of an OpenAI-compatible endpoint, where the model is not in [models].
      device: the device that hosts it.
      verbosity: its words per word that a passage needs.
      units_per_word: compute units that a word takes.
      examples: phrases of its field, for a gate that routes by example.
    """

    name: str
    field: str
    persona: str = ""
    model: str = EMBEDDED
    endpoint: str = ""
    device: str = ""
    verbosity: float = 1.0
    units_per_word: float = 0.1
    examples: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check at the line where it stands."""
        for label in ("name", "field"):
            if not getattr(self, label).strip():
                msg = f"`{label}` of an expert must not be empty."
                raise ValueError(msg)
        for label in ("verbosity", "units_per_word"):
            if not 0 < getattr(self, label) < float("inf"):
                msg = f"`{label}` must be a number above 0, got {getattr(self, label)}."
                raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceSettings:
    """A device: what computing on it costs and what its link carries (see `net4moe.network.DeviceConfig`)."""

    name: str
    compute_cost_per_word: float = 0.01
    bandwidth_hz: float | None = None
    units_limit: float = float("inf")
    local: bool = False

    def __post_init__(self) -> None:
        """Check at the line where it stands."""
        _ = self.hosting("expert")

    def hosting(self, expert: str) -> DeviceConfig:
        """Make it a device of the fleet."""
        return DeviceConfig(
            name=self.name,
            expert=expert,
            compute_cost_per_word=self.compute_cost_per_word,
            bandwidth_hz=self.bandwidth_hz,
            units_limit=self.units_limit,
            local=self.local,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StudySettings:
    """How much is collected and trained.

    Attributes:
      num_prompts: prompts of the project's own that are collected where no file is given.
      held_out_share: share of the prompts kept from training, for evaluation.
      num_seeds: training runs.
      num_epochs: epochs of each.
      num_evaluation_episodes: held-out episodes that every policy is evaluated on.
    """

    num_prompts: int = 12
    held_out_share: float = 0.33
    num_seeds: int = 10
    num_epochs: int = 2_000
    num_evaluation_episodes: int = 512

    def __post_init__(self) -> None:
        """Refuse a study of nothing."""
        for name, low in (
            ("num_prompts", 2),
            ("num_seeds", 1),
            ("num_epochs", 1),
            ("num_evaluation_episodes", 1),
        ):
            if getattr(self, name) < low:
                msg = f"`{name}` must be at least {low}, got {getattr(self, name)}."
                raise ValueError(msg)
        if not 0 < self.held_out_share < 1:
            msg = f"`held_out_share` must be between 0 and 1, got {self.held_out_share}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings.

    Attributes:
      seed: the root of all randomness.
      max_cost_usd: limit on the price of all calls of a run, USD.
      models: endpoints by name; `embedded` is always there.
      gate: who decomposes and fuses.
      judge: who scores.
      experts: the writers.
      devices: what hosts them.
      snr: how links are drawn.
      reward: what quality is worth and what the air costs.
      study: how much is collected and trained.
    """

    seed: int = 0
    max_cost_usd: float = float("inf")
    models: dict[str, ModelSettings] = field(default_factory=dict[str, ModelSettings])
    gate: GateSettings = GateSettings()
    judge: JudgeSettings = JudgeSettings()
    experts: tuple[ExpertSettings, ...]
    devices: tuple[DeviceSettings, ...] = ()
    snr: SnrConfig = field(default_factory=SnrConfig)
    reward: RewardConfig = field(default_factory=RewardConfig)
    study: StudySettings = StudySettings()


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
        (("judge", "model"), config.judge.model),
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
