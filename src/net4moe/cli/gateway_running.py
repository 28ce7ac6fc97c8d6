"""Settings made into a running gateway."""

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter
from pydantic import SecretStr

from net4moe.chat import Capabilities, ChatModel, Price, embedded
from net4moe.cli import at_gateway, console
from net4moe.cli.config import EMBEDDED, Config, ExpertSettings, devices_of, key_of
from net4moe.cli.judge_choice import judge_of
from net4moe.cli.policies import policy_of
from net4moe.cli.runtime import embedded_name, model_file
from net4moe.edge import ExpertOffer, LinkReport, Telemetry, discovery
from net4moe.edge.clock import steady_unix_s
from net4moe.edge.pairing import CodeBook
from net4moe.edge.wire import Capability
from net4moe.errors import ConfigError
from net4moe.gateway.dispatch.admission import Admission
from net4moe.gateway.dispatch.dispatched_model import DispatchedModel
from net4moe.gateway.dispatch.dispatching import Dispatcher
from net4moe.gateway.dispatch.transport import AiohttpTransport
from net4moe.gateway.fleet import joining
from net4moe.gateway.fleet.device_store import DeviceStore
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.front import codes as codes_route
from net4moe.gateway.front.app import Services, app, serve
from net4moe.gateway.front.keys import Keys
from net4moe.gateway.front.metrics import Metrics
from net4moe.gateway.mixing import LiveMixture
from net4moe.gateway.placing import LivePlacement
from net4moe.gateway.receipts import ReceiptStore, Retention
from net4moe.gateway.records import Limits
from net4moe.mixture import Gate, Judge
from net4moe.network import DeviceConfig

__all__ = ["Options", "Running", "offer_of", "running_gateway", "serve_gateway"]

_OWN_SLOTS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says.

    Attributes:
      host: address to listen on.
      port: port to listen on; 0 for any.
      policy: who places subtasks.
      shadow: a second policy; empty for none.
      insecure: whether clients need no key.
      discover: whether devices of this network may find it.
      state: folder for keys, devices and receipts; None for the user's own.
      model: weights of the embedded model, where not the default ones.
      key: a client's key that is given rather than made; None to make one where there is none.
      own_device: whether the gateway's own computer is a device too.
    """

    host: str
    port: int
    policy: str
    shadow: str = ""
    insecure: bool = False
    discover: bool = False
    state: Path | None = None
    model: Path | None = None
    key: SecretStr | None = None
    own_device: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A gateway whose parts stand, before it listens.

    Attributes:
      services: its parts.
      codes: codes for devices.
      routers: its paths besides those of clients.
      key: the key that was made or given for this user; None where keys exist or none is needed.
      engine: the embedded engine; None where the settings name none.
    """

    services: Services
    codes: CodeBook
    routers: tuple[APIRouter, ...]
    key: SecretStr | None
    engine: embedded.EmbeddedModel | None


async def serve_gateway(config: Config, options: Options) -> None:
    """Serve until Ctrl-C or SIGTERM, saying what a user needs to know."""
    folder = options.state or at_gateway.state_folder()
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(running_gateway(config, options))

        def listening(port: int) -> None:
            address = _reachable(options.host)
            at_gateway.keep(f"http://{address}:{port}", running.key, folder)
            _greet(f"http://{address}:{port}", running, options)
            if options.discover:
                stack.push_async_callback(_ended, asyncio.ensure_future(_advertise(address, port)))

        await serve(
            app(running.services, routers=running.routers),
            keys=running.services.keys,
            host=options.host,
            port=options.port,
            on_listening=listening,
        )


def _reachable(host: str) -> str:
    """Name the address at which others find a gateway that listens on all of them."""
    if host not in ("0.0.0.0", "::"):
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent; the system chooses the way out
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


async def _advertise(address: str, port: int) -> None:
    async with discovery.advertised(socket.gethostname(), address=address, port=port):
        await asyncio.Event().wait()


@asynccontextmanager
async def running_gateway(config: Config, options: Options) -> AsyncGenerator[Running]:
    """Put a gateway together; at the end, write its receipts and close its connections."""
    folder = options.state or at_gateway.state_folder()
    clock = time.monotonic
    policy, history = policy_of(options.policy)
    async with AsyncExitStack() as stack:
        roster = Roster()
        dispatcher = Dispatcher(roster, AiohttpTransport(wall_clock=steady_unix_s), clock=clock)
        stack.push_async_callback(dispatcher.close)
        engine = await _engine(stack, config, options)
        _enlist_endpoints(roster, config, engine if options.own_device else None, clock)
        if options.own_device:
            _enlist_gate(roster, config, engine, clock)
        metrics = Metrics(roster, clock=clock)
        receipts = _receipts(config, folder)
        stack.callback(receipts.close)
        writer = asyncio.create_task(receipts.run())
        stack.push_async_callback(_ended, writer)
        mixture = LiveMixture(
            gate=_gate(config, options, roster, dispatcher),
            roster=roster,
            dispatcher=dispatcher,
            placement=LivePlacement(
                roster,
                policy,
                policy_name=options.policy,
                shadow=(options.shadow, policy_of(options.shadow)[0]) if options.shadow else None,
                reward_config=config.reward,
                history=history,
                seed=config.seed,
            ),
            receipts=receipts,
            judge=_judge(config, engine),
            metrics=metrics,
            clock=clock,
        )
        stack.push_async_callback(mixture.close)
        keys, key = _keys(folder, options)
        codes = CodeBook()
        services = Services(
            roster=roster,
            dispatcher=dispatcher,
            mixture=mixture,
            receipts=receipts,
            keys=keys,
            admission=Admission(config.gateway.max_in_flight),
            metrics=metrics,
            limits=_limits(config),
            clock=clock,
        )
        store = DeviceStore(folder / "devices.json")
        routers = (
            joining.router(roster, codes, store=store, clock=clock),
            codes_route.router(keys, codes, clock=clock),
        )
        yield Running(services=services, codes=codes, routers=routers, key=key, engine=engine)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _engine(stack: AsyncExitStack, config: Config, options: Options) -> embedded.EmbeddedModel | None:
    """Start the embedded engine where the gate, or an expert of the own device, needs it."""
    experts = [expert.model for expert in config.experts if not expert.endpoint] if options.own_device else []
    if EMBEDDED not in (config.gate.model, *experts):
        return None
    file = model_file(options.model)
    name = embedded_name(options.model)
    with console.waiting(f"starting {name}"):
        return await stack.enter_async_context(embedded.running(file, name))


def _enlist_endpoints(
    roster: Roster, config: Config, engine: embedded.EmbeddedModel | None, clock: Callable[[], float]
) -> None:
    """Take in the devices of the settings: endpoints, and the gateway's own computer with the embedded model."""
    hosts = {device.expert: device for device in devices_of(config)}
    for expert in config.experts:
        host = hosts[expert.name]
        if expert.endpoint or expert.model != EMBEDDED:
            roster.add(_endpoint(config, expert, host), now_s=clock())
        elif engine is not None and host.local:
            own = _device(
                host,
                engine.base_url,
                engine.key,
                engine.name,
                (offer_of(expert, engine.name, embedded.TINY),),
                engine.num_slots,
                Price(),
            )
            roster.add(own, now_s=clock())


def _enlist_gate(
    roster: Roster, config: Config, engine: embedded.EmbeddedModel | None, clock: Callable[[], float]
) -> None:
    """Take in the gate's own server where none of the experts stands before it: a device without experts."""
    names = [device.name for device in roster.devices]
    name = next(name for name in ("gate", "gate of the gateway") if name not in names)
    host = DeviceConfig(name=name, expert="gate", local=config.gate.model == EMBEDDED)
    if config.gate.model == EMBEDDED:
        assert engine is not None, "it is started for the gate"
        server = _device(host, engine.base_url, engine.key, engine.name, (), engine.num_slots, Price())
    else:
        model = config.models[config.gate.model]
        key = key_of(model)
        secret = None if key is None else SecretStr(key)
        server = _device(host, model.endpoint, secret, model.name, (), model.places, model.price)
    if not any(server.models[0] in device.models for device in roster.devices):
        roster.add(server, now_s=clock())


def _endpoint(config: Config, expert: ExpertSettings, host: DeviceConfig) -> Device:
    if expert.endpoint:
        offers = (offer_of(expert, expert.model, Capabilities()),)
        return _device(host, expert.endpoint, None, expert.model, offers, _OWN_SLOTS, Price())
    model = config.models[expert.model]
    key = key_of(model)
    secret = None if key is None else SecretStr(key)
    offers = (offer_of(expert, model.name, model.capabilities),)
    return _device(host, model.endpoint, secret, model.name, offers, model.places, model.price)


def _device(
    host: DeviceConfig,
    base_url: str,
    key: SecretStr | None,
    model: str,
    offers: tuple[ExpertOffer, ...],
    num_slots: int,
    price: Price,
) -> Device:
    limit = host.units_limit
    return Device(
        name=host.name,
        base_url=base_url,
        kind="endpoint",
        key=key,
        local=host.local,
        price=price,
        telemetry=Telemetry(
            device=host.name,
            epoch=0,
            sequence=0,
            time_unix_s=time.time(),
            experts=offers,
            models=(model,),
            num_slots=num_slots,
            compute_cost_per_word=host.compute_cost_per_word,
            units_limit=None if limit == float("inf") else limit,
            link=LinkReport(kind="local" if host.local else "measured"),
        ),
    )


def offer_of(expert: ExpertSettings, model: str, capabilities: Capabilities) -> ExpertOffer:
    """Make an expert of the settings one that a device offers."""
    able: tuple[Capability, ...] = (
        "structured",
        "logprobs",
        "continues_text",
        "continues_reply",
        "reads_text",
    )
    return ExpertOffer(
        name=expert.name,
        field=expert.field,
        model=model,
        persona=expert.persona,
        verbosity=expert.verbosity,
        units_per_word=expert.units_per_word,
        examples=expert.examples,
        capabilities=tuple(name for name in able if getattr(capabilities, name)),
    )


def _gate(config: Config, options: Options, roster: Roster, dispatcher: Dispatcher) -> Gate:
    """The gate's model is wherever it can be reached, the own computer first."""
    if config.gate.model == EMBEDDED:
        name, capabilities = embedded_name(options.model), embedded.TINY
    else:
        model = config.models[config.gate.model]
        name, capabilities = model.name, model.capabilities
    return Gate(
        model=DispatchedModel(roster, dispatcher, name=name, capabilities=capabilities),
        max_subtasks=config.gate.max_subtasks,
        splits=config.gate.splits,
    )


def _judge(config: Config, engine: ChatModel | None) -> Judge | None:
    """The embedded judge reads at the engine itself; others are asked for by `net4moe judge` only."""
    if engine is None or config.judge.models != (EMBEDDED,) or config.judge.kind == "pairwise":
        return None
    return judge_of(config.judge, [engine])


def _receipts(config: Config, folder: Path) -> ReceiptStore:
    retention = Retention(
        max_bytes=int(config.gateway.receipts_mb * 1e6), max_age_s=config.gateway.receipts_days * 86_400.0
    )
    return ReceiptStore(folder / "receipts.sqlite", retention)


def _keys(folder: Path, options: Options) -> tuple[Keys, SecretStr | None]:
    """Open the keys; make this user's own where there is none yet."""
    keys = Keys(folder / "keys.json", insecure=options.insecure)
    if options.insecure:
        return keys, None
    given = options.key or (SecretStr(text) if (text := os.environ.get("NET4MOE_KEY", "").strip()) else None)
    if given is not None:
        try:
            keys.give("given", given)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        return keys, given
    remembered = at_gateway.remembered_key(folder)
    if remembered is not None and keys.name_of(remembered.get_secret_value()) is not None:
        return keys, remembered
    return keys, None if keys.any else keys.create("first")


def _limits(config: Config) -> Limits:
    own = config.gateway
    return Limits(
        deadline_s=own.deadline_s,
        calls=own.calls,
        tokens=own.tokens,
        price_usd=own.price_usd,
        joules=own.joules,
        air_bytes=own.air_bytes,
    )


def _greet(url: str, running: Running, options: Options) -> None:
    say = console.progress.print
    say(f"The gateway listens on {url}/v1", style="bold")
    if options.insecure:
        say(
            "Clients need no key (--insecure): whoever reaches this port may use every device.",
            style="yellow",
        )
    elif running.key is not None:
        say(f"  key for clients   {running.key.get_secret_value()}", markup=False)
    else:
        say("  clients need a key; `net4moe gateway key NAME` makes one more")
    names = [device.name for device in running.services.roster.devices]
    say(f"  devices           {', '.join(names) or 'none yet'}", markup=False)
    code = running.codes.issue(now_s=time.monotonic())
    say(f"  to join           net4moe device --gateway {url} --code {code}", markup=False)
    say("                    (one device, ten minutes; `net4moe gateway code` makes another)", style="dim")
