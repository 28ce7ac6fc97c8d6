"""An agent that learns nothing, in no time, for the tests of what goes on around a training."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np

from net4moe.environment.observation import CONTEXT_FEATURES, DEVICE_FEATURES
from net4moe.policy.inference import SelectionPolicy
from net4moe.policy.networks import as_weights, initial_vectors, layout
from net4moe.policy.sac_config import SACConfig
from net4moe.policy.training import Trained


class Metrics(NamedTuple):
    """The least that an agent measures."""

    epoch: Any
    num_steps: Any
    evaluation_reward: Any


class Apprentice:
    """Trains nothing: each seed gets a network drawn from its key, after three chunks; may be killed in one."""

    def __init__(self, *, killed_in: int = 0) -> None:
        """Be killed in that chunk; 0 for never."""
        self.killed_in, self.keys = killed_in, []

    def train_seeds(
        self,
        environment: Any,
        config: SACConfig,
        keys: Sequence[Any],
        *,
        on_progress: Callable[[Any], None],
        keep_in: Sequence[Path],
    ) -> tuple[Trained, ...]:
        """Leave a file for each seed, and tell three chunks."""
        self.keys = [jax.random.key_data(key).tolist() for key in keys]
        for chunk in (1, 2, 3):
            if chunk == self.killed_in:
                raise KeyboardInterrupt
            on_progress(
                Metrics(np.full(len(keys), chunk), np.full(len(keys), 64 * chunk), np.zeros(len(keys)))
            )
        shape = layout(len(DEVICE_FEATURES), len(CONTEXT_FEATURES), 4, 0)
        for path in keep_in:
            path.write_bytes(b"kept")
        return tuple(
            Trained(
                SelectionPolicy(weights=jax.device_get(as_weights(shape, initial_vectors(key, shape, 1)[0]))),
                Metrics(np.arange(1, 4), 64 * np.arange(1, 4), np.arange(3.0)),
            )
            for key in keys
        )
