"""Playing tapes to their end, and adding up what they earned."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from net4moe.environment.decisions import Decisions
from net4moe.environment.episodes import play, returns
from tests.probes import Probe, reward_forbidden, reward_of_patience


def tapes_of(probe: Probe, count: int) -> Any:
    """Draw tapes."""
    return jax.vmap(probe.tape)(jax.random.split(jax.random.key(0), count), jnp.arange(count))


def always(action: int) -> Any:
    """Make the policy that chooses one device."""
    return lambda decisions: jnp.asarray(action)


def test_rewards_of_the_chosen_devices_are_added_until_the_end() -> None:
    """Device 0 is 1 at once and then 0; nothing counts after the second choice, of eight."""
    probe = reward_of_patience()
    episode = jax.jit(lambda tape: play(probe, always(0), tape))(probe.tape(jax.random.key(0)))
    np.testing.assert_array_equal([True, True] + [False] * 6, episode.valid)
    np.testing.assert_array_equal([1.0, 0.0], episode.rewards[:2])
    np.testing.assert_array_equal([1.0, 1.0, 1.0], returns(probe, always(0), tapes_of(probe, 3)))
    np.testing.assert_array_equal([3.0], returns(probe, always(1), tapes_of(probe, 1)))


def test_a_forbidden_choice_shows() -> None:
    """It gives no number rather than a plausible one."""
    probe = reward_forbidden()
    np.testing.assert_array_equal([np.nan], returns(probe, always(1), tapes_of(probe, 1)))


class Counting(eqx.Module):
    """Chooses the device whose number is how often it has learned, and remembers what it earned."""

    def initial(self, num_devices: int) -> Any:
        """Know nothing."""
        return jnp.zeros((), jnp.int32), jnp.zeros(())

    def choose(self, memory: Any, decisions: Decisions) -> Any:
        """Count up: device 0, then device 1."""
        return jnp.minimum(memory[0], 1)

    def learn(self, memory: Any, decisions: Decisions, action: Any, reward: Any) -> Any:
        """Count a choice."""
        return memory[0] + 1, memory[1] + reward


def test_an_adaptive_policy_learns_within_an_episode_and_starts_anew() -> None:
    """Device 0 for 2 at first, then device 1 for 5: 7 on each tape, since the memory begins empty each time."""
    probe = Probe([[2.0, 0.0], [0.0, 5.0]], [[1, 1], [-1, -1]])
    np.testing.assert_array_equal([7.0, 7.0], returns(probe, Counting(), tapes_of(probe, 2)))
