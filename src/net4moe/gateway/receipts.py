"""Receipts: what became of each request, kept in SQLite by size and age.

A receipt is one JSON object; `docs/gateway.md` describes every key. It holds names, numbers and reasons, never
a prompt or a passage. Receipts are taken in at once and written in batches beside the event loop, so a full or
slow disk delays no answer; what cannot be written is counted.
"""

import asyncio
import json
import sqlite3
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from net4moe.errors import LedgerError

__all__ = ["ReceiptStore", "Retention"]

_FLUSH_S = 0.25
_MOST_WAITING = 10_000
_PAGE = 500
_FLUSHES_BETWEEN_DROPS = 240
_SHARE_BETWEEN_DROPS = 0.02
_MIGRATIONS = (
    "CREATE TABLE receipts (id TEXT PRIMARY KEY, created_unix_s REAL NOT NULL, bytes INTEGER NOT NULL, "
    "body TEXT NOT NULL) WITHOUT ROWID",
    "CREATE INDEX receipts_by_age ON receipts (created_unix_s)",
)

Receipt = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How long receipts are kept: the oldest go first.

    Attributes:
      max_bytes: bytes of all receipts together.
      max_age_s: age of a receipt, seconds.
    """

    max_bytes: int = 100_000_000
    max_age_s: float = 30 * 86_400.0

    def __post_init__(self) -> None:
        """Refuse to keep nothing."""
        for name in ("max_bytes", "max_age_s"):
            if not getattr(self, name) > 0:
                msg = f"`{name}` must be above 0, got {getattr(self, name)}."
                raise ValueError(msg)


class ReceiptStore:
    """Receipts by the id of their request.

    Args:
      path: the database; made where it is not there.
      retention: how long they are kept.

    Attributes:
      num_lost: receipts that could not be written, since the disk refused or too many waited.

    Raises:
      LedgerError: the file is no database of receipts, or the folder cannot be written.
    """

    def __init__(self, path: Path, retention: Retention | None = None) -> None:
        self._path = path
        self._retention = retention or Retention()
        self._waiting: OrderedDict[str, Receipt] = OrderedDict()
        self.num_lost = 0
        self._flushes = 0
        self._bytes_since_drop = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(path, check_same_thread=False)
            self._database.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
            with self._database:
                (version,) = self._database.execute("PRAGMA user_version").fetchone()
                if version == 0:
                    for statement in _MIGRATIONS:
                        self._database.execute(statement)
                    self._database.execute("PRAGMA user_version=1")
                elif version != 1:
                    msg = f"{path} holds receipts of version {version}, this program reads version 1."
                    raise LedgerError(msg)
        except (sqlite3.Error, OSError) as error:
            msg = f"{path} cannot hold receipts ({error})."
            raise LedgerError(msg) from error

    def put(self, receipt: Receipt) -> None:
        """Take in a receipt, or a newer one of the same request; it is written within a second."""
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.popitem(last=False)
            self.num_lost += 1
        self._waiting[receipt["id"]] = receipt

    def get(self, request_id: str) -> Receipt | None:
        """Find the receipt of a request."""
        waiting = self._waiting.get(request_id)
        if waiting is not None:
            return waiting
        with closing(self._database.cursor()) as cursor:
            row = cursor.execute("SELECT body FROM receipts WHERE id = ?", (request_id,)).fetchone()
        return None if row is None else json.loads(row[0])

    def latest(self, limit: int = 20) -> list[Receipt]:
        """List the newest receipts, newest first."""
        with closing(self._database.cursor()) as cursor:
            rows = cursor.execute(
                "SELECT body FROM receipts ORDER BY created_unix_s DESC LIMIT ?", (min(limit, _PAGE),)
            ).fetchall()
        written = [json.loads(body) for (body,) in rows]
        waiting = list(self._waiting.values())[::-1]
        known = {receipt["id"] for receipt in waiting}
        return [*waiting, *(one for one in written if one["id"] not in known)][:limit]

    async def run(self) -> None:
        """Write what waits, again and again, until cancelled; then write the rest."""
        try:
            while True:
                await asyncio.sleep(_FLUSH_S)
                if self._waiting:
                    await asyncio.to_thread(self.flush)
        finally:
            self.flush()

    def flush(self) -> None:
        """Write what waits and drop what is too old or too much."""
        batch = list(self._waiting.items())
        rows = [(key, one["created_unix_s"], json.dumps(one, allow_nan=False)) for key, one in batch]
        try:
            with self._database:
                self._database.executemany(
                    "INSERT INTO receipts VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                    "bytes = excluded.bytes, body = excluded.body",
                    [(key, created, len(body), body) for key, created, body in rows],
                )
                self._bytes_since_drop += sum(len(body) for _, _, body in rows)
                if self._is_time_to_drop():
                    self._drop_old()
        except sqlite3.Error:
            self.num_lost += len(batch)
        for key, receipt in batch:
            if self._waiting.get(key) is receipt:
                del self._waiting[key]

    def close(self) -> None:
        """Write what waits and close the database."""
        if self._waiting:
            self.flush()
        self._database.close()

    def _is_time_to_drop(self) -> bool:
        self._flushes += 1
        much = self._bytes_since_drop > _SHARE_BETWEEN_DROPS * self._retention.max_bytes
        return much or self._flushes % _FLUSHES_BETWEEN_DROPS == 1

    def _drop_old(self) -> None:
        self._bytes_since_drop = 0
        newest, total = self._database.execute(
            "SELECT MAX(created_unix_s), SUM(bytes) FROM receipts"
        ).fetchone()
        if newest is None:
            return
        self._database.execute(
            "DELETE FROM receipts WHERE created_unix_s < ?", (newest - self._retention.max_age_s,)
        )
        if total > self._retention.max_bytes:
            self._database.execute(
                "DELETE FROM receipts WHERE id IN (SELECT id FROM (SELECT id, SUM(bytes) OVER "
                "(ORDER BY created_unix_s DESC, id) AS so_far FROM receipts) WHERE so_far > ?)",
                (self._retention.max_bytes,),
            )
