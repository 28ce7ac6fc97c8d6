"""One prompt through the mixture: in parallel, in order, with a receipt that adds up."""

import asyncio
import re
from collections.abc import Sequence

import pytest

from net4moe.chat import ChatRequest, OnText, Reply, Request, ScriptedChatModel
from net4moe.errors import ChatRejected, ConfigError
from net4moe.mixture import (
    Answer,
    Assessment,
    Costs,
    Decision,
    Event,
    Expert,
    ExplicitJudge,
    Gate,
    Mixture,
    MostRelevant,
    Passage,
    Prompt,
    Score,
    Story,
    Subtask,
    TextArrived,
    wording,
)

PROMPT = Prompt(id="p01", text="Two foxes.")
SPLIT = '{"kind": "story", "subtasks": ["first fox", "second fox"]}'
NEEDS = (
    '{"assessments": [{"words": 30, "relevance": {"mystery": 1, "romance": 0}},'
    ' {"words": 40, "relevance": {"mystery": 0, "romance": 1}}]}'
)


def _reply(text: str) -> Reply:
    return Reply(
        text=text, finish_reason="stop", prompt_tokens=1, completion_tokens=1, seconds=2.0, price_usd=0.25
    )


def _gate_answer(request: Request) -> Reply:
    assert isinstance(request, ChatRequest)
    if "assessments" in request.schema:
        return _reply(NEEDS)
    if request.schema:
        return _reply(SPLIT)
    return _reply("Wily sleuth foxes hunted clues. Tender vixen foxes kissed.")


class Meeting(ScriptedChatModel):
    """A model that answers only when as many calls as the barrier wants are under way."""

    def __init__(self, text: str, barrier: asyncio.Barrier) -> None:
        super().__init__(lambda _: _reply(text))
        self._barrier = barrier

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer late."""
        await self._barrier.wait()
        return await super().reply(request, on_text=on_text)


class Charging(MostRelevant):
    """A placement with a price: a word costs one reward unit."""

    def settle(self, decision: Decision, words: int) -> Costs:
        """Charge the words."""
        return Costs(load_bits=48.0 * words, compute_cost=float(words))


def _mixture(experts: Sequence[Expert], *, score: str = "7") -> Mixture:
    return Mixture(
        gate=Gate(model=ScriptedChatModel(_gate_answer)),
        experts=experts,
        judge=ExplicitJudge(ScriptedChatModel(lambda _: _reply(score))),
        placement=Charging(),
    )


async def _met(events: list[Event]) -> Answer:
    barrier = asyncio.Barrier(2)
    mixture = _mixture(
        [
            Expert(name="holmes", field="mystery", model=Meeting("Wily sleuth hunted clues.", barrier)),
            Expert(
                name="rose", field="romance", model=Meeting("Tender vixen kissed.", barrier), verbosity=2.0
            ),
        ]
    )
    async with asyncio.timeout(20):
        return await mixture.answer(PROMPT, seed=5, watch=events.append)


def test_experts_write_at_the_same_time() -> None:
    """Each waits for the other at a barrier: one after the other would never end."""
    answer = asyncio.run(_met([]))
    assert ["Wily sleuth hunted clues.", "Tender vixen kissed."] == [
        passage.text for passage in answer.passages
    ]
    assert "model" == answer.story.fused_by


def test_events_come_in_the_order_of_the_work() -> None:
    """Subtasks, decisions, then texts and passages of the experts, then the story as it comes, then the score."""
    events: list[Event] = []
    asyncio.run(_met(events))
    subtasks, decisions, *writing = events
    assert isinstance(subtasks, tuple)
    assert isinstance(decisions, tuple)
    assert isinstance(subtasks[0], Subtask)
    assert isinstance(decisions[0], Decision)
    *of_experts, arriving, story, score = writing
    assert {Passage, TextArrived} == {type(event) for event in of_experts}
    for index in (0, 1):
        own = [event for event in of_experts if event.subtask_index == index]  # type: ignore[union-attr]
        assert [TextArrived, Passage] == [type(event) for event in own]
    assert isinstance(arriving, TextArrived)
    assert arriving.subtask_index is None
    assert isinstance(story, Story)
    assert (
        Score(
            value=7.0,
            unscored_reason="",
            judge=f"explicit, scripted, wording {wording.VERSION}",
            price_usd=0.25,
            reasons=("the number in the reply",),
            tokens_read=1,
            tokens_written=1,
            seconds=2.0,
        )
        == score
    )


def test_the_receipt_adds_up() -> None:
    """Two lines with expected and actual costs; all six calls are paid; the timeline covers the way."""
    answer = asyncio.run(_met([]))
    receipt = answer.receipt
    assert (6 * 0.25, 5, wording.VERSION) == (receipt.price_usd, receipt.seed, receipt.wording)
    assert [("holmes", 30.0, 4, 2.0, 0.25), ("rose", 80.0, 3, 2.0, 0.25)] == [
        (line.expert, line.expected_words, line.words, line.write_s, line.price_usd) for line in receipt.lines
    ]
    assert [
        Costs(load_bits=192.0, compute_cost=4.0),
        Costs(load_bits=144.0, compute_cost=3.0),
    ] == [line.actual for line in receipt.lines]
    names = [span.name for span in receipt.timeline]
    assert ["decompose", "place", "fuse", "score"] == [*names[:2], *names[4:]]
    assert {"write 1", "write 2"} == set(names[2:4])
    assert all(0 <= span.start_s <= span.end_s <= receipt.seconds for span in receipt.timeline)


def test_the_first_error_of_an_expert_ends_the_answer() -> None:
    """The other expert, who would wait for ever, is cancelled; the error is raised as itself."""

    def refuse(_: Request) -> str:
        raise ChatRejected("no such model", model="b")

    async def failed() -> int:
        mixture = _mixture(
            [
                Expert(name="holmes", field="mystery", model=Meeting("never", asyncio.Barrier(2))),
                Expert(name="rose", field="romance", model=ScriptedChatModel(refuse)),
            ]
        )
        with pytest.raises(ChatRejected, match=r"^no such model$"):
            await mixture.answer(PROMPT)
        return len(asyncio.all_tasks())

    assert 1 == asyncio.run(failed())


def test_an_unscored_story_is_an_answer() -> None:
    """The score says why there is none; its two calls are paid."""

    async def answered() -> None:
        experts = [
            Expert(name=field, field=field, model=ScriptedChatModel(lambda _: _reply("A b.")))
            for field in ("mystery", "romance")
        ]
        answer = await _mixture(experts, score="fine!").answer(PROMPT)
        assert answer.score.value is None
        assert "the reply holds no score from 0 to 10: 'fine!'" == answer.score.unscored_reason
        assert 7 * 0.25 == answer.receipt.price_usd

    asyncio.run(answered())


def test_mixtures_that_cannot_be_are_refused() -> None:
    """Without experts, or with two of one name."""
    gate = Gate(model=ScriptedChatModel(_gate_answer))
    judge = ExplicitJudge(ScriptedChatModel(lambda _: "7"))
    with pytest.raises(ConfigError, match=f"^{re.escape('a mixture needs at least one expert, got none.')}$"):
        Mixture(gate=gate, experts=[], judge=judge)
    twice = [Expert(name="nova", field="law", model=ScriptedChatModel(lambda _: ""))] * 2
    text = "two experts have the name 'nova'; names must be unique."
    with pytest.raises(ConfigError, match=f"^{re.escape(text)}$"):
        Mixture(gate=gate, experts=twice, judge=judge)


def test_assessments_reach_the_placement_by_subtask_and_expert() -> None:
    """The placement is asked once, with a row for each subtask and a column for each expert."""
    asked: list[list[list[Assessment]]] = []

    class Listening(MostRelevant):
        """Keeps what it was asked."""

        def place(
            self, subtasks: Sequence[Subtask], assessments: Sequence[Sequence[Assessment]]
        ) -> tuple[Decision, ...]:
            asked.append([list(row) for row in assessments])
            return super().place(subtasks, assessments)

    experts = [
        Expert(name=field, field=field, model=ScriptedChatModel(lambda _: "A b."))
        for field in ("mystery", "romance")
    ]
    mixture = Mixture(
        gate=Gate(model=ScriptedChatModel(_gate_answer)),
        experts=experts,
        judge=ExplicitJudge(ScriptedChatModel(lambda _: "7")),
        placement=Listening(),
    )
    asyncio.run(mixture.answer(PROMPT))
    (rows,) = asked
    assert [[(0, "mystery", 1.0), (0, "romance", 0.0)], [(1, "mystery", 0.0), (1, "romance", 1.0)]] == [
        [(one.subtask_index, one.expert, one.relevance) for one in row] for row in rows
    ]
