"""The mixture's answers over a real connection."""

import asyncio
import json
from typing import Any

import pytest

from net4moe.errors import DeadlinePassed, NoDevice, Overloaded
from tests.gateway.front_rig import Gone, ScriptedMixture, chunks_of, rig


def test_a_whole_answer() -> None:
    """With its usage, under the id of its receipt."""

    async def scene() -> None:
        async with rig() as running:
            answer = await running.chat(max_tokens=9)
            body = await answer.json()
            assert "Once a fox learned to sail." == body["choices"][0]["message"]["content"]
            assert {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18} == body["usage"]
            assert body["id"] == answer.headers["net4moe-request-id"] == running.mixture.asked[0].id
            assert (9, "a fox") == (running.mixture.asked[0].max_tokens, running.mixture.asked[0].prompt)

    asyncio.run(scene())


@pytest.mark.parametrize("told", [True, False], ids=["as it comes", "at the end"])
@pytest.mark.parametrize("usage", [True, False])
def test_a_stream_keeps_its_invariants(told: bool, usage: bool) -> None:
    """One id, the role first, content, one final chunk, usage if asked, the end mark."""

    async def scene() -> str:
        async with rig(mixture=ScriptedMixture(told=told)) as running:
            options: dict[str, Any] = {"stream_options": {"include_usage": True}} if usage else {}
            answer = await running.chat(stream=True, **options)
            assert answer.headers["content-type"] == "text/event-stream"
            return await answer.text()

    chunks = chunks_of(asyncio.run(scene()))
    assert 1 == len({(one["id"], one["created"], one["model"]) for one in chunks})
    with_choice = [one["choices"][0] for one in chunks if one["choices"]]
    assert "assistant" == with_choice[0]["delta"]["role"]
    assert ["role" in one["delta"] for one in with_choice].count(True) == 1
    assert "Once a fox learned to sail." == "".join(one["delta"].get("content", "") for one in with_choice)
    assert [None] * (len(with_choice) - 1) + ["stop"] == [one["finish_reason"] for one in with_choice]
    assert {} == with_choice[-1]["delta"]
    if usage:
        assert ([], 18) == (chunks[-1]["choices"], chunks[-1]["usage"]["total_tokens"])
    else:
        assert all("usage" not in one for one in chunks)


def test_several_choices_stream_side_by_side() -> None:
    """Each with its own role and end."""

    async def scene() -> str:
        async with rig() as running:
            return await (await running.chat(stream=True, n=3)).text()

    choices = [one["choices"][0] for one in chunks_of(asyncio.run(scene()))]
    for index in range(3):
        own = [one for one in choices if one["index"] == index]
        assert "assistant" == own[0]["delta"]["role"]
        assert "Once a fox learned to sail." == "".join(one["delta"].get("content", "") for one in own)
        assert "stop" == own[-1]["finish_reason"]


def test_a_stop_text_is_never_shown() -> None:
    """Streamed or whole, across the pieces' borders."""

    async def scene() -> tuple[str, str]:
        async with rig() as running:
            whole = await (await running.chat(stop=["fox lea"])).json()
            streamed = chunks_of(await (await running.chat(stop="fox lea", stream=True)).text())
            assert "stop" == whole["choices"][0]["finish_reason"]
            assert 1 == sum(bool(one["choices"][0]["finish_reason"]) for one in streamed)
            text = "".join(one["choices"][0]["delta"].get("content", "") for one in streamed)
            return whole["choices"][0]["message"]["content"], text

    assert ("Once a ", "Once a ") == asyncio.run(scene())


def test_what_is_missing_is_told() -> None:
    """A degraded answer says so."""

    async def scene() -> tuple[dict[str, object], dict[str, object]]:
        mixture = ScriptedMixture(missing=("the storm",), finish_reason="length")
        async with rig(mixture=mixture) as running:
            whole = await (await running.chat()).json()
            return whole["net4moe"], chunks_of(await (await running.chat(stream=True)).text())[-1]["net4moe"]

    expected = {"degraded": True, "missing": ["the storm"]}
    assert (expected, expected) == asyncio.run(scene())


def test_signs_of_life_while_nothing_can_be_said() -> None:
    """Comments, which no client takes for content."""

    async def scene() -> str:
        mixture = ScriptedMixture(pieces=("at last",), pause_s=0.2)
        async with rig(mixture=mixture, keep_alive_s=0.05) as running:
            return await (await running.chat(stream=True)).text()

    text = asyncio.run(scene())
    assert text.startswith(": ")
    assert text.count("\n: ") >= 1
    assert "at last" == "".join(one["choices"][0]["delta"].get("content", "") for one in chunks_of(text))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NoDevice("nobody is there."), 503, "no_device"),
        (DeadlinePassed("too late."), 504, "deadline_passed"),
        (Overloaded("full.", retry_after_s=4), 503, "overloaded"),
        (Gone("a path"), 500, "internal_error"),
    ],
)
def test_an_error_before_the_first_word_has_its_status(error: Exception, status: int, code: str) -> None:
    """Streamed or not."""

    async def scene() -> None:
        async with rig(mixture=ScriptedMixture(pieces=(), error=error)) as running:
            for stream in (False, True):
                answer = await running.chat(stream=stream)
                assert (status, code) == (answer.status, (await answer.json())["error"]["code"])

    asyncio.run(scene())


def test_an_error_after_the_first_word_breaks_the_stream_off() -> None:
    """With the error as its last event and without the end mark."""

    async def scene() -> str:
        async with rig(mixture=ScriptedMixture(error=DeadlinePassed("too late."))) as running:
            return await (await running.chat(stream=True)).text()

    text = asyncio.run(scene())
    assert "[DONE]" not in text
    assert (
        "deadline_passed"
        == json.loads(text.strip().split("\n\n")[-1].removeprefix("data: "))["error"]["code"]
    )


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_cancels_everything(stream: bool) -> None:
    """Within 100 ms, all choices, and it is counted."""

    async def scene() -> tuple[float, int, str]:
        loop = asyncio.get_running_loop()
        async with rig(mixture=ScriptedMixture(pause_s=0.05, pieces=("x ",) * 100)) as running:
            asking = asyncio.create_task(running.chat(stream=stream, n=2))
            if stream:
                await (await asking).content.readany()
            else:
                await asyncio.sleep(0.1)
                asking.cancel()
            left_s = loop.time()
            await running.http.close()
            await running.mixture.cancelled.wait()
            took_s = loop.time() - left_s
            await asyncio.sleep(0.05)
            return took_s, running.mixture.num_cancelled, running.services.metrics.text().decode()

    took_s, num_cancelled, numbers = asyncio.run(scene())
    assert took_s < 0.1
    assert 2 == num_cancelled
    assert 'net4moe_requests_total{kind="mixture",status="499"} 1.0' in numbers


def test_a_fault_of_the_program_is_500_in_the_same_form() -> None:
    """Without a word of what happened inside."""

    async def scene() -> tuple[int, str]:
        async with rig(mixture=ScriptedMixture(error=ZeroDivisionError("inside"))) as running:
            answer = await running.chat()
            return answer.status, await answer.text()

    status, text = asyncio.run(scene())
    assert 500 == status
    assert "internal_error" == json.loads(text)["error"]["code"]
    assert "inside" not in text.replace("inside the gateway", "")
