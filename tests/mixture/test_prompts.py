"""Prompt files: one a line, comments, and what cannot be read."""

import re
from pathlib import Path

import pytest

from net4moe.errors import ConfigError
from net4moe.mixture import Prompt, load_prompts, parse_prompts


def test_lines_become_prompts(tmp_path: Path) -> None:
    """Comments, blank lines and the mark that some editors put in front are left out; ids are numbers."""
    path = tmp_path / "prompts.txt"
    path.write_bytes("\ufeff# ours\r\n\r\n  A fox.  \r\n#no\r\n你好\r\n".encode())
    assert (Prompt(id="p01", text="A fox."), Prompt(id="p02", text="你好")) == load_prompts(path)


def test_ids_go_on_past_99() -> None:
    """The hundredth prompt is p100."""
    assert "p100" == parse_prompts("a\n" * 100)[-1].id


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"# nothing\n\n", "{path}: there is no prompt; write one a line."),
        (b"caf\xe9\n", "{path}: the file is not UTF-8 text."),
        (
            b"fine\n\n" + b"x" * 8_001,
            "{path}, line 3: the prompt has 8,001 characters; at most 8,000 are taken.",
        ),
    ],
)
def test_files_without_prompts(tmp_path: Path, content: bytes, sentence: str) -> None:
    """The sentence names the file and, where there is one, the line."""
    path = tmp_path / "prompts.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence.format(path=path))}$"):
        load_prompts(path)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    """A missing file and a folder are named."""
    missing = tmp_path / "none.txt"
    text = f"{missing} cannot be read (No such file or directory)."
    with pytest.raises(ConfigError, match=f"^{re.escape(text)}$"):
        load_prompts(missing)
    text = f"{tmp_path} cannot be read (Is a directory)."
    with pytest.raises(ConfigError, match=f"^{re.escape(text)}$"):
        load_prompts(tmp_path)
