"""One small environment and one training of it, shared by the tests of this room."""

import jax
import numpy as np
import pytest

from net4moe.environment.outcomes import estimate, split, take
from net4moe.environment.selection import ExpertSelection
from net4moe.environment.synthetic import draw_devices, draw_outcomes
from net4moe.network import fleet_arrays
from net4moe.policy import SACConfig
from net4moe.policy.sac import Trained, train_seeds


@pytest.fixture(scope="session")
def selections() -> tuple[ExpertSelection, ExpertSelection]:
    """Draw 60 prompts for 4 devices: an environment to learn in and a held-out one.

    Every fourth prompt has 2 subtasks, the others 3; one row in ten is unscored.
    """
    outcomes = draw_outcomes(60, 3, 4, 3, seed=2)
    outcomes.subtask_mask[::4, 2] = False
    outcomes.scored[np.random.default_rng(0).random(outcomes.scored.shape) < 0.1] = False
    outcomes.scored[..., 3] = True
    learn, held_out = split([str(index) for index in range(60)], 0.25, seed=0)
    expectations = estimate(take(outcomes, learn), num_fields=3)
    fleet = fleet_arrays(draw_devices(4, seed=2))
    return (
        ExpertSelection(take(outcomes, learn), expectations, fleet),
        ExpertSelection(take(outcomes, held_out), expectations, fleet),
    )


@pytest.fixture(scope="session")
def config() -> SACConfig:
    """Learn for 600 epochs of few choices."""
    return SACConfig(num_epochs=600, num_kept_epochs=200)


@pytest.fixture(scope="session")
def trained(selections: tuple[ExpertSelection, ExpertSelection], config: SACConfig) -> tuple[Trained, ...]:
    """Train three seeds; the last repeats the first."""
    keys = [jax.random.key(seed) for seed in (0, 1, 0)]
    return train_seeds(selections[0], config, keys, evaluate_on=selections[1])
