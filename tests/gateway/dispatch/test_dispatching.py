import asyncio
import json
import time
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from net4moe.chat import ChatRequest, Message, Price
from net4moe.errors import (
    BudgetExceeded,
    ChatRejected,
    DeadlinePassed,
    DeviceBusy,
    DeviceUnreachable,
    NoDevice,
)
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.dispatching import DispatchConfig, Dispatcher, attempts_of
from net4moe.gateway.dispatch.transport import AiohttpTransport
from net4moe.gateway.fleet.roster import Device, Roster
from net4moe.gateway.records import Candidate, Limits, Spent, Written
from tests.gateway.device_server import DeviceServer, answers, closed_url, drops, hangs, says, streams
from tests.gateway.dispatch.test_relaying import QUICK, Bench, bench
from tests.gateway.scripted_fleet import candidate, device_of, roster_of
from tests.gateway.virtual_time import (
    Broken,
    Head,
    MemoryTransport,
    Piece,
    Silence,
    Step,
    Wait,
    chunk_of,
    now_s,
    run_virtually,
    story,
)


def request_for(chosen: Candidate, begun: str) -> ChatRequest:
    """Ask for a story, or for its rest."""
    messages = (Message(role="user", content="Tell it."),)
    if begun:
        messages += (Message(role="assistant", content=begun),)
    return ChatRequest(messages=messages, max_tokens=100)


async def written(rig: Bench, shown: list[str] | None = None) -> Written:
    """Have a passage written by the devices of a bench."""
    return await rig.dispatcher.write(
        rig.candidates,
        request_for,
        budget=rig.budget,
        on_text=None if shown is None else shown.append,
        deadline_s=time.monotonic() + 5.0,
    )


def run(course: Coroutine[Any, Any, None]) -> None:
    """Run a test on real time."""
    asyncio.run(course)


def goes_on(*pieces: str, breaks_after: int | None = None) -> Any:
    """Play a device that tells these pieces, goes on where it is asked to, and perhaps breaks off."""

    async def play(request: Any) -> bool:
        messages = request.fields["messages"]
        begun = messages[-1]["content"] if messages[-1]["role"] == "assistant" else ""
        left = "".join(pieces)[len(begun) :]
        if breaks_after is not None:
            return await drops(chunk_of(left[:breaks_after]))(request)
        return await says(left)(request)

    return play


def test_a_passage_is_written_and_shown() -> None:
    """Text, tokens, price and times; the budget is reconciled."""

    async def course() -> None:
        async with bench(says("A fox", " sails.")) as rig:
            rig.roster.device("a").price = Price(input_usd_per_mtok=1.0, output_usd_per_mtok=2.0)
            shown: list[str] = []
            done = await written(rig, shown)
            assert "A fox sails." == "".join(shown)
            assert ("A fox sails.", "stop", 7, 5) == (
                done.text,
                done.finish_reason,
                done.prompt_tokens,
                done.completion_tokens,
            )
            assert 17e-6 == pytest.approx(done.price_usd)
            assert Spent(calls=1, tokens=12, price_usd=done.price_usd) == rig.budget.spent
            attempt = done.attempts[0]
            assert attempt.first_text_s is not None
            assert 0.0 < attempt.start_s < attempt.first_text_s <= attempt.end_s

    run(course())


@pytest.mark.parametrize("shows", [True, False])
def test_a_half_written_passage_is_gone_on_with_by_another_device(shows: bool) -> None:
    """Twice: the seams lose nothing and double nothing, and each device is told what stands."""

    async def course() -> None:
        told = ("Ein Fuchs ", "lernt segeln", " – über Nacht.")
        async with bench(
            goes_on(*told, breaks_after=7), goes_on(*told, breaks_after=11), goes_on(*told)
        ) as rig:
            shown: list[str] = []
            done = await written(rig, shown if shows else None)
            assert "".join(told) == done.text
            assert not shows or "".join(told) == "".join(shown)
            assert ["first", "handover", "handover"] == [attempt.kind for attempt in done.attempts]
            assert ["reset", "reset", "done"] == [attempt.outcome for attempt in done.attempts]
            begun = [server.requests[0].fields["messages"][-1]["content"] for server in rig.servers]
            assert ["Tell it.", "".join(told)[:7], "".join(told)[:18]] == begun

    run(course())


def test_a_device_that_begins_anew_does_not_double_what_stands() -> None:
    """It repeats the beginning word for word: that is cut off."""

    async def course() -> None:
        async with bench(
            drops(chunk_of("A fox learns to sail")), says("A fox learns", " to sail alone.")
        ) as rig:
            shown: list[str] = []
            assert "A fox learns to sail alone." == (await written(rig, shown)).text
            assert "A fox learns to sail alone." == "".join(shown)

    run(course())


FAULTS: dict[str, tuple[Any, str]] = {
    "refuses": (None, "refused"),
    "hangs": (hangs(), "stalled"),
    "stalls": (hangs(chunk_of("")), "stalled"),
    "resets": (drops(), "reset"),
    "500": (answers(b"oops", "text/html", "500 Oops"), "failed"),
    "busy": (answers(b"{}", status="429 Full"), "busy"),
    "refuses the key": (answers(b"{}", status="403 No"), "failed"),
    "no stream": (answers(b'{"choices": []}'), "garbage"),
    "no UTF-8": (streams(b'data: {"choices": [{"delta": {"content": "\xff"}}]}\n\n'), "garbage"),
    "a huge line": (streams(b"data: " + b"x" * 70_000), "garbage"),
    "no end": (streams(chunk_of("")), "reset"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_device_that_fails_is_replaced(fault: str) -> None:
    """Whatever it does."""
    play, outcome = FAULTS[fault]

    async def course() -> None:
        async with bench(play, says("A fox")) as rig:
            done = await written(rig)
            assert "A fox" == done.text
            assert [("a", outcome), ("b", "done")] == [(one.device, one.outcome) for one in done.attempts]
            blamed = 0 if outcome == "busy" else 1
            assert blamed == rig.roster.device("a").meter.num_failed

    run(course())


def test_an_endless_passage_is_cut() -> None:
    """At what its tokens allow; the device sees it at once."""

    async def course() -> None:
        async with bench(says(*["and on " * 50] * 500, every_s=0.001)) as rig:
            done = await written(rig)
            assert (4_000, "length") == (len(done.text), done.finish_reason)
            async with asyncio.timeout(0.2):
                await rig.servers[0].requests[0].gone.wait()

    run(course())


def test_a_call_that_is_at_fault_itself_is_said_with_the_devices_words() -> None:
    """On one line, and not tried elsewhere."""

    async def course() -> None:
        async with bench(answers(b'{"error": "too\nlong"}', status="400 No"), says("A fox")) as rig:
            with pytest.raises(
                ChatRejected, match=r"device 'a' refuses the call \(400: .*too long"
            ) as caught:
                await written(rig)
            assert 400 == caught.value.status
            assert ["rejected"] == [attempt.outcome for attempt in attempts_of(caught.value)]

    run(course())


def test_a_client_that_leaves_is_seen_by_the_device() -> None:
    """Within 100 ms, and nothing is left."""

    async def course() -> None:
        async with bench(says(*["and on "] * 200, every_s=0.02)) as rig:
            shown: list[str] = []
            task = asyncio.create_task(written(rig, shown))
            while not shown:
                await asyncio.sleep(0.005)
            task.cancel()
            left_s = time.monotonic()
            with pytest.raises(asyncio.CancelledError):
                await task
            rig.rests()
            async with asyncio.timeout(1.0):
                await rig.servers[0].requests[0].gone.wait()
            assert rig.servers[0].requests[0].gone_s - left_s < 0.1

    run(course())


def test_an_error_of_the_one_who_is_shown_text_ends_the_passage() -> None:
    """It is raised as it is, and nothing is left."""

    async def course() -> None:
        def broken(piece: str) -> None:
            raise KeyError(piece)

        async with bench(says("A fox", every_s=0.01), says("A cat")) as rig:
            with pytest.raises(KeyError, match="A fox"):
                await rig.dispatcher.write(
                    rig.candidates,
                    request_for,
                    deadline_s=time.monotonic() + 5.0,
                    budget=rig.budget,
                    on_text=broken,
                )
            assert [] == rig.servers[1].requests

    run(course())


def virtual(
    play: Any, *devices: Device, config: DispatchConfig | None = None
) -> tuple[Dispatcher, MemoryTransport]:
    """Make a dispatcher under virtual time."""
    transport = MemoryTransport(play)
    return Dispatcher(roster_of(*devices), transport, clock=now_s, config=config), transport


async def told(
    dispatcher: Dispatcher, *names: str, budget: Budget | None = None, within_s: float = 60.0, **options: Any
) -> Written:
    """Have a passage written under virtual time."""
    budget = budget or Budget(Limits(), now_s())
    return await dispatcher.write(
        [candidate(name) for name in names],
        request_for,
        deadline_s=now_s() + within_s,
        budget=budget,
        **options,
    )


def measured(name: str, first_text_s: float, **fields: Any) -> Device:
    """Make a device of which twenty calls were measured."""
    device = device_of(name, **fields)
    for _ in range(20):
        device.meter.finished(now_s=0.0, total_s=first_text_s + 1.0, first_text_s=first_text_s)
    return device


def test_a_device_slower_than_usual_is_hedged_and_the_loser_sees_it() -> None:
    """After its own p95; the faster answer is shown, alone."""

    async def course() -> None:
        def play(device: Device, path: str, body: bytes) -> Sequence[Step]:
            return story("slow", first_s=9.0) if device.name == "a" else story("A fox", first_s=0.5)

        dispatcher, transport = virtual(play, measured("a", 1.0), measured("b", 1.0))
        shown: list[str] = []
        done = await told(dispatcher, "a", "b", on_text=shown.append)
        assert ["A fox"] == shown
        assert 1.5 == now_s()
        assert [("a", "first", "cancelled"), ("b", "hedge", "done")] == [
            (one.device, one.kind, one.outcome) for one in done.attempts
        ]
        assert 1.5 == transport.posts[0].ended_s
        assert 0 == dispatcher.roster.device("a").meter.num_failed

    run_virtually(course())


def test_a_slow_device_in_five_spoils_no_tail() -> None:
    """It is ten times slower now and then: p99 stays within 1.5 times that of healthy ones, at 5 % extra calls."""

    def tail(slow: bool) -> tuple[float, int]:
        async def course() -> tuple[float, int]:
            num = 0

            def play(device: Device, path: str, body: bytes) -> Sequence[Step]:
                nonlocal num
                num += 1
                late = slow and device.name == "e" and num % 20 == 0
                return story("A ", "fox ", "sails.", first_s=1.0 if late else 0.1, every_s=0.05)

            dispatcher, transport = virtual(play, *(measured(name, 0.1) for name in "abcde"))
            seconds: list[float] = []
            for _ in range(300):
                begin_s = now_s()
                names = [one.device for one in dispatcher.roster.candidates(now_s=begin_s, model="tiny")]
                done = await told(dispatcher, *names)
                assert "A fox sails." == done.text
                seconds.append(now_s() - begin_s)
                await asyncio.sleep(0.5)
            return sorted(seconds)[int(0.99 * len(seconds))], len(transport.posts)

        return run_virtually(course())

    healthy_s, _ = tail(slow=False)
    slow_s, num_calls = tail(slow=True)
    assert slow_s <= 1.5 * healthy_s
    assert num_calls <= 1.05 * 300 + 2.5


def test_a_device_that_always_loses_is_believed_to_be_slow() -> None:
    """A hung one is never first, so only being outpaced tells."""

    async def course() -> None:
        def play(device: Device, path: str, body: bytes) -> Sequence[Step]:
            return [Silence()] if device.name == "a" else story("A fox", first_s=3.0)

        dispatcher, _ = virtual(play, measured("a", 0.5), measured("b", 0.5))
        for _ in range(2):
            assert "A fox" == (await told(dispatcher, "a", "b")).text
        assert 2 == dispatcher.roster.device("a").meter.num_failed
        ranked = dispatcher.roster.candidates(now_s=now_s(), model="tiny")
        assert ["b", "a"] == [one.device for one in ranked]

    run_virtually(course())


def test_the_deadline_is_kept_and_says_what_was_tried() -> None:
    """Not a moment later, with all attempts."""

    async def course() -> None:
        dispatcher, _ = virtual(lambda *call: story(*["on "] * 100, every_s=1.0), device_of("a"))
        with pytest.raises(DeadlinePassed, match="not whole in time, with 1 call to devices") as caught:
            await told(dispatcher, "a", within_s=7.0)
        assert 7.0 == now_s()
        assert ["late"] == [attempt.outcome for attempt in attempts_of(caught.value)]

    run_virtually(course())


def test_a_budget_ends_the_retries() -> None:
    """The call is not sent; what was spent is booked."""

    async def course() -> None:
        dispatcher, transport = virtual(lambda *call: [Broken("refused")], device_of("a"), device_of("b"))
        budget = Budget(Limits(calls=1), now_s())
        with pytest.raises(BudgetExceeded, match="limit `calls` of 1"):
            await told(dispatcher, "a", "b", budget=budget)
        assert 1 == len(transport.posts)
        assert (1, Spent()) == (budget.spent.calls, budget.reserved)

    run_virtually(course())


def test_all_busy_is_said() -> None:
    """After the only other one was asked."""

    async def course() -> None:
        full = [Head(429, "application/json", 90.0)]
        dispatcher, transport = virtual(lambda *call: full, device_of("a"), device_of("b"))
        with pytest.raises(DeviceBusy) as caught:
            await told(dispatcher, "a", "b")
        assert 90.0 == caught.value.retry_after_s
        assert 2 == len(transport.posts)
        with pytest.raises(DeviceBusy):
            await told(dispatcher, "a", "b")
        assert 2 == len(transport.posts)

    run_virtually(course())


def test_all_down_is_said_and_found_out_when_it_is_over() -> None:
    """Probes find the first device that is back, though all were out."""

    async def course() -> None:
        down = True
        dispatcher, transport = virtual(
            lambda *call: [Broken("refused")] if down else story("A fox"), device_of("a"), device_of("b")
        )
        for _ in range(8):
            with pytest.raises((DeviceUnreachable, NoDevice)):
                await told(dispatcher, "a", "b", within_s=0.9)
        num = len(transport.posts)
        begin_s = now_s()
        with pytest.raises(NoDevice):
            await told(dispatcher, "a", "b")
        assert (num, begin_s) == (len(transport.posts), now_s())
        down = False
        await asyncio.sleep(1.1)
        assert "A fox" == (await told(dispatcher, "a", "b")).text

    run_virtually(course())


def test_no_candidate_is_no_device() -> None:
    """Or one that nobody knows."""

    async def course() -> None:
        dispatcher, _ = virtual(lambda *call: story("A fox"))
        for names in ((), ("ghost",)):
            with pytest.raises(NoDevice):
                await told(dispatcher, *names)

    run_virtually(course())


def test_overload_is_shed_and_what_is_admitted_is_served() -> None:
    """Ten times what two devices can do: goodput stays, the rest is sent away at once."""

    async def course() -> None:
        dispatcher, _ = virtual(
            lambda *call: story("A fox", first_s=0.05), device_of("a", slots=2), device_of("b", slots=2)
        )
        answered, shed_s, waits_s = 0, list[float](), list[float]()

        async def request() -> None:
            nonlocal answered
            begin_s = now_s()
            try:
                await told(dispatcher, "a", "b", within_s=2.0)
                answered += 1
            except DeviceBusy as error:
                shed_s.append(now_s() - begin_s)
                waits_s.append(error.retry_after_s)

        tasks: list[asyncio.Task[None]] = []
        for _ in range(4_000):
            tasks.append(asyncio.create_task(request()))
            await asyncio.sleep(1 / 800)
        await asyncio.gather(*tasks)
        assert answered >= 0.8 * 5.0 * 4 / 0.05
        assert max(shed_s) <= 0.05
        assert min(waits_s) >= 1.0
        assert 4_000 == answered + len(shed_s)

    run_virtually(course())


def test_silence_before_and_after_text_is_told_apart() -> None:
    """The first text of a device that was not measured may take long: it may be loading the model."""

    async def course() -> None:
        def play(device: Device, path: str, body: bytes) -> Sequence[Step]:
            return (
                [Head(), Wait(20.0), Piece(chunk_of("A")), Silence()] if device.name == "a" else story(" fox")
            )

        dispatcher, _ = virtual(play, device_of("a"), device_of("b"))
        done = await told(dispatcher, "a", "b")
        assert ("A fox", 25.0) == (done.text, now_s())
        assert ["stalled", "done"] == [attempt.outcome for attempt in done.attempts]

    run_virtually(course())


def test_a_signed_call_and_a_token() -> None:
    """An agent gets a signature over the body, an endpoint its bearer token; neither gets anything else."""
    from pydantic import SecretStr

    async def course() -> None:
        async with DeviceServer(says("A fox")) as server:
            roster = Roster()
            for name, kind in (("a", "agent"), ("b", "endpoint")):
                device = device_of(name, base_url=server.base_url, kind=kind)  # pyright: ignore[reportArgumentType]
                device.key = SecretStr("k" * 32)
                roster.add(device, now_s=time.monotonic())
            dispatcher = Dispatcher(roster, AiohttpTransport(), config=QUICK)
            for name in "ab":
                await dispatcher.write(
                    [candidate(name)],
                    request_for,
                    deadline_s=time.monotonic() + 5.0,
                    budget=Budget(Limits(), time.monotonic()),
                )
            await dispatcher.close()
            agent, endpoint = (request.headers for request in server.requests)
            assert "a" == agent["net4moe-device"]
            assert 64 == len(agent["net4moe-signature"])
            assert "authorization" not in agent
            assert "Bearer " + "k" * 32 == endpoint["authorization"]
            assert "net4moe-signature" not in endpoint
            assert {"identity"} == {agent["accept-encoding"], endpoint["accept-encoding"]}
            assert "/v1/chat/completions" == server.requests[0].target
            assert json.loads(server.requests[0].body)["stream"]

    run(course())


def test_nobody_there_is_said() -> None:
    """With the device's name and without its address."""

    async def course() -> None:
        async with bench(None) as rig:
            rig.roster.device("a").base_url = closed_url()
            with pytest.raises(DeviceUnreachable, match="device 'a' cannot be reached"):
                await written(rig)

    run(course())
