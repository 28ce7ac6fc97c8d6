"""Experts assess and write."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from net4moe.chat import ChatRequest, Reply, Request, ScriptedChatModel
from net4moe.errors import ReplyError
from net4moe.mixture import Assessment, Expert, Passage, Prompt, Subtask

PROMPT = Prompt(id="p01", text="A fox on Mars.")
SUBTASK = Subtask(
    index=1,
    text="on Mars",
    kind="story",
    field="science fiction",
    relevance=(("science fiction", 0.75), ("mystery", 0.25)),
    words=40.0,
)


def _expert(model: ScriptedChatModel, **changes: object) -> Expert:
    return replace(Expert(name="nova", field="science fiction", model=model), **changes)


def _replies(*replies: Reply | str) -> ScriptedChatModel:
    left: Iterator[Reply | str] = iter(replies)
    return ScriptedChatModel(lambda _: next(left))


def _reply(text: str, finish_reason: str = "stop") -> Reply:
    return Reply(
        text=text,
        finish_reason=finish_reason,
        prompt_tokens=5,
        completion_tokens=7,
        seconds=0.5,
        price_usd=0.25,
    )


def _written(model: ScriptedChatModel) -> Passage:
    return asyncio.run(_expert(model).write(PROMPT, SUBTASK, seed=3))


@pytest.mark.parametrize(
    ("relevance", "changes"),
    [
        (0.75, {}),
        (0.25, {"field": "mystery"}),
        (0.0, {"field": "gardening"}),
        (0.5, {"field": "general"}),
    ],
)
def test_an_assessment_by_hand(relevance: float, changes: dict[str, Any]) -> None:
    """A stranger has no relevance, a generalist an even share; 40 words at 1.5 and 0.2 are 12 units."""
    expert = _expert(_replies(), verbosity=1.5, units_per_word=0.2, **changes)
    expected = Assessment(
        subtask_index=1, expert="nova", relevance=relevance, expected_words=60.0, units=12.0
    )
    assert expected == expert.assess(SUBTASK)


def test_a_passage_is_what_the_model_wrote() -> None:
    """Text, words, tokens, time and price; told as it comes."""
    told: list[str] = []
    model = _replies(_reply(" The red dust settled. "))
    passage = asyncio.run(_expert(model).write(PROMPT, SUBTASK, seed=3, on_text=told.append))
    expected = Passage(
        subtask_index=1,
        expert="nova",
        model="scripted",
        text="The red dust settled.",
        words=4,
        prompt_tokens=5,
        completion_tokens=7,
        seconds=0.5,
        price_usd=0.25,
    )
    assert expected == passage
    assert [" The red dust settled. "] == told


def test_the_request_follows_the_experts_manner() -> None:
    """Verbosity 0.5 of 40 words asks for 20 in 40 tokens; the persona is its own or made from the field."""
    model = _replies("a.", "b.", "c.")
    asyncio.run(_expert(model, verbosity=0.5, persona="Be brief.").write(PROMPT, SUBTASK, seed=3))
    asyncio.run(_expert(model, verbosity=0.001).write(PROMPT, SUBTASK, seed=3))
    asyncio.run(_expert(model, name="other").write(PROMPT, SUBTASK, seed=3))
    first, second, third = model.requests
    assert isinstance(first, ChatRequest)
    assert isinstance(second, ChatRequest)
    assert isinstance(third, ChatRequest)
    assert ("Be brief.", 40) == (first.messages[0].content, first.max_tokens)
    assert "20 words" in first.messages[1].content
    assert "1 words" in second.messages[1].content
    assert "science fiction" in second.messages[0].content
    assert first.seed == second.seed != third.seed


def test_an_empty_reply_is_asked_for_again_with_another_seed() -> None:
    """Both calls are counted and paid."""
    model = _replies(_reply(" \n"), _reply("At last."))
    passage = _written(model)
    assert ("At last.", 10, 14, 1.0, 0.5) == (
        passage.text,
        passage.prompt_tokens,
        passage.completion_tokens,
        passage.seconds,
        passage.price_usd,
    )
    first, second = model.requests
    assert isinstance(first, ChatRequest)
    assert isinstance(second, ChatRequest)
    assert first.seed != second.seed
    assert first.messages == second.messages


def test_two_empty_replies_are_an_error() -> None:
    """The sentence names expert, model and subtask."""
    text = "expert 'nova' (model 'scripted') wrote nothing about 'on Mars'."
    with pytest.raises(ReplyError, match=f"^{re.escape(text)}$"):
        _written(_replies("", ""))


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("The dust settled. It was red.", _reply("The dust settled. It was red. Then the", "length")),
        ("The dust settled. It was red. Then the", _reply("The dust settled. It was red. Then the", "stop")),
        ('He said: "Go."', _reply('He said: "Go." And sh', "length")),
        ("The dust had no e…", _reply("The dust had no e", "length")),
    ],
)
def test_a_passage_ends_with_a_whole_sentence(text: str, reply: Reply) -> None:
    """Where the model was cut off; what it ended itself stays."""
    assert text == _written(_replies(reply)).text


def test_an_error_of_the_model_is_the_experts() -> None:
    """It is raised as itself, with no second try."""

    def fail(_: Request) -> str:
        raise ReplyError("wrote on")

    model = ScriptedChatModel(fail)
    with pytest.raises(ReplyError, match=r"^wrote on$"):
        _written(model)
    assert 1 == len(model.requests)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"name": " "}, "an expert's `name` must not be empty."),
        ({"field": ""}, "an expert's `field` must not be empty."),
        ({"verbosity": 0.0}, "`verbosity` of expert 'nova' must be a number above 0, got 0.0."),
        (
            {"units_per_word": float("nan")},
            "`units_per_word` of expert 'nova' must be a number above 0, got nan.",
        ),
        ({"verbosity": float("inf")}, "`verbosity` of expert 'nova' must be a number above 0, got inf."),
    ],
)
def test_experts_that_cannot_be_are_refused(changes: dict[str, Any], sentence: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        _expert(_replies(), **changes)
