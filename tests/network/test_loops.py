"""Which moment stands for a time, by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from net4moe.network.loops import cycle, moment_s, there_and_back


def test_there_and_back_by_hand() -> None:
    """Ten seconds are read up, down and up again."""
    loop = there_and_back(10.0)
    assert [0.0, 4.0, 10.0, 7.0, 0.0, 1.0] == [moment_s(loop, t) for t in (0.0, 4.0, 10.0, 13.0, 20.0, 21.0)]


def test_a_cycle_begins_anywhere_and_starts_again() -> None:
    """A cycle of ten seconds that is entered at its eighth."""
    loop = cycle(10.0, 8.0)
    assert [8.0, 9.0, 0.0, 5.0, 8.0] == [moment_s(loop, t) for t in (0.0, 1.0, 2.0, 7.0, 10.0)]


def test_jax_and_numpy_agree() -> None:
    """Eager, compiled and batched."""
    loop = cycle(np.array([3.0, 7.0]), np.array([1.0, 2.0]))
    times_s = np.linspace(0.0, 50.0, 101)
    expected = np.stack([moment_s(loop, t) for t in times_s])
    with jax.enable_x64(True):
        got = jax.jit(jax.vmap(moment_s, (None, 0)))(loop, jnp.asarray(times_s))
        assert expected == pytest.approx(np.asarray(got), rel=1e-6, abs=1e-12)
