import json
from collections.abc import Callable
from dataclasses import asdict, replace

import numpy as np
import pytest

from net4moe.study import Curve, PolicyRewards, StudyResult


def test_a_result_turns_into_json_and_back(make_result: Callable[..., StudyResult]) -> None:
    """Nothing in it needs more than the standard library; not-a-number is refused elsewhere."""
    result = make_result()
    content = json.loads(json.dumps(asdict(result), allow_nan=False))
    assert 42.6 == content["policies"][1]["final"]["point"]
    assert "The fox took a hammer." == content["example"]["subtasks"][0]["passage"]
    assert content["example"]["subtasks"][1]["snr_db"] is None
    assert list(result.seeds) == content["seeds"]


def test_a_result_without_results_is_refused(make_result: Callable[..., StudyResult]) -> None:
    """There would be nothing to draw."""
    with pytest.raises(ValueError, match=r"^A study's result needs at least 1 policy and 1 curve\.$"):
        replace(make_result(), policies=())
    with pytest.raises(ValueError, match=r"^A study's result needs at least 1 seed, got 0\.$"):
        replace(make_result(), seeds=())


def test_rewards_fit_their_seeds_and_epochs() -> None:
    """A column that is missing is found before it moves a curve."""
    with pytest.raises(ValueError, match=r"^`rewards` of 'sac' must have shape \(2, 3\), got \(2, 2\)\.$"):
        PolicyRewards(
            policy="sac", label="Proposed DRL", seeds=(0, 1), epochs=(1, 2, 3), rewards=np.ones((2, 2))
        )


@pytest.mark.parametrize(
    ("point", "text"),
    [
        ((1.0,), "The curve of 'sac' needs as many rewards as epochs, got lengths [1, 2]."),
        ((1.0, float("nan")), "The curve of 'sac' must be finite."),
    ],
)
def test_a_curve_that_cannot_be_drawn_is_refused(point: tuple[float, ...], text: str) -> None:
    """Other lengths and numbers that are none are errors."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the whole text is compared
        Curve(policy="sac", label="Proposed DRL", epochs=(0, 1), point=point, low=(0.0, 0.0), high=(2.0, 2.0))
    assert text == str(caught.value)
