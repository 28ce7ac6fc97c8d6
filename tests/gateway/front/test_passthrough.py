"""Requests that go through to a device, over real connections on both sides."""

import asyncio
import json
from typing import Any

import pytest

from net4moe.edge import SpeedReport
from tests.gateway.front_rig import Rig, Upstream, chunks_of, endpoint, rig, running
from tests.gateway.live_fleet import telemetry


def test_bytes_go_through_and_only_the_model_changes() -> None:
    """Whatever else is asked for is the model's business."""

    async def scene() -> dict[str, Any]:
        async with running(Upstream()) as one, rig(one) as gateway:
            answer = await gateway.chat("net4moe/rose", top_k=4, tools=[{"x": 1}], net4moe={"calls": 1})
            assert (200, "one", "1") == (
                answer.status,
                answer.headers["net4moe-device"],
                answer.headers["net4moe-attempts"],
            )
            assert "A fox sails home." == (await answer.json())["choices"][0]["message"]["content"]
            return one.bodies[0]

    expected = {"model": "small", "messages": [{"role": "user", "content": "a fox"}], "top_k": 4}
    assert {**expected, "tools": [{"x": 1}]} == asyncio.run(scene())


def test_a_stream_goes_through() -> None:
    """Every byte of it, and its usage is counted."""

    async def scene() -> str:
        async with running(Upstream()) as one, rig(one) as gateway:
            answer = await gateway.chat("device/one/small", stream=True)
            assert "one" == answer.headers["net4moe-device"]
            return await answer.text()

    text = "".join(one["choices"][0]["delta"].get("content", "") for one in chunks_of(asyncio.run(scene())))
    assert "A fox sails home." == text


def test_embeddings_and_texts_go_through() -> None:
    """But the mixture has none."""

    async def scene() -> None:
        async with running(Upstream()) as one, rig(one) as gateway:
            for path in ("/v1/embeddings", "/v1/completions"):
                body = {"model": "net4moe/rose", "input": "x", "prompt": "x"}
                assert 200 == (await gateway.post(path, body)).status
                refused = await gateway.post(path, {**body, "model": "net4moe"})
                assert (400, "model") == (refused.status, (await refused.json())["error"]["param"])

    asyncio.run(scene())


def test_a_devices_own_400_goes_through() -> None:
    """With its text."""

    async def scene() -> tuple[int, str]:
        async with running(Upstream(fault="400")) as one, rig(one) as gateway:
            answer = await gateway.chat("net4moe/rose")
            return answer.status, (await answer.json())["error"]["param"]

    assert (400, "top_k") == asyncio.run(scene())


@pytest.mark.parametrize("fault", ["500", "401"])
def test_what_fails_on_one_device_is_done_by_the_other(fault: str) -> None:
    """The client only sees the number of attempts; the gateway's own key is no fault of the client."""

    async def scene() -> None:
        async with (
            running(Upstream(fault=fault)) as one,
            running(Upstream()) as two,
            rig(one, two) as gateway,
        ):
            second = gateway.services.roster.device("two")
            second.telemetry = telemetry(
                "two", experts=second.experts, speed=SpeedReport(decode_tokens_per_s=9.0)
            )  # so it comes second
            answers = [await gateway.chat("net4moe/rose") for _ in range(6)]
            assert {200} == {answer.status for answer in answers}
            assert {"two"} == {answer.headers["net4moe-device"] for answer in answers}
            numbers = gateway.services.metrics.text().decode()
            assert 'net4moe_attempts_total{device="one",outcome="failed"}' in numbers
            assert 'net4moe_attempts_by_kind_total{attempt="retry",outcome="done"}' in numbers

    asyncio.run(scene())


@pytest.mark.parametrize(("fault", "status"), [("500", 502), ("401", 502)])
def test_where_there_is_no_other_device_the_error_is_told(fault: str, status: int) -> None:
    """Never as the client's own."""

    async def scene() -> tuple[int, str]:
        async with running(Upstream(fault=fault)) as one, rig(one) as gateway:
            answer = await gateway.chat("device/one/small")
            return answer.status, (await answer.json())["error"]["code"]

    assert (status, "device_unreachable") == asyncio.run(scene())


def test_a_fast_failing_device_loses_its_traffic() -> None:
    """It answers sooner than the others, and wrongly."""

    async def scene() -> tuple[int, int]:
        slow = Upstream(first_s=0.005)
        async with running(Upstream(fault="500")) as one, running(slow) as two, rig(one, two) as gateway:
            for _ in range(40):
                assert 200 == (await gateway.chat("net4moe/rose")).status
            return len(one.bodies), len(two.bodies)

    num_failed, num_answered = asyncio.run(scene())
    assert num_failed <= 8
    assert 40 == num_answered


def test_a_stream_that_breaks_ends_with_an_error_event() -> None:
    """So that half an answer is not taken for a whole one."""

    async def scene() -> str:
        async with running(Upstream(fault="cut", gap_s=0.02)) as one, rig(one) as gateway:
            return await (await gateway.chat("device/one/small", stream=True)).text()

    text = asyncio.run(scene())
    assert "[DONE]" not in text
    last = text.strip().split("\n\n")[-1]
    assert "device_unreachable" == json.loads(last.removeprefix("data: "))["error"]["code"]


@pytest.mark.parametrize("stream", [True, False])
def test_a_client_that_leaves_stops_the_device(stream: bool) -> None:
    """Within 100 ms, so that no device works for nobody."""

    async def scene() -> float:
        loop = asyncio.get_running_loop()
        slow = Upstream(first_s=0.0 if stream else 1.0, gap_s=0.1, words=("x",) * 50)
        async with running(slow) as one, rig(one) as gateway:
            asking = asyncio.create_task(gateway.chat("device/one/small", stream=stream))
            if stream:
                await (await asking).content.readany()
            else:
                while not one.bodies:
                    await asyncio.sleep(0.01)
                asking.cancel()
            left_s = loop.time()
            await gateway.http.close()
            await asyncio.wait_for(one.cancelled.wait(), 1.0)
            took_s = loop.time() - left_s
            await asyncio.sleep(0.02)
            assert 0 == gateway.services.roster.device("one").num_in_flight
            return took_s

    assert asyncio.run(scene()) < 0.1


def test_a_client_that_leaves_while_it_waits_frees_its_place_in_the_queue() -> None:
    """Nothing is ever sent for it."""

    async def scene() -> tuple[int, int]:
        async with running(Upstream(first_s=0.3)) as one, rig(one) as gateway:
            device = gateway.services.roster.device("one")
            assert device.telemetry is not None
            device.telemetry = device.telemetry.model_copy(update={"num_slots": 1})
            first = asyncio.create_task(gateway.chat("device/one/small"))
            while not one.bodies:
                await asyncio.sleep(0.01)
            second = asyncio.create_task(gateway.chat("device/one/small"))
            while not device.num_waiting:
                await asyncio.sleep(0.01)
            second.cancel()
            await asyncio.sleep(0.1)
            waiting = device.num_waiting
            assert 200 == (await first).status
            return waiting, len(one.bodies)

    assert (0, 1) == asyncio.run(scene())


def test_the_deadline_of_the_request_holds() -> None:
    """A stream has one too."""

    async def scene() -> tuple[int, str]:
        slow = Upstream(gap_s=0.1, words=("x",) * 50)
        async with running(slow) as one, running(Upstream(first_s=1.0)) as two, rig(one, two) as gateway:
            late = await gateway.chat("device/two/small", net4moe={"deadline_s": 0.2})
            cut = await gateway.chat("device/one/small", stream=True, net4moe={"deadline_s": 0.3})
            return late.status, (await cut.text()).strip().split("\n\n")[-1]

    status, last = asyncio.run(scene())
    assert 504 == status
    assert "deadline_passed" == json.loads(last.removeprefix("data: "))["error"]["code"]


def test_what_would_cross_a_limit_is_not_sent() -> None:
    """The limit is named."""

    async def scene() -> tuple[int, str, int]:
        async with running(Upstream()) as one, rig(one) as gateway:
            answer = await gateway.chat("device/one/small", max_tokens=500, net4moe={"tokens": 100})
            return answer.status, (await answer.json())["error"]["code"], len(one.bodies)

    assert (400, "budget_exceeded", 0) == asyncio.run(scene())


def test_no_device_is_503_with_a_time_to_try_again() -> None:
    """A known expert whose device drains."""

    async def scene() -> tuple[int, str | None]:
        async with running(Upstream()) as one, rig(one) as gateway:
            gateway.services.roster.drain("one")
            answer = await gateway.chat("net4moe/rose")
            return answer.status, answer.headers.get("retry-after")

    assert (503, "2") == asyncio.run(scene())


def test_spending_is_counted_for_streams_too() -> None:
    """Tokens that the device tells at the end."""

    async def spent(gateway: Rig, **fields: Any) -> str:
        await (await gateway.chat("device/one/small", **fields)).read()
        lines = gateway.services.metrics.text().decode().splitlines()
        return next(line for line in lines if line.startswith('net4moe_tokens_total{kind="device"}'))

    async def scene() -> None:
        async with running(Upstream()) as one, rig(one) as gateway:
            assert (await spent(gateway)).endswith(" 9.0")

    asyncio.run(scene())


def test_a_device_can_be_added_while_it_runs() -> None:
    """And is found at once."""

    async def scene() -> None:
        async with running(Upstream()) as late, rig() as gateway:
            assert 404 == (await gateway.chat("net4moe/rose")).status
            now_s = gateway.services.clock()
            gateway.services.roster.add(endpoint("late", late), now_s=now_s)
            assert 200 == (await gateway.chat("net4moe/rose")).status

    asyncio.run(scene())
