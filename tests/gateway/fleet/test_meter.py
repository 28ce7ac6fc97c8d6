import pytest
from hypothesis import given
from hypothesis import strategies as st

from net4moe.gateway.fleet.meter import Meter, Window


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=60),
    st.integers(1, 20),
    st.sampled_from([0.0, 0.5, 0.95]),
)
def test_a_window_is_the_latest_numbers_in_order(values: list[float], size: int, share: float) -> None:
    """Its quantile is that of the sorted latest numbers."""
    window = Window(size)
    for value in values:
        window.push(value)
    latest = sorted(values[-size:])
    assert len(latest) == len(window)
    assert latest[min(len(latest) - 1, int(share * len(latest)))] == window.quantile(share)


def test_nothing_measured_says_nothing() -> None:
    """There is no number that was not measured."""
    meter = Meter()
    assert (None, None, None, None) == (
        meter.hedge_after_s(),
        meter.tokens_per_s,
        meter.expected_s(10, 10),
        meter.first_text_quantile_s(0.5),
    )
    assert 0.0 == meter.trust(0.0)


def test_speed_is_measured_after_the_first_text() -> None:
    """A long prompt is not taken for a slow writer: 11 tokens in 1 s after 9 s of reading are 10 tokens/s."""
    meter = Meter()
    meter.finished(now_s=0.0, total_s=10.0, first_text_s=9.0, completion_tokens=11)
    assert 10.0 == pytest.approx(meter.tokens_per_s)
    assert 9.0 + 5.0 == pytest.approx(meter.expected_s(100, 50))


def test_an_answer_in_one_piece_counts_whole() -> None:
    """Where there is no first text, all of the time is for all of the tokens."""
    meter = Meter()
    meter.finished(now_s=0.0, total_s=2.0, completion_tokens=20)
    assert 10.0 == pytest.approx(meter.tokens_per_s)


def test_it_hedges_after_enough_calls_only() -> None:
    """A quantile of nineteen calls is none."""
    meter = Meter()
    for number in range(19):
        meter.finished(now_s=0.0, total_s=2.0, first_text_s=0.1 * number)
    assert meter.hedge_after_s() is None
    meter.finished(now_s=0.0, total_s=2.0, first_text_s=1.9)
    assert 1.9 == pytest.approx(meter.hedge_after_s())
    assert 2.0 == meter.hedge_total_s()


def test_trust_fades() -> None:
    """What was measured long ago counts less, so that a device that was slow once is tried again."""
    meter = Meter()
    for number in range(20):
        meter.finished(now_s=float(number), total_s=1.0)
    assert meter.trust(19.0) > 0.8
    assert meter.trust(19.0 + 1_200.0) < 0.05


def test_a_loser_is_measured() -> None:
    """Who was cancelled since another was first took at least so long."""
    meter = Meter()
    meter.outpaced(now_s=0.0, total_s=3.0, first_text_s=3.0)
    assert 3.0 == meter.first_text_quantile_s(0.5)
    assert 0 == meter.num_calls


def test_honesty_needs_twenty_calls() -> None:
    """Claimed over actual time, the median."""
    meter = Meter()
    for _ in range(19):
        meter.finished(now_s=0.0, total_s=10.0, claimed_s=1.0)
    assert meter.honesty is None
    meter.finished(now_s=0.0, total_s=10.0, claimed_s=1.0)
    assert 0.1 == pytest.approx(meter.honesty)
