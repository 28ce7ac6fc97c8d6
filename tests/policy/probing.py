"""Train an agent on a probe and read what its networks say of every place."""

from types import ModuleType
from typing import Any

import jax
import numpy as np

from net4moe.policy import dqn, ppo, sac
from net4moe.policy.inference import Outputs, outputs
from net4moe.policy.networks import as_weights, dueling, layout_for, masked_log_softmax
from net4moe.policy.scales import return_size, reward_size, standardised
from net4moe.policy.training import Run, Setup, begin_run, evaluation_tapes, play_chunk, training_tapes
from tests import probes
from tests.compiling import optimised

DISCOUNT = 0.9
AGENTS: dict[str, tuple[ModuleType, Any]] = {
    "sac": (
        sac,
        sac.SACConfig(
            num_epochs=1_200,
            evaluation_interval=300,
            num_evaluation_episodes=64,
            num_hidden=16,
            batch_size=64,
            discount=DISCOUNT,
            polyak=0.05,
        ),
    ),
    "dqn": (
        dqn,
        dqn.DQNConfig(
            num_epochs=800,
            evaluation_interval=200,
            num_evaluation_episodes=64,
            num_hidden=16,
            batch_size=64,
            discount=DISCOUNT,
            polyak=0.05,
        ),
    ),
    "ppo": (
        ppo,
        ppo.PPOConfig(
            num_epochs=60,
            evaluation_interval=15,
            num_envs=16,
            num_rollout_steps=16,
            num_evaluation_episodes=64,
            num_hidden=16,
            discount=DISCOUNT,
        ),
    ),
}
"""Each agent's module and a configuration that is enough for every probe."""


def run_of(agent: str, probe: probes.Probe, config: Any = None) -> tuple[Run, Any]:
    """Train to the end; give the run and the metrics of the last chunk."""
    module, usual = AGENTS[agent]
    setup = Setup(module.AGENT, config or usual, probe, probe)
    key = jax.random.key(0)
    run, measured = begin_run(setup, training_tapes(setup, key, 0), key), None
    evaluation = evaluation_tapes(probe, setup.config, key)
    with optimised():
        for chunk in range(setup.config.num_epochs // setup.config.evaluation_interval):
            run, measured = play_chunk((setup, training_tapes(setup, key, chunk), evaluation), run)
    return run, measured


def _numbers(agent: str, run: Run, probe: probes.Probe, network: int) -> Outputs:
    config, observation = AGENTS[agent][1], standardised(run.scales, probes.observe_all(probe))
    vectors = {
        "sac": lambda: run.learner.trainable.networks,
        "dqn": lambda: run.learner.network[None],
        "ppo": lambda: run.learner.networks,
    }[agent]()
    return jax.device_get(outputs(as_weights(layout_for(config, observation), vectors[network]), observation))


def q_values(agent: str, run: Run, probe: probes.Probe) -> np.ndarray:
    """Read the Q-values in reward units, places by choices; NaN where forbidden."""
    numbers = _numbers(agent, run, probe, {"sac": 1, "dqn": 0}[agent])
    size = reward_size(run.scales)
    q = dueling(numbers, probe.mask, return_size(run.scales) / size) * size
    return np.where(probe.mask, q, np.nan)


def values(agent: str, run: Run, probe: probes.Probe) -> np.ndarray:
    """Read the values of the places in reward units: PPO's own, else the greatest Q-value."""
    if agent == "ppo":
        return np.asarray(_numbers(agent, run, probe, 1).pooled * return_size(run.scales))
    q = q_values(agent, run, probe)
    return np.where(np.isnan(q), -np.inf, q).max(axis=1)


def probabilities(agent: str, run: Run, probe: probes.Probe) -> np.ndarray:
    """Read the policy's probabilities, places by choices."""
    logits: Any = _numbers(agent, run, probe, 0).devices
    return np.exp(masked_log_softmax(logits, probe.mask))
