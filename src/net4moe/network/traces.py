"""Recorded traces as files: CSV for people, Parquet for programs.

A trace is a long table, one row for each device at each instant, in any order in which every device's time
increases:

    time_s, device, and any of x_m, y_m, z_m, los, shadowing_db, fading_db, snr_db, available
"""

from __future__ import annotations

import difflib
import io
import math
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars

from net4moe.errors import TraceError
from net4moe.network.arrays import check
from net4moe.network.recordings import Recorded, Recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jaxtyping import Bool, Float, Int, Shaped

__all__ = ["Trace", "read_trace", "write_trace"]

_TRUTHS = ("los", "available")
_COLUMNS = ("time_s", "device", *Recorded._fields)
_UNITS = {"s": "seconds", "m": "metres", "db": "dB"}
_WORDS = {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}
_GAP = 10.0  # a step longer than so many median ones is a gap
_BRIDGE = "`allow_gaps=True` bridges it."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trace:
    """What was recorded of a fleet.

    Attributes:
      devices: names of the devices, the axis N of the recordings.
      time_s: the instants, the axis T of the recordings, seconds.
      recorded: the recordings, at least one.
    """

    devices: tuple[str, ...]
    time_s: Float[np.ndarray, " T"]
    recorded: Recorded

    def __post_init__(self) -> None:
        """Refuse what does not fit together."""
        if len(set(self.devices)) < len(self.devices) or not self.devices:
            message = f"`devices` must be different names, at least one, got {list(self.devices)}."
            raise ValueError(message)
        shape = (len(self.time_s), len(self.devices))
        if shape[0] < 2 or not np.isfinite(self.time_s).all() or not (np.diff(self.time_s) > 0).all():
            message = "`time_s` must hold at least 2 instants, finite and increasing."
            raise ValueError(message)
        if not self.columns:
            message = "`recorded` must hold at least 1 recording, got none."
            raise ValueError(message)
        for name in self.columns:
            values = np.asarray(getattr(self.recorded, name).values)
            if values.shape != shape:
                message = f"`{name}` must have the shape {shape}, got {values.shape}."
                raise ValueError(message)
            check(name, values)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what was recorded."""
        return tuple(name for name in Recorded._fields if getattr(self.recorded, name) is not None)


def write_trace(trace: Trace, path: Path) -> None:
    """Write a trace to a CSV or Parquet file, by its suffix, atomically; what is read back is equal, bit by bit.

    Raises:
      TraceError: the suffix is another one, the folder is missing or read-only, or the disk is full.
    """
    _check_suffix(path)
    num_instants, num_devices = len(trace.time_s), len(trace.devices)
    long: dict[str, Any] = {
        "time_s": np.repeat(np.asarray(trace.time_s, np.float64), num_devices),
        "device": list(trace.devices) * num_instants,
    }
    for name in trace.columns:
        values = np.asarray(getattr(trace.recorded, name).values).reshape(-1)
        long[name] = values.astype(np.bool_ if name in _TRUTHS else np.float64)
    content = io.BytesIO()
    frame = polars.DataFrame(long)
    if path.suffix == ".csv":
        frame.write_csv(content)
    else:
        frame.write_parquet(content)
    _replace(path, content.getvalue())


def read_trace(path: Path, *, devices: Sequence[str] | None = None, allow_gaps: bool = False) -> Trace:
    """Read a trace from a CSV or Parquet file, by its suffix.

    Args:
      path: the file.
      devices: names of the devices in the order of the fleet; None takes those of the file, as they come.
      allow_gaps: whether devices may be missing at some instants and steps may be long. Missing numbers are
        then put on the line between their neighbours in time, missing truth values held.

    Raises:
      TraceError: the file cannot be read or is none of ours; the text names the row and the value at fault.
    """
    _check_suffix(path)
    file = _File(path, _load(path))
    _check_columns(file)
    columns = {name: _read_column(file, name) for name in file.frame.columns if name != "device"}
    names = _read_devices(file, devices)
    known = tuple(devices) if devices is not None else tuple(dict.fromkeys(names))
    index = {name: n for n, name in enumerate(known)}
    rows = _Rows(file, columns.pop("time_s"), np.array([index[name] for name in names], np.int64), known)
    instants_s = _check_times(rows, allow_gaps)
    recorded = Recorded(
        **{
            name: Recording(
                instants_s - instants_s[0],
                _spread(rows, instants_s, values, name in _TRUTHS),
                name in _TRUTHS,
            )
            for name, values in columns.items()
        }
    )
    return Trace(devices=known, time_s=instants_s, recorded=recorded)


class _File(NamedTuple):
    """A file as it was read; the cells of a CSV file are texts."""

    path: Path
    frame: polars.DataFrame

    def fault(self, row: int | None, message: str) -> TraceError:
        """Say what is wrong with a row, counted from 0, or with all of it."""
        first = 2 if self.path.suffix == ".csv" else 1
        return TraceError(message, path=self.path, row=None if row is None else row + first)


class _Rows(NamedTuple):
    """Where each row of a file belongs."""

    file: _File
    time_s: Float[np.ndarray, " R"]
    device: Int[np.ndarray, " R"]
    names: tuple[str, ...]


def _check_suffix(path: Path) -> None:
    """Refuse names that say neither CSV nor Parquet."""
    if path.suffix not in (".csv", ".parquet"):
        message = f"the name of a trace must end in .csv or .parquet, got '{path.name}'."
        raise TraceError(message, path=path)


def _load(path: Path) -> polars.DataFrame:
    """Read a file, the cells of a CSV file as texts."""
    try:
        content = path.read_bytes()
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}."
        raise TraceError(message, path=path) from error
    if not content.strip():
        message = "is empty."
        raise TraceError(message, path=path)
    kind = "CSV" if path.suffix == ".csv" else "Parquet"
    try:
        if kind == "CSV":
            return polars.read_csv(io.BytesIO(content), infer_schema=False)
        return polars.read_parquet(io.BytesIO(content))
    except (polars.exceptions.PolarsError, polars.exceptions.PanicException) as error:
        message = f"is damaged or is not a {kind} file."
        raise TraceError(message, path=path) from error


def _check_columns(file: _File) -> None:
    """Refuse columns that are unknown and files that lack one."""
    columns = file.frame.columns
    for name in columns:
        if name not in _COLUMNS:
            raise file.fault(None, f"`{name}` is not a column of a trace; {_advice(name)}")
    for name in ("time_s", "device"):
        if name not in columns:
            raise file.fault(None, f"column `{name}` is missing.")
    if len(columns) == 2:
        raise file.fault(None, f"at least one of {', '.join(Recorded._fields)} must be a column.")


def _advice(name: str) -> str:
    """Say which column may have been meant, and in which unit it must be."""
    name = name.lower()
    for column in _COLUMNS:
        known, _, unit = column.rpartition("_")
        if {name, name.rpartition("_")[0]} & {known or column, column}:
            return f"give it in {_UNITS[unit]}, as `{column}`." if unit in _UNITS else f"name it `{column}`."
    near = difflib.get_close_matches(name, _COLUMNS, n=1)
    return f"did you mean `{near[0]}`?" if near else f"it may have {', '.join(_COLUMNS)}."


def _read_column(file: _File, name: str) -> Float[np.ndarray, " R"]:
    """Read a column as finite numbers, truth values as 0 and 1."""
    column, wanted = file.frame[name], "true or false" if name in _TRUTHS else "a number"
    plain = column.dtype.is_numeric() or column.dtype == polars.String or column.dtype == polars.Null
    if not plain and not (name in _TRUTHS and column.dtype == polars.Boolean):
        raise file.fault(0, f"`{name}` must be {wanted}, got the type {column.dtype}.")
    if name in _TRUTHS:
        words = column.cast(polars.String).str.strip_chars().str.to_lowercase()
        numbers = words.replace_strict(_WORDS, default=None, return_dtype=polars.Float64)
    else:
        texts = column.str.strip_chars() if column.dtype == polars.String else column
        numbers = texts.cast(polars.Float64, strict=False)
    values = numbers.fill_null(math.nan).to_numpy()
    for row in np.flatnonzero(~np.isfinite(values))[:1].tolist():
        given = "nothing" if column[row] is None else f"'{column[row]}'"
        wanted = wanted if numbers[row] is None else "finite"
        raise file.fault(row, f"`{name}` must be {wanted}, got {given}.")
    return values


def _read_devices(file: _File, devices: Sequence[str] | None) -> list[str]:
    """Read the name of each row's device; refuse names that the fleet does not have."""
    names: list[str] = file.frame["device"].cast(polars.String).fill_null("").to_list()
    if "" in names:
        raise file.fault(names.index(""), "`device` must not be empty.")
    if devices is None:
        return names
    for row, name in enumerate(names):
        if name not in devices:
            raise file.fault(row, f"`device` must be one of {', '.join(devices)}, got '{name}'.")
    for name in devices:
        if name not in names:
            raise file.fault(None, f"device '{name}' has no row.")
    return names


def _check_times(rows: _Rows, allow_gaps: bool) -> Float[np.ndarray, " T"]:
    """Find the instants; refuse time that does not increase, and gaps unless they are allowed."""
    order = np.argsort(rows.device, kind="stable")
    steps_s, same = np.diff(rows.time_s[order]), np.diff(rows.device[order]) == 0
    for index in np.flatnonzero(same & (steps_s <= 0))[:1].tolist():
        earlier, row = int(order[index]), int(order[index + 1])
        message = (
            f"`time_s` of device '{rows.names[int(rows.device[row])]}' must increase, "
            f"got {rows.time_s[row]} after {rows.time_s[earlier]}."
        )
        raise rows.file.fault(row, message)
    instants_s, first_rows = np.unique(rows.time_s, return_index=True)
    if instants_s.size < 2:
        raise rows.file.fault(None, f"a trace must hold at least 2 instants, got {instants_s.size}.")
    if not allow_gaps:
        _check_gaps(rows, instants_s, first_rows)
    return instants_s


def _check_gaps(rows: _Rows, instants_s: Float[np.ndarray, " T"], first_rows: Int[np.ndarray, " T"]) -> None:
    """Refuse devices that are missing at an instant, and steps that are far longer than others."""
    there = _present(rows, instants_s)
    for t, n in np.argwhere(~there)[:1].tolist():
        message = f"device '{rows.names[n]}' is missing at `time_s` {instants_s[t]}; {_BRIDGE}"
        raise rows.file.fault(int(first_rows[t]), message)
    steps_s = np.diff(instants_s)
    median_s = float(np.median(steps_s))
    for t in np.flatnonzero(steps_s > _GAP * median_s)[:1].tolist():
        message = (
            f"the step of `time_s` from {instants_s[t]} to {instants_s[t + 1]} is longer than {_GAP:g} times "
            f"the median step of {median_s:g}; {_BRIDGE}"
        )
        raise rows.file.fault(int(first_rows[t + 1]), message)


def _present(rows: _Rows, instants_s: Float[np.ndarray, " T"]) -> Bool[np.ndarray, "T N"]:
    """Mark which device has a row at which instant."""
    there = np.zeros((instants_s.size, len(rows.names)), np.bool_)
    there[np.searchsorted(instants_s, rows.time_s), rows.device] = True
    return there


def _spread(
    rows: _Rows, instants_s: Float[np.ndarray, " T"], values: Float[np.ndarray, " R"], truths: bool
) -> Shaped[np.ndarray, "T N"]:
    """Spread a column over instants and devices, and fill what is missing."""
    spread = np.empty((instants_s.size, len(rows.names)), np.float64)
    for n in range(len(rows.names)):
        own_s, own = rows.time_s[rows.device == n], values[rows.device == n]
        if truths:
            spread[:, n] = own[np.maximum(np.searchsorted(own_s, instants_s, side="right") - 1, 0)]
        elif own.size == instants_s.size:
            spread[:, n] = own
        else:
            spread[:, n] = np.interp(instants_s, own_s, own)
    return spread.astype(np.bool_) if truths else spread


def _replace(path: Path, content: bytes) -> None:
    """Put a whole file in the place of another, or leave that as it was."""
    temporary = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}."
        raise TraceError(message, path=path) from error
