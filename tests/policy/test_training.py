"""The loop: seeds, threads, one compilation, evaluation, progress, and going on bit by bit."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from net4moe.environment import Observation
from net4moe.environment.episodes import Step, returns
from net4moe.policy import sac
from net4moe.policy.training import Setup, evaluation_tapes, training_tapes
from tests import probes
from tests.policy.probing import AGENTS

AGENT_NAMES = pytest.mark.parametrize("agent", list(AGENTS))
NUM_CHUNKS = 4
TRACES: list[int] = []


class CountedProbe(probes.Probe):
    """A probe that counts how often a step is traced."""

    def step(self, state: probes.ProbeState, action: jax.Array) -> Step:
        """Count, and make one choice."""
        TRACES.append(1)
        return super().step(state, action)


def counted(probe: probes.Probe) -> Any:
    """Let a probe count."""
    kind: Any = CountedProbe
    return kind(probe.rewards.tolist(), probe.leads_to.tolist(), mask=probe.mask.tolist())


PROBE = counted(probes.reward_of_patience())  # one kind for all tests here: each agent compiles once


def short(agent: str) -> Any:
    """Shorten the agent's training to four chunks of a few epochs."""
    config = AGENTS[agent][1]
    small = {"num_epochs": 8, "evaluation_interval": 2, "num_evaluation_episodes": 16, "num_envs": 4}
    small |= {} if agent == "ppo" else {"num_kept_epochs": 5, "batch_size": 16}
    return dataclasses.replace(config, **small)


def keys_of(*seeds: int) -> list[jax.Array]:
    """Make keys."""
    return [jax.random.key(seed) for seed in seeds]


def same(first: Any, second: Any) -> bool:
    """Tell whether two trees of arrays are the same bit by bit; NaN is NaN."""
    return jax.tree.all(jax.tree.map(lambda x, y: np.array_equal(x, y, equal_nan=True), first, second))


@AGENT_NAMES
def test_same_key_same_bits_whatever_the_others_are(agent: str) -> None:
    """A seed alone, beside another, and as the second of two."""
    module = AGENTS[agent][0]
    alone = module.train(PROBE, short(agent), jax.random.key(5))
    first, other = module.train_seeds(PROBE, short(agent), keys_of(5, 6))
    _, second = module.train_seeds(PROBE, short(agent), keys_of(7, 5))
    for run in (first, second):
        assert same(alone.policy.weights, run.policy.weights)
        assert same(alone.metrics, run.metrics)
    assert not same(alone.policy.weights, other.policy.weights)


@AGENT_NAMES
def test_stopped_and_resumed_is_unbroken(agent: str, tmp_path: Path) -> None:
    """Stop after two of four chunks and go on: policy, metrics and all that is kept are the same bit by bit."""
    module, config = AGENTS[agent][0], short(agent)
    unbroken = module.train(PROBE, config, jax.random.key(0), keep_in=tmp_path / "unbroken.safetensors")
    path = tmp_path / "broken.safetensors"
    seen: list[Any] = []

    def stop_after_two(metrics: Any) -> None:
        seen.append(metrics)
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        module.train(
            PROBE, config, jax.random.key(0), on_progress=stop_after_two, keep_in=path, keep_interval=1
        )
    replayed: list[Any] = []
    resumed = module.train(
        PROBE, config, jax.random.key(0), on_progress=replayed.append, keep_in=path, keep_interval=1
    )
    assert same(unbroken.policy.weights, resumed.policy.weights)
    assert same(unbroken.metrics, resumed.metrics)
    assert len(replayed) == NUM_CHUNKS
    assert same(seen, replayed[:2])
    kept = [safetensors.numpy.load_file(tmp_path / f"{name}.safetensors") for name in ("broken", "unbroken")]
    assert same(*kept)
    assert any("replay" in name for name in kept[0]) == (agent != "ppo")


def test_a_run_that_is_done_is_not_played_again(tmp_path: Path) -> None:
    """Its file gives the policy and the metrics."""
    path = tmp_path / "run.safetensors"
    first = sac.train(PROBE, short("sac"), jax.random.key(0), keep_in=path)
    before = path.stat().st_mtime_ns
    again = sac.train(PROBE, short("sac"), jax.random.key(0), keep_in=path)
    assert same(first.policy.weights, again.policy.weights)
    assert same(first.metrics, again.metrics)
    assert path.stat().st_mtime_ns == before


@AGENT_NAMES
def test_one_compilation_serves_all_chunks_and_seeds(agent: str) -> None:
    """Nothing is traced after the first chunk, nor for another key, nor for other numbers in the same shapes."""
    module, config = AGENTS[agent][0], short(agent)
    after_first: list[int] = []
    module.train_seeds(PROBE, config, keys_of(0, 1), on_progress=lambda _: after_first.append(len(TRACES)))
    assert len(set(after_first)) == 1
    module.train(counted(probes.reward_later()), config, jax.random.key(3))
    assert after_first[-1] == len(TRACES) > 0


@AGENT_NAMES
def test_progress_tells_all_seeds(agent: str) -> None:
    """One row per key and chunk; the columns of all agents begin alike."""
    module, config = AGENTS[agent][0], short(agent)
    seen: list[Any] = []
    trained = module.train_seeds(PROBE, config, keys_of(0, 1), on_progress=seen.append)
    assert module.Metrics._fields[:4] == ("epoch", "num_steps", "evaluation_reward", "training_reward")
    assert [metrics.epoch.tolist() for metrics in seen] == [[epoch] * 2 for epoch in (2, 4, 6, 8)]
    num_steps = config.num_envs * config.num_rollout_steps
    assert [metrics.num_steps[0] for metrics in seen] == [num_steps * epoch for epoch in (2, 4, 6, 8)]
    for index, run in enumerate(trained):
        assert same(run.metrics, type(seen[0])(*(np.stack(c)[:, index] for c in zip(*seen, strict=True))))


@AGENT_NAMES
def test_the_last_evaluation_is_that_of_the_policy(agent: str) -> None:
    """The policy that comes back earns on the tapes of the evaluation what the metrics say."""
    module, config = AGENTS[agent][0], short(agent)
    key, where = jax.random.key(2), counted(probes.reward_by_action())
    trained = module.train(PROBE, config, key, evaluate_on=where)
    earned = returns(where, trained.policy, evaluation_tapes(where, config, key))
    np.testing.assert_allclose(np.mean(earned), trained.metrics.evaluation_reward[-1], rtol=1e-6)


def test_training_and_evaluation_share_no_tape() -> None:
    """Tapes of the chunks and of the evaluation are drawn with different keys."""
    config = dataclasses.replace(short("sac"), num_rollout_steps=32)
    setup = Setup(sac.AGENT, config, Drawn(), Drawn())  # pyright: ignore[reportArgumentType]
    key = jax.random.key(0)
    batches = [training_tapes(setup, key, chunk) for chunk in range(3)]
    everything = np.concatenate([*batches, evaluation_tapes(setup.played_on, config, key)])
    assert np.unique(everything).size == everything.size
    assert batches[0].size == 48  # 4 environments need 8 + 1 episodes each: 36, in batches of 16


class Drawn(probes.Probe):
    """A probe whose tape is a random number."""

    def __init__(self) -> None:
        """Lay out one place."""
        super().__init__([[0.0]], [[-1]])

    def tape(self, key: jax.Array, episode: jax.Array | int = 0) -> Any:
        """Draw a number."""
        return jax.random.uniform(key)


class Narrow(probes.Probe):
    """A probe with a version, and other numbers of columns than the scenarios."""

    version = 7

    def look(self, place: Any) -> Observation:
        """Show two columns of the devices and one of the context."""
        shown = super().look(place)
        return Observation(shown.devices[:, :2], shown.context[:1], shown.device_mask)


def test_any_environment_will_do() -> None:
    """Networks take the shape of what the environment shows; its version is kept."""
    narrow: Any = Narrow
    trained = sac.train(narrow([[1.0, 0.0]], [[-1, -1]]), short("sac"), jax.random.key(0))
    assert trained.policy.weights.encode_device.shape == (2, 16)
    assert trained.policy.environment_version == 7


def test_what_is_learned_on_few_devices_acts_on_a_thousand() -> None:
    """The same weights choose among any number."""
    trained = sac.train(PROBE, short("sac"), jax.random.key(0))
    shown = probes.observe_all(PROBE)
    many = Observation(
        jnp.tile(shown.devices, (1, 400, 1)), shown.context, jnp.tile(shown.device_mask, (1, 400))
    )
    chosen = np.asarray(trained.policy.choose(jax.device_get(many)))
    assert np.asarray(many.device_mask)[0, chosen[0]]


def test_no_key_and_not_one_path_per_key_are_refused(tmp_path: Path) -> None:
    """There is nothing to train; a run without a file would be lost."""
    with pytest.raises(ValueError, match=f"^{re.escape('`keys` must hold at least 1 key, got 0.')}$"):
        sac.train_seeds(PROBE, short("sac"), ())
    text = "`keep_in` must hold one path per key, got 1 for 2 keys."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        sac.train_seeds(PROBE, short("sac"), keys_of(0, 1), keep_in=[tmp_path / "one.safetensors"])
