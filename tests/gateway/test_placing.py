"""Placement on live devices: the numbers of a row, who may take what, and what changes with telemetry."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from net4moe.edge import LinkReport, PowerReport, SpeedReport
from net4moe.environment import Decisions, Observation, RewardConfig
from net4moe.environment.history import History
from net4moe.environment.observation import context_feature, device_feature
from net4moe.errors import NoDevice
from net4moe.gateway.dispatch.places import Places
from net4moe.gateway.fleet.roster import Device
from net4moe.gateway.placing import LivePlacement
from net4moe.policy import BASELINES, highest_expectation
from tests.gateway.live_fleet import device, offer, roster, subtask, telemetry


def placement(*devices: Device, policy: str = "highest_expectation", **options: Any) -> LivePlacement:
    """Place on these devices by a rule."""
    options.setdefault("wire_bits_per_word", 48.0)
    return LivePlacement(roster(*devices), BASELINES[policy], policy_name=policy, **options)


def test_the_numbers_of_a_row_by_hand() -> None:
    """60 words at 48 bits over a link of 1 Mbit/s, written at 50 tokens a second after 0.4 s of reading."""
    one = device(
        "laptop",
        link=LinkReport(kind="measured", rate_bps=1e6, round_trip_s=0.01),
        compute_cost_per_word=0.02,
        power=PowerReport(active_w=10.0),
    )
    (placed,) = placement(one).place([subtask(words=60.0)], now_s=1.0)
    chosen = placed.chosen
    assert (chosen.candidate.device, chosen.candidate.expert, chosen.candidate.model) == (
        "laptop",
        "rose",
        "small",
    )
    assert chosen.snr_db is None
    assert 60 * 48 / 1e6 == pytest.approx(chosen.transfer_s)
    assert 0.4 + 60 * 1.4 / 50 + 60 * 48 / 1e6 + 0.01 == pytest.approx(chosen.seconds)
    assert 60 * 0.02 == pytest.approx(chosen.compute_cost)
    assert 5.0 * 60 * 48 / 1e6 == pytest.approx(chosen.transfer_cost)
    assert 60 * 1.4 / 50 * 10.0 + 60 * 48 / 1e6 == pytest.approx(chosen.joules)
    assert 60 * 48 == chosen.load_bits
    assert 5.0 + 2.0 * 0.8 == pytest.approx(chosen.score)
    assert chosen.score - chosen.cost == pytest.approx(chosen.reward, rel=1e-5)


def test_frames_around_words_take_their_share_of_the_link() -> None:
    """A word of 48 bits that takes 480 on the wire passes at a tenth of the rate."""
    link = LinkReport(kind="measured", rate_bps=1e6)
    (placed,) = placement(device("a", link=link), wire_bits_per_word=480.0).place([subtask()], now_s=1.0)
    assert 60 * 480 / 1e6 == pytest.approx(placed.chosen.transfer_s)
    assert 60 * 480 == placed.chosen.load_bits


def test_a_simulated_link_is_a_link_also_on_the_same_computer() -> None:
    """The gateway's own computer plays a device at a distance."""
    far = device("far", local=True, link=LinkReport(kind="simulated", snr_db=3.0, rate_bps=1e4))
    (placed,) = placement(far).place([subtask()], now_s=1.0)
    assert not placed.chosen.is_local
    assert 3.0 == placed.chosen.snr_db
    assert 60 * 48 / 1e4 == pytest.approx(placed.chosen.transfer_s)


def test_a_signal_becomes_the_rate_of_shannon() -> None:
    """At 0 dB a hertz carries a bit a second."""
    one = device("tablet", link=LinkReport(kind="radio", snr_db=0.0), bandwidth_hz=1e4)
    (placed,) = placement(one).place([subtask(words=100.0)], now_s=1.0)
    assert 100 * 48 / 1e4 == pytest.approx(placed.chosen.transfer_s, rel=1e-4)
    assert 0.0 == placed.chosen.snr_db


def test_the_own_device_sends_nothing() -> None:
    """No radio, no transfer cost."""
    (placed,) = placement(device("phone", local=True)).place([subtask()], now_s=1.0)
    assert placed.chosen.is_local
    assert (0.0, 0.0) == (placed.chosen.transfer_s, placed.chosen.transfer_cost)


def test_history_counts_where_it_is_known() -> None:
    """Score and words ratio of the table, else five points and the relevance."""
    known = History(fields=("romance",), experts=("rose",), score=((8.5,),), words_ratio=((0.5,),))
    one = device("a", experts=(offer("rose", "romance"), offer("holmes", "mystery")))
    (placed,) = placement(one, history=known).place([subtask(words=60.0)], now_s=1.0)
    assert ("rose", pytest.approx(8.5), pytest.approx(30.0)) == (
        placed.chosen.candidate.expert,
        placed.chosen.score,
        placed.chosen.words,
    )
    (other,) = placed.others
    assert 5.0 + 2.0 * 0.1 == pytest.approx(other.score)


def test_subtasks_spread_over_equal_devices() -> None:
    """Each knows what waits where the ones before it went."""
    waits = RewardConfig(delay_cost_per_s=1.0)
    placed = placement(*(device(name) for name in "abc"), reward_config=waits).place(
        [subtask(index) for index in range(3)], now_s=1.0
    )
    assert set("abc") == {one.chosen.candidate.device for one in placed}


def test_two_subtasks_do_not_swap_models_while_another_device_is_idle() -> None:
    """The better expert stands behind another model of the device that already writes."""
    two = device(
        "server",
        experts=(offer("rose", "romance", model="a"), offer("holmes", "mystery", model="b")),
        compute_cost_per_word=0.0,
    )
    idle = device("laptop", experts=(offer("watson", "mystery", model="c"),), compute_cost_per_word=0.01)
    placed = placement(two, idle).place([subtask(0), subtask(1, field="mystery")], now_s=1.0)
    assert [("server", "rose"), ("laptop", "watson")] == [
        (one.chosen.candidate.device, one.chosen.candidate.expert) for one in placed
    ]
    alone = placement(two).place([subtask(0), subtask(1, field="mystery")], now_s=1.0)
    assert ["rose", "rose"] == [one.chosen.candidate.expert for one in alone]


def test_a_busy_device_with_another_model_is_left_alone() -> None:
    """Its running text would be put aside for a model to load."""
    busy = device("server", experts=(offer("rose", "romance", model="a"),), compute_cost_per_word=0.0)
    busy.resident, busy.num_in_flight = "b", 1  # before anybody looked
    placed = placement(busy, device("laptop", compute_cost_per_word=0.03)).place([subtask()], now_s=1.0)
    assert "laptop" == placed[0].chosen.candidate.device


def test_no_subtask_queues_where_another_device_is_idle() -> None:
    """The free server has one place; with it taken the dear laptop gets the next, and only then somebody waits."""
    server = device("server", compute_cost_per_word=0.0, num_slots=1)
    laptop = device("laptop", compute_cost_per_word=0.03, num_slots=1)
    placed = placement(server, laptop).place([subtask(index) for index in range(3)], now_s=1.0)
    assert ["server", "laptop", "server"] == [one.chosen.candidate.device for one in placed]
    assert placed[2].chosen.seconds == pytest.approx(2 * placed[0].chosen.seconds)


def test_a_device_that_would_be_late_is_left_out() -> None:
    """It is the best by far, and needs 84 tokens at one a second; where all would be late, the best is taken."""
    slow = device("slow", compute_cost_per_word=0.0, speed=SpeedReport(decode_tokens_per_s=1.0))
    live = placement(slow, device("quick", compute_cost_per_word=0.05))
    assert "quick" == live.place([subtask()], now_s=1.0, left_s=60.0)[0].chosen.candidate.device
    assert "slow" == live.place([subtask()], now_s=1.0, left_s=0.1)[0].chosen.candidate.device
    assert "slow" == live.place([subtask()], now_s=1.0)[0].chosen.candidate.device


def test_limits_keep_large_subtasks_away() -> None:
    """60 words are 6 units; the phone takes 3.5."""
    phone = device("phone", local=True, units_limit=3.5, compute_cost_per_word=0.0)
    (placed,) = placement(phone, device("laptop")).place([subtask(words=60.0)], now_s=1.0)
    assert ("laptop", 1) == (placed.chosen.candidate.device, placed.num_allowed)
    with pytest.raises(NoDevice, match=r"subtask 1: it needs more units than the devices take\."):
        placement(phone).place([subtask(words=60.0)], now_s=1.0)


@pytest.mark.parametrize(
    ("devices", "why"),
    [
        ((), "no device has joined."),
        ((device("a", experts=()),), "no device offers an expert."),
        ((device("a", state="draining"),), "all 1 devices are lost, draining or kept out after failures."),
    ],
)
def test_why_nobody_can_take_it(devices: tuple[Device, ...], why: str) -> None:
    """One sentence a user can act on."""
    with pytest.raises(NoDevice) as caught:
        placement(*devices).place([subtask()], now_s=1.0)
    assert f"no device can take subtask 1: {why}" == str(caught.value)


def test_a_heartbeat_changes_the_next_choice() -> None:
    """The link of the first device falls; nothing else is read again."""
    devices = roster(device("a", bandwidth_hz=1e4), device("b", bandwidth_hz=1e4, compute_cost_per_word=0.02))
    live = LivePlacement(devices, highest_expectation(), policy_name="rule", wire_bits_per_word=48.0)
    assert "a" == live.place([subtask()], now_s=1.0)[0].chosen.candidate.device
    version = devices.version
    weak = telemetry("a", sequence=1, bandwidth_hz=1e4, link=LinkReport(kind="radio", snr_db=-15.0))
    devices.heard(weak, now_s=2.0)
    assert version == devices.version
    assert "b" == live.place([subtask()], now_s=2.0)[0].chosen.candidate.device


def test_a_call_under_way_is_seen() -> None:
    """Its device has one place: the next subtask goes elsewhere until the place is given back."""
    devices = roster(device("a", num_slots=1), device("b", compute_cost_per_word=0.02))
    live = LivePlacement(devices, highest_expectation(), policy_name="rule")
    places = Places(lambda: 1.0, devices.touched)
    assert "a" == live.place([subtask()], now_s=1.0)[0].chosen.candidate.device
    assert places.take(devices.device("a"), 1.0)
    assert "b" == live.place([subtask()], now_s=1.0)[0].chosen.candidate.device
    places.give_back(devices.device("a"))
    assert "a" == live.place([subtask()], now_s=1.0)[0].chosen.candidate.device


def test_a_device_that_joins_and_one_that_leaves() -> None:
    """Rows follow the roster."""
    devices = roster(device("a"))
    live = LivePlacement(devices, highest_expectation(), policy_name="rule", wire_bits_per_word=48.0)
    live.place([subtask()], now_s=1.0)
    devices.add(device("b", compute_cost_per_word=0.0), now_s=1.0)
    assert "b" == live.place([subtask()], now_s=1.0)[0].chosen.candidate.device
    devices.remove("b")
    assert "a" == live.place([subtask()], now_s=1.0)[0].chosen.candidate.device


def test_a_slow_device_waits_longer() -> None:
    """Speed counts as measured, else as claimed."""
    slow = device("slow", speed=SpeedReport(prefill_tokens_per_s=500.0, decode_tokens_per_s=5.0))
    waits = RewardConfig(delay_cost_per_s=1.0)
    (placed,) = placement(slow, device("quick"), reward_config=waits).place([subtask()], now_s=1.0)
    assert "quick" == placed.chosen.candidate.device
    for _ in range(30):
        slow.meter.finished(now_s=1.0, total_s=1.0, first_text_s=0.1, completion_tokens=500)
    (again,) = placement(slow, device("quick"), reward_config=waits).place([subtask()], now_s=1.0)
    assert "slow" == again.chosen.candidate.device


def test_the_shadow_is_asked_and_not_followed() -> None:
    """Both choices stand beside each other."""
    cheap = device("cheap", compute_cost_per_word=0.0, experts=(offer("holmes", "mystery"),))
    live = placement(
        cheap, device("dear", compute_cost_per_word=0.02),
        policy="best_expert", shadow=("lowest_cost", BASELINES["lowest_cost"]),
    )  # fmt: skip
    (placed,) = live.place([subtask()], now_s=1.0)
    assert placed.shadow is not None
    assert ("dear", "cheap") == (placed.chosen.candidate.device, placed.shadow.candidate.device)
    assert "cheap" == placed.cheapest.candidate.device
    assert placed.reason.startswith("best_expert: expected reward ")


def test_others_come_best_first() -> None:
    """Retries go where the reward is greatest among the rest."""
    prices = {"a": 0.03, "b": 0.0, "c": 0.02, "d": 0.01}
    live = placement(*(device(name, compute_cost_per_word=price) for name, price in prices.items()))
    (placed,) = live.place([subtask()], now_s=1.0)
    assert ["b", "d", "c", "a"] == [candidate.device for candidate in placed.candidates]
    assert ["d", "c", "a"] == [other.candidate.device for other in placed.others]
    assert 4 == placed.num_allowed


def test_fallbacks_are_other_devices_and_at_last_the_own_one() -> None:
    """Not another expert of the device that failed; the own device also where the subtask is too large for it."""
    server = device(
        "server", experts=tuple(offer(f"e{n}", "romance") for n in range(6)), compute_cost_per_word=0.0
    )
    phone = device("phone", local=True, units_limit=1.0, compute_cost_per_word=0.0)
    far = tuple(device(f"far {n}", compute_cost_per_word=0.01 * (n + 1)) for n in range(7))
    (placed,) = placement(phone, server, *far).place([subtask(words=60.0)], now_s=1.0)
    assert ["server", "far 0", "far 1", "far 2", "far 3", "far 4", "phone"] == [
        one.device for one in placed.candidates
    ]
    assert {"server"} == {other.candidate.device for other in placed.others}


def test_of_a_very_large_fleet_the_policy_sees_the_best() -> None:
    """400 devices, the dearer the later: it sees 256 in the order of the roster, and chooses the very best."""
    seen: list[Observation] = []

    def spy(decisions: Decisions) -> np.intp:
        seen.append(decisions.observation)
        return np.nanargmax(decisions.rewards)

    devices = [device(f"d{number:03}", compute_cost_per_word=0.001 * (400 - number)) for number in range(400)]
    live = LivePlacement(roster(*devices), spy, policy_name="spy")
    (placed,) = live.place([subtask()], now_s=1.0)
    assert 256 == len(seen[0].device_mask)
    assert seen[0].device_mask.all()
    assert ("d399", 400) == (placed.chosen.candidate.device, placed.num_allowed)
    assert ["d398", "d397", "d396", "d395", "d394"] == [one.candidate.device for one in placed.others]
    assert "number 1 of 400" in placed.reason


def test_rows_equal_what_the_environment_encodes() -> None:
    """The observation is the environment's: the same function, the same numbers."""
    seen: list[Observation] = []

    def spy(decisions: Decisions) -> np.intp:
        seen.append(decisions.observation)
        return np.argmax(decisions.observation.device_mask)

    live = LivePlacement(roster(device("a"), device("b")), spy, policy_name="spy")
    live.place([dataclasses.replace(subtask(), words=100.0)], now_s=1.0)
    assert pytest.approx([1.0, 1.0]) == device_feature(seen[0], "expected_words")
    assert pytest.approx([2.0, 2.0]) == device_feature(seen[0], "snr")
    assert 1.0 == pytest.approx(float(context_feature(seen[0], "load")))
