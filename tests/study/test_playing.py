"""Policies play the same tapes as one by one."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.episodes import returns
from net4moe.policy.inference import SelectionPolicy
from net4moe.policy.networks import as_weights, initial_vectors, layout
from net4moe.study.playing import returns_of_agents, returns_of_practised, returns_of_rules
from tests.probes import Probe, reward_by_action

PROBE = reward_by_action()


def tapes_of(probe: Probe, count: int) -> Any:
    """Draw tapes."""
    return jax.vmap(probe.tape)(jax.random.split(jax.random.key(0), count), jnp.arange(count))


def test_rules_earn_together_what_each_earns_alone() -> None:
    """A row for each rule; 2 where the place fits the device, 0 where it does not."""
    tapes = tapes_of(PROBE, 20)
    rules = tuple(lambda decisions, action=action: np.int32(action) for action in range(3))
    together = np.asarray(returns_of_rules(PROBE, rules, tapes))
    for row, rule in zip(together, rules, strict=True):
        np.testing.assert_array_equal(returns(PROBE, rule, tapes), row)
    np.testing.assert_array_equal(2.0 * (np.asarray(tapes.begin) == 0), together[0])
    np.testing.assert_array_equal(np.ones(20), together[1])


def test_trained_policies_play_the_tapes_of_their_own_seed() -> None:
    """Two networks, each on its tapes, as alone."""
    observation = PROBE.look(0)
    shape = layout(observation.devices.shape[-1], observation.context.shape[-1], 4, 0)
    policies = [
        SelectionPolicy(weights=jax.device_get(as_weights(shape, vector)))
        for vector in initial_vectors(jax.random.key(1), shape, 2)
    ]
    tapes = [tapes_of(PROBE, 5), tapes_of(PROBE, 5)]
    expected = [returns(PROBE, policy, taped) for policy, taped in zip(policies, tapes, strict=True)]
    np.testing.assert_array_equal(np.stack(expected), returns_of_agents(PROBE, policies, tapes))


class _Counting:
    """Takes device 1 once it has learned ten times."""

    def initial(self, num_devices: int) -> Any:
        return jnp.zeros((), jnp.int32)

    def choose(self, memory: Any, decisions: Any) -> Any:
        return jnp.where(memory >= 10, 1, 0)

    def learn(self, memory: Any, decisions: Any, action: Any, reward: Any) -> Any:
        return memory + 1


def test_practice_comes_before_play() -> None:
    """Each practised episode teaches; the tapes of play start from there, all alike."""
    probe = Probe([[0.0, 5.0]], [[-1, -1]])
    tapes = tapes_of(probe, 4)
    np.testing.assert_array_equal([0.0] * 4, returns(probe, _Counting(), tapes))
    np.testing.assert_array_equal(
        [5.0] * 4, returns_of_practised(probe, _Counting(), tapes_of(probe, 10), tapes)
    )
