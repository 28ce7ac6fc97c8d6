"""Which array library answers, and what is refused before it computes."""

import math
import re
import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.network.arrays import RangeWarning, check, namespace, warn_outside


def test_plain_numbers_and_numpy_go_to_numpy() -> None:
    """A formula works on a float as on an array."""
    assert namespace(1.0, 2) is np
    assert namespace(np.zeros(3), 1.0) is np
    assert namespace(np.float64(2.0)) is np


def test_one_jax_array_makes_it_jax() -> None:
    """Constants of a fleet may stay NumPy beside traced values, also inside compiled code."""
    assert namespace(np.zeros(3), jnp.zeros(3)) is jnp
    doubled = jax.jit(lambda x: namespace(1.0, x).multiply(x, 2.0))
    np.testing.assert_array_equal([2.0, 4.0], doubled(jnp.array([1.0, 2.0])))


@pytest.mark.parametrize(
    ("value", "limits", "text"),
    [
        (math.nan, {}, "`load_bits` must be finite, got nan."),
        (np.array([1.0, -2.0, -3.0]), {"least": 0}, "`load_bits` must be finite and at least 0, got -2.0."),
        (0, {"above": 0}, "`load_bits` must be finite and greater than 0, got 0."),
        (math.inf, {"above": 0}, "`load_bits` must be finite and greater than 0, got inf."),
        (-math.inf, {"infinite": True}, "`load_bits` must be a number, got -inf."),
        (math.nan, {"least": 0, "infinite": True}, "`load_bits` must be a number and at least 0, got nan."),
    ],
)
def test_what_is_refused(value: Any, limits: dict[str, Any], text: str) -> None:
    """The sentence names the argument, the rule and the first offending value."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        check("load_bits", value, **limits)


def test_what_passes() -> None:
    """Good numbers pass, infinity where it is allowed, and arrays of JAX unseen."""
    check("load_bits", np.array([0.0, 5e-324]), least=0)
    check("battery_j", math.inf, above=0, infinite=True)
    check("load_bits", jnp.array([math.nan]), least=0)


def test_a_value_outside_a_model_warns_once_with_the_value() -> None:
    """The first value outside is named; inside nothing is said."""
    text = "`distance_2d_m` of 6000.0 is outside the range of umi, 10 to 5000: the value is extrapolated."
    with pytest.warns(RangeWarning, match=f"^{re.escape(text)}$"):
        warn_outside("distance_2d_m", np.array([50.0, 6000.0]), least=10, greatest=5000, model="umi")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_outside("distance_2d_m", 50.0, least=10, greatest=5000, model="umi")
        warn_outside("distance_2d_m", jnp.array([1.0]), least=10, greatest=5000, model="umi")
