"""Where subtasks are answered and placed, no array compiler and no table library is loaded."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("room", ["net4moe.gateway", "net4moe.mixture"])
def test_the_room_leaves_heavy_libraries_alone(room: str) -> None:
    """A fresh interpreter that imports it has neither JAX nor polars."""
    program = (
        f"import sys, {room}\n"
        "heavy = {'jax', 'equinox', 'optax', 'polars', 'xlsxwriter', 'matplotlib'} & set(sys.modules)\n"
        "print(sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert "[]" == done.stdout.strip()
