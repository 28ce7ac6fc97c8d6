"""What is said to a language model and what it says back."""

from dataclasses import dataclass
from typing import Literal

__all__ = [
    "Capabilities",
    "ChatRequest",
    "Message",
    "Price",
    "ReadRequest",
    "Reply",
    "Request",
    "TextRequest",
    "Token",
    "half_character",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a model can be asked for; the gate and the judge choose their way by it.

    Attributes:
      structured: it follows a JSON schema *with sense*: it can decompose and assess when asked.
      logprobs: its replies carry the log-probabilities of the most likely tokens.
      continues_text: it also continues plain text (`/v1/completions`), with log-probabilities.
      continues_reply: it continues a last message of the assistant instead of answering it.
      reads_text: it tells the log-probability of each token of a given text (`/v1/completions` with `echo`).
    """

    structured: bool = True
    logprobs: bool = False
    continues_text: bool = False
    continues_reply: bool = False
    reads_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a model costs.

    Attributes:
      input_usd_per_mtok: price of a million tokens read, USD.
      output_usd_per_mtok: price of a million tokens written, USD.
    """

    input_usd_per_mtok: float = 0.0
    output_usd_per_mtok: float = 0.0

    def __post_init__(self) -> None:
        """Refuse a price that no limit could hold."""
        for name in ("input_usd_per_mtok", "output_usd_per_mtok"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                msg = f"`{name}` must be a number from 0 up, got {value}."
                raise ValueError(msg)

    def usd(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Compute the price of one call, USD."""
        return (
            prompt_tokens * self.input_usd_per_mtok + completion_tokens * self.output_usd_per_mtok
        ) / 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str

    def __post_init__(self) -> None:
        """Refuse a text that no wire could carry."""
        _refuse_half_characters("content", self.content)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """A chat to be answered.

    Attributes:
      messages: the chat so far.
      max_tokens: the most tokens to write, at least 1.
      temperature: 0 for the likeliest text, 1 for the model's own distribution.
      seed: what makes the sample repeatable, where the endpoint can; part of the request's identity.
      top_logprobs: how many likeliest tokens to report per position; 0 for none.
      schema: a JSON schema that the reply must follow, as text; empty for free text.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    top_logprobs: int = 0
    schema: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextRequest:
    """A plain text to be continued, as a few-shot question is.

    Attributes:
      text: what stands before the continuation.
      max_tokens: the most tokens to write, at least 1.
      top_logprobs: how many likeliest tokens to report per position; 0 for none.
    """

    text: str
    max_tokens: int = 1
    top_logprobs: int = 0

    def __post_init__(self) -> None:
        """Refuse a text that no wire could carry."""
        _refuse_half_characters("text", self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """A text to be read: how likely is each of its tokens after those before it?

    Attributes:
      text: what is read, not empty.
      given: what stands before it, read as well and not reported.
    """

    text: str
    given: str = ""

    def __post_init__(self) -> None:
        """Refuse a text that no wire could carry, and none."""
        _refuse_half_characters("text", self.text)
        _refuse_half_characters("given", self.given)
        if not self.text:
            msg = "`text` must hold at least 1 character to be read, got none."
            raise ValueError(msg)

    @property
    def max_tokens(self) -> int:
        """Tokens written: one, since many endpoints read nothing without writing."""
        return 1


Request = ChatRequest | TextRequest | ReadRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that a model might have written and its log-probability, natural logarithm."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What a model wrote.

    Attributes:
      text: the text, without the thoughts of a reasoning model.
      finish_reason: `stop` where the model ended, `length` where it was cut.
      prompt_tokens: tokens read.
      completion_tokens: tokens written.
      seconds: time from sending the request to the last token, waiting for a free place left out.
      price_usd: price of the call, USD.
      top: for each position asked for, the likeliest tokens, best first.
      read: the tokens of a text that was read, in order; the first of all has nothing before it and is left out.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    price_usd: float = 0.0
    top: tuple[tuple[Token, ...], ...] = ()
    read: tuple[Token, ...] = ()


def half_character(text: str) -> int | None:
    """Find half a character (a lone surrogate), which UTF-8 cannot write: its place from 0, or None."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def _refuse_half_characters(name: str, text: str) -> None:
    place = half_character(text)
    if place is not None:
        msg = f"`{name}` must be whole characters, got half of one (a lone surrogate) at place {place}."
        raise ValueError(msg)
