"""Placing at run time: the environment's observation, the costs by hand, the reasons."""

import re
from collections.abc import Sequence
from dataclasses import astuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import DEVICE_FEATURES, Decisions, RewardConfig, encode
from net4moe.environment.history import History
from net4moe.errors import NoDevice
from net4moe.gateway import DeviceSelector
from net4moe.mixture import Assessment, Costs, Decision, Subtask
from net4moe.network import DeviceConfig, SnrConfig, fleet_arrays

DEVICES = (
    DeviceConfig(name="phone", expert="pocket", local=True, compute_cost_per_word=0.03, units_limit=4.0),
    DeviceConfig(name="laptop", expert="rose", compute_cost_per_word=0.01, bandwidth_hz=20_000.0),
    DeviceConfig(name="tablet", expert="holmes", compute_cost_per_word=0.02, units_limit=5.0),
)
FIXED = SnrConfig(distribution="fixed", mean_db=0.0)


def _subtask(index: int, field: str = "mystery") -> Subtask:
    return Subtask(
        index=index, text=f"part {index}", kind="story", field=field, relevance=((field, 1.0),), words=40.0
    )


def _assessment(index: int, expert: str, *, words: float = 40.0, units: float = 4.0) -> Assessment:
    relevance = {"pocket": 0.5, "rose": 0.25, "holmes": 1.0}[expert]
    return Assessment(
        subtask_index=index, expert=expert, relevance=relevance, expected_words=words, units=units
    )


def _assessments(num_subtasks: int, *, units: float = 4.0) -> list[list[Assessment]]:
    experts = ("holmes", "pocket", "rose")
    return [[_assessment(index, expert, units=units) for expert in experts] for index in range(num_subtasks)]


class Recorder:
    """A policy that keeps what it saw and chooses given devices."""

    def __init__(self, *chosen: int) -> None:
        self.seen: list[Decisions] = []
        self._chosen = chosen

    def __call__(self, decisions: Decisions) -> np.ndarray:
        """Choose."""
        self.seen.append(decisions)
        return np.array(self._chosen)


def _selector(
    policy: Recorder,
    *,
    snr_config: SnrConfig | None = None,
    reward_config: RewardConfig | None = None,
    history: History | None = None,
    seed: int = 0,
) -> DeviceSelector:
    return DeviceSelector(
        DEVICES,
        policy,
        policy_name="recorded",
        snr_config=snr_config,
        reward_config=reward_config or RewardConfig(transfer_cost_per_s=7.5),
        history=history,
        seed=seed,
    )


def _placed(selector: DeviceSelector, num_subtasks: int, *, units: float = 4.0) -> tuple[Decision, ...]:
    subtasks = [_subtask(index) for index in range(num_subtasks)]
    return selector.place(subtasks, _assessments(num_subtasks, units=units))


def test_the_observation_is_the_environments() -> None:
    """What JAX encodes of the same inputs, to 1e-6, for three subtasks over random links."""
    policy = Recorder(0, 1, 2)
    decisions = _placed(_selector(policy, seed=4), 3)
    (seen,) = policy.seen
    snr_db = seen.observation.devices[..., DEVICE_FEATURES.index("snr")] * 10
    relevance = jnp.array([0.5, 0.25, 1.0])
    ours = encode(
        jax.tree.map(jnp.asarray, fleet_arrays(DEVICES)),
        RewardConfig(transfer_cost_per_s=7.5),
        expected_score=jnp.broadcast_to(5.0 + 2.0 * relevance, (3, 3)),
        expected_words=jnp.full((3, 3), 40.0),
        units=jnp.full((3, 3), 4.0),
        snr_db=jnp.asarray(snr_db),
        available=jnp.ones((3, 3), bool),
        prompt_share_left=jnp.array([1.0, 2 / 3, 1 / 3]),
    )
    for expected, got in zip(ours, seen.observation, strict=True):
        np.testing.assert_allclose(np.asarray(expected), got, rtol=1e-6, atol=1e-6)
    for decision, row, device in zip(decisions, snr_db, (0, 1, 2), strict=True):
        expected_db = None if device == 0 else pytest.approx(row[device], abs=1e-5)
        assert expected_db == decision.snr_db


def test_the_reward_that_a_rule_sees_is_by_hand() -> None:
    """At 0 dB a rate is the bandwidth: 40 words are 1,920 bits, 0.096 s on 20 kHz, 0.72 reward units."""
    policy = Recorder(1)
    (decision,) = _placed(_selector(policy, snr_config=FIXED), 1)
    (seen,) = policy.seen
    expected = [6.0 - 1.2, 5.5 - 0.4 - 0.72, 7.0 - 0.8 - 1.44]
    np.testing.assert_allclose([expected], seen.rewards, rtol=1e-6)
    np.testing.assert_allclose([expected], seen.mean_rewards, rtol=1e-6)
    assert ("rose", "laptop", False, 0.0, 0) == (
        decision.expert,
        decision.device,
        decision.is_local,
        decision.snr_db,
        decision.subtask_index,
    )
    assert "recorded: expected reward 4.38, number 3 of 3 devices that can take it" == decision.reason
    costs = Costs(load_bits=1920.0, transfer_s=0.096, transfer_cost=0.72, compute_cost=0.4)
    assert pytest.approx(astuple(costs)) == astuple(decision.expected)


def test_settling_is_by_hand() -> None:
    """100 words over the same link; over no link where the device is the user's own."""
    first, second = _placed(selector := _selector(Recorder(1, 0), snr_config=FIXED), 2)
    sent = Costs(load_bits=4800.0, transfer_s=0.24, transfer_cost=1.8, compute_cost=1.0)
    assert pytest.approx(astuple(sent)) == astuple(selector.settle(first, 100))
    kept = Costs(load_bits=4800.0, compute_cost=3.0)
    assert pytest.approx(astuple(kept)) == astuple(selector.settle(second, 100))
    assert (True, None) == (second.is_local, second.snr_db)


def test_a_device_that_is_too_small_is_masked_and_not_ranked() -> None:
    """With 4.5 units the phone, which would earn most but one, does not count."""
    policy = Recorder(1)
    (decision,) = _placed(_selector(policy, snr_config=FIXED), 1, units=4.5)
    (seen,) = policy.seen
    assert [[False, True, True]] == seen.observation.device_mask.tolist()
    assert [[True, False, False]] == np.isnan(seen.rewards).tolist()
    assert "recorded: expected reward 4.38, number 2 of 2 devices that can take it" == decision.reason


def test_a_subtask_that_fits_no_device() -> None:
    """The sentence names it and what to raise."""
    small = [device for device in DEVICES if device.name != "laptop"]
    selector = DeviceSelector(small, Recorder(0), policy_name="recorded")
    text = "subtask 2 ('part 1') fits no device: raise a `units_limit`."
    fits, too_big = (
        _assessments(1)[0],
        [_assessment(1, expert, units=6.0) for expert in ("holmes", "pocket", "rose")],
    )
    with pytest.raises(NoDevice, match=f"^{re.escape(text)}$"):
        selector.place([_subtask(0), _subtask(1)], [fits, too_big])


def test_history_replaces_the_first_guess() -> None:
    """Known experts: their mean score and ratio of words; others: from 5 to 7 by relevance, words as assessed."""
    history = History(
        fields=("mystery",), experts=("holmes", "pocket"), score=((8.0, 4.0),), words_ratio=((1.5, 0.5),)
    )
    policy = Recorder(0)
    selector = _selector(policy, history=history)

    def features(field: str) -> dict[str, list[float]]:
        selector.place([_subtask(0, field)], _assessments(1))
        rows = policy.seen[-1].observation.devices[0]
        return {
            name: rows[:, DEVICE_FEATURES.index(name)].tolist()
            for name in ("expected_score", "expected_words")
        }

    known = features("mystery")
    assert pytest.approx([(4.0 - 5) / 2, (5.5 - 5) / 2, (8.0 - 5) / 2]) == known["expected_score"]
    assert pytest.approx([0.2, 0.4, 0.6]) == known["expected_words"]
    unknown = features("romance")
    assert pytest.approx([0.5, 0.25, 1.0]) == unknown["expected_score"]
    assert pytest.approx([0.4, 0.4, 0.4]) == unknown["expected_words"]


def _links(seed: int, calls: int = 1) -> list[list[float]]:
    policy = Recorder(1, 1)
    selector = _selector(policy, seed=seed)
    for _ in range(calls):
        _placed(selector, 2)
    return [
        seen.observation.devices[..., DEVICE_FEATURES.index("snr")].ravel().tolist() for seen in policy.seen
    ]


def test_seeds_make_links() -> None:
    """The same seed the same links, another seed others, and new ones with each prompt."""
    assert _links(1) == _links(1)
    assert _links(1) != _links(2)
    first, second = _links(1, calls=2)
    assert first != second


def test_what_a_policy_may_draw_from_is_inside_its_range() -> None:
    """One number in (0, 1) and a running turn for each subtask; everything is valid."""
    policy = Recorder(1, 1, 1)
    _placed(_selector(policy), 3)
    (seen,) = policy.seen
    assert ((seen.uniform > 0) & (seen.uniform <= 1)).all()
    assert [0, 1, 2] == seen.turn.tolist()
    assert seen.valid.all()


def test_the_order_of_devices_is_the_order_of_the_choice() -> None:
    """An index is a device of the list that was given, whatever the order of the assessments."""
    chosen: Sequence[Decision] = _placed(_selector(Recorder(2, 0, 1)), 3)
    assert ["tablet", "phone", "laptop"] == [decision.device for decision in chosen]
    assert ["holmes", "pocket", "rose"] == [decision.expert for decision in chosen]
