"""Each consequence of a choice by hand.

Three devices, the user's own first. A passage has 40 words: 400 bits, which take 0, 1 and 2 seconds on the air,
and 40 tokens, which take 4, 2 and 1 seconds to write and 4 joules.
"""

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from net4moe.environment.chances import Moment, Subtask
from net4moe.environment.dynamics import (
    Game,
    Outlook,
    Situation,
    allowed,
    arrived,
    circumstances,
    first_situation,
    outlook,
    placed,
)
from net4moe.environment.observation import Following
from net4moe.environment.reward import RewardConfig
from net4moe.environment.rules import Rules
from net4moe.network.fleet import DeviceConfig, fleet_arrays
from net4moe.network.hardware import HardwareConfig

FREE = RewardConfig(transfer_cost_per_s=0.0, bits_per_word=10.0)
HARDWARE = tuple(
    HardwareConfig(tokens_per_s=speed, prompt_tokens_per_s=100.0, tokens_per_j=10.0)
    for speed in (10.0, 20.0, 40.0)
)
SUBTASK = Subtask(
    field_index=jnp.asarray(0),
    importance=jnp.asarray(1.0),
    prompt_share_left=jnp.asarray(1.0),
    last=jnp.asarray(True),
    expected_score=jnp.array([5.0, 7.0, 8.0]),
    later=Following(jnp.full(3, 5.0), jnp.full(3, 5.0)),
    expected_words=jnp.full(3, 40.0),
    mean_score=jnp.array([5.0, 7.0, 8.0]),
    mean_words=jnp.full(3, 40.0),
    units=jnp.full(3, 4.0),
    scored=jnp.full(3, True),
    score=jnp.array([5.0, 7.0, 8.0]),
    words=jnp.full(3, 40.0),
)
EARLIER = SUBTASK._replace(last=jnp.asarray(False), prompt_share_left=jnp.asarray(0.5))
MOMENT = Moment(
    gap_s=jnp.asarray(0.0),
    harvest_share=jnp.asarray(1.0),
    known_snr_db=jnp.zeros(3),
    known_s_per_bit=jnp.array([0.0, 0.0025, 0.005]),
    known_loss=jnp.zeros(3),
    s_per_bit=jnp.array([0.0, 0.0025, 0.005]),
    loss=jnp.zeros(3),
    latency_s=jnp.zeros(3),
    available=jnp.full(3, True),
    quality_shift=jnp.zeros(3),
    lot=jnp.asarray(0.5),
    rounding=jnp.asarray(0.5),
    uniform=jnp.asarray(0.5),
)


def game(
    prices: RewardConfig = FREE,
    *,
    hardware: tuple[HardwareConfig, ...] = HARDWARE,
    price: float = 0.0,
    units_limit: float = math.inf,
    **rules: Any,
) -> Game:
    """Put devices, rules and prices together; a word is a token."""
    devices = [
        DeviceConfig(
            name=f"device {n}",
            expert=f"expert {n}",
            compute_cost_per_word=price,
            local=n == 0,
            units_limit=units_limit,
            hardware=one,
        )
        for n, one in enumerate(hardware)
    ]
    told: dict[str, Any] = {"num_steps": 8, "tokens_per_word": 1.0}
    return Game(jax.tree.map(jnp.asarray, fleet_arrays(devices)), Rules(**(told | rules)), prices)


def hardware(**changes: float) -> tuple[HardwareConfig, ...]:
    """Describe the three devices with changes to all of them."""
    return tuple(replace(one, **changes) for one in HARDWARE)


def moment(**changes: Any) -> Moment:
    """Describe the plain moment with changes."""
    return MOMENT._replace(**{name: jnp.asarray(value) for name, value in changes.items()})


def lossy(loss: float, lot: float) -> Moment:
    """Describe a moment at which all links lose passages, as is known."""
    return moment(loss=[loss] * 3, known_loss=[loss] * 3, lot=lot)


def real(
    played: Game, situation: Situation | None = None, subtask: Subtask = SUBTASK, now: Moment = MOMENT
) -> Outlook:
    """Look at what each device will really take and bring."""
    return outlook(played, situation or first_situation(played), subtask, now, told="real")


def may(
    played: Game, situation: Situation | None = None, subtask: Subtask = SUBTASK, now: Moment = MOMENT
) -> list[bool]:
    """Tell which devices may be chosen."""
    situation = situation or first_situation(played)
    expected = outlook(played, situation, subtask, now, told="expected")
    return allowed(played, situation, subtask, now, expected).tolist()


def place(
    played: Game, situation: Situation, action: int, subtask: Subtask = SUBTASK, now: Moment = MOMENT
) -> tuple[Situation, float, bool]:
    """Place a subtask."""
    after, reward, done = placed(played, situation, subtask, now, jnp.asarray(action))
    return after, float(reward), bool(done)


def seen(played: Game, situation: Situation, subtask: Subtask = SUBTASK, now: Moment = MOMENT) -> Any:
    """Gather what a policy may know."""
    expected = outlook(played, situation, subtask, now, told="expected")
    return circumstances(played, situation, subtask, now, expected, jnp.asarray(1.0))


def test_every_price_counts() -> None:
    """Quality 5, 7, 8; words 0.4; air 0, 3, 5; delay 1, 7/8, 7/8; energy 0.4; a change of device 3."""
    prices = RewardConfig(
        quality_weight=0.5,
        transfer_cost_per_s=2.0,
        bits_per_word=10.0,
        delay_cost_per_s=0.25,
        energy_cost_per_j=0.1,
        switching_cost=3.0,
    )
    played = game(prices, price=0.01)
    situation = first_situation(played)._replace(serving=jnp.asarray(1))
    subtask = SUBTASK._replace(importance=jnp.asarray(2.0))
    one = real(played, situation, subtask, moment(latency_s=[0.5] * 3))
    np.testing.assert_allclose([0.0, 1.5, 2.5], one.transfer_s, rtol=1e-6)
    np.testing.assert_allclose([4.0, 3.5, 3.5], one.delay_s, rtol=1e-6)
    np.testing.assert_allclose([4.0, 4.0, 4.0], one.joules, rtol=1e-6)
    expected = [5 - 0.4 - 0 - 1 - 0.4 - 3, 7 - 0.4 - 3 - 0.875 - 0.4, 8 - 0.4 - 5 - 0.875 - 0.4 - 3]
    np.testing.assert_allclose(expected, one.reward, rtol=1e-5)
    np.testing.assert_allclose(expected, one.mean_reward, rtol=1e-5)


def test_a_prompt_takes_time_and_energy_to_read() -> None:
    """50 tokens at 100 per second take 0.5 s, at the power of writing: 1, 2 and 4 W."""
    one = real(game(devices_change=True, prompt_tokens=50.0))
    np.testing.assert_allclose([4.5, 3.5, 3.5], one.delay_s, rtol=1e-6)
    np.testing.assert_allclose([4.5, 5.0, 6.0], one.joules, rtol=1e-6)


def test_what_is_promised_what_comes_on_average_and_what_comes() -> None:
    """The score and the words of each; only the real passage has the hidden shift and the real link."""
    played = game(replace(FREE, transfer_cost_per_s=1.0))
    subtask = SUBTASK._replace(
        mean_score=jnp.array([4.0, 6.0, 7.0]),
        mean_words=jnp.full(3, 20.0),
        score=jnp.array([3.0, 5.0, 6.0]),
        words=jnp.full(3, 80.0),
    )
    now = moment(s_per_bit=[0.0, 0.01, 0.02], quality_shift=[0.0, 1.0, -1.0])
    situation = first_situation(played)
    told = {
        told: outlook(played, situation, subtask, now, told=told) for told in ("expected", "mean", "real")
    }
    np.testing.assert_allclose([5.0, 6.0, 6.0], told["expected"].mean_reward, rtol=1e-6)
    np.testing.assert_allclose([4.0, 5.5, 6.0], told["mean"].mean_reward, rtol=1e-6)
    np.testing.assert_allclose([3.0, 6.0 - 8.0, 5.0 - 16.0], told["real"].reward, rtol=1e-6)


def test_a_lost_passage_brings_its_costs_and_the_failure() -> None:
    """With a loss of a quarter, the lot 0.2 loses it and 0.25 does not; the user's own loses nothing."""
    played = game(RewardConfig(transfer_cost_per_s=1.0, bits_per_word=10.0, failure_cost=2.0))
    lost, there = real(played, now=lossy(0.25, 0.2)), real(played, now=lossy(0.25, 0.25))
    assert lost.arrives.tolist() == [True, False, False]
    np.testing.assert_allclose([5.0, -1.0 - 2.0, -2.0 - 2.0], lost.reward, rtol=1e-6)
    assert there.arrives.tolist() == [True, True, True]
    np.testing.assert_allclose([5.0, 6.0, 6.0], there.reward, rtol=1e-6)
    mean = [5.0, 0.75 * 7 - 1 - 0.25 * 2, 0.75 * 8 - 2 - 0.25 * 2]
    np.testing.assert_allclose(mean, lost.mean_reward, rtol=1e-6)
    lots = [real(played, now=lossy(0.25, (lot + 0.5) / 4)).reward for lot in range(4)]
    np.testing.assert_allclose(mean, np.mean(lots, axis=0), rtol=1e-6)


def test_without_a_deadline_there_is_one_try() -> None:
    """A lost passage is not tried again."""
    played = game(replace(FREE, failure_cost=6.0))
    after, reward, done = place(played, first_situation(played), 1, now=lossy(1.0, 0.5))
    assert (done, -6.0) == (True, reward)
    assert math.inf == float(after.slack_s)


def test_a_lost_passage_is_tried_again_while_time_is_left() -> None:
    """3 of 5 seconds are spent; the next try would take 3 as well, so it fails, and the next subtask has 5."""
    played = game(replace(FREE, delay_cost_per_s=1.0, failure_cost=6.0), deadline_s=5.0)
    lost = lossy(0.5, 0.1)
    start = first_situation(played)
    np.testing.assert_allclose([5 - 4, 0.5 * 7 - 3, 0.5 * 8 - 3], real(played, start, now=lost).mean_reward)
    again, reward, done = place(played, start, 1, now=lost)
    assert (-3.0, False, 2.0) == (reward, done, float(again.slack_s))
    after, reward, done = place(played, again, 1, now=lossy(0.0, 0.5))
    assert (-3.0 - 6.0, True, 5.0) == (reward, done, float(after.slack_s))
    after, reward, done = place(played, start, 1)
    assert (7.0 - 3.0, True, 5.0) == (reward, done, float(after.slack_s))


def test_a_passage_may_arrive_at_the_last_moment() -> None:
    """After exactly the time that there is it counts; where it is lost then, no time is left."""
    played = game(replace(FREE, failure_cost=6.0), deadline_s=3.0)
    start = first_situation(played)
    assert (7.0, True) == place(played, start, 1)[1:]
    assert (-6.0, True) == place(played, start, 1, now=lossy(0.5, 0.1))[1:]
    assert (-6.0, True) == place(played, start, 0)[1:]  # 4 s


def test_passages_of_a_chain_stay_where_they_are() -> None:
    """To stay costs nothing, to move costs both links, and the last passage goes to the user."""
    played = game(chained=True)
    start = first_situation(played)
    np.testing.assert_allclose([0, 0, 0], real(played, start, EARLIER).transfer_s)
    np.testing.assert_allclose([0, 1, 2], real(played, start, SUBTASK).transfer_s)
    held, _, _ = place(played, start, 1, EARLIER)
    assert 1 == int(held.holder)
    np.testing.assert_allclose([1 + 0, 0, 1 + 2], real(played, held, EARLIER).transfer_s)
    np.testing.assert_allclose([1, 1, 3 + 2], real(played, held, SUBTASK).transfer_s)
    at_home, _, _ = place(played, held, 0, EARLIER)
    np.testing.assert_allclose([0, 1, 2], real(played, at_home, EARLIER).transfer_s)
    assert -1 == int(place(played, held, 2, SUBTASK)[0].holder)
    assert -1 == int(place(game(), first_situation(game()), 1, EARLIER)[0].holder)


def test_a_lost_passage_leaves_the_chain_where_it_was() -> None:
    """What does not arrive is not held."""
    played = game(chained=True)
    held, _, _ = place(played, first_situation(played), 1, EARLIER)
    assert 1 == int(place(played, held, 2, EARLIER, lossy(1.0, 0.5))[0].holder)


PLAYED_TOGETHER = game(
    RewardConfig(quality_weight=0.0, transfer_cost_per_s=1.0, bits_per_word=10.0), shares_band=True
)


@jax.jit
def air_s(seconds: Any, order: Any) -> Any:
    """Add up the seconds on the air when devices are chosen in an order."""
    now = MOMENT._replace(s_per_bit=seconds / 400, known_s_per_bit=seconds / 400)

    def choose(situation: Situation, action: Any) -> tuple[Situation, Any]:
        after, reward, _ = placed(PLAYED_TOGETHER, situation, EARLIER, now, action)
        return after, -reward

    return jnp.sum(jax.lax.scan(choose, first_situation(PLAYED_TOGETHER), order)[1])


@settings(max_examples=60, deadline=None)
@given(
    seconds=st.tuples(st.just(0.0), *(st.floats(0.0625, 8.0, width=32) for _ in range(2))),
    order=st.sampled_from([(0, 1, 2), (1, 0, 2), (2, 1, 0), (0, 0, 1), (2, 0, 0), (0, 0, 0)]),
)
def test_who_shares_the_band_sends_as_long_as_all_together(
    seconds: tuple[float, ...], order: tuple[int, ...]
) -> None:
    """In any order, k senders are on the air for k times the sum of what each would need alone."""
    senders = [n for n in order if n > 0]
    expected = len(senders) * sum(seconds[n] for n in senders)
    np.testing.assert_allclose(expected, air_s(jnp.array(seconds), jnp.array(order)), rtol=1e-5, atol=1e-6)


def test_a_device_takes_one_subtask_of_a_prompt_but_the_users_own_any_number() -> None:
    """Whoever writes already is masked until the prompt is over."""
    played = game(shares_band=True)
    one, _, _ = place(played, first_situation(played), 1, EARLIER)
    assert [True, False, True] == may(played, one, EARLIER)
    assert (1.0, 1.0) == (float(one.num_sending), float(one.sending_s))
    two, _, _ = place(played, one, 0, EARLIER)
    assert [True, False, True] == may(played, two, EARLIER)
    assert (1.0, 1.0) == (float(two.num_sending), float(two.sending_s))
    np.testing.assert_allclose([0, 1 + 2 * 1, 1 + 2 * 2], real(played, two).transfer_s)
    over, _, _ = place(played, two, 2, SUBTASK)
    assert [True, True, True] == may(played, over)
    assert (0.0, 0.0) == (float(over.num_sending), float(over.sending_s))


def test_a_lost_passage_does_not_send_on() -> None:
    """It is not on the air any more when the next one is."""
    played = game(shares_band=True)
    after, _, _ = place(played, first_situation(played), 1, EARLIER, lossy(1.0, 0.5))
    assert 0.0 == float(after.num_sending) == float(after.sending_s)
    assert [True, False, True] == may(played, after, EARLIER)


def test_changing_the_device_costs() -> None:
    """Not the first choice, not to stay; who served last is remembered only where it is priced."""
    played = game(replace(FREE, switching_cost=1.5))
    start = first_situation(played)
    served, reward, _ = place(played, start, 1)
    assert (7.0, 1) == (reward, int(served.serving))
    assert 7.0 == place(played, served, 1)[1]
    assert 8.0 - 1.5 == place(played, served, 2)[1]
    assert -1 == int(place(game(), start, 1)[0].serving)


def test_work_waits_in_line() -> None:
    """2 seconds of work, half a second later 1.5 are left: the next passage is there after 1.5 + 2 + 1."""
    played = game(devices_change=True)
    after, _, _ = place(played, first_situation(played), 1)
    np.testing.assert_allclose([0.0, 2.0, 0.0], after.devices.backlog_s)
    later = arrived(played, after, moment(gap_s=0.5))
    np.testing.assert_allclose([0.0, 1.5, 0.0], later.devices.backlog_s)
    np.testing.assert_allclose([4.0, 4.5, 3.0], real(played, later).delay_s, rtol=1e-6)
    np.testing.assert_allclose([0.0, 0.0, 0.0], arrived(played, after, moment(gap_s=9.0)).devices.backlog_s)


def test_without_change_devices_stay_as_they_are() -> None:
    """The next choice finds them idle, charged and cool, whatever time passes."""
    played = game(replace(FREE, delay_cost_per_s=1.0), hardware=hardware(battery_j=5.0))
    start = first_situation(played)
    after = arrived(played, place(played, start, 1)[0], moment(gap_s=1.0))
    assert jax.tree.all(
        jax.tree.map(lambda one, two: bool(jnp.all(one == two)), start.devices, after.devices)
    )


def test_who_has_much_to_do_takes_no_more() -> None:
    """2 seconds are within the limit, 4 are not; the user's own may be asked, and fails."""
    played = game(replace(FREE, failure_cost=3.0), devices_change=True, greatest_backlog_s=2.0)
    once, _, _ = place(played, first_situation(played), 1)
    assert [True, True, True] == may(played, once)
    twice, _, _ = place(played, once, 1)
    assert [True, False, True] == may(played, twice)
    busy, _, _ = place(played, first_situation(played), 0)
    assert [True, True, True] == may(played, busy)
    after, reward, done = place(played, busy, 0)
    assert (-3.0, True) == (reward, done)
    np.testing.assert_allclose([4.0, 0.0, 0.0], after.devices.backlog_s)


def test_batteries_drain_and_fill() -> None:
    """6 J less 4 J, and a watt of which half is there for 2 seconds; 3 J do not suffice for another passage."""
    played = game(
        replace(FREE, failure_cost=3.0), hardware=hardware(battery_j=6.0, harvest_w=1.0), devices_change=True
    )
    after, _, _ = place(played, first_situation(played), 1)
    np.testing.assert_allclose([6.0, 2.0, 6.0], after.devices.charge_j, rtol=1e-6)
    later = arrived(played, after, moment(gap_s=2.0, harvest_share=0.5))
    np.testing.assert_allclose([6.0, 3.0, 6.0], later.devices.charge_j, rtol=1e-6)
    assert [True, False, True] == may(played, later)
    known = seen(played, later)
    np.testing.assert_allclose([1.0, 0.5, 1.0], known.charge_share, rtol=1e-6)
    np.testing.assert_allclose([4 / 6, 4 / 6], known.charge_needed[jnp.array([0, 2])], rtol=1e-6)
    empty, _, _ = place(played, first_situation(played), 0)
    assert [True, True, True] == may(played, empty)
    assert -3.0 == place(played, empty, 0)[1]


def test_devices_heat_and_cool() -> None:
    """4 J in 2 s are 2 W: 20 K in the end, approached for the 2 s of work, then left for 3 s of rest."""
    hot = hardware(heat_resistance_k_per_w=10.0, heat_time_constant_s=20.0)
    played = game(hardware=hot, devices_change=True)
    after, _, _ = place(played, first_situation(played), 1)
    peak_c = 20.0 * (1.0 - math.exp(-0.1))
    two, five = (arrived(played, after, moment(gap_s=gap_s)).devices.temperature_c for gap_s in (2.0, 5.0))
    np.testing.assert_allclose([25.0, 25.0 + peak_c, 25.0], two, rtol=1e-6)
    np.testing.assert_allclose([25.0, 25.0 + peak_c * math.exp(-0.15), 25.0], five, rtol=1e-6)


def test_hot_devices_slow_down_and_refuse() -> None:
    """Half way from 45 to 65 degrees, half of what can be lost is lost; at 65 the user's own fails."""
    hot = hardware(throttle_c=45.0, shutdown_c=65.0, least_speed_share=0.2)
    played = game(replace(FREE, failure_cost=3.0), hardware=hot, devices_change=True)
    start = first_situation(played)
    warm = start._replace(devices=start.devices._replace(temperature_c=jnp.array([45.0, 55.0, 65.0])))
    np.testing.assert_allclose([4.0, 2.0 / 0.6 + 1.0], real(played, warm).delay_s[:2], rtol=1e-6)
    assert [True, True, False] == may(played, warm)
    known = seen(played, warm)
    np.testing.assert_allclose([1.0, 0.6, 0.2], known.speed_share, rtol=1e-6)
    np.testing.assert_allclose([0.5, 0.75, 1.0], known.temperature_share, rtol=1e-6)
    burning = start._replace(devices=start.devices._replace(temperature_c=jnp.full(3, 65.0)))
    assert [True, False, False] == may(played, burning)
    assert -3.0 == place(played, burning, 0)[1]


def test_rounding_by_lot_keeps_the_mean() -> None:
    """Over ten lots, 0, 7 and 11.5 degrees above rest stay what they are on average, in steps of 5."""
    played = game(devices_change=True, temperature_step_c=5.0)
    start = first_situation(played)
    warm = start._replace(devices=start.devices._replace(temperature_c=jnp.array([25.0, 32.0, 36.5])))
    rounded = np.array(
        [arrived(played, warm, moment(rounding=(lot + 0.5) / 10)).devices.temperature_c for lot in range(10)]
    )
    np.testing.assert_allclose([25.0, 32.0, 36.5], rounded.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(
        0.0, np.abs((rounded - 25.0) / 5.0 - np.rint((rounded - 25.0) / 5.0)), atol=1e-5
    )
    assert [25.0, 30.0, 35.0] == rounded.min(axis=0).tolist()
    assert [25.0, 35.0, 40.0] == rounded.max(axis=0).tolist()


def test_another_expert_must_be_loaded() -> None:
    """6 GB at 1 GB/s: where the expert of field 2 is not in memory it takes 6 seconds more, but only once."""
    loads = hardware(model_bytes=6e9, storage_bytes_per_s=1e9)
    played = game(hardware=loads, devices_change=True, loads_experts=True)
    subtask = SUBTASK._replace(field_index=jnp.asarray(2))
    start = first_situation(played)
    np.testing.assert_allclose([4.0 + 6.0, 3.0 + 6.0, 3.0], real(played, start, subtask).delay_s, rtol=1e-6)
    known = seen(played, start, subtask)
    assert [False, False, True] == known.resident.tolist()
    np.testing.assert_allclose([1 / 3] * 3, known.copies_share, rtol=1e-6)
    after = arrived(played, place(played, start, 1, subtask)[0], moment(gap_s=60.0))
    assert [0, 2, 2] == after.devices.resident.tolist()
    np.testing.assert_allclose([10.0, 3.0, 3.0], real(played, after, subtask).delay_s, rtol=1e-6)
    np.testing.assert_allclose([1 / 3, 2 / 3, 2 / 3], seen(played, after, subtask).copies_share, rtol=1e-6)
    own = game(hardware=loads, devices_change=True)
    np.testing.assert_allclose([4.0, 3.0, 3.0], real(own, first_situation(own), subtask).delay_s, rtol=1e-6)
    assert seen(own, first_situation(own), subtask).resident.all()


def test_what_is_seen_of_hidden_quality_weighs_and_fades() -> None:
    """2 points above: half is believed, half of that after a choice; then nothing above a quarter: an eighth."""
    played = game(quality_memory=0.5, evidence_weight=0.5, greatest_age=8)
    start = first_situation(played)
    assert [8.0, 8.0, 8.0] == start.age.tolist()
    one, reward, _ = place(played, start, 1, now=moment(quality_shift=[0.0, 2.0, 0.0]))
    assert 9.0 == reward
    assert ([0.0, 1.0, 0.0], [8.0, 1.0, 8.0]) == (one.surprise.tolist(), one.age.tolist())
    expected = outlook(played, one, SUBTASK, MOMENT, told="expected")
    np.testing.assert_allclose([5.0, 7.5, 8.0], expected.mean_reward, rtol=1e-6)
    two, _, _ = place(played, one, 2)
    assert ([0.0, 1.0, 0.0], [8.0, 2.0, 1.0]) == (two.surprise.tolist(), two.age.tolist())
    three, _, _ = place(played, two, 1)
    assert [0.0, 0.25 + 0.5 * (0.0 - 0.25), 0.0] == three.surprise.tolist()
    for _ in range(10):
        three, _, _ = place(played, three, 0)
    assert [8.0, 8.0, 8.0] == three.age.tolist()


def test_what_is_lost_teaches_nothing() -> None:
    """Nobody read it; and one's own device holds no surprises."""
    played = game(quality_memory=0.5, evidence_weight=1.0, greatest_age=8)
    now = lossy(1.0, 0.5)._replace(quality_shift=jnp.full(3, 2.0))
    for action in (0, 1):
        after, _, _ = place(played, first_situation(played), action, now=now)
        assert ([0.0] * 3, [8.0] * 3) == (after.surprise.tolist(), after.age.tolist())


@pytest.mark.parametrize("action", [1, 3, -1])
def test_a_device_that_may_not_be_chosen_earns_nan(action: int) -> None:
    """The mistake shows: a device that is away, and two that do not exist."""
    played = game()
    now = moment(available=[True, False, True])
    assert math.isnan(place(played, first_situation(played), action, now=now)[1])


def test_each_reason_why_a_device_may_not_be_chosen() -> None:
    """The user's own is masked only where it does not fit or the judge did not score it."""
    played = game(units_limit=4.0, give_up_s=10.0)
    assert [True, True, True] == may(played)
    assert [True, False, True] == may(played, now=moment(available=[False, False, True]))
    assert [True, True, False] == may(played, now=moment(known_s_per_bit=[1.0, 0.0, 1.0]))
    assert [False, True, False] == may(played, subtask=SUBTASK._replace(units=jnp.array([4.5, 4.0, 5.0])))
    assert [False, False, True] == may(
        played, subtask=SUBTASK._replace(scored=jnp.array([False, False, True]))
    )


def test_nobody_waits_longer_than_until_giving_up() -> None:
    """A link of exactly that time is not used; one that turns out slower costs no more than that."""
    played = game(replace(FREE, transfer_cost_per_s=1.0), give_up_s=2.0)
    assert [True, True, False] == may(played)
    slow = moment(s_per_bit=[0.0, math.inf, 1.0])
    np.testing.assert_allclose([0.0, 2.0, 2.0], real(played, now=slow).transfer_s)
    assert 7.0 - 2.0 == place(played, first_situation(played), 1, now=slow)[1]


def test_what_a_policy_may_know() -> None:
    """The expected delay, where passages lie, who served, the known loss, and what is there of the sun."""
    sunny = (HARDWARE[0], replace(HARDWARE[1], harvest_w=1.0), HARDWARE[2])
    played = game(
        replace(FREE, delay_cost_per_s=1.0, switching_cost=1.0), hardware=sunny, chained=True, deadline_s=9.0
    )
    held, _, _ = place(played, first_situation(played), 1, EARLIER)
    known = seen(
        played, held, SUBTASK, lossy(0.25, 0.5)._replace(harvest_share=jnp.asarray(0.5), loss=jnp.ones(3))
    )
    np.testing.assert_allclose([1.0, 1.0, 5.0], known.transfer_s)
    np.testing.assert_allclose([5.0, 3.0, 6.0], known.delay_s)
    assert [False, True, False] == known.holds.tolist() == known.serving.tolist()
    np.testing.assert_allclose([0.0, 0.25, 0.25], known.loss)
    np.testing.assert_allclose([0.0, 0.5, 0.0], known.harvest_share)
    np.testing.assert_allclose([1.0, 1.0, 1.0], known.charge_share)
    np.testing.assert_allclose([0.0, 0.0, 0.0], known.charge_needed)
    assert (1.0, 9.0) == (float(known.importance), float(known.slack_s))


def test_a_policy_sees_who_refuses_and_what_it_lacks() -> None:
    """An empty, and a busy device is never there; what the work would draw is seen all the same."""
    played = game(replace(FREE, failure_cost=3.0), hardware=hardware(battery_j=6.0), devices_change=True)
    empty, _, _ = place(played, first_situation(played), 0)
    known = seen(played, empty)
    np.testing.assert_allclose([math.inf, 2.0 + 1.0, 1.0 + 2.0], known.delay_s)
    np.testing.assert_allclose([2 / 6, 1.0, 1.0], known.charge_share, rtol=1e-6)
    np.testing.assert_allclose([4 / 6] * 3, known.charge_needed, rtol=1e-6)
    played = game(replace(FREE, failure_cost=3.0), devices_change=True, greatest_backlog_s=2.0)
    busy, _, _ = place(played, first_situation(played), 0)
    assert math.isinf(seen(played, busy).delay_s[0])


def test_what_is_not_sent_is_not_lost() -> None:
    """In a chain a passage that stays is safe; one that moves takes two links, and the last one more."""
    played = game(replace(FREE, failure_cost=3.0), chained=True)
    start, half = first_situation(played), lossy(0.5, 0.6)
    np.testing.assert_allclose([1.0, 1.0, 1.0], real(played, start, EARLIER, half).chance)
    np.testing.assert_allclose([1.0, 0.5, 0.5], real(played, start, SUBTASK, half).chance)
    held, _, _ = place(played, start, 1, EARLIER, half)
    np.testing.assert_allclose([0.5, 1.0, 0.25], real(played, held, EARLIER, half).chance)
    np.testing.assert_allclose([0.5, 0.5, 0.125], real(played, held, SUBTASK, half).chance)
    assert [True, True, False] == real(played, held, EARLIER, half).arrives.tolist()


def test_a_refusal_ends_the_tries() -> None:
    """The failure is paid once, and the next subtask's turn comes."""
    played = game(
        replace(FREE, failure_cost=3.0),
        hardware=hardware(battery_j=4.0),
        deadline_s=100.0,
        devices_change=True,
    )
    empty, _, _ = place(played, first_situation(played), 0)
    after, reward, done = place(played, empty, 0)
    assert (-3.0, True, 100.0) == (reward, done, float(after.slack_s))
