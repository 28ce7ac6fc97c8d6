"""The embedded engine's own process: llama.cpp behind an OpenAI-compatible port on loopback.

Started by `net4moe.chat.embedded` as `python -m net4moe.chat.engine`, which writes one line of JSON to its
standard input (`model`, `key`, `num_threads`, `num_slots`, `num_context`) and reads the address from its
standard output. It lives until its standard input closes, so it cannot outlive the program that started it.
"""

import importlib
import json
import os
import sys
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Serve one model until standard input closes."""
    xllamacpp: Any = importlib.import_module("xllamacpp")  # it has no types
    settings = json.loads(sys.stdin.readline())
    params = xllamacpp.CommonParams()
    params.model.path = settings["model"]
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [settings["key"]]
    params.endpoint_slots = False
    params.endpoint_props = False
    params.verbosity = 1  # errors: the rest is a kilobyte a call, kept for as long as the engine runs
    params.n_parallel = settings["num_slots"]
    params.n_ctx = settings["num_context"] * settings["num_slots"]
    params.cpuparams.n_threads = settings["num_threads"]
    params.cpuparams_batch.n_threads = settings["num_threads"]
    server = xllamacpp.Server(params)
    print(json.dumps({"address": server.listening_address}), flush=True)
    sys.stdin.read()
    os._exit(0)  # the server's threads do not end by themselves


if __name__ == "__main__":
    main()
