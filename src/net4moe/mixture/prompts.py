"""Prompts from a text file, one a line."""

from pathlib import Path

from net4moe.errors import ConfigError
from net4moe.mixture.records import Prompt

__all__ = ["load_prompts", "parse_prompts"]


def load_prompts(path: Path) -> tuple[Prompt, ...]:
    """Read prompts from a UTF-8 file, one a line; empty lines and lines that begin with # are left out.

    Raises:
      ConfigError: the file cannot be read, holds no prompt, or a line is no prompt.
    """
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        msg = f"{path} cannot be read ({error.strerror})."
        raise ConfigError(msg) from error
    except UnicodeDecodeError as error:
        msg = "the file is not UTF-8 text."
        raise ConfigError(msg, path=path) from error
    return parse_prompts(text, path=path)


def parse_prompts(text: str, *, path: Path | None = None) -> tuple[Prompt, ...]:
    """Make prompts of the lines of a text; the id of a prompt is its number among them, as `p01`."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    prompts: list[Prompt] = []
    for number, line in lines:
        if not line or line.startswith("#"):
            continue
        try:
            prompts.append(Prompt(id=f"p{len(prompts) + 1:02d}", text=line))
        except ValueError as error:
            raise ConfigError(str(error), path=path, line=number) from error
    if not prompts:
        msg = "there is no prompt; write one a line."
        raise ConfigError(msg, path=path)
    return tuple(prompts)
