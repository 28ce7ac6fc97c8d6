"""Requests to the mixture in the OpenAI form, strictly read, and whole answers in it.

What the mixture cannot do is refused with the field at fault and what to do instead, and never dropped in silence.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, cast

from net4moe.chat.records import Message
from net4moe.gateway.front.errors import bad_request
from net4moe.gateway.front.limits import shared_out
from net4moe.gateway.records import Asked, Limits, Mixed
from net4moe.mixture.records import MAX_PROMPT_CHARACTERS

__all__ = ["Wanted", "checked_prompt", "completion", "usage_of", "wanted"]

_ELSEWHERE: Final = (
    "ask one expert for it, as the model `net4moe/<expert>`, or one device, as `device/<name>/<model>`"
)
_MAX_CHOICES: Final = 4
_MAX_MESSAGES: Final = 1_000

# Fields that change nothing here and that clients send of their own accord.
_IGNORED: Final = frozenset(
    (
        "metadata",
        "parallel_tool_calls",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    )
)
# Fields that the mixture knows only in their neutral value.
_NEUTRAL: Final[dict[str, tuple[object, ...]]] = {
    "audio": (None,),
    "frequency_penalty": (None, 0),
    "function_call": (None, "none"),
    "functions": (None, []),
    "logit_bias": (None, {}),
    "logprobs": (None, False),
    "modalities": (None, ["text"]),
    "prediction": (None,),
    "presence_penalty": (None, 0),
    "reasoning_effort": (None,),
    "tool_choice": (None, "none", "auto"),
    "tools": (None, []),
    "top_logprobs": (None, 0),
    "top_p": (None, 1),
    "verbosity": (None,),
    "web_search_options": (None,),
}
_READ: Final = frozenset(
    (
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "net4moe",
        "response_format",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request to the mixture, read and checked.

    Attributes:
      asked: what the mixture is asked, once per choice.
      stream: whether the answer is sent as it comes.
      include_usage: whether a stream ends with the tokens used.
      stop: texts that end the answer; none of them is shown.
    """

    asked: tuple[Asked, ...]
    stream: bool
    include_usage: bool
    stop: tuple[str, ...]

    @property
    def id(self) -> str:
        """The request's id."""
        return self.asked[0].id


def wanted(body: Mapping[str, object], *, request_id: str, limits: Limits, judged: bool = False) -> Wanted:
    """Read a request to the mixture.

    Args:
      body: the request, parsed.
      request_id: the id that it gets.
      limits: what it may spend, all choices together.
      judged: whether its answers are scored.

    Raises:
      Refused: 400, naming the field at fault.
    """
    _refuse_unknown(body)
    stream = _flag(body, "stream")
    prompt, history = _chat(body.get("messages"))
    num_choices = _whole(body, "n", least=1, most=_MAX_CHOICES) or 1
    seed = _whole(body, "seed", least=-(2**63), most=2**63 - 1) or 0
    parts = shared_out(limits, num_choices)
    max_tokens = _max_tokens(body)
    temperature = _number(body, "temperature", least=0.0, most=2.0)
    asked = tuple(
        Asked(
            id=request_id if not index else f"{request_id}-{index + 1}",
            prompt=prompt,
            history=history,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed + index,
            limits=parts,
            judged=judged,
        )
        for index in range(num_choices)
    )
    return Wanted(asked=asked, stream=stream, include_usage=_include_usage(body, stream), stop=_stop(body))


def usage_of(answers: Sequence[Mixed]) -> dict[str, int]:
    """Add up the tokens of all models behind the answers."""
    read = sum(mixed.prompt_tokens for mixed in answers)
    written = sum(mixed.completion_tokens for mixed in answers)
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def completion(
    request_id: str, model: str, created: int, choices: Sequence[tuple[str, str]], answers: Sequence[Mixed]
) -> bytes:
    """Put a whole answer into the OpenAI form.

    Args:
      request_id: of the request.
      model: as it was asked for.
      created: seconds since 1970.
      choices: text and reason of its end, for each choice.
      answers: what the mixture gave, for each choice.
    """
    content: dict[str, Any] = {
        "id": request_id,
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [
            {
                "index": index,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": None,
                "finish_reason": reason,
            }
            for index, (text, reason) in enumerate(choices)
        ],
        "usage": usage_of(answers),
        "system_fingerprint": None,
    }
    missing = [text for mixed in answers for text in mixed.missing]
    if missing:
        content["net4moe"] = {"degraded": True, "missing": missing}
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "replace")


def _refuse_unknown(body: Mapping[str, object]) -> None:
    for name, value in body.items():
        if name in _READ or name in _IGNORED:
            continue
        if name not in _NEUTRAL:
            msg = f"`{name}` is no field of a chat completion."
            raise bad_request(msg, name, "unknown_parameter")
        if value not in _NEUTRAL[name]:
            msg = f"The mixture does not know `{name}`; {_ELSEWHERE}."
            raise bad_request(msg, name, "unsupported_parameter")
    form = body.get("response_format")
    if form is not None and form != {"type": "text"}:
        message = f"The mixture writes text, so `response_format` must be text; for JSON {_ELSEWHERE}."
        raise bad_request(message, "response_format", "unsupported_parameter")


def _chat(messages: object) -> tuple[str, tuple[Message, ...]]:
    if not isinstance(messages, list) or not messages:
        msg = "`messages` must be a list of at least one message."
        raise bad_request(msg, "messages")
    listed = cast("list[object]", messages)
    if len(listed) > _MAX_MESSAGES:
        msg = f"`messages` may hold at most {_MAX_MESSAGES}, got {len(listed)}."
        raise bad_request(msg, "messages")
    read = [_message(message, f"messages[{index}]") for index, message in enumerate(listed)]
    place = f"messages[{len(read) - 1}]"
    if read[-1].role != "user":
        msg = f"`{place}` must be the user's: the mixture answers it."
        raise bad_request(msg, f"{place}.role")
    if not read[-1].content.strip():
        msg = f"`{place}` is empty."
        raise bad_request(msg, f"{place}.content")
    return checked_prompt(read[-1].content, f"{place}.content"), tuple(read[:-1])


def checked_prompt(prompt: str, place: str) -> str:
    """Refuse what the mixture's gate could not split.

    Raises:
      Refused: 400, where it is too long.
    """
    if len(prompt) > MAX_PROMPT_CHARACTERS:
        long = f"`{place}` has {len(prompt):,} characters; the mixture takes {MAX_PROMPT_CHARACTERS:,}"
        msg = f"{long}. For longer ones {_ELSEWHERE}."
        raise bad_request(msg, place, "context_length_exceeded")
    return prompt


def _message(message: object, place: str) -> Message:
    if not isinstance(message, dict):
        msg = f"`{place}` must be an object with `role` and `content`."
        raise bad_request(msg, place)
    fields = cast("Mapping[str, object]", message)
    roles: dict[object, Literal["system", "user", "assistant"]] = {
        "system": "system",
        "developer": "system",
        "user": "user",
        "assistant": "assistant",
    }
    role = fields.get("role")
    if not isinstance(role, str) or role not in roles:
        known = "system, developer, user or assistant"
        msg = f"`{place}.role` must be {known} for the mixture; else {_ELSEWHERE}."
        raise bad_request(msg, f"{place}.role")
    for name in ("tool_calls", "function_call", "audio"):
        if fields.get(name):
            message = f"The mixture does not know `{name}`; {_ELSEWHERE}."
            raise bad_request(message, f"{place}.{name}", "unsupported_parameter")
    return Message(role=roles[role], content=_content(fields.get("content"), f"{place}.content"))


def _content(content: object, place: str) -> str:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or not content:
        msg = f"`{place}` must be a text, or a list of parts of type text."
        raise bad_request(msg, place)
    texts: list[str] = []
    for index, part in enumerate(cast("list[object]", content)):
        fields = cast("Mapping[str, object]", part if isinstance(part, dict) else {})
        text = fields.get("text")
        if fields.get("type") != "text" or not isinstance(text, str):
            message = (
                f"`{place}[{index}]` must be of type text: the mixture reads nothing else; {_ELSEWHERE}."
            )
            raise bad_request(message, f"{place}[{index}].type", "unsupported_parameter")
        texts.append(text)
    return "".join(texts)


def _max_tokens(body: Mapping[str, object]) -> int | None:
    old = _whole(body, "max_tokens", least=1, most=10_000_000)
    new = _whole(body, "max_completion_tokens", least=1, most=10_000_000)
    if old is not None and new is not None and old != new:
        message = "`max_tokens` and `max_completion_tokens` mean the same; give one."
        raise bad_request(message, "max_tokens")
    return new if old is None else old


def _include_usage(body: Mapping[str, object], stream: bool) -> bool:
    options = body.get("stream_options")
    if options is None:
        return False
    if not stream:
        msg = "`stream_options` only goes with `stream: true`."
        raise bad_request(msg, "stream_options")
    if not isinstance(options, dict):
        msg = "`stream_options` must be an object."
        raise bad_request(msg, "stream_options")
    fields = cast("Mapping[str, object]", options)
    unknown = next((name for name in fields if name not in ("include_usage", "include_obfuscation")), None)
    if unknown is not None:
        msg = f"`stream_options.{unknown}` is unknown."
        raise bad_request(msg, f"stream_options.{unknown}", "unknown_parameter")
    return _flag(fields, "include_usage", "stream_options.include_usage")


def _stop(body: Mapping[str, object]) -> tuple[str, ...]:
    value = body.get("stop")
    texts = [value] if isinstance(value, str) else value
    if texts is None:
        return ()
    listed = cast("list[object]", texts) if isinstance(texts, list) else None
    if listed is None or len(listed) > 4:
        msg = "`stop` must be a text or up to 4 of them."
        raise bad_request(msg, "stop")
    read = [text for text in listed if isinstance(text, str) and 0 < len(text) <= 1_000]
    if len(read) != len(listed):
        msg = "`stop` must hold texts of 1 to 1,000 characters."
        raise bad_request(msg, "stop")
    return tuple(read)


def _flag(body: Mapping[str, object], name: str, place: str = "") -> bool:
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        msg = f"`{place or name}` must be true or false."
        raise bad_request(msg, place or name)
    return bool(value)


def _whole(body: Mapping[str, object], name: str, *, least: int, most: int) -> int | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        msg = f"`{name}` must be a whole number from {least:,} to {most:,}, got {_shown(value)}."
        raise bad_request(msg, name)
    return value


def _number(body: Mapping[str, object], name: str, *, least: float, most: float) -> float | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        msg = f"`{name}` must be a number from {least:g} to {most:g}, got {_shown(value)}."
        raise bad_request(msg, name)
    return float(value)


def _shown(value: object) -> str:
    return json.dumps(value)[:40] if isinstance(value, bool | int | float) else f"a {type(value).__name__}"
