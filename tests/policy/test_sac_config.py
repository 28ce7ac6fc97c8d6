"""Settings that cannot be are refused."""

import ast
import dataclasses
import inspect
import itertools
import re

import pytest

from net4moe.policy import SACConfig, sac_config


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ({"num_epochs": 0}, "`num_epochs` must be at least 1, got 0."),
        ({"num_random_epochs": -1}, "`num_random_epochs` must be at least 0, got -1."),
        (
            {"num_epochs": 30},
            "`num_epochs` must be a multiple of `evaluation_interval`, got 30 and 20.",
        ),
        (
            {"actor_learning_rate": float("nan")},
            "`actor_learning_rate` must be finite and greater than 0, got nan.",
        ),
        ({"discount": 1.1}, "`discount` must be from 0 to 1, got 1.1."),
        (
            {"initial_temperature": 20.0},
            "`initial_temperature` must lie between `least_temperature` and `greatest_temperature`, "
            "got 20.0, 0.001 and 10.0.",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(setting: dict[str, int | float], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        SACConfig(**setting)  # pyright: ignore[reportArgumentType]


def test_every_setting_is_explained() -> None:
    """A string stands beneath each field."""
    tree = ast.parse(inspect.getsource(sac_config))
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef)).body
    explained = [
        before.target.id
        for before, after in itertools.pairwise(body)
        if isinstance(before, ast.AnnAssign)
        and isinstance(before.target, ast.Name)
        and isinstance(after, ast.Expr)
    ]
    assert [field.name for field in dataclasses.fields(SACConfig)] == explained
