"""What the embedded engine thinks of a given text: the log-probability of each of its tokens, in one pass.

llama.cpp's server tells probabilities only of what it writes itself, a token a call. As an embedding server it
hands out the last hidden state of every position of a text, and the output matrix, which lies in the GGUF
file, makes logits of them. Runs in the engine's own process; answers in the wire format of completions with
`echo`, as vLLM does.
"""

import functools
import hmac
import json
import threading
import urllib.request
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["WINDOW", "Reader", "serve"]

WINDOW = 1536
"""Tokens that are read at once; a longer text is read in windows."""

_CONTEXT = 256
_ROWS = 128  # positions whose logits are held at a time
_LARGEST_BODY = 1 << 22


class Reader:
    """A model that reads texts.

    Args:
      path: a GGUF file.
      address: where llama.cpp serves hidden states of the same file, one text at a time.
    """

    def __init__(self, path: Path, address: str, key: str) -> None:
        self._address = address
        self._key = key
        self._output = _output_matrix(path)

    def read(self, text: str) -> tuple[list[str], list[float | None]]:
        """Split a text into tokens and tell the log-probability of each after those before it.

        A text longer than a window is read in several that each begin with the last 256 tokens before them.
        The first token of all has nothing before it, and no probability.
        """
        tokens = self._post("/tokenize", {"content": text, "with_pieces": True})["tokens"]
        numbers = [token["id"] for token in tokens]
        logprobs: list[float | None] = [None]
        begin = 1
        while begin < len(numbers):
            first = max(0, begin - _CONTEXT)
            end = min(len(numbers), first + WINDOW)
            logprobs += self._window(numbers[first:end])[begin - first - 1 :]
            begin = end
        return _pieces([token["piece"] for token in tokens]), logprobs[: len(numbers)]

    def _window(self, numbers: list[int]) -> list[float]:
        """Tell the log-probability of each token but the first."""
        sent = self._post("/embeddings", {"input": numbers, "embd_normalize": -1})
        hidden = np.array(sent[0]["embedding"], np.float32)[:-1]
        found: list[float] = []
        for begin in range(0, len(hidden), _ROWS):
            logits = hidden[begin : begin + _ROWS] @ self._output.T
            logits -= logits.max(axis=1, keepdims=True)
            following = numbers[begin + 1 : begin + 1 + len(logits)]
            chosen = logits[np.arange(len(logits)), following]
            found += (chosen - np.log(np.exp(logits).sum(axis=1))).tolist()
        return found

    def _post(self, path: str, content: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"{self._address}{path}",
            json.dumps(content).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"},
        )
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=240) as sent:
            return json.load(sent)


def serve(start: Callable[[], Reader], key: str) -> str:
    """Answer completions with `echo` on loopback, on threads of their own; return the address.

    The reader starts with the first text: most runs of the engine only write.
    """
    started = functools.cache(start)
    one_at_a_time = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if length > _LARGEST_BODY:
                self._refuse(413, "the text is too long")
                return
            body = self.rfile.read(length)
            given = self.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
                self._refuse(401, "wrong key")
                return
            try:
                text = str(json.loads(body)["prompt"])
            except (ValueError, KeyError, TypeError):
                self._refuse(400, "the request is no completion with a `prompt`")
                return
            try:
                with one_at_a_time:
                    read = started().read(text)
            except (OSError, LookupError, ValueError, TypeError) as error:
                self._refuse(500, f"the text cannot be read: {error}")
                return
            self._answer(200, _completion(*read))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: texts are never logged."""

        def _refuse(self, status: int, message: str) -> None:
            self._answer(status, {"error": {"message": message, "type": "invalid_request_error"}})

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def _completion(tokens: list[str], logprobs: list[float | None]) -> dict[str, Any]:
    offsets = [0]
    for token in tokens:
        offsets.append(offsets[-1] + len(token))
    return {
        "id": "read",
        "object": "text_completion",
        "created": 0,
        "model": "embedded",
        "choices": [
            {
                "index": 0,
                "text": "".join(tokens),
                "finish_reason": "length",
                "logprobs": {
                    "tokens": tokens,
                    "token_logprobs": logprobs,
                    "top_logprobs": None,
                    "text_offset": offsets[:-1],
                },
            }
        ],
        "usage": {"prompt_tokens": len(tokens), "completion_tokens": 0, "total_tokens": len(tokens)},
    }


def _pieces(pieces: list[str | list[int]]) -> list[str]:
    """Give each token its characters; those of a character cut into several tokens go to the last of them."""
    found: list[str] = []
    held = b""
    for piece in pieces:
        held += piece.encode() if isinstance(piece, str) else bytes(piece)
        try:
            found.append(held.decode())
            held = b""
        except UnicodeDecodeError:
            found.append("")
    return found


def _output_matrix(path: Path) -> NDArray[np.float32]:
    """Read the matrix that makes logits of hidden states: of its own, or the embedding's where they share it."""
    from gguf import GGUFReader, dequantize

    tensors = {tensor.name: tensor for tensor in GGUFReader(path).tensors}
    tensor = tensors.get("output.weight") or tensors["token_embd.weight"]
    return np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), np.float32)
