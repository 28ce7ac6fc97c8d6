import asyncio
import json
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from net4moe.errors import BudgetExceeded, DeadlinePassed, DeviceBusy, DeviceUnreachable, NoDevice
from net4moe.gateway.dispatch.budgets import Budget
from net4moe.gateway.dispatch.dispatching import DispatchConfig, Dispatcher, Relayed, attempts_of
from net4moe.gateway.dispatch.transport import AiohttpTransport
from net4moe.gateway.records import Candidate, Limits, Spent
from tests.gateway.device_server import (
    DeviceServer,
    Play,
    answers,
    closed_url,
    drops,
    hangs,
    json_of,
    says,
    streams,
)
from tests.gateway.scripted_fleet import candidate, device_of, roster_of
from tests.gateway.virtual_time import END, chunk_of

QUICK = DispatchConfig(
    first_text_s=0.15, cold_first_text_s=0.15, whole_s=0.15, stall_s=0.15, backoff_s=0.01, max_bytes=200_000
)


class Bench:
    """A dispatcher with real devices on loopback."""

    def __init__(self, servers: list[DeviceServer], config: DispatchConfig, slots: int) -> None:
        self.servers = servers
        names = "abcdefgh"[: len(servers)]
        self.roster = roster_of(
            *(
                device_of(name, base_url=server.base_url, slots=slots)
                for name, server in zip(names, servers, strict=True)
            ),
            now_s=time.monotonic(),
        )
        self.dispatcher = Dispatcher(self.roster, AiohttpTransport(), config=config)
        self.candidates = [candidate(name) for name in names]
        self.budget = Budget(Limits(calls=10_000), time.monotonic())

    def relayed(self, *, streams: bool, within_s: float = 5.0, only: int | None = None) -> Relayed:
        """Pass a call through."""

        def body_for(chosen: Candidate) -> bytes:
            return json.dumps({"model": chosen.model, "stream": streams}).encode()

        return self.dispatcher.relayed(
            self.candidates if only is None else self.candidates[only : only + 1],
            "/chat/completions",
            body_for,
            deadline_s=time.monotonic() + within_s,
            budget=self.budget,
            streams=streams,
        )

    async def text(self, *, streams: bool = True, within_s: float = 5.0) -> bytes:
        """Read an answer to its end."""
        async with self.relayed(streams=streams, within_s=within_s) as relayed:
            return b"".join([piece async for piece in relayed.pieces])

    def rests(self) -> None:
        """Hold that nothing is under way any more."""
        assert Spent() == self.budget.reserved
        for device in self.roster.devices:
            assert (0, 0) == (device.num_in_flight, device.num_waiting)


@asynccontextmanager
async def bench(*plays: Play | None, config: DispatchConfig = QUICK, slots: int = 4) -> AsyncIterator[Bench]:
    """Make devices, one for each play; where it is None, nobody listens. Nothing may be left behind."""
    before = asyncio.all_tasks()
    servers = [DeviceServer(play or hangs()) for play in plays]
    for server, play in zip(servers, plays, strict=True):
        if play is None:
            server.base_url = closed_url()
        else:
            await server.__aenter__()
    rig = Bench(servers, config, slots)
    try:
        yield rig
        rig.rests()
    finally:
        await rig.dispatcher.close()
        for server, play in zip(servers, plays, strict=True):
            if play is not None:
                await server.__aexit__()
    assert asyncio.all_tasks() == before


async def read_all(relayed: Relayed, pieces: list[bytes]) -> None:
    """Read to the end, or as far as it goes."""
    async for piece in relayed.pieces:
        pieces.append(piece)


def run(course: Coroutine[Any, Any, None]) -> None:
    """Run a test."""
    asyncio.run(course)


def test_a_whole_answer_passes_unchanged() -> None:
    """Bytes, type and device; the books know its tokens."""

    async def course() -> None:
        async with bench(says("A fox", " sails.")) as rig:
            async with rig.relayed(streams=False) as relayed:
                assert (200, "application/json", "a") == (
                    relayed.status,
                    relayed.content_type,
                    relayed.device,
                )
                assert json_of() == relayed.body
                assert [json_of()] == [piece async for piece in relayed.pieces]
            assert ["done"] == [attempt.outcome for attempt in relayed.attempts]
            assert 5 == relayed.attempts[0].completion_tokens
            assert (1, 12) == (rig.budget.spent.calls, rig.budget.spent.tokens)
            assert rig.budget.spent.air_bytes > len(json_of())
            device = rig.roster.device("a")
            assert (1, "tiny") == (device.meter.num_calls, device.resident)

    run(course())


def test_a_stream_passes_unchanged_and_as_it_comes() -> None:
    """The first piece is there long before the last."""

    async def course() -> None:
        async with (
            bench(says("A ", "fox ", "sails.", every_s=0.03)) as rig,
            rig.relayed(streams=True) as relayed,
        ):
            times_s: list[float] = []
            pieces: list[bytes] = []
            async for piece in relayed.pieces:
                times_s.append(time.monotonic())
                pieces.append(piece)
            told = b"".join(chunk_of(piece) for piece in ("A ", "fox ", "sails."))
            assert b"".join(pieces).startswith(told)
            assert b"".join(pieces).endswith(END)
            assert times_s[-1] - times_s[0] > 0.05
            assert 5 == relayed.attempts[0].completion_tokens

    run(course())


FAULTS: dict[str, tuple[Play | None, str]] = {
    "refuses": (None, "refused"),
    "hangs": (hangs(), "stalled"),
    "resets": (drops(), "reset"),
    "500": (answers(b"oops", "text/html", "500 Oops"), "failed"),
    "refuses the key": (answers(b"{}", status="401 No"), "failed"),
    "busy": (answers(b"{}", status="429 Full", more="retry-after: 2\r\n"), "busy"),
    "redirects": (answers(b"", status="302 There", more="location: http://127.0.0.1:1/\r\n"), "garbage"),
    "a page": (answers(b"<html>hello</html>", "text/html"), "garbage"),
    "compressed": (answers(b"\x1f\x8b", "text/event-stream", more="content-encoding: gzip\r\n"), "garbage"),
    "not HTTP": (lambda request: _raw(request, b"SSH-2.0-fox\r\n\r\n"), "garbage"),
}


async def _raw(request: Any, content: bytes) -> bool:
    await request.send(content)
    return False


@pytest.mark.parametrize("streamed", [True, False])
@pytest.mark.parametrize("fault", list(FAULTS))
def test_what_fails_before_the_first_byte_is_tried_on_the_next_device(fault: str, streamed: bool) -> None:
    """The client sees the good answer only, and the receipt both calls."""
    play, outcome = FAULTS[fault]

    async def course() -> None:
        async with bench(play, says("A fox")) as rig:
            async with rig.relayed(streams=streamed) as relayed:
                assert "b" == relayed.device
                content = b"".join([piece async for piece in relayed.pieces])
            assert b"A fox" in content
            assert [("a", "first", outcome), ("b", "retry", "done")] == [
                (one.device, one.kind, one.outcome) for one in relayed.attempts
            ]

    run(course())


def test_half_a_whole_answer_is_no_answer() -> None:
    """It is tried again: nothing of it was handed on."""

    async def half(request: Any) -> bool:
        await request.send(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{"
        )
        return False

    async def course() -> None:
        async with bench(half, says("A fox")) as rig:
            assert json_of("A fox") == await rig.text(streams=False)

    run(course())


def test_where_all_fail_the_last_reason_is_said() -> None:
    """With all attempts on the error."""

    async def course() -> None:
        async with bench(None, answers(b"oops", status="500 Oops")) as rig:
            with pytest.raises(DeviceUnreachable, match=r"device 'b': it failed \(500\)") as caught:
                await rig.text()
            assert ["refused", "failed"] == [attempt.outcome for attempt in attempts_of(caught.value)]

    run(course())


def test_the_only_device_is_asked_twice() -> None:
    """A blip is no outage."""

    async def course() -> None:
        async with bench(None) as rig, DeviceServer(drops(), says("A fox")) as server:
            rig.roster.device("a").base_url = server.base_url
            assert b"A fox" in await rig.text()
            assert 2 == len(server.requests)

    run(course())


def test_all_full_is_said_with_when_to_come_back() -> None:
    """And the device is left alone until then."""

    async def course() -> None:
        full = answers(b"{}", status="429 Full", more="retry-after: 7\r\n")
        async with bench(full) as rig:
            for _ in range(3):
                with pytest.raises(DeviceBusy) as caught:
                    await rig.text()
                assert 6.5 <= caught.value.retry_after_s <= 7.0
            assert 1 == len(rig.servers[0].requests)

    run(course())


def test_a_call_that_is_at_fault_itself_passes_back() -> None:
    """Status and words of the device, and no blame for it."""

    async def course() -> None:
        refusal = b'{"error": {"message": "max_tokens is too large"}}'
        async with bench(answers(refusal, status="400 No"), says("A fox")) as rig:
            async with rig.relayed(streams=True) as relayed:
                assert (400, "a") == (relayed.status, relayed.device)
                assert [refusal] == [piece async for piece in relayed.pieces]
            assert ["rejected"] == [attempt.outcome for attempt in relayed.attempts]
            assert 0 == rig.roster.device("a").meter.num_failed

    run(course())


BREAKS: dict[str, tuple[Play, type[Exception], str, str]] = {
    "dies": (drops(chunk_of("A fox")), DeviceUnreachable, "reset", "broke off its answer"),
    "stalls": (hangs(chunk_of("A fox")), DeviceUnreachable, "stalled", "said nothing more for 0.15 s"),
    "ends without its mark": (streams(chunk_of("A fox")), DeviceUnreachable, "reset", "without the end mark"),
    "breaks its frames": (streams(chunk_of("A fox"), ends=False), DeviceUnreachable, "reset", "broke off"),
    "says comments only": (
        streams(chunk_of("A fox"), *[b": here\n\n"] * 40, every_s=0.02),
        DeviceUnreachable,
        "stalled",
        "said nothing more",
    ),
    "never ends": (
        streams(*[chunk_of("and on " * 500)] * 200),
        DeviceUnreachable,
        "garbage",
        "past 200000 bytes",
    ),
}


@pytest.mark.parametrize("fault", list(BREAKS))
def test_what_breaks_after_the_first_byte_is_said(fault: str) -> None:
    """Once, and with blame for the device; the other one is not asked."""
    play, kind, outcome, words = BREAKS[fault]

    async def course() -> None:
        async with bench(play, says("A cat")) as rig:
            async with rig.relayed(streams=True) as relayed:
                pieces: list[bytes] = []
                with pytest.raises(kind, match=words) as caught:
                    await read_all(relayed, pieces)
                said = str(caught.value)
                assert (1, ".", False) == (said.count("device 'a'"), said[-1], said.endswith(".."))
                assert pieces[0].startswith(chunk_of("A fox")[:20])
            assert [outcome] == [attempt.outcome for attempt in relayed.attempts]
            assert 1 == rig.roster.device("a").meter.num_failed
            assert [] == rig.servers[1].requests

    run(course())


def test_the_deadline_ends_a_stream_that_goes_on() -> None:
    """Within a quarter of a second."""

    async def course() -> None:
        async with bench(says(*["and on "] * 400, every_s=0.02)) as rig:
            begin_s = time.monotonic()
            with pytest.raises(DeadlinePassed):
                await rig.text(within_s=0.3)
            assert 0.3 <= time.monotonic() - begin_s < 0.55
            assert 0 == rig.roster.device("a").meter.num_failed

    run(course())


def test_the_deadline_ends_a_device_that_says_nothing() -> None:
    """Before the first byte as well, without a second call."""

    async def course() -> None:
        async with bench(hangs(), says("A fox")) as rig:
            with pytest.raises(DeadlinePassed):
                await rig.text(within_s=0.08)
            assert [] == rig.servers[1].requests

    run(course())


def test_a_slow_reader_is_no_stall() -> None:
    """Silence counts only while somebody listens."""

    async def course() -> None:
        async with bench(says("A fox ", "sails.", every_s=0.01)) as rig, rig.relayed(streams=True) as relayed:
            pieces: list[bytes] = []
            async for piece in relayed.pieces:
                await asyncio.sleep(0.12)
                pieces.append(piece)
            assert b"".join(pieces).endswith(END)

    run(course())


@pytest.mark.parametrize("streamed", [True, False])
def test_a_client_that_leaves_is_seen_by_the_device(streamed: bool) -> None:
    """Within 100 ms, while the stream flows and while nothing has come yet."""

    async def course() -> None:
        play = says(*["and on "] * 200, every_s=0.02) if streamed else hangs()
        async with bench(play) as rig:
            task = asyncio.create_task(rig.text(streams=streamed))
            while not rig.servers[0].requests:
                await asyncio.sleep(0.005)
            await asyncio.sleep(0.05)
            left_s = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            rig.rests()
            request = rig.servers[0].requests[0]
            async with asyncio.timeout(1.0):
                await request.gone.wait()
            assert request.gone_s - left_s < 0.1
            assert 0 == rig.roster.device("a").meter.num_failed

    run(course())


def test_leaving_early_is_seen_by_the_device() -> None:
    """Also where the answer is just not read to its end."""

    async def course() -> None:
        async with bench(says(*["and on "] * 200, every_s=0.02)) as rig:
            async with rig.relayed(streams=True) as relayed:
                await anext(relayed.pieces)
            assert ["cancelled"] == [attempt.outcome for attempt in relayed.attempts]
            async with asyncio.timeout(0.1):
                await rig.servers[0].requests[0].gone.wait()

    run(course())


def test_a_device_that_fails_fast_loses_its_traffic() -> None:
    """The black hole: it is always free, and yet gets next to nothing."""

    async def course() -> None:
        async with bench(answers(b"oops", status="500 Oops"), says("A fox", first_s=0.01), slots=2) as rig:
            for _ in range(60):
                now_s = time.monotonic()
                rig.candidates = rig.roster.candidates(now_s=now_s, model="tiny")
                assert b"A fox" in await rig.text()
            assert len(rig.servers[0].requests) <= 5

    run(course())


def test_places_bound_what_a_device_gets_at_once() -> None:
    """The rest waits in turn; what would not fit is sent away with a time to come back."""

    async def course() -> None:
        num = most = 0

        async def counted(request: Any) -> bool:
            nonlocal num, most
            num += 1
            most = max(most, num)
            await asyncio.sleep(0.03)
            num -= 1
            return await answers(json_of())(request)

        async with bench(counted, slots=2) as rig:
            results = await asyncio.gather(
                *(rig.text(streams=False) for _ in range(9)), return_exceptions=True
            )
            assert 2 == most
            assert 6 == sum(result == json_of() for result in results)
            busy = [result for result in results if isinstance(result, DeviceBusy)]
            assert 3 == len(busy)
            assert all(one.retry_after_s >= 1.0 for one in busy)

    run(course())


def test_who_waits_for_one_device_gets_the_other_where_it_is_free_first() -> None:
    """A queue is of all devices that would do."""

    async def course() -> None:
        async with bench(
            says("slow", first_s=0.4), says("fast", first_s=0.05), slots=1, config=DispatchConfig()
        ) as rig:
            results = await asyncio.gather(*(rig.text(streams=False) for _ in range(3)))
            assert [json_of("fast")] * 2 == sorted(results)[:2]
            assert 2 == len(rig.servers[1].requests)

    run(course())


def test_a_budget_without_calls_sends_nothing() -> None:
    """And costs no place."""

    async def course() -> None:
        async with bench(says("A fox")) as rig:
            rig.budget = Budget(Limits(calls=1), time.monotonic())
            await rig.text()
            with pytest.raises(BudgetExceeded, match="past the limit `calls` of 1"):
                await rig.text()
            assert 1 == len(rig.servers[0].requests)

    run(course())


def test_a_body_that_cannot_be_made_costs_no_place() -> None:
    """The caller's error is the caller's."""

    async def course() -> None:
        def broken(chosen: Candidate) -> bytes:
            raise KeyError(chosen.device)

        async with bench(says("A fox")) as rig:
            with pytest.raises(KeyError):
                async with rig.dispatcher.relayed(
                    rig.candidates,
                    "/chat/completions",
                    broken,
                    deadline_s=time.monotonic() + 1.0,
                    budget=rig.budget,
                    streams=False,
                ):
                    pass

    run(course())


def test_no_device_is_said_at_once() -> None:
    """Within 50 ms: unknown, draining, or out with its rest not over."""

    async def course() -> None:
        async with bench(says("A fox")) as rig:
            rig.roster.drain("a")
            begin_s = time.monotonic()
            with pytest.raises(NoDevice, match="no device can take the call now"):
                await rig.text()
            rig.candidates = [candidate("ghost")]
            with pytest.raises(NoDevice, match="ghost"):
                await rig.text()
            assert time.monotonic() - begin_s < 0.05

    run(course())


def test_retries_are_bounded_over_all_requests() -> None:
    """Where everything fails, the gateway does not double the load."""

    async def course() -> None:
        config = DispatchConfig(burst=2.0, backoff_s=0.001)
        async with bench(*[answers(b"oops", status="500 Oops")] * 4, config=config) as rig:
            for device in rig.roster.devices:
                device.breaker.config = type(device.breaker.config)(
                    failures_in_row=10_000, smallest_sample=10_000
                )
            for _ in range(60):
                with pytest.raises(DeviceUnreachable):
                    await rig.text()
            assert sum(len(server.requests) for server in rig.servers) <= 1.2 * 60 + 2

    run(course())


def test_a_connection_is_used_again_and_one_that_was_closed_is_no_fault() -> None:
    """A server that closes idle connections costs nobody an answer."""

    async def course() -> None:
        async with bench(says("A fox")) as rig:
            for _ in range(5):
                await rig.text(streams=False)
            assert 1 == rig.servers[0].num_connections

        async def once(request: Any) -> bool:
            await answers(json_of())(request)
            return False

        async with bench(once) as rig:
            for _ in range(5):
                async with rig.relayed(streams=False) as relayed:
                    pass
                assert ["done"] == [attempt.outcome for attempt in relayed.attempts]
            assert 5 == len(rig.servers[0].requests)

    run(course())
