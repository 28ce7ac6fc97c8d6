"""Drawn outcomes have the structure they claim."""

import numpy as np

from net4moe.environment.outcomes import estimate
from net4moe.environment.synthetic import draw_devices, draw_outcomes
from net4moe.network import fleet_arrays


def test_scores_are_field_effects_plus_noise() -> None:
    """With thousands of rows the residuals spread as asked, and the words follow the assessment."""
    outcomes = draw_outcomes(2_000, 3, 4, 5, seed=0, field_std=0.5, noise_std=0.3)
    expectations = estimate(outcomes, num_fields=5, prior_rows=0.0)
    residuals = outcomes.score - expectations.score[outcomes.field_index]
    np.testing.assert_allclose(0.3, residuals.std(), rtol=0.02)
    np.testing.assert_allclose(1.0, expectations.words_ratio, atol=0.01)
    assert outcomes.scored.all()
    assert outcomes.subtask_mask.all()


def test_same_seed_same_fleet_and_outcomes() -> None:
    """The seed decides everything; only the first device is local."""
    assert draw_devices(5, seed=3) == draw_devices(5, seed=3)
    assert draw_devices(5, seed=3) != draw_devices(5, seed=4)
    np.testing.assert_array_equal([True, False, False], fleet_arrays(draw_devices(3, seed=0)).local)
    first, second = (draw_outcomes(3, 2, 4, 2, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.score, second.score)
