"""Bandits against a regression in float64, by hand, and for what they regret in simulated worlds."""

import functools
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from net4moe.environment.decisions import AdaptivePolicy, Decisions
from net4moe.environment.episodes import Episode, Step, play
from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES, Observation
from net4moe.policy.adaptive import (
    ADAPTIVE,
    DiscountedUCB,
    LinearThompson,
    LinUCB,
    SlidingWindowUCB,
    after_practice,
)
from net4moe.policy.adaptive_linear import BANDIT_FEATURES, LinearMemory, bandit_features
from net4moe.policy.baselines import LEGEND, expected_reward, highest_expectation, random_selection
from tests.choices import choices, drawn_choices

Past: TypeAlias = list[tuple[Decisions, int, float]]


class Tape(NamedTuple):
    """What chance decides: promises, prices, noise, and what each device gives above its promise."""

    score: Any
    price: Any
    noise: Any
    above: Any
    uniform: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Choices that do not influence each other; the reward is linear in promise and price.

    reward_n = 3 + `worth` (promised points - 5) - `dear` price + above_n + noise: not what `expected_reward` says.
    """

    version: ClassVar[int] = 1

    num_steps: int = 200
    num_devices: int = 5
    worth: float = 1.0
    dear: float = 1.0
    offset: float = 1.0
    switches: bool = False

    def tape(self, key: Any, episode: Any = 0) -> Tape:
        """Take one tape of those that NumPy draws."""
        return jax.tree.map(lambda leaf: leaf[episode], self.tapes(int(key), int(episode) + 1))

    def tapes(self, seed: int, count: int) -> Tape:
        """Draw worlds; with `switches` the devices swap their hidden quality at half time."""
        random = np.random.default_rng(seed)
        shape = (count, self.num_steps, self.num_devices)
        above = self.offset * random.normal(size=(count, 2, self.num_devices))
        late = np.arange(self.num_steps) >= self.num_steps // 2
        drawn = Tape(
            score=0.5 * random.normal(size=shape),
            price=random.random(shape),
            noise=0.3 * random.normal(size=shape[:2]),
            above=above[:, (late & self.switches).astype(int)],
            uniform=random.random(shape[:2]),
        )
        return jax.tree.map(lambda leaf: leaf.astype(np.float32), drawn)

    def start(self, tape: Tape) -> tuple[Any, Observation]:
        """Begin."""
        state = (tape, jnp.zeros((), jnp.int32))
        return state, self.decision(state).observation

    def decision(self, state: Any) -> Decisions:
        """Lay out the choice at hand."""
        tape, step = state
        now = jax.tree.map(lambda leaf: leaf[jnp.minimum(step, self.num_steps - 1)], tape)
        nothing = jnp.zeros(self.num_devices)
        known = {"expected_score": now.score, "expected_transfer_cost": now.price}
        rows = jnp.stack([known.get(name, nothing) for name in DEVICE_FEATURES], axis=-1)
        context = jnp.array([{"importance": 0.25, "slack": 0.0}.get(name, 0.0) for name in CONTEXT_FEATURES])
        mean = 3.0 + self.worth * 2.0 * now.score - self.dear * now.price + now.above
        return Decisions(
            observation=Observation(rows, context, jnp.ones(self.num_devices, jnp.bool_)),
            turn=step,
            uniform=now.uniform,
            valid=self.unfinished(state),
            rewards=mean + now.noise,
            mean_rewards=mean,
        )

    def unfinished(self, state: Any) -> Any:
        """Tell whether a choice is left."""
        return state[1] < self.num_steps

    def step(self, state: Any, action: Any) -> Step:
        """Take what the device gives."""
        after = (state[0], state[1] + 1)
        ended = ~self.unfinished(after)
        reward = self.decision(state).rewards[action]
        return Step(after, self.decision(after).observation, reward, ended, jnp.zeros_like(ended))


def regret(world: World, policy: Any, num_episodes: int = 40, seed: int = 0) -> np.ndarray:
    """Compute the mean regret per choice of each quarter, against the best mean reward."""

    def of_tape(tape: Tape) -> Any:
        actions = play(world, policy, tape).actions
        mean = 3.0 + world.worth * 2.0 * tape.score - world.dear * tape.price + tape.above
        taken = jnp.take_along_axis(mean, actions[:, None], axis=1)[:, 0]
        return jnp.max(mean, axis=1) - taken

    lost = np.asarray(jax.jit(jax.vmap(of_tape))(world.tapes(seed, num_episodes)))
    return lost.mean(axis=0).reshape(4, -1).mean(axis=1)


def experience(random: np.random.Generator, count: int, num_devices: int) -> Past:
    """Draw choices, devices and rewards."""
    return [
        (
            drawn_choices(random, (num_devices,)),
            int(random.integers(num_devices)),
            float(random.normal(3.0, 2.0)),
        )
        for _ in range(count)
    ]


@functools.partial(jax.jit, static_argnames=("world", "policy"))
def played(world: World, policy: Any, tape: Tape) -> Episode:
    """Play one tape."""
    return play(world, policy, tape)


def learned(policy: AdaptivePolicy, past: Past, num_devices: int) -> Any:
    """Learn from them one after the other."""
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *past)

    def learn_all(memory: Any, stacked: Any) -> Any:
        return jax.lax.scan(lambda memory, each: (policy.learn(memory, *each), None), memory, stacked)[0]

    return jax.jit(learn_all)(policy.initial(num_devices), stacked)


def rows_of(decisions: Decisions) -> np.ndarray:
    """Write out the regression's row of each device: the features by name, then one indicator per device."""
    observation = decisions.observation
    importance = 4.0 * float(observation.context[CONTEXT_FEATURES.index("importance")])
    named = dict(zip(DEVICE_FEATURES, observation.devices.T.astype(np.float64), strict=True))
    num_devices = observation.device_mask.shape[0]
    weighed = [importance * named[name] for name in ("expected_score", "surprise", "loss")]
    plain = [named[name] for name in BANDIT_FEATURES[5:]]
    columns = [np.ones(num_devices), np.full(num_devices, importance), *weighed, *plain]
    return np.concatenate([np.stack(columns, axis=1), np.eye(num_devices)], axis=1)


def ridge(past: Past, now: Decisions, strength: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Regress the reward in float64, all at once: rows of now, coefficients, inverse of the precision."""
    design = np.array([rows_of(decisions)[action] for decisions, action, _ in past])
    inverse = np.linalg.inv(strength * np.eye(design.shape[1]) + design.T @ design)
    return rows_of(now), inverse @ design.T @ np.array([reward for *_, reward in past]), inverse


@jax.jit
def believed(memory: LinearMemory, decisions: Decisions) -> tuple[Any, Any]:
    """Read mean and variance of each device off the memory."""
    apart = bandit_features(decisions.observation) - memory.features
    mean = apart @ memory.coefficients + memory.reward
    return mean, jnp.sum((apart @ memory.root) ** 2, axis=-1) + 1.0 / memory.weight


@pytest.mark.parametrize("strength", [0.1, 1.0, 5.0])
def test_lin_ucb_is_a_ridge_regression_with_an_offset_for_each_device(strength: float) -> None:
    """Means and variances after 60 choices, against one solution of the normal equations."""
    random = np.random.default_rng(1)
    past = experience(random, 60, 4)
    now = drawn_choices(random, (4,))
    memory = learned(LinUCB(ridge=strength), past, 4)
    rows, coefficients, inverse = ridge(past, now, strength)
    mean, variance = rows @ coefficients, np.einsum("nd,de,ne->n", rows, inverse, rows)
    np.testing.assert_allclose(mean, believed(memory, now)[0], rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(variance, believed(memory, now)[1], rtol=2e-3)
    for alpha in (0.0, 5.0):
        bound = np.where(now.observation.device_mask, mean + alpha * np.sqrt(variance), -np.inf)
        assert np.argmax(bound) == jax.jit(LinUCB(alpha=alpha, ridge=strength).choose)(memory, now)


def test_lin_ucb_stays_sound_after_many_choices() -> None:
    """After 5,000 choices in float32 the variances are still those of float64, within 2 %."""
    random = np.random.default_rng(2)
    past = experience(random, 100, 3)
    now = drawn_choices(random, (3,))
    memory = learned(LinUCB(), past * 50, 3)
    rows, coefficients, inverse = ridge(past * 50, now, 1.0)
    np.testing.assert_allclose(rows @ coefficients, believed(memory, now)[0], atol=0.02)
    np.testing.assert_allclose(
        np.einsum("nd,de,ne->n", rows, inverse, rows), believed(memory, now)[1], rtol=0.02
    )


def test_one_choice_by_hand() -> None:
    """At ridge 1 one reward of 4 at features (1, 1, 0, ...) gives the mean 4 * 3 / (1 + 3) = 3 there.

    The row of the device has three entries of 1 (one, importance, its own offset), so that x'x = 3; another device
    shares two of them: 4 * 2 / 4 = 2. The variances are 3 / (1 + 3) and 3 - 2^2 / 4.
    """
    decisions = choices([True, True], resident=0.0)
    memory = learned(LinUCB(), [(decisions, 0, 4.0)], 2)
    mean, variance = believed(memory, decisions)
    np.testing.assert_allclose([3.0, 2.0], mean, rtol=1e-5)
    np.testing.assert_allclose([0.75, 2.0], variance, rtol=1e-5)
    assert LinUCB(alpha=0.1).choose(memory, decisions) == 0
    assert LinUCB(alpha=3.0).choose(memory, decisions) == 1


def test_thompson_draws_from_what_it_believes() -> None:
    """100,000 draws choose each of two devices as often as two normal numbers say."""
    random = np.random.default_rng(4)
    past = experience(random, 30, 2)
    now = choices([True, True], expected_score=[0.3, 0.1], expected_transfer_cost=[0.2, 0.7])
    policy = LinearThompson(scale=1.5)
    memory = learned(policy, past, 2)
    draws = random.random(100_000).astype(np.float32)
    chosen = np.asarray(
        jax.jit(jax.vmap(lambda lot: policy.choose(memory, now._replace(uniform=lot))))(draws)
    )
    rows, coefficients, inverse = ridge(past, now, 1.0)
    apart = rows[1] - rows[0]
    share = float(norm.cdf(apart @ coefficients / (1.5 * np.sqrt(apart @ inverse @ apart))))
    assert share == pytest.approx(chosen.mean(), abs=3.0 * (share * (1.0 - share) / 1e5) ** 0.5 + 1e-3)


def test_discounted_ucb_by_hand() -> None:
    """Device 0 gave 2 above its promise, then device 1 gave 1 below: at discount 0.5 N is (0.5, 1), T (1, -1).

    The corrections are T / (1 + N) = 2/3 and -1/2; the bound adds 2 sqrt(0.5 ln 2.5) / sqrt(1 + N), 1.105 and
    0.957, or 1.353 for device 2, which was never asked and promises 0.3 less than device 0.
    """
    policy = DiscountedUCB(discount=0.5, bound=1.0, exploration=0.5)
    decisions = choices([True] * 3, expected_score=[0.0, 0.0, -0.15])
    memory = policy.initial(3)
    memory = policy.learn(memory, decisions, jnp.asarray(0), jnp.asarray(7.0))
    memory = policy.learn(memory, decisions, jnp.asarray(1), jnp.asarray(4.0))
    np.testing.assert_allclose([0.5, 1.0, 0.0], memory.plays)
    np.testing.assert_allclose([1.0, -1.0, 0.0], memory.total)
    assert policy.choose(memory, decisions) == 0
    assert DiscountedUCB(discount=0.5, bound=5.0).choose(memory, decisions) == 2
    assert DiscountedUCB(discount=0.5, bound=0.0).choose(memory, choices([False, True, True])) == 2


def test_sliding_window_ucb_forgets_what_is_older_than_its_window() -> None:
    """Three choices of device 0, the first 9 above its promise: a window of 2 does not see that one."""
    decisions = choices([True, True], expected_score=[0.0, 0.5])
    policies = [SlidingWindowUCB(window=window, bound=0.0) for window in (2, 3)]
    past = [(decisions, 0, reward) for reward in (14.0, 5.0, 5.0)]
    assert [1, 0] == [policy.choose(learned(policy, past, 2), decisions) for policy in policies]


def test_sliding_window_ucb_by_hand() -> None:
    """Device 0 twice, 1 above and 0 above: T / (1 + N) = 1/3, and 1 ln(1 + 2) under the roots.

    The bounds are 5.333 + sqrt(0.5 * 1.0986 / 3) = 5.761 and 5 + sqrt(0.5 * 1.0986) = 5.741.
    """
    policy = SlidingWindowUCB(window=8, bound=1.0, exploration=0.5)
    memory = learned(policy, [(choices([True, True]), 0, 6.0), (choices([True, True]), 0, 5.0)], 2)
    assert policy.choose(memory, choices([True, True])) == 0
    assert policy.choose(memory, choices([True, True], expected_score=[0.0, 0.02])) == 1


@pytest.mark.parametrize("name", ADAPTIVE)
def test_nothing_is_learned_after_the_end(name: str) -> None:
    """A choice that is not valid leaves the memory as it is, whatever reward comes with it."""
    policy = ADAPTIVE[name]
    decisions = choices([True, True])._replace(valid=np.False_)
    memory = policy.initial(2)
    after = policy.learn(memory, decisions, jnp.asarray(1), jnp.asarray(jnp.nan))
    jax.tree.map(np.testing.assert_array_equal, memory, after)


@pytest.mark.parametrize("name", ADAPTIVE)
@pytest.mark.parametrize("num_devices", [1, 5])
def test_no_bandit_takes_a_device_that_is_not_allowed(name: str, num_devices: int) -> None:
    """Whatever was learned and whatever the features are."""
    policy = ADAPTIVE[name]
    memory = policy.initial(num_devices)
    learn, choose = jax.jit(policy.learn), jax.jit(policy.choose)
    for decisions, action, reward in experience(np.random.default_rng(6), 300, num_devices):
        memory = learn(memory, decisions, action, reward)
        assert decisions.observation.device_mask[choose(memory, decisions)]


@pytest.mark.parametrize("name", ["lin_ucb", "linear_thompson"])
def test_the_linear_bandits_find_the_weights_of_the_reward(name: str) -> None:
    """Points are worth half and prices count four times; in the last quarter little is lost.

    By lot 2.5 units are lost at each choice.
    """
    world = World(worth=0.5, dear=4.0)
    lost = regret(world, ADAPTIVE[name])
    assert lost[3] < 0.15 * regret(world, random_selection)[3]
    assert lost[3] < 0.5 * lost[0]
    assert lost[3] < 0.3 * regret(world, highest_expectation())[3]


@pytest.mark.parametrize("name", ["discounted_ucb", "sliding_window_ucb"])
def test_the_forgetful_bandits_follow_a_change(name: str) -> None:
    """Hidden quality is drawn anew at half time: both halves end with less lost than they began."""
    world = World(switches=True)
    lost = regret(world, ADAPTIVE[name])
    trusting = regret(world, highest_expectation())
    assert lost[1] < lost[0]
    assert lost[3] < lost[2]
    assert np.all(lost < 0.7 * trusting)


def test_practice_is_remembered() -> None:
    """After eight episodes in the same kind of world the first quarter loses what the last one did."""
    world = World(worth=0.5, dear=4.0, offset=0.0, num_steps=100)
    practised = after_practice(LinUCB(), world, world.tapes(9, 8))
    fresh = regret(world, LinUCB())
    assert regret(world, practised)[0] < 0.3 * fresh[0]


def test_practice_of_one_tape_is_playing_it() -> None:
    """The memory is that of learning its choices one after the other."""
    world = World(num_steps=20)
    tape = world.tape(3)
    policy = DiscountedUCB()
    practised = after_practice(policy, world, jax.tree.map(lambda leaf: leaf[None], tape))
    episode = played(world, policy, tape)
    memory, learn = policy.initial(5), jax.jit(policy.learn)
    for step, (action, reward) in enumerate(zip(episode.actions, episode.rewards, strict=True)):
        memory = learn(memory, jax.jit(world.decision)((tape, step)), action, reward)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), memory, practised.initial(5))
    with pytest.raises(ValueError, match=r"^`num_devices` must be 5 as in practice, got 4\.$"):
        practised.initial(4)


def test_the_same_tape_gives_the_same_choices_and_another_one_others() -> None:
    """Thompson's lots are those of the tape."""
    world = World(num_steps=50, offset=0.0)
    first, second = (world.tape(seed) for seed in (0, 1))
    policy = LinearThompson(scale=3.0)
    actions = played(world, policy, first).actions
    np.testing.assert_array_equal(actions, played(world, policy, first).actions)
    other_lots = first._replace(uniform=second.uniform)
    assert np.any(actions != played(world, policy, other_lots).actions)
    assert np.any(actions != played(world, LinearThompson(scale=3.0, seed=1), first).actions)


def test_bandit_features_are_looked_up_by_name() -> None:
    """Products with the importance are multiplied out."""
    observation = choices(
        [True], context={"importance": 0.5}, expected_score=1.5, surprise=-0.25, delay=0.3
    ).observation
    columns = dict(zip(BANDIT_FEATURES, np.asarray(bandit_features(observation))[0].tolist(), strict=True))
    assert {
        "one": 1.0,
        "importance": 2.0,
        "importance x expected_score": 3.0,
        "importance x surprise": -0.5,
        "importance x loss": 0.0,
        "expected_compute_cost": 0.0,
        "expected_transfer_cost": 0.0,
        "expected_delay_cost": 0.0,
        "delay": pytest.approx(0.3),
        "local": 0.0,
        "resident": 1.0,
        "serving": 0.0,
    } == columns
    assert expected_reward(observation)[0] == pytest.approx(2.0 * 8.0)


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (LinUCB, {"alpha": -1.0}, "`alpha` must be finite and at least 0, got -1.0."),
        (LinUCB, {"ridge": 0.0}, "`ridge` must be finite and greater than 0, got 0.0."),
        (LinearThompson, {"scale": float("inf")}, "`scale` must be finite and at least 0, got inf."),
        (LinearThompson, {"ridge": -2.0}, "`ridge` must be finite and greater than 0, got -2.0."),
        (DiscountedUCB, {"discount": 0.0}, "`discount` must be above 0 and at most 1, got 0.0."),
        (DiscountedUCB, {"bound": -1.0}, "`bound` must be finite and at least 0, got -1.0."),
        (SlidingWindowUCB, {"window": 0}, "`window` must be at least 1, got 0."),
        (SlidingWindowUCB, {"exploration": -1.0}, "`exploration` must be finite and at least 0, got -1.0."),
    ],
)
def test_a_parameter_out_of_range_is_refused(make: Any, arguments: dict[str, Any], message: str) -> None:
    """One sentence says what must hold and what came."""
    with pytest.raises(ValueError) as refusal:  # noqa: PT011
        make(**arguments)
    assert message == str(refusal.value)


@pytest.mark.parametrize("name", ADAPTIVE)
def test_every_bandit_has_a_name_in_the_legend(name: str) -> None:
    """A figure can label each of them."""
    assert LEGEND[name]
