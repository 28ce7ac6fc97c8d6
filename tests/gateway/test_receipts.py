"""Receipts are kept by size and age, survive a restart, and never stand in the way of an answer."""

import asyncio
import sqlite3
import time
from pathlib import Path

import pytest

from net4moe.errors import LedgerError
from net4moe.gateway.receipts import ReceiptStore, Retention


def receipt(name: str, created_unix_s: float = 1.0, **more: object) -> dict[str, object]:
    """Make a small receipt."""
    return {"id": name, "created_unix_s": created_unix_s, **more}


def test_a_receipt_is_there_at_once_and_after_a_restart(tmp_path: Path) -> None:
    """Before it is written, after, and in the next process."""
    store = ReceiptStore(tmp_path / "r.sqlite")
    store.put(receipt("a", words=7))
    assert receipt("a", words=7) == store.get("a")
    store.flush()
    assert receipt("a", words=7) == store.get("a")
    store.close()
    again = ReceiptStore(tmp_path / "r.sqlite")
    assert receipt("a", words=7) == again.get("a")
    assert again.get("b") is None
    again.close()


def test_a_newer_receipt_of_a_request_takes_its_place(tmp_path: Path) -> None:
    """The score comes later."""
    store = ReceiptStore(tmp_path / "r.sqlite")
    store.put(receipt("a", score=None))
    store.flush()
    store.put(receipt("a", score=7.5))
    assert [receipt("a", score=7.5)] == store.latest()
    store.flush()
    assert [receipt("a", score=7.5)] == store.latest()
    store.close()


def test_the_newest_come_first(tmp_path: Path) -> None:
    """Written and waiting ones in one list."""
    store = ReceiptStore(tmp_path / "r.sqlite")
    for second in range(5):
        store.put(receipt(f"r{second}", float(second)))
        if second == 2:
            store.flush()
    assert ["r4", "r3", "r2"] == [one["id"] for one in store.latest(3)]
    store.close()


def test_the_oldest_go_where_they_are_too_much(tmp_path: Path) -> None:
    """About a thousand bytes each, room for ten."""
    store = ReceiptStore(tmp_path / "r.sqlite", Retention(max_bytes=10_500))
    for second in range(30):
        store.put(receipt(f"r{second:02}", float(second), text="x" * 960))
        store.flush()
    kept = [one["id"] for one in store.latest(100)]
    assert [f"r{second:02}" for second in range(29, 19, -1)] == kept
    store.close()


def test_the_oldest_go_where_they_are_too_old(tmp_path: Path) -> None:
    """Age is counted back from the newest."""
    store = ReceiptStore(tmp_path / "r.sqlite", Retention(max_age_s=100.0))
    store.put(receipt("old", 0.0))
    store.put(receipt("young", 50.0))
    store.put(receipt("new", 120.0))
    store.flush()
    assert ["new", "young"] == [one["id"] for one in store.latest()]
    store.close()


def test_what_cannot_be_written_is_counted_and_nothing_fails(tmp_path: Path) -> None:
    """A disk that refuses: answers go on."""
    store = ReceiptStore(tmp_path / "r.sqlite")
    store._database.execute("DROP TABLE receipts")  # pyright: ignore[reportPrivateUsage]
    store.put(receipt("a"))
    store.flush()
    assert 1 == store.num_lost
    store.put(receipt("b"))
    store.flush()
    assert 2 == store.num_lost


def test_another_file_is_refused(tmp_path: Path) -> None:
    """A text, and a database of another version."""
    (tmp_path / "text").write_text("this is no database, and it is long enough to be looked at" * 20)
    with pytest.raises(LedgerError, match="cannot hold receipts"):
        ReceiptStore(tmp_path / "text")
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("PRAGMA user_version=9")
    with pytest.raises(LedgerError, match="holds receipts of version 9, this program reads version 1"):
        ReceiptStore(tmp_path / "other")


def test_the_writer_writes_and_ends_with_the_rest(tmp_path: Path) -> None:
    """Beside the event loop, and once more when it is told to end."""

    async def scene() -> None:
        store = ReceiptStore(tmp_path / "r.sqlite")
        writer = asyncio.create_task(store.run())
        store.put(receipt("a"))
        end_s = time.monotonic() + 5.0
        while store._waiting and time.monotonic() < end_s:  # pyright: ignore[reportPrivateUsage]
            await asyncio.sleep(0.02)
        assert not store._waiting  # pyright: ignore[reportPrivateUsage]
        store.put(receipt("b"))
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        store.close()

    asyncio.run(scene())
    again = ReceiptStore(tmp_path / "r.sqlite")
    assert {"a", "b"} == {one["id"] for one in again.latest()}
    again.close()


@pytest.mark.parametrize("wrong", [{"max_bytes": 0}, {"max_age_s": -1.0}])
def test_keeping_nothing_is_refused(wrong: dict[str, float]) -> None:
    """A limit of nothing is a mistake."""
    with pytest.raises(ValueError, match="must be above 0"):
        Retention(**wrong)  # pyright: ignore[reportArgumentType]
