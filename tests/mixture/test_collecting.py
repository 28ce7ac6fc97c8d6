"""The collection: every expert on every subtask, in order whatever comes first."""

import asyncio
import re
from dataclasses import replace

import pytest

from net4moe.chat import ChatRequest, OnText, Reply, Request, ScriptedChatModel
from net4moe.errors import ChatRejected, DecompositionError
from net4moe.mixture import (
    Expert,
    ExplicitJudge,
    Gate,
    Mixture,
    Prompt,
    parse_prompts,
    score_table,
    wording,
)
from net4moe.mixture.collecting import judged_again
from net4moe.table import ScoreTable

PROMPTS = parse_prompts("A fox.\nA hen.\n")
SPLIT = '{"subtasks": ["one", "two"]}'
NEEDS = (
    '{"assessments": [{"words": 30, "relevance": {"mystery": 1, "romance": 0}},'
    ' {"words": 40, "relevance": {"mystery": 0, "romance": 1}}]}'
)


def _gate_answer(request: Request) -> str:
    assert isinstance(request, ChatRequest)
    return NEEDS if "assessments" in request.schema else SPLIT


class Late(ScriptedChatModel):
    """A model whose first call ends last: each call waits for fewer turns than the one before."""

    async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
        """Answer late."""
        for _ in range(50 - 10 * len(self.requests)):
            await asyncio.sleep(0)
        return await super().reply(request, on_text=on_text)


def _mixture(*models: ScriptedChatModel, gate: ScriptedChatModel | None = None) -> Mixture:
    fields = ("mystery", "romance")
    return Mixture(
        gate=Gate(model=gate or ScriptedChatModel(_gate_answer)),
        experts=[
            Expert(name=f"e-{f}", field=f, model=model) for f, model in zip(fields, models, strict=True)
        ],
        judge=ExplicitJudge(ScriptedChatModel(lambda _: "7")),
    )


def _collected(mixture: Mixture, **options: object) -> ScoreTable:
    return asyncio.run(score_table(mixture, PROMPTS, **options))  # type: ignore[arg-type]


def test_rows_stand_in_order_whatever_comes_first() -> None:
    """By prompt, subtask and expert; assessed, written, scored, with the device's name."""
    table = _collected(
        _mixture(Late(lambda _: "It was so."), ScriptedChatModel(lambda _: "So it was.")),
        devices={"e-mystery": "phone"},
    )
    assert [
        (prompt, subtask, expert)
        for prompt in ("p01", "p02")
        for subtask in (0, 1)
        for expert in ("e-mystery", "e-romance")
    ] == [(row.prompt_id, row.subtask_index, row.expert) for row in table.rows]
    first, second, *_ = table.rows
    assert ("A fox.", "one", "mystery", "mystery", "phone", 1.0, 30.0, 3.0, "It was so.", 7.0, "", 3) == (
        first.prompt,
        first.subtask,
        first.field,
        first.expert_field,
        first.device,
        first.relevance,
        first.expected_words,
        first.units,
        first.text,
        first.explicit_score,
        first.unscored_reason,
        first.words,
    )
    assert ("", 0.0, "So it was.") == (second.device, second.relevance, second.text)


def test_an_empty_passage_stays_as_an_unscored_row() -> None:
    """The reason is the expert's sentence; the judge is not asked."""
    table = _collected(_mixture(ScriptedChatModel(lambda _: " "), ScriptedChatModel(lambda _: "So it was.")))
    assert 4 == table.unscored
    row = table.rows[0]
    assert ("", None, 0, "expert 'e-mystery' (model 'scripted') wrote nothing about 'one'.") == (
        row.text,
        row.explicit_score,
        row.words,
        row.unscored_reason,
    )


def test_progress_is_told() -> None:
    """From nothing to eight passages written and eight scored, one by one."""
    told: list[tuple[int, int]] = []
    model = ScriptedChatModel(lambda _: "So it was.")
    _collected(_mixture(model, model), on_progress=lambda done, total: told.append((done, total)))
    assert [(done, 16) for done in range(17)] == told


@pytest.mark.parametrize("rows_in_flight", [1, 3, 100])
def test_no_more_rows_are_under_way_than_allowed(rows_in_flight: int) -> None:
    """However many there are in all; the table is the same."""
    under_way = most = 0

    class Counting(ScriptedChatModel):
        """Counts the calls that wait at the same time."""

        async def reply(self, request: Request, *, on_text: OnText | None = None) -> Reply:
            """Answer after a turn."""
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return await super().reply(request, on_text=on_text)

    model = Counting(lambda _: "So it was.")
    table = _collected(_mixture(model, model), rows_in_flight=rows_in_flight)
    assert 8 == len(table.rows)
    assert min(rows_in_flight, 8) == most


def test_the_same_seed_makes_the_same_requests() -> None:
    """In any order of completion; another seed makes others."""

    def requests(model: ScriptedChatModel, seed: int) -> set[Request]:
        _collected(_mixture(model, ScriptedChatModel(lambda _: "So.")), seed=seed)
        return set(model.requests)

    first = requests(ScriptedChatModel(lambda _: "So."), 0)
    assert first == requests(Late(lambda _: "So."), 0)
    assert 4 == len(first)
    assert first.isdisjoint(requests(ScriptedChatModel(lambda _: "So."), 1))


def test_errors_end_the_collection() -> None:
    """A model that refuses and a gate that cannot split are raised as themselves."""

    def refuse(_: Request) -> str:
        raise ChatRejected("no such model", model="b")

    fine = ScriptedChatModel(lambda _: "So it was.")
    with pytest.raises(ChatRejected, match=r"^no such model$"):
        _collected(_mixture(fine, ScriptedChatModel(refuse)))
    with pytest.raises(
        DecompositionError, match=r"^the gate \(model 'scripted'\) gave no usable subtasks, twice: "
    ):
        _collected(_mixture(fine, fine, gate=ScriptedChatModel(lambda _: "no")))


def test_prompts_of_one_id_are_refused() -> None:
    """Before any call is made."""
    model = ScriptedChatModel(lambda _: "So it was.")
    prompts = [Prompt(id="p", text="A fox."), Prompt(id="p", text="A hen.")]
    text = "two prompts have the id 'p'; ids must be unique."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        asyncio.run(score_table(_mixture(model, model), prompts))
    assert [] == model.requests


def test_a_table_is_judged_again() -> None:
    """Another judge's scores stand in the same rows; a row without a text is unscored and costs no call."""
    written = ScriptedChatModel(lambda _: "So it was.")
    first = _collected(_mixture(written, written))
    empty = replace(first.rows[0], text="", words=0)
    other = ScriptedChatModel(lambda _: "3", name="other")
    told: list[tuple[int, int]] = []
    again = asyncio.run(
        judged_again(
            ScoreTable(rows=(empty, *first.rows[1:])),
            ExplicitJudge(other),
            on_progress=lambda done, of: told.append((done, of)),
        )
    )
    assert [None, *[3.0] * 7] == [row.explicit_score for row in again.rows]
    assert ["the text is empty", *[""] * 7] == [row.unscored_reason for row in again.rows]
    assert {f"explicit, other, wording {wording.VERSION}"} == {row.judge for row in again.rows}
    assert [row.text for row in first.rows[1:]] == [row.text for row in again.rows[1:]]
    assert 7 == len(other.requests)
    assert [(done, 8) for done in range(9)] == told
