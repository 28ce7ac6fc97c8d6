"""The `llm` program against the gateway, where it is installed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.clients.serving import served
from tests.gateway.front_rig import KEY

pytest.importorskip("llm", reason="llm is not installed")

MODELS = """- model_id: {name}
  model_name: {name}
  api_base: "{url}/v1"
  api_key_name: net4moe
"""


@pytest.mark.parametrize("options", [(), ("--no-stream",)], ids=["stream", "whole"])
@pytest.mark.parametrize(
    ("model", "text"), [("net4moe", "Once a fox learned to sail."), ("net4moe/rose", "A fox sails home.")]
)
def test_a_prompt(tmp_path: Path, model: str, text: str, options: tuple[str, ...]) -> None:
    """Through its file of extra OpenAI models, as its documentation says."""
    with served() as gateway:
        (tmp_path / "extra-openai-models.yaml").write_text(
            MODELS.format(name=model, url=gateway.url), "utf-8"
        )
        command = [sys.executable, "-m", "llm", "-m", model, "--key", KEY, *options, "a fox"]
        environment = {**os.environ, "LLM_USER_PATH": str(tmp_path)}
        run = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
    assert (0, text) == (run.returncode, run.stdout.strip()), run.stderr
