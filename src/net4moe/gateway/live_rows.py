"""The roster as arrays: a row for each expert on each device.

Everything is read again where a device joined, left or offers something else; one device's numbers where it was
touched by a heartbeat or a call (`Roster.touched`), or while its breaker is not at rest. So a decision among a
thousand devices takes less than a millisecond.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from net4moe.edge import ExpertOffer
from net4moe.environment.history import History
from net4moe.gateway.fleet.roster import Device, Roster, claims_weight
from net4moe.gateway.records import Candidate
from net4moe.mixture import Subtask
from net4moe.mixture.expert import GENERAL
from net4moe.network import shannon_rate_bps
from net4moe.units import db_to_linear

__all__ = ["LiveRows", "RowTerms"]

_PROMPT_TOKENS = 200.0
_TEXT_TOKENS = 100.0
_PREFILL_TOKENS_PER_S = 500.0
_DECODE_TOKENS_PER_S = 30.0
_RATE_BPS = 20e6
_ACTIVE_W = 15.0
_LEAST_DB, _MOST_DB = -20.0, 60.0
_MOST_BITS = 20.0  # of a hertz
_NONE, _ELSE = -1, -2  # no model in memory that we know of; one that no row has

Floats = NDArray[np.float32]


class RowTerms(NamedTuple):
    """What an observation reads of the rows; see `net4moe.network.Terms`."""

    compute_cost_per_word: Floats
    bandwidth_hz: Floats
    units_limit: Floats
    local: NDArray[np.bool_]


class LiveRows:
    """The experts on the devices of a roster, `[R]`, kept up to date at little cost.

    Args:
      roster: the devices.
      history: what earlier passages tell of the experts.
      word_share: share of a link's bits that are words rather than frames around them: rate and bandwidth count
        for words only, as they do where policies are trained.

    Attributes:
      offers: the expert of each row.
      candidates: what would be called for each row.
      terms: prices, bandwidths and limits.
      usable: whether a call would be let through now.
      resident: whether the device wrote its last text with the row's model.
      verbosity: words for a word that a passage needs.
      units_per_word: compute units for a word.
      snr_db: signal-to-noise ratio; of a link of which only the rate is known, the one that would carry it, dB.
      known_snr_db: the same where a radio tells it, else not a number.
      rate_bps: rate at which words pass, frames left out, bit/s.
      round_trip_s: time of an empty call, seconds.
      loss: share of calls that are lost.
      charge_share: share of the battery; 1 on mains.
      active_w: power of a device that writes, W.
      prefill_s: expected time to read a prompt, seconds.
      decode_tokens_per_s: expected speed of writing.
      waiting_s: expected wait for a place, seconds.
      num_free: places that the device of each row has free.
    """

    def __init__(self, roster: Roster, history: History | None = None, *, word_share: float = 1.0) -> None:
        self._roster = roster
        self._word_share = word_share
        self._history = history
        self._version: int | None = None
        self._rebuild()

    def refresh(self, now_s: float) -> None:
        """Read again what has changed."""
        if self._roster.version != self._version:
            self._rebuild()
        touched = {self._index[name] for name in self._roster.touched & self._index.keys()}
        changed = list(touched | self._restless)
        self._roster.touched.clear()
        told = [index for index in changed if self._read(index, now_s)]
        if told:
            self._relate(told)
        self._spread(now_s)

    def device_of(self, row: int) -> int:
        """Tell which device a row belongs to, by its place in the roster."""
        return int(self._device_of[row])

    def same_device(self, row: int) -> NDArray[np.bool_]:
        """Mark the rows of the device of a row."""
        return self._device_of == self._device_of[row]

    def would_swap_model(self, row: int) -> NDArray[np.bool_]:
        """Mark the rows of its device that another model stands behind: both at once would swap models."""
        return self.same_device(row) & (self._model_of != self._model_of[row])

    def relevance(self, subtask: Subtask) -> Floats:
        """Tell how far a subtask belongs to the field of each row."""
        told = dict(subtask.relevance)
        even = 1.0 / max(len(told), 1)
        by_field = [told.get(field, even if field == GENERAL else 0.0) for field in self._fields]
        return np.array(by_field, np.float32)[self._field_of]

    def history_of(self, field: str) -> tuple[Floats, Floats]:
        """Look up expected score and words ratio of each row for a field; no number and 1 where unknown."""
        known = self._by_field.get(field)
        if known is None:
            pairs = [self._history and self._history.of_expert(field, offer.name) for offer in self.offers]
            known = (
                np.array([math.nan if pair is None else pair[0] for pair in pairs], np.float32),
                np.array([1.0 if pair is None else pair[1] for pair in pairs], np.float32),
            )
            self._by_field[field] = known
        return known

    def why_nobody(self) -> str:
        """Say in a few words why no row is usable."""
        if not self._devices:
            return "no device has joined."
        if not self.offers:
            return "no device offers an expert."
        if not self.usable.any():
            return f"all {len(self._devices)} devices are lost, draining or kept out after failures."
        return "it needs more units than the devices take."

    def _rebuild(self) -> None:
        self._version = self._roster.version
        self._devices: tuple[Device, ...] = self._roster.devices
        pairs = [(n, offer) for n, device in enumerate(self._devices) for offer in device.experts]
        self.offers: tuple[ExpertOffer, ...] = tuple(offer for _, offer in pairs)
        self._device_of = np.array([n for n, _ in pairs], np.intp)
        names = [self._devices[n].name for n, _ in pairs]
        self.candidates = tuple(
            Candidate(device=name, model=offer.model, expert=offer.name)
            for name, offer in zip(names, self.offers, strict=True)
        )
        self._fields = tuple(dict.fromkeys(offer.field for offer in self.offers))
        models = tuple(dict.fromkeys(offer.model for offer in self.offers))
        self._models = {model: index for index, model in enumerate(models)}
        self._field_of = np.array([self._fields.index(offer.field) for offer in self.offers], np.intp)
        self._model_of = np.array([models.index(offer.model) for offer in self.offers], np.intp)
        self.verbosity = _floats(offer.verbosity for offer in self.offers)
        self.units_per_word = _floats(offer.units_per_word for offer in self.offers)
        self._by_field: dict[str, tuple[Floats, Floats]] = {}
        self._index = {device.name: index for index, device in enumerate(self._devices)}
        self._columns = np.zeros((len(_DeviceColumns._fields), len(self._devices)), np.float32)
        self._lease_until_s = np.zeros(len(self._devices), np.float64)
        self._told: list[object] = [self] * len(self._devices)  # nobody has told that
        self._restless = set(range(len(self._devices)))  # all are still to be read

    def _read(self, index: int, now_s: float) -> bool:
        """Read a device; say whether it has told something new."""
        device = self._devices[index]
        at_rest = device.breaker.state(now_s) == "closed" and device.breaker.share(now_s) >= 1.0
        (self._restless.discard if at_rest else self._restless.add)(index)
        resident = self._models.get(device.resident, _ELSE) if device.resident else _NONE
        self._lease_until_s[index] = device.heard_s + device.lease_s if device.kind == "agent" else math.inf
        is_new = self._told[index] is not device.telemetry
        if is_new:
            self._told[index] = device.telemetry
            self._columns[:_NUM_TOLD, index] = _told(device)
        self._columns[_NUM_TOLD:-2, index] = (
            device.state(device.heard_s) == "up" and device.breaker.admits(now_s),
            device.num_in_flight + device.num_waiting,
            device.num_places(now_s),
            device.meter.tokens_per_s or math.nan,
            resident,
        )
        return is_new

    def _relate(self, changed: list[int]) -> None:
        """Compute rate and signal of the devices that were read."""
        read = _DeviceColumns(*self._columns[:, changed])
        rate_bps, snr_db = _links(read)
        self._columns[_DeviceColumns._fields.index("rate_bps"), changed] = rate_bps
        self._columns[_DeviceColumns._fields.index("snr_db"), changed] = snr_db

    def _spread(self, now_s: float) -> None:
        """Give every row what its device has."""
        rows = _DeviceColumns(*self._columns[:, self._device_of])
        self.terms = RowTerms(
            compute_cost_per_word=rows.compute_cost_per_word,
            bandwidth_hz=rows.bandwidth_hz * np.float32(self._word_share),
            units_limit=rows.units_limit,
            local=rows.local > 0,
        )
        self.known_snr_db, self.round_trip_s, self.loss = rows.known_snr_db, rows.round_trip_s, rows.loss
        self.snr_db, self.rate_bps = rows.snr_db, rows.rate_bps * np.float32(self._word_share)
        self.charge_share, self.prefill_s, self.active_w = rows.charge_share, rows.prefill_s, rows.active_w
        observed = rows.observed_tokens_per_s
        self.decode_tokens_per_s = np.where(np.isnan(observed), rows.decode_tokens_per_s, observed)
        ahead = np.maximum(rows.num_calls + 1.0 - rows.num_places, 0.0) / rows.num_places
        self.waiting_s = (ahead * _TEXT_TOKENS / self.decode_tokens_per_s).astype(np.float32)
        self.num_free = rows.num_places - rows.num_calls
        self.resident = (rows.resident == self._model_of) | (rows.resident == _NONE)
        usable = (rows.admitted > 0) & (self._lease_until_s[self._device_of] >= now_s)
        if 2 * int(usable.sum()) < len(usable):  # few are left: the roster knows whom to believe
            usable = self._by_roster(now_s)
        calm = usable & (self.resident | (rows.num_calls == 0))
        self.usable = calm if calm.any() else usable

    def _by_roster(self, now_s: float) -> NDArray[np.bool_]:
        admitted = {device.name for device in self._roster.usable(now_s=now_s)}
        return np.array([device.name in admitted for device in self._devices], np.bool_)[self._device_of]


class _DeviceColumns(NamedTuple):
    """What a device says of itself and what the gateway knows of it, as numbers."""

    compute_cost_per_word: Floats
    bandwidth_hz: Floats
    units_limit: Floats
    local: Floats
    known_snr_db: Floats
    known_rate_bps: Floats
    round_trip_s: Floats
    loss: Floats
    charge_share: Floats
    decode_tokens_per_s: Floats
    prefill_s: Floats
    active_w: Floats
    admitted: Floats  # from here on what the gateway knows
    num_calls: Floats
    num_places: Floats
    observed_tokens_per_s: Floats
    resident: Floats
    rate_bps: Floats
    snr_db: Floats


_NUM_TOLD = _DeviceColumns._fields.index("admitted")


def _told(device: Device) -> tuple[float, ...]:
    told = device.telemetry
    if told is None:
        return (0.01, _RATE_BPS, math.inf, device.local, math.nan, math.nan, 0.0, 0.0, 1.0,
                _DECODE_TOKENS_PER_S, _PROMPT_TOKENS / _PREFILL_TOKENS_PER_S, _ACTIVE_W)  # fmt: skip
    link = told.link
    prefill = told.speed.prefill_tokens_per_s or _PREFILL_TOKENS_PER_S
    on_mains = told.power.on_mains is not False or told.power.charge_share is None
    return (
        told.compute_cost_per_word,
        told.bandwidth_hz,
        told.units_limit or math.inf,
        device.local and link.kind != "simulated",
        math.nan if link.snr_db is None else link.snr_db,
        link.rate_bps or math.nan,
        link.round_trip_s or 0.0,
        link.loss,
        1.0 if on_mains or told.power.charge_share is None else told.power.charge_share,
        (told.speed.decode_tokens_per_s or _DECODE_TOKENS_PER_S) * claims_weight(device),
        _PROMPT_TOKENS / prefill,
        told.power.active_w or _ACTIVE_W,
    )


def _links(rows: _DeviceColumns) -> tuple[Floats, Floats]:
    """Find rate and signal of each row from the other where only one is known (Shannon), bit/s and dB.

    A link of which only the rate is known gets the signal that would carry that rate over its bandwidth.
    """
    known_db = np.clip(rows.known_snr_db, _LEAST_DB, _MOST_DB)
    carried = shannon_rate_bps(db_to_linear(np.nan_to_num(known_db)), rows.bandwidth_hz)
    told = np.where(np.isnan(rows.known_rate_bps), _RATE_BPS, rows.known_rate_bps)
    rate_bps = np.where(np.isnan(rows.known_rate_bps) & ~np.isnan(known_db), carried, told)
    linear = np.exp2(np.minimum(told / rows.bandwidth_hz, _MOST_BITS)) - 1.0
    equivalent_db = np.clip(10.0 * np.log10(np.maximum(linear, 1e-9)), _LEAST_DB, _MOST_DB)
    snr_db = np.where(np.isnan(known_db), equivalent_db, known_db)
    return np.maximum(rate_bps, 1.0).astype(np.float32), snr_db.astype(np.float32)


def _floats(values: Iterable[float]) -> Floats:
    return np.array(list(values), np.float32)
