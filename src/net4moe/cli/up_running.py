"""What `net4moe up` does: a gateway, three agents with real sockets, one engine behind them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import SecretStr

from net4moe.chat import embedded
from net4moe.cli import at_gateway, console
from net4moe.cli.config import Config, devices_of, load
from net4moe.cli.gateway_running import Options, Running, offer_of, running_gateway
from net4moe.edge.config import AgentConfig
from net4moe.edge.running import Agent
from net4moe.edge.upstream import Upstream
from net4moe.gateway.front.app import app, serve
from net4moe.network import shannon_rate_bps
from net4moe.units import db_to_linear

__all__ = ["run_up"]

_HOST = "127.0.0.1"
_BANDWIDTH_HZ = 500e3
_ROW_S = 2.0
_NUM_ROWS = 300
_START_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A device of the demonstration.

    Attributes:
      name: the device, also in the default settings.
      experts: experts of the default settings that it hosts.
      num_slots: texts that it writes at the same time.
      mean_db: mean signal of its simulated link; None for the own device, which has none.
    """

    name: str
    experts: tuple[str, ...]
    num_slots: int
    mean_db: float | None


_PARTS = (
    _Part(name="phone", experts=("pocket",), num_slots=1, mean_db=None),
    _Part(name="laptop", experts=("rose", "scout", "jester"), num_slots=2, mean_db=18.0),
    _Part(name="home server", experts=("holmes", "nova", "chronicler", "tutor"), num_slots=4, mean_db=9.0),
)


async def run_up(*, port: int, key: str | None, policy: str, state: Path | None, model: Path | None) -> None:
    """Run until Ctrl-C or SIGTERM."""
    config = load()
    folder = state or at_gateway.state_folder() / "up"
    options = Options(
        host=_HOST,
        port=port,
        policy=policy,
        state=folder,
        model=model,
        key=None if key is None else SecretStr(key),
        own_device=False,
    )
    (folder / "devices.json").unlink(missing_ok=True)  # its devices are made anew each time
    async with running_gateway(config, options) as running:
        assert running.engine is not None, "the default gate is embedded"
        joining: list[asyncio.Task[None]] = []

        def listening(bound: int) -> None:
            url = f"http://{_HOST}:{bound}"
            at_gateway.keep(url, running.key)
            agents = _agents(config, running, url)
            joining.extend(asyncio.ensure_future(agent.run()) for agent in agents)
            joining.append(asyncio.ensure_future(_greet_when_joined(url, running, agents)))

        try:
            await serve(
                app(running.services, routers=running.routers),
                keys=running.services.keys,
                host=_HOST,
                port=port,
                on_listening=listening,
            )
        finally:
            for task in joining:
                task.cancel()
            await asyncio.gather(*joining, return_exceptions=True)


def _agents(config: Config, running: Running, url: str) -> list[Agent]:
    engine = running.engine
    assert engine is not None
    experts = {expert.name: expert for expert in config.experts}
    hosts = {device.name: device for device in devices_of(config)}
    agents: list[Agent] = []
    for index, part in enumerate(_PARTS):
        host = hosts[part.name]
        agents.append(
            Agent(
                AgentConfig(
                    gateway=url,
                    name=part.name,
                    upstream=Upstream(
                        url=engine.base_url,
                        key=engine.key,
                        models=(engine.name,),
                        reads_url=engine.reads_url,
                    ),
                    experts=tuple(
                        offer_of(experts[name], engine.name, embedded.TINY) for name in part.experts
                    ),
                    code=SecretStr(running.codes.issue(now_s=running.services.clock())),
                    num_slots=part.num_slots,
                    link_rows=() if part.mean_db is None else _fading(part.mean_db, seed=index),
                    compute_cost_per_word=host.compute_cost_per_word,
                    units_limit=None if host.units_limit == float("inf") else host.units_limit,
                    bandwidth_hz=_BANDWIDTH_HZ,
                )
            )
        )
    return agents


def _fading(mean_db: float, *, seed: int) -> tuple[tuple[float, float, float], ...]:
    """Draw ten minutes of a link whose signal wanders around its mean (log-normal, correlated over ten rows)."""
    chance = np.random.default_rng(seed)
    keeps, std_db = 0.9, 5.0
    snr_db = np.empty(_NUM_ROWS)
    level = 0.0
    for row in range(_NUM_ROWS):
        level = keeps * level + float(np.sqrt(1 - keeps**2)) * std_db * float(chance.standard_normal())
        snr_db[row] = mean_db + level
    rate_bps = shannon_rate_bps(db_to_linear(snr_db), _BANDWIDTH_HZ)
    return tuple((_ROW_S * row, float(snr_db[row]), float(rate_bps[row])) for row in range(_NUM_ROWS))


async def _greet_when_joined(url: str, running: Running, agents: Sequence[Agent]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_START_S):
            for agent in agents:
                await agent.joined.wait()
            while len(running.services.roster.usable(now_s=running.services.clock())) < len(agents):
                await asyncio.sleep(0.05)
    say = console.progress.print
    say(f"\nThe gateway listens on {url}/v1, model net4moe", style="bold")
    for part in _PARTS:
        link = "own device" if part.mean_db is None else f"link {part.mean_db:g} dB"
        say(
            f"  {part.name:<12} {link:<11} {part.num_slots} at a time  {', '.join(part.experts)}",
            markup=False,
        )
    assert running.key is not None
    key = running.key.get_secret_value()
    messages = '[{"role": "user", "content": "A fox learns to sail."}]'
    body = f'{{"model": "net4moe", "stream": true, "messages": {messages}}}'
    say("\nAsk it, in another terminal:")
    say(
        f"  curl -N {url}/v1/chat/completions -H 'Authorization: Bearer {key}' \\\n"
        f"    -H 'Content-Type: application/json' -d '{body}'",
        markup=False,
        soft_wrap=True,
    )
    say("See where a prompt would go, and why:")
    say('  net4moe route --explain "A detective falls in love with a robot on Mars."', markup=False)
    say("Ctrl-C ends it.", style="dim")
