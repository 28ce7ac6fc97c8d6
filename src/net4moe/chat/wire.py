"""What an endpoint sends: strict in what is used, blind to the rest.

Endpoints differ in what they add to the format and what they leave out, so nothing is asked for that a
reply can do without; but a text that is no text or a probability above 1 is never taken for a reply.
"""

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from net4moe.chat.records import Token, half_character
from net4moe.errors import ReplyError

__all__ = ["Chunk", "Completion", "Usage", "read"]

_ROUNDING = 1e-3  # a certain token's log-probability comes out a little above 0 on some endpoints

_Form = TypeVar("_Form", bound="_Wire")


def _whole(text: str) -> str:
    if half_character(text) is not None:
        msg = "half a character"
        raise ValueError(msg)
    return text


_Text = Annotated[str, AfterValidator(_whole)]
_Logprob = Annotated[float, Field(le=_ROUNDING)]


class _Wire(BaseModel):
    model_config = ConfigDict(from_attributes=True, frozen=True)


class Usage(_Wire):
    """Tokens that a call took."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Alternative(_Wire):
    token: _Text
    logprob: _Logprob


class _Position(_Wire):
    top_logprobs: tuple[_Alternative, ...] = ()

    @property
    def top(self) -> tuple[Token, ...]:
        return _best_first({entry.token: entry.logprob for entry in self.top_logprobs})


class _ChatLogprobs(_Wire):
    content: tuple[_Position, ...] | None = None


class _TextLogprobs(_ChatLogprobs):
    top_logprobs: tuple[dict[_Text, _Logprob] | None, ...] | None = None
    tokens: tuple[_Text, ...] | None = None
    token_logprobs: tuple[_Logprob | None, ...] | None = None


class _Delta(_Wire):
    content: _Text | None = None


class _Choice(_Wire):
    delta: _Delta | None = None
    finish_reason: str | None = None
    logprobs: _ChatLogprobs | None = None


class Chunk(_Wire):
    """A piece of a streamed reply."""

    choices: tuple[_Choice, ...] | None = None
    usage: Usage | None = None

    @property
    def text(self) -> str:
        """Text of this piece."""
        return (delta.content or "") if self.choices and (delta := self.choices[0].delta) else ""

    @property
    def finish_reason(self) -> str:
        """Why the reply ended; empty while it goes on."""
        return (self.choices[0].finish_reason or "") if self.choices else ""

    @property
    def top(self) -> tuple[tuple[Token, ...], ...]:
        """Likeliest tokens of each position of this piece, best first."""
        logprobs = self.choices[0].logprobs if self.choices else None
        return tuple(position.top for position in logprobs.content or ()) if logprobs else ()


class _TextChoice(_Wire):
    text: _Text
    finish_reason: str | None = None
    logprobs: _TextLogprobs | None = None


class Completion(_Wire):
    """A continued text."""

    choices: tuple[_TextChoice, ...] = Field(min_length=1)
    usage: Usage | None = None

    @property
    def top(self) -> tuple[tuple[Token, ...], ...]:
        """Likeliest tokens of each position, in both forms in use: OpenAI's map and llama.cpp's list."""
        logprobs = self.choices[0].logprobs
        if logprobs is None:
            return ()
        if logprobs.content:
            return tuple(position.top for position in logprobs.content)
        return tuple(_best_first(position or {}) for position in logprobs.top_logprobs or ())

    def echoed(self, given: str, text: str) -> tuple[Token, ...]:
        """Take the tokens of `text` out of an echo of `given` and `text`; a mark of the beginning is left out."""
        logprobs = self.choices[0].logprobs
        if logprobs is None or not logprobs.tokens or not logprobs.token_logprobs:
            return ()
        found: list[Token] = []
        offset = 0 if (given + text).startswith(logprobs.tokens[0]) else -len(logprobs.tokens[0])
        for token, logprob in zip(logprobs.tokens, logprobs.token_logprobs, strict=False):
            offset += len(token)
            if logprob is not None and len(given) < offset <= len(given) + len(text):
                found.append(Token(text=token, logprob=logprob))
        return tuple(found)


def read(form: type[_Form], sent: Any, who: str) -> _Form:
    """Read what an endpoint sent.

    Raises:
      ReplyError: it is not of the form.
    """
    try:
        return form.model_validate(sent)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_url=False)[0]["loc"])
        msg = f"{who} sent a reply of an unknown form{place and f', at `{place}`'}."
        raise ReplyError(msg) from None


def _best_first(logprobs: dict[str, float]) -> tuple[Token, ...]:
    ranked = sorted(logprobs.items(), key=lambda item: -item[1])
    return tuple(Token(text=text, logprob=logprob) for text, logprob in ranked)
