"""Which room may import which, and what stays unloaded."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_import_contract_holds() -> None:
    """Data flows up, imports point down; a module that belongs to no room is refused."""
    command = [str(Path(sys.executable).with_name("lint-imports"))]
    if not Path(command[0]).exists():
        pytest.skip("import-linter is not installed beside this Python")
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize(
    ("room", "heavy"),
    [
        ("net4moe.chat", {"jax", "polars", "matplotlib", "xllamacpp"}),
        ("net4moe.mixture", {"jax", "polars", "matplotlib", "xllamacpp"}),
        ("net4moe.table", {"jax", "polars", "numpy", "xlsxwriter"}),
        ("net4moe.network", {"jax", "openai", "polars"}),
        ("net4moe.environment", {"jax", "openai", "polars"}),
        ("net4moe.policy", {"jax", "openai", "polars"}),
        ("net4moe.gateway", {"jax", "polars", "matplotlib", "xllamacpp"}),
        ("net4moe.cli", {"jax", "numpy", "openai", "polars", "pydantic"}),
    ],
)
def test_a_room_loads_no_more_than_it_needs(room: str, heavy: set[str]) -> None:
    """A gateway runs without an array compiler, and help needs no library at all."""
    code = f"import sys, {room}; print(' '.join(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy & set(run.stdout.split()) == set()
