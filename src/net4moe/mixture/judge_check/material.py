"""The texts that judges are measured on, written for it: `assets/judging_texts.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal

from net4moe.mixture.records import Kind

__all__ = ["Material", "Sample", "Use", "material"]

Use = Literal["calibration", "check"]
"""What a judge may be fitted to, and what it is measured on; no text, order or filler serves both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A good text.

    Attributes:
      id: unique.
      prompt_id: the prompt it answers; three texts share one.
      about: the prompt.
      kind: story or explanation.
      form: what kind of text it is, as `letter` or `dialogue`.
      subtasks: what it must tell of.
      parts: the part of the text for each subtask.
      contradiction: a sentence that the text has made impossible.
    """

    id: str
    prompt_id: str
    about: str
    kind: Kind
    form: str
    subtasks: tuple[str, ...]
    parts: tuple[str, ...]
    contradiction: str

    @property
    def text(self) -> str:
        """The whole text, a paragraph for each part."""
        return "\n\n".join(self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Everything for one use.

    Attributes:
      samples: the good texts.
      constant_answers: texts that would be given to any prompt.
      orders: sentences that tell a judge what to say.
      fillers: sentences that add length and nothing else.
    """

    samples: tuple[Sample, ...]
    constant_answers: tuple[str, ...]
    orders: tuple[str, ...]
    fillers: tuple[str, ...]


@cache
def material(use: Use) -> Material:
    """Read what ships with the project for one use."""
    file = resources.files("net4moe").joinpath("assets").joinpath("judging_texts.toml")
    content: dict[str, Any] = tomllib.loads(file.read_text("utf-8"))
    return Material(
        samples=tuple(
            Sample(
                id=f"{prompt['id']}-{number}",
                prompt_id=prompt["id"],
                about=prompt["text"],
                kind=prompt["kind"],
                form=text["form"],
                subtasks=tuple(prompt["subtasks"]),
                parts=tuple(text["parts"]),
                contradiction=text["contradiction"],
            )
            for prompt in content["prompts"]
            if prompt["use"] == use
            for number, text in enumerate(prompt["texts"], start=1)
        ),
        constant_answers=tuple(content["constant_answers"][use]),
        orders=tuple(content["orders"][use]),
        fillers=tuple(content["fillers"][use]),
    )
