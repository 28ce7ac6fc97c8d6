"""What `net4moe doctor` looks at."""

import asyncio
import importlib.metadata
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs
from rich.table import Table
from rich.text import Text

from net4moe.chat import ChatRequest, HttpChatModel, Message, Patience, embedded, weights
from net4moe.cli import console
from net4moe.cli.config import Config, ModelSettings, key_of, load
from net4moe.cli.runtime import secret
from net4moe.errors import Net4MoEError

__all__ = ["Check", "checks", "print_checks"]

_PACKAGES = ("net4moe", "jax", "numpy", "polars", "openai", "httpx2", "xllamacpp", "matplotlib", "xlsxwriter")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
      name: what.
      found: what was found, or what to do.
      ok: whether the program can work with it.
    """

    name: str
    found: str
    ok: bool = True


def checks(config_file: Path | None, model: Path | None) -> Iterator[Check]:
    """Look at everything, one after the other."""
    yield Check(name="Python", found=f"{platform.python_version()} on {platform.platform()}")
    for package in _PACKAGES:
        yield _package(package)
    yield Check(name="cores", found=f"{os.cpu_count()} in all, {embedded.free_cores()} idle for the engine")
    yield _model(model)
    yield _encoder()
    try:
        config = load(config_file)
    except Net4MoEError as error:
        yield Check(name="settings", found=str(error), ok=False)
        return
    yield Check(name="settings", found=f"{len(config.experts)} experts; {config_file or 'the default ones'}")
    yield from _endpoints(config)
    yield Check(name="answers' ledger", found=str(platformdirs.user_state_path("net4moe") / "answers.sqlite"))


def print_checks(found: Iterator[Check]) -> bool:
    """Print the checks as they come; True where all is well."""
    table = Table(box=None, show_header=False, pad_edge=False)
    all_well = True
    for check in found:
        mark = Text("ok", style="green") if check.ok else Text("mend", style="bold red")
        table.add_row(mark, check.name, Text(check.found))
        all_well &= check.ok
    console.out.print(table)
    return all_well


def _package(name: str) -> Check:
    try:
        return Check(name=name, found=importlib.metadata.version(name))
    except importlib.metadata.PackageNotFoundError:
        return Check(
            name=name, found=f"not installed; `{sys.executable} -m pip install 'net4moe[all]'`", ok=False
        )


def _model(given: Path | None) -> Check:
    if given is not None:
        there = given.is_file()
        return Check(name="embedded model", found=f"{given}{'' if there else ' is not there'}", ok=there)
    found = weights.cached(weights.SMOLLM2)
    place = str(found[0]) if found else f"{weights.SMOLLM2.name}, fetched on first use (93 MB)"
    return Check(name="embedded model", found=place)


def _encoder() -> Check:
    found = weights.cached(weights.MINILM)
    place = str(found[0]) if found else f"{weights.MINILM.name}, fetched with the first judged text (84 MB)"
    return Check(name="judge's encoder", found=place)


def _endpoints(config: Config) -> Iterator[Check]:
    for name, settings in config.models.items():
        yield asyncio.run(_reached(name, settings))


async def _reached(name: str, settings: ModelSettings) -> Check:
    label = f"model {name}"
    try:
        model = HttpChatModel(
            settings.endpoint,
            name=settings.name,
            api_key=secret(key_of(settings)),
            patience=Patience(try_s=20.0, total_s=20.0, num_tries=1),
        )
        try:
            await model.reply(ChatRequest(messages=(Message(role="user", content="Say yes."),), max_tokens=8))
        finally:
            await model.close()
    except Net4MoEError as error:
        return Check(name=label, found=str(error), ok=False)
    return Check(name=label, found=f"{settings.name} at {settings.endpoint} answers")
