"""The ledger of calls: what it keeps, through kills and faults."""

import math
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.chat import (
    ChatRequest,
    Ledger,
    LedgeredChatModel,
    Message,
    Price,
    Reply,
    Request,
    ScriptedChatModel,
    TextRequest,
    Token,
)
from net4moe.chat.ledger import request_hash
from net4moe.errors import ChatUnavailable, LedgerError
from tests.chat.conftest import CHAT, TEXT, asked, chat

REPLY = Reply(
    text="A fox sails. 🦊 \x00\u2028",
    finish_reason="stop",
    prompt_tokens=7,
    completion_tokens=5,
    seconds=0.1 + 0.2,
    price_usd=1e-7 / 3,
    top=((Token(text=" a", logprob=-1 / 3), Token(text="ä", logprob=-math.inf)), ()),
)


def test_a_reply_comes_back_bit_for_bit(path: Path) -> None:
    """What was recorded is read by a later run as it was, numbers and odd characters included."""
    with Ledger(path) as ledger:
        assert ledger.find("k") is None
        assert REPLY == ledger.record("k", "tiny", "write", CHAT, REPLY)
        assert (1, REPLY.price_usd) == (ledger.num_calls, ledger.spent_usd)
    with Ledger(path) as ledger:
        assert REPLY == ledger.find("k")
        assert (1, REPLY.price_usd) == (ledger.num_calls, ledger.spent_usd)


texts = st.text(st.characters(exclude_categories=["Cs"]))


tops = st.lists(st.builds(Token, text=texts, logprob=st.floats(max_value=0)), max_size=2).map(tuple)


@given(
    st.builds(
        Reply,
        text=texts,
        finish_reason=texts,
        prompt_tokens=st.integers(0, 2**62),
        completion_tokens=st.integers(0, 2**62),
        seconds=st.floats(0, 1e9),
        price_usd=st.floats(0, 1e6),
        top=st.lists(tops, max_size=3).map(tuple),
    )
)
@settings(max_examples=50, deadline=None)
def test_any_reply_comes_back(reply: Reply) -> None:
    """No text and no number is changed on its way through the file."""
    with Ledger(Path(":memory:")) as ledger:
        ledger.record("k", "tiny", "", CHAT, reply)
        found = ledger.find("k")
    assert repr(reply) == repr(found)


def test_the_first_reply_counts(path: Path) -> None:
    """A call that was answered twice keeps its first reply, and both prices."""
    first, second = (
        Reply(text=t, finish_reason="stop", prompt_tokens=1, completion_tokens=1, seconds=0.0, price_usd=0.25)
        for t in ("first", "second")
    )
    with Ledger(path) as ledger:
        assert first == ledger.record("k", "tiny", "", CHAT, first)
        assert first == ledger.record("k", "tiny", "", CHAT, second)
        assert (1, 0.5) == (ledger.num_calls, ledger.spent_usd)
    with Ledger(path) as ledger:
        assert first == ledger.find("k")
        assert (1, 0.5) == (ledger.num_calls, ledger.spent_usd)


def test_a_call_is_known_by_all_that_shapes_its_reply() -> None:
    """Any change of the model or of the request is another call; the same again is the same."""
    base = chat("A fox")
    requests: list[tuple[str, Request]] = [
        ("tiny", base),
        ("small", base),
        ("tiny", chat("A fox.")),
        ("tiny", chat("A fox", max_tokens=21)),
        ("tiny", ChatRequest(messages=(Message(role="system", content="A fox"),), max_tokens=20)),
        ("tiny", ChatRequest(messages=base.messages, max_tokens=20, temperature=0.5)),
        ("tiny", ChatRequest(messages=base.messages, max_tokens=20, seed=1)),
        ("tiny", ChatRequest(messages=base.messages, max_tokens=20, top_logprobs=1)),
        ("tiny", ChatRequest(messages=base.messages, max_tokens=20, schema="{}")),
        ("tiny", TextRequest(text="A fox", max_tokens=20)),
        ("tiny", TextRequest(text="A fox", max_tokens=20, top_logprobs=1)),
    ]
    assert len(requests) == len({request_hash(model, request) for model, request in requests})
    assert request_hash("tiny", base) == request_hash("tiny", chat("A fox"))


def test_the_name_of_a_call_stays() -> None:
    """Ledgers outlive versions, so the hash of a call is fixed."""
    assert "ad6120b7fda4e6bd88d212f08880bb2f65f509fbc0af19c876bf27cb13e6e514" == request_hash("tiny", CHAT)
    assert "55a4ea2cfe34747c5f35bf87e92c2b059b3d4da119e4110026eaf795d75855b8" == request_hash("tiny", TEXT)


def test_a_second_run_makes_no_call(path: Path) -> None:
    """The same requests are read instead of made, text pieces included, and cost nothing more."""
    model = ScriptedChatModel(lambda request: "A fox sails.", price=Price(output_usd_per_mtok=1e6))
    for num_made, num_read in ((2, 0), (0, 2)):
        pieces: list[str] = []
        with Ledger(path, replay=num_made == 0) as ledger:
            ledgered = LedgeredChatModel(model, ledger, purpose="write")
            replies = [asked(ledgered, request, on_text=pieces.append) for request in (CHAT, TEXT)]
            assert (num_made, num_read) == (ledger.num_made, ledger.num_read)
            assert 6.0 == ledger.spent_usd
        assert ["A fox sails."] * 2 == pieces == [reply.text for reply in replies]
    assert [CHAT, TEXT] == model.requests


def test_what_the_file_holds(path: Path) -> None:
    """Each call lies there with its purpose, its request and its price, for anybody to read."""
    with Ledger(path) as ledger:
        asked(LedgeredChatModel(ScriptedChatModel(lambda _: "on"), ledger, purpose="judge"), TEXT)
    with sqlite3.connect(path) as database:
        rows = database.execute(
            "select model, purpose, request, completion_tokens, price_usd from call"
        ).fetchall()
    database.close()
    request = '{"text": "Book: a fox at sea. Genre:", "max_tokens": 1, "top_logprobs": 2}'
    assert [("scripted", "judge", request, 1, 0.0)] == rows


def test_a_replay_makes_no_call(path: Path) -> None:
    """A replay refuses what the ledger lacks and says which call it was."""
    model = ScriptedChatModel(lambda request: "A fox sails.")
    with Ledger(path):
        pass
    with Ledger(path, replay=True) as ledger, pytest.raises(LedgerError) as caught:
        asked(LedgeredChatModel(model, ledger), TEXT)
    text = (
        f"{path}: the ledger has no answer to a call of model 'scripted' ({request_hash('scripted', TEXT)[:12]}); "
        "replay the settings, prompts and version that made it."
    )
    assert text == str(caught.value)
    assert [] == model.requests


def test_nothing_to_replay(path: Path) -> None:
    """A replay of a ledger that is not there fails and makes none."""
    with pytest.raises(LedgerError) as caught:
        Ledger(path, replay=True)
    assert f"{path}: there is no ledger to replay." == str(caught.value)
    assert not path.parent.exists()


def test_a_failed_call_leaves_nothing(path: Path) -> None:
    """A call that raised is not recorded, frees what was set aside, and is made again."""
    faults = [ChatUnavailable("gone"), None]

    def answer(request: Request) -> str:
        if fault := faults.pop(0):
            raise fault
        return "A fox"

    price = Price(output_usd_per_mtok=1.0)
    with Ledger(path, max_cost_usd=20.5e-6) as ledger:
        model = LedgeredChatModel(ScriptedChatModel(answer, price=price), ledger)
        with pytest.raises(ChatUnavailable, match=r"^gone$"):
            asked(model)
        assert (0, 0, 0.0) == (ledger.num_calls, ledger.num_made, ledger.spent_usd)
        assert "A fox" == asked(model).text


WRITER = """
import sys
import tempfile
from pathlib import Path
from net4moe.chat import Ledger, Reply, TextRequest
with Ledger(Path(sys.argv[1])) as ledger:
    for index in range(10**6):
        reply = Reply(text=str(index), finish_reason="stop", prompt_tokens=1, completion_tokens=1, seconds=0.0)
        ledger.record(f"k{index}", "tiny", "", TextRequest(text="a"), reply)
        print(index, flush=True)
"""


def test_a_kill_loses_no_call(path: Path) -> None:
    """Every call that was recorded when the process was killed is in the ledger; the next run goes on."""
    last = -1
    for start in (0, 1):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            assert writer.stdout is not None
            line = ""
            for line in writer.stdout:
                if int(line) >= 40 * (start + 1):
                    break
            writer.kill()
            last = max(last, int((line + writer.stdout.read()).split()[-1]))
        with Ledger(path) as ledger:
            assert [str(index) for index in range(last + 1)] == [
                reply.text for index in range(last + 1) if (reply := ledger.find(f"k{index}"))
            ]


def _error(path: Path) -> str:
    with pytest.raises(LedgerError) as caught:
        Ledger(path)
    return str(caught.value)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    """A file of something else is refused and left as it is."""
    path = tmp_path / "ledger.sqlite"
    path.write_text("a letter to a fox\n" * 100)
    text = f"{path}: the ledger is damaged (file is not a database); move it away to start anew."
    assert text == _error(path)
    assert "a letter to a fox\n" * 100 == path.read_text()


def test_a_damaged_ledger(tmp_path: Path) -> None:
    """A ledger with a page overwritten is refused before anything is read from it."""
    path = tmp_path / "ledger.sqlite"
    with Ledger(path) as ledger:
        for index in range(50):
            ledger.record(f"k{index}", "tiny", "", chat("x" * 1000), REPLY)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)
    assert _error(path).startswith(f"{path}: the ledger is damaged (")
    assert _error(path).endswith("); move it away to start anew.")


@pytest.mark.parametrize("reply", ["", "null", "[]", "5", "{}", '{"top": [], "text": "a"}', '{"top": [[5]]}'])
def test_a_damaged_reply(path: Path, reply: str) -> None:
    """A reply that was tampered with is named, not passed on."""
    with Ledger(path) as ledger:
        ledger.record("k" * 64, "tiny", "", CHAT, REPLY)
    with sqlite3.connect(path) as database:
        database.execute("update call set reply = ?", [reply])
    database.close()
    with Ledger(path) as ledger, pytest.raises(LedgerError) as caught:
        ledger.find("k" * 64)
    assert f"{path}: the ledger is damaged: the reply to call kkkkkkkkkkkk cannot be read." == str(
        caught.value
    )


def test_another_program_s_database(tmp_path: Path) -> None:
    """Somebody else's database is refused and gets no table and no mark of ours."""
    path = tmp_path / "songs.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("create table song (title text)")
    database.close()
    before = path.read_bytes()
    assert f"{path}: this database is not a ledger; choose another file." == _error(path)
    assert before == path.read_bytes()


def test_a_ledger_of_another_version(path: Path) -> None:
    """A ledger that a later program wrote is refused with both versions."""
    with Ledger(path):
        pass
    with sqlite3.connect(path) as database:
        database.execute("pragma user_version = 7")
    database.close()
    assert f"{path}: the ledger has version 7, this program reads version 1." == _error(path)


def test_one_process_at_a_time(path: Path) -> None:
    """A ledger that another process holds is not touched."""
    holder = "import sys; from pathlib import Path; from net4moe.chat import Ledger\n"
    holder += "with Ledger(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b"held\n" == process.stdout.readline()
        text = f"{path}: another run is using the ledger; wait for it or choose another `--out`."
        assert text == _error(path)
    with Ledger(path) as ledger:
        assert 0 == ledger.num_calls


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Where the folder's name is taken by a file, the sentence says so."""
    (tmp_path / "run").write_text("")
    path = tmp_path / "run" / "ledger.sqlite"
    reason = f"[Errno 17] File exists: '{path.parent}'"
    assert f"{path}: the ledger cannot be written ({reason})." == _error(path)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write into any folder")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A read-only folder is named."""
    tmp_path.chmod(0o500)
    path = tmp_path / "ledger.sqlite"
    assert f"{path}: the ledger cannot be written (unable to open database file)." == _error(path)


def test_a_full_disk(path: Path) -> None:
    """Where the disk is full the call is not taken for recorded, and what was there stays."""
    with Ledger(path) as ledger:
        ledger.record("k0", "tiny", "", CHAT, REPLY)
        ledger._database.execute("pragma max_page_count = 5")
        with pytest.raises(LedgerError) as caught:
            ledger.record("k1", "tiny", "", chat("x" * 100_000), REPLY)
        assert ledger.find("k1") is None
    text = f"{path}: the disk is full; free some room and run the same command to go on."
    assert text == str(caught.value)
    with Ledger(path) as ledger:
        assert REPLY == ledger.find("k0")
        assert 1 == ledger.num_calls


FILLER = """
import resource, sys
from pathlib import Path
from net4moe.chat import Ledger, Reply, TextRequest
from net4moe.errors import LedgerError
with Ledger(Path(sys.argv[1])) as ledger:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    for index in range(1000):
        reply = Reply(text="x" * 5000, finish_reason="stop", prompt_tokens=1, completion_tokens=1, seconds=0.0)
        try:
            ledger.record(f"k{index}", "tiny", "", TextRequest(text="a"), reply)
        except LedgerError as error:
            print(error)
            break
        print(index)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_file_that_may_not_grow(path: Path) -> None:
    """Where the system refuses a write in the middle, all calls that were recorded before are kept."""
    lines = subprocess.run(
        [sys.executable, "-c", FILLER, str(path)], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert f"{path}: the ledger cannot be written (disk I/O error)." == lines[-1]
    assert len(lines) > 10
    with Ledger(path) as ledger:
        assert len(lines) - 1 == ledger.num_calls
        assert all(ledger.find(f"k{index}") for index in range(len(lines) - 1))
