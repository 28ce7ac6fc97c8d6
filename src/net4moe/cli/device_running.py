"""What `net4moe device` does: find the gateway and the model, be a device, end well."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import platformdirs
from pydantic import SecretStr, ValidationError

from net4moe.chat import Capabilities, embedded
from net4moe.cli import console
from net4moe.cli.config import EMBEDDED, ExpertSettings, load
from net4moe.cli.runtime import embedded_name, model_file
from net4moe.edge import ExpertOffer, identity
from net4moe.edge.config import AgentConfig, own_name
from net4moe.edge.discovery import gateways
from net4moe.edge.running import Agent, Event
from net4moe.edge.upstream import Upstream, models_of
from net4moe.edge.wire import Capability
from net4moe.errors import ConfigError

__all__ = ["Options", "run_device"]

_EMBEDDED_SLOTS = 2
_SERVER_SLOTS = 4
_ABLE: tuple[Capability, ...] = (
    "structured",
    "logprobs",
    "continues_text",
    "continues_reply",
    "reads_text",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; None where it says nothing.

    Attributes:
      gateway: the gateway's address.
      code: the code to join with.
      discover: whether to look for the gateway.
      name: the device's name.
      host: the address to listen on; empty for where the gateway can reach it.
      port: the port to listen on; 0 for any.
      upstream: a model server; None for the embedded model.
      upstream_key_env: the variable that holds its key.
      upstream_model: the model that the experts use.
      experts: `name=field` each.
      config: a file of settings whose experts are taken.
      model: weights of the embedded model.
      num_slots: texts at the same time.
      tls: whether to encrypt calls.
      insecure: whether everybody may call.
      state: folder for the device's identity.
    """

    gateway: str | None
    code: str | None = field(repr=False)
    discover: bool = False
    name: str | None = None
    host: str = ""
    port: int = 0
    upstream: str | None = None
    upstream_key_env: str | None = None
    upstream_model: str | None = None
    experts: tuple[str, ...] = ()
    config: Path | None = None
    model: Path | None = None
    num_slots: int | None = None
    tls: bool = False
    insecure: bool = False
    state: Path | None = None


async def run_device(options: Options) -> None:
    """Be a device until Ctrl-C or SIGTERM; a second Ctrl-C ends at once."""
    gateway = await _gateway(options)
    name = options.name or own_name()
    async with _upstream(options) as (upstream, model, capabilities):
        experts = _experts(options, name, model, capabilities)
        folder = options.state or platformdirs.user_state_path("net4moe") / "devices"
        with ExitStack() as stack:
            settings = AgentConfig(
                gateway=gateway,
                name=name,
                upstream=upstream,
                experts=experts,
                code=None if options.code is None else SecretStr(options.code),
                host=options.host,
                port=options.port,
                num_slots=options.num_slots or (_SERVER_SLOTS if options.upstream else _EMBEDDED_SLOTS),
                secure=options.tls,
                insecure=options.insecure,
                identity_file=stack.enter_context(identity.claimed(folder, gateway=gateway, name=name)),
            )
            agent = Agent(settings, on_event=_say)
            for line in _introduction(settings, model):
                console.progress.print(line, markup=False)
            with _signals(agent):
                await agent.run()


def _introduction(settings: AgentConfig, model: str) -> list[str]:
    """Say what this device is, before it is one."""
    experts = ", ".join(f"{offer.name} ({offer.field})" for offer in settings.experts)
    lines = [f"  experts  {experts}", f"  model    {model}; {settings.num_slots} at a time"]
    if settings.insecure:
        lines.append(
            "  --insecure: whoever reaches this port may use the model; nothing tells the gateway from others."
        )
    if not settings.secure and settings.listens_on != "127.0.0.1":
        lines.append("  Calls are signed but not encrypted; `--tls` encrypts them.")
    return lines


@contextmanager
def _signals(agent: Agent) -> Generator[None]:
    """Let the first Ctrl-C or SIGTERM end the device well, and the second one at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    caught = (signal.SIGINT, signal.SIGTERM)

    def end() -> None:
        agent.stop()
        for number in caught:
            loop.remove_signal_handler(number)
            if task is not None:
                loop.add_signal_handler(number, task.cancel)

    with suppress(NotImplementedError):  # Windows: Ctrl-C ends at once
        for number in caught:
            loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        with suppress(NotImplementedError):
            for number in caught:
                loop.remove_signal_handler(number)


async def _gateway(options: Options) -> str:
    """Name the gateway: the option, else the one that answers on the local network."""
    if options.gateway is not None:
        return options.gateway.rstrip("/").removesuffix("/v1")
    if not options.discover:
        msg = "name the gateway with `--gateway http://HOST:PORT`, or look for it with `--discover`."
        raise ConfigError(msg)
    with console.waiting("looking for a gateway"):
        found = await gateways()
    if len(found) != 1:
        names = ", ".join(f"{one.name} at {one.url}" for one in found)
        msg = f"{len(found)} gateways answered ({names}); " if found else "no gateway answered; "
        raise ConfigError(msg + "name one with `--gateway http://HOST:PORT`.")
    console.note(f"found {found[0].name} at {found[0].url}; the code will tell whether it is yours.")
    return found[0].url


@asynccontextmanager
async def _upstream(options: Options) -> AsyncGenerator[tuple[Upstream, str, Capabilities]]:
    """Start the embedded model or reach the server; yields it, the experts' model and what that can do."""
    if options.upstream is None:
        file = model_file(options.model)
        name = embedded_name(options.model)
        num_slots = options.num_slots or _EMBEDDED_SLOTS
        async with AsyncExitStack() as stack:
            with console.waiting(f"starting {name}"):
                config = embedded.EngineConfig(num_slots=num_slots)
                engine = await stack.enter_async_context(embedded.running(file, name, config))
            upstream = Upstream(
                url=engine.base_url, key=engine.key, models=(name,), reads_url=engine.reads_url
            )
            yield upstream, name, engine.capabilities
        return
    upstream = Upstream(url=options.upstream.rstrip("/"), key=_key(options.upstream_key_env))
    async with aiohttp.ClientSession() as session:
        models = await models_of(session, upstream)
    if options.upstream_model is None and not models:
        msg = f"the model server at {upstream.url} has no model; load one, or name one (`--upstream-model`)."
        raise ConfigError(msg)
    yield upstream, options.upstream_model or models[0], Capabilities()


def _key(variable: str | None) -> SecretStr | None:
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key:
        msg = f"the model server's key is to be in the environment variable {variable}, which is not set."
        raise ConfigError(msg)
    return SecretStr(key)


def _experts(
    options: Options, device: str, model: str, capabilities: Capabilities
) -> tuple[ExpertOffer, ...]:
    """List the experts: those of the options, else those of the settings, else a general one."""
    able: tuple[Capability, ...] = tuple(name for name in _ABLE if getattr(capabilities, name))
    try:
        if options.experts:
            return tuple(_named(text, model, able) for text in options.experts)
        if options.config is not None:
            listed = load(options.config).experts
            own = [expert for expert in listed if (expert.device or expert.name) == device] or listed
            return tuple(_from_settings(expert, model, able) for expert in own)
        return (ExpertOffer(name=device, field="general", model=model, capabilities=able),)
    except ValidationError as error:
        fault = error.errors()[0]
        msg = f"an expert's `{fault['loc'][0]}` cannot be {fault['input']!r}: {fault['msg'].lower()}."
        raise ConfigError(msg) from error


def _named(text: str, model: str, able: tuple[Capability, ...]) -> ExpertOffer:
    name, equals, subject = (part.strip() for part in text.partition("="))
    if not (name and equals and subject):
        msg = f"an expert is given as NAME=FIELD, as holmes=mystery; got '{text}'."
        raise ConfigError(msg)
    return ExpertOffer(name=name, field=subject, model=model, capabilities=able)


def _from_settings(expert: ExpertSettings, model: str, able: tuple[Capability, ...]) -> ExpertOffer:
    return ExpertOffer(
        name=expert.name,
        field=expert.field,
        model=model if expert.model == EMBEDDED else expert.model,
        persona=expert.persona,
        verbosity=expert.verbosity,
        units_per_word=expert.units_per_word,
        examples=expert.examples,
        capabilities=able,
    )


def _say(event: Event) -> None:
    style = {"joined": "bold", "regained": "bold", "lost": "yellow", "upstream": "yellow"}.get(event.kind)
    console.progress.print(event.text, style=style, markup=False)
