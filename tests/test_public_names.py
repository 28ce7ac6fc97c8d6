"""Public names are a list that somebody chose."""

import importlib
import pkgutil
from pathlib import Path
from types import FunctionType

import pytest

import net4moe

ROOMS = ("chat", "environment", "gateway", "mixture", "network", "policy", "study", "table")
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(net4moe.__path__, "net4moe.")
    if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_all_is_sorted_and_importable(name: str) -> None:
    """Every name of every `__all__` exists; constants, classes and functions, each in order."""
    module = importlib.import_module(name)
    names = list(getattr(module, "__all__", []))
    order = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert order == names
    assert [name for name in names if not hasattr(module, name)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_public_names_are_documented(room: str) -> None:
    """Every class and function that a room offers says what it is."""
    module = importlib.import_module(f"net4moe.{room}")
    offered = [getattr(module, name) for name in getattr(module, "__all__", [])]
    bare = [
        thing.__name__ for thing in offered if isinstance(thing, type | FunctionType) and not thing.__doc__
    ]
    assert bare == []


def test_the_version_is_that_of_the_changelog() -> None:
    """A release is written down."""
    changelog = (Path(__file__).parents[1] / "CHANGELOG.md").read_text("utf-8")
    assert f"## [{net4moe.__version__}]" in changelog
