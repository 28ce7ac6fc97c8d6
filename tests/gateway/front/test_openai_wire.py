"""Requests to the mixture, strictly read."""

import json
from typing import Any

import pytest

from net4moe.chat import Message
from net4moe.gateway.front.errors import Refused
from net4moe.gateway.front.openai_wire import Wanted, completion, wanted
from net4moe.gateway.records import Limits, Mixed

USER = {"role": "user", "content": "a fox"}


def read(**fields: Any) -> Wanted:
    """Read a request."""
    return wanted({"model": "net4moe", "messages": [USER], **fields}, request_id="id", limits=Limits())


def test_a_chat_is_the_last_prompt_and_what_was_before() -> None:
    """Parts of text are joined, and `developer` is a system message."""
    messages = [
        {"role": "developer", "content": "be kind"},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi"},
        {"role": "user", "content": [{"type": "text", "text": "a "}, {"type": "text", "text": "fox"}]},
    ]
    asked = read(messages=messages).asked[0]
    assert "a fox" == asked.prompt
    assert (
        Message(role="system", content="be kind"),
        Message(role="user", content="hello"),
        Message(role="assistant", content="hi"),
    ) == asked.history


def test_a_prompt_may_be_as_long_as_the_gate_takes_and_no_longer() -> None:
    """8,000 characters; beyond, the field, the limit and what to do instead."""
    assert 8_000 == len(read(messages=[{"role": "user", "content": "x" * 8_000}]).asked[0].prompt)
    with pytest.raises(Refused) as caught:
        read(messages=[USER, {"role": "user", "content": "x" * 8_001}])
    refusal = caught.value.refusal
    assert (400, "messages[1].content", "context_length_exceeded") == (
        refusal.status,
        refusal.param,
        refusal.code,
    )
    assert refusal.message.startswith("`messages[1].content` has 8,001 characters; the mixture takes 8,000.")


def test_settings_arrive() -> None:
    """All that the mixture heeds."""
    read_one = read(
        max_completion_tokens=9, temperature=0.5, seed=3, stop="END", stream=True,
        stream_options={"include_usage": True},
    )  # fmt: skip
    asked = read_one.asked[0]
    assert (9, 0.5, 3, "id") == (asked.max_tokens, asked.temperature, asked.seed, asked.id)
    assert (True, True, ("END",)) == (read_one.stream, read_one.include_usage, read_one.stop)


def test_several_choices_are_several_answers_within_the_same_limits() -> None:
    """With ids and seeds of their own."""
    choices = wanted({"messages": [USER], "n": 3, "seed": 5}, request_id="id", limits=Limits(calls=9)).asked
    assert ["id", "id-2", "id-3"] == [one.id for one in choices]
    assert [5, 6, 7] == [one.seed for one in choices]
    assert [3, 3, 3] == [one.limits.calls for one in choices]


def test_what_clients_send_of_their_own_accord_is_taken() -> None:
    """In its neutral value."""
    read(
        user="me", metadata={}, store=False, top_p=1, frequency_penalty=0, presence_penalty=0.0, tools=[],
        tool_choice="none", logprobs=False, logit_bias={}, response_format={"type": "text"}, n=1, stop=None,
        temperature=None, max_tokens=None, stream=False, modalities=["text"], parallel_tool_calls=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": None}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"messages": [USER] * 1_001}, "messages"),
        ({"messages": ["hello"]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "x"}, USER]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": " \n"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": []}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "assistant", "tool_calls": [{}]}, USER]}, "messages[0].tool_calls"),
        ({"n": 0}, "n"),
        ({"n": 5}, "n"),
        ({"n": True}, "n"),
        ({"n": "2"}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": -1}, "max_completion_tokens"),
        ({"max_tokens": 1, "max_completion_tokens": 2}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": -0.1}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
        ({"temperature": "hot"}, "temperature"),
        ({"seed": 2**64}, "seed"),
        ({"stop": ["a"] * 5}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"stop": [3]}, "stop"),
        ({"stop": {}}, "stop"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"stream": True, "stream_options": {"other": 1}}, "stream_options.other"),
        ({"stream": True, "stream_options": []}, "stream_options"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format"),
        ({"response_format": "text"}, "response_format"),
        ({"tools": [{"type": "function"}]}, "tools"),
        ({"functions": [{}]}, "functions"),
        ({"logprobs": True}, "logprobs"),
        ({"audio": {}}, "audio"),
        ({"modalities": ["audio"]}, "modalities"),
        ({"top_p": 0.5}, "top_p"),
        ({"logit_bias": {"5": 1}}, "logit_bias"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"topp": 1}, "topp"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_is_400_and_names_the_field(fields: dict[str, Any], param: str) -> None:
    """Nothing is dropped in silence."""
    with pytest.raises(Refused) as refused:
        read(**fields)
    refusal = refused.value.refusal
    assert (400, param) == (refusal.status, refusal.param)
    assert refusal.message.endswith(".")


def test_who_could_do_it_is_told() -> None:
    """For what an expert's own model may know."""
    with pytest.raises(Refused, match="net4moe/<expert>"):
        read(response_format={"type": "json_object"})


def test_a_whole_answer_has_the_form() -> None:
    """Usage is added up, and what is missing is told."""
    answers = [
        Mixed(text="one", finish_reason="stop", prompt_tokens=3, completion_tokens=2),
        Mixed(text="two", finish_reason="length", prompt_tokens=4, completion_tokens=1, missing=("a part",)),
    ]
    body = json.loads(completion("id", "net4moe", 7, [("one", "stop"), ("two", "length")], answers))
    assert {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10} == body["usage"]
    assert [(0, "one", "stop"), (1, "two", "length")] == [
        (one["index"], one["message"]["content"], one["finish_reason"]) for one in body["choices"]
    ]
    assert {"degraded": True, "missing": ["a part"]} == body["net4moe"]
