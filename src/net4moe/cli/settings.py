"""The parts of the settings, one record for each table of the file."""

from dataclasses import dataclass
from typing import Literal

from net4moe.chat import Capabilities, Patience, Price
from net4moe.mixture.records import Aspect
from net4moe.network import DeviceConfig

__all__ = [
    "EMBEDDED",
    "DeviceSettings",
    "ExpertSettings",
    "GateSettings",
    "GatewaySettings",
    "JudgeSettings",
    "ModelSettings",
    "StudySettings",
]

EMBEDDED = "embedded"
"""The name of the embedded model in settings."""


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
      reads_text: whether `/v1/completions` tells the log-probabilities of a given text (`echo`), as vLLM does.
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
    reads_text: bool = False
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
            reads_text=self.reads_text,
        )

    @property
    def patience(self) -> Patience:
        """How long it is waited for."""
        return Patience(try_s=self.try_s, total_s=self.total_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """Who decomposes and fuses: a model's name in [models], how many subtasks at most, and whether at all."""

    model: str = EMBEDDED
    max_subtasks: int = 3
    splits: Literal["always", "auto"] = "always"

    def __post_init__(self) -> None:
        """Refuse a gate that splits into nothing."""
        if self.max_subtasks < 1:
            msg = f"`max_subtasks` must be at least 1, got {self.max_subtasks}."
            raise ValueError(msg)


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSettings:
    """Who scores.

    Attributes:
      model: a model's name in [models], or `embedded`.
      kind: `explicit` asks for a number, `implicit` whether the text is good, `likelihood` asks nothing and reads;
        `pairwise` compares texts and can only be checked. `auto` asks, and reads where the model can and cannot be
        asked (`structured = false`), as the embedded one.
      aspect: what a judge that is asked looks at.
      num_samples: numbers that are asked for and averaged, where a model gives no log-probabilities.
      panel: further models that judge in the same way; the mean of all counts.
    """

    model: str = EMBEDDED
    kind: Literal["auto", "explicit", "implicit", "pairwise", "likelihood"] = "auto"
    aspect: Aspect = "overall"
    num_samples: int = 1
    panel: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a judge that is never asked."""
        if self.num_samples < 1:
            msg = f"`num_samples` must be at least 1, got {self.num_samples}."
            raise ValueError(msg)

    @property
    def models(self) -> tuple[str, ...]:
        """List everybody who judges."""
        return (self.model, *self.panel)


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
class GatewaySettings:
    """What `net4moe gateway` serves, and what a request may spend where it does not say so itself.

    Attributes:
      host: address to listen on.
      port: port to listen on.
      policy: who places subtasks: `trained`, a checkpoint or a rule.
      shadow: a second policy that is asked and not followed; empty for none.
      max_in_flight: requests at the same time; as many again wait.
      deadline_s: time of a request, seconds.
      calls: calls to devices of a request.
      tokens: tokens of a request.
      price_usd: price of a request, USD.
      joules: energy of a request, J.
      air_bytes: bytes of a request over links.
      receipts_mb: room for receipts, megabytes.
      receipts_days: age of receipts, days.
      judged: whether every answer of the mixture is scored.
    """

    host: str = "127.0.0.1"
    port: int = 8400
    policy: str = "trained"
    shadow: str = ""
    max_in_flight: int = 256
    deadline_s: float = 60.0
    calls: int = 32
    tokens: int = 200_000
    price_usd: float = float("inf")
    joules: float = float("inf")
    air_bytes: int = 50_000_000
    receipts_mb: float = 100.0
    receipts_days: float = 30.0
    judged: bool = False

    def __post_init__(self) -> None:
        """Refuse a gateway that could serve nothing."""
        if not 0 <= self.port < 65_536:
            msg = f"`port` must be from 0 to 65535, got {self.port}."
            raise ValueError(msg)
        if self.max_in_flight < 1:
            msg = f"`max_in_flight` must be at least 1, got {self.max_in_flight}."
            raise ValueError(msg)
        for name in ("deadline_s", "calls", "tokens", "air_bytes", "receipts_mb", "receipts_days"):
            if not getattr(self, name) > 0:
                msg = f"`{name}` must be above 0, got {getattr(self, name)}."
                raise ValueError(msg)
        for name in ("price_usd", "joules"):
            if not getattr(self, name) >= 0:
                msg = f"`{name}` must be at least 0, got {getattr(self, name)}."
                raise ValueError(msg)
