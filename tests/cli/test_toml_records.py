"""TOML made into records; errors name the line and the nearest name."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from net4moe.cli.toml_records import Source, parsed, record
from net4moe.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Boat:
    """A boat."""

    name: str
    length_m: float = 5.0
    sails: int = 1
    hull: Literal["wood", "steel"] = "wood"
    racing: bool = False
    owner: str | None = None
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what sinks."""
        if self.length_m <= 0:
            raise ValueError("`length_m` must be above 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Harbour:
    """A harbour."""

    depth_m: float = 3.0
    flagship: Boat | None = None
    boats: tuple[Boat, ...] = ()
    berths: dict[str, Boat] = field(default_factory=dict)


def _harbour(text: str) -> Harbour:
    source = Source(path=Path("h.toml"), text=text)
    return record(Harbour, parsed(source), source)


def test_all_kinds_of_values() -> None:
    """Numbers, texts, choices, lists, tables and lists of tables; a whole number is a number."""
    harbour = _harbour(
        'depth_m = 4\n[flagship]\nname = "A"\nhull = "steel"\nracing = true\nowner = "me"\nflags = ["x", "y"]\n'
        '[[boats]]\nname = "B"\nlength_m = inf\n[[boats]]\nname = "C"\nsails = 2\n[berths.one]\nname = "D"\n'
    )
    assert harbour == Harbour(
        depth_m=4.0,
        flagship=Boat(name="A", hull="steel", racing=True, owner="me", flags=("x", "y")),
        boats=(Boat(name="B", length_m=float("inf")), Boat(name="C", sails=2)),
        berths={"one": Boat(name="D")},
    )
    assert isinstance(harbour.depth_m, float)
    assert Harbour() == _harbour("")


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("h.toml, line 2: this is not TOML: invalid value.", "depth_m = 3\nflagship = ?\n"),
        ("h.toml: this is not TOML: unterminated string.", 'x = "'),
        ("h.toml, line 2: unknown key `dept_m`; did you mean `depth_m`?", "# depth\ndept_m = 3\n"),
        ("h.toml, line 1: unknown key `zzz`; known are depth_m, flagship, boats, berths.", "zzz = 3\n"),
        (
            "h.toml, line 6: unknown key `sail` in [[boats]] number 2; did you mean `sails`?",
            '[[boats]]\nname = "A"\n\n[[boats]]\nname = "B"\nsail = 1\n',
        ),
        (
            "h.toml, line 3: unknown key `lenght_m` in [flagship]; did you mean `length_m`?",
            '[flagship]\nname = "A"\nlenght_m = 1\n',
        ),
        ("h.toml, line 2: the key `name` is missing in [flagship].", "\n[flagship]\nsails = 1\n"),
        (
            "h.toml, line 4: the key `name` is missing in [[boats]] number 2.",
            '[[boats]]\nname = "A"\n\n[[boats]] # second\nsails = 1\n',
        ),
        ("h.toml, line 1: `depth_m` must be a number, got 'deep'.", "depth_m = 'deep'\n"),
        ("h.toml, line 1: `depth_m` must be a number, got True.", "depth_m = true\n"),
        ("h.toml, line 1: `depth_m` must be a number, got nan.", "depth_m = nan\n"),
        ("h.toml, line 3: `sails` must be a whole number, got 1.5.", '[flagship]\nname = "A"\nsails = 1.5\n'),
        (
            "h.toml, line 3: `sails` must be a whole number, got True.",
            '[flagship]\nname = "A"\nsails = true\n',
        ),
        ("h.toml, line 3: `racing` must be true or false, got 1.", '[flagship]\nname = "A"\nracing = 1\n'),
        ("h.toml, line 2: `name` must be a text, got 7.", "[flagship]\nname = 7\n"),
        (
            "h.toml, line 3: `hull` must be one of 'wood', 'steel', got 'gold'.",
            '[flagship]\nname = "A"\nhull = "gold"\n',
        ),
        ("h.toml, line 3: `flags` must be a list, got 'x'.", '[flagship]\nname = "A"\nflags = "x"\n'),
        ("h.toml, line 3: `flags` must be a text, got 2.", '[flagship]\nname = "A"\nflags = ["x", 2]\n'),
        ("h.toml, line 1: `boats` must be a list, got 'x'.", 'boats = "x"\n'),
        ("h.toml, line 1: `boats` must be a table, got 'x'.", 'boats = ["x"]\n'),
        ("h.toml, line 1: `flagship` must be a table, got 3.", "flagship = 3\n"),
        ("h.toml, line 1: `berths` must be a table, got 3.", "berths = 3\n"),
        (
            "h.toml, line 4: `length_m` must be above 0.",
            '\ndepth_m = 1\n\n[berths."pier 1"]\nname = "A"\nlength_m = 0\n',
        ),
        (
            "h.toml, line 1: `sails` must be a whole number, got 'x'.",
            'flagship.sails = "x"\nflagship.name = "A"\n',
        ),
        (
            "h.toml, line 5: unknown key `sail` in [berths.pier 2.0]; did you mean `sails`?",
            '[berths]\n\n[berths."pier 2.0"]\nname = "A"\n sail = 1\n',
        ),
        (
            "h.toml, line 2: `depth_m` must be a number, got [].",
            '"flagship" = {name = "A"}\n\'depth_m\' = []\n',
        ),
        (
            "h.toml, line 1: unknown key `sail` in [[boats]] number 1; did you mean `sails`?",
            'boats = [{name = "A", sail = 1}]\n',
        ),
    ],
)
def test_errors_name_line_and_nearest_name(sentence: str, text: str) -> None:
    """One sentence that a user can act on."""
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        _harbour(text)


def test_a_text_from_elsewhere_has_no_place() -> None:
    """Without a path only the sentence remains; the line is still there to be read."""
    source = Source(path=None, text="depth_m = 'deep'\n")
    with pytest.raises(ConfigError, match=f"^{re.escape('`depth_m` must be a number, got ')}") as caught:
        record(Harbour, parsed(source), source)
    assert 1 == caught.value.line
