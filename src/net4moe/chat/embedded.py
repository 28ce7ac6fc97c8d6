"""The embedded model: llama.cpp in a child process that we start, no key and no account needed."""

import asyncio
import importlib.util
import json
import os
import re
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from pydantic import SecretStr

from net4moe.chat.http import HttpChatModel, Patience
from net4moe.chat.model import ChatModel, OnText
from net4moe.chat.records import Capabilities, Price, ReadRequest, Reply, Request
from net4moe.errors import ModelFileError

__all__ = ["TINY", "EmbeddedModel", "EngineConfig", "free_cores", "running"]

_LOOKS = 5
_BETWEEN_LOOKS_S = 0.005

TINY = Capabilities(
    structured=False, logprobs=True, continues_text=True, continues_reply=True, reads_text=True
)
"""What a model of 135 million parameters can be asked for (measured: docs/embedded.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """How the embedded engine runs.

    Attributes:
      num_slots: texts written at the same time.
      num_context: tokens that one text with its instructions may have.
      num_threads: threads; 0 for as many as there are idle cores.
      start_s: time the engine may take to load the model, seconds.
    """

    num_slots: int = 4
    num_context: int = 4096
    num_threads: int = 0
    start_s: float = 120.0

    def __post_init__(self) -> None:
        """Refuse an engine that could not run."""
        for name, low in (("num_slots", 1), ("num_context", 512), ("num_threads", 0)):
            if getattr(self, name) < low:
                msg = f"`{name}` must be at least {low}, got {getattr(self, name)}."
                raise ValueError(msg)


def free_cores() -> int:
    """Count the cores that are idle now, from 1 to 8: the engine's threads spin, so more would slow it."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(8, cores - _num_running()))


def _num_running() -> int:
    """Count what runs now besides us, where the system tells; the load average would lag by minutes.

    The least of a few looks a few milliseconds apart: what is always there, not what just passes.
    """
    try:
        return min(_running_at_this_moment() for _ in range(_LOOKS)) - 1
    except (OSError, IndexError, ValueError):
        return round(os.getloadavg()[0]) if hasattr(os, "getloadavg") else 0


def _running_at_this_moment() -> int:
    time.sleep(_BETWEEN_LOOKS_S)
    return int(Path("/proc/loadavg").read_text("ascii").split()[3].partition("/")[0])


@asynccontextmanager
async def running(
    weights: Path, name: str, config: EngineConfig | None = None, *, capabilities: Capabilities = TINY
) -> AsyncGenerator["EmbeddedModel"]:
    """Run the engine for as long as the context lasts.

    Args:
      weights: a GGUF file.
      name: what the model is called in tables and reports.
      config: how the engine runs.
      capabilities: what the model can be asked for.

    Yields:
      The model, ready to answer.

    Raises:
      ModelFileError: the engine is not installed, or the file is not a model that it can load.
    """
    config = config or EngineConfig()
    config = replace(config, num_threads=config.num_threads or free_cores())
    if importlib.util.find_spec("xllamacpp") is None:
        msg = "the embedded engine is not installed; run `pip install 'net4moe[local]'`."
        raise ModelFileError(msg)
    if not weights.is_file():
        msg = f"the model file {weights} is not there; set NET4MOE_MODEL (or `--model`) to a GGUF file."
        raise ModelFileError(msg)
    key = secrets.token_hex(16)
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "net4moe.chat.engine",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
        try:
            addresses = await _addresses(process, weights, name, key, config)
            if addresses is None:
                await process.wait()
                raise ModelFileError(_why_not_started(weights, log))
            writer, reader = (
                HttpChatModel(
                    f"{address}/v1",
                    name=name,
                    api_key=SecretStr(key),
                    capabilities=capabilities,
                    patience=Patience(try_s=240.0, total_s=300.0, num_tries=3),
                    places=asyncio.Semaphore(num_places),
                    keep_alive=False,
                )
                for address, num_places in zip(addresses, (config.num_slots, 1), strict=True)
            )
            try:
                yield EmbeddedModel(writer, reader, SecretStr(key), config.num_slots)
            finally:
                await writer.close()
                await reader.close()
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class EmbeddedModel(ChatModel):
    """The two ports of the engine as one model: one answers and continues, the other reads.

    Attributes:
      base_url: where the engine answers and continues, for other clients of this computer.
      reads_url: where it reads texts.
      key: the engine's key.
      num_slots: texts that it writes at the same time.
    """

    def __init__(self, writer: HttpChatModel, reader: HttpChatModel, key: SecretStr, num_slots: int) -> None:
        self.name = writer.name
        self.base_url = writer.base_url
        self.reads_url = reader.base_url
        self.key = key
        self.num_slots = num_slots
        self.capabilities = writer.capabilities
        self.price = Price()
        self._writer = writer
        self._reader = reader

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer one request at the port that can."""
        model = self._reader if isinstance(request, ReadRequest) else self._writer
        return await model.reply(request, on_text=on_text)


async def _addresses(
    process: asyncio.subprocess.Process, weights: Path, name: str, key: str, config: EngineConfig
) -> tuple[str, str] | None:
    """Tell the engine what to serve and read where it writes and reads; None where it ended instead."""
    assert process.stdin is not None
    assert process.stdout is not None
    settings = {
        "model": str(weights),
        "name": name,
        "key": key,
        "num_slots": config.num_slots,
        "num_context": config.num_context,
        "num_threads": config.num_threads,
    }
    try:
        process.stdin.write(json.dumps(settings).encode() + b"\n")
        await process.stdin.drain()
        async with asyncio.timeout(config.start_s):
            while line := await process.stdout.readline():
                if line.startswith(b'{"writes_at"'):
                    told = json.loads(line)
                    return told["writes_at"], told["reads_at"]
    except TimeoutError as error:
        msg = f"the embedded engine did not load {weights} within {config.start_s:g} s."
        raise ModelFileError(msg) from error
    except ConnectionError:
        return None
    return None


def _why_not_started(weights: Path, log: IO[bytes]) -> str:
    """Take the engine's first error: the later ones only say that there was one."""
    log.seek(0)
    said = log.read().decode("utf-8", "replace").strip()
    errors = re.findall(r" E [^:\n]*: (.+)", said) or said.splitlines()[-1:] or ["no reason given"]
    return f"the embedded engine cannot serve {weights}: {errors[0][:160].rstrip(' .')}."
