"""Adding up what a policy earns."""

import math

import numpy as np

from net4moe.environment import Decisions, Observation, evaluate


def decisions_of(rewards: list[list[list[float]]], valid: list[list[bool]] | None = None) -> Decisions:
    """Lay out decisions with the given rewards [B, S, N]; NaN is forbidden."""
    array = np.array(rewards)
    steps = array.shape[:2]
    return Decisions(
        observation=Observation(
            devices=np.zeros((*array.shape, 8)), context=np.zeros((*steps, 2)), device_mask=~np.isnan(array)
        ),
        turn=np.arange(math.prod(steps)).reshape(steps),
        uniform=np.full(steps, 0.5),
        valid=np.ones(steps, np.bool_) if valid is None else np.array(valid),
        rewards=array,
        mean_rewards=array,
    )


def test_rewards_of_the_chosen_devices_are_added() -> None:
    """Always the second device: 2 + 4 and 6, the padding counts nothing."""
    decisions = decisions_of([[[1, 2], [3, 4]], [[5, 6], [7, 8]]], valid=[[True, True], [True, False]])
    np.testing.assert_array_equal([6, 6], evaluate(lambda given: np.ones((2, 2), int), decisions))


def test_a_forbidden_choice_shows() -> None:
    """It gives no number rather than a plausible one."""
    decisions = decisions_of([[[1, math.nan]]])
    np.testing.assert_array_equal([math.nan], evaluate(lambda given: np.ones((1, 1), int), decisions))
