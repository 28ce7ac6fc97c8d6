"""A command line that talks to a scripted endpoint on loopback."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from net4moe import cli
from tests.chat.fault_server import Call, FaultServer, good

FIELDS = ("romance", "mystery")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command left: its exit code and both streams."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def net4moe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run a command line in this process, in an empty folder, with folders of its own for state and cache."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("NET4MOE_MODEL", raising=False)

    def run(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["net4moe", *arguments])
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        captured = capsys.readouterr()
        return Ran(code=code, out=captured.out, err=captured.err)

    return run


def newsroom(call: Call) -> None:
    """Play every part: gate, experts, judge; the texts depend on what was asked, so replays can be told apart."""
    asked = call.body["messages"][-1]["content"]
    schema = (
        call.body.get("response_format", {}).get("json_schema", {}).get("schema", {}).get("properties", {})
    )
    if "subtasks" in schema:
        parts = [part.strip() for part in re.findall(r"<<<(.*?)>>>", asked, re.DOTALL)[0].split(" and ")]
        text = json.dumps({"kind": "story", "subtasks": parts[:3]})
    elif "assessments" in schema:
        fields = schema["assessments"]["items"]["properties"]["relevance"]["required"]
        need = {"words": 20, "relevance": dict.fromkeys(fields, 0.1) | {fields[0]: 0.9}}
        text = json.dumps({"assessments": [need] * len(asked.split("Subtasks:\n")[1].splitlines())})
    elif "Combine the following" in asked:
        text = " Then ".join(re.findall(r"Passage \d+: <<<(.*?)>>>", asked, re.DOTALL))
    elif "Reply with the number only" in asked:
        text = f"{4 + len(asked) % 5}.5"
    else:
        topic = " ".join(asked.split()[-6:])
        text = f"Chapter {call.body['seed']}: {topic} happened, and nobody in town forgot it."
    good(text)(call)


@pytest.fixture
def endpoint() -> Iterator[FaultServer]:
    """An endpoint that plays every part."""
    with FaultServer(newsroom) as server:
        yield server


def settings(base_url: str, *, price: float = 0.0, more: str = "") -> str:
    """Write settings for a mixture of two experts on one endpoint."""
    experts = "".join(
        f'[[experts]]\nname = "{field}"\nfield = "{field}"\nmodel = "fake"\ndevice = "d-{field}"\n'
        for field in FIELDS
    )
    return f"""
{more}
[models.fake]
endpoint = "{base_url}"
name = "fake-1"
output_usd_per_mtok = {price}
try_s = 5.0
total_s = 5.0
[gate]
model = "fake"
[judge]
model = "fake"
{experts}
[study]
num_seeds = 1
num_epochs = 40
num_evaluation_episodes = 16
"""
