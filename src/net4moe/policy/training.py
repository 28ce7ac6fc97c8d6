"""The loop that all agents train in: seeds, threads, chunks of epochs, evaluation, and going on."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.episodes import returns
from net4moe.policy import training_state
from net4moe.policy.inference import SelectionPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from jaxtyping import Array, Float, Int, Key

    from net4moe.environment.episodes import Environment
    from net4moe.policy.inference import NetworkWeights
    from net4moe.policy.rollout import Players
    from net4moe.policy.scales import Scales

__all__ = [
    "Agent",
    "Config",
    "PlayedEpoch",
    "Run",
    "Setup",
    "Trained",
    "begin_run",
    "evaluation_tapes",
    "play_chunk",
    "training_tapes",
]

_EVALUATION, _TRAINING = 1, 2


class Config(Protocol):
    """What the loop reads of an agent's configuration."""

    @property
    def num_epochs(self) -> int:
        """Epochs in all."""
        ...

    @property
    def num_envs(self) -> int:
        """Environments played side by side."""
        ...

    @property
    def num_rollout_steps(self) -> int:
        """Choices in each environment in one epoch."""
        ...

    @property
    def evaluation_interval(self) -> int:
        """Epochs between two evaluations."""
        ...

    @property
    def num_evaluation_episodes(self) -> int:
        """Episodes of an evaluation."""
        ...


class Run(NamedTuple):
    """Everything that an epoch changes, and all that a run needs to go on.

    Attributes:
      learner: networks, optimiser and what else learns.
      players: where the environments stand.
      replay: a `Replay` to learn from again; None for an agent that keeps none.
      scales: how large rewards, values and features are.
      epoch: epochs done.
      key: source of chance for what follows.
    """

    learner: Any
    players: Players
    replay: Any
    scales: Scales
    epoch: Int[Array, ""]
    key: Key[Array, ""]


class PlayedEpoch(NamedTuple):
    """What one epoch leaves behind.

    Attributes:
      run: where it stands now.
      earned: rewards of the episodes that ended, added up.
      num_ended: how many ended.
      measured: losses and the like; the fields of the agent's metrics after the first four.
    """

    run: Run
    earned: Float[Array, ""]
    num_ended: Int[Array, ""]
    measured: tuple[Float[Array, ""], ...]


class Trained(NamedTuple):
    """A trained policy and how it came about.

    Attributes:
      policy: the policy after the last epoch.
      metrics: the agent's metrics, a NamedTuple; the first axis counts the chunks.
    """

    policy: SelectionPolicy
    metrics: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A way to learn.

    Attributes:
      name: short name.
      begin: makes a run from an environment, a configuration, a key, and tapes.
      play_epoch: plays and learns, in an environment, with a configuration, from a run, on tapes.
      weights: picks the network whose greatest number is the choice, from a configuration and a run; it looks
        at features as they are.
      metrics: what is measured after each chunk; begins with `epoch`, `num_steps`, `evaluation_reward` and
        `training_reward`.
    """

    name: str
    begin: Callable[[Environment, Any, Key[Array, ""], Any], Run]
    play_epoch: Callable[[Environment, Any, Run, Any], PlayedEpoch]
    weights: Callable[[Any, Run], NetworkWeights]
    metrics: Callable[..., Any]

    def train(
        self,
        environment: Environment,
        config: Any,
        key: Key[Array, ""],
        *,
        evaluate_on: Environment | None = None,
        on_progress: Callable[[Any], None] | None = None,
        keep_in: Path | None = None,
        keep_interval: int = 50,
    ) -> Trained:
        """Train one policy; see `train_seeds`."""
        return self.train_seeds(
            environment,
            config,
            (key,),
            evaluate_on=evaluate_on,
            on_progress=on_progress,
            keep_in=None if keep_in is None else (keep_in,),
            keep_interval=keep_interval,
        )[0]

    def train_seeds(
        self,
        environment: Environment,
        config: Any,
        keys: Sequence[Key[Array, ""]],
        *,
        evaluate_on: Environment | None = None,
        on_progress: Callable[[Any], None] | None = None,
        keep_in: Sequence[Path] | None = None,
        keep_interval: int = 50,
    ) -> tuple[Trained, ...]:
        """Train one policy per key, with one compilation and as many threads as there are cores.

        All seeds advance side by side, one chunk of `evaluation_interval` epochs after the other. Each is
        evaluated on episodes of its own, `evaluation_tapes`, the same after every chunk.

        Args:
          environment: where to learn.
          config: how to learn.
          keys: one per policy; the same key gives the same bits on the same machine, whatever the others are.
          evaluate_on: the environment of the evaluation, with held-out prompts; else the one to learn in.
          on_progress: called after each chunk with its metrics, one row per key, also for chunks that a file has
            kept; what it raises ends the training.
          keep_in: one file per key, `.safetensors`, in which the run is kept. Where the file exists the run goes
            on from there, bit by bit as if it had never stopped.
          keep_interval: chunks between two times of keeping; it is also kept after the last.

        Returns:
          For each key the policy after the last epoch and the metrics of each chunk.

        Raises:
          ValueError: there is no key, or not one file per key.
          CheckpointError: a file is damaged or of another run, or cannot be written.
        """
        if not keys:
            message = "`keys` must hold at least 1 key, got 0."
            raise ValueError(message)
        if keep_in is not None and len(keep_in) != len(keys):
            message = f"`keep_in` must hold one path per key, got {len(keep_in)} for {len(keys)} keys."
            raise ValueError(message)
        setup = Setup(self, config, environment, environment if evaluate_on is None else evaluate_on)
        paths = keep_in or [None] * len(keys)
        seeds = [_Seed.begun(setup, key, path) for key, path in zip(keys, paths, strict=True)]
        _play_all(seeds, config.num_epochs // config.evaluation_interval, keep_interval, on_progress)
        return tuple(seed.trained() for seed in seeds)


def evaluation_tapes(environment: Environment, config: Config, key: Key[Array, ""]) -> Any:
    """Draw the episodes on which the policy of a key is evaluated; evaluate others on them to compare in pairs."""
    return _draw(environment, jax.random.fold_in(key, _EVALUATION), config.num_evaluation_episodes)


class Setup(NamedTuple):
    """What stays the same in a training.

    Attributes:
      agent: the way to learn.
      config: its configuration.
      environment: where to learn.
      played_on: where to evaluate.
    """

    agent: Agent
    config: Config
    environment: Environment
    played_on: Environment


def training_tapes(setup: Setup, key: Key[Array, ""], chunk: int) -> Any:
    """Draw the episodes of a chunk of epochs, as many as environments need for episodes of full length.

    They are drawn in batches of the evaluation's size, so that one compilation draws all tapes.
    """
    environment, config = setup.environment, setup.config
    num_steps = config.evaluation_interval * config.num_rollout_steps
    needed = config.num_envs * (math.ceil(num_steps / environment.num_steps) + 1)
    num_batches = math.ceil(needed / config.num_evaluation_episodes)
    key_training = jax.random.fold_in(key, _TRAINING)
    batches = [
        _draw(environment, jax.random.fold_in(key_training, index), config.num_evaluation_episodes)
        for index in range(chunk * num_batches, (chunk + 1) * num_batches)
    ]
    return jax.tree.map(lambda *parts: jnp.concatenate(parts), *batches) if num_batches > 1 else batches[0]


@eqx.filter_jit
def begin_run(setup: Setup, tapes: Any, key: Key[Array, ""]) -> Run:
    """Begin a run: draw networks and begin an episode in each environment."""
    return setup.agent.begin(setup.environment, setup.config, key, tapes)


@eqx.filter_jit(donate="all-except-first")
def play_chunk(fixed: tuple[Setup, Any, Any], run: Run) -> tuple[Run, Any]:
    """Run `evaluation_interval` epochs and evaluate.

    Args:
      fixed: the training, the tapes of this chunk, and those of the evaluation.
      run: where the run stands; its memory is used again.

    Returns:
      Where it stands now, and the agent's metrics.
    """
    (agent, config, environment, played_on), tapes, evaluation = fixed

    def play(run: Run, _: None) -> tuple[Run, PlayedEpoch]:
        played = agent.play_epoch(environment, config, run, tapes)
        return played.run, played._replace(run=None)

    run, played = jax.lax.scan(play, run, length=config.evaluation_interval)
    policy = SelectionPolicy(weights=agent.weights(config, run))
    measured = agent.metrics(
        run.epoch,
        run.epoch * (config.num_envs * config.num_rollout_steps),
        jnp.mean(returns(played_on, policy, evaluation)),
        jnp.sum(played.earned) / jnp.sum(played.num_ended),
        *(jnp.mean(column) for column in played.measured),
    )
    return run, measured


@eqx.filter_jit
def _draw(environment: Environment, key: Key[Array, ""], count: int) -> Any:
    return jax.vmap(environment.tape)(jax.random.split(key, count), jnp.arange(count))


@dataclass(slots=True, kw_only=True)
class _Seed:
    """One run on its way."""

    setup: Setup
    key: Key[Array, ""]
    evaluation: Any
    run: Run
    chunks: list[Any]
    path: Path | None
    origin: training_state.Origin | None

    @staticmethod
    def begun(setup: Setup, key: Key[Array, ""], path: Path | None) -> _Seed:
        """Begin a run, or go on with the one that is kept."""
        run = begin_run(setup, training_tapes(setup, key, 0), key)
        origin, chunks = None, []
        if path is not None:
            origin = training_state.origin(setup.agent.name, setup.config, setup.environment, key)
            if path.exists():
                run, columns = training_state.read(path, origin, run)
                chunks = [setup.agent.metrics(*row) for row in zip(*columns, strict=True)]
        evaluation = evaluation_tapes(setup.played_on, setup.config, key)
        return _Seed(
            setup=setup, key=key, evaluation=evaluation, run=run, chunks=chunks, path=path, origin=origin
        )

    def advance(self) -> None:
        """Play one chunk."""
        tapes = training_tapes(self.setup, self.key, len(self.chunks))
        fixed = (self.setup, tapes, self.evaluation)
        self.run, measured = jax.block_until_ready(play_chunk(fixed, self.run))
        self.chunks.append(jax.device_get(measured))

    def keep(self) -> None:
        """Write the run, where it has a file."""
        if self.path is not None and self.origin is not None:
            training_state.write(self.path, self.origin, self.run, tuple(_stack(self.chunks)))

    def trained(self) -> Trained:
        """Give the policy as it is now, and the metrics of all chunks."""
        agent, config, environment, _ = self.setup
        weights = agent.weights(config, self.run)
        policy = SelectionPolicy(
            weights=jax.device_get(weights), environment_version=getattr(environment, "version", 1)
        )
        return Trained(policy=policy, metrics=_stack(self.chunks))


def _play_all(
    seeds: Sequence[_Seed],
    num_chunks: int,
    keep_interval: int,
    on_progress: Callable[[Any], None] | None,
) -> None:
    """Advance all runs chunk by chunk, and keep them."""
    compiled = False
    with ThreadPoolExecutor(max_workers=min(len(seeds), os.cpu_count() or 1)) as threads:
        for number in range(1, num_chunks + 1):
            waiting = [seed for seed in seeds if len(seed.chunks) < number]
            for seed in waiting[: 1 - compiled]:  # alone, before several threads would each compile
                seed.advance()
            list(threads.map(_Seed.advance, waiting[1 - compiled :]))
            compiled = compiled or bool(waiting)
            if number % keep_interval == 0 or number == num_chunks:
                list(threads.map(_Seed.keep, waiting))
            if on_progress is not None:
                on_progress(_stack([seed.chunks[number - 1] for seed in seeds]))


def _stack(rows: Sequence[Any]) -> Any:
    """Put metrics side by side on a new first axis."""
    return jax.tree.map(lambda *column: np.stack(column), *rows)
