"""Sizes and habits that keep the code readable."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "net4moe"
MODULES = sorted(SOURCE.rglob("*.py"))

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[str, Function]]:
    """List every function with the place where it stands."""
    for module in MODULES:
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            if isinstance(node, Function):
                yield f"{module.relative_to(SOURCE)}:{node.lineno} {node.name}", node


def length(node: Function) -> int:
    """Count the lines of a function, its docstring included."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_modules_stay_under_400_lines() -> None:
    """A longer one is two."""
    long = {
        str(m.relative_to(SOURCE)): n for m in MODULES if (n := len(m.read_text("utf-8").splitlines())) > 400
    }
    assert long == {}


def test_functions_stay_under_80_lines() -> None:
    """Most are far shorter."""
    lengths = {place: length(node) for place, node in functions()}
    assert {place: n for place, n in lengths.items() if n > 80} == {}
    ordered = sorted(lengths.values())
    assert ordered[len(ordered) // 2] <= 15


def test_nothing_catches_everything() -> None:
    """No bare `except:`, no `except Exception`."""
    broad = [
        f"{module.relative_to(SOURCE)}:{node.lineno}"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id == "Exception"))
    ]
    assert broad == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX"])
def test_nothing_is_left_for_later(word: str) -> None:
    """What is delivered is done."""
    assert [str(module) for module in MODULES if word in module.read_text("utf-8")] == []
