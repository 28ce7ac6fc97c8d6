"""Rules that nobody can play by are refused."""

import math
import re
from typing import Any

import pytest

from net4moe.environment.observation import GREATEST_AGE
from net4moe.environment.rules import Rules


def test_the_plain_rules_are_those_of_the_paper() -> None:
    """One prompt, one try, and no consequences."""
    rules = Rules()
    assert rules.num_steps is None
    assert not any((rules.devices_change, rules.loads_experts, rules.chained, rules.shares_band))
    assert math.inf == rules.deadline_s == rules.give_up_s == rules.greatest_backlog_s
    assert 0 == rules.evidence_weight == rules.greatest_age == rules.temperature_step_c


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"num_steps": 0}, "`num_steps` must be at least 1, got 0."),
        ({"tokens_per_word": 0.0}, "`tokens_per_word` must be greater than 0, got 0.0."),
        ({"tokens_per_word": math.nan}, "`tokens_per_word` must be greater than 0, got nan."),
        ({"tokens_per_word": math.inf}, "`tokens_per_word` must be finite, got inf."),
        ({"greatest_backlog_s": -1.0}, "`greatest_backlog_s` must be greater than 0, got -1.0."),
        ({"give_up_s": 0.0}, "`give_up_s` must be greater than 0, got 0.0."),
        ({"deadline_s": 0.0}, "`deadline_s` must be greater than 0, got 0.0."),
        ({"prompt_tokens": -1.0}, "`prompt_tokens` must be finite and at least 0, got -1.0."),
        ({"prompt_tokens": math.inf}, "`prompt_tokens` must be finite and at least 0, got inf."),
        ({"temperature_step_c": -5.0}, "`temperature_step_c` must be finite and at least 0, got -5.0."),
        ({"quality_memory": 1.1}, "`quality_memory` must be from 0 to 1, got 1.1."),
        ({"evidence_weight": -0.1}, "`evidence_weight` must be from 0 to 1, got -0.1."),
        ({"greatest_age": -1}, f"`greatest_age` must be from 0 to {GREATEST_AGE}, got -1."),
        ({"greatest_age": 65}, "`greatest_age` must be from 0 to 64, got 65."),
        ({"evidence_weight": 0.5}, "`greatest_age` must be at least 1 where `evidence_weight` is not 0."),
        (
            {"deadline_s": 3.0},
            "`deadline_s` needs `num_steps`: each try is a choice, and a prompt's tries are not known.",
        ),
        (
            {"chained": True, "shares_band": True},
            "`chained` and `shares_band` exclude each other: a chain has one passage on the air.",
        ),
    ],
)
def test_rules_that_nobody_can_play_by_are_refused(given: dict[str, Any], text: str) -> None:
    """The sentence names the rule and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        Rules(**given)
