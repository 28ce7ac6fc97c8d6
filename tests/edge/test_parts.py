"""Link, speed, places, clock and identity, each by itself."""

import asyncio
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from net4moe.edge import identity, sensing
from net4moe.edge.clock import GatewayClock
from net4moe.edge.config import AgentConfig, clean_name, own_name
from net4moe.edge.identity import Identity
from net4moe.edge.link import LinkMeter, SimulatedLink, wireless_signal
from net4moe.edge.places import Places
from net4moe.edge.speed import SpeedMeter, Watched
from net4moe.edge.upstream import Upstream
from net4moe.errors import ConfigError, DeviceBusy

WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0
 wlan1: 0000   60.  -50.  -92.        0      0      0      0      0        0
 wlan2: 0000   60.  200.  0.        0      0      0      0      0        0
"""


def test_a_link_by_hand() -> None:
    """Eight kilobits at one kilobit a second for 4 s, nothing for 2 s, then two kilobits a second."""
    rows = [(0.0, 3.0, 1_000.0), (4.0, -20.0, 0.0), (6.0, 6.0, 2_000.0)]
    link = SimulatedLink(rows, start_s=100.0, period_s=10.0)
    assert link.carry(1_000, 100.0) == pytest.approx(108.0)  # 4000 bits, a gap, 4000 bits in 2 s
    assert link.carry(500, 101.0) == pytest.approx(110.0)  # after what is on the air
    assert link.carry(125, 110.0) == pytest.approx(111.0)  # the trace starts again
    assert link.report(104.5).rate_bps is None
    assert link.report(106.0).snr_db == 6.0
    assert link.report(111.0).snr_db == 3.0


@given(
    st.lists(st.integers(0, 5_000), min_size=1, max_size=20),
    st.lists(st.floats(0, 1e6), min_size=1, max_size=6).filter(lambda rates: sum(rates) > 1),
)
def test_a_link_carries_no_more_than_its_rate(sizes: list[int], rates: list[float]) -> None:
    """In one piece or in many: the last byte is through at the same time."""
    rows = [(float(index), 0.0, rate) for index, rate in enumerate(rates)]
    ends = [SimulatedLink(rows).carry(sum(sizes), 0.0)]
    link = SimulatedLink(rows)
    for size in sizes:
        ends.append(link.carry(size, 0.0))
    assert ends[1:] == sorted(ends[1:])
    assert ends[0] == pytest.approx(ends[-1], rel=1e-6, abs=1e-6)
    assert 8 * sum(sizes) <= max(rates) * ends[-1] * (1 + 1e-6) + 1e-3


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "must be in order"),
        ([(1.0, 0.0, 1.0)], "start at 0 s"),
        ([(0.0, 0.0, 1.0), (0.0, 0.0, 1.0)], "must be in order"),
        ([(0.0, 0.0, 0.0)], "nothing could ever pass"),
        ([(0.0, float("nan"), 1.0)], "every row needs an SNR"),
        ([(0.0, 0.0, -1.0)], "every row needs an SNR"),
    ],
)
def test_a_link_that_cannot_be(rows: list[tuple[float, float, float]], message: str) -> None:
    """Refused at once."""
    with pytest.raises(ValueError, match=message):
        SimulatedLink(rows)
    with pytest.raises(ValueError, match="`period_s` must be above"):
        SimulatedLink([(0.0, 0.0, 1.0), (2.0, 0.0, 1.0)], period_s=2.0)


def test_what_is_measured_of_a_link() -> None:
    """Round trip, loss and rate are running means; a long message tells the rate without the round trip."""
    link = LinkMeter()
    link.came_back(0.1)
    link.came_back(0.2)
    link.carried(1_000, 0.92)
    link.lost()
    report = link.report(is_local=False, signal=None)
    assert report.kind == "measured"
    assert report.round_trip_s == pytest.approx(0.12)
    assert report.rate_bps == pytest.approx(10_000)
    assert report.loss == pytest.approx(0.2)
    link.carried(1_000, 0.01)
    assert link.report(is_local=True, signal=None).rate_bps == report.rate_bps
    assert link.report(is_local=False, signal=(-50.0, -92.0)).snr_db == 42.0
    radio = link.report(is_local=False, signal=(-56.0, None))
    assert (radio.kind, radio.rssi_dbm, radio.snr_db) == ("radio", -56.0, None)


def test_what_linux_tells_of_a_radio() -> None:
    """Level and noise in dBm; a noise of -256 is none, and other units are none."""
    assert wireless_signal(WIRELESS, "wlan0") == (-56.0, None)
    assert wireless_signal(WIRELESS, "wlan1") == (-50.0, -92.0)
    assert wireless_signal(WIRELESS, "wlan2") is None
    assert wireless_signal(WIRELESS, "eth0") is None


def test_what_this_computer_tells(tmp_path: Path) -> None:
    """Whatever it is, it fits the message; loopback is no radio."""
    report = sensing.power()
    assert report.charge_share is None or 0 <= report.charge_share <= 1
    table = tmp_path / "wireless"
    assert sensing.signal_towards("127.0.0.1", table) is None
    table.write_text(WIRELESS.replace("wlan1", "lo"))
    assert sensing.signal_towards("127.0.0.1", table) == (-50.0, -92.0)
    assert sensing.signal_towards("", table) is None


def events(*texts: str, **last: Any) -> list[bytes]:
    """Write events as a server streams them."""
    told: list[dict[str, Any]] = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    return [f"data: {json.dumps(event)}\n\n".encode() for event in [*told, *([last] if last else [])]]


def test_speed_by_the_clock() -> None:
    """Forty tokens until the first text in 2 s; nine more texts in 3 s."""
    meter = SpeedMeter()
    watched = Watched(meter, sent_s=10.0)
    for index, piece in enumerate(events(*"abcdefghij")):
        watched.came(piece, 12.0 + index / 3)
    watched.came(events(usage={"prompt_tokens": 40, "completion_tokens": 10})[0], 15.0)
    watched.came(b"data: [DONE]\n\n", 15.0)
    watched.ended(15.0, streams=True)
    assert meter.report.prefill_tokens_per_s == pytest.approx(20.0)
    assert meter.report.decode_tokens_per_s == pytest.approx(3.0)
    assert meter.report.num_calls == 1


def test_speed_without_usage_and_by_the_server() -> None:
    """Events are counted where nobody counts tokens; what llama.cpp measured itself is better."""
    meter = SpeedMeter()
    watched = Watched(meter, sent_s=0.0)
    for index, piece in enumerate(events(*"abcde")):
        watched.came(piece, 1.0 + index)
    watched.ended(5.0, streams=True)
    assert meter.report.prefill_tokens_per_s is None
    assert meter.report.decode_tokens_per_s == pytest.approx(1.0)
    timings = {"prompt_n": 1, "prompt_per_second": 9e3, "predicted_n": 9, "predicted_per_second": 6.0}
    watched = Watched(meter, sent_s=0.0)
    watched.came(json.dumps({"timings": timings}).encode(), 1.0)
    watched.ended(1.0, streams=False)
    assert meter.report.prefill_tokens_per_s is None  # the prompt had been read before
    assert meter.report.decode_tokens_per_s == pytest.approx(2.0)  # a fifth of the way


@pytest.mark.parametrize(
    "answer", [b"", b"{}", b'{"usage": 3}', b'{"usage": {"completion_tokens": true}}', b"["]
)
def test_speed_of_nonsense(answer: bytes) -> None:
    """Nothing is learnt from it."""
    meter = SpeedMeter()
    watched = Watched(meter, sent_s=0.0)
    watched.came(answer, 1.0)
    watched.ended(1.0, streams=False)
    assert meter.report.num_calls == 0


def test_places_are_never_lost() -> None:
    """Whoever is cancelled, in the queue or as his turn comes, leaves as many places as there were."""

    async def test() -> None:
        places = Places(1)
        leave = asyncio.Event()

        async def call() -> None:
            async with places.place():
                await leave.wait()

        calls = [asyncio.create_task(call()) for _ in range(3)]
        await asyncio.sleep(0)
        assert (places.num_busy, places.num_waiting) == (1, 2)
        with pytest.raises(DeviceBusy, match="all 1 places and the 2 of the queue are taken"):
            await call()
        calls[0].cancel()  # the first in the queue gets the place, and is cancelled as it does
        calls[1].cancel()
        leave.set()
        await asyncio.gather(*calls, return_exceptions=True)
        assert [True, True, False] == [task.cancelled() for task in calls]
        assert (places.num_busy, places.num_waiting) == (0, 0)

    asyncio.run(test())


def test_the_gateways_clock() -> None:
    """Before an answer it is the own date; after it the date plays no part."""
    monotonic_s, date_s = 50.0, 1_000.0
    clock = GatewayClock(lambda: monotonic_s, lambda: date_s)
    assert (clock.is_set, clock.unix_s(), clock.date_error_s) == (False, 1_000.0, 0.0)
    clock.heard(7_000.0, sent_s=48.0, came_s=50.0)
    assert clock.unix_s() == 7_001.0
    assert clock.date_error_s == -6_001.0
    monotonic_s, date_s = 60.0, 0.0
    assert clock.unix_s() == 7_011.0


def test_an_identity_is_kept_for_its_owner(tmp_path: Path) -> None:
    """Mode 600; a damaged file is none."""
    file = tmp_path / "folder" / "who.json"
    known = Identity(gateway="http://g", device="pi", epoch=3, key=SecretStr("hush"))
    assert identity.read(file) is None
    identity.write(file, known)
    assert identity.read(file) == known
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "hush" not in repr(known)
    file.write_text('{"gateway": ')
    assert identity.read(file) is None


def test_two_programs_of_one_name_have_two_files(tmp_path: Path) -> None:
    """And the second one's is free again when it ends."""

    def claimed(name: str = "pi") -> Any:
        return identity.claimed(tmp_path, gateway="http://g", name=name)

    with claimed() as first:
        with claimed() as second, claimed("other") as other:
            assert len({first, second, other}) == 3
        with claimed() as again:
            assert again == second


def test_names_and_settings() -> None:
    """Any text becomes a name; a gateway is an address."""
    assert clean_name("José's laptop.local") == "Jos--s laptop.local"
    assert clean_name("…") == "device"
    assert own_name()
    server = Upstream(url="http://127.0.0.1:1/v1", key=SecretStr("hush"))
    assert "hush" not in repr(server)
    for gateway in ("10.0.0.2:8080", "ftp://x", "http://", "http://x:0", "http://x/v1", "http://u:hush@x"):
        with pytest.raises(ConfigError, match="`gateway` must look like") as refused:
            AgentConfig(gateway=gateway, name="pi", upstream=server, experts=())
        assert "hush" not in str(refused.value)
    for name in ("", "../x", "a\nb", "x" * 64):
        with pytest.raises(ConfigError, match="`name` must begin with a letter"):
            AgentConfig(gateway="http://x", name=name, upstream=server, experts=())
    listens = {
        gateway: AgentConfig(gateway=gateway, name="pi", upstream=server, experts=()).listens_on
        for gateway in (
            "http://127.0.0.1:1",
            "http://localhost:1",
            "http://[::1]:1",
            "http://10.0.0.2:1",
            "http://[fe80::1]:1",
        )
    }
    assert list(listens.values()) == ["127.0.0.1", "127.0.0.1", "::1", "0.0.0.0", "::"]
