"""The heuristics that agents have to beat."""

import numpy as np

from net4moe.environment.reward import RewardConfig
from net4moe.policy import BASELINES
from net4moe.policy.heuristics import HEURISTICS
from net4moe.study.rules import YARDSTICKS, label_of, rules_for
from tests.choices import choices


def test_every_rule_for_use_is_among_them() -> None:
    """Each of the rooms' rules, at least once; what knows more than a policy may is not."""
    names = {name.partition(" ")[0] for name in rules_for(RewardConfig())}
    kept = set(BASELINES) - {"upper_bound", "best_given_observation", "random_selection"}
    assert kept | set(HEURISTICS) == names
    assert not names & set(YARDSTICKS)


def test_rules_are_told_what_a_point_of_score_is_worth() -> None:
    """Four points for 3.5 pay at weight 1, not at 0.5."""
    decisions = choices([True, True], expected_score=[0.0, 2.0], expected_compute_cost=[0.5, 4.0])
    for name in ("highest_expectation", "stick 1", "keep_resident 1", "cool 0.5", "recent_form 0.9"):
        chosen = [int(rules_for(RewardConfig(quality_weight=w))[name](decisions)) for w in (1.0, 0.5)]
        assert [1, 0] == chosen, name


def test_settings_change_what_a_rule_does() -> None:
    """A margin of 1 stays with the device that serves; 0.5 leaves it for 0.8 more."""
    decisions = choices([True, True], expected_score=[0.0, 0.4], serving=[1.0, 0.0])
    rules = rules_for(RewardConfig())
    assert (1, 0) == (int(rules["stick 0.5"](decisions)), int(rules["stick 1"](decisions)))


def test_labels_say_the_setting() -> None:
    """The legend's words, then the number; agents and bounds have words of their own."""
    assert "Hysteresis, 0.5" == label_of("stick 0.5")
    assert "Strongest link" == label_of("strongest_link")
    assert "PPO" == label_of("ppo")
    assert np.all(
        [label_of(name) != name for name in (*rules_for(RewardConfig()), *YARDSTICKS, "mpc", "bound")]
    )
