"""The embedded engine's own process: llama.cpp behind an OpenAI-compatible port, and a port that reads texts.

Started by `net4moe.chat.embedded` as `python -m net4moe.chat.engine`, which writes one line of JSON to its
standard input (`model`, `name`, `key`, `num_threads`, `num_slots`, `num_context`) and reads the two addresses from
its standard output. It lives until its standard input closes, so it cannot outlive the program that started it.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from net4moe.chat.reading import WINDOW, Reader, serve

__all__ = ["main"]


def main() -> None:
    """Serve one model until standard input closes."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it has no types
    settings = json.loads(sys.stdin.readline())
    writer = xllamacpp.Server(_writing(xllamacpp, settings))
    servers = [writer]  # a server ends with its last reference

    def start_reading() -> Reader:
        servers.append(xllamacpp.Server(_reading(xllamacpp, settings)))
        return Reader(Path(settings["model"]), servers[-1].listening_address, settings["key"])

    reads_at = serve(start_reading, settings["key"])
    print(json.dumps({"writes_at": writer.listening_address, "reads_at": reads_at}), flush=True)
    sys.stdin.read()
    os._exit(0)  # the server's threads do not end by themselves


def _writing(xllamacpp: Any, settings: dict[str, Any]) -> Any:
    params = _params(xllamacpp, settings)
    params.n_parallel = settings["num_slots"]
    params.n_ctx = settings["num_context"] * settings["num_slots"]
    return params


def _reading(xllamacpp: Any, settings: dict[str, Any]) -> Any:
    """Ask for the hidden state of every token; a text must fit into one batch."""
    params = _params(xllamacpp, settings)
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_NONE
    params.n_parallel = 1
    params.n_ctx = params.n_batch = params.n_ubatch = WINDOW
    return params


def _params(xllamacpp: Any, settings: dict[str, Any]) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.model_alias = {settings["name"]}  # else replies name the file, with its folders
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.endpoint_slots = False
    params.endpoint_props = False
    params.verbosity = 1  # errors: the rest is a kilobyte a call, kept for as long as the engine runs
    params.cpuparams.n_threads = settings["num_threads"]
    params.cpuparams_batch.n_threads = settings["num_threads"]
    return params


if __name__ == "__main__":
    main()
