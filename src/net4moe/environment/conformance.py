"""Check that an environment keeps the promises of `net4moe.environment.episodes.Environment`.

    check_environment(environment, jax.random.key(0))

or, for pytest, one test for each promise:

    class TestMine(EnvironmentConformance):
        def environment(self): return Mine()

What is checked is played on two tapes, with allowed devices chosen at random, and a little beyond the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Array, Key

    from net4moe.environment.decisions import Decisions
    from net4moe.environment.episodes import Environment, Step

__all__ = [
    "CHECKS",
    "EnvironmentConformance",
    "Trial",
    "check_batches",
    "check_chance",
    "check_compilation",
    "check_end",
    "check_environment",
    "check_masks",
    "check_observations",
    "check_reading",
    "check_repetition",
    "check_rewards",
    "check_tracing",
    "try_out",
]

_TOLERANCE = 1e-4


class Turn(NamedTuple):
    """One choice of a trial: its number, where it stands, what was laid out, what was chosen, what it brought."""

    number: int
    state: Any
    decision: Decisions
    action: int
    step: Step


class Trial(NamedTuple):
    """What was seen of an environment in compiled code.

    Attributes:
      environment: the environment.
      key: chance.
      tapes: two tapes.
      starts: the states and observations that the two episodes begin with.
      turns: the choices of both episodes, a few after the end included.
      begun: indices of the first choice of each episode.
      num_traces: how often `step` was traced.
    """

    environment: Environment
    key: Key[Array, ""]
    tapes: list[Any]
    starts: list[tuple[Any, Any]]
    turns: list[Turn]
    begun: list[int]
    num_traces: int


def try_out(environment: Environment, key: Key[Array, ""]) -> Trial:
    """Play two episodes with allowed devices at random, and two choices more."""
    traces: list[None] = []

    def traced(state: Any, action: Any) -> Step:
        traces.append(None)
        return environment.step(state, action)

    step, decide = jax.jit(traced), jax.jit(lambda state: environment.decision(state))
    draw, start = jax.jit(lambda key: environment.tape(key, 0)), jax.jit(lambda tape: environment.start(tape))
    rng = np.random.default_rng(0)
    tapes = [draw(jax.random.fold_in(key, n)) for n in range(2)]
    starts = [start(tape) for tape in tapes]
    turns: list[Turn] = []
    begun: list[int] = []
    for state, _ in starts:
        begun.append(len(turns))
        for number in range(environment.num_steps + 2):
            decision = decide(state)
            allowed = np.flatnonzero(decision.observation.device_mask)
            action = int(rng.choice(allowed)) if allowed.size else 0
            turns.append(Turn(number, state, decision, action, step(state, jnp.asarray(action, jnp.int32))))
            state = turns[-1].step.state
    return Trial(environment, key, tapes, starts, turns, begun, len(traces))


def check_chance(trial: Trial) -> None:
    """Check that a tape depends on its key and its number alone."""
    first, second = (trial.environment.tape(trial.key, 3) for _ in range(2))
    _same("The same key gave two tapes", first, second)


def check_reading(trial: Trial) -> None:
    """Check that looking changes nothing: `decision` shows the same twice, and what `start` and `step` show."""
    environment, turn = trial.environment, trial.turns[0]
    first, second = (environment.decision(turn.state) for _ in range(2))
    _same("Reading `decision` twice gave two answers", first, second)
    for begin, (_, observation) in zip(trial.begun, trial.starts, strict=True):
        shown = trial.turns[begin].decision.observation
        _close("`decision` does not show what `start` showed", observation, shown)
    for before, after in zip(trial.turns, trial.turns[1:], strict=False):
        if before.step.state is after.state:
            _close(
                "`decision` does not show what `step` showed",
                before.step.observation,
                after.decision.observation,
            )


def check_repetition(trial: Trial) -> None:
    """Check that the same tape and the same actions give the same bits."""
    environment = trial.environment

    def played() -> list[Any]:
        state, observation = environment.start(trial.tapes[0])
        seen: list[Any] = [observation]
        for turn in trial.turns[: min(3, environment.num_steps)]:
            seen.append(environment.step(state, jnp.asarray(turn.action, jnp.int32)))
            state = seen[-1].state
        return seen

    _same("The same tape and actions gave two episodes", played(), played())


def check_observations(trial: Trial) -> None:
    """Check that observations are finite numbers of 32 bits whose shapes stay."""
    first = trial.starts[0][1]
    for turn in trial.turns:
        for label in ("devices", "context", "device_mask"):
            value, like = getattr(turn.step.observation, label), getattr(first, label)
            wanted = jnp.bool_ if label == "device_mask" else jnp.float32
            if value.dtype != wanted or like.dtype != wanted:
                _fail(f"`observation.{label}` must be {jnp.dtype(wanted).name}, got {value.dtype}.")
            if value.shape != like.shape:
                _fail(f"The shape of `observation.{label}` changed from {like.shape} to {value.shape}.")
            if not np.all(np.isfinite(value)):
                _fail(f"`observation.{label}` is not finite at choice {turn.number}.")


def check_masks(trial: Trial) -> None:
    """Check that there is always a device to choose before the end."""
    for turn in trial.turns:
        if turn.decision.valid and not np.any(turn.decision.observation.device_mask):
            _fail(f"No device may be chosen at choice {turn.number}, and the episode is not over.")


def check_rewards(trial: Trial) -> None:
    """Check that allowed devices earn what was laid out, and forbidden ones NaN."""
    environment = trial.environment
    for turn in trial.turns:
        if not turn.decision.valid:
            continue
        place, laid_out = turn.number, np.asarray(turn.decision.rewards)
        mask = np.asarray(turn.decision.observation.device_mask)
        if not np.isfinite(turn.step.reward):
            _fail(f"The allowed device {turn.action} earned {float(turn.step.reward)} at choice {place}.")
        if not np.all(np.isfinite(laid_out) == mask):
            device = int(np.flatnonzero(np.isfinite(laid_out) != mask)[0])
            kind = "allowed" if mask[device] else "forbidden"
            _fail(f"`rewards` is {laid_out[device]} for the {kind} device {device} at choice {place}.")
        what = f"`step` and `rewards` disagree about device {turn.action} at choice {place}"
        _close(what, turn.step.reward, turn.decision.rewards[turn.action])
    for turn in trial.turns:
        forbidden = np.flatnonzero(~np.asarray(turn.decision.observation.device_mask))
        if turn.decision.valid and forbidden.size:
            earned = environment.step(turn.state, jnp.asarray(forbidden[0], jnp.int32)).reward
            if not np.isnan(earned):
                _fail(f"The forbidden device {forbidden[0]} earned {float(earned)}, which must be NaN.")
            return


def check_end(trial: Trial) -> None:
    """Check that an episode ends in time, once, says so, and gives nothing afterwards."""
    num_steps = trial.environment.num_steps
    for begin in trial.begun:
        turns = trial.turns[begin : begin + num_steps + 2]
        over = [bool(turn.step.terminated | turn.step.truncated) for turn in turns]
        if not over[num_steps - 1]:
            _fail(f"The episode is not over after `num_steps` choices, which are {num_steps}.")
        end = over.index(True)
        for n, turn in enumerate(turns):
            if bool(turn.decision.valid) != (n <= end):
                _fail(f"`decision.valid` is wrong at choice {n}; the end came with choice {end}.")
            if bool(trial.environment.unfinished(turn.state)) != (n <= end):
                _fail(f"`unfinished` is wrong at choice {n}; the end came with choice {end}.")
            if n > end and float(turn.step.reward) != 0.0:
                _fail(f"A choice after the end earned {float(turn.step.reward)}, which must be 0.")
            if n > end and not over[n]:
                _fail("The episode goes on after its end.")


def check_tracing(trial: Trial) -> None:
    """Check that compiled code does what plain code does."""
    turn = trial.turns[0]
    plain = trial.environment.step(turn.state, jnp.asarray(turn.action, jnp.int32))
    _close("`step` compiled and not compiled differ", turn.step, plain)
    _close(
        "`start` compiled and not compiled differ", trial.starts[0], trial.environment.start(trial.tapes[0])
    )


def check_batches(trial: Trial) -> None:
    """Check that a batch of two does what each does alone."""
    environment, turns = trial.environment, [trial.turns[begin] for begin in trial.begun]
    states = jax.tree.map(lambda *leaves: jnp.stack(leaves), *(turn.state for turn in turns))
    actions = jnp.asarray([turn.action for turn in turns], jnp.int32)
    together = jax.jit(jax.vmap(lambda state, action: environment.step(state, action)))(states, actions)
    for n, turn in enumerate(turns):
        alone = jax.tree.map(lambda leaf, n=n: leaf[n], together)
        _close("`step` alone and in a batch differ", turn.step, alone)


def check_compilation(trial: Trial) -> None:
    """Check that `step` is compiled once: its state keeps its shapes and types."""
    if trial.num_traces != 1:
        _fail(f"`step` was traced {trial.num_traces} times: the shapes or types of its state change.")


CHECKS: tuple[Callable[[Trial], None], ...] = (
    check_observations,
    check_compilation,
    check_masks,
    check_end,
    check_rewards,
    check_reading,
    check_repetition,
    check_chance,
    check_tracing,
    check_batches,
)
"""All checks, in an order in which the first failure says most."""


def check_environment(environment: Environment, key: Key[Array, ""]) -> None:
    """Check all that an environment must promise.

    Args:
      environment: the environment.
      key: chance.

    Raises:
      AssertionError: a promise is broken; the text says which.
    """
    trial = try_out(environment, key)
    for check in CHECKS:
        check(trial)


class EnvironmentConformance:
    """Tests for pytest: inherit, name the class `Test...`, and return an environment."""

    _trials: ClassVar[dict[type, Trial]] = {}

    def environment(self) -> Environment:
        """Make the environment that is tested."""
        raise NotImplementedError

    def key(self) -> Key[Array, ""]:
        """Make the key of the tapes that are played."""
        return jax.random.key(0)

    def trial(self) -> Trial:
        """Try the environment out, once for all tests."""
        if type(self) not in self._trials:
            self._trials[type(self)] = try_out(self.environment(), self.key())
        return self._trials[type(self)]

    def test_observations_are_finite_and_keep_their_shapes(self) -> None:
        """See `check_observations`."""
        check_observations(self.trial())

    def test_step_is_compiled_once(self) -> None:
        """See `check_compilation`."""
        check_compilation(self.trial())

    def test_there_is_a_device_to_choose(self) -> None:
        """See `check_masks`."""
        check_masks(self.trial())

    def test_episodes_end(self) -> None:
        """See `check_end`."""
        check_end(self.trial())

    def test_rewards_follow_the_mask(self) -> None:
        """See `check_rewards`."""
        check_rewards(self.trial())

    def test_looking_changes_nothing(self) -> None:
        """See `check_reading`."""
        check_reading(self.trial())

    def test_the_same_tape_gives_the_same_bits(self) -> None:
        """See `check_repetition`."""
        check_repetition(self.trial())

    def test_the_same_key_gives_the_same_tape(self) -> None:
        """See `check_chance`."""
        check_chance(self.trial())

    def test_compiled_and_plain_code_agree(self) -> None:
        """See `check_tracing`."""
        check_tracing(self.trial())

    def test_a_batch_and_one_alone_agree(self) -> None:
        """See `check_batches`."""
        check_batches(self.trial())


def _fail(message: str) -> None:
    raise AssertionError(message)


def _same(what: str, first: Any, second: Any) -> None:
    _compare(
        what, first, second, lambda one, other: np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    )


def _close(what: str, first: Any, second: Any) -> None:
    def close(one: Any, other: Any) -> bool:
        return one.shape == other.shape and np.allclose(one, other, _TOLERANCE, _TOLERANCE, equal_nan=True)

    _compare(what, first, second, close)


def _compare(what: str, first: Any, second: Any, agree: Callable[[Any, Any], bool]) -> None:
    """Refuse two trees that differ, and name the first leaf in which they do."""
    one, other = (jax.tree_util.tree_leaves_with_path(tree) for tree in (first, second))
    if len(one) != len(other):
        _fail(f"{what}: {len(one)} and {len(other)} arrays.")
    for (path, left), (_, right) in zip(one, other, strict=True):
        if not agree(_numbers(left), _numbers(right)):
            _fail(f"{what}, in `{jax.tree_util.keystr(path).lstrip('.') or 'value'}`.")


def _numbers(leaf: Any) -> Any:
    """Read a leaf as numbers; a key as its bits."""
    if jnp.issubdtype(getattr(leaf, "dtype", np.float32), jax.dtypes.prng_key):
        leaf = jax.random.key_data(leaf)
    return np.asarray(leaf)
