"""The environment by hand, to the end of an episode, and bit for bit."""

import math
import re

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.environment import Expectations, Observation, Outcomes, RewardConfig
from net4moe.environment.chances import Chances, Tape
from net4moe.environment.episodes import Step
from net4moe.environment.observation import context_feature, device_feature
from net4moe.environment.outcomes import estimate
from net4moe.environment.rules import Rules
from net4moe.environment.scenarios import SCENARIOS
from net4moe.environment.selection import ExpertSelection, State
from net4moe.environment.synthetic import draw_devices, draw_outcomes
from net4moe.network import DeviceConfig, Fleet, SnrConfig, fleet_arrays
from net4moe.network.world import WorldConfig
from net4moe.policy import random_selection


def outcomes_by_hand() -> Outcomes:
    """One prompt of two subtasks and one of one; two devices."""
    return Outcomes(
        score=np.array([[[6, 9], [5, 4]], [[7, 8], [0, 0]]], np.float32),
        words=np.array([[[10, 20], [30, 40]], [[50, 60], [0, 0]]], np.float32),
        expected_words=np.array([[[20, 20], [20, 20]], [[50, 50], [1, 1]]], np.float32),
        units=np.array([[[1, 1], [9, 1]], [[1, 1], [0, 0]]], np.float32),
        scored=np.array([[[1, 1], [1, 1]], [[1, 0], [0, 0]]], np.bool_),
        field_index=np.array([[0, 1], [1, 0]], np.int32),
        subtask_mask=np.array([[1, 1], [1, 0]], np.bool_),
    )


FLEET = fleet_arrays(
    (
        DeviceConfig(name="phone", expert="a", compute_cost_per_word=0.1, units_limit=5.0, local=True),
        DeviceConfig(name="tv", expert="b", compute_cost_per_word=0.01),
    )
)
EXPECTATIONS = Expectations(
    score=np.array([[6, 9], [5, 7]], np.float32), words_ratio=np.array([[0.5, 1], [1, 2]], np.float32)
)


def by_hand() -> ExpertSelection:
    """Make the environment of two prompts with every link at 0 dB."""
    return ExpertSelection(
        outcomes_by_hand(),
        EXPECTATIONS,
        FLEET,
        chances=Chances(radio=SnrConfig(distribution="fixed", mean_db=0.0)),
    )


def tape_of(selection: ExpertSelection, prompt_index: int) -> Tape:
    """Draw tapes until one holds the wanted prompt, which is told by its length."""
    length = int(outcomes_by_hand().subtask_mask[prompt_index].sum())
    tapes = selection.tapes(jax.random.key(0), 16)
    at = int(np.argmax(np.asarray(tapes.num_choices) == length))
    return jax.tree.map(lambda leaf: leaf[at], tapes)


@eqx.filter_jit
def begun(selection: ExpertSelection, tape: Tape) -> tuple[State, Observation]:
    """Begin an episode."""
    return selection.start(tape)


@eqx.filter_jit
def stepped(selection: ExpertSelection, state: State, action: int) -> Step:
    """Make one choice."""
    return selection.step(state, jnp.asarray(action))


def drawn(num_devices: int = 4) -> ExpertSelection:
    """Make an environment from drawn outcomes."""
    outcomes = draw_outcomes(10, 3, num_devices, 3, seed=0)
    return ExpertSelection(
        outcomes, estimate(outcomes, num_fields=3), fleet_arrays(draw_devices(num_devices, seed=0))
    )


def test_an_episode_by_hand() -> None:
    """Two subtasks: local work costs words only, the other device pays 5 per second at 10 kbit/s."""
    selection = by_hand()
    state, observation = begun(selection, tape_of(selection, 0))
    np.testing.assert_array_equal([True, True], observation.device_mask)
    np.testing.assert_allclose([0.5, 2.0], device_feature(observation, "expected_score"))
    np.testing.assert_allclose([0.1, 0.2], device_feature(observation, "expected_words"), rtol=1e-6)
    assert pytest.approx(float(context_feature(observation, "load"))) == 0.15
    assert pytest.approx(float(context_feature(observation, "prompt_share_left"))) == 1.0

    state, observation, reward, terminated, truncated = stepped(selection, state, 0)
    assert pytest.approx(float(reward)) == 6 - 10 * 0.1
    assert not terminated
    np.testing.assert_array_equal([False, True], observation.device_mask)  # 9 units, the phone takes 5
    assert pytest.approx(float(context_feature(observation, "load"))) == 0.3
    assert pytest.approx(float(context_feature(observation, "prompt_share_left"))) == 0.5
    np.testing.assert_allclose([math.nan, 4 - 0.4 - 5.0 * 40 * 48 / 1e4], selection.rewards(state), rtol=1e-5)

    state, _, reward, terminated, truncated = stepped(selection, state, 1)
    assert pytest.approx(float(reward), rel=1e-5) == 4 - 40 * 0.01 - 5.0 * 40 * 48 / 1e4
    assert terminated
    _, _, reward, terminated, truncated = stepped(selection, state, 1)
    assert float(reward) == 0.0
    assert terminated
    assert not truncated


def test_a_shorter_prompt_ends_earlier_and_hides_unscored_devices() -> None:
    """The second prompt has one subtask, and the judge did not score what the second device wrote."""
    selection = by_hand()
    state, observation = begun(selection, tape_of(selection, 1))
    np.testing.assert_array_equal([True, False], observation.device_mask)
    following, _, reward, terminated, _ = stepped(selection, state, 0)
    assert pytest.approx(float(reward)) == 7 - 5
    assert terminated
    assert np.isnan(stepped(selection, state, 1).reward)
    assert not selection.unfinished(following)


def test_mean_rewards_use_the_means_of_the_played_prompts() -> None:
    """Field 1 has scores 5 and 7 on the phone, and ratios 1.5 and 1."""
    selection = by_hand()
    state, _ = begun(selection, tape_of(selection, 1))
    assert pytest.approx(float(selection.mean_rewards(state)[0])) == 6 - 1.25 * 50 * 0.1


def test_same_key_same_bits_and_reading_is_pure() -> None:
    """A tape depends on its key alone, and looking twice shows the same."""
    selection = drawn()
    reset = eqx.filter_jit(lambda selection, key: selection.reset(key))
    first, second, other = (reset(selection, jax.random.key(seed)) for seed in (1, 1, 2))
    assert jax.tree.all(jax.tree.map(np.array_equal, first, second))
    assert not np.array_equal(first[0].tape.moments.known_snr_db, other[0].tape.moments.known_snr_db)
    observe = eqx.filter_jit(lambda selection, state: selection.observe(state))
    for seen in (observe(selection, first[0]), observe(selection, first[0])):
        assert jax.tree.all(jax.tree.map(np.array_equal, first[1], seen))


def test_the_decision_at_hand_says_what_a_step_earns() -> None:
    """On every episode and choice, the reward that is laid out for a device is what choosing it gives."""
    selection = drawn()
    tapes = selection.tapes(jax.random.key(3), 32)

    @jax.jit
    @jax.vmap
    def told_and_earned(tape: Tape) -> tuple[jax.Array, jax.Array]:
        def choose(state: State, _: None) -> tuple[State, tuple[jax.Array, jax.Array]]:
            decision = selection.decision(state)
            action = random_selection(decision)
            step = selection.step(state, action)
            return step.state, (jnp.where(decision.valid, decision.rewards[action], 0.0), step.reward)

        return jax.lax.scan(choose, selection.start(tape)[0], length=selection.num_steps)[1]

    told, earned = told_and_earned(tapes)
    np.testing.assert_allclose(told, earned, rtol=1e-6)


def test_prompts_and_links_are_drawn_evenly() -> None:
    """Over many tapes each prompt comes up, and the links fill 0 to 20 dB."""
    selection = drawn()
    tapes = selection.tapes(jax.random.key(0), 4_000)
    first_score = np.asarray(tapes.subtasks.score[:, 0, 1])
    _, counts = np.unique(first_score, return_counts=True)
    assert len(counts) == 10
    assert np.all(np.abs(counts - 400) < 5 * math.sqrt(400 * 0.9))
    remote = np.asarray(tapes.moments.known_snr_db)[..., ~np.asarray(selection.fleet.local)]
    assert pytest.approx(float(remote.mean()), abs=0.2) == 10
    assert 20 / math.sqrt(12) == pytest.approx(float(remote.std()), rel=0.02)
    uniform = np.asarray(tapes.moments.uniform)
    assert 0 < uniform.min() < uniform.max() < 1


def changed_fleet(**changes: np.ndarray) -> Fleet:
    """Change columns of the fleet."""
    return FLEET._replace(**changes)


@pytest.mark.parametrize(
    ("outcomes", "expectations", "fleet", "text"),
    [
        (
            outcomes_by_hand(),
            EXPECTATIONS,
            jax.tree.map(lambda column: column[..., :1], FLEET),
            "`fleet` must be of 2 devices as `outcomes`, got 1.",
        ),
        (
            outcomes_by_hand(),
            Expectations(*(column[:, :1] for column in EXPECTATIONS)),
            FLEET,
            "`expectations` must be of 2 devices as `outcomes`, got 1.",
        ),
        (
            outcomes_by_hand(),
            Expectations(*(column[:1] for column in EXPECTATIONS)),
            FLEET,
            "`expectations` must know field 1 of `outcomes`, got 1 fields.",
        ),
        (
            outcomes_by_hand()._replace(score=np.full((2, 2, 2), np.nan)),
            EXPECTATIONS,
            FLEET,
            "`outcomes.score` must be finite.",
        ),
        (
            outcomes_by_hand(),
            EXPECTATIONS._replace(score=np.full((2, 2), np.inf)),
            FLEET,
            "`expectations.score` must be finite.",
        ),
        (
            outcomes_by_hand(),
            EXPECTATIONS,
            changed_fleet(units_limit=np.array([5, 0.5], np.float32)),
            "Subtask 1 of prompt 0 fits no device: raise a `units_limit`.",
        ),
    ],
)
def test_parts_that_do_not_fit_are_refused(
    outcomes: Outcomes, expectations: Expectations, fleet: Fleet, text: str
) -> None:
    """The sentence names the part and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        ExpertSelection(outcomes, expectations, fleet, reward_config=RewardConfig())


@pytest.mark.parametrize(
    ("rules", "chances"),
    [
        (Rules(num_steps=2, devices_change=True), Chances()),
        (Rules(num_steps=2, shares_band=True), Chances()),
        (Rules(num_steps=2, give_up_s=1.0), Chances()),
        (Rules(num_steps=2), Chances(radio=WorldConfig())),
    ],
)
def test_one_device_may_always_be_asked(rules: Rules, chances: Chances) -> None:
    """Where others may be away or refuse, the user's own must be able to take each subtask."""
    text = (
        "Subtask 1 of prompt 0 does not fit the user's own device, and others may be away or refuse: raise its "
        "`units_limit`."
    )
    assert 2 == ExpertSelection(outcomes_by_hand(), EXPECTATIONS, FLEET).num_devices
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        ExpertSelection(outcomes_by_hand(), EXPECTATIONS, FLEET, rules=rules, chances=chances)


@pytest.mark.parametrize(
    ("name", "told"), [("chain", True), ("switching", True), ("joint", True), ("case-study", False)]
)
def test_the_rest_of_a_prompt_is_told_where_a_choice_changes_it(name: str, told: bool) -> None:
    """In the paper's setting no choice depends on it, and there is less to be learned by heart."""
    selection = SCENARIOS[name].small
    tape = selection.tape(jax.random.key(0))
    _, seen = selection.start(tape)
    promised = np.asarray(tape.subtasks.expected_score)
    wanted = (promised[1] - 5.0) / 2.0 if told else np.zeros(selection.num_devices)
    np.testing.assert_allclose(device_feature(seen, "next_score"), wanted, rtol=1e-6)
    assert np.any(device_feature(seen, "rest_score")) == told
