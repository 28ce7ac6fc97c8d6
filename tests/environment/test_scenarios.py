"""The scenarios: all there in both sizes, and playable by anybody."""

import re

import jax
import numpy as np
import pytest

from net4moe.environment.episodes import Episode, play
from net4moe.environment.finite_chance import check_finite
from net4moe.environment.large_scenarios import LARGE, street
from net4moe.environment.rules import Rules
from net4moe.environment.scenario_names import ABOUT
from net4moe.environment.scenarios import SCENARIOS, scenario
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.small_scenarios import SMALL
from net4moe.policy import random_selection

CONTROLS = ("case-study", "mobile")
QUICKLY = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
"""What runs once is compiled in a fifth of the time."""
SESSIONS = tuple(name for name in ABOUT if name != "case-study")


def consequences(rules: Rules) -> set[str]:
    """Name the rules that let a choice change what comes next."""
    states = {
        "devices": rules.devices_change,
        "chain": rules.chained,
        "band": rules.shares_band,
        "slack": rules.deadline_s < float("inf"),
        "knowledge": rules.evidence_weight > 0,
    }
    return {name for name, there in states.items() if there}


def test_each_scenario_has_both_sizes() -> None:
    """The paper's comes first."""
    assert list(ABOUT) == list(SCENARIOS) == list(SMALL) == list(LARGE)
    assert "case-study" == next(iter(SCENARIOS))


@pytest.mark.parametrize("name", ABOUT)
def test_a_scenario_says_what_it_is_about(name: str) -> None:
    """A sentence, and what the action changes; a control changes nothing."""
    one = scenario(name)
    assert name == one.name
    assert one.summary.endswith(".")
    assert (name in CONTROLS) == (one.changes == "")


@pytest.mark.parametrize("name", ABOUT)
def test_both_sizes_have_the_same_consequences(name: str) -> None:
    """The small version is finite, the large one has eight devices; the user's own comes first in both."""
    small, large = scenario(name).small, scenario(name).large
    check_finite(small)
    assert small is scenario(name).build("small")
    assert consequences(large.rules) == consequences(small.rules)
    assert (name in CONTROLS) == (not consequences(small.rules) and not small.reward_config.switching_cost)
    assert bool(small.reward_config.switching_cost) == bool(large.reward_config.switching_cost)
    assert small.rules.loads_experts == large.rules.loads_experts
    assert 3 <= small.num_devices <= 4
    assert 8 == large.num_devices
    for one in (small, large):
        local = np.asarray(one.fleet.local)
        assert local[0]
        assert not local[1:].any()


def test_a_session_lasts_as_long_as_it_says() -> None:
    """Only the paper's episodes are one prompt long."""
    assert scenario("case-study").small.rules.num_steps is None
    assert all(scenario(name).small.rules.num_steps in (24, 32) for name in SESSIONS)
    assert all(scenario(name).large.rules.num_steps == 48 for name in SESSIONS)


def played(selection: ExpertSelection, key: jax.Array) -> Episode:
    """Play 64 tapes with devices drawn by lot among those that are allowed."""

    def one(key: jax.Array) -> Episode:
        return play(selection, random_selection, selection.tape(key))

    return jax.jit(jax.vmap(one), compiler_options=QUICKLY)(jax.random.split(key, 64))


@pytest.mark.slow
@pytest.mark.parametrize("name", ABOUT)
def test_a_large_scenario_always_has_a_device_to_choose(name: str) -> None:
    """Rewards of lots are finite along 64 tapes; they would be NaN where no device were allowed."""
    selection = scenario(name).large
    episodes = played(selection, jax.random.key(0))
    assert (64, selection.num_steps) == episodes.rewards.shape
    assert np.all(episodes.valid)
    assert np.all(np.isfinite(episodes.rewards))
    assert np.unique(episodes.actions).size == 8


def test_the_street_is_always_there_and_on_mains() -> None:
    """What is said of the hardware is said of the helpers; the phone keeps its own."""
    phone, *helpers = street(battery_j=350.0, tokens_per_j=2.0)
    assert phone.local
    assert (float("inf"), 8.0) == (phone.hardware.battery_j, phone.hardware.tokens_per_j)
    assert {(350.0, 2.0)} == {(one.hardware.battery_j, one.hardware.tokens_per_j) for one in helpers}
    assert {0.0} == {one.hardware.mean_down_s for one in (phone, *helpers)}
    assert {float("inf")} == {one.units_limit for one in (phone, *helpers)}


def test_there_is_no_other_scenario() -> None:
    """The sentence lists those that there are."""
    text = f"There is no scenario 'x'; choose one of {', '.join(ABOUT)}."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        scenario("x")
