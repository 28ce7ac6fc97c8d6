"""Signal-to-noise ratios follow their distributions, alike in NumPy and JAX."""

import math
import re
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from net4moe.network import SnrConfig, snr_db_from_uniform

CONFIGS = (
    SnrConfig(low_db=-3.0, high_db=17.0),
    SnrConfig(distribution="rayleigh", mean_db=8.0),
    SnrConfig(distribution="normal_db", mean_db=5.0, std_db=6.0),
    SnrConfig(distribution="fixed", mean_db=7.0),
)


def test_uniform_and_fixed_by_hand() -> None:
    """A quarter of the way from 0 to 20 dB is 5 dB; fixed does not look at the numbers."""
    uniform = np.array([0.25, 0.5])
    np.testing.assert_allclose([5.0, 10.0], snr_db_from_uniform(SnrConfig(), uniform))
    np.testing.assert_allclose(
        [3.0, 3.0], snr_db_from_uniform(SnrConfig(distribution="fixed", mean_db=3), uniform)
    )


def test_rayleigh_power_is_exponential() -> None:
    """The median of an exponential power of mean 1 is ln 2."""
    config = SnrConfig(distribution="rayleigh", mean_db=0.0)
    np.testing.assert_allclose(
        [10 * math.log10(math.log(2))], snr_db_from_uniform(config, np.array([0.5])), rtol=1e-12
    )


@pytest.mark.parametrize("config", CONFIGS[:3], ids=lambda config: config.distribution)
def test_the_whole_distribution_is_that_of_scipy(config: SnrConfig) -> None:
    """The inverse distribution function undoes SciPy's distribution function."""
    uniform = np.linspace(0.001, 0.999, 999)
    snr_db = snr_db_from_uniform(config, uniform)
    probability = {
        "uniform_db": stats.uniform(loc=-3, scale=20).cdf(snr_db),
        "rayleigh": stats.expon(scale=10**0.8).cdf(10 ** (snr_db / 10)),
        "normal_db": stats.norm(loc=5, scale=6).cdf(snr_db),
    }[config.distribution]
    np.testing.assert_allclose(uniform, probability, rtol=1e-7)


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: config.distribution)
def test_jax_and_numpy_agree(config: SnrConfig) -> None:
    """The same 32-bit numbers give the same ratios in both worlds."""
    uniform = np.linspace(0.001, 0.999, 101, dtype=np.float32)
    by_numpy = snr_db_from_uniform(config, uniform)
    by_jax = snr_db_from_uniform(config, jnp.asarray(uniform))
    np.testing.assert_allclose(by_numpy, np.asarray(by_jax), rtol=2e-5, atol=2e-5)
    assert np.float32 == by_numpy.dtype


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (
            {"distribution": "nakagami"},
            "`distribution` must be one of uniform_db, rayleigh, normal_db, fixed, got 'nakagami'.",
        ),
        ({"mean_db": math.nan}, "`mean_db` must be finite, got nan."),
        ({"high_db": math.inf}, "`high_db` must be finite, got inf."),
        ({"low_db": 21.0}, "`low_db` must not exceed `high_db`, got 21.0 and 20.0."),
        ({"std_db": -1.0}, "`std_db` must be at least 0, got -1.0."),
    ],
)
def test_a_distribution_that_cannot_be_is_refused(setting: dict[str, Any], text: str) -> None:
    """The sentence names the field and what came."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        SnrConfig(**setting)
