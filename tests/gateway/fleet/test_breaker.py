import random

from hypothesis import given
from hypothesis import strategies as st

from net4moe.gateway.fleet.breaker import Breaker, BreakerConfig


def opened(breaker: Breaker, now_s: float = 0.0) -> Breaker:
    """Fail until it opens."""
    for _ in range(5):
        breaker.failed(now_s, breaker.begin(now_s))
    return breaker


def test_five_failures_in_a_row_open_it() -> None:
    """Four do not, and a success between them starts the count anew."""
    breaker = Breaker()
    for verdict in (breaker.failed,) * 4 + (breaker.succeeded,) + (breaker.failed,) * 4:
        verdict(0.0)
    assert "closed" == breaker.state(0.0)
    breaker.failed(0.0)
    assert "open" == breaker.state(0.0)
    assert not breaker.admits(0.0)


def test_fewer_than_half_of_twenty_open_it() -> None:
    """A device that fails every other time and a little more is out, though never five times in a row."""
    breaker, index = Breaker(), 0
    for index in range(60):
        (breaker.succeeded if index % 5 in (0, 2) else breaker.failed)(0.0)
        if breaker.state(0.0) == "open":
            break
    assert 19 == index


def test_half_open_lets_one_call_through() -> None:
    """The second one waits for what becomes of the first."""
    breaker = opened(Breaker())
    later_s = breaker.opens_again_s
    assert 30.0 <= later_s <= 36.0
    assert not breaker.admits(later_s - 0.1)
    assert breaker.admits(later_s)
    breaker.begin(later_s)
    assert not breaker.admits(later_s)
    breaker.ended()
    assert breaker.admits(later_s)


def test_a_probe_closes_it_with_a_slow_start() -> None:
    """The share of slots grows to all within 30 s."""
    breaker = opened(Breaker())
    later_s = breaker.opens_again_s
    breaker.succeeded(later_s, breaker.begin(later_s))
    assert "closed" == breaker.state(later_s)
    assert 0.0 == breaker.share(later_s)
    assert 0.5 == breaker.share(later_s + 15.0)
    assert 1.0 == breaker.share(later_s + 30.0)


def test_each_opening_lasts_longer_up_to_five_minutes() -> None:
    """30 s, 60 s, ... and at most 300 s with a fifth of jitter."""
    breaker = opened(Breaker(chance=random.Random(1)))
    lasts_s = [breaker.opens_again_s]
    for _ in range(12):
        now_s = breaker.opens_again_s
        breaker.failed(now_s, breaker.begin(now_s))
        lasts_s.append(breaker.opens_again_s - now_s)
    for number, seconds in enumerate(lasts_s, start=1):
        assert min(300.0, 30.0 * number) <= seconds <= 1.2 * min(300.0, 30.0 * number)


def test_a_verdict_of_before_is_dropped() -> None:
    """A call that began before the breaker opened does not close it, nor open it again."""
    breaker = Breaker()
    old = breaker.begin(0.0)
    opened(breaker)
    later_s = breaker.opens_again_s
    probe = breaker.begin(later_s)
    breaker.failed(later_s, old)
    breaker.succeeded(later_s, old)
    breaker.ended(old)
    assert "half_open" == breaker.state(later_s)
    assert not breaker.admits(later_s)
    breaker.succeeded(later_s, probe)
    assert "closed" == breaker.state(later_s)


def test_probes_that_are_let_through_anyway_rest() -> None:
    """Where the whole fleet is out, an open breaker lets one call through each second, one at a time."""
    breaker = opened(Breaker())
    assert not breaker.admits_anyway(0.5)
    assert breaker.admits_anyway(1.0)
    probe = breaker.begin(1.0)
    assert not breaker.admits_anyway(5.0)
    breaker.failed(5.0, probe)
    assert not breaker.admits_anyway(5.5)
    assert breaker.admits_anyway(6.0)


def test_a_long_good_time_is_remembered() -> None:
    """The count of openings starts anew after five minutes."""
    breaker = opened(Breaker())
    later_s = breaker.opens_again_s
    breaker.succeeded(later_s, breaker.begin(later_s))
    opened(breaker, later_s + 301.0)
    assert 1 == breaker.num_openings


@given(
    st.lists(
        st.tuples(st.sampled_from(["ok", "bad", "ended"]), st.floats(0, 40), st.booleans()), max_size=80
    ),
    st.integers(0, 5),
)
def test_any_course(course: list[tuple[str, float, bool]], seed: int) -> None:
    """At most one probe at a time; open never longer than the cap; nothing is admitted while it is open."""
    config = BreakerConfig()
    breaker = Breaker(config=config, chance=random.Random(seed))
    now_s, flights = 0.0, []
    for verdict, pause_s, begins in course:
        now_s += pause_s
        state = breaker.state(now_s)
        assert breaker.admits(now_s) or state != "closed"
        assert state != "open" or not breaker.admits(now_s)
        if begins and breaker.admits(now_s):
            flights.append(breaker.begin(now_s))
            assert state == "closed" or not breaker.admits(now_s)
        elif flights:
            flight = flights.pop(0)
            if verdict == "ok":
                breaker.succeeded(now_s, flight)
            elif verdict == "bad":
                breaker.failed(now_s, flight)
            else:
                breaker.ended(flight)
        assert breaker.opens_again_s <= now_s + config.longest_eject_s * (1 + config.jitter)
        assert 0.0 <= breaker.share(now_s) <= 1.0
