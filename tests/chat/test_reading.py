"""Texts that are read: what an echo says, and what the engine's own reader makes of hidden states."""

import importlib.util
import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from net4moe.chat import (
    HttpChatModel,
    Ledger,
    LedgeredChatModel,
    ReadRequest,
    ScriptedChatModel,
    Token,
    reading,
)
from net4moe.chat.records import Reply
from net4moe.chat.wire import Completion, read
from net4moe.errors import ReplyError
from tests.chat.conftest import asked
from tests.chat.fault_server import FaultServer, plain

WORDS = ["A", " fox", " sails", "."]


def echo(tokens: list[str], logprobs: list[float | None]) -> str:
    """Make the body of an endpoint that echoes."""
    told = {"tokens": tokens, "token_logprobs": logprobs, "top_logprobs": [None] * len(tokens)}
    choice = {"text": "".join(tokens), "finish_reason": "length", "logprobs": told}
    usage = {"prompt_tokens": len(tokens), "completion_tokens": 1}
    return json.dumps({"choices": [choice], "usage": usage})


def test_what_stands_before_is_not_reported() -> None:
    """Of `A fox sails.` after `A` only the rest is told, and what the endpoint wrote itself is left out."""
    body = echo([*WORDS, " Then"], [None, -1.0, -2.0, -0.5, -3.0])
    with FaultServer(plain(body)) as server:
        reply = asked(HttpChatModel(server.base_url, name="tiny"), ReadRequest(given="A", text=" fox sails."))
        (call,) = server.calls
    sent = call.body
    assert ("A fox sails.", True, 1, 1) == tuple(
        sent[k] for k in ("prompt", "echo", "logprobs", "max_tokens")
    )
    assert (-1.0, -2.0, -0.5) == tuple(token.logprob for token in reply.read)
    assert (" fox", 5, "") == (reply.read[0].text, reply.prompt_tokens, reply.text)


@pytest.mark.parametrize(
    ("tokens", "given", "text", "expected"),
    [
        pytest.param(WORDS, "", "A fox sails.", WORDS[1:], id="the first token has no probability"),
        pytest.param(["<s>", *WORDS], "A", " fox sails.", WORDS[1:], id="a mark of the beginning"),
        pytest.param(
            WORDS, "A f", "ox sails.", WORDS[1:], id="a token across the border belongs to the text"
        ),
        pytest.param(["A", "", "é", "."], "A", "é.", ["", "é", "."][1:], id="a character of two tokens"),
    ],
)
def test_tokens_of_the_text(tokens: list[str], given: str, text: str, expected: list[str]) -> None:
    """Tokens are found by the characters that they hold."""
    logprobs: list[float | None] = [None, *[-1.0] * (len(tokens) - 1)]
    completion = read(Completion, json.loads(echo(tokens, logprobs)), "model 'tiny'")
    assert expected == [token.text for token in completion.echoed(given, text)]


def test_an_endpoint_that_cannot_read() -> None:
    """A server that ignores `echo` gives a sentence, not an empty reading."""
    with (
        FaultServer(plain('{"choices":[{"text":" Then","finish_reason":"length"}]}')) as server,
        pytest.raises(
            ReplyError, match=r"did not tell the log-probabilities of the text that it was given to read"
        ),
    ):
        asked(HttpChatModel(server.base_url, name="tiny"), ReadRequest(text="A fox."))


def test_nothing_to_read() -> None:
    """An empty text is refused before any call."""
    with pytest.raises(ValueError, match=r"^`text` must hold at least 1 character to be read, got none\.$"):
        ReadRequest(text="")


def test_readings_are_kept(path: Path) -> None:
    """The ledger gives back each token's probability to the last digit."""
    tokens = (Token(text=" fox", logprob=-1 / 3), Token(text=".", logprob=-math.pi))
    told = Reply(
        text="", finish_reason="length", prompt_tokens=3, completion_tokens=1, seconds=0.1, read=tokens
    )
    request = ReadRequest(given="A", text=" fox.")
    with Ledger(path) as ledger:
        model = LedgeredChatModel(ScriptedChatModel(lambda _: told), ledger)
        assert told == asked(model, request)
        assert told == asked(model, request)
        assert (1, 1) == (ledger.num_made, ledger.num_read)


class Hidden:
    """A server of hidden states for a made-up model: the state of token `i` is row `i` of a table."""

    def __init__(self, states: np.ndarray) -> None:
        outer = self
        self.windows: list[list[int]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path == "/tokenize":
                    tokens = [{"id": ord(c) - 97, "piece": c} for c in sent["content"]]
                    content: Any = {"tokens": tokens}
                else:
                    outer.windows.append(sent["input"])
                    content = [{"embedding": states[sent["input"]].tolist()}]
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(content).encode())

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> tuple[Hidden, reading.Reader, np.ndarray]:
    """Give a reader over a model of three tokens, and its table of log-probabilities."""
    lot = np.random.default_rng(0)
    states, output = lot.normal(size=(3, 4)), lot.normal(size=(3, 4)).astype(np.float32)
    monkeypatch.setattr(reading, "_output_matrix", lambda _: output)
    hidden = Hidden(states)
    logits = states @ output.T
    table = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return hidden, reading.Reader(Path("none.gguf"), hidden.address, "key"), table


def test_logits_by_hand(small: tuple[Hidden, reading.Reader, np.ndarray]) -> None:
    """Each token's log-probability is that of the softmax of output matrix times the state before it."""
    _, reader, table = small
    tokens, logprobs = reader.read("abca")
    assert ["a", "b", "c", "a"] == tokens
    assert logprobs[0] is None
    np.testing.assert_allclose(
        [table[0, 1], table[1, 2], table[2, 0]], np.array(logprobs[1:], float), rtol=1e-5
    )


@pytest.mark.parametrize("length", [1, 2, reading.WINDOW, reading.WINDOW + 1, 3 * reading.WINDOW])
def test_long_texts_are_read_in_windows(
    small: tuple[Hidden, reading.Reader, np.ndarray], length: int
) -> None:
    """Every token is read once, no window is larger than the model takes, and later ones begin with what was."""
    hidden, reader, table = small
    text = ("abcacb" * length)[:length]
    _, logprobs = reader.read(text)
    numbers = [ord(c) - 97 for c in text]
    np.testing.assert_allclose(table[numbers[:-1], numbers[1:]], np.array(logprobs[1:], float), rtol=1e-4)
    assert all(len(window) <= reading.WINDOW for window in hidden.windows)


def test_the_reading_port(small: tuple[Hidden, reading.Reader, np.ndarray]) -> None:
    """It wants the key, starts its reader once, and says what went wrong."""
    _, reader, table = small
    starts: list[int] = []

    def start() -> reading.Reader:
        starts.append(1)
        return reader

    address = reading.serve(start, "key")
    content = {"prompt": "ab", "echo": True, "logprobs": 1, "max_tokens": 1}
    with httpx2.Client(base_url=address, trust_env=False) as client:
        assert 401 == client.post("/v1/completions", json=content).status_code
        client.headers["Authorization"] = "Bearer key"
        first, told = (
            client.post("/v1/completions", json=content).json()["choices"][0]["logprobs"] for _ in range(2)
        )
        assert 400 == client.post("/v1/completions", content=b"{").status_code
        assert 500 == client.post("/v1/completions", json={"prompt": "a~"}).status_code
    assert first == told
    assert [1] == starts
    assert ["a", "b"] == told["tokens"]
    assert pytest.approx(table[0, 1], rel=1e-5) == told["token_logprobs"][1]


@pytest.mark.skipif(
    importlib.util.find_spec("gguf") is None, reason="the engine (net4moe[local]) is not installed"
)
def test_the_output_matrix_of_a_file(tmp_path: Path) -> None:
    """It is the model's own, else the embedding's, brought back from its quantised form."""
    import gguf

    matrix = np.random.default_rng(1).normal(size=(8, 64)).astype(np.float32)
    for name in ("token_embd.weight", "output.weight"):
        path = tmp_path / f"{name}.gguf"
        writer = gguf.GGUFWriter(path, "llama")
        packed = gguf.quantize(matrix, gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor("token_embd.weight", packed if name == "token_embd.weight" else 0 * packed,
                          raw_dtype=gguf.GGMLQuantizationType.Q8_0)  # fmt: skip
        if name == "output.weight":
            writer.add_tensor(name, matrix)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        np.testing.assert_allclose(matrix, reading._output_matrix(path), atol=0.02)
