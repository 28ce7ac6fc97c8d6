"""What all configurations refuse, and what all of them explain."""

import ast
import dataclasses
import inspect
import itertools
import re
from types import ModuleType
from typing import Any

import pytest

from net4moe.policy import dqn_config, ppo_config, sac_config

CONFIGS = (dqn_config.DQNConfig, ppo_config.PPOConfig, sac_config.SACConfig)


@pytest.mark.parametrize("record", CONFIGS)
@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"num_epochs": 0}, "`num_epochs` must be at least 1, got 0."),
        ({"num_envs": 0}, "`num_envs` must be at least 1, got 0."),
        ({"num_rollout_steps": -1}, "`num_rollout_steps` must be at least 1, got -1."),
        (
            {"num_epochs": 30, "evaluation_interval": 20},
            "`num_epochs` must be a multiple of `evaluation_interval`, got 30 and 20.",
        ),
        ({"num_hidden": 0}, "`num_hidden` must be at least 1, got 0."),
        ({"num_heads": -1}, "`num_heads` must be at least 0, got -1."),
        (
            {"num_hidden": 32, "num_heads": 3},
            "`num_hidden` must be a multiple of `num_heads`, got 32 and 3.",
        ),
        ({"discount": 1.1}, "`discount` must be from 0 to 1, got 1.1."),
        ({"discount": float("nan")}, "`discount` must be from 0 to 1, got nan."),
        ({"last_learning_rate_ratio": -0.1}, "`last_learning_rate_ratio` must be from 0 to 1, got -0.1."),
    ],
)
def test_settings_that_cannot_be_are_refused(record: Any, setting: dict[str, Any], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        record(**setting)


@pytest.mark.parametrize("module", [dqn_config, ppo_config, sac_config])
def test_every_setting_is_explained(module: ModuleType) -> None:
    """A string stands beneath each field."""
    record: Any = getattr(module, module.__all__[0])
    tree = ast.parse(inspect.getsource(module))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    explained = [
        before.target.id
        for before, after in itertools.pairwise(body)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
    ]
    assert [field.name for field in dataclasses.fields(record)] == explained


@pytest.mark.parametrize("record", CONFIGS)
def test_every_setting_is_a_number(record: Any) -> None:
    """A command line and a report show them all in the same way."""
    for field in dataclasses.fields(record):
        assert isinstance(field.default, int | float)
