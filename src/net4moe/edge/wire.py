"""What devices and gateways say to each other: strict, versioned, JSON.

    device -> gateway    Join, Telemetry (each heartbeat), Leave
    gateway -> device    Joined, Heard, and calls in the OpenAI form

Every message but the first is signed (`net4moe.edge.signing`); an unknown field, a number that is none or
another version is refused. What a device says of itself is a claim: the gateway believes what it measures.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "NAME_PATTERN",
    "VERSION",
    "Capability",
    "ExpertOffer",
    "Heard",
    "Join",
    "Joined",
    "Leave",
    "LinkReport",
    "PowerReport",
    "SpeedReport",
    "Telemetry",
]

VERSION = 1
"""Version of the messages; another one is refused."""

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$"
"""What a device and an expert may be called: they stand in model names, metrics and tables."""

_Name = Annotated[str, Field(pattern=NAME_PATTERN)]
_Model = Annotated[str, Field(min_length=1, max_length=200)]
_Text = Annotated[str, Field(max_length=2_000)]
_Positive = Annotated[float, Field(gt=0)]
_Count = Annotated[int, Field(ge=0, le=100_000)]
_Share = Annotated[float, Field(ge=0, le=1)]

Capability = Literal["structured", "logprobs", "continues_text", "continues_reply", "reads_text"]
"""What a model can be asked for; the fields of `net4moe.chat.Capabilities`."""


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class ExpertOffer(_Message):
    """An expert that a device hosts.

    Attributes:
      name: the expert; several devices may host the same one.
      field: what it is good at.
      model: what the device's own server calls the model behind it.
      persona: how it is told to write.
      verbosity: its words per word that a passage needs.
      units_per_word: compute units that a word takes.
      examples: phrases of its field, for a gate that routes by example.
      capabilities: what its model can be asked for.
    """

    name: _Name
    field: Annotated[str, Field(min_length=1, max_length=60)]
    model: _Model
    persona: _Text = ""
    verbosity: _Positive = 1.0
    units_per_word: _Positive = 0.1
    examples: Annotated[tuple[_Text, ...], Field(max_length=16)] = ()
    capabilities: tuple[Capability, ...] = ()


class SpeedReport(_Message):
    """How fast a device's model was, measured by the device; None where it has not been measured.

    Attributes:
      prefill_tokens_per_s: tokens read a second.
      decode_tokens_per_s: tokens written a second, for one text.
      num_calls: calls that were measured.
    """

    prefill_tokens_per_s: _Positive | None = None
    decode_tokens_per_s: _Positive | None = None
    num_calls: _Count = 0


class LinkReport(_Message):
    """The link between device and gateway, as the device knows it.

    Attributes:
      kind: `local` for none, the gateway's own computer; `radio` where the system tells the signal; `measured`
        where only rate and round trip are known; `simulated` where a trace plays the link.
      snr_db: signal-to-noise ratio, dB.
      rssi_dbm: received power, dBm.
      rate_bps: rate that a passage gets, bit/s.
      round_trip_s: time of an empty call there and back, seconds.
      loss: share of calls that were lost.
    """

    kind: Literal["local", "radio", "measured", "simulated"]
    snr_db: float | None = None
    rssi_dbm: float | None = None
    rate_bps: _Positive | None = None
    round_trip_s: Annotated[float, Field(ge=0)] | None = None
    loss: _Share = 0.0


class PowerReport(_Message):
    """What feeds the device and how hot it is; None where the system does not tell.

    Attributes:
      charge_share: share of the battery.
      on_mains: whether it is plugged in.
      temperature_c: temperature of the processor, degrees Celsius.
      active_w: power that it draws while it writes, W.
    """

    charge_share: _Share | None = None
    on_mains: bool | None = None
    temperature_c: float | None = None
    active_w: _Positive | None = None


class Telemetry(_Message):
    """A heartbeat: all that a device says of itself.

    Attributes:
      version: of the messages.
      device: its name.
      epoch: number of its joining, as the gateway gave it; messages of an older one are refused.
      sequence: number of this message in its epoch, increasing.
      time_unix_s: the device's clock, corrected by what the gateway told, seconds since 1970.
      state: `up`, or `draining`: it ends what it has and takes nothing new.
      experts: what it hosts.
      models: all models of its server, for calls that name one.
      num_slots: texts that it writes at the same time.
      num_busy: texts that it writes now.
      num_waiting: calls that wait in its queue.
      compute_cost_per_word: price of writing one word on it, reward units.
      units_limit: compute units that one subtask may need on it; None for any number.
      bandwidth_hz: bandwidth of its link, Hz.
      speed: how fast it was.
      link: its link.
      power: battery and heat.
    """

    version: Literal[1] = VERSION
    device: _Name
    epoch: _Count
    sequence: Annotated[int, Field(ge=0)]
    time_unix_s: _Positive
    state: Literal["up", "draining"] = "up"
    experts: Annotated[tuple[ExpertOffer, ...], Field(max_length=64)] = ()
    models: Annotated[tuple[_Model, ...], Field(max_length=256)] = ()
    num_slots: Annotated[int, Field(ge=1, le=1_024)] = 1
    num_busy: _Count = 0
    num_waiting: _Count = 0
    compute_cost_per_word: Annotated[float, Field(ge=0)] = 0.01
    units_limit: _Positive | None = None
    bandwidth_hz: _Positive = 20e6
    speed: SpeedReport = SpeedReport()
    link: LinkReport
    power: PowerReport = PowerReport()


class Join(_Message):
    """A device asks to join; whoever sends it shows that it knows the code without sending it.

    Attributes:
      version: of the messages.
      device: the name it wants.
      port: the port it listens on; the address is where the message comes from.
      secure: whether it listens with TLS.
      fingerprint: SHA-256 of its certificate, hexadecimal; empty without TLS.
      nonce: random, hexadecimal, never used before.
      proof: HMAC-SHA-256 of all the rest, keyed by the code, hexadecimal.
    """

    version: Literal[1] = VERSION
    device: _Name
    port: Annotated[int, Field(ge=1, le=65_535)]
    secure: bool = False
    fingerprint: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    proof: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Joined(_Message):
    """The gateway takes a device in. Both compute the device's key from the code and the two nonces.

    Attributes:
      device: the name it has from now on; another one where the wanted one was taken.
      epoch: number of this joining.
      nonce: random, hexadecimal.
      time_unix_s: the gateway's clock, which the device goes by.
      heartbeat_s: seconds between heartbeats.
      proof: HMAC-SHA-256 of all the rest and the device's nonce, keyed by the code, hexadecimal.
    """

    device: _Name
    epoch: _Count
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    time_unix_s: _Positive
    heartbeat_s: _Positive
    proof: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Heard(_Message):
    """The gateway's answer to a heartbeat.

    Attributes:
      sequence: of the heartbeat that it answers.
      time_unix_s: the gateway's clock.
      wanted: `stay`; `drain`: take nothing new; `rejoin`: the gateway no longer knows the device.
    """

    sequence: Annotated[int, Field(ge=0)]
    time_unix_s: _Positive
    wanted: Literal["stay", "drain", "rejoin"] = "stay"


class Leave(_Message):
    """A device says goodbye.

    Attributes:
      device: its name.
      epoch: number of its joining.
    """

    device: _Name
    epoch: _Count
