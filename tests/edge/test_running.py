"""Devices from their start to their end, before a real gateway's doors."""

import asyncio
import contextlib
import stat
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from net4moe.edge import ExpertOffer, identity, signing
from net4moe.edge.clock import steady_unix_s
from net4moe.edge.config import AgentConfig
from net4moe.edge.pairing import CodeBook
from net4moe.edge.running import Agent, Event
from net4moe.edge.upstream import Upstream, UpstreamFailed
from net4moe.errors import JoinRefused
from net4moe.gateway.fleet.device_store import DeviceStore
from net4moe.gateway.fleet.joining import router
from net4moe.gateway.fleet.roster import Device, Roster
from tests.edge.servers import ModelServer, served

HEARTBEAT_S = 0.02
CHAT = "/chat/completions"


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test within ten seconds."""
    asyncio.run(asyncio.wait_for(test, 10))


class Gateway:
    """A gateway's doors for devices, which can be closed and opened again."""

    def __init__(self, store: DeviceStore | None = None) -> None:
        self.codes = CodeBook()
        self.store = store or DeviceStore(None)
        self.roster = Roster()
        self.url = ""
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        """Tell its steady clock."""
        return time.monotonic() + self.ahead_s

    def unix_s(self) -> float:
        """Tell its date."""
        return steady_unix_s() + self.ahead_s

    def code(self) -> SecretStr:
        """Give out a code."""
        return SecretStr(self.codes.issue(now_s=time.monotonic()))

    @contextlib.asynccontextmanager
    async def open(self, port: int = 0) -> AsyncGenerator[str]:
        """Serve; a gateway that opens again knows nothing but its file."""
        self.roster = Roster()
        app = FastAPI()
        app.include_router(
            router(
                self.roster, self.codes, store=self.store, heartbeat_s=HEARTBEAT_S,
                clock=self.monotonic, wall_clock=self.unix_s,
            )
        )  # fmt: skip
        async with served(app, port) as self.url:
            yield self.url

    async def device(self, name: str, where: Callable[[Device], bool] = lambda device: True) -> Device:
        """Wait for a device that has been heard and for which something holds."""
        while True:
            for device in self.roster.devices:
                if device.name == name and device.telemetry is not None and where(device):
                    return device
            await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def alive(agent: Agent) -> AsyncGenerator[asyncio.Task[None]]:
    """Run a device; stop it at the end."""
    running = asyncio.create_task(agent.run())
    joined = asyncio.create_task(agent.joined.wait())
    await asyncio.wait((running, joined), return_when=asyncio.FIRST_COMPLETED)
    joined.cancel()
    try:
        if running.done():
            running.result()
        yield running
    finally:
        agent.stop()
        with contextlib.suppress(JoinRefused):
            await running


def config(gateway: str, model: str, code: SecretStr | None, **changes: Any) -> AgentConfig:
    """Make settings."""
    offer = ExpertOffer(name="rose", field="romance", model="tiny")
    given: dict[str, Any] = {"name": "pi", "upstream": Upstream(url=f"{model}/v1"), "experts": (offer,)}
    return AgentConfig(gateway=gateway, code=code, **{**given, **changes})


async def asked(device: Device, *, key: SecretStr | None = None, now_s: float | None = None) -> int:
    """Call a device as the gateway does."""
    body = b'{"model": "tiny"}'
    headers = signing.signed_headers(
        key or device.key or SecretStr(""),
        device=device.name, method="POST", path=f"/v1{CHAT}", body=body,
        now_unix_s=steady_unix_s() if now_s is None else now_s,
    )  # fmt: skip
    pinned = aiohttp.Fingerprint(bytes.fromhex(device.fingerprint)) if device.fingerprint else True
    async with (
        aiohttp.ClientSession() as session,
        session.post(device.base_url + CHAT, data=body, headers=headers, ssl=pinned) as response,
    ):
        await response.read()
        return response.status


def test_a_device_joins_works_and_leaves() -> None:
    """With a code it is on the roster; the gateway's calls come in, others do not; at the end it says goodbye."""

    async def test() -> None:
        gateway, model, events = Gateway(), ModelServer(), list[Event]()
        async with served(model.app()) as url, gateway.open() as address:
            agent = Agent(config(address, url, gateway.code()), on_event=events.append)
            async with alive(agent) as running:
                device = await gateway.device("pi")
                assert device.models == ("tiny", "large")
                assert [offer.name for offer in device.experts] == ["rose"]
                assert device.local
                assert device.base_url == f"http://127.0.0.1:{agent.port}/v1"
                assert await asked(device) == 200
                assert await asked(device, key=SecretStr("another")) == 401
                measured = await gateway.device("pi", lambda device: bool(speed(device)))
                assert speed(measured) == 50.0
                assert measured.telemetry is not None
                assert measured.telemetry.link.kind == "local"
                assert measured.telemetry.link.round_trip_s is not None
                agent.stop()
                await running
            assert gateway.roster.devices == ()
            assert [event.kind for event in events] == ["listening", "joined", "draining", "left"]
            assert device.key is not None
            assert device.key.get_secret_value() not in f"{events}{agent._config}{device}"

    run(test())


def speed(device: Device) -> float | None:
    """Read what a device says of its speed."""
    return None if device.telemetry is None else device.telemetry.speed.decode_tokens_per_s


def test_two_devices_of_one_name() -> None:
    """The second one gets a number."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        async with served(model.app()) as url, gateway.open() as address:
            first = Agent(config(address, url, gateway.code()))
            second = Agent(config(address, url, gateway.code()))
            async with alive(first), alive(second):
                assert ("pi", "pi-2") == (first.name, second.name)
                assert await asked(await gateway.device("pi")) == 200
                assert await asked(await gateway.device("pi-2")) == 200

    run(test())


def test_a_used_code_and_no_code() -> None:
    """Both are refused, in one sentence."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        async with served(model.app()) as url, gateway.open() as address:
            code = gateway.code()
            async with alive(Agent(config(address, url, code))):
                with pytest.raises(JoinRefused, match="the code is wrong, used or expired"):
                    await Agent(config(address, url, code)).run()
                with pytest.raises(JoinRefused, match=r"give a code \(`--code`\)"):
                    await Agent(config(address, url, None)).run()

    run(test())


def test_a_device_comes_back_without_a_code(tmp_path: Path) -> None:
    """After a restart it shows the key from its file, keeps its name, and its file is for its owner alone."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        file = tmp_path / "who" / "pi.json"
        async with served(model.app()) as url, gateway.open() as address:
            async with alive(Agent(config(address, url, gateway.code(), identity_file=file))):
                before = await gateway.device("pi")
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            async with alive(Agent(config(address, url, None, identity_file=file))) as _:
                after = await gateway.device("pi")
                assert after.epoch == before.epoch + 1
                assert await asked(after) == 200
                kept = identity.read(file)
                assert kept is not None
                assert (kept.device, kept.epoch) == ("pi", after.epoch)
                assert "**" in repr(kept)

    run(test())


def test_two_processes_with_one_identity(tmp_path: Path) -> None:
    """The later one has it; the earlier one ends and says why."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        file = tmp_path / "pi.json"
        async with (
            served(model.app()) as url,
            gateway.open() as address,
            alive(Agent(config(address, url, gateway.code(), identity_file=file))) as first,
            alive(Agent(config(address, url, None, identity_file=file))),
        ):
            with pytest.raises(JoinRefused, match="another program has joined as 'pi' since"):
                await first

    run(test())


def test_a_gateway_that_restarts_knows_its_devices(tmp_path: Path) -> None:
    """The device sees it go and come back; nobody types a code."""

    async def test() -> None:
        gateway, model, events = Gateway(DeviceStore(tmp_path / "devices.json")), ModelServer(), list[Event]()
        async with served(model.app()) as url:
            async with gateway.open() as address:
                agent = Agent(config(address, url, gateway.code()), on_event=events.append)
                running = asyncio.create_task(agent.run())
                await gateway.device("pi")
            while events[-1].kind != "lost":
                await asyncio.sleep(0.002)
            assert stat.S_IMODE((tmp_path / "devices.json").stat().st_mode) == 0o600
            gateway.store = DeviceStore(tmp_path / "devices.json")
            async with gateway.open(int(address.rpartition(":")[2])):
                assert await asked(await gateway.device("pi")) == 200
                while events[-1].kind != "regained":
                    await asyncio.sleep(0.002)
                agent.stop()
                await running

    run(test())


@pytest.mark.parametrize("wrong_s", [-3_600.0, 3_600.0])
def test_a_clock_that_is_wrong_and_jumps(wrong_s: float, tmp_path: Path) -> None:
    """The device goes by the gateway's time from its first answer on, whatever its own date does."""

    async def test() -> None:
        gateway, model, events = Gateway(), ModelServer(), list[Event]()
        error_s = wrong_s
        file = tmp_path / "pi.json"

        def date() -> float:
            return time.time() + error_s

        async with served(model.app()) as url, gateway.open() as address:
            settings = config(address, url, gateway.code(), identity_file=file)
            agent = Agent(settings, on_event=events.append, date=date)
            async with alive(agent):
                first = await gateway.device("pi")
                assert await asked(first) == 200
                error_s = -wrong_s
                count = 0 if first.telemetry is None else first.telemetry.sequence
                await gateway.device("pi", lambda device: sequence(device) > count + 2)
                assert await asked(first) == 200
                assert abs(told_s(first) - steady_unix_s()) < 5
            assert "date is off by" in events[1].text
            again = Agent(config(address, url, None, identity_file=file), date=date)
            async with alive(again):
                assert await asked(await gateway.device("pi")) == 200
            assert "lost" not in [event.kind for event in events]

    run(test())


def sequence(device: Device) -> int:
    """Read the number of the last heartbeat."""
    return 0 if device.telemetry is None else device.telemetry.sequence


def told_s(device: Device) -> float:
    """Read the time in the last heartbeat."""
    return 0.0 if device.telemetry is None else device.telemetry.time_unix_s


def test_a_laptop_that_slept() -> None:
    """Its steady clock stood still for an hour: the gateway's first answer sets it right."""

    async def test() -> None:
        gateway, model, events = Gateway(), ModelServer(), list[Event]()
        async with (
            served(model.app()) as url,
            gateway.open() as address,
            alive(Agent(config(address, url, gateway.code()), on_event=events.append)),
        ):
            device = await gateway.device("pi")
            gateway.ahead_s = 3_600.0
            before = sequence(device)
            await gateway.device("pi", lambda device: sequence(device) > before + 2)
            assert device.state(gateway.monotonic()) == "up"
            assert await asked(device, now_s=gateway.unix_s()) == 200
            assert "lost" not in [event.kind for event in events]

    run(test())


def test_old_recordings_of_calls_are_worth_nothing() -> None:
    """The device refuses a call from before it joined."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        async with served(model.app()) as url, gateway.open() as address:
            before_s = steady_unix_s() - 1
            async with alive(Agent(config(address, url, gateway.code()))):
                assert await asked(await gateway.device("pi"), now_s=before_s) == 401

    run(test())


def test_what_is_begun_is_ended() -> None:
    """A device that is stopped takes nothing new, ends its answer, and then leaves."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer(waits=True)
        async with (
            served(model.app()) as url,
            gateway.open() as address,
            alive(agent := Agent(config(address, url, gateway.code()))) as running,
        ):
            device = await gateway.device("pi")
            call = asyncio.create_task(asked(device))
            await model.began.wait()
            agent.stop()
            await gateway.device("pi", lambda device: device.state(time.monotonic()) == "draining")
            assert await asked(device) == 429
            model.go_on.set()
            assert await call == 200
            await running

    run(test())


def test_a_call_that_never_ends_does_not_keep_a_device() -> None:
    """After the time to drain it goes."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer(waits=True)
        async with served(model.app()) as url, gateway.open() as address:
            agent = Agent(config(address, url, gateway.code(), drain_s=0.02))
            async with alive(agent) as running:
                call = asyncio.create_task(asked(await gateway.device("pi")))
                await model.began.wait()
                agent.stop()
                await running
                assert await call == 500

    run(test())


def test_the_gateway_drains_a_device() -> None:
    """It takes nothing new until it is wanted again."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        async with (
            served(model.app()) as url,
            gateway.open() as address,
            alive(Agent(config(address, url, gateway.code()))),
        ):
            device = await gateway.device("pi")
            gateway.roster.drain("pi")
            await gateway.device("pi", lambda device: said_state(device) == "draining")
            assert await asked(device) == 429
            device.wanted = "stay"
            await gateway.device("pi", lambda device: said_state(device) == "up")
            assert await asked(device) == 200

    run(test())


def said_state(device: Device) -> str:
    """Read the state in the last heartbeat."""
    return "" if device.telemetry is None else device.telemetry.state


def test_tls_with_a_pinned_certificate() -> None:
    """The gateway accepts the certificate whose fingerprint came with the code, and no other."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        async with (
            served(model.app()) as url,
            gateway.open() as address,
            alive(Agent(config(address, url, gateway.code(), secure=True))),
        ):
            device = await gateway.device("pi")
            assert device.base_url.startswith("https://")
            assert len(device.fingerprint) == 64
            assert await asked(device) == 200
            device.fingerprint = "0" * 64
            with pytest.raises(aiohttp.ServerFingerprintMismatch):
                await asked(device)

    run(test())


def test_insecure_means_everybody() -> None:
    """An unsigned call comes in."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        async with (
            served(model.app()) as url,
            gateway.open() as address,
            alive(agent := Agent(config(address, url, gateway.code(), insecure=True))),
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{agent.port}/v1/models") as response,
        ):
            assert response.status == 200

    run(test())


def test_no_model_server() -> None:
    """A device without one does not join."""
    settings = config("http://127.0.0.1:9", "http://127.0.0.1:9", SecretStr("K7QP2MXR"))
    with pytest.raises(UpstreamFailed, match=r"the model server at http://127.0.0.1:9/v1 cannot be reached"):
        run(Agent(settings).run())


def test_a_gateway_that_is_not_there_yet() -> None:
    """The device says so once and tries on, until it is stopped."""

    async def test() -> None:
        events = list[Event]()
        async with served(ModelServer().app()) as url:
            settings = config("http://127.0.0.1:9", url, SecretStr("K7QP2MXR"))
            agent = Agent(settings, on_event=events.append)
            running = asyncio.create_task(agent.run())
            while not events or events[-1].kind != "lost":
                await asyncio.sleep(0.002)
            agent.stop()
            await running
            assert [event.kind for event in events] == ["listening", "lost"]
            assert "K7QP" not in repr(settings)

    run(test())


def test_a_simulated_link_is_told_as_one() -> None:
    """Telemetry has the row of the trace that plays now."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        async with served(model.app()) as url, gateway.open() as address:
            rows = ((0.0, 12.0, 50e6),)
            async with alive(Agent(config(address, url, gateway.code(), link_rows=rows))):
                device = await gateway.device("pi")
                assert device.telemetry is not None
                link = device.telemetry.link
                assert (link.kind, link.snr_db, link.rate_bps) == ("simulated", 12.0, 50e6)

    run(test())
