"""The live commands as a user types them: processes, sockets, signals."""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from net4moe.cli import app
from net4moe.errors import ConfigError

LONG = " ".join(f"word{number}" for number in range(60)) + "."
KISS, CROWN = "They kissed in the rain. Nobody saw it.", "The crown was gone. The window stood open."
SETTINGS = """
[models.clever]
endpoint = "http://127.0.0.1:{port}/v1"
name = "clever"
[models.writer]
endpoint = "http://127.0.0.1:{port}/v1"
name = "writer"
[gate]
model = "clever"
[judge]
model = "clever"
[[experts]]
name = "amora"
field = "romance"
model = "writer"
device = "attic"
[gateway]
policy = "highest_expectation"
"""


class Clever(BaseHTTPRequestHandler):
    """A model server: splits, assesses, writes and fuses as a capable model would."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """List the models."""
        self._send("application/json", json.dumps({"data": [{"id": "clever"}]}).encode())

    def do_POST(self) -> None:
        """Answer a chat."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        text = self._said(asked)
        base = {"id": "x", "created": 1, "model": "clever"}
        usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
        if not asked.get("stream"):
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            body = {**base, "object": "chat.completion", "choices": [choice], "usage": usage}
            self._send("application/json", json.dumps(body).encode())
            return
        deltas = [
            {"role": "assistant", "content": ""},
            *({"content": word} for word in re.findall(r"\S+\s*", text)),
        ]
        chunks = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
        chunks.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        events = [{**base, "object": "chat.completion.chunk", "choices": [chunk]} for chunk in chunks]
        events.append({**base, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        lines = [f"data: {json.dumps(event)}\n\n" for event in events]
        if "word1" in text:
            self._send_slowly([*lines, "data: [DONE]\n\n"])
        else:
            self._send("text/event-stream", "".join([*lines, "data: [DONE]\n\n"]).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    @staticmethod
    def _said(asked: dict[str, Any]) -> str:
        content = asked["messages"][-1]["content"]
        if "response_format" in asked:
            form = json.dumps(asked["response_format"])
            if '"subtasks"' in form:
                return json.dumps({"kind": "story", "subtasks": ["a kiss in the rain", "the missing crown"]})
            fields = [name for name in ("romance", "mystery") if f'"{name}"' in form]
            needs = [
                {"words": 20, "relevance": {name: float(name == own) for name in fields}}
                for own in ("romance", "mystery")
            ]
            return json.dumps({"assessments": needs})
        if "Combine the following" in content:
            return f"{KISS} Then {CROWN}"
        if "slowly" in content:
            begun = re.search(r"<<<(.*?)>>>", content)
            return LONG[len(begun[1]) :] if begun else LONG
        return KISS if "a kiss" in content else CROWN

    def _send_slowly(self, lines: list[str]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):  # whoever reads may be killed
            for line in lines:
                self.wfile.write(line.encode())
                time.sleep(0.02)

    def _send(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def clever() -> Iterator[int]:
    """Run the model server; its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Clever)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join()
    server.server_close()


class Program:
    """A command that runs."""

    def __init__(self, folder: Path, *words: str, **environment: str) -> None:
        self.said = ""
        own = {"XDG_STATE_HOME": str(folder / "home"), "COLUMNS": "160", "NO_COLOR": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "net4moe", *words],
            env={**os.environ, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line

    def wait_for(self, pattern: str, seconds: float = 60.0) -> re.Match[str]:
        """Wait until it says something."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            if found := re.search(pattern, self.said):
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        pytest.fail(f"it did not say {pattern!r} but:\n{self.said}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        try:
            return self.process.wait(30)
        finally:
            self.process.kill()
            self._reader.join()


@contextmanager
def running(folder: Path, *words: str, **environment: str) -> Iterator[Program]:
    """Run a command and end it."""
    program = Program(folder, *words, **environment)
    try:
        yield program
    finally:
        if program.process.poll() is None:
            program.end()
        assert program.process.stdout is not None
        program.process.stdout.close()


def done(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    own = {"XDG_STATE_HOME": str(folder / "home"), "COLUMNS": "160", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-m", "net4moe", *words],
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_gateway_an_endpoint_and_a_device(tmp_path: Path, clever: int) -> None:
    """Two experts on two devices write a story for the official client; keys, plans and receipts by command."""
    (tmp_path / "mine.toml").write_text(SETTINGS.format(port=clever))
    with running(tmp_path, "gateway", "--config", str(tmp_path / "mine.toml"), "--port", "0") as gateway:
        url = gateway.wait_for(r"listens on (http://127\.0\.0\.1:\d+)/v1")[1]
        key = gateway.wait_for(r"key for clients +(nk-\w+)")[1]
        code = gateway.wait_for(r"--code (\w{4}-\w{4})")[1]
        words = ("--gateway", url, "--code", code, "--name", "cellar", "--expert", "marlowe=mystery")
        with running(tmp_path, "device", *words, "--upstream", f"http://127.0.0.1:{clever}/v1") as device:
            device.wait_for("joined http")
            client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
            wait_for_model(client, "net4moe/marlowe")
            wait_for_model(client, "device/gate/clever")  # no expert stands before the gate's own model
            answer = client.chat.completions.create(
                model="net4moe", messages=[{"role": "user", "content": "A kiss, and a crown is missing."}]
            )
            assert f"{KISS} Then {CROWN}" == answer.choices[0].message.content
            receipt = httpx2.get(
                f"{url}/v1/receipts/{answer.id}", headers={"authorization": f"Bearer {key}"}
            ).json()
            assert ["attic", "cellar"] == [line["actual"]["device"] for line in receipt["subtasks"]]
            assert ["amora", "marlowe"] == [line["actual"]["expert"] for line in receipt["subtasks"]]
            plan = done(tmp_path, "route", "--explain", "A kiss, and a crown is missing.")
            assert 0 == plan.returncode, plan.stderr
            assert "=>  marlowe  cellar" in plan.stdout
            second = done(tmp_path, "gateway", "key", "ann").stdout.strip()
            time.sleep(1.1)  # a running gateway looks once a second
            other = openai.OpenAI(base_url=f"{url}/v1", api_key=second, max_retries=0)
            assert "net4moe" in [model.id for model in other.models.list()]
            assert re.fullmatch(r"\w{4}-\w{4}\n", done(tmp_path, "gateway", "code").stdout)
            client.close()
            other.close()
            assert 0 == device.end()
            assert "'cellar' has left." in device.said
        assert 0 == gateway.end(signal.SIGINT)
    everything = gateway.said + device.said
    assert "Traceback" not in everything
    assert "crown" not in everything


def test_a_device_that_is_killed_while_it_writes(tmp_path: Path, clever: int) -> None:
    """Its passage goes on on the other device, word for word from where it broke off; the receipt tells."""
    (tmp_path / "mine.toml").write_text(SETTINGS.format(port=clever))
    with ExitStack() as stack:
        gateway = stack.enter_context(
            running(tmp_path, "gateway", "--config", str(tmp_path / "mine.toml"), "--port", "0")
        )
        url = gateway.wait_for(r"listens on (http://127\.0\.0\.1:\d+)/v1")[1]
        key = gateway.wait_for(r"key for clients +(nk-\w+)")[1]
        header = {"authorization": f"Bearer {key}"}
        token = httpx2.post(f"{url}/v1/codes", headers=header, json={"devices": 2}).json()["code"]
        words = ("--gateway", url, "--code", token, "--expert", "marlowe=mystery")
        devices = {
            name: stack.enter_context(
                running(
                    tmp_path, "device", *words, "--name", name, "--upstream", f"http://127.0.0.1:{clever}/v1"
                )
            )
            for name in ("cellar", "barn")
        }
        for device in devices.values():
            device.wait_for("joined http")
        client = stack.enter_context(openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0))
        wait_for_model(client, "device/barn/clever")
        wait_for_model(client, "device/cellar/clever")
        answers: list[Any] = []
        thread = threading.Thread(
            target=lambda: answers.append(
                client.chat.completions.create(
                    model="net4moe", messages=[{"role": "user", "content": "A missing crown, slowly."}]
                )
            )
        )
        thread.start()
        victim = wait_for_writer(url, header, tuple(devices))
        time.sleep(0.2)  # some words have come
        devices[victim].process.kill()
        thread.join(30)
        receipt = httpx2.get(f"{url}/v1/receipts/{answers[0].id}", headers=header).json()
        attempts = [one for line in receipt["subtasks"] for one in line["actual"]["attempts"]]
        broken = next(one for one in attempts if one["device"] == victim and one["outcome"] == "reset")
        after = next(one for one in attempts if one["kind"] == "handover")
        assert broken["completion_tokens"] > 0
        assert after["device"] != victim
        assert "done" == receipt["outcome"]
        texts = answers[0].choices[0].message.content.split("\n\n")
        assert all(LONG == text for text in texts), texts


def wait_for_writer(url: str, header: dict[str, str], names: tuple[str, ...]) -> str:
    """Wait until one of these devices has had a call for a while: not one of the gate's short ones."""
    end_s = time.monotonic() + 20.0
    before: set[str] = set()
    while time.monotonic() < end_s:
        fleet = httpx2.get(f"{url}/v1/fleet", headers=header).json()["devices"]
        busy = {one["name"] for one in fleet if one["in_flight"] and one["name"] in names}
        if both := busy & before:
            return min(both)
        before = busy
        time.sleep(0.15)
    pytest.fail("nobody writes")


def wait_for_model(client: openai.OpenAI, name: str) -> None:
    """Wait until a device's first heartbeat has told what it has."""
    end_s = time.monotonic() + 20.0
    while name not in [model.id for model in client.models.list()]:
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_what_can_be_mended_is_said_in_one_sentence(tmp_path: Path) -> None:
    """No gateway, an open door, a port that is taken: exit code 2 and no traceback."""
    nowhere = done(tmp_path, "route", "A fox.")
    assert (
        2,
        "net4moe: no gateway is running here; start one with `net4moe up`, or name one with `--gateway URL`.\n",
    ) == (
        nowhere.returncode,
        nowhere.stderr,
    )
    away = done(tmp_path, "route", "A fox.", "--gateway", "http://127.0.0.1:9")
    assert 2 == away.returncode
    assert "no gateway answers at http://127.0.0.1:9" in away.stderr
    assert "Traceback" not in away.stderr
    taken = done(tmp_path, "gateway", "key", "ann")
    again = done(tmp_path, "gateway", "key", "ann")
    assert (0, 2) == (taken.returncode, again.returncode)
    assert "net4moe: A key is called `ann` already.\n" == again.stderr


@pytest.mark.parametrize("words", [["up"], ["gateway"], ["device", "--gateway", "http://127.0.0.1:9"]])
def test_without_a_web_server_one_sentence_says_what_to_install(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device agent or a study installs without it."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find_spec(name)
    )
    with pytest.raises(ConfigError, match=r"needs uvicorn; run `pip install 'net4moe\[serve\]'`\."):
        app(words, standalone_mode=False)


@pytest.mark.model
@pytest.mark.slow
def test_up_shows_it_all_in_a_minute(tmp_path: Path, embedded_weights: Path) -> None:
    """A gateway and three devices with the real model: a streamed answer, a receipt, and a clean end."""
    with running(tmp_path, "up", "--port", "0", NET4MOE_MODEL=str(embedded_weights)) as up:
        url = up.wait_for(r"curl -N (http://127\.0\.0\.1:\d+)/v1")[1]
        key = up.wait_for(r"Bearer (nk-\w+)")[1]
        client = openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)
        stream = client.chat.completions.create(
            model="net4moe",
            stream=True,
            stream_options={"include_usage": True},
            messages=[{"role": "user", "content": "A fox learns to sail."}],
            max_tokens=60,
        )
        chunks = list(stream)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert len(text.split()) > 5
        assert chunks[-1].usage is not None
        client.close()
        receipts = httpx2.get(f"{url}/v1/receipts", headers={"authorization": f"Bearer {key}"}).json()[
            "receipts"
        ]
        assert ("done", "trained") == (receipts[0]["outcome"], receipts[0]["policy"])
        assert {"phone", "laptop", "home server"} >= {
            line["actual"]["device"] for line in receipts[0]["subtasks"]
        }
        assert 0 == up.end()
    assert "Traceback" not in up.said
