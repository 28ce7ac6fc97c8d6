"""`net4moe device` as a program of its own."""

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from net4moe.chat import Capabilities
from net4moe.cli.device_running import Options, _experts, _key
from net4moe.edge import identity
from net4moe.errors import ConfigError
from tests.edge.servers import ModelServer, served
from tests.edge.test_running import Gateway, asked


async def command(*arguments: str, state: Path) -> asyncio.subprocess.Process:
    """Start the program."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "net4moe", "device", "--state", str(state), *arguments,
        stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "SERVER_KEY": "sk-hush-hush", "COLUMNS": "200"},
    )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_device_from_start_to_end(tmp_path: Path, number: signal.Signals) -> None:
    """It says what it is, joins, works, and ends well with 0; no key and no code is shown."""

    async def test() -> None:
        gateway, model = Gateway(), ModelServer()
        async with served(model.app()) as url, gateway.open() as address:
            code = gateway.code().get_secret_value()
            program = await command(
                "--gateway", address, "--code", code, "--name", "den", "--expert", "holmes=mystery",
                "--upstream", f"{url}/v1", "--upstream-key-env", "SERVER_KEY", state=tmp_path,
            )  # fmt: skip
            device = await gateway.device("den")
            assert [(offer.name, offer.field, offer.model) for offer in device.experts] == [
                ("holmes", "mystery", "tiny")
            ]
            assert await asked(device) == 200
            assert model.keys == ["Bearer sk-hush-hush"]
            program.send_signal(number)
            out, said = await program.communicate()
            assert (program.returncode, out) == (0, b"")
            lines = said.decode().splitlines()
            assert lines[:2] == ["  experts  holmes (mystery)", "  model    tiny; 4 at a time"]
            assert re.fullmatch(r"'den' listens on http://127\.0\.0\.1:\d+", lines[2])
            assert lines[3:] == [
                f"joined {address} as 'den'.",
                "'den' ends what it has and takes nothing new.",
                "'den' has left.",
            ]
            assert b"hush" not in said
            assert code.encode() not in said
            kept = [identity.read(file) for file in tmp_path.glob("*.json")]
            assert ["den"] == [one.device for one in kept if one is not None]
            assert gateway.roster.devices == ()

    asyncio.run(asyncio.wait_for(test(), 30))


def test_a_code_that_does_not_fit(tmp_path: Path) -> None:
    """One sentence and exit code 2."""

    async def test() -> None:
        async with served(ModelServer().app()) as url, Gateway().open() as address:
            program = await command(
                "--gateway", address, "--code", "K7QP-2MXR", "--upstream", f"{url}/v1", state=tmp_path
            )
            _, said = await program.communicate()
            assert program.returncode == 2
            assert said.decode().splitlines()[-1].startswith("net4moe: the code is wrong, used or expired")

    asyncio.run(asyncio.wait_for(test(), 30))


def test_experts_of_options_and_settings(tmp_path: Path) -> None:
    """Options first, then the settings' experts of this device or all, else one for anything."""

    def offered(device: str, experts: tuple[str, ...] = (), config: Path | None = None) -> list[str]:
        options = Options(gateway="http://x", code=None, experts=experts, config=config)
        found = _experts(options, device, "tiny", Capabilities())
        return [f"{offer.name}={offer.field}" for offer in found]

    file = tmp_path / "mine.toml"
    file.write_text(
        '[[experts]]\nname = "a"\nfield = "b"\ndevice = "den"\n[[experts]]\nname = "c"\nfield = "d"\n'
    )
    assert offered("den") == ["den=general"]
    assert offered("den", ("holmes = mystery",), file) == ["holmes=mystery"]
    assert offered("den", config=file) == ["a=b"]
    assert offered("attic", config=file) == ["a=b", "c=d"]
    for wrong in ("holmes", "=mystery", "holmes="):
        with pytest.raises(ConfigError, match="given as NAME=FIELD"):
            offered("den", (wrong,))
    with pytest.raises(ConfigError, match=r"an expert's `name` cannot be '\.\./x'"):
        offered("den", ("../x=mystery",))
    with pytest.raises(ConfigError, match="environment variable NOT_SET_ANYWHERE"):
        _key("NOT_SET_ANYWHERE")
