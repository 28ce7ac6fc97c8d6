"""Scores, differences and corrections by hand."""

import re

import numpy as np
import pytest

from net4moe.study.comparison_records import ComparisonResult, PolicyScore, ScenarioScore
from net4moe.study.comparison_results import compared_result
from tests.study.comparisons import certificates, played, two_scenarios


@pytest.fixture(scope="module")
def result() -> ComparisonResult:
    """Score the small versions."""
    return compared_result(two_scenarios(), certificates(), np.random.default_rng(0))


def of(result: ComparisonResult, scenario: str, policy: str) -> ScenarioScore:
    """Find one policy in one scenario."""
    return next(o for o in result.scenario_scores if (o.scenario, o.policy) == (scenario, policy))


def over_all(result: ComparisonResult, policy: str) -> PolicyScore:
    """Find one policy over the scenarios."""
    return next(one for one in result.policy_scores if one.policy == policy)


def test_zero_is_the_best_heuristic_and_one_the_optimum(result: ComparisonResult) -> None:
    """The agent is 2, 3, 2 and 1 of 4 above the heuristic: the middle half of the scores is 0.5."""
    harder = result.anchors[1]
    assert ("stick 0.5", 10.0, 14.0, 0.0, "sequential") == (
        harder.heuristic,
        harder.zero,
        harder.one,
        harder.chance,
        harder.label,
    )
    scores = [one.score for one in result.seed_scores if (one.scenario, one.policy) == ("harder", "sac")]
    assert [0.5, 0.75, 0.5, 0.25] == scores
    score = of(result, "harder", "sac").score
    assert score is not None
    assert 0.5 == score.point
    assert 0.25 <= score.low < score.high <= 0.75


def test_where_the_heuristic_is_the_optimum_there_is_no_score(result: ComparisonResult) -> None:
    """The control tells nothing by scores; the difference is there, and it is negative."""
    assert of(result, "plain", "sac").score is None
    assert -2.0 == of(result, "plain", "sac").above_heuristic.point
    assert all(one.score is None for one in result.seed_scores if one.scenario == "plain")
    assert ("harder",) == over_all(result, "sac").scenarios


def test_policies_are_ordered_by_score_and_bounds_are_none(result: ComparisonResult) -> None:
    """The agent, the best heuristic, the myopic rule and LinUCB alike, the other rule, chance."""
    order = [one.policy for one in result.policy_scores]
    assert ["sac", "stick 0.5"] == order[:2]
    assert "random_selection" == order[-1]
    assert "optimum" not in order
    assert -2.5 == over_all(result, "random_selection").score.point


def test_gap_improvement_and_profile(result: ComparisonResult) -> None:
    """0.5, 0.25, 0.5 and 0.75 are missing; all are above the heuristic; three quarters are above 0.26."""
    sac = over_all(result, "sac")
    assert 0.5 == sac.optimality_gap.point
    assert 1.0 == sac.improvement.point
    assert sac.improvement.low < 1.0
    at = dict(zip(sac.profile.thresholds, sac.profile.point, strict=True))
    assert (1.0, 0.75, 0.25, 0.0) == (at[0.0], at[0.26], at[0.5], at[0.76])
    assert 0.5 == over_all(result, "stick 0.5").improvement.point


def test_p_values_are_corrected_over_the_scenarios(result: ComparisonResult) -> None:
    """All four seeds agree in both scenarios: 2 of 16 signs; twice that after the correction."""
    for scenario in ("plain", "harder"):
        assert 0.125 == of(result, scenario, "sac").p_value
        assert 0.25 == of(result, scenario, "sac").p_adjusted
    assert 1.0 == of(result, "harder", "stick 0.5").p_value


def test_tails_and_areas(result: ComparisonResult) -> None:
    """The worst of 16 episodes is 1.5 below the worst seed; the curve averages 5 / 3 below its end."""
    sac = of(result, "harder", "sac")
    assert 11.0 - 1.5 == sac.worst_reward
    assert sac.learning_reward is not None
    assert pytest.approx(12.0 - 5.0 / 3.0) == sac.learning_reward.point
    assert 300 == sac.num_steps
    assert of(result, "harder", "optimum").worst_reward is None
    assert (100, 200, 300) == result.curves[1].curves[0].epochs


def test_without_an_exact_value_the_same_tapes_are_compared() -> None:
    """LinUCB's episodes lie 1 below the heuristic's, whatever the exact value is."""
    rows = two_scenarios()
    lucky = [
        played("harder", "stick 0.5", "rule", 10.0) if one.policy == "stick 0.5" else one
        for one in rows
        if one.scenario == "harder"
    ]
    result = compared_result(lucky, certificates(), np.random.default_rng(0))
    assert -1.0 == of(result, "harder", "lin_ucb").above_heuristic.point


def test_a_bound_is_set_over_the_tapes_that_it_has() -> None:
    """Large: the bound has two episodes of each seed, at which the heuristic earns 10 - 1.5 and 10 - 0.5.

    The bound's are 14 - 1.5 and 14 + 1.5: on average 5 above, so 1 stands at 15.
    """
    result = compared_result(two_scenarios(size="large"), [], np.random.default_rng(0))
    harder = result.anchors[1]
    assert ("bound", "", 10.0) == (harder.one_is, harder.label, harder.zero)
    assert pytest.approx(15.0) == harder.one
    assert pytest.approx(0.4) == of(result, "harder", "sac").score.point  # type: ignore[union-attr]


def test_without_a_bound_there_are_rewards_and_no_scores() -> None:
    """It is said, not guessed."""
    rows = [one for one in two_scenarios(size="large") if one.kind != "bound"]
    result = compared_result(rows, [], np.random.default_rng(0))
    assert () == result.policy_scores
    assert {"no bound is known"} == {one.one_is for one in result.anchors}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"exact": False, "episodes": 0},
            "'sac' in 'plain' needs returns or an exact value.",
        ),
        (
            {"curves": np.full((4, 2), np.nan)},
            "`curves` of 'sac' in 'plain' must be finite and have 4 rows, one for each seed.",
        ),
        (
            {"curves": np.zeros((3, 2))},
            "`curves` of 'sac' in 'plain' must be finite and have 4 rows, one for each seed.",
        ),
    ],
)
def test_numbers_that_do_not_fit_are_refused(changes: dict, text: str) -> None:
    """The sentence names the policy and the scenario."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        played("plain", "sac", "agent", 1.0, **changes)
