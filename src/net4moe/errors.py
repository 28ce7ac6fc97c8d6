"""What can go wrong, drawn as a tree.

    Net4MoEError
      ConfigError          a file of settings: path, line
      ChatError            model, status, request_id
        ChatTimeout          retryable
        ChatUnavailable      retryable: 5xx, refused, DNS
        ChatRateLimited      retryable: 429, retry_after_s
        ChatRejected         4xx: key, model name, size
      ModelFileError       the embedded model cannot be fetched, verified or started
      LedgerError          the ledger of calls is damaged, locked or incomplete
      CostLimitReached     the next call would cross the price limit
      ReplyError           a model answered, but not what was asked
        DecompositionError   the gate's subtasks
      JudgeCheckError      the check of a judge cannot be made or read
      DeviceError          device_id
        NoDevice             nobody can take the subtask
        DeviceUnreachable    retryable: refused, hung, broke off, answered 5xx
        DeviceBusy           retryable, retry_after_s: its places and its queue are full
        JoinRefused          a device may not join: wrong or used code, clock, name
      BudgetExceeded       a request would cross what it may spend; it was not sent
      DeadlinePassed       nothing usable arrived in time
      Overloaded           the gateway is full, retry_after_s
      TableError           path, sheet, cell
      TraceError           path, row
      CheckpointError      path, what did not match
      RunError             a run directory cannot be written or belongs to another study

Wrong arguments of our functions are `ValueError` and `TypeError`, not these.
"""

from pathlib import Path
from typing import ClassVar

__all__ = [
    "BudgetExceeded",
    "ChatError",
    "ChatRateLimited",
    "ChatRejected",
    "ChatTimeout",
    "ChatUnavailable",
    "CheckpointError",
    "ConfigError",
    "CostLimitReached",
    "DeadlinePassed",
    "DecompositionError",
    "DeviceBusy",
    "DeviceError",
    "DeviceUnreachable",
    "JoinRefused",
    "JudgeCheckError",
    "LedgerError",
    "ModelFileError",
    "Net4MoEError",
    "NoDevice",
    "Overloaded",
    "ReplyError",
    "RunError",
    "TableError",
    "TraceError",
]


class Net4MoEError(Exception):
    """Something a user can understand and act on; its text is one clear sentence."""


class ConfigError(Net4MoEError):
    """A setting is unknown, of the wrong type or out of range.

    Attributes:
      path: the file at fault, or None for a value from the command line.
      line: the line in it, from 1, where known.
    """

    def __init__(self, message: str, *, path: Path | None = None, line: int | None = None) -> None:
        """Put the place in front of the sentence."""
        self.path = path
        self.line = line
        place = "" if path is None else f"{path}: " if line is None else f"{path}, line {line}: "
        super().__init__(place + message)


class ChatError(Net4MoEError):
    """A language model could not be reached or refused.

    Attributes:
      retryable: whether the same call may succeed later.
      model: the name of the model that was called.
      status: the HTTP status, where there was one.
      request_id: the endpoint's id of the call, where it gave one.
    """

    retryable: ClassVar[bool] = False

    def __init__(
        self, message: str, *, model: str = "", status: int | None = None, request_id: str | None = None
    ) -> None:
        """Keep what the endpoint said about the call."""
        self.model = model
        self.status = status
        self.request_id = request_id
        super().__init__(message)


class ChatTimeout(ChatError):
    """The model took longer than it was given."""

    retryable = True


class ChatUnavailable(ChatError):
    """The endpoint is down, refuses connections, cannot be found or answered 5xx."""

    retryable = True


class ChatRateLimited(ChatError):
    """The endpoint answered 429.

    Attributes:
      retry_after_s: how long it asked to wait, seconds, where it said so.
    """

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        model: str = "",
        status: int | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Keep how long to wait."""
        self.retry_after_s = retry_after_s
        super().__init__(message, model=model, status=status, request_id=request_id)


class ChatRejected(ChatError):
    """The endpoint refuses the call as it is: wrong key, unknown model, too large."""


class ModelFileError(Net4MoEError):
    """The embedded model cannot be fetched, verified or started."""


class LedgerError(Net4MoEError):
    """The ledger of calls is damaged, of another version, or lacks a call that a replay needs."""


class CostLimitReached(Net4MoEError):
    """The next call to a model would cross the limit on the price; it was not made."""


class ReplyError(Net4MoEError):
    """A model answered, but not what was asked."""


class DecompositionError(ReplyError):
    """The gate's reply holds no usable subtasks."""


class JudgeCheckError(Net4MoEError):
    """The check of a judge cannot be made, or its result cannot be read."""


class DeviceError(Net4MoEError):
    """A device cannot do what was asked.

    Attributes:
      device_id: the device at fault, or None where it is the whole fleet.
    """

    def __init__(self, message: str, *, device_id: str | None = None) -> None:
        """Name the device."""
        self.device_id = device_id
        super().__init__(message)


class NoDevice(DeviceError):
    """No device can take the subtask."""


class DeviceUnreachable(DeviceError):
    """The device refused, hung, broke off or failed; another one may do."""

    retryable: ClassVar[bool] = True


class DeviceBusy(DeviceError):
    """All places of the device and of its queue are taken.

    Attributes:
      retry_after_s: when a place is expected to be free, seconds.
    """

    retryable: ClassVar[bool] = True

    def __init__(self, message: str, *, device_id: str | None = None, retry_after_s: float = 1.0) -> None:
        """Keep how long to wait."""
        self.retry_after_s = retry_after_s
        super().__init__(message, device_id=device_id)


class JoinRefused(DeviceError):
    """A device may not join the gateway."""


class BudgetExceeded(Net4MoEError):
    """A request would spend more than it may; it was not sent."""


class DeadlinePassed(Net4MoEError):
    """Nothing usable arrived before the deadline of the request."""


class Overloaded(Net4MoEError):
    """The gateway's places and its queue are taken.

    Attributes:
      retry_after_s: when a place is expected to be free, seconds.
    """

    def __init__(self, message: str, *, retry_after_s: float = 1.0) -> None:
        """Keep how long to wait."""
        self.retry_after_s = retry_after_s
        super().__init__(message)


class TableError(Net4MoEError):
    """A score table cannot be read.

    Attributes:
      path: the file.
      sheet: the sheet in it, for a workbook.
      cell: the cell, as `C7`, for a workbook.
    """

    def __init__(
        self, message: str, *, path: Path | None = None, sheet: str | None = None, cell: str | None = None
    ) -> None:
        """Put the place in front of the sentence."""
        self.path = path
        self.sheet = sheet
        self.cell = cell
        parts = [str(path)] if path else []
        parts += [f"sheet '{sheet}'"] if sheet else []
        parts += [f"cell {cell}"] if cell else []
        super().__init__(f"{', '.join(parts)}: {message}" if parts else message)


class TraceError(Net4MoEError):
    """A recorded trace cannot be read or written.

    Attributes:
      path: the file.
      row: the row in it, from 1, the header of a CSV file being the first; None where it is the whole file.
    """

    def __init__(self, message: str, *, path: Path, row: int | None = None) -> None:
        """Put the place in front of the sentence."""
        self.path = path
        self.row = row
        super().__init__(f"{path}: {message}" if row is None else f"{path}, row {row}: {message}")


class CheckpointError(Net4MoEError):
    """A checkpoint is damaged, of another version, or made for another observation."""


class RunError(Net4MoEError):
    """A run directory cannot be written or holds another study."""
