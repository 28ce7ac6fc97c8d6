"""The embedded engine, for real: it answers, it keeps its key, and it dies with the program that started it."""

import asyncio
import hashlib
import importlib.util
import io
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from net4moe.chat import (
    ChatModel,
    ChatRequest,
    HttpChatModel,
    Message,
    Patience,
    ReadRequest,
    TextRequest,
    embedded,
    weights,
)
from net4moe.chat.embedded import EngineConfig, free_cores
from net4moe.errors import ChatRejected, ChatUnavailable, ModelFileError
from tests.chat.conftest import CHAT

T = TypeVar("T")
QUICK = EngineConfig(num_slots=2, num_context=512, num_threads=1)
needs_engine = pytest.mark.skipif(
    importlib.util.find_spec("xllamacpp") is None, reason="the engine (net4moe[local]) is not installed"
)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads the children of a process in /proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """An engine that runs, and the loop that it runs in."""

    model: ChatModel
    runner: asyncio.Runner

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for something in the engine's loop."""
        return self.runner.run(work)


@pytest.fixture(scope="module")
def engine(embedded_weights: Path) -> Iterator[Engine]:
    """Run one engine for all tests of this module."""
    pytest.importorskip("xllamacpp", reason="the engine (net4moe[local]) is not installed")
    context = embedded.running(embedded_weights, "tiny", QUICK)
    with asyncio.Runner() as runner:
        model = runner.run(context.__aenter__())
        yield Engine(model=model, runner=runner)
        runner.run(context.__aexit__(None, None, None))


@pytest.mark.model
def test_it_answers_a_chat(engine: Engine) -> None:
    """A chat comes back as text with the tokens that llama.cpp counted, the same for the same seed."""
    pieces: list[str] = []
    reply = engine.do(engine.model.reply(CHAT, on_text=pieces.append))
    assert "".join(pieces) == reply.text
    assert len(pieces) > 1
    assert reply.text.strip()
    assert "length" == reply.finish_reason
    assert 20 == reply.completion_tokens
    assert 10 < reply.prompt_tokens < 60
    assert 0 < reply.seconds
    assert reply.text == engine.do(engine.model.reply(CHAT)).text


@pytest.mark.model
def test_it_reports_likeliest_tokens(engine: Engine) -> None:
    """Log-probabilities come for each token of a chat, best first."""
    reply = engine.do(engine.model.reply(replace(CHAT, max_tokens=3, top_logprobs=4)))
    assert [4, 4, 4] == [len(position) for position in reply.top]
    for position in reply.top:
        logprobs = [token.logprob for token in position]
        assert sorted(logprobs, reverse=True) == logprobs
        assert sum(map(math.exp, logprobs)) <= 1.001
    assert reply.text == "".join(position[0].text for position in reply.top)


@pytest.mark.model
def test_it_continues_a_text(engine: Engine) -> None:
    """A text is gone on with where it stands, with the likeliest next tokens."""
    text = "The sky is blue. Grass is green. The sky is blue. Grass is green. The sky is"
    reply = engine.do(engine.model.reply(TextRequest(text=text, max_tokens=2, top_logprobs=5)))
    assert reply.text.startswith(" blue")
    assert " blue" == reply.top[0][0].text
    assert [5, 5] == [len(position) for position in reply.top]
    assert 2 == reply.completion_tokens
    assert reply.prompt_tokens > 15


@pytest.mark.model
def test_it_continues_its_own_reply(engine: Engine) -> None:
    """A last message of the assistant is gone on with instead of answered."""
    messages = (
        Message(role="user", content="Count from one to six in words."),
        Message(role="assistant", content="One, two, three, four,"),
    )
    reply = engine.do(engine.model.reply(ChatRequest(messages=messages, max_tokens=4)))
    assert reply.text.strip().lower().startswith("five")


@pytest.mark.model
def test_it_carries_odd_characters(engine: Engine) -> None:
    """Emoji, Chinese, controls and quotes go in and text comes out."""
    request = replace(
        CHAT, messages=(Message(role="user", content='🦊 狐狸 \x00\t\u2028 "</s>" \\'),), max_tokens=4
    )
    assert engine.do(engine.model.reply(request)).completion_tokens in range(1, 5)


@pytest.mark.model
def test_two_at_a_time(engine: Engine) -> None:
    """Calls under way together get their own replies, as if alone."""
    requests = [
        replace(CHAT, messages=(Message(role="user", content=content),), max_tokens=8)
        for content in ("Name a colour.", "Name an animal.", "Name a town.")
    ]

    async def together() -> list[str]:
        return [reply.text for reply in await asyncio.gather(*(engine.model.reply(one) for one in requests))]

    replies = engine.do(together())
    assert 3 == len(set(replies))
    assert all(text.strip() for text in replies)


@pytest.mark.model
def test_nobody_else_may_ask(engine: Engine) -> None:
    """Another program on the machine that finds the port is refused without the key."""

    async def ask() -> None:
        stranger = HttpChatModel(
            engine.model.base_url,  # type: ignore[attr-defined]
            name="tiny",
            patience=Patience(num_tries=1),
        )
        try:
            await stranger.reply(CHAT)
        finally:
            await stranger.close()

    with pytest.raises(ChatRejected) as caught:
        engine.do(ask())
    assert 401 == caught.value.status


@pytest.mark.model
def test_a_chat_that_is_too_long(engine: Engine) -> None:
    """A chat beyond the engine's context is refused with the engine's reason, not cut in silence."""
    request = replace(CHAT, messages=(Message(role="user", content="fox " * 2000),))
    with pytest.raises(ChatRejected) as caught:
        engine.do(engine.model.reply(request))
    assert 400 == caught.value.status
    assert "context size" in str(caught.value)


@pytest.mark.model
def test_the_default_weights_are_the_pinned_ones(embedded_weights: Path) -> None:
    """What lies in the cache is the file whose hash the program holds."""
    if os.environ.get("NET4MOE_MODEL"):
        pytest.skip("NET4MOE_MODEL names another file")
    assert weights.SMOLLM2.files[0].sha256 == hashlib.sha256(embedded_weights.read_bytes()).hexdigest()


@pytest.mark.model
def test_it_reads_a_text(engine: Engine) -> None:
    """Each token's log-probability is the one that the writing port gives the same token, but for rounding."""
    text = "The old detective fell in love with"
    top = engine.do(engine.model.reply(TextRequest(text=text, max_tokens=1, top_logprobs=5))).top[0]
    for token in top:
        reply = engine.do(engine.model.reply(ReadRequest(given=text, text=token.text)))
        assert token.text == "".join(one.text for one in reply.read)
        assert reply.read[0].logprob == pytest.approx(token.logprob, abs=0.15)


@pytest.mark.model
def test_it_reads_texts_of_any_length(engine: Engine) -> None:
    """Two windows of a text give every token one probability; so does a single character."""
    long = "A fox learns to sail the wide sea. " * 260
    reply = engine.do(engine.model.reply(ReadRequest(text=long)))
    assert long[1:] == "".join(token.text for token in reply.read)
    assert all(math.isfinite(token.logprob) and token.logprob <= 0 for token in reply.read)
    assert 1 == len(engine.do(engine.model.reply(ReadRequest(given="A fox.", text="!"))).read)


@pytest.mark.model
def test_only_its_key_opens_the_reading_port(engine: Engine) -> None:
    """A stranger is refused there as well."""
    reader = engine.model._reader  # type: ignore[attr-defined]
    stranger = HttpChatModel(reader.base_url, name="tiny", patience=Patience(num_tries=1))

    async def ask() -> None:
        try:
            await stranger.reply(ReadRequest(text="A fox."))
        finally:
            await stranger.close()

    with pytest.raises(ChatRejected):
        engine.do(ask())


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # gone before opening, or between opening and reading
        return False


HOST = """
import asyncio, sys
from pathlib import Path
from net4moe.chat import embedded
async def hold():
    async with embedded.running(Path(sys.argv[1]), "tiny", embedded.EngineConfig(num_slots=1, num_threads=1)):
        print("running", flush=True)
        await asyncio.sleep(600)
asyncio.run(hold())
"""


@pytest.mark.model
@needs_engine
@linux_only
def test_it_dies_with_its_parent(embedded_weights: Path) -> None:
    """A program that is killed without a chance to clean up leaves no engine behind."""
    with subprocess.Popen(
        [sys.executable, "-c", HOST, str(embedded_weights)], stdout=subprocess.PIPE
    ) as host:
        assert host.stdout is not None
        assert b"running\n" == host.stdout.readline()
        (child,) = _children(host.pid)
        assert _runs(child)
        host.kill()
    end_s = time.monotonic() + 30
    while _runs(child) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert not _runs(child)


@pytest.mark.model
@needs_engine
@linux_only
def test_a_dead_engine_is_an_error(embedded_weights: Path, naps: list[float]) -> None:
    """An engine that was killed makes calls fail with a sentence, and the context still ends."""

    async def outlive() -> None:
        others = set(_children(os.getpid()))
        async with embedded.running(embedded_weights, "tiny", QUICK) as model:
            assert (await model.reply(replace(CHAT, max_tokens=1))).text
            (child,) = set(_children(os.getpid())) - others
            os.kill(child, signal.SIGKILL)
            while _runs(child):
                await asyncio.sleep(0)
            await model.reply(CHAT)

    with pytest.raises(
        ChatUnavailable, match=r"^model 'tiny' at http://127\.0\.0\.1:\d+/v1 cannot be reached "
    ):
        asyncio.run(outlive())
    assert 2 == len(naps)


def _error(path: Path, config: EngineConfig = QUICK) -> str:
    async def start() -> None:
        async with embedded.running(path, "tiny", config):
            pass

    with pytest.raises(ModelFileError) as caught:
        asyncio.run(start())
    return str(caught.value)


@needs_engine
def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    """A file that llama.cpp cannot load gives one sentence with its name and the engine's reason."""
    path = tmp_path / "letter.gguf"
    path.write_bytes(b"a letter to a fox" * 1000)
    reason = "invalid magic characters: 'a le', expected 'GGUF'"
    assert f"the embedded engine cannot serve {path}: {reason}." == _error(path)


@pytest.mark.model
@needs_engine
def test_a_file_that_is_half_a_model(embedded_weights: Path, tmp_path: Path) -> None:
    """Weights that were cut, as by a broken copy, are named as such."""
    path = tmp_path / "half.gguf"
    path.write_bytes(embedded_weights.read_bytes()[: embedded_weights.stat().st_size // 2])
    assert _error(path).startswith(f"the embedded engine cannot serve {path}: error loading model: tensor ")
    assert _error(path).endswith("data is not within the file bounds, model is corrupted or incomplete.")


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        (b"", "no reason given"),
        (
            b"Traceback:\nModuleNotFoundError: No module named 'x'.\n",
            "ModuleNotFoundError: No module named 'x'",
        ),
        (b"0.1 I a: b\n0.2 E  srv init: no \xff room\n0.3 E c: d\n", "no \N{REPLACEMENT CHARACTER} room"),
    ],
)
def test_what_an_engine_says_at_its_end(log: bytes, reason: str) -> None:
    """The first error of the engine's log is the reason, else its last line."""
    text = embedded._why_not_started(Path("a.gguf"), io.BytesIO(log))
    assert f"the embedded engine cannot serve a.gguf: {reason}." == text


@needs_engine
def test_an_engine_that_does_not_start_in_time(tmp_path: Path) -> None:
    """An engine that does not say where it listens is ended."""
    path = tmp_path / "letter.gguf"
    path.write_bytes(b"a letter")
    text = f"the embedded engine did not load {path} within 0.001 s."
    assert text == _error(path, replace(QUICK, start_s=0.001))


@needs_engine
def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """A missing file is named before anything is started."""
    path = tmp_path / "none.gguf"
    text = f"the model file {path} is not there; set NET4MOE_MODEL (or `--model`) to a GGUF file."
    assert text == _error(path)


def test_without_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the extra is not installed, the sentence says how to install it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    text = "the embedded engine is not installed; run `pip install 'net4moe[local]'`."
    assert text == _error(tmp_path / "none.gguf")


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"num_slots": 0}, "`num_slots` must be at least 1, got 0."),
        ({"num_context": 100}, "`num_context` must be at least 512, got 100."),
        ({"num_threads": -1}, "`num_threads` must be at least 0, got -1."),
    ],
)
def test_an_engine_that_could_not_run(options: dict[str, int], text: str) -> None:
    """Numbers that no engine could run with are refused."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the text is compared whole
        EngineConfig(**options)  # type: ignore[arg-type]
    assert text == str(caught.value)


def test_there_is_always_a_core() -> None:
    """However busy the machine, one thread is used, and never more than eight."""
    assert 1 <= free_cores() <= 8
