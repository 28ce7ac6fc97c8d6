"""The same draws by a JAX key and by a NumPy generator, of the same law."""

from typing import Any

import jax
import numpy as np
import pytest
from scipy import stats

from net4moe.network import chance

COUNT = 100_000
LEAST_P = 0.001


def keys() -> list[Any]:
    """One of each kind, fixed."""
    return [jax.random.key(3), np.random.default_rng(3)]


@pytest.mark.parametrize("key", keys(), ids=["jax", "numpy"])
def test_laws(key: Any) -> None:
    """Uniform, normal and gamma numbers follow their laws (Kolmogorov-Smirnov)."""
    first, second, third = chance.split(key, 3)
    draws = {
        "uniform": (chance.uniform(first, (COUNT,)), stats.uniform),
        "normal": (chance.normal(second, (COUNT,)), stats.norm),
        "gamma": (chance.gamma(third, 2.5, (COUNT,)), stats.gamma(2.5)),
    }
    for name, (numbers, law) in draws.items():
        assert stats.kstest(np.asarray(numbers, np.float64), law.cdf).pvalue > LEAST_P, name
    assert 0 < np.min(draws["uniform"][0])
    assert np.max(draws["uniform"][0]) < 1


@pytest.mark.parametrize("make", [lambda: jax.random.key(7), lambda: np.random.default_rng(7)])
def test_same_key_same_bits(make: Any) -> None:
    """Equal keys give equal numbers; their parts give different ones."""
    first, second = chance.split(make(), 2)
    again, _ = chance.split(make(), 2)
    np.testing.assert_array_equal(chance.normal(first, (5,)), chance.normal(again, (5,)))
    assert not np.array_equal(chance.normal(second, (5,)), chance.normal(again, (5,)))
