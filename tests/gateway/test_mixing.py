"""The live mixture: what it says, what it leaves out, what it costs, and what its receipt tells."""

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from net4moe.chat import Capabilities, ChatRequest, Message, OnText, ScriptedChatModel
from net4moe.errors import BudgetExceeded, ChatUnavailable, DeadlinePassed, DeviceUnreachable, NoDevice
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.dispatching import Dispatcher
from net4moe.gateway.fleet.roster import Roster
from net4moe.gateway.front.metrics import Metrics
from net4moe.gateway.mixing import LiveMixture, MixingConfig
from net4moe.gateway.placing import LivePlacement
from net4moe.gateway.receipts import ReceiptStore
from net4moe.gateway.records import Asked, Attempt, Candidate, Limits, Mixed, Written
from net4moe.mixture import Gate
from net4moe.policy import BASELINES
from tests.gateway.live_fleet import device, offer, roster

SPLIT = {"kind": "story", "subtasks": ["a kiss in the rain", "the missing crown"]}
NEEDS = {
    "assessments": [
        {"words": 40, "relevance": {"romance": 0.9, "mystery": 0.1}},
        {"words": 60, "relevance": {"romance": 0.1, "mystery": 0.9}},
    ]
}


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Read it."""
        return self.now_s


class Devices:
    """Stands in for the dispatcher: writes what a function says for each expert."""

    def __init__(self, write: Callable[[str, ChatRequest, OnText], str], clock: Clock) -> None:
        self.requests: list[tuple[Candidate, ChatRequest]] = []
        self.deadlines_s: list[float] = []
        self._write = write
        self._clock = clock

    async def write(
        self,
        candidates: Sequence[Candidate],
        request_for: Callable[[Candidate, str], ChatRequest],
        *,
        deadline_s: float,
        budget: Budget,
        on_text: OnText | None = None,
    ) -> Written:
        """Have the first candidate write."""
        first = candidates[0]
        request = request_for(first, "")
        self.requests.append((first, request))
        self.deadlines_s.append(deadline_s)
        await asyncio.sleep(0)
        text = self._write(first.expert, request, on_text or (lambda _: None))
        attempt = Attempt(
            device=first.device, expert=first.expert, kind="first", start_s=0.1, first_text_s=0.2, end_s=1.1,
            outcome="done", completion_tokens=len(text.split()), bytes=len(text),
        )  # fmt: skip
        return Written(
            text=text, candidate=first, finish_reason="stop", prompt_tokens=20,
            completion_tokens=len(text.split()), seconds=1.0, price_usd=0.0, attempts=(attempt,),
        )  # fmt: skip


def gate(split: object = SPLIT, needs: object = NEEDS, fused: str = "", **options: Any) -> Gate:
    """A capable gate that splits, assesses and fuses as told."""

    def answer(request: object) -> str:
        assert isinstance(request, ChatRequest)
        if not request.schema:
            return fused
        return json.dumps(split if "subtasks" in request.schema else needs)

    return Gate(model=ScriptedChatModel(answer, **options))


def scene(
    write: Callable[[str, ChatRequest, OnText], str],
    *,
    gate: Gate,
    devices: Roster | None = None,
    **options: Any,
) -> tuple[LiveMixture, Devices, ReceiptStore, Clock]:
    """Two devices, two experts, a clock that stands still."""
    clock = Clock()
    team = devices or roster(
        device("laptop", experts=(offer("rose", "romance"),)),
        device("server", experts=(offer("holmes", "mystery"),)),
    )
    dispatcher = Devices(write, clock)
    receipts = ReceiptStore(options.pop("path"))
    mixture = LiveMixture(
        gate=gate,
        roster=team,
        dispatcher=cast("Dispatcher", dispatcher),
        placement=LivePlacement(team, BASELINES["best_expert"], policy_name="best_expert"),
        receipts=receipts,
        clock=clock,
        wall_clock=lambda: 1e9,
        **options,
    )
    return mixture, dispatcher, receipts, clock


def asked(**changes: Any) -> Asked:
    """Ask for a story of two parts."""
    wanted: dict[str, Any] = {"id": "chatcmpl-1", "prompt": "A kiss and a missing crown."}
    return Asked(**(wanted | changes))


KISS, CROWN = "They kissed in the rain. Nobody saw it.", "The crown was gone. The window stood open."
JOINED = "the fused text was empty; the passages stand in order as they were written."
TEXTS = {"rose": KISS, "holmes": CROWN}


def plainly(expert: str, request: ChatRequest, on_text: OnText) -> str:
    """Write what the expert always writes, word by word."""
    for word in TEXTS[expert].split(" "):
        on_text(f"{word} ")
    return TEXTS[expert]


def answered(mixture: LiveMixture, one: Asked, shown: list[str] | None = None) -> Mixed:
    """Answer a request and keep what is shown."""
    return asyncio.run(mixture.answer(one, on_text=None if shown is None else shown.append))


def test_each_subtask_goes_to_its_expert_and_the_gate_fuses(tmp_path: Path) -> None:
    """Both passages are held by the fused text, which is shown once it has been looked at."""
    fused = f"{KISS} Meanwhile, {CROWN}"
    mixture, devices, receipts, _ = scene(plainly, gate=gate(fused=fused), path=tmp_path / "r")
    shown: list[str] = []
    mixed = answered(mixture, asked(), shown)
    assert (fused, "stop", ()) == (mixed.text, mixed.finish_reason, mixed.missing)
    assert [fused] == shown
    assert {("laptop", "rose"), ("server", "holmes")} == {(c.device, c.expert) for c, _ in devices.requests}
    receipt = receipts.get("chatcmpl-1")
    assert receipt is not None
    assert ("done", "model", 1e9) == (receipt["outcome"], receipt["fused_by"], receipt["created_unix_s"])
    first = receipt["subtasks"][0]
    assert ("laptop", "rose", 8) == (
        first["chosen"]["device"],
        first["chosen"]["expert"],
        first["actual"]["words"],
    )
    assert "done" == first["actual"]["attempts"][0]["outcome"]
    text = json.dumps(receipt)
    assert not any(secret in text for secret in ("kiss", "crown", "rain", "window"))


def test_a_small_gate_joins_and_the_text_comes_as_it_is_written(tmp_path: Path) -> None:
    """Shown sentence by sentence, in order, and equal to the answer."""
    small = Capabilities(structured=False, logprobs=True, continues_text=True)
    one_gate = gate(capabilities=small)
    mixture, _, _, _ = scene(plainly, gate=one_gate, path=tmp_path / "r")
    mixture._subtasks = _two(mixture)  # pyright: ignore
    shown: list[str] = []
    mixed = answered(mixture, asked(), shown)
    assert f"{KISS}\n\n{CROWN}" == mixed.text == "".join(shown)
    assert "They kissed in the rain." == shown[0]


def _two(mixture: LiveMixture) -> Any:
    from tests.gateway.live_fleet import subtask

    async def subtasks(course: object, team: object) -> object:
        return subtask(0, field="romance"), subtask(1, field="mystery")

    return subtasks


def test_what_does_not_come_is_left_out_and_named(tmp_path: Path) -> None:
    """Half an answer is an answer, and says so."""

    def write(expert: str, request: ChatRequest, on_text: OnText) -> str:
        if expert == "holmes":
            raise DeadlinePassed("too late")
        return plainly(expert, request, on_text)

    mixture, _, receipts, _ = scene(write, gate=gate(), path=tmp_path / "r")
    mixed = answered(mixture, asked())
    assert (KISS, ("the missing crown",)) == (mixed.text, mixed.missing)
    receipt = receipts.get("chatcmpl-1")
    assert receipt is not None
    assert ("degraded", [1]) == (receipt["outcome"], receipt["missing"])
    assert "DeadlinePassed" == receipt["subtasks"][1]["actual"]["failure"]


def test_what_came_of_a_passage_by_the_deadline_counts(tmp_path: Path) -> None:
    """Its whole sentences stay; the one that was cut goes."""

    def write(expert: str, request: ChatRequest, on_text: OnText) -> str:
        if expert == "holmes":
            on_text("The crown was gone. The win")
            raise DeadlinePassed("too late")
        return plainly(expert, request, on_text)

    mixture, _, receipts, _ = scene(write, gate=gate(fused=""), path=tmp_path / "r")
    mixed = answered(mixture, asked())
    assert f"{KISS}\n\nThe crown was gone." == mixed.text
    assert ((), "length") == (mixed.missing, mixed.finish_reason)
    receipt = receipts.get("chatcmpl-1")
    assert receipt is not None
    assert ("degraded", ["subtask 2 was cut (DeadlinePassed).", JOINED]) == (
        receipt["outcome"],
        receipt["notes"],
    )


@pytest.mark.parametrize("error", [ChatUnavailable("x"), NoDevice("y"), DeadlinePassed("z")])
def test_a_gate_that_fails_leaves_the_prompt_whole(tmp_path: Path, error: Exception) -> None:
    """One expert writes it all; the receipt says why."""

    def fail(request: object) -> str:
        raise error

    mixture, devices, receipts, _ = scene(
        plainly, gate=Gate(model=ScriptedChatModel(fail)), path=tmp_path / "r"
    )
    mixed = answered(mixture, asked())
    assert mixed.text in TEXTS.values()
    assert 1 == len(devices.requests)
    receipt = receipts.get("chatcmpl-1")
    assert receipt is not None
    assert [f"the gate could not split the prompt ({type(error).__name__}); it was left whole."] == receipt[
        "notes"
    ]


def test_a_gate_that_cannot_fuse_leaves_the_passages_in_order(tmp_path: Path) -> None:
    """What experts wrote is not lost."""

    def answer(request: object) -> str:
        assert isinstance(request, ChatRequest)
        if not request.schema:
            raise ChatUnavailable("gone")
        return json.dumps(SPLIT if "subtasks" in request.schema else NEEDS)

    mixture, _, receipts, _ = scene(plainly, gate=Gate(model=ScriptedChatModel(answer)), path=tmp_path / "r")
    assert f"{KISS}\n\n{CROWN}" == answered(mixture, asked()).text
    receipt = receipts.get("chatcmpl-1")
    assert receipt is not None
    assert ["the gate could not fuse them (ChatUnavailable); they stand in order."] == receipt["notes"]


def test_nothing_at_all_is_an_error_with_its_reason(tmp_path: Path) -> None:
    """And leaves a receipt."""

    def write(expert: str, request: ChatRequest, on_text: OnText) -> str:
        raise DeviceUnreachable("no")

    mixture, _, receipts, _ = scene(write, gate=gate(), path=tmp_path / "r")
    with pytest.raises(
        NoDevice, match=r"no device could write a passage \(DeviceUnreachable\); see the receipt"
    ):
        answered(mixture, asked())
    receipt = receipts.get("chatcmpl-1")
    assert receipt is not None
    assert "failed: NoDevice" == receipt["outcome"]


def test_nothing_in_time_is_a_deadline(tmp_path: Path) -> None:
    """The clock says so."""

    def write(expert: str, request: ChatRequest, on_text: OnText) -> str:
        clock.now_s += 50.0
        raise DeadlinePassed("late")

    mixture, _, _, clock = scene(write, gate=gate(), path=tmp_path / "r")
    with pytest.raises(DeadlinePassed, match=r"no passage came within the 60 s of the request"):
        answered(mixture, asked())


def test_no_expert_at_all(tmp_path: Path) -> None:
    """One sentence says what to do."""
    mixture, _, _, _ = scene(plainly, gate=gate(), devices=roster(), path=tmp_path / "r")
    with pytest.raises(
        NoDevice, match="no device with an expert has joined; start one with `net4moe device`"
    ):
        answered(mixture, asked())


def test_a_budget_is_checked_before_anything_is_sent(tmp_path: Path) -> None:
    """Two passages of about a hundred words do not fit into ten bytes of air."""
    mixture, devices, _, _ = scene(plainly, gate=gate(), path=tmp_path / "r")
    with pytest.raises(BudgetExceeded, match="`air_bytes` of 10; it was not sent"):
        answered(mixture, asked(limits=Limits(air_bytes=10)))
    assert [] == devices.requests


def test_a_budget_that_ends_on_the_way_costs_a_passage_and_not_the_answer(tmp_path: Path) -> None:
    """What was written counts; with nothing written, the limit is named."""

    def write(expert: str, request: ChatRequest, on_text: OnText) -> str:
        if expert == "holmes":
            raise BudgetExceeded("past the limit `calls` of 3; it was not sent.")
        return plainly(expert, request, on_text)

    mixture, _, _, _ = scene(write, gate=gate(), path=tmp_path / "r")
    assert (KISS, ("the missing crown",)) == ((mixed := answered(mixture, asked())).text, mixed.missing)

    def refuse(expert: str, request: ChatRequest, on_text: OnText) -> str:
        raise BudgetExceeded("past the limit `calls` of 3; it was not sent.")

    mixture, _, _, _ = scene(refuse, gate=gate(), path=tmp_path / "r2")
    with pytest.raises(BudgetExceeded, match="`calls` of 3"):
        answered(mixture, asked())


def test_time_is_kept_for_fusing(tmp_path: Path) -> None:
    """A quarter of the deadline belongs to a gate that writes anew."""
    mixture, devices, _, clock = scene(
        plainly, gate=gate(), path=tmp_path / "r", config=MixingConfig(fuse_share=0.25)
    )
    answered(mixture, asked(limits=Limits(deadline_s=40.0)))
    assert {clock.now_s + 30.0} == set(devices.deadlines_s)


def test_history_temperature_and_length_reach_the_experts(tmp_path: Path) -> None:
    """What was said before, how warm, and at most how long."""
    before = (Message(role="system", content="Be brief."), Message(role="assistant", content="Yes?"))
    mixture, devices, _, _ = scene(plainly, gate=gate(), path=tmp_path / "r")
    answered(mixture, asked(history=before, temperature=0.1, max_tokens=32))
    for _, request in devices.requests:
        assert before == request.messages[1:3]
        assert 0.1 == request.temperature
        assert "(10 words)" in request.messages[-1].content
        assert request.max_tokens <= 24


def test_an_answer_is_scored_afterwards(tmp_path: Path) -> None:
    """The client does not wait for the judge; the receipt gets the score."""
    from net4moe.mixture import ExplicitJudge

    judge = ExplicitJudge(ScriptedChatModel(lambda request: "8"))
    mixture, _, receipts, _ = scene(plainly, gate=gate(), path=tmp_path / "r", judge=judge)

    async def both() -> None:
        await mixture.answer(asked(judged=True))
        await mixture.close()

    asyncio.run(both())
    receipt = receipts.get("chatcmpl-1")
    assert receipt is not None
    assert 8.0 == receipt["score"]["value"]


def test_leaving_cancels_and_leaves_a_receipt(tmp_path: Path) -> None:
    """Nothing goes on writing for nobody."""
    started, ended = asyncio.Event(), []

    class Slow(Devices):
        async def write(self, *args: Any, **options: Any) -> Written:
            try:
                started.set()
                await asyncio.sleep(60)
            finally:
                ended.append(True)
            raise AssertionError

    mixture, _, receipts, clock = scene(plainly, gate=gate(), path=tmp_path / "r")
    mixture._dispatcher = cast("Dispatcher", Slow(plainly, clock))  # pyright: ignore[reportPrivateUsage]

    async def leave() -> None:
        task = asyncio.create_task(mixture.answer(asked()))
        await started.wait()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert {asyncio.current_task()} == asyncio.all_tasks()

    asyncio.run(leave())
    assert [True, True] == ended
    receipt = receipts.get("chatcmpl-1")
    assert receipt is not None
    assert "cancelled" == receipt["outcome"]


def test_metrics_hear_of_attempts_and_spending(tmp_path: Path) -> None:
    """By device and outcome, without names of clients or words."""
    metrics = Metrics(roster(), clock=lambda: 0.0)
    mixture, _, _, _ = scene(plainly, gate=gate(), path=tmp_path / "r", metrics=metrics)
    answered(mixture, asked())
    text = metrics.text().decode()
    assert 'net4moe_attempts_total{device="laptop",outcome="done"} 1.0' in text
    assert 'net4moe_attempts_total{device="server",outcome="done"} 1.0' in text


def test_explaining_writes_nothing(tmp_path: Path) -> None:
    """The plan, with its texts, for whoever asked."""
    mixture, devices, receipts, _ = scene(plainly, gate=gate(), path=tmp_path / "r")
    plan = asyncio.run(mixture.explain("A kiss and a missing crown."))
    assert ["a kiss in the rain", "the missing crown"] == plan["texts"]
    assert ["laptop", "server"] == [one["chosen"]["device"] for one in plan["subtasks"]]
    assert [] == devices.requests
    assert receipts.get("explain") is None
