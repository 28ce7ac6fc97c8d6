"""TOML files made into records, with errors that name the line and the nearest valid name."""

import dataclasses
import difflib
import math
import re
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from net4moe.errors import ConfigError

__all__ = ["Source", "parsed", "record"]

T = TypeVar("T")
Place = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"^\s*([\w\-.\"' ]+?)\s*=")
_PART = re.compile(r"\"[^\"]*\"|'[^']*'|[^.\s\"']+")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A TOML file that was read.

    Attributes:
      path: where it lies; None for text from elsewhere.
      text: its content.
    """

    path: Path | None
    text: str

    def error(self, message: str, place: Place) -> ConfigError:
        """Make an error that names the line of a place."""
        return ConfigError(message, path=self.path, line=_line_of(self.text, place))


def parsed(source: Source) -> dict[str, object]:
    """Parse a TOML text.

    Raises:
      ConfigError: the text is not TOML.
    """
    try:
        return tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at line (\d+), column \d+\)$", str(error))
        line = int(where.group(1)) if where else None
        what = str(error).rsplit(" (at", 1)[0]
        msg = f"this is not TOML: {what[:1].lower()}{what[1:]}."
        raise ConfigError(msg, path=source.path, line=line) from error


def record(kind: type[T], table: Mapping[str, object], source: Source, place: Place = ()) -> T:
    """Make a frozen dataclass from a TOML table, strictly.

    Args:
      kind: the dataclass.
      table: the parsed table.
      source: where it came from, for errors.
      place: the path of the table in the file.

    Raises:
      ConfigError: a key is unknown or missing, or a value has the wrong type or is out of range.
    """
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, kind)) if field.init}
    where = _named(place)
    values: dict[str, object] = {}
    for key, value in table.items():
        if key not in fields:
            near = difflib.get_close_matches(key, fields, n=1, cutoff=0.5)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(fields)}."
            msg = f"unknown key `{key}`{where}; {hint}"
            raise source.error(msg, (*place, key))
        values[key] = _value(hints[key], value, source, (*place, key))
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            msg = f"the key `{name}` is missing{where}."
            raise source.error(msg, place)
    try:
        return kind(**values)
    except ValueError as error:
        raise source.error(str(error), place) from error


def _value(hint: Any, value: object, source: Source, place: Place) -> object:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        if value not in arguments:
            choices = ", ".join(repr(choice) for choice in arguments)
            msg = f"`{place[-1]}` must be one of {choices}, got {value!r}."
            raise source.error(msg, place)
        return value
    if origin in (typing.Union, types.UnionType):
        return _value(next(a for a in arguments if a is not types.NoneType), value, source, place)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            msg = "a table"
            raise _wrong_type(msg, value, source, place)
        return record(hint, typing.cast("dict[str, object]", value), source, place)
    if origin is tuple:
        if not isinstance(value, list):
            msg = "a list"
            raise _wrong_type(msg, value, source, place)
        items = typing.cast("list[object]", value)
        return tuple(_value(arguments[0], item, source, (*place, i)) for i, item in enumerate(items))
    if origin is dict:
        if not isinstance(value, dict):
            msg = "a table"
            raise _wrong_type(msg, value, source, place)
        entries = typing.cast("dict[str, object]", value)
        return {key: _value(arguments[1], item, source, (*place, key)) for key, item in entries.items()}
    return _plain(typing.cast(type, hint), value, source, place)


def _plain(hint: type, value: object, source: Source, place: Place) -> object:
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        if math.isnan(value):
            msg = f"`{place[-1]}` must be a number, got nan."
            raise source.error(msg, place)
        return float(value)
    names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    if type(value) is not hint:
        raise _wrong_type(names[hint], value, source, place)
    return value


def _wrong_type(wanted: str, value: object, source: Source, place: Place) -> ConfigError:
    key = next((part for part in reversed(place) if isinstance(part, str)), "value")
    return source.error(f"`{key}` must be {wanted}, got {value!r}.", place)


def _named(place: Place) -> str:
    names = [part for part in place if isinstance(part, str)]
    if not names:
        return ""
    number = next((part for part in reversed(place) if isinstance(part, int)), None)
    return f" in [{'.'.join(names)}]" if number is None else f" in [[{'.'.join(names)}]] number {number + 1}"


def _line_of(text: str, place: Place) -> int | None:
    """Find the line of a key, else of the table that holds it; from 1."""
    header: Place = ()
    counts: dict[Place, int] = {}
    best: int | None = None
    wanted = _without_last_indices(place)
    for number, line in enumerate(text.splitlines(), start=1):
        if found := _HEADER.match(line):
            header = _parts(found.group(2))
            if found.group(1) == "[[":
                counts[header] = counts.get(header, -1) + 1
                header = (*header, counts[header])
            if wanted[: len(header)] == header:
                best = number
        elif key := _KEY.match(line):
            here = (*header, *_parts(key.group(1)))
            if wanted == here:
                return number
            if wanted[: len(here)] == here:
                best = number
    return best


def _parts(name: str) -> tuple[str, ...]:
    """Split a dotted name; dots between quotes are part of it."""
    return tuple(part.strip("\"'") for part in _PART.findall(name))


def _without_last_indices(place: Sequence[str | int]) -> Place:
    end = len(place)
    while end and isinstance(place[end - 1], int) and end > 2:
        end -= 1
    return tuple(place[:end])
