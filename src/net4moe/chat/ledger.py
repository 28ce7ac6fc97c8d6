"""The ledger: every call to a model with its reply, in SQLite, so that a run can resume and replay.

Rules. A call is known by the SHA-256 of the model's name and the request. Its reply is committed before
anybody sees it, so a killed run repeats no call that was answered. The first reply to a request is the
reply: later runs read it. One process holds the ledger at a time.
"""

import hashlib
import json
import sqlite3
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from net4moe.chat.model import ChatModel, OnText, largest_price_usd
from net4moe.chat.records import Reply, Request, Token
from net4moe.errors import CostLimitReached, LedgerError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["Ledger", "LedgeredChatModel", "Totals", "request_hash"]

_APPLICATION = 0x4E344D45  # `N4ME` in the file's header: the database is a ledger of ours
_VERSION = 1
_SCHEMA = """
create table call (
  hash text primary key, model text not null, purpose text not null, request text not null,
  reply text not null, prompt_tokens integer not null, completion_tokens integer not null,
  seconds real not null, price_usd real not null, created_at text not null default current_timestamp
) strict
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the calls of a ledger.

    Attributes:
      prompt_tokens: tokens that the models read.
      completion_tokens: tokens that they wrote.
      seconds: time that they took, added up over parallel calls.
    """

    prompt_tokens: int
    completion_tokens: int
    seconds: float


class Ledger:
    """The record of all calls of a run.

    Args:
      path: the file; made where it is not there.
      replay: whether calls that the ledger lacks are refused instead of made.
      max_cost_usd: price limit over everything in the ledger, USD.
    """

    def __init__(self, path: Path, *, replay: bool = False, max_cost_usd: float = float("inf")) -> None:
        self.path = path
        self.replay = replay
        self.num_made = 0
        self.num_read = 0
        self._max_cost_usd = max_cost_usd
        self._reserved_usd = 0.0
        if replay and not path.exists():
            msg = f"{path}: there is no ledger to replay."
            raise LedgerError(msg)
        self._database = _opened(path)
        self._spent_usd: float = self._query("select coalesce(sum(price_usd), 0) from call")[0]

    def __enter__(self) -> Self:
        """Hold the ledger."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the ledger."""
        self._database.close()

    @property
    def spent_usd(self) -> float:
        """Price of all calls so far, USD."""
        return self._spent_usd

    @property
    def num_calls(self) -> int:
        """Calls recorded."""
        return self._query("select count(*) from call")[0]

    def totals(self) -> Totals:
        """Add up all calls recorded."""
        row = self._query(
            "select coalesce(sum(prompt_tokens), 0), coalesce(sum(completion_tokens), 0), "
            "coalesce(sum(seconds), 0.0) from call"
        )
        return Totals(prompt_tokens=row[0], completion_tokens=row[1], seconds=row[2])

    def find(self, key: str) -> Reply | None:
        """Read the reply to a request that was answered before."""
        row = self._query("select reply from call where hash = ?", key)
        if row is None:
            return None
        try:
            return _reply_from_json(row[0])
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            msg = f"{self.path}: the ledger is damaged: the reply to call {key[:12]} cannot be read."
            raise LedgerError(msg) from error

    def reserve(self, price_usd: float) -> None:
        """Set aside the price of a call that is about to be made.

        Raises:
          CostLimitReached: the call might cross the limit; nothing was set aside.
        """
        total_usd = self._spent_usd + self._reserved_usd + price_usd
        if price_usd > 0 and total_usd > self._max_cost_usd:
            msg = (
                f"the next call may cost up to ${price_usd:.4f}; with ${self._spent_usd:.4f} spent and "
                f"${self._reserved_usd:.4f} under way it could cross the limit of ${self._max_cost_usd:.4f}. "
                "It was not made; raise `--max-cost` and run the same command to go on."
            )
            raise CostLimitReached(msg)
        self._reserved_usd += price_usd

    def release(self, price_usd: float) -> None:
        """Give back what `reserve` set aside."""
        self._reserved_usd -= price_usd

    def record(self, key: str, model: str, purpose: str, request: "DataclassInstance", reply: Reply) -> Reply:
        """Commit a reply and return the one that counts: the first that was committed.

        A call that was answered twice was paid twice, and both prices stay in the ledger.
        """
        values = (
            key,
            model,
            purpose,
            json.dumps(asdict(request), ensure_ascii=True),
            json.dumps(asdict(reply), ensure_ascii=True),
            reply.prompt_tokens,
            reply.completion_tokens,
            reply.seconds,
            reply.price_usd,
        )
        names = "hash, model, purpose, request, reply, prompt_tokens, completion_tokens, seconds, price_usd"
        try:
            self._database.execute(
                f"insert into call ({names}) values (?, ?, ?, ?, ?, ?, ?, ?, ?) "
                "on conflict (hash) do update set price_usd = price_usd + excluded.price_usd",
                values,
            )
        except sqlite3.Error as error:
            raise _ledger_error(self.path, error) from error
        self._spent_usd += reply.price_usd
        return self.find(key) or reply

    def _query(self, statement: str, *values: str) -> Any:
        try:
            return self._database.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise _ledger_error(self.path, error) from error


class LedgeredChatModel(ChatModel):
    """A model whose calls go through a ledger: read where they were answered before, recorded else."""

    def __init__(self, model: ChatModel, ledger: Ledger, *, purpose: str = "") -> None:
        self.name = model.name
        self.capabilities = model.capabilities
        self.price = model.price
        self._model = model
        self._ledger = ledger
        self._purpose = purpose

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer from the ledger, else from the model."""
        ledger = self._ledger
        key = request_hash(self.name, request)
        known = ledger.find(key)
        if known is not None:
            ledger.num_read += 1
            if on_text is not None:
                on_text(known.text)
            return known
        if ledger.replay:
            msg = (
                f"{ledger.path}: the ledger has no answer to a call of model '{self.name}' "
                f"({key[:12]}); replay the settings, prompts and version that made it."
            )
            raise LedgerError(msg)
        price_usd = largest_price_usd(self, request)
        ledger.reserve(price_usd)
        try:
            reply = await self._model.reply(request, on_text=on_text)
        finally:
            ledger.release(price_usd)
        ledger.num_made += 1
        return ledger.record(key, self.name, self._purpose, request, reply)


def request_hash(model: str, request: "DataclassInstance") -> str:
    """Name a call: the SHA-256 of the model's name and everything that shapes the reply, hexadecimal."""
    content = {"model": model, "kind": type(request).__name__, "request": asdict(request)}
    return hashlib.sha256(json.dumps(content, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


def _opened(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, isolation_level=None, timeout=1.0)
    except (OSError, sqlite3.Error) as error:
        raise _ledger_error(path, error) from error
    try:
        _prepare(database, path)
    except sqlite3.Error as error:
        database.close()
        raise _ledger_error(path, error) from error
    except LedgerError:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Hold the file alone, make it a ledger where it is empty, and check it where it is not."""
    database.execute("pragma locking_mode = exclusive")
    application, version, num_tables = database.execute(
        "select application_id, user_version, (select count(*) from sqlite_schema) "
        "from pragma_application_id, pragma_user_version"
    ).fetchone()
    if num_tables and application != _APPLICATION:
        msg = f"{path}: this database is not a ledger; choose another file."
        raise LedgerError(msg)
    if num_tables and version != _VERSION:
        msg = f"{path}: the ledger has version {version}, this program reads version {_VERSION}."
        raise LedgerError(msg)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = full")
    if not num_tables:
        database.execute("begin immediate")
        database.execute(_SCHEMA)
        database.execute(f"pragma application_id = {_APPLICATION}")
        database.execute(f"pragma user_version = {_VERSION}")
        database.execute("commit")
    check = database.execute("pragma quick_check(1)").fetchone()[0]
    if check != "ok":
        msg = f"{path}: the ledger is damaged ({check}); move it away to start anew."
        raise LedgerError(msg)


def _ledger_error(path: Path, error: OSError | sqlite3.Error) -> LedgerError:
    text = str(error)
    if "locked" in text:
        return LedgerError(f"{path}: another run is using the ledger; wait for it or choose another `--out`.")
    if "malformed" in text or "not a database" in text:
        return LedgerError(f"{path}: the ledger is damaged ({text}); move it away to start anew.")
    if "full" in text:
        return LedgerError(f"{path}: the disk is full; free some room and run the same command to go on.")
    return LedgerError(f"{path}: the ledger cannot be written ({text}).")


def _reply_from_json(text: str) -> Reply:
    fields = json.loads(text)
    top = tuple(tuple(Token(**token) for token in position) for position in fields.pop("top"))
    read = tuple(Token(**token) for token in fields.pop("read", ()))
    return Reply(top=top, read=read, **fields)
