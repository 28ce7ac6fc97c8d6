"""Train by discrete soft actor-critic with action masks: Christodoulou (2019), arXiv:1910.07207."""

from __future__ import annotations

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.decisions import evaluate
from net4moe.policy.inference import SelectionPolicy, Weights, forward
from net4moe.policy.learner import Learner, Losses, initial_learner, update
from net4moe.policy.networks import masked_log_softmax
from net4moe.policy.replay import Replay, Transition, create, extend, sample
from net4moe.policy.sac_config import SACConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jaxtyping import Array, Float, Int, Key

    from net4moe.environment.decisions import Decisions
    from net4moe.environment.observation import Observation
    from net4moe.environment.selection import ExpertSelection, State

__all__ = ["Metrics", "SACConfig", "Trained", "evaluation_decisions", "train", "train_seeds"]

_EVALUATION = 1


class Metrics(NamedTuple):
    """What was measured after each chunk of `evaluation_interval` epochs.

    Attributes:
      epoch: epochs done.
      evaluation_reward: mean reward per episode of the deterministic policy on the fixed tape.
      training_reward: mean reward per episode while exploring, over the chunk.
      critic_loss: mean over the chunk.
      actor_loss: mean over the chunk.
      temperature: at the end of the chunk, reward units per nat.
      entropy: mean entropy of the policy on the sampled batches over the chunk, nats.
    """

    epoch: Int[Any, "*chunks"]
    evaluation_reward: Float[Any, "*chunks"]
    training_reward: Float[Any, "*chunks"]
    critic_loss: Float[Any, "*chunks"]
    actor_loss: Float[Any, "*chunks"]
    temperature: Float[Any, "*chunks"]
    entropy: Float[Any, "*chunks"]


class Trained(NamedTuple):
    """A trained policy and how it came about."""

    policy: SelectionPolicy
    metrics: Metrics


class _Run(NamedTuple):
    """Everything that an epoch changes."""

    learner: Learner
    replay: Replay
    epoch: Int[Array, ""]
    key: Key[Array, ""]


def train(
    selection: ExpertSelection,
    config: SACConfig,
    key: Key[Array, ""],
    *,
    evaluate_on: ExpertSelection | None = None,
    on_progress: Callable[[Metrics], None] | None = None,
) -> Trained:
    """Train one policy; see `train_seeds`.

    Args:
      selection: the environment to learn in.
      config: how to learn.
      key: the same key gives the same bits on the same machine.
      evaluate_on: the environment of the evaluation, with held-out prompts; else the one to learn in.
      on_progress: called after each chunk of epochs with its metrics, of shape [1].
    """
    return train_seeds(selection, config, (key,), evaluate_on=evaluate_on, on_progress=on_progress)[0]


def train_seeds(
    selection: ExpertSelection,
    config: SACConfig,
    keys: Sequence[Key[Array, ""]],
    *,
    evaluate_on: ExpertSelection | None = None,
    on_progress: Callable[[Metrics], None] | None = None,
) -> tuple[Trained, ...]:
    """Train one policy per key, with one compilation and as many threads as there are cores.

    All seeds advance side by side, one chunk of `evaluation_interval` epochs after the other. Each is evaluated
    on episodes of its own, `evaluation_decisions`, the same after every chunk.

    Args:
      selection: the environment to learn in.
      config: how to learn.
      keys: one per policy; the same key gives the same bits on the same machine, whatever the others are.
      evaluate_on: the environment of the evaluation, with held-out prompts; else the one to learn in.
      on_progress: called after each chunk with its metrics, one row per key; what it raises ends the
        training.

    Returns:
      For each key the policy after the last epoch and the metrics of each chunk.

    Raises:
      ValueError: there is no key.
    """
    if not keys:
        message = "`keys` must hold at least 1 key, got 0."
        raise ValueError(message)
    tapes = [evaluation_decisions(evaluate_on or selection, config, key) for key in keys]

    def play(decisions: Decisions, run: _Run) -> tuple[_Run, Metrics]:
        return jax.block_until_ready(_play_chunk(selection, decisions, config, run))

    play(tapes[0], _begin(selection, config, keys[0]))  # compiles, before several threads would each do so
    runs = [_begin(selection, config, key) for key in keys]
    chunks: list[Metrics] = []
    with ThreadPoolExecutor(max_workers=min(len(keys), os.cpu_count() or 1)) as threads:
        for _ in range(config.num_epochs // config.evaluation_interval):
            runs, measured = zip(*threads.map(play, tapes, runs), strict=True)
            chunks.append(Metrics(*(np.stack(column) for column in zip(*measured, strict=True))))
            if on_progress is not None:
                on_progress(chunks[-1])
    columns = [np.stack(column) for column in zip(*chunks, strict=True)]
    return tuple(
        Trained(
            policy=SelectionPolicy(
                weights=Weights(*jax.device_get(run.learner.trainable.actor)),
                environment_version=selection.version,
            ),
            metrics=Metrics(*(column[:, seed] for column in columns)),
        )
        for seed, run in enumerate(runs)
    )


def evaluation_decisions(selection: ExpertSelection, config: SACConfig, key: Key[Array, ""]) -> Decisions:
    """Draw the episodes on which the policy of a key is evaluated; evaluate others on them to compare in pairs."""
    return selection.draw_decisions(jax.random.fold_in(key, _EVALUATION), config.num_evaluation_episodes)


@functools.partial(jax.jit, static_argnames="config")
def _begin(selection: ExpertSelection, config: SACConfig, key: Key[Array, ""]) -> _Run:
    """Draw the networks and make an empty replay ring."""
    key_learner, key_run = jax.random.split(key)
    _, observation = jax.eval_shape(selection.reset, key)
    number, action = jnp.zeros(()), jnp.zeros((), jnp.int32)
    example = Transition(observation, action, number, number, observation, number)
    capacity = config.num_kept_epochs * config.num_envs * selection.num_subtasks
    learner = initial_learner(config, key_learner)
    return _Run(learner, create(example, capacity), action, key_run)


@functools.partial(jax.jit, static_argnames="config", donate_argnames="run")
def _play_chunk(
    selection: ExpertSelection, decisions: Decisions, config: SACConfig, run: _Run
) -> tuple[_Run, Metrics]:
    """Run `evaluation_interval` epochs and evaluate."""
    run, (rewards, losses) = jax.lax.scan(
        lambda run, _: _play_epoch(selection, config, run), run, length=config.evaluation_interval
    )
    policy = SelectionPolicy(weights=run.learner.trainable.actor)
    measured = Metrics(
        epoch=run.epoch,
        evaluation_reward=jnp.mean(evaluate(policy, decisions)),
        training_reward=jnp.mean(rewards),
        critic_loss=jnp.mean(losses.critic),
        actor_loss=jnp.mean(losses.actor),
        temperature=jnp.exp(run.learner.trainable.log_temperature),
        entropy=jnp.mean(losses.entropy),
    )
    return run, measured


def _play_epoch(
    selection: ExpertSelection, config: SACConfig, run: _Run
) -> tuple[_Run, tuple[Float[Array, ""], Losses]]:
    """Play one episode in each environment, keep the steps, and update."""
    key, key_reset, key_act, key_update = jax.random.split(run.key, 4)
    sharpness = jnp.where(run.epoch < config.num_random_epochs, 0.0, 1.0)
    steps = jax.vmap(
        functools.partial(_play_episode, selection, run.learner.trainable.actor, config, sharpness)
    )(jax.random.split(key_reset, config.num_envs), jax.random.split(key_act, config.num_envs))
    replay = extend(run.replay, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), steps))
    progress = jnp.minimum(2.0 * run.epoch / config.num_epochs, 1.0)
    ratio = config.first_target_entropy_ratio + progress * (
        config.last_target_entropy_ratio - config.first_target_entropy_ratio
    )
    learner, losses = jax.lax.scan(
        lambda learner, key: update(config, learner, sample(replay, key, config.batch_size), ratio),
        run.learner,
        jax.random.split(key_update, config.num_updates),
    )
    reward = jnp.sum(steps.r_t * steps.valid_t) / config.num_envs
    return _Run(learner, replay, run.epoch + 1, key), (reward, jax.tree.map(jnp.mean, losses))


def _play_episode(
    selection: ExpertSelection,
    actor: Weights,
    config: SACConfig,
    sharpness: Float[Array, ""],
    key_reset: Key[Array, ""],
    key_act: Key[Array, ""],
) -> Transition:
    """Play one episode with the exploring policy; `sharpness` 0 draws devices by lot."""

    def act(
        carry: tuple[State, Observation], key: Key[Array, ""]
    ) -> tuple[tuple[State, Observation], Transition]:
        state, observation = carry
        log_policy = masked_log_softmax(sharpness * forward(actor, observation), observation.device_mask)
        action = jax.random.categorical(key, log_policy)
        following, observation_t, reward, terminated = selection.step(state, action)
        transition = Transition(
            observation_tm1=observation,
            a_tm1=action.astype(jnp.int32),
            r_t=reward,
            discount_t=jnp.where(terminated, 0.0, config.discount),
            observation_t=observation_t,
            valid_t=selection.unfinished(state).astype(jnp.float32),
        )
        return (following, observation_t), transition

    start = selection.reset(key_reset)
    return jax.lax.scan(act, start, jax.random.split(key_act, selection.num_subtasks))[1]
