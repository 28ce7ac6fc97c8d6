"""What the README and the docs show runs as it stands there."""

import re
from pathlib import Path

import pytest

from net4moe.cli.config import load
from tests.chat.fault_server import FaultServer
from tests.cli.conftest import newsroom

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
NETWORK = (ROOT / "docs" / "network.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README + NETWORK, re.DOTALL)
ENVIRONMENT = (ROOT / "docs" / "environment.md").read_text("utf-8")
BLOCKS.append("".join(re.findall(r"```python\n(.*?)```", ENVIRONMENT, re.DOTALL)))
SETTINGS = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "cli.md").read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n", 1)[0] for block in BLOCKS])
def test_python_blocks_run(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Against a server on loopback in place of the one they name."""
    with FaultServer(newsroom) as server:
        exec(compile(block.replace("http://127.0.0.1:11434/v1", server.base_url), "a document", "exec"), {})
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize("text", SETTINGS)
def test_settings_blocks_load(text: str, tmp_path: Path) -> None:
    """The settings file of the docs is a settings file."""
    path = tmp_path / "mine.toml"
    path.write_text(text, "utf-8")
    assert load(path).experts[0].field == "science fiction"


def test_the_readme_stays_short_and_its_links_lead_somewhere() -> None:
    """Under 200 lines; every relative link and every file it names in `docs/` exists."""
    named = re.findall(r"\]\((?!https?:)([^)]+)\)", README) + re.findall(r"`(docs/[\w./]+)`", README)
    assert len(README.splitlines()) < 200
    assert [name for name in named if not (ROOT / name).exists()] == []
