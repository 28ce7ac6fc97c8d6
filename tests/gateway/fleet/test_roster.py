import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.edge.wire import LinkReport
from net4moe.errors import JoinRefused, NoDevice
from net4moe.gateway.fleet.roster import Device, claims_weight
from tests.gateway.scripted_fleet import device_of, roster_of, telemetry


def eject(device: Device, now_s: float = 0.0) -> None:
    """Fail until the breaker opens."""
    for _ in range(5):
        device.breaker.failed(now_s, device.breaker.begin(now_s))


def test_the_own_device_comes_first() -> None:
    """Then the others by name."""
    roster = roster_of(device_of("b"), device_of("a"), device_of("own", local=True))
    assert ["own", "a", "b"] == [device.name for device in roster.devices]


def test_an_unknown_name_is_nobody() -> None:
    """The name is said."""
    with pytest.raises(NoDevice, match="there is no device 'ghost'"):
        roster_of().device("ghost")


def test_a_device_without_heartbeats_is_lost_and_comes_back_after_two() -> None:
    """One message that got through is no recovery."""
    device = device_of("a", kind="agent")
    roster = roster_of(device)
    assert "up" == device.state(12.0)
    assert "lost" == device.state(12.1)
    roster.heard(telemetry("a", sequence=1), now_s=13.0)
    assert "lost" == device.state(13.0)
    assert [] == roster.usable(now_s=13.0)
    roster.heard(telemetry("a", sequence=2), now_s=15.0)
    assert "up" == device.state(15.0)


def test_an_endpoint_is_never_lost() -> None:
    """It sends no heartbeats."""
    assert "up" == device_of("a").state(1e9)


def test_old_messages_are_refused() -> None:
    """By number and by joining."""
    roster = roster_of(device_of("a", kind="agent"))
    roster.heard(telemetry("a", sequence=5), now_s=1.0)
    with pytest.raises(JoinRefused, match="sent message 5 after 5"):
        roster.heard(telemetry("a", sequence=5), now_s=2.0)
    with pytest.raises(JoinRefused, match="joining 1; the last is 0"):
        roster.heard(telemetry("a", epoch=1, sequence=9), now_s=2.0)
    with pytest.raises(NoDevice):
        roster.heard(telemetry("b"), now_s=2.0)


def test_the_version_grows_with_what_is_offered() -> None:
    """A heartbeat that says the same changes nothing."""
    roster = roster_of(device_of("a", kind="agent"))
    version = roster.version
    roster.heard(telemetry("a", sequence=1, num_slots=4), now_s=1.0)
    assert version == roster.version
    roster.heard(telemetry("a", sequence=2, num_slots=2), now_s=1.0)
    assert version + 1 == roster.version
    roster.drain("a")
    roster.remove("a")
    assert version + 3 == roster.version


def test_who_drains_takes_nothing() -> None:
    """Whether the operator or the device itself wants it."""
    roster = roster_of(device_of("a"), device_of("b"), device_of("c", state="draining"))
    roster.drain("a")
    assert ["b"] == [device.name for device in roster.usable(now_s=0.0)]
    assert ["b"] == [found.device for found in roster.candidates(now_s=0.0, model="tiny")]


def test_candidates_have_what_is_asked_for() -> None:
    """By expert, by model, or by device."""
    roster = roster_of(device_of("a"), device_of("b", experts=(), models=("large",)))
    assert [("a", "tiny", "plot")] == [
        (found.device, found.model, found.expert) for found in roster.candidates(now_s=0.0, expert="plot")
    ]
    assert {"a", "b"} == {found.device for found in roster.candidates(now_s=0.0, model="large")}
    assert ["b"] == [found.device for found in roster.candidates(now_s=0.0, model="large", device="b")]
    assert [] == roster.candidates(now_s=0.0, model="huge")
    assert [] == roster.candidates(now_s=0.0, expert="plot", model="large")


def test_equal_devices_take_turns() -> None:
    """A tie does not send all traffic to the first one."""
    roster = roster_of(*(device_of(name) for name in "abc"))
    first = Counter(roster.candidates(now_s=0.0, model="tiny")[0].device for _ in range(300))
    assert min(first.values()) > 60


def test_free_slots_come_first() -> None:
    """Also those of a slower device."""
    fast, slow = device_of("fast", slots=1, tokens_per_s=100.0), device_of("slow", slots=1, tokens_per_s=20.0)
    roster = roster_of(fast, slow)
    assert "fast" == roster.candidates(now_s=0.0, model="tiny")[0].device
    fast.num_in_flight = 1
    assert "slow" == roster.candidates(now_s=0.0, model="tiny")[0].device


def test_who_said_that_it_is_full_comes_last() -> None:
    """Until the time that it named."""
    device = device_of("a", tokens_per_s=100.0)
    roster = roster_of(device, device_of("b", tokens_per_s=10.0))
    device.busy_until_s = 5.0
    assert "b" == roster.candidates(now_s=4.0, model="tiny")[0].device
    assert "a" == roster.candidates(now_s=5.0, model="tiny")[0].device


def test_a_model_is_not_swapped_while_another_device_is_idle() -> None:
    """Least of all beside a call of the other model."""
    warm, idle = device_of("warm", kind="agent"), device_of("idle", kind="agent")
    roster = roster_of(warm, idle)
    warm.resident, idle.resident = "tiny", "large"
    assert {"warm"} == {roster.candidates(now_s=0.0, model="tiny")[0].device for _ in range(20)}
    assert {"idle"} == {roster.candidates(now_s=0.0, model="large")[0].device for _ in range(20)}
    idle.resident, warm.num_in_flight = "tiny", 1
    assert {"idle"} == {roster.candidates(now_s=0.0, model="large")[0].device for _ in range(20)}


def test_the_link_counts() -> None:
    """A device that writes a little faster behind a slow link is the slower one."""
    slow = LinkReport(kind="measured", rate_bps=20_000.0, round_trip_s=0.3)
    roster = roster_of(device_of("near", tokens_per_s=40.0), device_of("far", tokens_per_s=60.0, link=slow))
    assert "near" == roster.candidates(now_s=0.0, model="tiny")[0].device


def test_ejected_devices_get_nothing_while_half_of_the_fleet_is_well() -> None:
    """Then nobody believes health any more, but probes stay single."""
    devices = [device_of(name) for name in "abcd"]
    roster = roster_of(*devices)
    for device in devices[:2]:
        eject(device)
    assert {"c", "d"} == {found.device for found in roster.candidates(now_s=2.0, model="tiny")}
    eject(devices[2])
    ranked = [found.device for found in roster.candidates(now_s=2.0, model="tiny")]
    assert "d" == ranked[0]
    assert {"a", "b", "c", "d"} == set(ranked)
    devices[0].breaker.begin(2.0)
    assert "a" not in {found.device for found in roster.candidates(now_s=2.0, model="tiny")}


def test_lost_devices_get_nothing_even_in_panic() -> None:
    """Health may be wrong; that nothing was heard is a fact."""
    roster = roster_of(device_of("a", kind="agent"), device_of("b", kind="agent"))
    assert [] == roster.candidates(now_s=60.0, model="tiny")


def test_claims_weigh_as_much_as_they_are_true() -> None:
    """Half as fast as claimed is near enough; a tenth is not."""
    device = device_of("a", tokens_per_s=100.0)
    assert 1.0 == claims_weight(device)
    for _ in range(20):
        device.meter.finished(now_s=0.0, total_s=1.8, claimed_s=1.0)
    assert 1.0 == claims_weight(device)
    for _ in range(60):
        device.meter.finished(now_s=0.0, total_s=10.0, claimed_s=1.0)
    assert 0.1 == pytest.approx(claims_weight(device))


@pytest.mark.parametrize("seed", range(5))
def test_a_boaster_is_found_out_within_fifty_calls(seed: int) -> None:
    """It claims ten times its speed; of the next hundred calls it gets what an honest one would: next to none."""
    speeds = {"a": 40.0, "b": 38.0, "boaster": 10.0}
    roster = roster_of(
        *(
            device_of(name, tokens_per_s=speed * (10 if name == "boaster" else 1))
            for name, speed in speeds.items()
        ),
        seed=seed,
    )
    chance, now_s, chosen = random.Random(seed), 0.0, list[str]()
    for _ in range(150):
        name = roster.candidates(now_s=now_s, model="tiny")[0].device
        chosen.append(name)
        device = roster.device(name)
        seconds = 0.2 + 150 / speeds[name] * chance.uniform(0.9, 1.1)
        now_s += seconds
        device.meter.finished(
            now_s=now_s,
            total_s=seconds,
            first_text_s=0.2,
            completion_tokens=150,
            claimed_s=device.claimed_s(200, 150),
        )
    assert Counter(chosen[50:])["boaster"] <= 10
    assert Counter(chosen[50:])["a"] > 10


@given(
    st.lists(
        st.tuples(st.sampled_from("abcde"), st.sampled_from(["ok", "bad", "beat", "wait"])), max_size=80
    ),
)
def test_any_course(course: list[tuple[str, str]]) -> None:
    """Candidates are usable, never lost, no one twice; where at least half are well, no ejected one is there."""
    roster = roster_of(*(device_of(name, kind="agent") for name in "abcde"))
    now_s = 0.0
    for number, (name, what) in enumerate(course, start=1):
        device = roster.device(name)
        now_s += 4.0 if what == "wait" else 0.1
        if what == "beat":
            roster.heard(telemetry(name, sequence=number), now_s=now_s)
        elif what in ("ok", "bad"):
            verdict = device.breaker.succeeded if what == "ok" else device.breaker.failed
            verdict(now_s, device.breaker.begin(now_s))
        names = [found.device for found in roster.candidates(now_s=now_s, model="tiny")]
        assert len(set(names)) == len(names)
        assert set(names) == {found.name for found in roster.usable(now_s=now_s)}
        states = Counter(each.state(now_s) for each in roster.devices)
        assert not any("lost" == roster.device(found).state(now_s) for found in names)
        if states["up"] >= states["ejected"]:
            assert not any("ejected" == roster.device(found).state(now_s) for found in names)


def test_of_a_large_fleet_a_sample_is_ranked_and_everybody_gets_work() -> None:
    """Bounded in size, free ones first, nobody left out for ever; a device that is named is always found."""
    roster = roster_of(*(device_of(f"d{number}") for number in range(300)))
    for number in range(0, 300, 2):
        roster.device(f"d{number}").num_in_flight = 1_000
    seen: set[str] = set()
    for _ in range(200):
        found = roster.candidates(now_s=1.0, model="tiny")
        assert 48 == len(found)
        assert int(found[0].device[1:]) % 2 == 1
        seen |= {one.device for one in found}
    assert 300 == len(seen)
    assert ["d123"] == [one.device for one in roster.candidates(now_s=1.0, model="tiny", device="d123")]
