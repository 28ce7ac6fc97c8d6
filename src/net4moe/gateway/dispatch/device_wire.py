"""What a device is sent and how its answer is read: strict, in pieces, within bounds.

Rules. A stream is UTF-8 or it is garbage; a line holds at most 64 KiB, a passage as many characters as its tokens
allow and at most 64 KiB. A comment and an empty chunk are no progress. What cannot be read ends the call with
`CallBroken`; nothing is guessed. What a reasoning model thinks aloud before its answer is left out, but shows that
it lives. A device that repeats what it was given to go on with has it cut off.
"""

import json
from typing import Any, NoReturn

from pydantic import SecretStr, ValidationError

from net4moe.chat import ChatRequest, ReadRequest, Reply, Request, TextRequest, wire
from net4moe.errors import ReplyError
from net4moe.gateway.dispatch.transport import CallBroken

__all__ = [
    "LARGEST_LINE",
    "LARGEST_PASSAGE",
    "PassageReader",
    "body_of",
    "estimated_tokens",
    "first_words",
    "reply_of",
]

LARGEST_LINE = 64 << 10
"""Bytes of one line of a stream."""

LARGEST_PASSAGE = 64 << 10
"""Characters of one passage."""

_CHARACTERS_PER_TOKEN = 40  # no tokeniser in use makes longer tokens
_THINK, _THOUGHT = "<think>", "</think>"
_SAID = 80  # characters of a refusal that are repeated
_SHORTEST_ECHO = 12  # fewer characters may well be meant to stand twice


def body_of(request: Request, model: str) -> tuple[str, bytes]:
    """Write a request as a device takes it.

    Returns:
      The path below the base URL, and the body.
    """
    match request:
        case ChatRequest():
            path = "/chat/completions"
            fields: dict[str, Any] = {
                "model": model,
                "messages": [{"role": one.role, "content": one.content} for one in request.messages],
                "max_tokens": request.max_tokens,
                "temperature": request.temperature,
                "seed": request.seed,
                "stream": True,
                "stream_options": {"include_usage": True},
            }
            if request.top_logprobs:
                fields |= {"logprobs": True, "top_logprobs": request.top_logprobs}
            if request.schema:
                schema = {"name": "reply", "schema": json.loads(request.schema), "strict": True}
                fields["response_format"] = {"type": "json_schema", "json_schema": schema}
        case TextRequest():
            path = "/completions"
            fields = {
                "model": model,
                "prompt": request.text,
                "max_tokens": request.max_tokens,
                "temperature": 0.0,
            }
            if request.top_logprobs:
                fields["logprobs"] = request.top_logprobs
        case ReadRequest():
            path = "/completions"
            fields = {
                "model": model,
                "prompt": request.given + request.text,
                "max_tokens": request.max_tokens,
                "temperature": 0.0,
                "echo": True,
                "logprobs": 1,
            }
    return path, json.dumps(fields, ensure_ascii=False).encode()


class PassageReader:
    """Reads the stream of one passage, whichever way it is cut into pieces.

    Args:
      device: who sends it, for errors.
      max_tokens: tokens that it may have.
      begun: what it goes on with; cut off where the device repeats it.

    Attributes:
      finish_reason: why it ended; empty before.
      ended: whether nothing more is to be read.
      usage: tokens, where the device told.
      chunks_top: the likeliest tokens of each position.
      text: what was read, `begun` left out.
    """

    def __init__(self, device: str, *, max_tokens: int, begun: str = "") -> None:
        self.finish_reason = ""
        self.ended = False
        self.usage: wire.Usage | None = None
        self.chunks_top: list[tuple[Any, ...]] = []
        self._device = device
        self._most = min(LARGEST_PASSAGE, max_tokens * _CHARACTERS_PER_TOKEN)
        self._rest = b""
        self._thoughts = _Thoughts()
        self._echo = _Echo(begun)
        self._texts: list[str] = []
        self._num_characters = 0

    @property
    def text(self) -> str:
        """What was read so far."""
        return "".join(self._texts)

    def feed(self, piece: bytes) -> list[str]:
        """Take in bytes; give the texts in them, an empty one for a sign of life.

        Raises:
          CallBroken: it is no stream of a passage.
        """
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LARGEST_LINE:
            self._refuse("a line that is too long")
        texts: list[str] = []
        for line in lines:
            if len(line) > LARGEST_LINE:
                self._refuse("a line that is too long")
            if not self.ended:
                texts += self._line(line)
        return texts

    def close(self) -> list[str]:
        """Take in that nothing more comes; give what was held back.

        Raises:
          CallBroken: the passage is not whole.
        """
        if not self.finish_reason:
            msg = f"device '{self._device}' broke off its answer: the stream ended without a reason."
            raise CallBroken(msg, outcome="reset", device_id=self._device)
        self.ended = True
        return self._counted(self._echo.feed(self._thoughts.close()) + self._echo.close())

    def _line(self, line: bytes) -> list[str]:
        line = line.removesuffix(b"\r")
        if not line or line.startswith((b":", b"event:", b"id:", b"retry:")):
            return []
        if not line.startswith(b"data:"):
            self._refuse("what is no stream of events")
        sent = line[5:].strip()
        if sent == b"[DONE]":
            if not self.finish_reason:
                self._refuse("an end without a reason")
            return self.close()
        return self._chunk(sent)

    def _chunk(self, sent: bytes) -> list[str]:
        try:
            chunk = wire.Chunk.model_validate_json(sent)
        except ValidationError:
            chunk = wire.Chunk()
        if chunk.choices is None and chunk.usage is None:
            if b'"error"' in sent:
                msg = f"device '{self._device}' failed in the middle of its answer."
                raise CallBroken(msg, outcome="failed", device_id=self._device)
            self._refuse("a chunk of an unknown form")
        self.usage = chunk.usage or self.usage
        self.chunks_top += chunk.top
        self.finish_reason = chunk.finish_reason or self.finish_reason
        if not chunk.text:
            return [""] if b'"reasoning' in sent else []
        return self._counted(self._echo.feed(self._thoughts.feed(chunk.text))) or [""]

    def _counted(self, text: str) -> list[str]:
        """Keep a text within bounds; cut the passage where it goes past them."""
        left = self._most - self._num_characters
        if len(text) > left:
            text = text[:left]
            self.finish_reason = "length"
            self.ended = True
        self._num_characters += len(text)
        self._texts.append(text)
        return [text] if text else []

    def _refuse(self, what: str) -> NoReturn:
        msg = f"device '{self._device}' sent {what}."
        raise CallBroken(msg, outcome="garbage", device_id=self._device)


class _Thoughts:
    """Leaves out what stands between `<think>` and `</think>` at the beginning."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "beginning"

    def feed(self, text: str) -> str:
        if self._state == "answer":
            return text
        self._held += text
        if self._state == "beginning":
            start = self._held.lstrip()
            if not start.startswith(_THINK):
                return "" if _THINK.startswith(start) else self._released()
            self._state = "thoughts"
        if self._state == "thoughts":
            _, mark, after = self._held.partition(_THOUGHT)
            if not mark:
                self._held = self._held[-len(_THOUGHT) :]
                return ""
            self._held, self._state = after, "gap"
        self._held = self._held.lstrip()
        return self._released() if self._held else ""

    def close(self) -> str:
        """Give what is still held; thoughts that never ended are nothing."""
        return "" if self._state == "thoughts" else self._released()

    def _released(self) -> str:
        text, self._held, self._state = self._held, "", "answer"
        return text


class _Echo:
    """Cuts off the repetition of what was to be gone on with."""

    def __init__(self, begun: str) -> None:
        self._begun = begun if len(begun) >= _SHORTEST_ECHO else ""
        self._held = ""

    def feed(self, text: str) -> str:
        if not self._begun:
            return text
        self._held += text
        if self._held.startswith(self._begun):
            self._held = self._held[len(self._begun) :]
            return self.close()
        return "" if self._begun.startswith(self._held) else self.close()

    def close(self) -> str:
        text, self._held, self._begun = self._held, "", ""
        return text


def estimated_tokens(text: str) -> int:
    """Guess the tokens of a text: one for three characters."""
    return -(-len(text) // 3)


def reply_of(request: TextRequest | ReadRequest, device: str, body: bytes) -> Reply:
    """Read the answer to a text that was to be continued or read.

    Raises:
      CallBroken: it is not of the form.
    """
    completion = _completion(device, body)
    choice, usage = completion.choices[0], completion.usage
    reads = isinstance(request, ReadRequest)
    read = completion.echoed(request.given, request.text) if isinstance(request, ReadRequest) else ()
    if reads and not read:
        msg = f"device '{device}' did not tell the log-probabilities of the text that it was given to read."
        raise CallBroken(msg, outcome="garbage", device_id=device)
    return Reply(
        text="" if reads else choice.text,
        finish_reason=choice.finish_reason or "",
        prompt_tokens=usage.prompt_tokens if usage else len(read) or estimated_tokens(request.text),
        completion_tokens=usage.completion_tokens if usage else request.max_tokens,
        seconds=0.0,
        top=() if reads else completion.top,
        read=read,
    )


def first_words(body: bytes, key: SecretStr | None) -> str:
    """Take the first characters of what a device says, on one line, with stars for its key."""
    text = body[:2_000].decode("utf-8", "replace")
    if key is not None and key.get_secret_value():
        text = text.replace(key.get_secret_value(), "***")
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line if len(line) <= _SAID else line[: _SAID - 1] + "\u2026"


def _completion(device: str, body: bytes) -> wire.Completion:
    try:
        sent: object = json.loads(body)
        return wire.read(wire.Completion, sent, f"device '{device}'")
    except (ReplyError, ValueError, RecursionError) as error:
        msg = f"device '{device}' sent an answer of an unknown form ({type(error).__name__})."
        raise CallBroken(msg, outcome="garbage", device_id=device) from None
